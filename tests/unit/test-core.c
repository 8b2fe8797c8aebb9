/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/unit.h"

#include "core/core.h"

/* A core, a clock, and whatever the last turn let out. */
typedef struct Bench {
        Core *core;
        Now now;
        uint64_t n_replies, last_serial;
        Outcome last_outcome;
        Operation last_operation;
        unsigned n_requests, n_commits;
} Bench;

static const CoreConfig config = {
        .requests_max = 16,
        .requests_per_sec = 20,
        .request_burst = 40,
        .resync_interval_usec = 60 * USEC_PER_SEC,
        .retry_min_usec = 500 * USEC_PER_MSEC,
        .retry_max_usec = 300 * USEC_PER_SEC,
        .reply_timeout_usec = 10 * USEC_PER_SEC,
        .create_repeats = 2,
        .seed = 1,
};

static int bench_setup(void **state) {
        Bench *bench = calloc(1, sizeof(*bench));

        bench->now = (Now){ .boottime = USEC_PER_HOUR, .realtime = 1000 * USEC_PER_HOUR };
        assert_int_equal(core_new(&bench->core, &config), 0);
        assert_int_equal(core_start(bench->core, bench->now), 0);
        *state = bench;
        return 0;
}

static int bench_teardown(void **state) {
        Bench *bench = *state;

        core_free(bench->core);
        free(bench);
        return 0;
}

static void bench_turn(Bench *bench) {
        Batch *batch;

        do {
                assert_int_equal(core_seal(bench->core, bench->now, &batch), 0);
                if (!batch)
                        return;
                bench->n_commits += batch_needs_disk(batch);
                assert_int_equal(core_committed(bench->core, batch, bench->now), 0);
                for (size_t i = 0; i < batch->n_effects; i++) {
                        const Effect *effect = batch->effects + i;

                        if (effect->kind == EFFECT_REPLY) {
                                bench->n_replies++;
                                bench->last_outcome = effect->reply.outcome;
                        } else if (effect->kind == EFFECT_REQUEST) {
                                bench->n_requests++;
                                bench->last_serial = effect->request.serial;
                                bench->last_operation = effect->request.operation;
                        }
                }
                core_release(bench->core, batch);
        } while (core_deadline(bench->core, bench->now) <= bench->now.boottime);
}

static int bench_intend(Bench *bench, Intent intent, uint64_t *ret_number) {
        CLEANUP(spec_unrefp) Spec *spec = NULL;
        uint64_t number = 0;
        const char *reason;
        int r;

        assert_int_equal(spec_new(&spec), 0);
        if (intent.kind == INTENT_CREATE)
                intent.spec = spec;
        r = core_intend(bench->core, &intent, 7, bench->now, &number, &reason);
        if (ret_number)
                *ret_number = number;
        return r;
}

static void bench_answer(Bench *bench, ApiOutcome outcome, const char *id, const char *session) {
        Sighting sighting = { 0 };
        Answer answer = { .serial = bench->last_serial,
                          .outcome = outcome,
                          .message = "as told",
                          .request_id = "" };

        if (id) {
                api_id_set(&answer.id, id);
                api_id_set(&sighting.id, id);
                answer.sightings = &sighting;
                answer.n_sightings = 1;
        }
        if (session)
                api_id_set(&sighting.session, session);
        assert_int_equal(core_answer(bench->core, &answer, bench->now), 0);
        bench_turn(bench);
}

static void bench_answer_to(Bench *bench, uint64_t serial, ApiOutcome outcome) {
        Answer answer = {
                .serial = serial, .outcome = outcome, .message = "as told", .request_id = ""
        };

        assert_int_equal(core_answer(bench->core, &answer, bench->now), 0);
        bench_turn(bench);
}

static uint64_t bench_create(Bench *bench, Kind kind, const char *id) {
        uint64_t number;

        assert_int_equal(
                bench_intend(bench, (Intent){ .kind = INTENT_CREATE, .object = kind, .wait = true },
                             &number),
                0);
        bench_turn(bench);
        assert_true(operation_is_create(bench->last_operation));
        bench_answer(bench, API_OK, id, NULL);
        return number;
}

static void test_create(void **state) {
        Bench *bench = *state;
        uint64_t number = bench_create(bench, KIND_SESSION, "s1");
        const Row *row = core_find(bench->core, KIND_SESSION, number);

        assert_non_null(row);
        assert_int_equal(bench->n_replies, 1);
        assert_int_equal(bench->last_outcome, OUTCOME_DONE);
        assert_true(row_in_sync(row));
        assert_string_equal(api_id_text(&row->id), "s1");
        assert_int_equal(bench->n_requests, 1);
        assert_int_equal(bench->n_commits, 2);
}

/* Nobody hears of an intent, and nothing is sent, before the batch with its row was committed. */
static void test_nothing_before_commit(void **state) {
        Bench *bench = *state;
        Intent intent = { .kind = INTENT_CREATE, .object = KIND_SESSION, .wait = true };
        uint64_t number;
        Batch *batch, *second;

        assert_int_equal(bench_intend(bench, intent, &number), 0);
        assert_null(core_find(bench->core, KIND_SESSION, number));
        assert_int_equal(core_seal(bench->core, bench->now, &batch), 0);
        assert_non_null(batch);
        assert_true(batch_needs_disk(batch));
        assert_true(batch->rows[0].to_disk);
        assert_true(batch->rows[0].row.attempt_open);
        assert_int_equal(core_seal(bench->core, bench->now, &second), 0);
        assert_null(second);
        assert_null(core_find(bench->core, KIND_SESSION, number));
        assert_int_equal(core_committed(bench->core, batch, bench->now), 0);
        assert_non_null(core_find(bench->core, KIND_SESSION, number));
        core_release(bench->core, batch);
}

static void test_join(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_create(bench, KIND_SESSION, "s1");
        uint64_t participant = bench_create(bench, KIND_PARTICIPANT, "p1");
        const Row *row;

        assert_int_equal(bench_intend(bench,
                                      (Intent){ .kind = INTENT_ADD,
                                                .object = KIND_PARTICIPANT,
                                                .number = participant,
                                                .session = session,
                                                .mode = MODE_SESSION,
                                                .wait = true },
                                      NULL),
                         0);
        bench_turn(bench);
        assert_int_equal(bench->last_operation, OPERATION_ADD_PARTICIPANT);
        row = core_find(bench->core, KIND_PARTICIPANT, participant);
        assert_false(row_in_sync(row));
        bench_answer(bench, API_OK, NULL, NULL);
        row = core_find(bench->core, KIND_PARTICIPANT, participant);
        assert_true(row_in_sync(row));
        assert_int_equal(row->wanted->mode, MODE_SESSION);
        assert_int_equal(bench->n_replies, 3);
        assert_non_null(core_member_after(bench->core, session, 0));
        assert_null(core_member_after(bench->core, session, participant));
}

static void test_unknown_outcome(void **state) {
        Bench *bench = *state;
        Intent intent = { .kind = INTENT_CREATE, .object = KIND_PARTICIPANT };
        uint64_t number;
        unsigned n_posts = 0;

        assert_int_equal(bench_intend(bench, intent, &number), 0);
        bench_turn(bench);
        /* The API is well apart from that: what is asked beside the creation gets its answer. */
        for (unsigned i = 0; i < 20; i++) {
                bool creates = operation_is_create(bench->last_operation);
                uint64_t serial = bench->last_serial;

                n_posts += serial != 0 && creates;
                bench->last_serial = 0;
                if (serial != 0)
                        bench_answer_to(bench, serial, creates ? API_NO_ANSWER : API_NOT_FOUND);
                bench->now.boottime += USEC_PER_SEC / 2;
                bench_turn(bench);
        }
        assert_int_equal(n_posts, 1 + config.create_repeats);
        assert_int_equal(core_status(bench->core).suspected_orphans, 3);
        assert_int_equal(row_state(core_find(bench->core, KIND_PARTICIPANT, number)), STATE_FAILED);
}

static void test_delete(void **state) {
        Bench *bench = *state;
        uint64_t number = bench_create(bench, KIND_SESSION, "s1");
        Intent intent = {
                .kind = INTENT_DELETE, .object = KIND_SESSION, .number = number, .wait = true
        };

        assert_int_equal(bench_intend(bench, intent, NULL), 0);
        bench_turn(bench);
        assert_int_equal(row_state(core_find(bench->core, KIND_SESSION, number)), STATE_DELETING);
        assert_int_equal(bench->last_operation, OPERATION_DELETE_SESSION);
        bench_answer(bench, API_NOT_FOUND, NULL, NULL);
        assert_null(core_find(bench->core, KIND_SESSION, number));
        assert_int_equal(bench->n_replies, 2);
        assert_int_equal(bench->last_outcome, OUTCOME_DONE);
        assert_int_equal(core_status(bench->core).n_objects[KIND_SESSION], 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_create, bench_setup, bench_teardown),
                cmocka_unit_test_setup_teardown(test_nothing_before_commit, bench_setup,
                                                bench_teardown),
                cmocka_unit_test_setup_teardown(test_join, bench_setup, bench_teardown),
                cmocka_unit_test_setup_teardown(test_unknown_outcome, bench_setup, bench_teardown),
                cmocka_unit_test_setup_teardown(test_delete, bench_setup, bench_teardown),
        };

        return cmocka_run_group_tests_name("core", tests, NULL, NULL);
}
