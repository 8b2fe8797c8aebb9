/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/full-disk.h"

/* What becomes of calls, and of what the API says, while the disk is full. */

/* Nothing of it is seen, nothing is sent, and its number is nobody's ever after. */
static void test_create(void **state) {
        static const bool waits[] = { true, false };
        Bench *bench = *state;

        for (size_t i = 0; i < ELEMENTSOF(waits); i++) {
                uint64_t last = 2 * i;

                bench->room = i == 0 ? BENCH_RESERVE : BENCH_FULL;
                assert_int_equal(bench_intend(bench, intent_create(KIND_SESSION, waits[i])), 0);
                assert_int_equal(bench_last_reply(bench), OUTCOME_STORAGE_FAILED);
                assert_int_equal(core_status(bench->core).n_posts, 0);
                assert_null(core_after(bench->core, KIND_SESSION, last));

                assert_int_equal(bench_intend(bench, intent_create(KIND_SESSION, waits[i])),
                                 OUTCOME_STORAGE_FAILED);
                bench_room_again(bench);
                assert_int_equal(core_status(bench->core).n_posts, 0);
                bench_skip_reads(bench);
                assert_int_equal(bench_session(bench, i == 0 ? "s1" : "s2"), last + 2);
                bench_skip_reads(bench);
        }
}

/* Each change of a place is taken back, with all that it did to others. */
static void test_changes(void **state) {
        Bench *bench = *state;
        uint64_t one = bench_session(bench, "s1"), two = bench_session(bench, "s2");
        uint64_t publisher = bench_participant(bench, "p1", one, MODE_NONE);
        uint64_t listener = bench_participant(bench, "p2", one, MODE_NONE);
        uint64_t nowhere = bench_participant(bench, "p3", 0, MODE_NONE);
        const Publisher publishers[] = { { .number = publisher } };
        Intent subscribe = intent_change(INTENT_SUBSCRIBE, listener, 0, true);
        const Row *row;

        subscribe.mode = MODE_PARTICIPANTS;
        subscribe.publishers = publishers;
        subscribe.n_publishers = 1;
        assert_int_equal(bench_intend(bench, subscribe), 0);
        bench_answer(bench, API_OK);
        bench_skip_reads(bench);
        bench_pass(bench, BENCH_ROOM_SPAN);

        const Intent intents[] = {
                intent_change(INTENT_REMOVE, publisher, one, false),
                intent_change(INTENT_REMOVE, listener, one, true),
                intent_change(INTENT_ADD, nowhere, two, true),
                intent_change(INTENT_SUBSCRIBE, listener, 0, false),
        };
        for (size_t i = 0; i < ELEMENTSOF(intents); i++) {
                unsigned n_sent;

                bench_skip_reads(bench);
                n_sent = bench->n_sent;
                bench->room = BENCH_RESERVE;
                assert_int_equal(bench_intend(bench, intents[i]), 0);
                assert_int_equal(bench_last_reply(bench), OUTCOME_STORAGE_FAILED);
                assert_int_equal(bench->n_sent, n_sent);

                row = bench_row(bench, KIND_PARTICIPANT, listener);
                assert_true(row_in_sync(row) && place_lists(row->wanted, publisher));
                row = bench_row(bench, KIND_PARTICIPANT, publisher);
                assert_true(row_in_sync(row) && place_in_session(row->wanted, one));
                row = bench_row(bench, KIND_PARTICIPANT, nowhere);
                assert_true(row_in_sync(row) && !row->wanted);
                bench_room_again(bench);
        }
}

/* The one that was accepted before stands, and who waits for it is told so. */
static void test_superseded(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t participant = bench_participant(bench, "p1", 0, MODE_NONE);
        uint64_t first;

        bench_skip_reads(bench);
        bench_intend(bench, intent_delete(KIND_SESSION, 99, false)); /* a ticket that is nobody's */
        assert_int_equal(bench_intend(bench, intent_change(INTENT_ADD, participant, session, true)),
                         0);
        first = bench->last_ticket;
        bench_answer(bench, API_BROKEN); /* accepted, and to be tried again */
        assert_int_equal(bench_reply(bench, first), OUTCOME_DONE);

        bench->room = BENCH_RESERVE;
        assert_int_equal(
                bench_intend(bench, intent_change(INTENT_REMOVE, participant, session, true)), 0);
        assert_int_equal(bench_last_reply(bench), OUTCOME_STORAGE_FAILED);
        assert_true(
                place_in_session(bench_row(bench, KIND_PARTICIPANT, participant)->wanted, session));
        bench_room_again(bench);
}

/* A delete goes on by the reserve, and what it was mixed with is refused. */
static void test_delete(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t participant = bench_participant(bench, "p1", session, MODE_NONE);

        bench_skip_reads(bench);
        bench->room = BENCH_RESERVE;
        assert_int_equal(bench_intend(bench, intent_delete(KIND_PARTICIPANT, participant, true)),
                         0);
        assert_int_equal(bench_operation(bench), OPERATION_DELETE_PARTICIPANT);
        bench_answer(bench, API_OK);
        assert_int_equal(bench_last_reply(bench), OUTCOME_DONE);
        assert_null(bench_row(bench, KIND_PARTICIPANT, participant));
        assert_true(bench_is_full(bench) && !bench_is_held(bench));

        assert_int_equal(bench_intend(bench, intent_delete(KIND_SESSION, session, false)), 0);
        assert_int_equal(bench_last_reply(bench), OUTCOME_DONE);
        assert_int_equal(bench_intend(bench, intent_create(KIND_SESSION, false)),
                         OUTCOME_STORAGE_FAILED);
        bench_room_again(bench);
}

/* Without the reserve a delete is refused as all else is; of one that has failed, too. */
static void test_delete_without_reserve(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1"), failed;

        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, intent_create(KIND_PARTICIPANT, false)), 0);
        bench_answer(bench, API_REFUSED);
        failed = bench_number(bench);
        assert_int_equal(row_state(bench_row(bench, KIND_PARTICIPANT, failed)), STATE_FAILED);

        bench->room = BENCH_FULL;
        assert_int_equal(bench_intend(bench, intent_delete(KIND_SESSION, session, true)), 0);
        assert_int_equal(bench_last_reply(bench), OUTCOME_STORAGE_FAILED);
        assert_true(bench_is_held(bench));
        assert_int_equal(bench_intend(bench, intent_delete(KIND_SESSION, session, true)),
                         OUTCOME_STORAGE_FAILED);
        assert_false(bench_row(bench, KIND_SESSION, session)->gone);
        bench_room_again(bench);

        bench->room = BENCH_FULL;
        assert_int_equal(bench_intend(bench, intent_delete(KIND_PARTICIPANT, failed, false)), 0);
        assert_int_equal(bench_last_reply(bench), OUTCOME_STORAGE_FAILED);
        assert_int_equal(row_state(bench_row(bench, KIND_PARTICIPANT, failed)), STATE_FAILED);
        bench_room_again(bench);
        assert_int_equal(bench_intend(bench, intent_delete(KIND_PARTICIPANT, failed, true)), 0);
        assert_int_equal(bench_last_reply(bench), OUTCOME_DONE);
        assert_null(bench_row(bench, KIND_PARTICIPANT, failed));
}

/* An id that arrives is stored by the reserve; without it, it waits in memory, and nobody sees it
 * or does anything with it before it is durable. */
static void test_id(void **state) {
        static const struct {
                BenchRoom room;
                const char *id;
        } cases[] = { { BENCH_RESERVE, "s1" }, { BENCH_FULL, "s2" } };
        Bench *bench = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const bool held = cases[i].room == BENCH_FULL;
                uint64_t session;

                assert_int_equal(bench_intend(bench, intent_create(KIND_SESSION, false)), 0);
                session = bench_number(bench);
                bench->room = cases[i].room;
                bench_answer_id(bench, cases[i].id);
                assert_true(bench_is_full(bench));
                assert_int_equal(bench_is_held(bench), held);
                assert_int_equal(row_state(bench_row(bench, KIND_SESSION, session)),
                                 held ? STATE_PENDING : STATE_ACTIVE);
                assert_int_equal(bench->n_logs[LOG_EVENT_CREATED], held ? i : i + 1);
                for (unsigned j = 0; held && j < 100; j++) {
                        bench_pass(bench, USEC_PER_SEC);
                        for (size_t k = 0; k < bench->n_requests; k++)
                                assert_string_not_equal(api_id_text(&bench->requests[k].session),
                                                        cases[i].id);
                        bench_skip_reads(bench);
                }
                bench_room_again(bench);
                assert_int_equal(row_state(bench_row(bench, KIND_SESSION, session)), STATE_ACTIVE);
                assert_int_equal(bench->n_logs[LOG_EVENT_CREATED], i + 1);
                bench_skip_reads(bench);
        }
}

/* A token is kept with the id that it came with. */
static void test_token(void **state) {
        Answer answer = { .outcome = API_OK, .token = "secret", .message = "", .request_id = "" };
        Bench *bench = *state;
        Batch *batch;

        assert_true(api_id_set(&answer.id, "p1"));
        assert_int_equal(bench_intend(bench, intent_create(KIND_PARTICIPANT, true)), 0);
        answer.serial = bench->requests[0].serial;
        assert_int_equal(core_answer(bench->core, &answer, bench->now), 0);
        for (unsigned i = 0; i < 2; i++) {
                assert_int_equal(core_seal(bench->core, bench->now, &batch), 0);
                assert_int_equal(batch->vital, i == 1);
                assert_string_equal(batch->rows[0].token, "secret");
                assert_int_equal(core_refused(bench->core, batch, bench->now), 0);
        }
        bench->n_requests = 0;
        bench_room_again(bench);
        assert_int_equal(bench_last_reply(bench), OUTCOME_DONE);
        assert_true(bench_row(bench, KIND_PARTICIPANT, 1)->has_token);
}

/* What was accepted before is not begun while its id would want room; what has an id goes on. */
static void test_driven(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t participant = bench_participant(bench, "p1", 0, MODE_NONE);

        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, intent_create(KIND_PARTICIPANT, false)), 0);
        bench_answer(bench, API_BROKEN); /* to be repeated */
        bench_skip_reads(bench);
        assert_int_equal(
                bench_intend(bench, intent_change(INTENT_ADD, participant, session, false)), 0);
        bench->room = BENCH_RESERVE;
        assert_int_equal(bench_operation(bench), OPERATION_ADD_PARTICIPANT);
        bench_answer(bench, API_OK);
        assert_true(row_in_sync(bench_row(bench, KIND_PARTICIPANT, participant)));
        for (unsigned i = 0; i < 100; i++) {
                bench_pass(bench, USEC_PER_SEC);
                bench_skip_reads(bench);
        }
        assert_int_equal(bench_operation(bench), _OPERATION_MAX);
        assert_int_equal(core_status(bench->core).n_posts, 0);
        assert_int_equal(core_status(bench->core).suspected_orphans, 1);
        bench_room_again(bench);
        bench_skip_reads(bench);
        assert_int_equal(bench_operation(bench), OPERATION_CREATE_PARTICIPANT);
}

/* Reads and their answers go on although something is held. */
static void test_refresh(void **state) {
        static const BenchRoom rooms[] = { BENCH_RESERVE, BENCH_FULL };
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        Intent refresh = { .kind = INTENT_REFRESH, .object = KIND_SESSION, .number = session };

        bench_skip_reads(bench);
        for (size_t i = 0; i < ELEMENTSOF(rooms); i++) {
                usec_t synced_at;

                bench->room = rooms[i];
                assert_int_equal(bench_intend(bench, intent_create(KIND_SESSION, true)), 0);
                assert_int_equal(bench_intend(bench, intent_delete(KIND_SESSION, session, true)),
                                 i == 0 ? 0 : OUTCOME_STORAGE_FAILED);
                if (i == 0) {
                        bench_answer(bench, API_REFUSED);
                        bench_skip_reads(bench);
                }
                bench->now.realtime += USEC_PER_SEC;
                synced_at = bench_row(bench, KIND_SESSION, session)->synced_at;
                assert_int_equal(bench_intend(bench, refresh), 0);
                bench_skip_reads(bench);
                assert_int_equal(bench_last_reply(bench), OUTCOME_DONE);
                assert_true(bench_row(bench, KIND_SESSION, session)->synced_at > synced_at);
                bench_room_again(bench);
                bench_skip_reads(bench);
        }
}

/* Nothing is changed at the API of which it could not be kept what came of it. */
static void test_held_changes(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t participant = bench_participant(bench, "p1", 0, MODE_NONE);

        bench_skip_reads(bench);
        assert_int_equal(
                bench_intend(bench, intent_change(INTENT_ADD, participant, session, false)), 0);
        bench_answer(bench, API_BROKEN); /* to be tried again */
        bench->room = BENCH_FULL;
        assert_int_equal(bench_intend(bench, intent_create(KIND_SESSION, true)), 0);
        assert_true(bench_is_held(bench));
        for (unsigned i = 0; i < 100; i++) {
                bench_skip_reads(bench);
                assert_int_equal(bench_operation(bench), _OPERATION_MAX);
                bench_pass(bench, USEC_PER_SEC);
        }
        bench_room_again(bench);
        bench_skip_reads(bench);
        assert_int_equal(bench_operation(bench), OPERATION_ADD_PARTICIPANT);
}

/* Room is looked for again and again, at a pace. */
static void test_retries(void **state) {
        Bench *bench = *state;
        unsigned n;

        bench->room = BENCH_FULL;
        assert_int_equal(bench_intend(bench, intent_create(KIND_SESSION, true)), 0);
        n = bench->n_refused;
        for (unsigned i = 0; i < 3600; i++)
                bench_pass(bench, USEC_PER_SEC);
        assert_in_range(bench->n_refused - n, 2 * 3600 / 9, 2 * 3600 / 7);
        bench->room = BENCH_RESERVE;
        n = bench->n_refused;
        for (unsigned i = 0; i < 3600; i++)
                bench_pass(bench, USEC_PER_SEC);
        assert_in_range(bench->n_refused - n, 3600 / 9, 3600 / 7);
        bench_room_again(bench);
        assert_int_equal(bench_session(bench, "s1"), 2);
}

/* Who has joined a delete that cannot be stored has left nothing of it either. */
static void test_delete_joined(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        Intent delete = intent_delete(KIND_SESSION, session, true);

        bench_skip_reads(bench);
        bench->room = BENCH_FULL;
        assert_int_equal(bench_take_in(bench, delete, NULL), 0);
        assert_true(core_join_delete(bench->core, KIND_SESSION, session, false));
        bench_turn(bench);
        assert_int_equal(bench_last_reply(bench), OUTCOME_STORAGE_FAILED);
        assert_int_equal(row_state(bench_row(bench, KIND_SESSION, session)), STATE_ACTIVE);
        assert_false(core_join_delete(bench->core, KIND_SESSION, session, false));

        bench_room_again(bench);
        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, delete), 0);
        bench_answer(bench, API_UNAUTHORIZED);
        assert_int_equal(bench_last_reply(bench), OUTCOME_UNAUTHORIZED);
        assert_int_equal(row_state(bench_row(bench, KIND_SESSION, session)), STATE_ACTIVE);
}

#define CORE_TEST(test) cmocka_unit_test_setup_teardown(test, bench_setup, bench_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                CORE_TEST(test_create),
                CORE_TEST(test_changes),
                CORE_TEST(test_superseded),
                CORE_TEST(test_delete),
                CORE_TEST(test_delete_without_reserve),
                CORE_TEST(test_delete_joined),
                CORE_TEST(test_id),
                CORE_TEST(test_token),
                CORE_TEST(test_driven),
                CORE_TEST(test_refresh),
                CORE_TEST(test_held_changes),
                CORE_TEST(test_retries),
        };

        return cmocka_run_group_tests_name("core: full disk", tests, NULL, NULL);
}
