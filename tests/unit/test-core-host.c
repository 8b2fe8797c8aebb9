/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/bench.h"
#include "unit/registry.h"

#include <stdio.h>

/* The API as a whole: what stops all traffic, what finds out that it is back. */

static const Intent create = { .kind = INTENT_CREATE, .object = KIND_SESSION, .wait = true };

static ApiState api_state(const Bench *bench) {
        return core_status(bench->core).api_state;
}

/* Whoever is started in an outage finds that out with one question, however much waits. */
static void test_start_asks_first(void **state) {
        static const struct {
                ApiOutcome outcome;
                ApiState state;
                unsigned n_creations;
        } cases[] = {
                { API_NOT_SENT, API_STATE_OFFLINE, 0 },
                { API_NO_ANSWER, API_STATE_OFFLINE, 0 },
                { API_BROKEN, API_STATE_OFFLINE, 0 },
                { API_UNAUTHORIZED, API_STATE_UNAUTHORIZED, 0 },
                { API_THROTTLED, API_STATE_THROTTLED, 0 },
                { API_NOT_FOUND, API_STATE_ONLINE, 8 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Bench *bench = *state;
                unsigned n = 0;

                core_free(bench->core);
                assert_int_equal(core_new(&bench->core, &bench_config), 0);
                core_restore_counters(bench->core, &(Counters){ .last_number = { 8, 0 } });
                for (unsigned number = 1; number <= 8; number++)
                        registry_add(bench->core,
                                     &(Entry){ .kind = KIND_SESSION, .number = number });
                assert_int_equal(core_start(bench->core, bench->now), 0);
                bench_turn(bench);
                (void)bench_intend(bench, create);
                bench_pass(bench, USEC_PER_SEC);
                assert_int_equal(bench->n_requests, 1);
                assert_true(bench->requests[0].probe);
                bench_answer(bench, cases[i].outcome);
                assert_int_equal(api_state(bench), cases[i].state);
                for (size_t j = 0; j < bench->n_requests; j++)
                        n += operation_is_create(bench->requests[j].operation);
                assert_int_equal(n, cases[i].n_creations ? cases[i].n_creations + 1 : 0);
                bench_teardown(state);
                bench_setup(state);
        }
}

static void test_offline(void **state) {
        Bench *bench = *state;

        assert_int_equal(api_state(bench), API_STATE_UNKNOWN);
        for (unsigned i = 0; i < 5; i++)
                assert_int_equal(bench_intend(bench, create), 0);
        assert_int_equal(bench->n_requests, 5);
        bench_answer(bench, API_NOT_SENT);
        assert_int_equal(api_state(bench), API_STATE_OFFLINE);
        assert_int_equal(bench->n_replies, 5); /* all are accepted, and told so */
        while (bench->n_requests > 0)
                bench_answer(bench, API_NOT_SENT);

        /* However many wait: single probes, never a POST. */
        for (unsigned i = 0; i < 20; i++) {
                bench_pass(bench, bench_config.retry_max_usec);
                assert_int_equal(bench->n_requests, 1);
                assert_int_equal(bench_operation(bench), OPERATION_GET_SESSION);
                assert_int_equal(bench->requests[0].number, 0);
                bench_answer(bench, API_NOT_SENT);
        }
        assert_int_equal(bench_intend(bench, create), 0);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);

        bench_pass(bench, bench_config.retry_max_usec);
        bench_answer(bench, API_NOT_FOUND);
        assert_int_equal(api_state(bench), API_STATE_ONLINE);
        assert_int_equal(bench->n_requests, 6);
        assert_int_equal(core_status(bench->core).suspected_orphans, 0);
}

/* That something in front of the API answers does not mean that it is there. */
static void test_foreign_answers(void **state) {
        Bench *bench = *state;
        Answer answer = { .outcome = API_REFUSED,
                          .message = "HTTP 404 Not Found",
                          .request_id = "",
                          .foreign = true };
        usec_t seen;

        bench_session(bench, "s0");
        assert_int_equal(bench_intend(bench, create), 0);
        seen = core_status(bench->core).last_contact_at;
        bench_answer(bench, API_NOT_SENT);
        for (unsigned i = 0; i < 2; i++) {
                assert_int_equal(api_state(bench), API_STATE_OFFLINE);
                bench_pass(bench, bench_config.retry_max_usec);
                assert_true(bench->requests[0].probe);
                answer.serial = bench->requests[0].serial;
                bench->n_requests = 0;
                answer.foreign = i == 0;
                assert_int_equal(core_answer(bench->core, &answer, bench->now), 0);
                bench_turn(bench);
                if (i == 0)
                        assert_int_equal(core_status(bench->core).last_contact_at, seen);
        }
        assert_int_equal(api_state(bench), API_STATE_ONLINE);
        assert_int_equal(bench_operation(bench), OPERATION_CREATE_SESSION);
}

/* One object that the API always answers with 500 is that object's trouble alone. */
/* Covers "answer: only one object fails". */
static void test_suspect(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        Intent delete = {
                .kind = INTENT_DELETE, .object = KIND_SESSION, .number = session, .wait = true
        };

        assert_int_equal(bench_intend(bench, delete), 0);
        bench_answer(bench, API_BROKEN);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
        assert_int_equal(bench_operation(bench), OPERATION_GET_SESSION);
        bench_answer(bench, API_NOT_FOUND);
        assert_int_equal(api_state(bench), API_STATE_ONLINE);
        bench_session(bench, "s2");

        /* If what is asked instead fails likewise, it is the API. */
        bench_pass(bench, USEC_PER_SEC);
        bench_answer(bench, API_BROKEN);
        while (bench->n_requests > 0)
                bench_answer(bench, API_BROKEN);
        assert_int_equal(api_state(bench), API_STATE_OFFLINE);
}

static void test_unauthorized(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        Intent accepted = create,
               delete = { .kind = INTENT_DELETE,
                          .object = KIND_SESSION,
                          .number = session,
                          .wait = true },
               refresh = delete;

        accepted.wait = false;
        assert_int_equal(bench_intend(bench, accepted), 0);
        assert_int_equal(bench_intend(bench, create), 0);
        bench_answer(bench, API_UNAUTHORIZED);
        bench_answer(bench, API_UNAUTHORIZED);
        assert_int_equal(api_state(bench), API_STATE_UNAUTHORIZED);
        assert_int_equal(bench_reply(bench, 3), OUTCOME_UNAUTHORIZED);
        assert_null(bench_row(bench, KIND_SESSION, 3));     /* withdrawn */
        assert_non_null(bench_row(bench, KIND_SESSION, 2)); /* accepted before: kept */
        assert_int_equal(bench_intend(bench, create), OUTCOME_UNAUTHORIZED);
        refresh.kind = INTENT_REFRESH;
        assert_int_equal(bench_intend(bench, refresh), OUTCOME_UNAUTHORIZED);
        assert_int_equal(bench_intend(bench, delete), 0);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
        assert_int_equal(bench->n_requests, 0);

        bench_pass(bench, bench_config.retry_max_usec * 2);
        assert_int_equal(bench->n_requests, 1);
        assert_int_equal(bench_operation(bench), OPERATION_GET_SESSION);
        bench_answer(bench, API_NOT_FOUND);
        assert_int_equal(api_state(bench), API_STATE_ONLINE);
        assert_int_equal(bench->n_requests, 2);
}

/* Neither is a call sent whose request is still on its way to the disk when the refusal comes. */
static void test_unauthorized_while_stored(void **state) {
        Bench *bench = *state;
        Answer refused = { .outcome = API_FORBIDDEN, .message = "as told", .request_id = "" };
        uint64_t kept, withdrawn;
        Intent accepted = create;
        Batch *batch;

        assert_int_equal(bench_intend(bench, create), 0);
        refused.serial = bench->requests[0].serial;
        bench->n_requests = 0;
        accepted.wait = false;
        assert_int_equal(bench_take_in(bench, accepted, &kept), 0);
        assert_int_equal(bench_take_in(bench, create, &withdrawn), 0);
        assert_int_equal(core_seal(bench->core, bench->now, &batch), 0);
        assert_int_equal(core_answer(bench->core, &refused, bench->now), 0);
        assert_int_equal(core_committed(bench->core, batch, bench->now), 0);
        core_release(bench->core, batch);
        bench_turn(bench);
        assert_int_equal(bench->n_requests, 0);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_FORBIDDEN);
        assert_null(bench_row(bench, KIND_SESSION, withdrawn));
        assert_non_null(bench_row(bench, KIND_SESSION, kept));
        assert_int_equal(core_status(bench->core).suspected_orphans, 0);
}

/* What was accepted is not withdrawn because somebody else waits for the same object. */
static void test_unauthorized_keeps_what_was_accepted(void **state) {
        Bench *bench = *state;
        uint64_t one = bench_session(bench, "s1"), two = bench_session(bench, "s2");
        uint64_t participant = bench_participant(bench, "p1", 0, MODE_NONE);
        Intent delete = { .kind = INTENT_DELETE, .object = KIND_SESSION, .number = one };
        Intent add = { .kind = INTENT_ADD,
                       .object = KIND_PARTICIPANT,
                       .number = participant,
                       .session = two };
        uint64_t ticket;

        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, delete), 0);
        assert_int_equal(bench_intend(bench, add), 0);
        delete.wait = add.wait = true;
        assert_int_equal(bench_intend(bench, delete), 0);
        ticket = bench->last_ticket;
        add.kind = INTENT_SUBSCRIBE;
        add.mode = MODE_SESSION;
        assert_int_equal(bench_intend(bench, add), 0);
        bench_answer(bench, API_UNAUTHORIZED);
        bench_answer(bench, API_UNAUTHORIZED);
        assert_int_equal(bench_reply(bench, ticket), OUTCOME_UNAUTHORIZED);
        assert_int_equal(bench_reply(bench, ticket + 1), OUTCOME_UNAUTHORIZED);
        assert_int_equal(row_state(bench_row(bench, KIND_SESSION, one)), STATE_DELETING);
        const Row *row = bench_row(bench, KIND_PARTICIPANT, participant);
        assert_true(place_in_session(row->wanted, two));
        assert_false(row_in_sync(row));
}

static void test_unauthorized_is_not_offline(void **state) {
        Bench *bench = *state;

        assert_int_equal(bench_intend(bench, create), 0);
        bench_answer(bench, API_UNAUTHORIZED);
        bench_pass(bench, bench_config.retry_max_usec * 2);
        assert_int_equal(bench->n_requests, 1);
        bench_answer(bench, API_NOT_SENT);
        assert_int_equal(api_state(bench), API_STATE_UNAUTHORIZED);
        assert_int_equal(bench_intend(bench, create), OUTCOME_UNAUTHORIZED);
        bench_pass(bench, bench_config.retry_max_usec / 2);
        assert_int_equal(bench->n_requests, 0);
}

static void test_no_credentials(void **state) {
        Bench *bench = *state;

        core_set_credentials(bench->core, false, bench->now);
        assert_int_equal(api_state(bench), API_STATE_UNAUTHORIZED);
        assert_int_equal(bench_intend(bench, create), OUTCOME_UNAUTHORIZED);
        bench_pass(bench, USEC_PER_HOUR);
        assert_int_equal(bench->n_sent, 0);
        assert_int_equal(core_deadline(bench->core, bench->now), USEC_NEVER);
        core_set_credentials(bench->core, true, bench->now);
        bench_turn(bench);
        assert_int_equal(bench_operation(bench), OPERATION_GET_SESSION);
        bench_answer(bench, API_NOT_FOUND);
        assert_int_equal(api_state(bench), API_STATE_ONLINE);
}

/* What was asked with the old credentials says nothing of the new ones. */
static void test_new_credentials(void **state) {
        Bench *bench = *state;

        assert_int_equal(bench_intend(bench, create), 0);
        assert_int_equal(bench_intend(bench, create), 0);
        bench_answer(bench, API_UNAUTHORIZED);
        assert_int_equal(api_state(bench), API_STATE_UNAUTHORIZED);
        core_set_credentials(bench->core, true, bench->now);
        bench_turn(bench);
        assert_int_equal(bench->n_requests, 2);
        bench_answer(bench, API_UNAUTHORIZED); /* the old creation */
        assert_int_equal(bench_operation(bench), OPERATION_GET_SESSION);
        bench_answer(bench, API_UNAUTHORIZED); /* the new probe */
        bench_pass(bench, USEC_PER_SEC);
        assert_int_equal(bench->n_requests, 0);

        /* A probe that was on its way makes room for a new one. */
        bench_pass(bench, bench_config.retry_max_usec * 2);
        assert_int_equal(bench_operation(bench), OPERATION_GET_SESSION);
        core_set_credentials(bench->core, true, bench->now);
        bench_turn(bench);
        assert_int_equal(bench->n_requests, 1);
        bench_answer(bench, API_UNAUTHORIZED);
        assert_int_equal(bench->n_requests, 1);
        bench_answer(bench, API_NOT_FOUND);
        assert_int_equal(api_state(bench), API_STATE_ONLINE);
}

/* Another proxy, other certificates: no need to wait for the next probe. */
static void test_new_way(void **state) {
        Bench *bench = *state;

        assert_int_equal(bench_intend(bench, create), 0);
        for (unsigned i = 0; i < 20; i++) {
                if (bench->n_requests > 0)
                        bench_answer(bench, API_NOT_SENT);
                bench_pass(bench, bench_config.retry_min_usec * 2);
        }
        while (bench->n_requests > 0)
                bench_answer(bench, API_NOT_SENT);
        assert_int_equal(api_state(bench), API_STATE_OFFLINE);
        core_set_credentials(bench->core, true, bench->now);
        bench_turn(bench);
        assert_int_equal(bench_operation(bench), OPERATION_GET_SESSION);
        bench_answer(bench, API_NOT_FOUND);
        assert_int_equal(api_state(bench), API_STATE_ONLINE);
}

/* Figures that change while the core runs. */
static void test_configure(void **state) {
        CoreConfig config = bench_config;
        Bench *bench = *state;
        unsigned n_sent;

        bench_session(bench, "s1");
        assert_int_equal(bench_intend(bench, create), 0);
        config.reply_timeout_usec = USEC_PER_SEC;
        config.requests_per_sec = 0.1;
        config.request_burst = 1;
        core_configure(bench->core, &config, bench->now);
        assert_int_equal(bench_intend(bench, create), 0);
        assert_int_equal(bench_intend(bench, create), 0);
        assert_int_equal(bench->n_sent, 3); /* what was in the bucket is cut to the new size */
        bench_pass(bench, USEC_PER_SEC - 1);
        assert_int_equal(bench_reply(bench, 2), -1);
        bench_pass(bench, 1);
        for (uint64_t ticket = 2; ticket <= 4; ticket++)
                assert_int_equal(bench_reply(bench, ticket), OUTCOME_DONE);

        n_sent = bench->n_sent;
        config.requests_per_sec = 1000;
        core_configure(bench->core, &config, bench->now);
        bench_pass(bench, USEC_PER_MSEC);
        assert_int_equal(bench->n_sent, n_sent + 1);
}

static void test_configure_sooner(void **state) {
        CoreConfig config = bench_config;
        Bench *bench = *state;

        bench_session(bench, "s1");
        bench_pass(bench, USEC_PER_SEC);
        bench_skip_reads(bench);
        config.resync_interval_usec *= 2;
        core_configure(bench->core, &config, bench->now);
        bench_pass(bench, USEC_PER_MSEC);
        assert_int_equal(bench->n_requests, 0);
        config.resync_interval_usec /= 8;
        core_configure(bench->core, &config, bench->now);
        bench_turn(bench);
        assert_int_equal(bench->n_requests, 1);
}

/* The caller is answered after a while, whatever the API does. */
static void test_reply_timeout(void **state) {
        Bench *bench = *state;

        assert_int_equal(bench_intend(bench, create), 0);
        assert_int_equal(core_deadline(bench->core, bench->now),
                         bench->now.boottime + bench_config.reply_timeout_usec);
        bench_pass(bench, bench_config.reply_timeout_usec - 1);
        assert_int_equal(bench_reply(bench, 1), -1);
        bench_pass(bench, 1);
        assert_int_equal(bench_reply(bench, 1), OUTCOME_DONE);
        bench_answer_id(bench, "s1");
        assert_true(row_in_sync(bench_row(bench, KIND_SESSION, 1)));
        assert_int_equal(bench->n_replies, 1);
}

static void test_budget(void **state) {
        Bench *bench = *state;
        unsigned n = 0;

        for (unsigned i = 0; i < 60; i++)
                assert_int_equal(bench_intend(bench, create), 0);
        assert_int_equal(bench->n_requests, bench_config.requests_max);
        while (bench->n_requests > 0) {
                char id[] = "s00";

                id[1] = (char)('a' + n / 26);
                id[2] = (char)('a' + n++ % 26);
                bench_answer_id(bench, id);
        }
        assert_int_equal(bench->n_sent, bench_config.request_burst);
        bench_pass(bench, USEC_PER_SEC / 20);
        assert_int_equal(bench->n_sent, bench_config.request_burst + 1);
}

/* What was read at once is not so again: it is spread over the interval that follows. */
static void test_looks_are_spread(void **state) {
        enum { N = 200, PARTS = 10 };
        const usec_t part = bench_config.resync_interval_usec / PARTS;
        CoreConfig config = bench_config;
        Bench *bench = *state;
        unsigned n_before;

        config.requests_per_sec = 1000;
        core_configure(bench->core, &config, bench->now);
        for (unsigned i = 0; i < N; i++) {
                char id[16];

                snprintf(id, sizeof(id), "s%u", i);
                bench->n_replies = 0;
                bench_session(bench, id);
                bench_pass(bench, USEC_PER_SEC);
                bench_skip_reads(bench);
        }
        core_sync(bench->core, bench->now);
        bench_turn(bench);
        n_before = bench->n_sent;
        for (unsigned i = 0; i < 10; i++) {
                bench_skip_reads(bench);
                bench_pass(bench, USEC_PER_SEC / 10);
        }
        assert_true(bench->n_sent - n_before >= N / 2);

        /* The places of those that are due at the end of the interval reach into the next. */
        for (unsigned i = 0; i < 3 * PARTS; i++) {
                n_before = bench->n_sent;
                for (usec_t passed = 0; passed < part; passed += part / 10) {
                        bench_pass(bench, part / 10);
                        bench_skip_reads(bench);
                }
                if (i > 0)
                        assert_in_range(bench->n_sent - n_before, N / PARTS / 2, N / PARTS * 2);
        }
}

static void test_stop(void **state) {
        Bench *bench = *state;

        assert_int_equal(bench_intend(bench, create), 0);
        core_stop(bench->core);
        bench_turn(bench);
        assert_int_equal(bench_reply(bench, 1), OUTCOME_DONE);
        assert_int_equal(bench_intend(bench, create), OUTCOME_UNAVAILABLE);
        assert_int_equal(core_status(bench->core).n_posts, 1);
        bench_answer_id(bench, "s1");
        assert_string_equal(row_id(bench_row(bench, KIND_SESSION, 1)).text, "s1");
        bench_pass(bench, USEC_PER_HOUR);
        assert_int_equal(bench->n_sent, 1);
}

/* What was decided but never let out leaves no trace: no failed attempt, no unknown outcome. */
static void test_withhold(void **state) {
        Bench *bench = *state;
        Batch *batch;

        assert_int_equal(bench_take_in(bench, create, NULL), 0);
        assert_int_equal(core_seal(bench->core, bench->now, &batch), 0);
        assert_int_equal(batch->n_effects, 1);
        core_stop(bench->core);
        assert_int_equal(core_committed(bench->core, batch, bench->now), 0);
        assert_int_equal(batch->n_effects, 0);
        core_release(bench->core, batch);
        bench_turn(bench);
        assert_int_equal(core_status(bench->core).n_posts, 0);
        assert_int_equal(core_status(bench->core).suspected_orphans, 0);
        const Row *row = bench_row(bench, KIND_SESSION, 1);
        assert_false(row->attempt_open);
        assert_int_equal(row->n_failed, 0);
        assert_int_equal(row->last_error, OUTCOME_DONE);
}

/* What says something about an object is a good answer, and nothing else is: not one that fails,
 * and not one that says who we are not. */
/* Covers "property: Manager.LastContactUSec". */
static void test_last_contact(void **state) {
        static const bool good[_API_OUTCOME_MAX] = {
                [API_OK] = true,
                [API_REFUSED] = true,
                [API_NOT_FOUND] = true,
                [API_CONFLICT] = true,
        };
        Bench *bench;

        for (ApiOutcome outcome = 0; outcome < _API_OUTCOME_MAX; outcome++) {
                usec_t before;

                assert_int_equal(bench_teardown(state), 0);
                assert_int_equal(bench_setup(state), 0);
                bench = *state;
                assert_int_equal(core_status(bench->core).last_contact_at, 0);
                bench_session(bench, "s1");
                bench_skip_reads(bench);
                before = core_status(bench->core).last_contact_at;
                assert_int_equal(before, bench->now.realtime);

                bench->now.realtime += USEC_PER_SEC;
                assert_int_equal(bench_intend(bench, (Intent){ .kind = INTENT_REFRESH,
                                                               .object = KIND_SESSION,
                                                               .number = bench_number(bench) }),
                                 0);
                bench_answer(bench, outcome);
                assert_int_equal(core_status(bench->core).last_contact_at,
                                 good[outcome] ? bench->now.realtime : before);
        }
}

/* The same of a probe. */
static void test_last_contact_of_a_probe(void **state) {
        Bench *bench = *state;

        assert_int_equal(bench_intend(bench, create), 0);
        for (ApiOutcome outcome = 0; outcome < _API_OUTCOME_MAX; outcome++) {
                if (outcome == API_OK || outcome == API_REFUSED || outcome == API_NOT_FOUND ||
                    outcome == API_CONFLICT)
                        continue;
                bench_answer(bench, bench->n_sent == 1 ? API_NOT_SENT : outcome);
                assert_int_equal(core_status(bench->core).last_contact_at, 0);
                bench_pass(bench, 2 * bench_config.retry_max_usec);
                assert_true(bench->requests[0].probe);
        }
        bench_answer(bench, API_NOT_FOUND);
        assert_int_equal(core_status(bench->core).last_contact_at, bench->now.realtime);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_start_asks_first),
                TEST(test_offline),
                TEST(test_foreign_answers),
                TEST(test_suspect),
                TEST(test_unauthorized),
                TEST(test_unauthorized_while_stored),
                TEST(test_unauthorized_keeps_what_was_accepted),
                TEST(test_unauthorized_is_not_offline),
                TEST(test_no_credentials),
                TEST(test_reply_timeout),
                TEST(test_new_credentials),
                TEST(test_new_way),
                TEST(test_configure),
                TEST(test_configure_sooner),
                TEST(test_budget),
                TEST(test_looks_are_spread),
                TEST(test_stop),
                TEST(test_withhold),
                TEST(test_last_contact),
                TEST(test_last_contact_of_a_probe),
        };

        return cmocka_run_group_tests_name("core-host", tests, NULL, NULL);
}
