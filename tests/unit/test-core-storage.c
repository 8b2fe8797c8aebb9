/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/bench.h"

/* What becomes of calls, and of what the API says, while the disk is full. */

#define SPAN (10 * USEC_PER_SEC) /* after which room is looked for again, whatever happened */

static Intent create(Kind kind, bool wait) {
        return (Intent){ .kind = INTENT_CREATE, .object = kind, .wait = wait };
}

static Intent change(IntentKind kind, uint64_t participant, uint64_t session, bool wait) {
        return (Intent){ .kind = kind,
                         .object = KIND_PARTICIPANT,
                         .number = participant,
                         .session = session,
                         .wait = wait };
}

static Intent erase(Kind kind, uint64_t number, bool wait) {
        return (Intent){ .kind = INTENT_DELETE, .object = kind, .number = number, .wait = wait };
}

/* The outcome of the last call. */
static int last_reply(const Bench *bench) {
        return bench_reply(bench, bench->last_ticket);
}

static bool is_full(const Bench *bench) {
        return core_status(bench->core).disk_full;
}

static bool is_held(const Bench *bench) {
        return core_status(bench->core).disk_held;
}

static void room_again(Bench *bench) {
        bench->room = BENCH_ROOM;
        bench_pass(bench, SPAN);
        assert_false(is_full(bench));
        assert_false(is_held(bench));
}

/* Nothing of it is seen, nothing is sent, and its number is nobody's ever after. */
static void test_create(void **state) {
        static const bool waits[] = { true, false };
        Bench *bench = *state;

        for (size_t i = 0; i < ELEMENTSOF(waits); i++) {
                uint64_t last = 2 * i;

                bench->room = i == 0 ? BENCH_RESERVE : BENCH_FULL;
                assert_int_equal(bench_intend(bench, create(KIND_SESSION, waits[i])), 0);
                assert_int_equal(last_reply(bench), OUTCOME_STORAGE_FAILED);
                assert_int_equal(core_status(bench->core).n_posts, 0);
                assert_null(core_after(bench->core, KIND_SESSION, last));

                assert_int_equal(bench_intend(bench, create(KIND_SESSION, waits[i])),
                                 OUTCOME_STORAGE_FAILED);
                room_again(bench);
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
        Intent subscribe = change(INTENT_SUBSCRIBE, listener, 0, true);
        const Row *row;

        subscribe.mode = MODE_PARTICIPANTS;
        subscribe.publishers = publishers;
        subscribe.n_publishers = 1;
        assert_int_equal(bench_intend(bench, subscribe), 0);
        bench_answer(bench, API_OK);
        bench_skip_reads(bench);
        bench_pass(bench, SPAN);

        const Intent intents[] = {
                change(INTENT_REMOVE, publisher, one, false),
                change(INTENT_REMOVE, listener, one, true),
                change(INTENT_ADD, nowhere, two, true),
                change(INTENT_SUBSCRIBE, listener, 0, false),
        };
        for (size_t i = 0; i < ELEMENTSOF(intents); i++) {
                unsigned n_sent;

                bench_skip_reads(bench);
                n_sent = bench->n_sent;
                bench->room = BENCH_RESERVE;
                assert_int_equal(bench_intend(bench, intents[i]), 0);
                assert_int_equal(last_reply(bench), OUTCOME_STORAGE_FAILED);
                assert_int_equal(bench->n_sent, n_sent);

                row = bench_row(bench, KIND_PARTICIPANT, listener);
                assert_true(row_in_sync(row) && place_lists(row->wanted, publisher));
                row = bench_row(bench, KIND_PARTICIPANT, publisher);
                assert_true(row_in_sync(row) && place_in_session(row->wanted, one));
                row = bench_row(bench, KIND_PARTICIPANT, nowhere);
                assert_true(row_in_sync(row) && !row->wanted);
                room_again(bench);
        }
}

/* The one that was accepted before stands, and who waits for it is told so. */
static void test_superseded(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t participant = bench_participant(bench, "p1", 0, MODE_NONE);
        uint64_t first;

        bench_skip_reads(bench);
        bench_intend(bench, erase(KIND_SESSION, 99, false)); /* a ticket that is nobody's */
        assert_int_equal(bench_intend(bench, change(INTENT_ADD, participant, session, true)), 0);
        first = bench->last_ticket;
        bench_answer(bench, API_BROKEN); /* accepted, and to be tried again */
        assert_int_equal(bench_reply(bench, first), OUTCOME_DONE);

        bench->room = BENCH_RESERVE;
        assert_int_equal(bench_intend(bench, change(INTENT_REMOVE, participant, session, true)), 0);
        assert_int_equal(last_reply(bench), OUTCOME_STORAGE_FAILED);
        assert_true(
                place_in_session(bench_row(bench, KIND_PARTICIPANT, participant)->wanted, session));
        room_again(bench);
}

/* A delete goes on by the reserve, and what it was mixed with is refused. */
static void test_delete(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t participant = bench_participant(bench, "p1", session, MODE_NONE);

        bench_skip_reads(bench);
        bench->room = BENCH_RESERVE;
        assert_int_equal(bench_intend(bench, erase(KIND_PARTICIPANT, participant, true)), 0);
        assert_int_equal(bench_operation(bench), OPERATION_DELETE_PARTICIPANT);
        bench_answer(bench, API_OK);
        assert_int_equal(last_reply(bench), OUTCOME_DONE);
        assert_null(bench_row(bench, KIND_PARTICIPANT, participant));
        assert_true(is_full(bench) && !is_held(bench));

        assert_int_equal(bench_intend(bench, erase(KIND_SESSION, session, false)), 0);
        assert_int_equal(last_reply(bench), OUTCOME_DONE);
        assert_int_equal(bench_intend(bench, create(KIND_SESSION, false)), OUTCOME_STORAGE_FAILED);
        room_again(bench);
}

/* Without the reserve a delete is refused as all else is; of one that has failed, too. */
static void test_delete_without_reserve(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1"), failed;

        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, create(KIND_PARTICIPANT, false)), 0);
        bench_answer(bench, API_REFUSED);
        failed = bench_number(bench);
        assert_int_equal(row_state(bench_row(bench, KIND_PARTICIPANT, failed)), STATE_FAILED);

        bench->room = BENCH_FULL;
        assert_int_equal(bench_intend(bench, erase(KIND_SESSION, session, true)), 0);
        assert_int_equal(last_reply(bench), OUTCOME_STORAGE_FAILED);
        assert_true(is_held(bench));
        assert_int_equal(bench_intend(bench, erase(KIND_SESSION, session, true)),
                         OUTCOME_STORAGE_FAILED);
        assert_false(bench_row(bench, KIND_SESSION, session)->gone);
        room_again(bench);

        bench->room = BENCH_FULL;
        assert_int_equal(bench_intend(bench, erase(KIND_PARTICIPANT, failed, false)), 0);
        assert_int_equal(last_reply(bench), OUTCOME_STORAGE_FAILED);
        assert_int_equal(row_state(bench_row(bench, KIND_PARTICIPANT, failed)), STATE_FAILED);
        room_again(bench);
        assert_int_equal(bench_intend(bench, erase(KIND_PARTICIPANT, failed, true)), 0);
        assert_int_equal(last_reply(bench), OUTCOME_DONE);
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

                assert_int_equal(bench_intend(bench, create(KIND_SESSION, false)), 0);
                session = bench_number(bench);
                bench->room = cases[i].room;
                bench_answer_id(bench, cases[i].id);
                assert_true(is_full(bench));
                assert_int_equal(is_held(bench), held);
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
                room_again(bench);
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
        assert_int_equal(bench_intend(bench, create(KIND_PARTICIPANT, true)), 0);
        answer.serial = bench->requests[0].serial;
        assert_int_equal(core_answer(bench->core, &answer, bench->now), 0);
        for (unsigned i = 0; i < 2; i++) {
                assert_int_equal(core_seal(bench->core, bench->now, &batch), 0);
                assert_int_equal(batch->vital, i == 1);
                assert_string_equal(batch->rows[0].token, "secret");
                assert_int_equal(core_refused(bench->core, batch, bench->now), 0);
        }
        bench->n_requests = 0;
        room_again(bench);
        assert_int_equal(last_reply(bench), OUTCOME_DONE);
        assert_true(bench_row(bench, KIND_PARTICIPANT, 1)->has_token);
}

/* What was accepted before is not begun while its id would want room; what has an id goes on. */
static void test_driven(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t participant = bench_participant(bench, "p1", 0, MODE_NONE);

        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, create(KIND_PARTICIPANT, false)), 0);
        bench_answer(bench, API_BROKEN); /* to be repeated */
        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, change(INTENT_ADD, participant, session, false)), 0);
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
        room_again(bench);
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
                assert_int_equal(bench_intend(bench, create(KIND_SESSION, true)), 0);
                assert_int_equal(bench_intend(bench, erase(KIND_SESSION, session, true)),
                                 i == 0 ? 0 : OUTCOME_STORAGE_FAILED);
                if (i == 0) {
                        bench_answer(bench, API_REFUSED);
                        bench_skip_reads(bench);
                }
                bench->now.realtime += USEC_PER_SEC;
                synced_at = bench_row(bench, KIND_SESSION, session)->synced_at;
                assert_int_equal(bench_intend(bench, refresh), 0);
                bench_skip_reads(bench);
                assert_int_equal(last_reply(bench), OUTCOME_DONE);
                assert_true(bench_row(bench, KIND_SESSION, session)->synced_at > synced_at);
                room_again(bench);
                bench_skip_reads(bench);
        }
}

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

                assert_int_equal(bench_intend(bench, create(KIND_PARTICIPANT, false)), 0);
                number = bench_number(bench);
                batch = intend_slowly(bench, erase(KIND_PARTICIPANT, number, true));
                answer_meanwhile(bench, OPERATION_CREATE_PARTICIPANT, cases[i].outcome);
                bench->room = BENCH_FULL;
                assert_int_equal(core_refused(bench->core, batch, bench->now), 0);
                bench_turn(bench);
                assert_int_equal(last_reply(bench), OUTCOME_STORAGE_FAILED);
                assert_int_equal(row_state(bench_row(bench, KIND_PARTICIPANT, number)),
                                 STATE_PENDING);
                bench->room = BENCH_ROOM;
                bench->n_requests = 0;
                bench_pass(bench, SPAN);
                assert_int_equal(row_state(bench_row(bench, KIND_PARTICIPANT, number)),
                                 cases[i].expect);
                assert_int_equal(core_status(bench->core).suspected_orphans, cases[i].n_orphans);
                bench_teardown(state);
                bench_setup(state);
        }
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
        batch = intend_slowly(bench, change(INTENT_REMOVE, participant, session, true));
        answer_meanwhile(bench, OPERATION_LIST_PARTICIPANTS, API_NOT_FOUND);
        bench->room = BENCH_RESERVE;
        assert_int_equal(core_refused(bench->core, batch, bench->now), 0);
        bench_turn(bench);
        assert_int_equal(last_reply(bench), OUTCOME_STORAGE_FAILED);
        assert_null(bench_row(bench, KIND_SESSION, session));
        assert_null(bench_row(bench, KIND_PARTICIPANT, participant)->wanted);
        room_again(bench);
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
        Intent subscribe = change(INTENT_SUBSCRIBE, listener, 0, true);
        const Row *row;
        Batch *batch;

        subscribe.mode = MODE_PARTICIPANTS;
        subscribe.publishers = publishers;
        subscribe.n_publishers = 1;
        assert_int_equal(bench_intend(bench, subscribe), 0);
        bench_answer(bench, API_OK);
        bench->n_requests = 0;
        assert_int_equal(bench_intend(bench, erase(KIND_PARTICIPANT, publisher, false)), 0);
        bench->room = BENCH_RESERVE;

        /* It has dropped out already; whoever takes that back must not bring it back. */
        batch = intend_slowly(bench, change(INTENT_SUBSCRIBE, listener, 0, true));
        answer_meanwhile(bench, OPERATION_DELETE_PARTICIPANT, API_OK);
        assert_int_equal(core_refused(bench->core, batch, bench->now), 0);
        bench_turn(bench);
        row = bench_row(bench, KIND_PARTICIPANT, listener);
        assert_true(place_in_session(row->wanted, session));
        assert_false(place_lists(row->wanted, publisher));
        assert_int_equal(row->wanted->mode, MODE_NONE);
        assert_null(bench_row(bench, KIND_PARTICIPANT, publisher));
        room_again(bench);
}

/* A client that has left cannot be told no. */
static void test_departure(void **state) {
        static const BenchRoom rooms[] = { BENCH_RESERVE, BENCH_FULL };
        Bench *bench = *state;

        for (size_t i = 0; i < ELEMENTSOF(rooms); i++) {
                CLEANUP(spec_unrefp) Spec *spec = NULL;
                Intent intent = create(KIND_SESSION, true);
                uint64_t number;

                assert_int_equal(spec_new(&spec), 0);
                spec->lifetime = LIFETIME_CLIENT;
                assert_int_equal(spec_set_text(&spec->client_name, ":1.7"), 0);
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
                room_again(bench);
                assert_int_equal(row_state(bench_row(bench, KIND_SESSION, number)), STATE_DELETING);
                bench_skip_reads(bench);
                assert_int_equal(bench_operation(bench), OPERATION_DELETE_SESSION);
                bench_answer(bench, API_OK);
        }
}

/* He has asked for the delete himself, and left before it was refused. */
static void test_departure_after_delete(void **state) {
        CLEANUP(spec_unrefp) Spec *spec = NULL;
        Intent intent = create(KIND_SESSION, true);
        Bench *bench = *state;
        uint64_t number;
        Batch *batch;

        assert_int_equal(spec_new(&spec), 0);
        spec->lifetime = LIFETIME_CLIENT;
        assert_int_equal(spec_set_text(&spec->client_name, ":1.7"), 0);
        intent.spec = spec;
        assert_int_equal(bench_intend(bench, intent), 0);
        bench_answer_id(bench, "s1");
        number = bench_number(bench);
        bench_skip_reads(bench);

        batch = intend_slowly(bench, erase(KIND_SESSION, number, true));
        assert_int_equal(core_client_left(bench->core, ":1.7", bench->now), 0);
        bench->room = BENCH_FULL;
        assert_int_equal(core_refused(bench->core, batch, bench->now), 0);
        bench_turn(bench);
        assert_int_equal(last_reply(bench), OUTCOME_STORAGE_FAILED);
        room_again(bench);
        assert_int_equal(row_state(bench_row(bench, KIND_SESSION, number)), STATE_DELETING);
}

/* Nothing is changed at the API of which it could not be kept what came of it. */
static void test_held_changes(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t participant = bench_participant(bench, "p1", 0, MODE_NONE);

        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, change(INTENT_ADD, participant, session, false)), 0);
        bench_answer(bench, API_BROKEN); /* to be tried again */
        bench->room = BENCH_FULL;
        assert_int_equal(bench_intend(bench, create(KIND_SESSION, true)), 0);
        assert_true(is_held(bench));
        for (unsigned i = 0; i < 100; i++) {
                bench_skip_reads(bench);
                assert_int_equal(bench_operation(bench), _OPERATION_MAX);
                bench_pass(bench, USEC_PER_SEC);
        }
        room_again(bench);
        bench_skip_reads(bench);
        assert_int_equal(bench_operation(bench), OPERATION_ADD_PARTICIPANT);
}

/* One that was taken back does not pass for accepted when the credentials are refused. */
static void test_withdrawn_after(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t participant = bench_participant(bench, "p1", session, MODE_NONE), first;
        Intent subscribe = change(INTENT_SUBSCRIBE, participant, 0, true);

        subscribe.mode = MODE_SESSION;
        assert_int_equal(bench_intend(bench, subscribe), 0);
        first = bench->last_ticket;
        assert_int_equal(bench_operation(bench), OPERATION_UPDATE_SUBSCRIPTIONS);
        bench->room = BENCH_RESERVE;
        subscribe.mode = MODE_NONE;
        subscribe.wait = false;
        assert_int_equal(bench_intend(bench, subscribe), 0);
        assert_int_equal(last_reply(bench), OUTCOME_STORAGE_FAILED);
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
        Intent subscribe = change(INTENT_SUBSCRIBE, participant, 0, true);
        const Row *row;
        Batch *batch;

        bench_skip_reads(bench);
        subscribe.mode = MODE_SESSION;
        assert_int_equal(bench_intend(bench, subscribe), 0);
        assert_int_equal(bench_operation(bench), OPERATION_UPDATE_SUBSCRIPTIONS);
        assert_int_equal(bench_intend(bench, change(INTENT_ADD, participant, session, true)), 0);
        subscribe.wait = false;
        assert_int_equal(bench_take_in(bench, subscribe, NULL), 0);
        assert_int_equal(core_seal(bench->core, bench->now, &batch), 0);
        assert_int_equal(bench_take_in(bench, erase(KIND_PARTICIPANT, participant, true), NULL), 0);

        bench->room = BENCH_RESERVE;
        assert_int_equal(core_refused(bench->core, batch, bench->now), 0);
        bench_turn(bench);
        assert_int_equal(bench_reply(bench, bench->last_ticket - 1), OUTCOME_STORAGE_FAILED);
        assert_true(bench_row(bench, KIND_PARTICIPANT, participant)->gone);
        bench_answer(bench, API_UNAUTHORIZED);
        assert_int_equal(last_reply(bench), OUTCOME_UNAUTHORIZED);
        row = bench_row(bench, KIND_PARTICIPANT, participant);
        assert_true(!row->gone && row->wanted->mode == MODE_NONE && row_in_sync(row));
}

/* A call that was refused is nothing to go back to for the next one, which finds no room. */
static void test_refused_below(void **state) {
        Bench *bench = *state;
        uint64_t one = bench_session(bench, "s1"), two = bench_session(bench, "s2");
        uint64_t participant = bench_participant(bench, "p1", one, MODE_NONE);
        Intent subscribe = change(INTENT_SUBSCRIBE, participant, 0, false);
        Answer answer = { .outcome = API_UNAUTHORIZED, .message = "no", .request_id = "" };
        const Row *row;
        Batch *batch;

        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, change(INTENT_REMOVE, participant, one, true)), 0);
        assert_int_equal(bench_operation(bench), OPERATION_REMOVE_PARTICIPANT);
        answer.serial = bench->requests[--bench->n_requests].serial;
        assert_int_equal(bench_intend(bench, change(INTENT_ADD, participant, two, true)), 0);
        subscribe.mode = MODE_SESSION;
        assert_int_equal(bench_take_in(bench, subscribe, NULL), 0);
        assert_int_equal(core_seal(bench->core, bench->now, &batch), 0);
        assert_int_equal(core_answer(bench->core, &answer, bench->now), 0);

        bench->room = BENCH_RESERVE;
        assert_int_equal(core_refused(bench->core, batch, bench->now), 0);
        bench_turn(bench);
        assert_int_equal(last_reply(bench), OUTCOME_STORAGE_FAILED);
        assert_int_equal(bench_reply(bench, bench->last_ticket - 1), OUTCOME_UNAUTHORIZED);
        row = bench_row(bench, KIND_PARTICIPANT, participant);
        assert_true(place_in_session(row->wanted, one) && row->wanted->mode == MODE_NONE);
}

/* Refused by the API, which is not durable, and asked for anew: the second one is not the first. */
static void test_delete_again(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        Intent intent = erase(KIND_SESSION, session, false);
        Batch *batch;

        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, intent), 0);
        bench->room = BENCH_FULL;
        bench_answer(bench, API_REFUSED);
        assert_true(is_held(bench) && bench_row(bench, KIND_SESSION, session)->gone);

        bench->now.boottime += SPAN;
        assert_int_equal(core_seal(bench->core, bench->now, &batch), 0);
        assert_int_equal(bench_take_in(bench, intent, NULL), 0);
        bench->room = BENCH_RESERVE;
        assert_int_equal(core_refused(bench->core, batch, bench->now), 0);
        bench_turn(bench);
        bench_skip_reads(bench);
        assert_int_equal(bench_operation(bench), OPERATION_DELETE_SESSION);
        bench_answer(bench, API_OK);
        assert_null(bench_row(bench, KIND_SESSION, session));
        room_again(bench);
}

/* Room is looked for again and again, at a pace. */
static void test_retries(void **state) {
        Bench *bench = *state;
        unsigned n;

        bench->room = BENCH_FULL;
        assert_int_equal(bench_intend(bench, create(KIND_SESSION, true)), 0);
        n = bench->n_refused;
        for (unsigned i = 0; i < 3600; i++)
                bench_pass(bench, USEC_PER_SEC);
        assert_in_range(bench->n_refused - n, 2 * 3600 / 9, 2 * 3600 / 7);
        bench->room = BENCH_RESERVE;
        n = bench->n_refused;
        for (unsigned i = 0; i < 3600; i++)
                bench_pass(bench, USEC_PER_SEC);
        assert_in_range(bench->n_refused - n, 3600 / 9, 3600 / 7);
        room_again(bench);
        assert_int_equal(bench_session(bench, "s1"), 2);
}

#define CORE_TEST(test) cmocka_unit_test_setup_teardown(test, bench_setup, bench_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                CORE_TEST(test_create),
                CORE_TEST(test_changes),
                CORE_TEST(test_superseded),
                CORE_TEST(test_delete),
                CORE_TEST(test_delete_without_reserve),
                CORE_TEST(test_id),
                CORE_TEST(test_token),
                CORE_TEST(test_driven),
                CORE_TEST(test_refresh),
                CORE_TEST(test_delete_of_creation),
                CORE_TEST(test_gone_meanwhile),
                CORE_TEST(test_publisher_meanwhile),
                CORE_TEST(test_departure),
                CORE_TEST(test_departure_after_delete),
                CORE_TEST(test_held_changes),
                CORE_TEST(test_withdrawn_after),
                CORE_TEST(test_withdrawn_below),
                CORE_TEST(test_refused_below),
                CORE_TEST(test_delete_again),
                CORE_TEST(test_retries),
        };

        return cmocka_run_group_tests_name("core: full disk", tests, NULL, NULL);
}
