/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/bench.h"
#include "unit/intents.h"

/* What a session, or a participant, that is not there any more does to who is in it. */

static void test_session_deleted(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t member = bench_participant(bench, "p1", session, MODE_SESSION);
        uint64_t other = bench_participant(bench, "p2", 0, MODE_NONE);
        uint64_t ticket;

        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, intent_delete(KIND_SESSION, session, true)), 0);
        assert_int_equal(bench_intend(bench, intent_add(other, session, MODE_NONE)),
                         OUTCOME_CONFLICT);
        assert_int_equal(bench_intend(bench, intent_subscribe(member, MODE_NONE)),
                         OUTCOME_CONFLICT);
        ticket = bench->last_ticket - 2;
        bench_answer(bench, API_OK);
        assert_int_equal(bench_reply(bench, ticket), OUTCOME_DONE);
        assert_null(bench_row(bench, KIND_PARTICIPANT, member)->wanted);
        assert_int_equal(row_state(bench_row(bench, KIND_PARTICIPANT, member)), STATE_ACTIVE);
        assert_int_equal(bench_operation(bench), OPERATION_GET_PARTICIPANT);
        assert_string_equal(api_id_text(&bench->requests[0].participant), "p1");
}

/* A call that waits for a membership in a session that goes. */
static void test_session_gone_under_a_join(void **state) {
        Bench *bench = *state;
        uint64_t participant = bench_participant(bench, "p1", 0, MODE_NONE);
        Intent create = { .kind = INTENT_CREATE, .object = KIND_SESSION };
        uint64_t ticket;

        assert_int_equal(bench_intend(bench, create), 0);
        assert_int_equal(bench_intend(bench, intent_add(participant, 1, MODE_NONE)), 0);
        ticket = bench->last_ticket;
        assert_int_equal(bench_operation(bench), OPERATION_CREATE_SESSION);
        assert_int_equal(bench->n_requests, 1); /* session before membership */
        bench_answer(bench, API_REFUSED);
        assert_int_equal(bench_reply(bench, ticket), OUTCOME_NO_SUCH_SESSION);
        assert_true(row_in_sync(bench_row(bench, KIND_PARTICIPANT, participant)));
}

/* Accepted, and then there is no session any more: that is a change that failed after its reply.
 * Whoever was a member already has changed nothing. */
static void test_session_gone_after_the_reply(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t member = bench_participant(bench, "p1", session, MODE_SESSION);
        uint64_t joins = bench_participant(bench, "p2", 0, MODE_NONE);
        Intent add = intent_add(joins, session, MODE_SESSION);

        bench_skip_reads(bench);
        add.wait = false;
        assert_int_equal(bench_intend(bench, add), 0);
        assert_int_equal(bench_operation(bench), OPERATION_ADD_PARTICIPANT);
        bench_answer(bench, API_BROKEN);
        assert_int_equal(bench_row(bench, KIND_PARTICIPANT, joins)->last_error,
                         OUTCOME_UNAVAILABLE);
        bench_answer(bench, API_NOT_FOUND); /* the probe */
        assert_int_equal(bench_intend(bench, intent_delete(KIND_SESSION, session, true)), 0);
        for (unsigned i = 0; i < 8 && bench_operation(bench) != OPERATION_DELETE_SESSION; i++)
                bench_answer(bench, API_BROKEN);
        bench_answer(bench, API_OK);
        assert_null(bench_row(bench, KIND_SESSION, session));
        const Row *row = bench_row(bench, KIND_PARTICIPANT, joins);
        assert_null(row->wanted);
        assert_true(row_in_sync(row));
        assert_int_equal(row->last_error, OUTCOME_NO_SUCH_SESSION);
        assert_string_equal(row->last_message, "The session is gone.");
        assert_int_equal(bench_row(bench, KIND_PARTICIPANT, member)->last_error, OUTCOME_DONE);
}

/* The oldest request goes on without an answer. */
static void answer_second(Bench *bench, ApiOutcome outcome) {
        Request first = bench->requests[0];

        bench->requests[0] = bench->requests[1];
        bench->requests[1] = first;
        bench_answer(bench, outcome);
}

/* What was on its way to the API when its session went, and is confirmed after that, does not hide
 * what has failed. */
static void test_session_gone_before_a_confirmation(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        Intent create = { .kind = INTENT_CREATE, .object = KIND_PARTICIPANT, .session = session };

        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, create), 0);
        assert_int_equal(bench_operation(bench), OPERATION_CREATE_PARTICIPANT);
        assert_int_equal(bench_intend(bench, intent_delete(KIND_SESSION, session, true)), 0);
        answer_second(bench, API_OK);
        assert_null(bench_row(bench, KIND_SESSION, session));
        bench_answer_id(bench, "p1");
        bench_skip_reads(bench);
        const Row *row = bench_row(bench, KIND_PARTICIPANT, 1);
        assert_int_equal(row_state(row), STATE_ACTIVE);
        assert_true(row_in_sync(row));
        assert_null(row->wanted);
        assert_int_equal(row->last_error, OUTCOME_NO_SUCH_SESSION);

        /* The next intent is the end of it. */
        session = bench_session(bench, "s2");
        assert_int_equal(bench_intend(bench, intent_add(1, session, MODE_NONE)), 0);
        assert_int_equal(row->last_error, OUTCOME_DONE);
}

/* The creation that was to join it, too: with the error for its caller it leaves nothing behind. */
static void test_session_gone_under_a_creation(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1"), ticket;
        Intent create = {
                .kind = INTENT_CREATE, .object = KIND_PARTICIPANT, .session = session, .wait = true
        };
        const uint64_t participant = 1; /* the first one */

        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, create), 0);
        ticket = bench->last_ticket;
        assert_int_equal(bench_operation(bench), OPERATION_CREATE_PARTICIPANT);
        assert_int_equal(bench_intend(bench, intent_delete(KIND_SESSION, session, true)), 0);
        answer_second(bench, API_OK);
        assert_int_equal(bench_reply(bench, ticket), OUTCOME_NO_SUCH_SESSION);
        assert_int_equal(row_state(bench_row(bench, KIND_PARTICIPANT, participant)),
                         STATE_DELETING);
        bench_answer_id(bench, "p1");
        assert_int_equal(bench_operation(bench), OPERATION_DELETE_PARTICIPANT);
        bench_answer(bench, API_OK);
        assert_null(bench_row(bench, KIND_PARTICIPANT, participant));
}

/* A creation whose membership a later intent has replaced does not fall with that one. */
static void test_created_and_moved(void **state) {
        Bench *bench = *state;
        uint64_t one = bench_session(bench, "s1"), two = bench_session(bench, "s2");
        Intent create = {
                .kind = INTENT_CREATE, .object = KIND_PARTICIPANT, .session = one, .wait = true
        };
        const uint64_t participant = 1; /* the first one */

        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, create), 0);
        create = (Intent){ .kind = INTENT_REMOVE,
                           .object = KIND_PARTICIPANT,
                           .number = participant,
                           .session = one };
        assert_int_equal(bench_intend(bench, create), 0);
        assert_int_equal(bench_intend(bench, intent_add(participant, two, MODE_NONE)), 0);
        bench_answer_id(bench, "p1");
        assert_int_equal(bench_operation(bench), OPERATION_ADD_PARTICIPANT);
        bench_answer(bench, API_REFUSED);
        assert_int_equal(row_state(bench_row(bench, KIND_PARTICIPANT, participant)), STATE_ACTIVE);
        assert_null(bench_row(bench, KIND_PARTICIPANT, participant)->wanted);
}

/* 404 on a path with two objects proves nothing: both are read, then it is decided. */
static void test_either_missing(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t participant = bench_participant(bench, "p1", 0, MODE_NONE);

        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, intent_add(participant, session, MODE_NONE)), 0);
        assert_int_equal(bench_operation(bench), OPERATION_ADD_PARTICIPANT);
        bench_answer(bench, API_NOT_FOUND);
        assert_int_equal(bench_operation(bench), OPERATION_LIST_PARTICIPANTS);
        assert_int_equal(bench->n_requests, 1);
        bench_answer_sightings(bench, NULL, 0);
        assert_int_equal(bench_operation(bench), OPERATION_GET_PARTICIPANT);
        bench_skip_reads(bench);
        assert_int_equal(bench_operation(bench), OPERATION_ADD_PARTICIPANT);
        bench_answer(bench, API_OK);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
}

/* The session first: whoever is read before it would seem to have left one that is gone. */
static void test_either_missing_under_a_subscription(void **state) {
        static const struct {
                const char *name;
                ApiOutcome session, participant;
                bool listed;
                Outcome outcome;
        } cases[] = {
                { "no session", API_NOT_FOUND, API_OK, false, OUTCOME_NO_SUCH_SESSION },
                { "no participant", API_OK, API_NOT_FOUND, false, OUTCOME_NO_SUCH_PARTICIPANT },
                { "neither", API_NOT_FOUND, API_NOT_FOUND, false, OUTCOME_NO_SUCH_SESSION },
                { "both, but it has left", API_OK, API_OK, false, OUTCOME_CONFLICT },
                { "both", API_OK, API_OK, true, OUTCOME_DONE },
        };
        const Sighting sighting = bench_sighting("p1", "s1", MODE_NONE);

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Bench *bench = *state;
                uint64_t session = bench_session(bench, "s1"), ticket;
                Intent subscribe = intent_subscribe(
                        bench_participant(bench, "p1", session, MODE_NONE), MODE_SESSION);

                bench_skip_reads(bench);
                CASE(cases[i].name, bench_intend(bench, subscribe) == 0);
                ticket = bench->last_ticket;
                CASE(cases[i].name, bench_operation(bench) == OPERATION_UPDATE_SUBSCRIPTIONS);
                bench_answer(bench, API_NOT_FOUND);
                CASE(cases[i].name, bench_operation(bench) == OPERATION_LIST_PARTICIPANTS);
                CASE(cases[i].name, bench->n_requests == 1);
                if (cases[i].session == API_OK)
                        bench_answer_sightings(bench, &sighting, cases[i].listed);
                else
                        bench_answer(bench, cases[i].session);

                if (cases[i].listed) {
                        CASE(cases[i].name,
                             bench_operation(bench) == OPERATION_UPDATE_SUBSCRIPTIONS);
                        bench_answer(bench, API_OK);
                } else {
                        CASE(cases[i].name, bench_operation(bench) == OPERATION_GET_PARTICIPANT);
                        if (cases[i].participant == API_OK)
                                bench_answer_seen(bench, "p1", NULL, MODE_NONE);
                        else
                                bench_answer(bench, cases[i].participant);
                }
                CASE(cases[i].name, bench_reply(bench, ticket) == (int)cases[i].outcome);
                bench_teardown(state);
                bench_setup(state);
        }
}

/* The oldest request is answered, and that is not durable yet. */
static void answer_without_disk(Bench *bench, ApiOutcome outcome) {
        const Answer answer = { .serial = bench->requests[0].serial,
                                .outcome = outcome,
                                .message = "as told",
                                .request_id = "" };

        bench->n_requests = 0;
        assert_int_equal(core_answer(bench->core, &answer, bench->now), 0);
}

/* That it is gone is told once that is durable: up to then clients see it. */
static void test_call_of_one_that_goes(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        const Intent calls[] = { intent_refresh(KIND_SESSION, session),
                                 intent_delete(KIND_SESSION, session, true) };
        uint64_t first;

        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, calls[0]), 0);
        first = bench->last_ticket;
        answer_without_disk(bench, API_NOT_FOUND);
        for (size_t i = 0; i < ELEMENTSOF(calls); i++)
                assert_int_equal(bench_take_in(bench, calls[i], NULL), 0);
        assert_non_null(bench_row(bench, KIND_SESSION, session));
        assert_int_equal(bench_reply(bench, bench->last_ticket), -1);
        bench_turn(bench);
        assert_null(bench_row(bench, KIND_SESSION, session));
        for (uint64_t ticket = first; ticket <= bench->last_ticket; ticket++)
                assert_int_equal(bench_reply(bench, ticket), OUTCOME_NO_SUCH_SESSION);
        /* And now at once. */
        for (size_t i = 0; i < ELEMENTSOF(calls); i++)
                assert_int_equal(bench_take_in(bench, calls[i], NULL), OUTCOME_NO_SUCH_SESSION);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_session_deleted),
                TEST(test_session_gone_under_a_join),
                TEST(test_session_gone_after_the_reply),
                TEST(test_session_gone_before_a_confirmation),
                TEST(test_session_gone_under_a_creation),
                TEST(test_created_and_moved),
                TEST(test_either_missing),
                TEST(test_either_missing_under_a_subscription),
                TEST(test_call_of_one_that_goes),
        };

        return cmocka_run_group_tests_name("core-gone", tests, NULL, NULL);
}
