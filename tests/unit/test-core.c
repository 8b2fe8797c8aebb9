/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/bench.h"

#include <errno.h>

#include "core/internal.h"

static const Intent create_session = { .kind = INTENT_CREATE,
                                       .object = KIND_SESSION,
                                       .wait = true };

static void test_create(void **state) {
        Bench *bench = *state;
        uint64_t number = bench_session(bench, "s1");
        const Row *row = bench_row(bench, KIND_SESSION, number);

        assert_non_null(row);
        assert_true(row_in_sync(row));
        assert_string_equal(row_id(row).text, "s1");
        assert_int_equal(row->expires_at, bench->now.realtime + 9 * USEC_PER_HOUR);
        assert_int_equal(bench->n_sent, 1);
        assert_int_equal(bench->n_commits, 2);
        assert_ptr_equal(core_find_id(bench->core, KIND_SESSION, (ApiId[]){ row_id(row) }), row);
}

/* Nobody hears of an intent, and nothing is sent, before the batch with its row was committed. */
static void test_nothing_before_commit(void **state) {
        Bench *bench = *state;
        uint64_t number;
        Batch *batch, *second;

        assert_int_equal(bench_take_in(bench, create_session, &number), 0);
        assert_null(core_find(bench->core, KIND_SESSION, number));
        assert_int_equal(core_seal(bench->core, bench->now, &batch), 0);
        assert_non_null(batch);
        assert_true(batch_needs_disk(batch));
        assert_true(batch->rows[0].to_disk);
        assert_true(batch->rows[0].row.attempt_open);
        assert_int_equal(core_seal(bench->core, bench->now, &second), 0);
        assert_null(second);
        assert_null(core_find(bench->core, KIND_SESSION, number));
        assert_int_equal(core_deadline(bench->core, bench->now), USEC_NEVER);
        assert_int_equal(core_committed(bench->core, batch, bench->now), 0);
        assert_non_null(core_find(bench->core, KIND_SESSION, number));
        core_release(bench->core, batch);
}

static void test_unknown_outcome(void **state) {
        Bench *bench = *state;
        Intent intent = create_session;
        unsigned n_posts = 0;

        intent.wait = false;
        assert_int_equal(bench_intend(bench, intent), 0);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
        for (unsigned i = 0; i < 100; i++) {
                while (bench->n_requests > 0) {
                        bool creates = operation_is_create(bench_operation(bench));

                        n_posts += creates;
                        /* The API is well apart from that: probes pass. */
                        bench_answer(bench, creates ? API_NO_ANSWER : API_NOT_FOUND);
                }
                bench_pass(bench, USEC_PER_SEC / 4);
        }
        assert_int_equal(n_posts, 1 + bench_config.create_repeats);
        assert_int_equal(core_status(bench->core).suspected_orphans, n_posts);
        assert_int_equal(row_state(bench_row(bench, KIND_SESSION, 1)), STATE_FAILED);
        assert_int_equal(bench_row(bench, KIND_SESSION, 1)->last_error, OUTCOME_UNKNOWN);

        /* Nothing of it is known at the API: it is forgotten at once. */
        Intent forget = {
                .kind = INTENT_DELETE, .object = KIND_SESSION, .number = 1, .wait = true
        };
        assert_int_equal(bench_intend(bench, forget), 0);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
        assert_null(bench_row(bench, KIND_SESSION, 1));
}

/* An id that another object has already is no answer that helps; it is said in words. */
static void test_id_of_another(void **state) {
        Bench *bench = *state;
        Intent intent = create_session;

        bench_session(bench, "s1");
        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, intent), 0);
        bench_answer_id(bench, "s1");
        assert_int_equal(core_status(bench->core).suspected_orphans, 1);
        assert_int_equal(bench_row(bench, KIND_SESSION, 2)->last_error, OUTCOME_UNAVAILABLE);
        assert_string_equal(bench_row(bench, KIND_SESSION, 2)->last_message,
                            "The API gave it the id that another object has.");
}

static void test_at_most_once(void **state) {
        Bench *bench = *state;
        CLEANUP(spec_unrefp) Spec *spec = NULL;
        Intent intent = create_session;

        assert_int_equal(spec_new(&spec), 0);
        spec->at_most_once = true;
        intent.spec = spec;
        assert_int_equal(bench_intend(bench, intent), 0);
        bench_answer(bench, API_BROKEN);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_UNKNOWN);
        bench_answer(bench, API_NOT_FOUND); /* the probe */
        bench_pass(bench, USEC_PER_HOUR);
        assert_int_equal(bench->n_sent, 2);
        assert_int_equal(core_status(bench->core).suspected_orphans, 1);
}

static void test_not_sent_is_no_attempt(void **state) {
        Bench *bench = *state;

        assert_int_equal(bench_intend(bench, create_session), 0);
        bench_answer(bench, API_NOT_SENT);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
        assert_false(bench_row(bench, KIND_SESSION, 1)->attempt_open);
        assert_int_equal(core_status(bench->core).suspected_orphans, 0);
}

/* Of what succeeds at last, too, it is told at which attempt; and of what does not, how many there
 * were. */
static void test_attempts(void **state) {
        Bench *bench = *state;
        Intent unattended = create_session;

        bench_session(bench, "s0");
        bench_skip_reads(bench);
        unattended.wait = false;
        for (unsigned failures = 2; failures <= 3; failures++) {
                assert_int_equal(bench_intend(bench, unattended), 0);
                for (unsigned i = 1; i <= failures; i++) {
                        assert_int_equal(bench_operation(bench), OPERATION_CREATE_SESSION);
                        bench_answer(bench, API_NO_ANSWER);
                        assert_int_equal(bench->told_attempt, i);
                        bench_skip_reads(bench); /* and the probe */
                        bench_pass(bench, bench_config.retry_min_usec * 16);
                        bench_skip_reads(bench);
                }
                if (failures == 2)
                        bench_answer_id(bench, "s1");
                if (failures == 2)
                        assert_string_equal(bench->told_text, "A session was created.");
                assert_int_equal(bench->told_attempt, 3);
        }
        assert_int_equal(bench_row(bench, KIND_SESSION, 3)->n_failed, 3);
        assert_int_equal(row_state(bench_row(bench, KIND_SESSION, 3)), STATE_FAILED);
}

/* CreateRepeats= of now counts, not that of when it failed. */
static void test_fewer_repeats(void **state) {
        Bench *bench = *state;
        CoreConfig config = bench_config;
        Intent unattended = create_session;

        unattended.wait = false;
        assert_int_equal(bench_intend(bench, unattended), 0);
        bench_answer(bench, API_NO_ANSWER);
        bench_answer(bench, API_NOT_FOUND); /* the probe */
        assert_int_equal(row_state(bench_row(bench, KIND_SESSION, 1)), STATE_PENDING);
        config.create_repeats = 0;
        core_configure(bench->core, &config, bench->now);
        bench_pass(bench, 2 * bench_config.retry_min_usec);
        assert_int_equal(bench->n_requests, 0);
        assert_int_equal(row_state(bench_row(bench, KIND_SESSION, 1)), STATE_FAILED);
        assert_int_equal(bench_row(bench, KIND_SESSION, 1)->last_error, OUTCOME_UNKNOWN);
}

static void test_refused(void **state) {
        Bench *bench = *state;
        Intent unattended = create_session;

        assert_int_equal(bench_intend(bench, create_session), 0);
        bench_answer(bench, API_REFUSED);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_REJECTED);
        assert_null(bench_row(bench, KIND_SESSION, 1));

        unattended.wait = false;
        assert_int_equal(bench_intend(bench, unattended), 0);
        bench_answer(bench, API_REFUSED);
        assert_int_equal(row_state(bench_row(bench, KIND_SESSION, 2)), STATE_FAILED);
        assert_int_equal(bench_row(bench, KIND_SESSION, 2)->last_error, OUTCOME_REJECTED);
}

/* By itself it is enough to see that it is there; who asks wants to know who is in it. */
static void test_first_read(void **state) {
        Bench *bench = *state;
        Intent refresh = { .kind = INTENT_REFRESH, .object = KIND_SESSION, .wait = true };

        bench_session(bench, "s1");
        bench_pass(bench, bench_config.resync_interval_usec * 2);
        assert_int_equal(bench_operation(bench), OPERATION_GET_SESSION);
        bench_answer(bench, API_OK);

        refresh.number = bench_session(bench, "s2");
        assert_int_equal(bench_intend(bench, refresh), 0);
        assert_int_equal(bench_operation(bench), OPERATION_LIST_PARTICIPANTS);
        bench_answer(bench, API_OK);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
}

static void test_delete(void **state) {
        Bench *bench = *state;
        uint64_t number = bench_session(bench, "s1");
        Intent intent = {
                .kind = INTENT_DELETE, .object = KIND_SESSION, .number = number, .wait = true
        };

        assert_int_equal(bench_intend(bench, intent), 0);
        assert_int_equal(row_state(bench_row(bench, KIND_SESSION, number)), STATE_DELETING);
        assert_int_equal(bench_operation(bench), OPERATION_DELETE_SESSION);
        assert_int_equal(bench_intend(bench, intent), 0); /* joins the first */
        assert_int_equal(bench->n_requests, 1);
        intent.kind = INTENT_REFRESH;
        assert_int_equal(bench_intend(bench, intent), OUTCOME_CONFLICT);
        bench_answer(bench, API_NOT_FOUND);
        assert_null(bench_row(bench, KIND_SESSION, number));
        assert_int_equal(bench_reply(bench, 2), OUTCOME_DONE);
        assert_int_equal(bench_reply(bench, 3), OUTCOME_DONE);
        assert_int_equal(core_status(bench->core).n_objects[KIND_SESSION], 0);
}

/* An id that arrives after all is stored, and then deleted. */
static void test_delete_during_create(void **state) {
        Bench *bench = *state;
        Intent delete = {
                .kind = INTENT_DELETE, .object = KIND_SESSION, .number = 1, .wait = true
        };

        assert_int_equal(bench_intend(bench, create_session), 0);
        assert_int_equal(bench_intend(bench, delete), 0);
        assert_int_equal(bench_reply(bench, 1), OUTCOME_SUPERSEDED);
        assert_int_equal(row_state(bench_row(bench, KIND_SESSION, 1)), STATE_DELETING);
        bench_answer_id(bench, "late");
        assert_string_equal(row_id(bench_row(bench, KIND_SESSION, 1)).text, "late");
        assert_int_equal(bench_operation(bench), OPERATION_DELETE_SESSION);
        bench_answer(bench, API_OK);
        assert_int_equal(bench_reply(bench, 2), OUTCOME_DONE);
        assert_null(bench_row(bench, KIND_SESSION, 1));
}

static void test_delete_during_unknown_create(void **state) {
        Bench *bench = *state;
        Intent delete = {
                .kind = INTENT_DELETE, .object = KIND_SESSION, .number = 1, .wait = true
        };

        assert_int_equal(bench_intend(bench, create_session), 0);
        assert_int_equal(bench_intend(bench, delete), 0);
        bench_answer(bench, API_NO_ANSWER);
        assert_int_equal(bench_reply(bench, 2), OUTCOME_DONE);
        assert_null(bench_row(bench, KIND_SESSION, 1));
        assert_int_equal(core_status(bench->core).suspected_orphans, 1);
}

/* An attempt that was open when the last run ended has an unknown outcome. */
static void test_restart(void **state) {
        Bench *bench = *state;
        Row row = { .kind = KIND_SESSION,
                    .number = 4,
                    .attempt_open = true,
                    .goals[BEING] = { .wanted_rev = 1 } };

        bench->core = core_free(bench->core);
        assert_int_equal(core_new(&bench->core, &bench_config), 0);
        core_restore_counters(bench->core, &(Counters){ .last_number = { 4, 0 } });
        assert_int_equal(spec_new(&row.spec), 0);
        assert_int_equal(core_restore(bench->core, &row), 0);
        bench_start(bench);
        assert_int_equal(core_status(bench->core).suspected_orphans, 1);
        assert_int_equal(bench_row(bench, KIND_SESSION, 4)->n_unknown, 1);
        bench_pass(bench, USEC_PER_SEC);
        assert_int_equal(bench_operation(bench), OPERATION_CREATE_SESSION);
        bench_answer_id(bench, "s4");
        assert_true(row_in_sync(bench_row(bench, KIND_SESSION, 4)));
        assert_int_equal(bench_session(bench, "s5"), 5);
}

/* From an intent on, durable or not, until the API has confirmed it; and again after a restart. */
static void test_owner_counts(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        OwnerCounts counts = core_owner_counts(bench->core, 0);

        assert_int_equal(core_owner_counts(bench->core, 1001).n_objects, 0);
        assert_int_equal(counts.n_objects, 1);
        assert_int_equal(counts.n_pending, 0);

        bench_intend(bench,
                     (Intent){ .kind = INTENT_DELETE, .object = KIND_SESSION, .number = session });
        counts = core_owner_counts(bench->core, 0);
        assert_int_equal(counts.n_objects, 1);
        assert_int_equal(counts.n_pending, 1);
        bench_answer(bench, API_OK);
        counts = core_owner_counts(bench->core, 0);
        assert_int_equal(counts.n_objects, 0);
        assert_int_equal(counts.n_pending, 0);
}

static void test_gone(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t participant = bench_participant(bench, "p1", session, MODE_SESSION);

        bench_pass(bench, USEC_PER_SEC);
        assert_int_equal(bench_operation(bench), OPERATION_LIST_PARTICIPANTS);
        bench_answer(bench, API_NOT_FOUND);
        assert_null(bench_row(bench, KIND_SESSION, session));
        assert_null(bench_row(bench, KIND_PARTICIPANT, participant)->wanted);
        assert_int_equal(bench->n_logs[LOG_EVENT_GONE], 1);
        assert_int_equal(bench_operation(bench), OPERATION_GET_PARTICIPANT);
        bench_answer(bench, API_REFUSED); /* no real 404: nothing is concluded */
        assert_non_null(bench_row(bench, KIND_PARTICIPANT, participant));
}

static bool is_active(const Bench *bench, Kind kind, uint64_t number) {
        return registry_find(&bench->core->registry, kind, number)->activity;
}

/* What is read says that p1 is in @session, NULL: in none. */
static void answer_reads(Bench *bench, const char *session) {
        const Sighting sighting = bench_sighting("p1", session, MODE_SESSION);

        for (;;) {
                switch (bench_operation(bench)) {
                case OPERATION_GET_SESSION:
                        bench_answer(bench, API_OK);
                        break;
                case OPERATION_GET_PARTICIPANT:
                        bench_answer_seen(bench, "p1", session, MODE_SESSION);
                        break;
                case OPERATION_LIST_PARTICIPANTS:
                        bench_answer_sightings(bench, &sighting, session ? 1 : 0);
                        break;
                default:
                        return;
                }
        }
}

/* Of what goes on about an object nothing is left in memory once that has ended. */
static void test_activity(void **state) {
        Bench *bench = *state;
        const uint64_t session = bench_session(bench, "s1");
        const uint64_t number = bench_participant(bench, "p1", session, MODE_SESSION);
        const Intent leave = { .kind = INTENT_REMOVE,
                               .object = KIND_PARTICIPANT,
                               .number = number,
                               .session = session,
                               .wait = true };
        const Intent refresh = { .kind = INTENT_REFRESH,
                                 .object = KIND_SESSION,
                                 .number = session };

        bench_pass(bench, USEC_PER_SEC);
        answer_reads(bench, "s1");
        assert_false(is_active(bench, KIND_SESSION, session));
        assert_false(is_active(bench, KIND_PARTICIPANT, number));

        assert_int_equal(bench_intend(bench, refresh), 0);
        assert_true(is_active(bench, KIND_SESSION, session));
        answer_reads(bench, "s1");
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
        assert_false(is_active(bench, KIND_SESSION, session));

        /* While it waits to be tried again, too. */
        assert_int_equal(bench_intend(bench, leave), 0);
        assert_true(is_active(bench, KIND_PARTICIPANT, number));
        bench_answer(bench, API_BROKEN);
        answer_reads(bench, "s1");
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
        assert_true(is_active(bench, KIND_PARTICIPANT, number));
        bench_pass(bench, USEC_PER_MIN);
        answer_reads(bench, "s1");
        bench_answer(bench, API_OK);
        bench_pass(bench, USEC_PER_SEC);
        answer_reads(bench, NULL);
        assert_true(row_in_sync(bench_row(bench, KIND_PARTICIPANT, number)));
        assert_false(is_active(bench, KIND_PARTICIPANT, number));
}

/* Covers "state: the time of a session passes". */
static void test_expiry(void **state) {
        Bench *bench = *state;
        CoreConfig config = bench_config;
        uint64_t session;

        config.resync_interval_usec = 100000 * USEC_PER_HOUR;
        core_configure(bench->core, &config, bench->now);
        session = bench_session(bench, "s1");
        bench_pass(bench, USEC_PER_SEC);
        bench_skip_reads(bench);

        bench_pass(bench, 8 * USEC_PER_HOUR);
        assert_int_equal(bench_operation(bench), _OPERATION_MAX);
        bench_pass(bench, USEC_PER_HOUR);
        assert_int_equal(bench_operation(bench), OPERATION_LIST_PARTICIPANTS);
        bench_answer(bench, API_BROKEN);
        assert_non_null(bench_row(bench, KIND_SESSION, session));
        for (unsigned i = 0; i < 10 && bench_operation(bench) != OPERATION_LIST_PARTICIPANTS; i++) {
                bench_skip_reads(bench);
                bench_pass(bench, 10 * USEC_PER_SEC);
        }
        bench_answer(bench, API_NOT_FOUND);
        assert_null(bench_row(bench, KIND_SESSION, session));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

/* A place with one publisher, in session 4. */
static Place *place_that_hears(uint64_t publisher) {
        Publisher heard = { .number = publisher };
        Place *place;

        assert_int_equal(place_new(&place, 4, NULL, MODE_PARTICIPANTS, &heard, 1), 0);
        return place;
}

/* What names an object that is not there cannot be what was stored. */
static void test_restore_damaged(void **state) {
        static const struct {
                const char *name;
                bool session;
                uint64_t wanted, observed; /* publishers, 0: in no session */
                int row, end;
        } cases[] = {
                { "all there", true, 8, 8, 0, 0 },
                { "wanted in no session", false, 8, 0, -ENOENT, 0 },
                { "observed in no session", false, 0, 8, -ENOENT, 0 },
                { "hears nobody", true, 9, 8, 0, -ENOENT },
                { "heard one that left", true, 8, 9, 0, 0 },
        };
        Bench *bench = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Row session = { .kind = KIND_SESSION, .number = 4 };
                Row row = { .kind = KIND_PARTICIPANT, .number = 7 }, other = row;
                uint64_t number = 0;

                other.number = 8;
                bench->core = core_free(bench->core);
                assert_int_equal(core_new(&bench->core, &bench_config), 0);
                core_restore_counters(bench->core, &(Counters){ .last_number = { 4, 8 } });
                assert_int_equal(spec_new(&session.spec), 0);
                assert_int_equal(spec_new(&row.spec), 0);
                assert_int_equal(spec_new(&other.spec), 0);
                if (cases[i].wanted != 0)
                        row.wanted = place_that_hears(cases[i].wanted);
                if (cases[i].observed != 0)
                        row.observed = place_that_hears(cases[i].observed);

                if (cases[i].session)
                        assert_int_equal(core_restore(bench->core, &session), 0);
                CASE(cases[i].name, core_restore(bench->core, &row) == cases[i].row);
                assert_int_equal(core_restore(bench->core, &other), 0);
                if (cases[i].row == 0)
                        CASE(cases[i].name, core_restore_end(bench->core, &number) == cases[i].end);
                assert_int_equal(number, cases[i].end == 0 ? 0 : 7);
                row_deinit(&session);
                row_deinit(&row);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_create),
                TEST(test_nothing_before_commit),
                TEST(test_unknown_outcome),
                TEST(test_id_of_another),
                TEST(test_at_most_once),
                TEST(test_not_sent_is_no_attempt),
                TEST(test_attempts),
                TEST(test_fewer_repeats),
                TEST(test_refused),
                TEST(test_first_read),
                TEST(test_delete),
                TEST(test_delete_during_create),
                TEST(test_delete_during_unknown_create),
                TEST(test_restart),
                TEST(test_restore_damaged),
                TEST(test_owner_counts),
                TEST(test_gone),
                TEST(test_activity),
                TEST(test_expiry),
        };

        return cmocka_run_group_tests_name("core", tests, NULL, NULL);
}
