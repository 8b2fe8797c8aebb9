/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/full-disk.h"

/* What a call was that found no room on the disk is taken back, whatever has happened since. */

/* Hands an intent in, and leaves its batch on the way to the disk. */
static Batch *intend_slowly(Bench *bench, Intent intent) {
        Batch *batch;

        assert_int_equal(bench_take_in(bench, intent, NULL), 0);
        assert_int_equal(core_seal(bench->core, bench->now, &batch), 0);
        assert_non_null(batch);
        return batch;
}

/* An answer that comes while a batch is on its way. */
static void answer_meanwhile(Bench *bench, Operation operation, ApiOutcome outcome) {
        Answer answer = { .outcome = outcome, .message = "as told", .request_id = "" };

        assert_int_equal(bench_operation(bench), operation);
        answer.serial = bench->requests[0].serial;
        bench->n_requests = 0;
        assert_int_equal(core_answer(bench->core, &answer, bench->now), 0);
}

/* The API ends a creation while its delete is on its way to the disk, which has no room: whatever
 * becomes of the creation, the delete was never asked for. */
static void test_delete_of_creation(void **state) {
        static const struct {
                ApiOutcome outcome;
                State expect;
                unsigned n_orphans;
        } cases[] = {
                { API_NO_ANSWER, STATE_PENDING, 1 },
                { API_REFUSED, STATE_FAILED, 0 },
                { API_NOT_SENT, STATE_PENDING, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Bench *bench = *state;
                uint64_t number;
                Batch *batch;

                assert_int_equal(bench_intend(bench, intent_create(KIND_PARTICIPANT, false)), 0);
                number = bench_number(bench);
                batch = intend_slowly(bench, intent_delete(KIND_PARTICIPANT, number, true));
                answer_meanwhile(bench, OPERATION_CREATE_PARTICIPANT, cases[i].outcome);
                bench->room = BENCH_FULL;
                assert_int_equal(core_refused(bench->core, batch, bench->now), 0);
                bench_turn(bench);
                assert_int_equal(bench_last_reply(bench), OUTCOME_STORAGE_FAILED);
                assert_int_equal(row_state(bench_row(bench, KIND_PARTICIPANT, number)),
                                 STATE_PENDING);
                bench->room = BENCH_ROOM;
                bench->n_requests = 0;
                bench_pass(bench, BENCH_ROOM_SPAN);
                assert_int_equal(row_state(bench_row(bench, KIND_PARTICIPANT, number)),
                                 cases[i].expect);
                assert_int_equal(core_status(bench->core).suspected_orphans, cases[i].n_orphans);
                bench_teardown(state);
                bench_setup(state);
        }
}

/* A delete that is on disk, and that the API has refused since, is not what others join. */
static void test_delete_after_a_refused_one(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        Batch *batch;

        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, intent_delete(KIND_SESSION, session, false)), 0);
        answer_meanwhile(bench, OPERATION_DELETE_SESSION, API_REFUSED);
        assert_int_equal(core_seal(bench->core, bench->now, &batch), 0);
        assert_int_equal(core_refused(bench->core, batch, bench->now), 0);
        assert_int_equal(core_seal(bench->core, bench->now, &batch), 0);
        assert_true(batch->vital);
        for (unsigned i = 0; i < 2; i++)
                assert_int_equal(
                        bench_take_in(bench, intent_delete(KIND_SESSION, session, false), NULL), 0);
        assert_int_equal(core_refused(bench->core, batch, bench->now), 0);
        bench->room = BENCH_FULL;
        bench_turn(bench);
        assert_int_equal(bench_reply(bench, bench->last_ticket - 1), OUTCOME_STORAGE_FAILED);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_STORAGE_FAILED);
        bench_room_again(bench);
        assert_int_equal(row_state(bench_row(bench, KIND_SESSION, session)), STATE_ACTIVE);
}

/* Wanted before, and not there any more when it is wanted again. */
static void test_gone_meanwhile(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t participant = bench_participant(bench, "p1", session, MODE_SESSION);
        Batch *batch;

        assert_int_equal(bench_intend(bench, (Intent){ .kind = INTENT_REFRESH,
                                                       .object = KIND_SESSION,
                                                       .number = session }),
                         0);
        batch = intend_slowly(bench, intent_change(INTENT_REMOVE, participant, session, true));
        answer_meanwhile(bench, OPERATION_LIST_PARTICIPANTS, API_NOT_FOUND);
        bench->room = BENCH_RESERVE;
        assert_int_equal(core_refused(bench->core, batch, bench->now), 0);
        bench_turn(bench);
        assert_int_equal(bench_last_reply(bench), OUTCOME_STORAGE_FAILED);
        assert_null(bench_row(bench, KIND_SESSION, session));
        assert_null(bench_row(bench, KIND_PARTICIPANT, participant)->wanted);
        bench_room_again(bench);
        bench_skip_reads(bench);
        assert_true(row_in_sync(bench_row(bench, KIND_PARTICIPANT, participant)));
}

/* The like of somebody who is heard. */
static void test_publisher_meanwhile(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t publisher = bench_participant(bench, "p1", session, MODE_NONE);
        uint64_t listener = bench_participant(bench, "p2", session, MODE_NONE);
        const Publisher publishers[] = { { .number = publisher } };
        Intent subscribe = intent_change(INTENT_SUBSCRIBE, listener, 0, true);
        const Row *row;
        Batch *batch;

        subscribe.mode = MODE_PARTICIPANTS;
        subscribe.publishers = publishers;
        subscribe.n_publishers = 1;
        assert_int_equal(bench_intend(bench, subscribe), 0);
        bench_answer(bench, API_OK);
        bench->n_requests = 0;
        assert_int_equal(bench_intend(bench, intent_delete(KIND_PARTICIPANT, publisher, false)), 0);
        bench->room = BENCH_RESERVE;

        /* It has dropped out already; whoever takes that back must not bring it back. */
        batch = intend_slowly(bench, intent_change(INTENT_SUBSCRIBE, listener, 0, true));
        answer_meanwhile(bench, OPERATION_DELETE_PARTICIPANT, API_OK);
        assert_int_equal(core_refused(bench->core, batch, bench->now), 0);
        bench_turn(bench);
        row = bench_row(bench, KIND_PARTICIPANT, listener);
        assert_true(place_in_session(row->wanted, session));
        assert_false(place_lists(row->wanted, publisher));
        assert_int_equal(row->wanted->mode, MODE_NONE);
        assert_null(bench_row(bench, KIND_PARTICIPANT, publisher));
        bench_room_again(bench);
}

/* A client that has left cannot be told no. */
static void test_departure(void **state) {
        static const BenchRoom rooms[] = { BENCH_RESERVE, BENCH_FULL };
        Bench *bench = *state;

        for (size_t i = 0; i < ELEMENTSOF(rooms); i++) {
                CLEANUP(spec_unrefp) Spec *spec = NULL;
                Intent intent = intent_create(KIND_SESSION, true);
                uint64_t number;

                assert_int_equal(spec_new(&spec), 0);
                spec->lifetime = LIFETIME_CLIENT;
                assert_int_equal(spec_set_text(&spec, SPEC_CLIENT_NAME, ":1.7"), 0);
                intent.spec = spec;
                assert_int_equal(bench_intend(bench, intent), 0);
                bench_answer_id(bench, i == 0 ? "s1" : "s2");
                number = bench_number(bench);
                bench_skip_reads(bench);
                bench->room = rooms[i];
                assert_int_equal(core_client_left(bench->core, ":1.7", bench->now), 0);
                bench_turn(bench);
                assert_int_equal(row_state(bench_row(bench, KIND_SESSION, number)),
                                 i == 0 ? STATE_DELETING : STATE_ACTIVE);
                bench_room_again(bench);
                assert_int_equal(row_state(bench_row(bench, KIND_SESSION, number)), STATE_DELETING);
                bench_skip_reads(bench);
                assert_int_equal(bench_operation(bench), OPERATION_DELETE_SESSION);
                bench_answer(bench, API_OK);
        }
}

/* He has asked for the delete himself, and left before it was refused. */
static void test_departure_after_delete(void **state) {
        CLEANUP(spec_unrefp) Spec *spec = NULL;
        Intent intent = intent_create(KIND_SESSION, true);
        Bench *bench = *state;
        uint64_t number;
        Batch *batch;

        assert_int_equal(spec_new(&spec), 0);
        spec->lifetime = LIFETIME_CLIENT;
        assert_int_equal(spec_set_text(&spec, SPEC_CLIENT_NAME, ":1.7"), 0);
        intent.spec = spec;
        assert_int_equal(bench_intend(bench, intent), 0);
        bench_answer_id(bench, "s1");
        number = bench_number(bench);
        bench_skip_reads(bench);

        batch = intend_slowly(bench, intent_delete(KIND_SESSION, number, true));
        assert_int_equal(core_client_left(bench->core, ":1.7", bench->now), 0);
        bench->room = BENCH_FULL;
        assert_int_equal(core_refused(bench->core, batch, bench->now), 0);
        bench_turn(bench);
        assert_int_equal(bench_last_reply(bench), OUTCOME_STORAGE_FAILED);
        bench_room_again(bench);
        assert_int_equal(row_state(bench_row(bench, KIND_SESSION, number)), STATE_DELETING);
}

/* One that was taken back does not pass for accepted when the credentials are refused. */
static void test_withdrawn_after(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t participant = bench_participant(bench, "p1", session, MODE_NONE), first;
        Intent subscribe = intent_change(INTENT_SUBSCRIBE, participant, 0, true);

        subscribe.mode = MODE_SESSION;
        assert_int_equal(bench_intend(bench, subscribe), 0);
        first = bench->last_ticket;
        assert_int_equal(bench_operation(bench), OPERATION_UPDATE_SUBSCRIPTIONS);
        bench->room = BENCH_RESERVE;
        subscribe.mode = MODE_NONE;
        subscribe.wait = false;
        assert_int_equal(bench_intend(bench, subscribe), 0);
        assert_int_equal(bench_last_reply(bench), OUTCOME_STORAGE_FAILED);
        assert_int_equal(bench_reply(bench, first), -1);
        bench_answer(bench, API_UNAUTHORIZED);
        assert_int_equal(bench_reply(bench, first), OUTCOME_UNAUTHORIZED);
        assert_int_equal(bench_row(bench, KIND_PARTICIPANT, participant)->wanted->mode, MODE_NONE);
        assert_true(row_in_sync(bench_row(bench, KIND_PARTICIPANT, participant)));
}

/* Two calls that the API never carries out, a third one that finds no room, and a delete that has
 * replaced them all: where that is withdrawn, what was accepted before the first is wanted. */
static void test_withdrawn_below(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t participant = bench_participant(bench, "p1", session, MODE_NONE);
        Intent subscribe = intent_change(INTENT_SUBSCRIBE, participant, 0, true);
        const Row *row;
        Batch *batch;

        bench_skip_reads(bench);
        subscribe.mode = MODE_SESSION;
        assert_int_equal(bench_intend(bench, subscribe), 0);
        assert_int_equal(bench_operation(bench), OPERATION_UPDATE_SUBSCRIPTIONS);
        assert_int_equal(bench_intend(bench, intent_change(INTENT_ADD, participant, session, true)),
                         0);
        subscribe.wait = false;
        assert_int_equal(bench_take_in(bench, subscribe, NULL), 0);
        assert_int_equal(core_seal(bench->core, bench->now, &batch), 0);
        assert_int_equal(
                bench_take_in(bench, intent_delete(KIND_PARTICIPANT, participant, true), NULL), 0);

        bench->room = BENCH_RESERVE;
        assert_int_equal(core_refused(bench->core, batch, bench->now), 0);
        bench_turn(bench);
        assert_int_equal(bench_reply(bench, bench->last_ticket - 1), OUTCOME_STORAGE_FAILED);
        assert_true(bench_row(bench, KIND_PARTICIPANT, participant)->gone);
        bench_answer(bench, API_UNAUTHORIZED);
        assert_int_equal(bench_last_reply(bench), OUTCOME_UNAUTHORIZED);
        row = bench_row(bench, KIND_PARTICIPANT, participant);
        assert_true(!row->gone && row->wanted->mode == MODE_NONE && row_in_sync(row));
}

/* A call that was refused is nothing to go back to for the next one, which finds no room. */
static void test_refused_below(void **state) {
        Bench *bench = *state;
        uint64_t one = bench_session(bench, "s1"), two = bench_session(bench, "s2");
        uint64_t participant = bench_participant(bench, "p1", one, MODE_NONE);
        Intent subscribe = intent_change(INTENT_SUBSCRIBE, participant, 0, false);
        Answer answer = { .outcome = API_UNAUTHORIZED, .message = "no", .request_id = "" };
        const Row *row;
        Batch *batch;

        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, intent_change(INTENT_REMOVE, participant, one, true)),
                         0);
        assert_int_equal(bench_operation(bench), OPERATION_REMOVE_PARTICIPANT);
        answer.serial = bench->requests[--bench->n_requests].serial;
        assert_int_equal(bench_intend(bench, intent_change(INTENT_ADD, participant, two, true)), 0);
        subscribe.mode = MODE_SESSION;
        assert_int_equal(bench_take_in(bench, subscribe, NULL), 0);
        assert_int_equal(core_seal(bench->core, bench->now, &batch), 0);
        assert_int_equal(core_answer(bench->core, &answer, bench->now), 0);

        bench->room = BENCH_RESERVE;
        assert_int_equal(core_refused(bench->core, batch, bench->now), 0);
        bench_turn(bench);
        assert_int_equal(bench_last_reply(bench), OUTCOME_STORAGE_FAILED);
        assert_int_equal(bench_reply(bench, bench->last_ticket - 1), OUTCOME_UNAUTHORIZED);
        row = bench_row(bench, KIND_PARTICIPANT, participant);
        assert_true(place_in_session(row->wanted, one) && row->wanted->mode == MODE_NONE);
}

/* Refused by the API, which is not durable, and asked for anew: the second one is not the first. */
static void test_delete_again(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        Intent intent = intent_delete(KIND_SESSION, session, false);
        Batch *batch;

        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, intent), 0);
        bench->room = BENCH_FULL;
        bench_answer(bench, API_REFUSED);
        assert_true(bench_is_held(bench) && bench_row(bench, KIND_SESSION, session)->gone);

        bench->now.boottime += BENCH_ROOM_SPAN;
        assert_int_equal(core_seal(bench->core, bench->now, &batch), 0);
        assert_int_equal(bench_take_in(bench, intent, NULL), 0);
        bench->room = BENCH_RESERVE;
        assert_int_equal(core_refused(bench->core, batch, bench->now), 0);
        bench_turn(bench);
        bench_skip_reads(bench);
        assert_int_equal(bench_operation(bench), OPERATION_DELETE_SESSION);
        bench_answer(bench, API_OK);
        assert_null(bench_row(bench, KIND_SESSION, session));
        bench_room_again(bench);
}

#define CORE_TEST(test) cmocka_unit_test_setup_teardown(test, bench_setup, bench_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                CORE_TEST(test_delete_of_creation),     CORE_TEST(test_gone_meanwhile),
                CORE_TEST(test_publisher_meanwhile),    CORE_TEST(test_departure),
                CORE_TEST(test_departure_after_delete), CORE_TEST(test_withdrawn_after),
                CORE_TEST(test_withdrawn_below),        CORE_TEST(test_refused_below),
                CORE_TEST(test_delete_again),           CORE_TEST(test_delete_after_a_refused_one),
        };

        return cmocka_run_group_tests_name("core: taken back", tests, NULL, NULL);
}
