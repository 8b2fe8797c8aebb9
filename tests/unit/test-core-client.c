/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/bench.h"
#include "unit/intents.h"

#include <stdio.h>

/* Objects that live as long as a client of the bus. */

static Spec *spec_of(const char *client) {
        Spec *spec;

        assert_int_equal(spec_new(&spec), 0);
        spec->owner = 1001;
        spec->lifetime = LIFETIME_CLIENT;
        assert_int_equal(spec_set_text(&spec, SPEC_CLIENT_BUS, "bus"), 0);
        assert_int_equal(spec_set_text(&spec, SPEC_CLIENT_NAME, client), 0);
        return spec;
}

/* What @client creates is taken in, and no turn follows. */
static uint64_t take_in(Bench *bench, Kind kind, const char *client, uint64_t session) {
        CLEANUP(spec_unrefp) Spec *spec = spec_of(client);
        Intent intent = { .kind = INTENT_CREATE,
                          .object = kind,
                          .spec = spec,
                          .session = session,
                          .wait = true };
        uint64_t number;

        assert_int_equal(bench_take_in(bench, intent, &number), 0);
        return number;
}

static uint64_t create(Bench *bench, Kind kind, const char *client, const char *id,
                       uint64_t session) {
        uint64_t number = take_in(bench, kind, client, session);

        bench_turn(bench);
        assert_true(operation_is_create(bench_operation(bench)));
        bench_answer_id(bench, id);
        if (session != 0)
                bench_answer(bench, API_OK);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
        return number;
}

static void leave(Bench *bench, const char *client) {
        assert_int_equal(core_client_left(bench->core, client, bench->now), 0);
        bench_turn(bench);
}

/* Answers what is out until nothing is, and counts deletions of @id among it. */
static unsigned drain(Bench *bench, const char *id) {
        unsigned n = 0;

        for (unsigned i = 0; i < 20; i++) {
                while (bench->n_requests > 0) {
                        const Request *request = bench->requests;
                        bool participant = request->operation == OPERATION_DELETE_PARTICIPANT;

                        if (participant || request->operation == OPERATION_DELETE_SESSION) {
                                n += strcmp(api_id_text(participant ? &request->participant
                                                                    : &request->session),
                                            id) == 0;
                                bench_answer(bench, API_OK);
                        } else if (request->number == 0) {
                                bench_answer(bench, API_NOT_FOUND);
                        } else {
                                bench_skip_reads(bench);
                        }
                }
                bench_pass(bench, USEC_PER_SEC);
        }
        return n;
}

static void test_left(void **state) {
        Bench *bench = *state;
        uint64_t session = create(bench, KIND_SESSION, ":1.7", "s1", 0);
        uint64_t mine = create(bench, KIND_PARTICIPANT, ":1.7", "p1", session);
        uint64_t others = create(bench, KIND_PARTICIPANT, ":1.70", "p2", session);
        uint64_t persistent = bench_participant(bench, "p3", session, MODE_SESSION);

        leave(bench, ":1.7");
        assert_int_equal(bench->n_logs[LOG_EVENT_CLIENT_LEFT], 1);
        assert_int_equal(row_state(bench_row(bench, KIND_SESSION, session)), STATE_DELETING);
        assert_int_equal(drain(bench, "s1"), 1);
        assert_null(bench_row(bench, KIND_SESSION, session));
        assert_null(bench_row(bench, KIND_PARTICIPANT, mine));
        assert_false(core_client_has(bench->core, ":1.7"));

        /* What others have in the session stays, in none. */
        const uint64_t staying[] = { others, persistent };
        for (size_t i = 0; i < ELEMENTSOF(staying); i++) {
                const Row *row = bench_row(bench, KIND_PARTICIPANT, staying[i]);

                assert_non_null(row);
                assert_int_equal(row_state(row), STATE_ACTIVE);
                assert_null(row->wanted);
        }
        leave(bench, ":1.8");
        assert_int_equal(bench->n_logs[LOG_EVENT_CLIENT_LEFT], 1);
}

/* Gone before its intent is durable: nothing is created, and nobody ever hears of it. */
static void test_before_it_is_sealed(void **state) {
        Bench *bench = *state;
        uint64_t number = take_in(bench, KIND_SESSION, ":1.7", 0);

        leave(bench, ":1.7");
        assert_int_equal(bench->n_sent, 0);
        assert_null(bench_row(bench, KIND_SESSION, number));
        assert_int_equal(core_status(bench->core).n_objects[KIND_SESSION], 0);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_SUPERSEDED);
}

static void test_on_its_way_to_the_disk(void **state) {
        Bench *bench = *state;
        uint64_t number = take_in(bench, KIND_SESSION, ":1.7", 0);
        Batch *batch;

        assert_int_equal(core_seal(bench->core, bench->now, &batch), 0);
        assert_true(batch->rows[0].row.attempt_open);
        assert_int_equal(core_client_left(bench->core, ":1.7", bench->now), 0);
        assert_int_equal(core_committed(bench->core, batch, bench->now), 0);
        for (size_t i = 0; i < batch->n_effects; i++)
                assert_int_not_equal(batch->effects[i].kind, EFFECT_REQUEST);
        core_release(bench->core, batch);
        bench_turn(bench);
        assert_int_equal(bench->n_sent, 0);
        assert_null(bench_row(bench, KIND_SESSION, number));
        assert_int_equal(core_status(bench->core).suspected_orphans, 0);
        assert_int_equal(core_status(bench->core).n_in_flight, 0);
}

/* An id that arrives is stored, then deleted. */
static void test_creation_in_flight(void **state) {
        Bench *bench = *state;
        uint64_t number = take_in(bench, KIND_PARTICIPANT, ":1.7", 0);

        bench_turn(bench);
        leave(bench, ":1.7");
        assert_int_equal(row_state(bench_row(bench, KIND_PARTICIPANT, number)), STATE_DELETING);
        bench_answer_id(bench, "p1");
        assert_int_equal(drain(bench, "p1"), 1);
        assert_null(bench_row(bench, KIND_PARTICIPANT, number));
}

/* It is taken in in any state of the API, and no 401 withdraws it, whoever else joins it. */
static void test_unauthorized(void **state) {
        Bench *bench = *state;
        uint64_t number = create(bench, KIND_SESSION, ":1.7", "s1", 0);
        Intent delete = {
                .kind = INTENT_DELETE, .object = KIND_SESSION, .number = number, .wait = true
        };

        bench_skip_reads(bench);
        leave(bench, ":1.7");
        assert_int_equal(bench_operation(bench), OPERATION_DELETE_SESSION);
        assert_int_equal(bench_intend(bench, delete), 0);
        bench_answer(bench, API_UNAUTHORIZED);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_UNAUTHORIZED);
        assert_int_equal(row_state(bench_row(bench, KIND_SESSION, number)), STATE_DELETING);

        core_set_credentials(bench->core, true, bench->now);
        bench_turn(bench);
        assert_int_equal(drain(bench, "s1"), 1);
        assert_null(bench_row(bench, KIND_SESSION, number));
}

static void test_while_unauthorized(void **state) {
        Bench *bench = *state;
        uint64_t number = create(bench, KIND_SESSION, ":1.7", "s1", 0);

        core_set_credentials(bench->core, false, bench->now);
        leave(bench, ":1.7");
        assert_int_equal(row_state(bench_row(bench, KIND_SESSION, number)), STATE_DELETING);
        core_set_credentials(bench->core, true, bench->now);
        bench_turn(bench);
        assert_int_equal(drain(bench, "s1"), 1);
        assert_null(bench_row(bench, KIND_SESSION, number));
}

/* Whom there are objects of, each once, in the order of their names. */
static void test_names(void **state) {
        Bench *bench = *state;
        static const char *const names[] = { ":1.10", ":1.7", ":1.9" };
        const Row *row = core_client_after(bench->core, NULL);

        assert_null(row);
        bench_session(bench, "s0");
        assert_null(core_client_after(bench->core, NULL));
        create(bench, KIND_PARTICIPANT, ":1.9", "p1", 0);
        create(bench, KIND_SESSION, ":1.7", "s1", 0);
        create(bench, KIND_PARTICIPANT, ":1.7", "p2", 0);
        create(bench, KIND_SESSION, ":1.10", "s2", 0);
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                row = core_client_after(bench->core, i > 0 ? names[i - 1] : NULL);
                assert_non_null(row);
                assert_string_equal(spec_text(row->spec, SPEC_CLIENT_NAME), names[i]);
                assert_true(core_client_has(bench->core, names[i]));
        }
        assert_null(core_client_after(bench->core, ":1.9"));
        assert_non_null(core_client_after(bench->core, ":1.8"));
        assert_false(core_client_has(bench->core, ":1.8"));
        assert_false(core_client_has(bench->core, ":1.1"));
}

/* However much there is: no turn takes all of it, and all of it goes. */
static void test_many(void **state) {
        Bench *bench = *state;
        unsigned n_sealed = 0, n_largest = 0;
        Batch *batch;

        for (uint64_t number = 1; number <= 1000; number++) {
                Row row = { .kind = KIND_PARTICIPANT, .number = number, .spec = spec_of(":1.7") };
                ApiId id = { 0 };

                snprintf(id.text, sizeof(id.text), "p%u", (unsigned)number);
                assert_int_equal(row_set_id(&row, &id), 0);
                row.goals[BEING] = (Goal){ 1, 1, 1 };
                assert_int_equal(core_restore(bench->core, &row), 0);
        }
        assert_int_equal(core_client_left(bench->core, ":1.7", bench->now), 0);
        while (core_deadline(bench->core, bench->now) <= bench->now.boottime) {
                assert_int_equal(core_seal(bench->core, bench->now, &batch), 0);
                if (!batch)
                        continue;
                n_sealed += (unsigned)batch->n_rows;
                n_largest = batch->n_rows > n_largest ? (unsigned)batch->n_rows : n_largest;
                assert_int_equal(core_committed(bench->core, batch, bench->now), 0);
                core_release(bench->core, batch);
        }
        assert_int_equal(n_sealed, 1000);
        assert_in_range(n_largest, 256, 512);
        for (uint64_t number = 1; number <= 1000; number++)
                assert_int_equal(row_state(bench_row(bench, KIND_PARTICIPANT, number)),
                                 STATE_DELETING);
}

static void come_and_go(Bench *bench, unsigned n) {
        char name[16];

        for (unsigned i = 0; i < n; i++) {
                snprintf(name, sizeof(name), ":2.%u", i);
                take_in(bench, KIND_SESSION, name, 0);
                take_in(bench, KIND_SESSION, name, 0);
                leave(bench, name);
                bench->n_replies = 0; /* room for the next ones */
        }
}

/* Whoever comes and goes again and again does not fill the log, and who it was is told. */
static void test_told(void **state) {
        Bench *bench = *state;

        come_and_go(bench, 10);
        assert_int_equal(bench->n_told[LOG_EVENT_CLIENT_LEFT], 10);
        assert_string_equal(bench->told_text, "The client :2.9 has left the bus; its objects of "
                                              "Lifetime=client are deleted.");
        assert_int_equal(bench->told_owner, 1001);

        come_and_go(bench, 500);
        assert_int_equal(bench->n_told[LOG_EVENT_CLIENT_LEFT], 10);
        assert_int_equal(bench->n_logs[LOG_EVENT_CLIENT_LEFT], 510);
        bench->told_owner = 0;
        /* It wakes up for that. */
        while (bench->n_told[LOG_EVENT_CLIENT_LEFT] == 10) {
                usec_t due = core_deadline(bench->core, bench->now);

                assert_in_range(due, bench->now.boottime + 1, bench->now.boottime + USEC_PER_MIN);
                bench_pass(bench, due - bench->now.boottime);
        }
        assert_string_equal(bench->told_text,
                            "Clients have left the bus so often that 500 were not told, the last "
                            "of user 1001; their objects of Lifetime=client are deleted.");
        assert_int_equal(bench->told_owner, 1001);
        assert_int_equal(bench->told_level, 6);

        bench_pass(bench, USEC_PER_HOUR);
        assert_int_equal(bench->n_told[LOG_EVENT_CLIENT_LEFT], 11);
        come_and_go(bench, 1);
        assert_int_equal(bench->n_told[LOG_EVENT_CLIENT_LEFT], 12);
}

/* Its client deletes what was never made, and leaves while that is on its way to the disk. */
static void test_while_its_delete_is_stored(void **state) {
        Bench *bench = *state;
        uint64_t number = take_in(bench, KIND_SESSION, ":1.1", 0);
        Batch *batch;

        bench_turn(bench);
        bench_answer(bench, API_NOT_SENT);
        assert_int_equal(bench_take_in(bench, intent_delete(KIND_SESSION, number, true), NULL), 0);
        assert_int_equal(core_seal(bench->core, bench->now, &batch), 0);
        assert_int_equal(core_client_left(bench->core, ":1.1", bench->now), 0);
        assert_int_equal(core_committed(bench->core, batch, bench->now), 0);
        core_release(bench->core, batch);
        bench_turn(bench);
        assert_null(bench_row(bench, KIND_SESSION, number));
        assert_int_equal(core_status(bench->core).n_pending, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
                TEST(test_left),
                TEST(test_before_it_is_sealed),
                TEST(test_on_its_way_to_the_disk),
                TEST(test_creation_in_flight),
                TEST(test_unauthorized),
                TEST(test_while_unauthorized),
                TEST(test_while_its_delete_is_stored),
                TEST(test_names),
                TEST(test_many),
                TEST(test_told),
        };

        return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
