/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/bench.h"

/* Clients ask for what others have made at the API. */

static Intent adopt(Kind kind, const char *id) {
        Intent intent = { .kind = INTENT_ADOPT, .object = kind, .wait = true };

        assert_true(api_id_set(&intent.id, id));
        return intent;
}

static Spec *spec_of(uint32_t owner, const char *client) {
        Spec *spec;

        assert_int_equal(spec_new(&spec), 0);
        spec->owner = owner;
        spec->created_at = 7;
        spec->lifetime = client ? LIFETIME_CLIENT : LIFETIME_PERSISTENT;
        if (client)
                assert_int_equal(spec_set_text(&spec, SPEC_CLIENT_NAME, client), 0);
        return spec;
}

static void test_participant(void **state) {
        Bench *bench = *state;
        CLEANUP(spec_unrefp) Spec *spec = spec_of(1000, NULL);
        Intent intent = adopt(KIND_PARTICIPANT, "x1");
        Sighting seen = bench_sighting("x1", "s9", MODE_SESSION);
        unsigned n_commits = bench->n_commits;
        const Row *row;

        intent.spec = spec;
        seen.tag = (char *)"desk";
        seen.permissions = PUBLISH_AUDIO;
        assert_int_equal(bench_intend(bench, intent), 0);
        assert_int_equal(bench_operation(bench), OPERATION_GET_PARTICIPANT);
        assert_string_equal(api_id_text(&bench->requests[0].participant), "x1");
        /* Nothing is shown, durable or given a number before the API has shown it. */
        assert_int_equal(core_status(bench->core).n_objects[KIND_PARTICIPANT], 0);
        assert_null(core_after(bench->core, KIND_PARTICIPANT, 0));
        assert_null(bench_row_of(bench, KIND_PARTICIPANT, "x1"));
        assert_int_equal(bench->n_commits, n_commits);
        assert_int_equal(bench_reply(bench, bench->last_ticket), -1);

        bench_answer_sightings(bench, &seen, 1);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
        row = bench_row_of(bench, KIND_PARTICIPANT, "x1");
        assert_int_equal(bench_number(bench), row->number);
        assert_int_equal(row->number, 1);
        assert_int_equal(row->spec->owner, 1000);
        assert_int_equal(row->spec->created_at, 7);
        assert_string_equal(spec_text(row->spec, SPEC_TAG), "desk");
        assert_int_equal(row->spec->permissions, PUBLISH_AUDIO);
        /* In a session that is not in the registry. */
        assert_int_equal(row->wanted->session, 0);
        assert_string_equal(place_foreign(row->wanted).text, "s9");
        assert_int_equal(row->wanted->mode, MODE_SESSION);
        assert_true(row_in_sync(row));
        assert_false(row->has_token);
        assert_int_equal(row->synced_at, bench->now.realtime);
        assert_int_equal(bench->n_commits, n_commits + 1);
        assert_int_equal(bench->n_requests, 0);

        /* It is looked at like any other from now on. */
        bench_pass(bench, 2 * bench_config.resync_interval_usec);
        assert_int_equal(bench_operation(bench), OPERATION_GET_PARTICIPANT);
}

static void test_session(void **state) {
        Bench *bench = *state;
        CLEANUP(spec_unrefp) Spec *spec = spec_of(1000, ":1.5");
        Intent intent = adopt(KIND_SESSION, "s1");
        Intent known = adopt(KIND_PARTICIPANT, "p1");
        Sighting seen[] = { bench_sighting("x1", "s1", MODE_NONE),
                            bench_sighting("p1", "s1", MODE_PARTICIPANTS),
                            bench_sighting("x2", "s1", MODE_SESSION) };
        Publisher heard = { .id = seen[0].id };
        unsigned n_commits;
        const Row *row;

        intent.spec = spec;
        seen[1].publishers = &heard, seen[1].n_publishers = 1;
        assert_int_equal(bench_intend(bench, known), 0);
        bench_answer_sightings(bench, seen + 1, 1);
        assert_int_equal(bench_intend(bench, intent), 0);
        assert_int_equal(bench_operation(bench), OPERATION_GET_SESSION);
        bench_answer_session(bench, "s1", "standup");
        assert_int_equal(bench_operation(bench), OPERATION_LIST_PARTICIPANTS);
        assert_null(bench_row_of(bench, KIND_SESSION, "s1"));
        n_commits = bench->n_commits;
        bench_answer_sightings(bench, seen, 3);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
        assert_int_equal(bench->n_commits, n_commits + 1); /* all of it at once */

        row = bench_row_of(bench, KIND_SESSION, "s1");
        assert_string_equal(spec_text(row->spec, SPEC_TAG), "standup");
        assert_int_equal(row->spec->owner, 1000);
        assert_int_equal(row->spec->lifetime, LIFETIME_CLIENT);
        assert_string_equal(spec_text(row->spec, SPEC_CLIENT_NAME), ":1.5");
        assert_int_equal(row->expires_at, 0);
        assert_true(row_in_sync(row));
        row = bench_row_of(bench, KIND_PARTICIPANT, "x2");
        assert_int_equal(row->spec->owner, 1000);
        assert_int_equal(row->spec->lifetime, LIFETIME_CLIENT);
        assert_string_equal(spec_text(row->spec, SPEC_CLIENT_NAME), ":1.5");
        assert_false(row->spec->stranger);
        assert_int_equal(row->wanted->mode, MODE_SESSION);
        /* One that was here stays whose it is; its session has a number now, and so have the
         * others. */
        row = bench_row_of(bench, KIND_PARTICIPANT, "p1");
        assert_int_equal(row->number, 1);
        assert_int_equal(row->spec->owner, 0);
        assert_true(place_in_session(row->wanted, 1));
        assert_true(place_lists(row->wanted, bench_row_of(bench, KIND_PARTICIPANT, "x1")->number));
        assert_true(place_equal(row->wanted, row->observed));
        assert_int_equal(bench->n_logs[LOG_EVENT_DRIFT], 0);
        assert_int_equal(core_member_after(bench->core, 1, 2)->number, 3);
        assert_null(core_member_after(bench->core, 1, 3));
        assert_int_equal(bench->n_requests, 0);
}

static void test_what_is_here(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        Intent intent = adopt(KIND_SESSION, "s1");
        unsigned n_sent, n_commits;

        bench_look(bench, session, NULL, 0);
        n_sent = bench->n_sent, n_commits = bench->n_commits;
        assert_int_equal(bench_intend(bench, intent), 0);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
        assert_int_equal(bench_number(bench), session);
        assert_int_equal(bench->n_sent, n_sent);
        assert_int_equal(bench->n_commits, n_commits);

        assert_int_equal(bench_intend(bench, (Intent){ .kind = INTENT_DELETE,
                                                       .object = KIND_SESSION,
                                                       .number = session }),
                         0);
        assert_int_equal(bench_intend(bench, intent), OUTCOME_CONFLICT);
}

/* Each answer, and what becomes of the call; nothing is left of it. */
static void test_in_vain(void **state) {
        static const struct {
                const char *name;
                ApiOutcome answer;
                Outcome session, participant;
        } cases[] = {
                { "404", API_NOT_FOUND, OUTCOME_NO_SUCH_SESSION, OUTCOME_NO_SUCH_PARTICIPANT },
                { "another 4xx", API_REFUSED, OUTCOME_UNAVAILABLE, OUTCOME_UNAVAILABLE },
                { "5xx", API_BROKEN, OUTCOME_UNAVAILABLE, OUTCOME_UNAVAILABLE },
                { "no answer", API_NO_ANSWER, OUTCOME_UNAVAILABLE, OUTCOME_UNAVAILABLE },
                { "garbage", API_NOT_UNDERSTOOD, OUTCOME_UNAVAILABLE, OUTCOME_UNAVAILABLE },
                { "unreachable", API_NOT_SENT, OUTCOME_UNAVAILABLE, OUTCOME_UNAVAILABLE },
                { "429", API_THROTTLED, OUTCOME_UNAVAILABLE, OUTCOME_UNAVAILABLE },
                { "401", API_UNAUTHORIZED, OUTCOME_UNAUTHORIZED, OUTCOME_UNAUTHORIZED },
                { "403", API_FORBIDDEN, OUTCOME_FORBIDDEN, OUTCOME_FORBIDDEN },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases) * 3; i++) {
                const Kind kind = i % 3 == 0 ? KIND_PARTICIPANT : KIND_SESSION;
                const char *name = cases[i / 3].name;
                Bench *bench;

                bench_teardown(state);
                bench_setup(state);
                bench = *state;
                CASE(name, bench_intend(bench, adopt(kind, "x1")) == 0);
                if (i % 3 == 2)
                        bench_answer_session(bench, "x1", NULL);
                bench_answer(bench, cases[i / 3].answer);
                if (i % 3 == 2 && cases[i / 3].answer == API_FORBIDDEN)
                        bench_answer(bench, API_FORBIDDEN); /* the session, which decides */
                CASE(name, bench_reply(bench, bench->last_ticket) ==
                                   (int)(kind == KIND_SESSION ? cases[i / 3].session
                                                              : cases[i / 3].participant));
                CASE(name, !core_after(bench->core, kind, 0) && bench->n_commits == 0);
        }
}

static void test_too_late(void **state) {
        Bench *bench = *state;

        assert_int_equal(bench_intend(bench, adopt(KIND_PARTICIPANT, "x1")), 0);
        bench_pass(bench, bench_config.reply_timeout_usec);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_UNAVAILABLE);
        /* Nobody waits for it any more. */
        bench_answer_seen(bench, "x1", NULL, MODE_NONE);
        assert_null(bench_row_of(bench, KIND_PARTICIPANT, "x1"));
        assert_int_equal(bench->n_commits, 0);
}

static void test_without_the_api(void **state) {
        Bench *bench = *state;

        /* It waits for the budget of a host that goes away: whoever waits hears of it. */
        assert_int_equal(bench_intend(bench, adopt(KIND_PARTICIPANT, "x1")), 0);
        assert_int_equal(bench_intend(bench, adopt(KIND_SESSION, "s1")), 0);
        bench_answer(bench, API_NOT_SENT);
        assert_int_equal(bench_reply(bench, bench->last_ticket - 1), OUTCOME_UNAVAILABLE);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_UNAVAILABLE);
        assert_int_equal(bench_intend(bench, adopt(KIND_PARTICIPANT, "x1")), OUTCOME_UNAVAILABLE);
        core_set_credentials(bench->core, false, bench->now);
        assert_int_equal(bench_intend(bench, adopt(KIND_PARTICIPANT, "x1")), OUTCOME_UNAUTHORIZED);
        core_stop(bench->core);
        assert_int_equal(bench_intend(bench, adopt(KIND_PARTICIPANT, "x1")), OUTCOME_UNAVAILABLE);
}

static void test_twice_at_once(void **state) {
        Bench *bench = *state;
        CLEANUP(spec_unrefp) Spec *first = spec_of(1000, NULL), *second = spec_of(1001, NULL);
        Intent intent = adopt(KIND_PARTICIPANT, "x1");
        uint64_t number;

        intent.spec = first;
        assert_int_equal(bench_intend(bench, intent), 0);
        intent.spec = second;
        assert_int_equal(bench_intend(bench, intent), 0);
        assert_int_equal(bench->n_sent, 1);
        bench_answer_seen(bench, "x1", NULL, MODE_NONE);
        number = bench_row_of(bench, KIND_PARTICIPANT, "x1")->number;
        for (size_t i = 0; i < 2; i++) {
                assert_int_equal(bench->replies[i].outcome, OUTCOME_DONE);
                assert_int_equal(bench->replies[i].number, number);
        }
        assert_int_equal(bench_row(bench, KIND_PARTICIPANT, number)->spec->owner, 1000);
        assert_null(core_after(bench->core, KIND_PARTICIPANT, number));
}

/* What somebody waits for comes in by another way meanwhile: no id stands in two rows. */
static void test_what_comes_by_itself(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        Sighting seen = bench_sighting("x1", "s1", MODE_NONE);
        Intent refresh = { .kind = INTENT_REFRESH, .object = KIND_SESSION, .number = session };

        bench_look(bench, session, NULL, 0);
        assert_int_equal(bench_intend(bench, refresh), 0);
        assert_int_equal(bench_intend(bench, adopt(KIND_PARTICIPANT, "x1")), 0);
        bench_answer_sightings(bench, &seen, 1);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
        for (size_t i = 0; i < bench->n_replies; i++)
                if (bench->replies[i].ticket == bench->last_ticket)
                        assert_int_equal(bench->replies[i].number, 1);
        assert_int_equal(bench_operation(bench), OPERATION_GET_PARTICIPANT);
        bench_answer_sightings(bench, &seen, 1);
        assert_int_equal(core_status(bench->core).n_objects[KIND_PARTICIPANT], 1);
        assert_null(core_after(bench->core, KIND_PARTICIPANT, 1));
}

/* The id of what was just created: somebody has read it off the API's own screen. */
static void test_what_is_being_created(void **state) {
        Bench *bench = *state;
        Intent create = { .kind = INTENT_CREATE, .object = KIND_PARTICIPANT, .wait = true };
        Intent delete = { .kind = INTENT_DELETE, .object = KIND_PARTICIPANT, .number = 2 };

        assert_int_equal(bench_intend(bench, create), 0);
        assert_int_equal(bench_intend(bench, adopt(KIND_PARTICIPANT, "p1")), 0);
        bench_answer_id(bench, "p1");
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
        bench_answer_seen(bench, "p1", NULL, MODE_NONE);
        assert_null(core_after(bench->core, KIND_PARTICIPANT, 1));

        /* ... and is wanted gone already. */
        assert_int_equal(bench_intend(bench, create), 0);
        assert_int_equal(bench_intend(bench, adopt(KIND_PARTICIPANT, "p2")), 0);
        assert_int_equal(bench_intend(bench, delete), 0);
        bench_answer_id(bench, "p2");
        assert_int_equal(bench_reply(bench, bench->last_ticket - 1), OUTCOME_CONFLICT);
}

/* Only an answer to a question that was asked after it had gone takes it back. */
static void test_what_has_gone(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t member = bench_participant(bench, "p1", session, MODE_NONE);
        Sighting seen[] = { bench_sighting("p1", "s1", MODE_NONE),
                            bench_sighting("x1", "s1", MODE_NONE) };
        Intent refresh = { .kind = INTENT_REFRESH, .object = KIND_PARTICIPANT, .number = member };

        bench_look(bench, session, seen, 2);
        assert_int_equal(bench_intend(bench, refresh), 0);
        assert_int_equal(bench_operation(bench), OPERATION_GET_PARTICIPANT);
        bench_answer(bench, API_NOT_FOUND);
        assert_null(bench_row(bench, KIND_PARTICIPANT, member));
        bench_look(bench, session, seen, 1);
        assert_null(bench_row_of(bench, KIND_PARTICIPANT, "p1"));

        assert_int_equal(bench_intend(bench, adopt(KIND_PARTICIPANT, "p1")), 0);
        bench_skip_reads(bench);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
        assert_non_null(bench_row_of(bench, KIND_PARTICIPANT, "p1"));
        assert_int_not_equal(bench_row_of(bench, KIND_PARTICIPANT, "p1")->number, member);
}

/* The list of the session was on its way when one who is in it was deleted. */
static void test_with_a_late_list(void **state) {
        Bench *bench = *state;
        uint64_t member = bench_participant(bench, "p1", 0, MODE_NONE);
        Sighting seen[] = { bench_sighting("p1", "s1", MODE_NONE),
                            bench_sighting("x1", "s1", MODE_NONE) };
        Intent delete = { .kind = INTENT_DELETE, .object = KIND_PARTICIPANT, .number = member };
        Request late;

        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, adopt(KIND_SESSION, "s1")), 0);
        bench_answer_session(bench, "s1", NULL);
        assert_int_equal(bench_operation(bench), OPERATION_LIST_PARTICIPANTS);
        late = bench->requests[0];
        bench->n_requests = 0;
        assert_int_equal(bench_intend(bench, delete), 0);
        assert_int_equal(bench_operation(bench), OPERATION_DELETE_PARTICIPANT);
        bench_answer(bench, API_OK);
        bench->n_requests = 1;
        bench->requests[0] = late;
        bench_answer_sightings(bench, seen, 2);
        assert_non_null(bench_row_of(bench, KIND_SESSION, "s1"));
        assert_non_null(bench_row_of(bench, KIND_PARTICIPANT, "x1"));
        assert_null(bench_row_of(bench, KIND_PARTICIPANT, "p1"));
}

/* A session that is taken back brings back who is in it. */
static void test_a_session_that_has_gone(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        Sighting seen = bench_sighting("x1", "s1", MODE_NONE);
        Intent refresh = { .kind = INTENT_REFRESH, .object = KIND_SESSION, .number = session };

        bench_look(bench, session, &seen, 1);
        assert_int_equal(bench_intend(bench, refresh), 0);
        bench_answer(bench, API_NOT_FOUND);
        assert_int_equal(bench_operation(bench), OPERATION_GET_PARTICIPANT);
        bench_answer(bench, API_NOT_FOUND);
        assert_int_equal(core_status(bench->core).n_objects[KIND_SESSION], 0);
        assert_int_equal(core_status(bench->core).n_objects[KIND_PARTICIPANT], 0);
        assert_int_equal(bench_intend(bench, adopt(KIND_SESSION, "s1")), 0);
        bench_answer_session(bench, "s1", NULL);
        bench_answer_sightings(bench, &seen, 1);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
        assert_non_null(bench_row_of(bench, KIND_SESSION, "s1"));
        assert_non_null(bench_row_of(bench, KIND_PARTICIPANT, "x1"));
}

/* The process ends in the middle: nobody writes to what is freed already. */
static void test_left_in_flight(void **state) {
        Bench *bench = *state;

        assert_int_equal(bench_intend(bench, adopt(KIND_PARTICIPANT, "x1")), 0);
        assert_int_equal(bench_intend(bench, adopt(KIND_SESSION, "s1")), 0);
        assert_int_equal(core_status(bench->core).n_in_flight, 2);
}

static void test_for_one_who_leaves(void **state) {
        Bench *bench = *state;
        CLEANUP(spec_unrefp) Spec *spec = spec_of(1000, ":1.5");
        Intent intent = adopt(KIND_PARTICIPANT, "x1");

        intent.spec = spec;
        assert_int_equal(bench_intend(bench, intent), 0);
        assert_true(core_client_has(bench->core, ":1.5"));
        assert_int_equal(core_client_left(bench->core, ":1.5", bench->now), 0);
        bench_turn(bench);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_UNAVAILABLE);
        assert_false(core_client_has(bench->core, ":1.5"));
        bench_answer_seen(bench, "x1", NULL, MODE_NONE);
        assert_null(bench_row_of(bench, KIND_PARTICIPANT, "x1"));
        assert_int_equal(bench->n_requests, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_participant),
                TEST(test_session),
                TEST(test_what_is_here),
                TEST(test_in_vain),
                TEST(test_too_late),
                TEST(test_without_the_api),
                TEST(test_twice_at_once),
                TEST(test_what_comes_by_itself),
                TEST(test_what_is_being_created),
                TEST(test_what_has_gone),
                TEST(test_with_a_late_list),
                TEST(test_a_session_that_has_gone),
                TEST(test_left_in_flight),
                TEST(test_for_one_who_leaves),
        };

        return cmocka_run_group_tests_name("core-adoption", tests, NULL, NULL);
}
