/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/full-disk.h"
#include "unit/registry.h"

/* What clients are told about the next attempt: the very moment, and of what it is. */

static usec_t told(const Bench *bench, Kind kind, uint64_t number) {
        return core_next_attempt(bench->core, kind, number, bench->now);
}

static bool is_out(const Bench *bench, Operation operation, uint64_t number) {
        for (size_t i = 0; i < bench->n_requests; i++)
                if (bench->requests[i].operation == operation &&
                    bench->requests[i].number == number)
                        return true;
        return false;
}

/* At that moment, and not before, the request goes out. */
static void assert_out_at(Bench *bench, usec_t at, Operation operation, uint64_t number) {
        assert_true(at > bench->now.realtime);
        assert_false(is_out(bench, operation, number));
        bench_pass(bench, at - bench->now.realtime - 1);
        assert_false(is_out(bench, operation, number));
        bench_pass(bench, 1);
        assert_true(is_out(bench, operation, number));
}

/* The oldest request of that kind. All reads before it and after it are well. */
static void answer(Bench *bench, Operation operation, ApiOutcome outcome) {
        if (bench_operation(bench) != operation)
                bench_skip_reads(bench);
        assert_int_equal(bench_operation(bench), operation);
        bench_answer(bench, outcome);
        bench_skip_reads(bench);
}

/* The host is all right: only this object backs off. */
static void test_backs_off(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");

        bench_skip_reads(bench);
        assert_int_equal(told(bench, KIND_SESSION, session), 0);
        assert_int_equal(bench_intend(bench, intent_delete(KIND_SESSION, session, true)), 0);
        for (unsigned i = 0; i < 8; i++) {
                usec_t at;

                assert_int_equal(told(bench, KIND_SESSION, session), 0);
                answer(bench, OPERATION_DELETE_SESSION, API_BROKEN);
                assert_int_equal(core_status(bench->core).api_state, API_STATE_ONLINE);
                at = told(bench, KIND_SESSION, session);
                assert_out_at(bench, at, OPERATION_DELETE_SESSION, session);
        }
        answer(bench, OPERATION_DELETE_SESSION, API_OK);
        assert_int_equal(told(bench, KIND_SESSION, session), 0);
}

/* It is when the API is asked whether it is back; while that is out, at any moment. */
static void test_offline(void **state) {
        Bench *bench = *state;

        bench_intend(bench, intent_create(KIND_SESSION, true));
        bench_answer(bench, API_NOT_SENT);
        for (unsigned i = 0; i < 5; i++) {
                CoreStatus status = core_status(bench->core);

                assert_int_equal(status.api_state, API_STATE_OFFLINE);
                assert_int_equal(status.next_probe_at - bench->now.boottime,
                                 told(bench, KIND_SESSION, 1) - bench->now.realtime);
                assert_out_at(bench, told(bench, KIND_SESSION, 1), OPERATION_GET_SESSION, 0);
                assert_true(core_status(bench->core).next_probe_at == USEC_NEVER);
                assert_int_equal(told(bench, KIND_SESSION, 1), bench->now.realtime);
                bench_pass(bench, USEC_PER_SEC);
                assert_int_equal(told(bench, KIND_SESSION, 1), bench->now.realtime);
                bench_answer(bench, API_NO_ANSWER);
        }
        assert_out_at(bench, told(bench, KIND_SESSION, 1), OPERATION_GET_SESSION, 0);
        bench_answer(bench, API_NOT_FOUND);
        assert_true(is_out(bench, OPERATION_CREATE_SESSION, 1));
        assert_int_equal(told(bench, KIND_SESSION, 1), 0);
}

/* Then the budget is spent, too, which is reckoned to a microsecond or two. */
static void test_throttled(void **state) {
        Bench *bench = *state;
        usec_t at;

        bench_intend(bench, intent_create(KIND_SESSION, true));
        bench_answer(bench, API_THROTTLED);
        at = told(bench, KIND_SESSION, 1);
        assert_true(at > bench->now.realtime);
        bench_pass(bench, at - bench->now.realtime - USEC_PER_MSEC);
        assert_false(is_out(bench, OPERATION_GET_SESSION, 0));
        bench_pass(bench, 2 * USEC_PER_MSEC);
        assert_true(is_out(bench, OPERATION_GET_SESSION, 0));
}

/* An API that is back does not shorten what the object itself waits for. */
static void test_offline_while_it_backs_off(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1"), other = bench_session(bench, "s2");
        usec_t at;

        bench_skip_reads(bench);
        bench_intend(bench, intent_delete(KIND_SESSION, session, true));
        for (unsigned i = 0; i < 8; i++) {
                if (i > 0)
                        bench_pass(bench, told(bench, KIND_SESSION, session) - bench->now.realtime);
                answer(bench, OPERATION_DELETE_SESSION, API_BROKEN);
        }
        at = told(bench, KIND_SESSION, session);
        assert_true(at > bench->now.realtime + bench_config.retry_min_usec);
        bench_intend(bench, intent_refresh(KIND_SESSION, other));
        bench_answer(bench, API_NOT_SENT);
        assert_int_equal(core_status(bench->core).api_state, API_STATE_OFFLINE);
        assert_int_equal(told(bench, KIND_SESSION, session), at);
        bench_pass(bench, bench_config.retry_min_usec);
        bench_answer(bench, API_NOT_FOUND);
        assert_int_equal(told(bench, KIND_SESSION, session), at);
        bench_skip_reads(bench);
        assert_out_at(bench, at, OPERATION_DELETE_SESSION, session);
}

/* Nobody can say when there will be some, nor when the daemon is started again. */
static void test_nothing_is_planned(void **state) {
        Bench *bench = *state;

        core_set_credentials(bench->core, false, bench->now);
        bench_turn(bench);
        assert_int_equal(bench_intend(bench, intent_create(KIND_SESSION, true)),
                         OUTCOME_UNAUTHORIZED);
        core_set_credentials(bench->core, true, bench->now);
        bench_turn(bench);
        bench_answer(bench, API_NOT_FOUND);
        bench_intend(bench, intent_create(KIND_SESSION, true));
        bench_answer(bench, API_NOT_SENT);
        core_set_credentials(bench->core, false, bench->now);
        assert_int_equal(told(bench, KIND_SESSION, 1), 0);
        core_set_credentials(bench->core, true, bench->now);
        assert_int_equal(told(bench, KIND_SESSION, 1), bench->now.realtime);
        bench_turn(bench);
        assert_true(is_out(bench, OPERATION_GET_SESSION, 0));
        core_set_credentials(bench->core, false, bench->now);
        assert_int_equal(told(bench, KIND_SESSION, 1), 0);
        core_set_credentials(bench->core, true, bench->now);
        core_stop(bench->core);
        assert_int_equal(told(bench, KIND_SESSION, 1), 0);
}

/* Who waits for a session is told when that is tried. */
static void test_waits_for_its_session(void **state) {
        Bench *bench = *state;
        Intent join = intent_create(KIND_PARTICIPANT, true);

        bench_intend(bench, intent_create(KIND_SESSION, true));
        join.session = 1;
        bench_intend(bench, join);
        assert_int_equal(told(bench, KIND_PARTICIPANT, 1), 0);
        bench_answer(bench, API_BROKEN);
        bench_answer_id(bench, "p1");
        bench_skip_reads(bench);

        assert_int_equal(told(bench, KIND_PARTICIPANT, 1), told(bench, KIND_SESSION, 1));
        assert_out_at(bench, told(bench, KIND_PARTICIPANT, 1), OPERATION_CREATE_SESSION, 1);
        /* As soon as that is answered. */
        assert_int_equal(told(bench, KIND_SESSION, 1), 0);
        assert_int_equal(told(bench, KIND_PARTICIPANT, 1), bench->now.realtime);
}

/* Neither is told the other's time: a listener waits for its publisher, never the reverse. */
static void test_waits_for_a_publisher(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t publisher = bench_participant(bench, "p1", 0, MODE_NONE);
        uint64_t listener = bench_participant(bench, "p2", session, MODE_NONE);
        const Publisher publishers[] = { { .number = publisher } };
        Intent hear = intent_subscribe(listener, MODE_PARTICIPANTS);

        hear.publishers = publishers;
        hear.n_publishers = ELEMENTSOF(publishers);
        bench_skip_reads(bench);
        bench_intend(bench, intent_add(publisher, session, MODE_NONE));
        bench_intend(bench, hear);
        /* It is on its way there. */
        assert_int_equal(told(bench, KIND_PARTICIPANT, listener), bench->now.realtime);
        answer(bench, OPERATION_ADD_PARTICIPANT, API_BROKEN);
        assert_out_at(bench, told(bench, KIND_PARTICIPANT, listener), OPERATION_ADD_PARTICIPANT,
                      publisher);
}

/* A place in a full session is made by who leaves it. */
static void test_waits_for_a_place(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1"), leaving;
        uint64_t joining = bench_participant(bench, "p1", 0, MODE_NONE);
        const Publisher publishers[] = { { .number = joining } };
        Intent hear = intent_subscribe(0, MODE_PARTICIPANTS);
        Sighting seen[SESSION_MEMBERS_MAX];
        char id[8];

        for (unsigned i = 0; i < SESSION_MEMBERS_MAX; i++) {
                (void)snprintf(id, sizeof(id), "x%u", i);
                seen[i] = bench_sighting(id, "s1", MODE_NONE);
        }
        hear.publishers = publishers;
        hear.n_publishers = ELEMENTSOF(publishers);
        bench_look(bench, session, seen, SESSION_MEMBERS_MAX);
        bench_skip_reads(bench);
        leaving = bench_row_of(bench, KIND_PARTICIPANT, "x7")->number;
        hear.number = bench_row_of(bench, KIND_PARTICIPANT, "x3")->number;

        bench_intend(bench, intent_remove(leaving, session));
        bench_intend(bench, intent_add(joining, session, MODE_NONE));
        assert_int_equal(told(bench, KIND_PARTICIPANT, joining), bench->now.realtime);
        answer(bench, OPERATION_REMOVE_PARTICIPANT, API_BROKEN);
        /* And so does who is to hear it. */
        bench_intend(bench, hear);
        assert_int_equal(told(bench, KIND_PARTICIPANT, hear.number),
                         told(bench, KIND_PARTICIPANT, joining));
        assert_out_at(bench, told(bench, KIND_PARTICIPANT, joining), OPERATION_REMOVE_PARTICIPANT,
                      leaving);
}

/* A creation waits until there is room, which is looked for again and again. */
static void test_full_disk(void **state) {
        Bench *bench = *state;

        bench_intend(bench, intent_create(KIND_SESSION, true));
        bench_answer(bench, API_NOT_SENT);
        bench->room = BENCH_RESERVE;
        bench_intend(bench, intent_create(KIND_SESSION, true));
        assert_true(bench_is_full(bench));
        bench_pass(bench, bench_config.retry_min_usec);
        bench_answer(bench, API_NOT_FOUND);
        assert_int_equal(core_status(bench->core).api_state, API_STATE_ONLINE);

        for (unsigned i = 0; i < 5; i++) {
                unsigned n_refused = bench->n_refused;
                usec_t at = told(bench, KIND_SESSION, 1);

                assert_true(at > bench->now.realtime);
                bench_pass(bench, at - bench->now.realtime - 1);
                assert_int_equal(bench->n_refused, n_refused);
                bench_pass(bench, 1);
                assert_int_equal(bench->n_refused, n_refused + 1);
                assert_false(is_out(bench, OPERATION_CREATE_SESSION, 1));
        }
        bench->room = BENCH_ROOM;
        assert_out_at(bench, told(bench, KIND_SESSION, 1), OPERATION_CREATE_SESSION, 1);
}

static void restore(Bench *bench, CopyKind copy, const Entry *entries, size_t n) {
        Counters counters = { .last_number = { n, n } };

        core_free(bench->core);
        assert_int_equal(core_new(&bench->core, &registry_config), 0);
        core_restore_counters(bench->core, &counters);
        for (size_t i = 0; i < n; i++)
                registry_add(bench->core, entries + i);
        core_restore_copy(bench->core, copy);
        bench_start(bench);
}

/* Of a copy nothing is changed before all of it was read, and when that is, nobody knows. */
static void test_copy(void **state) {
        static const Entry entries[] = {
                { .kind = KIND_SESSION, .number = 1, .id = "s1" },
                { .kind = KIND_SESSION, .number = 2, .id = "s2", .gone = true },
        };
        Bench *bench = *state;

        restore(bench, COPY_HERE, entries, ELEMENTSOF(entries));
        assert_int_equal(told(bench, KIND_SESSION, 2), bench->now.realtime); /* its read */
        if (bench->requests[0].number == 1) { /* who is answered last */
                Request first = bench->requests[0];

                bench->requests[0] = bench->requests[1];
                bench->requests[1] = first;
        }
        bench_answer_sightings(bench, NULL, 0);
        assert_int_equal(core_status(bench->core).n_unread, 1);
        assert_int_equal(told(bench, KIND_SESSION, 2), 0);
        bench_answer_sightings(bench, NULL, 0);
        assert_true(is_out(bench, OPERATION_DELETE_SESSION, 2));
}

/* Who is in a session is read with it. */
static void test_copy_of_a_member(void **state) {
        static const Entry entries[] = {
                { .kind = KIND_SESSION, .number = 1, .id = "s1" },
                { .kind = KIND_PARTICIPANT, .number = 1, .id = "p1", .session = 1, .gone = true },
        };
        Bench *bench = *state;

        restore(bench, COPY_HERE, entries, ELEMENTSOF(entries));
        assert_int_equal(told(bench, KIND_PARTICIPANT, 1), bench->now.realtime);
        answer(bench, OPERATION_LIST_PARTICIPANTS, API_BROKEN);
        assert_out_at(bench, told(bench, KIND_PARTICIPANT, 1), OPERATION_LIST_PARTICIPANTS, 1);
}

static void assert_failed(const Bench *bench, uint64_t participant, unsigned n) {
        const Row *row = bench_row(bench, KIND_PARTICIPANT, participant);

        assert_false(row_in_sync(row));
        assert_int_equal(row->n_failed, n);
        assert_int_equal(row->last_error, n > 0 ? OUTCOME_UNAVAILABLE : OUTCOME_DONE);
        if (n > 0)
                assert_string_equal(row->last_message, "as told");
}

/* After a restart a change waits for a read, and so that is what fails. It is told without a write
 * to the disk, and forgotten once the change is confirmed. */
static void test_read_before_fails(void **state) {
        static const Entry entries[] = {
                { .kind = KIND_SESSION, .number = 1, .id = "s1" },
                { .kind = KIND_PARTICIPANT, .number = 1, .id = "p1", .session = 1, .open = true },
        };
        Bench *bench = *state;
        unsigned n_commits;

        restore(bench, COPY_NONE, entries, ELEMENTSOF(entries));
        n_commits = bench->n_commits;
        for (unsigned i = 0; i < 10; i++) {
                while (bench_operation(bench) != OPERATION_GET_PARTICIPANT)
                        bench_answer(bench, API_OK);
                assert_failed(bench, 1, i);
                bench_answer(bench, API_BROKEN);
                assert_failed(bench, 1, i + 1);
                if (bench->n_requests > 0 && bench->requests[0].probe)
                        bench_answer(bench, API_NOT_FOUND);
                assert_out_at(bench, told(bench, KIND_PARTICIPANT, 1), OPERATION_GET_PARTICIPANT,
                              1);
        }
        assert_int_equal(bench->n_commits, n_commits);

        while (bench_operation(bench) != OPERATION_GET_PARTICIPANT)
                bench_answer(bench, API_OK);
        bench_answer_seen(bench, "p1", NULL, MODE_NONE);
        assert_failed(bench, 1, 10);
        while (bench_operation(bench) != OPERATION_ADD_PARTICIPANT)
                bench_answer(bench, API_OK);
        bench_answer(bench, API_OK);
        assert_true(row_in_sync(bench_row(bench, KIND_PARTICIPANT, 1)));
        assert_int_equal(bench_row(bench, KIND_PARTICIPANT, 1)->n_failed, 0);
        assert_int_equal(bench_row(bench, KIND_PARTICIPANT, 1)->last_error, OUTCOME_DONE);
}

/* The read of a session is the attempt of all whose change waits for it, and of nobody else's. */
static void test_read_of_the_session_fails(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t resting = bench_participant(bench, "p1", session, MODE_NONE);
        uint64_t joining = bench_participant(bench, "p2", 0, MODE_NONE);

        const Sighting seen = bench_sighting("p1", "s1", MODE_NONE);

        bench_skip_reads(bench);
        bench_look(bench, session, &seen, 1);
        bench_skip_reads(bench);
        bench_intend(bench, intent_add(joining, session, MODE_NONE));
        assert_int_equal(bench_operation(bench), OPERATION_ADD_PARTICIPANT);
        bench_answer(bench, API_NOT_FOUND);
        assert_int_equal(bench_reply(bench, bench->last_ticket), -1);
        assert_int_equal(bench_operation(bench), OPERATION_LIST_PARTICIPANTS);
        bench_answer(bench, API_BROKEN);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
        assert_failed(bench, joining, 2); /* the 404 was the first */
        assert_true(row_in_sync(bench_row(bench, KIND_PARTICIPANT, resting)));
        assert_true(place_in_session(bench_row(bench, KIND_PARTICIPANT, resting)->wanted, session));
        assert_int_equal(bench_row(bench, KIND_PARTICIPANT, resting)->n_failed, 0);
        assert_int_equal(bench_row(bench, KIND_PARTICIPANT, resting)->last_error, OUTCOME_DONE);
        assert_int_equal(bench_row(bench, KIND_SESSION, session)->n_failed, 0);
        assert_int_equal(bench_row(bench, KIND_SESSION, session)->last_error, OUTCOME_DONE);
        bench_answer(bench, API_NOT_FOUND); /* the probe */
        assert_out_at(bench, told(bench, KIND_PARTICIPANT, joining), OPERATION_LIST_PARTICIPANTS,
                      session);
}

/* A look that nothing waits for is no attempt. */
static void test_look_is_no_attempt(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t participant = bench_participant(bench, "p1", 0, MODE_NONE);

        bench_skip_reads(bench);
        bench_intend(bench, intent_add(participant, session, MODE_NONE));
        bench_answer(bench, API_BROKEN);
        bench_skip_reads(bench);
        assert_failed(bench, participant, 1);
        bench_intend(bench, intent_refresh(KIND_PARTICIPANT, participant));
        assert_int_equal(bench_operation(bench), OPERATION_GET_PARTICIPANT);
        bench_answer(bench, API_BROKEN);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_UNAVAILABLE);
        assert_failed(bench, participant, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_backs_off),
                TEST(test_offline),
                TEST(test_throttled),
                TEST(test_offline_while_it_backs_off),
                TEST(test_nothing_is_planned),
                TEST(test_waits_for_its_session),
                TEST(test_waits_for_a_publisher),
                TEST(test_waits_for_a_place),
                TEST(test_full_disk),
                TEST(test_copy),
                TEST(test_copy_of_a_member),
                TEST(test_read_before_fails),
                TEST(test_read_of_the_session_fails),
                TEST(test_look_is_no_attempt),
        };

        return cmocka_run_group_tests_name("core-attempt", tests, NULL, NULL);
}
