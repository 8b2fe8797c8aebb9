/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/bench.h"

#include "unit/registry.h"

/* A state that is a copy: a backup that was restored, a machine that was cloned. */

static void restore(Bench *bench, const CoreConfig *config, const Entry *entries, size_t n) {
        Counters counters = { 0 };

        core_free(bench->core);
        assert_int_equal(core_new(&bench->core, config), 0);
        for (size_t i = 0; i < n; i++)
                counters.last_number[entries[i].kind] = entries[i].number;
        core_restore_counters(bench->core, &counters);
        for (size_t i = 0; i < n; i++)
                registry_add(bench->core, entries + i);
}

static void start(Bench *bench, CopyKind kind) {
        core_restore_copy(bench->core, kind);
        bench_start(bench);
}

#define RESTORE(bench, config, ...)                                                                \
        restore(bench, config, (const Entry[]){ __VA_ARGS__ },                                     \
                ELEMENTSOF(((const Entry[]){ __VA_ARGS__ })))

/* Whether anything but reads is out. */
static bool changes(const Bench *bench) {
        for (size_t i = 0; i < bench->n_requests; i++)
                switch (bench->requests[i].operation) {
                case OPERATION_GET_SESSION:
                case OPERATION_LIST_PARTICIPANTS:
                case OPERATION_GET_PARTICIPANT:
                case OPERATION_GET_SUBSCRIPTIONS:
                        break;
                default:
                        return true;
                }
        return false;
}

/* The oldest request is answered last. */
static void defer(Bench *bench) {
        Request first = bench->requests[0];

        memmove(bench->requests, bench->requests + 1, (bench->n_requests - 1) * sizeof(Request));
        bench->requests[bench->n_requests - 1] = first;
}

static void answer_list(Bench *bench, const Sighting *seen, size_t n) {
        assert_int_equal(bench_operation(bench), OPERATION_LIST_PARTICIPANTS);
        bench_answer_sightings(bench, seen, n);
}

/* Everything is read, and only then is anything driven: a delete, a membership. */
static void test_read_before_driven(void **state) {
        Bench *bench = *state;
        const Sighting seen = bench_sighting("p3", "s1", MODE_NONE);

        RESTORE(bench, &registry_config, { .kind = KIND_SESSION, .number = 1, .id = "s1" },
                { .kind = KIND_SESSION, .number = 2, .id = "s2", .gone = true },
                { .kind = KIND_PARTICIPANT, .number = 3, .id = "p3", .session = 1 },
                { .kind = KIND_PARTICIPANT, .number = 4, .id = "p4", .gone = true },
                { .kind = KIND_PARTICIPANT, .number = 5, .id = "p5", .session = 1, .open = true });
        start(bench, COPY_HERE);
        assert_int_equal(core_status(bench->core).n_unread, 5);
        assert_false(changes(bench));
        assert_int_equal(bench->n_requests, 4); /* 3 is in the list of 1 */

        answer_list(bench, &seen, 1);
        assert_false(changes(bench));
        answer_list(bench, NULL, 0);
        assert_false(changes(bench));
        bench_answer_seen(bench, "p4", NULL, MODE_NONE);
        assert_false(changes(bench));
        assert_int_equal(core_status(bench->core).n_unread, 1);
        assert_int_equal(bench->n_logs[LOG_EVENT_COPY_READ], 0);

        /* The last: nobody but the API knows where it is, and so it is asked for itself. */
        assert_int_equal(bench->n_requests, 1);
        bench_answer_seen(bench, "p5", NULL, MODE_NONE);
        assert_int_equal(core_status(bench->core).n_unread, 0);
        assert_int_equal(bench->n_logs[LOG_EVENT_COPY_READ], 1);
        assert_int_equal(bench->n_requests, 3);
        for (size_t i = 0; i < bench->n_requests; i++)
                assert_true(bench->requests[i].operation == OPERATION_DELETE_SESSION ||
                            bench->requests[i].operation == OPERATION_DELETE_PARTICIPANT ||
                            bench->requests[i].operation == OPERATION_ADD_PARTICIPANT);
}

/* The same state, and it is no copy. */
static void test_no_copy(void **state) {
        Bench *bench = *state;

        RESTORE(bench, &registry_config,
                { .kind = KIND_SESSION, .number = 1, .id = "s1", .gone = true },
                { .kind = KIND_SESSION, .number = 2 });
        start(bench, COPY_NONE);
        assert_int_equal(core_status(bench->core).n_unread, 0);
        assert_int_equal(core_status(bench->core).suspected_orphans, 0);
        assert_true(changes(bench));
        assert_int_equal(bench->n_requests, 2);
}

/* No creation is sent, whether it had been or not; each is counted, and its owner decides. What was
 * to be deleted anyway was never to be created. */
static void test_creations(void **state) {
        Bench *bench = *state;
        const Row *row;

        RESTORE(bench, &registry_config, { .kind = KIND_SESSION, .number = 1 },
                { .kind = KIND_SESSION, .number = 2, .gone = true },
                { .kind = KIND_SESSION, .number = 3, .failed = true },
                { .kind = KIND_PARTICIPANT, .number = 1, .session = 1, .open = true });
        start(bench, COPY_HERE);
        bench_pass(bench, USEC_PER_HOUR);
        assert_false(changes(bench));
        assert_int_equal(core_status(bench->core).suspected_orphans, 2);
        assert_int_equal(bench->n_logs[LOG_EVENT_UNKNOWN_OUTCOME], 2);
        assert_null(bench_row(bench, KIND_SESSION, 2));
        for (Kind kind = 0; kind < _KIND_MAX; kind++) {
                row = bench_row(bench, kind, 1);
                assert_int_equal(row_state(row), STATE_FAILED);
                assert_int_equal(row->last_error, OUTCOME_UNKNOWN);
                assert_int_equal(row->n_unknown, 1);
                assert_null(row->wanted);
        }
        assert_int_equal(bench_row(bench, KIND_SESSION, 3)->n_unknown, 0);

        /* What is wanted now is another matter. */
        assert_int_equal(bench_session(bench, "s4"), 4);
}

/* What the API has is taken over, also where drift is to be put back. */
static void test_taken_over(void **state) {
        Bench *bench = *state;
        const Sighting elsewhere = bench_sighting("p1", "s2", MODE_SESSION);
        const Sighting back = bench_sighting("p1", "s1", MODE_NONE);
        CoreConfig config = registry_config;
        Row row;

        config.enforce = true;
        RESTORE(bench, &config, { .kind = KIND_SESSION, .number = 1, .id = "s1" },
                { .kind = KIND_SESSION, .number = 2, .id = "s2" });
        row = registry_row(
                &(Entry){ .kind = KIND_PARTICIPANT, .number = 1, .id = "p1", .session = 1 });
        row.has_token = true; /* made here: it would be put back */
        core_restore_counters(bench->core, &(Counters){ .last_number = { 2, 1 } });
        assert_int_equal(core_restore(bench->core, &row), 0);
        start(bench, COPY_HERE);
        answer_list(bench, NULL, 0);
        answer_list(bench, &elsewhere, 1);
        bench_answer_seen(bench, "p1", "s2", MODE_SESSION);
        assert_false(changes(bench));
        assert_int_equal(bench_row(bench, KIND_PARTICIPANT, 1)->wanted->session, 2);
        assert_int_equal(core_status(bench->core).n_unread, 0);

        /* From now on it is what is wanted here, and will be put back. */
        bench_intend(bench, (Intent){ .kind = INTENT_SUBSCRIBE,
                                      .object = KIND_PARTICIPANT,
                                      .number = 1,
                                      .mode = MODE_NONE });
        assert_int_equal(bench_operation(bench), OPERATION_UPDATE_SUBSCRIPTIONS);
        bench_answer(bench, API_OK);
        bench_pass(bench, USEC_PER_SEC);
        assert_int_equal(bench_operation(bench), OPERATION_GET_SUBSCRIPTIONS);
        bench_answer_seen(bench, "p1", "s2", MODE_NONE);
        bench_skip_reads(bench);
        bench_look(bench, 1, &back, 1);
        assert_true(changes(bench));
}

/* A publisher that has gone since drops out, and nobody's list is sent for that before it is known
 * what it is now. */
static void test_publisher_is_gone(void **state) {
        Bench *bench = *state;
        const Publisher both[] = { { .number = 2 }, { .number = 3 } };
        Publisher others[] = { { .number = 0 }, { .number = 0 } };
        Sighting seen[] = { bench_sighting("p1", "s1", MODE_PARTICIPANTS),
                            bench_sighting("p3", "s1", MODE_NONE) };
        const Row *row;

        assert_true(api_id_set(&others[0].id, "p3"));
        assert_true(api_id_set(&others[1].id, "p9"));
        seen[0].publishers = others;
        seen[0].n_publishers = ELEMENTSOF(others);
        RESTORE(bench, &registry_config, { .kind = KIND_SESSION, .number = 1, .id = "s1" },
                { .kind = KIND_PARTICIPANT,
                  .number = 1,
                  .id = "p1",
                  .session = 1,
                  .mode = MODE_PARTICIPANTS,
                  .publishers = both,
                  .n_publishers = ELEMENTSOF(both) },
                { .kind = KIND_PARTICIPANT, .number = 2, .session = 1 },
                { .kind = KIND_PARTICIPANT, .number = 3, .id = "p3", .session = 1 });
        start(bench, COPY_HERE);
        answer_list(bench, seen, ELEMENTSOF(seen));
        bench_pass(bench, USEC_PER_SEC);
        assert_false(changes(bench));
        row = bench_row(bench, KIND_PARTICIPANT, 1);
        assert_int_equal(row->wanted->n_publishers, 2);
        assert_false(place_lists(row->wanted, 2));
        assert_true(place_lists(row->wanted, 3));
}

/* Covers "state file: a copy that cannot be read whole".
 * One that the API keeps failing is never driven, and delays no other (I12). */
static void test_one_that_fails(void **state) {
        Bench *bench = *state;

        RESTORE(bench, &registry_config,
                { .kind = KIND_SESSION, .number = 1, .id = "s1", .gone = true },
                { .kind = KIND_SESSION, .number = 2, .id = "s2", .gone = true },
                { .kind = KIND_PARTICIPANT, .number = 1, .id = "p1", .session = 1, .gone = true });
        start(bench, COPY_HERE);
        for (unsigned i = 0; i < 2; i++) {
                while (bench->requests[0].probe ||
                       strcmp(api_id_text(&bench->requests[0].session), "s1") != 0)
                        bench_answer_sightings(bench, NULL, 0);
                assert_false(changes(bench));
                bench_answer(bench, API_BROKEN);
                while (bench->n_requests > 0 && bench->requests[0].probe)
                        bench_answer(bench, API_NOT_FOUND);
                if (i == 0)
                        bench_pass(bench, 2 * USEC_PER_SEC);
        }
        assert_int_equal(bench_operation(bench), OPERATION_DELETE_SESSION);
        assert_string_equal(api_id_text(&bench->requests[0].session), "s2");
        bench_answer(bench, API_OK);

        /* It can be read again: now it, too, and who is in it. */
        assert_int_equal(core_status(bench->core).n_unread, 2);
        bench_pass(bench, USEC_PER_MIN);
        answer_list(bench, (Sighting[]){ bench_sighting("p1", "s1", MODE_NONE) }, 1);
        assert_int_equal(core_status(bench->core).n_unread, 0);
        assert_int_equal(bench->n_requests, 2);
        assert_true(changes(bench));
}

/* While the API is away nothing is given up: the other objects wait for what was not read. */
static void test_outage(void **state) {
        static const ApiOutcome outcomes[] = { API_NOT_SENT, API_THROTTLED, API_UNAUTHORIZED };

        for (size_t i = 0; i < ELEMENTSOF(outcomes); i++) {
                Bench *bench = *state;

                bench->n_requests = 0;
                RESTORE(bench, &registry_config,
                        { .kind = KIND_SESSION, .number = 1, .id = "s1", .gone = true },
                        { .kind = KIND_SESSION, .number = 2, .id = "s2", .gone = true });
                start(bench, COPY_HERE);
                for (unsigned j = 0; j < 12; j++) {
                        while (bench->n_requests > 0 &&
                               (bench->requests[0].probe ||
                                strcmp(api_id_text(&bench->requests[0].session), "s1") != 0)) {
                                assert_false(changes(bench));
                                bench_answer_sightings(bench, NULL, 0);
                        }
                        assert_false(changes(bench));
                        if (bench->n_requests > 0)
                                bench_answer(bench, outcomes[i]);
                        bench_pass(bench, 10 * USEC_PER_MIN);
                }
                assert_false(changes(bench));
                assert_int_equal(core_status(bench->core).n_unread, 1);
        }
}

/* Seals and commits one batch; false: there is none. What it writes is added to @ret. */
static bool seal(Bench *bench, Counters *ret, size_t *ret_rows) {
        Batch *batch;

        assert_int_equal(core_seal(bench->core, bench->now, &batch), 0);
        if (!batch)
                return false;
        if (batch->counters_changed)
                *ret = batch->counters;
        for (size_t i = 0; i < batch->n_rows; i++)
                *ret_rows += batch->rows[i].to_disk;
        assert_int_equal(core_committed(bench->core, batch, bench->now), 0);
        core_release(bench->core, batch);
        return true;
}

static Row client_row(Kind kind) {
        Row row = registry_row(&(Entry){ .kind = kind, .number = 1, .tag = "t", .id = "x1" });

        row.spec->lifetime = LIFETIME_CLIENT;
        row.spec->permissions = PUBLISH_AUDIO;
        row.spec->stranger = true;
        assert_int_equal(spec_set_text(&row.spec, SPEC_CLIENT_BUS, "bus"), 0);
        assert_int_equal(spec_set_text(&row.spec, SPEC_CLIENT_NAME, ":1.7"), 0);
        return row;
}

/* Clients of another machine have not left because they are not on this one's bus. */
static void test_clients_of_another_machine(void **state) {
        for (CopyKind kind = 0; kind < _COPY_KIND_MAX; kind++) {
                Bench *bench = *state;
                Row row = client_row(KIND_SESSION);
                Counters counters;
                size_t n_rows = 0;
                const Row *now;

                bench->n_requests = 0;
                restore(bench, &registry_config, NULL, 0);
                core_restore_counters(bench->core, &(Counters){ .last_number = { 1, 0 } });
                assert_int_equal(core_restore(bench->core, &row), 0);
                core_restore_copy(bench->core, kind);
                assert_int_equal(core_start(bench->core, bench->now), 0);
                (void)seal(bench, &counters, &n_rows);
                assert_int_equal(n_rows, kind == COPY_ELSEWHERE);
                assert_int_equal(core_client_has(bench->core, ":1.7"), kind != COPY_ELSEWHERE);
                assert_int_equal(core_client_left(bench->core, ":1.7", bench->now), 0);
                bench_turn(bench);
                now = bench_row(bench, KIND_SESSION, 1);
                assert_int_equal(row_state(now),
                                 kind == COPY_ELSEWHERE ? STATE_ACTIVE : STATE_DELETING);
                if (kind != COPY_ELSEWHERE)
                        continue;
                assert_int_equal(now->spec->lifetime, LIFETIME_PERSISTENT);
                assert_string_equal(spec_text(now->spec, SPEC_TAG), "t");
                assert_int_equal(now->spec->permissions, PUBLISH_AUDIO);
                assert_true(now->spec->stranger);
                assert_string_equal(spec_text(now->spec, SPEC_CLIENT_NAME), "");
        }
}

/* What is still to be read is durable, and a restart in the middle goes on with it; what was wanted
 * since then is no part of the copy. */
static void test_restart(void **state) {
        Bench *bench = *state;
        const Entry old = { .kind = KIND_SESSION, .number = 1, .id = "s1", .gone = true };
        const Entry new = { .kind = KIND_SESSION, .number = 2 };
        Counters counters = { 0 };
        size_t n_rows = 0;

        RESTORE(bench, &registry_config, old);
        core_restore_copy(bench->core, COPY_HERE);
        assert_int_equal(core_start(bench->core, bench->now), 0);
        assert_true(seal(bench, &counters, &n_rows));
        assert_int_equal(counters.copies, 1);
        assert_int_equal(counters.unread[KIND_SESSION], 1);

        restore(bench, &registry_config, NULL, 0);
        counters.last_number[KIND_SESSION] = 2;
        core_restore_counters(bench->core, &counters);
        registry_add(bench->core, &old);
        registry_add(bench->core, &new);
        start(bench, COPY_NONE);
        assert_int_equal(core_status(bench->core).n_unread, 1);
        assert_int_equal(core_status(bench->core).suspected_orphans, 0);
        assert_int_equal(bench->n_requests, 2);
        while (bench->n_requests > 0)
                if (bench_operation(bench) == OPERATION_CREATE_SESSION)
                        bench_answer_id(bench, "s2");
                else if (bench_operation(bench) == OPERATION_LIST_PARTICIPANTS)
                        answer_list(bench, NULL, 0);
                else
                        bench_answer(bench, API_OK);
        assert_null(bench_row(bench, KIND_SESSION, 1));
        assert_true(row_in_sync(bench_row(bench, KIND_SESSION, 2)));
}

/* That all was read is durable, too. */
static void test_read_is_durable(void **state) {
        Bench *bench = *state;
        Counters counters = { 0 };
        Answer probed = { .outcome = API_NOT_FOUND, .message = "", .request_id = "", .serial = 1 };
        Answer answer = { .outcome = API_OK, .message = "", .request_id = "", .serial = 2 };
        size_t n_rows = 0;

        RESTORE(bench, &registry_config, { .kind = KIND_SESSION, .number = 1, .id = "s1" });
        core_restore_copy(bench->core, COPY_HERE);
        assert_int_equal(core_start(bench->core, bench->now), 0);
        assert_true(seal(bench, &counters, &n_rows));
        assert_int_equal(counters.unread[KIND_SESSION], 1);
        assert_int_equal(core_answer(bench->core, &probed, bench->now), 0);
        assert_true(seal(bench, &counters, &n_rows));
        assert_int_equal(core_answer(bench->core, &answer, bench->now), 0);
        assert_true(seal(bench, &counters, &n_rows));
        assert_int_equal(counters.unread[KIND_SESSION], 0);
        assert_int_equal(n_rows, 0);
}

/* What is new waits for what it needs of the copy alone. */
static void test_new_among_old(void **state) {
        Bench *bench = *state;

        RESTORE(bench, &registry_config, { .kind = KIND_SESSION, .number = 1, .id = "s1" },
                { .kind = KIND_SESSION, .number = 2, .id = "s2" },
                { .kind = KIND_PARTICIPANT, .number = 1, .id = "p1" });
        start(bench, COPY_HERE);
        bench_intend(bench, (Intent){ .kind = INTENT_CREATE,
                                      .object = KIND_PARTICIPANT,
                                      .session = 2,
                                      .wait = true });
        for (unsigned i = 0; i < 3; i++)
                defer(bench);
        bench_answer_id(bench, "p2");
        for (unsigned i = 0; i < 2; i++) {
                assert_false(changes(bench));
                answer_list(bench, NULL, 0);
        }
        assert_true(changes(bench));
        defer(bench);
        assert_int_equal(bench_operation(bench), OPERATION_ADD_PARTICIPANT);
        assert_int_equal(core_status(bench->core).n_unread, 1);
}

/* An empty copy has nothing to be read; that it was one is durable all the same. */
static void test_empty(void **state) {
        Bench *bench = *state;
        Counters counters = { 0 };
        size_t n_rows = 0;

        restore(bench, &registry_config, NULL, 0);
        core_restore_copy(bench->core, COPY_ELSEWHERE);
        assert_int_equal(core_start(bench->core, bench->now), 0);
        assert_true(seal(bench, &counters, &n_rows));
        assert_int_equal(counters.copies, 1);
        assert_int_equal(counters.unread[KIND_SESSION], 0);
        assert_false(seal(bench, &counters, &n_rows));
}

/* What the API does not have any more is gone; nothing of it is sent. */
static void test_gone(void **state) {
        Bench *bench = *state;

        RESTORE(bench, &registry_config, { .kind = KIND_SESSION, .number = 1, .id = "s1" },
                { .kind = KIND_SESSION, .number = 2, .id = "s2", .gone = true },
                { .kind = KIND_PARTICIPANT, .number = 3, .id = "p3", .session = 1 });
        start(bench, COPY_HERE);
        while (bench->n_requests > 0) {
                assert_false(changes(bench));
                bench_answer(bench, API_NOT_FOUND);
                bench_pass(bench, USEC_PER_SEC);
        }
        assert_int_equal(core_status(bench->core).n_unread, 0);
        assert_int_equal(core_status(bench->core).n_objects[KIND_SESSION], 0);
        assert_int_equal(core_status(bench->core).n_objects[KIND_PARTICIPANT], 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
                TEST(test_read_before_driven),
                TEST(test_no_copy),
                TEST(test_creations),
                TEST(test_taken_over),
                TEST(test_publisher_is_gone),
                TEST(test_one_that_fails),
                TEST(test_outage),
                TEST(test_clients_of_another_machine),
                TEST(test_restart),
                TEST(test_read_is_durable),
                TEST(test_new_among_old),
                TEST(test_empty),
                TEST(test_gone),
        };

        return cmocka_run_group_tests_name("copy", tests, NULL, NULL);
}
