/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/bench.h"

/* A machine that sleeps, and a way to the API that becomes another one. */

static const Intent create = { .kind = INTENT_CREATE, .object = KIND_SESSION, .wait = true };

static ApiState api_state(const Bench *bench) {
        return core_status(bench->core).api_state;
}

/* Answers the oldest request as api_renew() does. */
static void answer_dropped(Bench *bench, ApiOutcome outcome) {
        Answer answer = { .serial = bench->requests[0].serial,
                          .outcome = outcome,
                          .dropped = true,
                          .message = "dropped",
                          .request_id = "" };

        bench->n_requests--;
        memmove(bench->requests, bench->requests + 1, bench->n_requests * sizeof(*bench->requests));
        assert_int_equal(core_answer(bench->core, &answer, bench->now), 0);
        bench_turn(bench);
}

static void change_way(Bench *bench) {
        core_way_changed(bench->core, bench->now);
        bench_turn(bench);
}

/* Calls are taken and made durable, answers too; nothing is sent, however long it lasts. */
static void test_suspend(void **state) {
        Bench *bench = *state;
        unsigned n_sent;

        bench_session(bench, "s1");
        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, create), 0);
        assert_int_equal(bench_operation(bench), OPERATION_CREATE_SESSION);
        n_sent = bench->n_sent;

        core_suspend(bench->core);
        assert_int_equal(bench_intend(bench, create), 0);
        assert_int_equal(bench_reply(bench, bench->last_ticket), -1);
        bench_answer_id(bench, "s2");
        assert_int_equal(core_status(bench->core).n_in_flight, 0);
        assert_string_equal(row_id(bench_row(bench, KIND_SESSION, 2)).text, "s2");
        bench_pass(bench, USEC_PER_HOUR);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
        assert_int_equal(bench->n_sent, n_sent);
        assert_true(core_deadline(bench->core, bench->now) > bench->now.boottime);

        core_resume(bench->core);
        bench_turn(bench);
        assert_true(bench->n_sent > n_sent);
        while (bench->n_requests > 0 && bench_operation(bench) != OPERATION_CREATE_SESSION)
                bench_answer(bench, API_OK);
        assert_int_equal(bench_operation(bench), OPERATION_CREATE_SESSION);
        assert_int_equal(core_status(bench->core).suspected_orphans, 0);
}

/* Not even a probe that is due, nor a suspicion. */
static void test_suspend_probes(void **state) {
        Bench *bench = *state;

        assert_int_equal(bench_intend(bench, create), 0);
        bench_answer(bench, API_NOT_SENT);
        core_suspend(bench->core);
        bench_pass(bench, bench_config.retry_max_usec * 2);
        change_way(bench);
        assert_int_equal(bench->n_requests, 0);
        assert_true(core_deadline(bench->core, bench->now) > bench->now.boottime);
        core_resume(bench->core);
        bench_turn(bench);
        assert_int_equal(bench->n_requests, 1);
        assert_int_equal(bench_operation(bench), OPERATION_GET_SESSION);
}

/* What was sealed before and is durable after: it is not let out, and was never attempted. */
static void test_suspend_while_it_is_written(void **state) {
        Bench *bench = *state;
        uint64_t number;
        Batch *batch;

        assert_int_equal(bench_take_in(bench, create, &number), 0);
        assert_int_equal(core_seal(bench->core, bench->now, &batch), 0);
        assert_int_equal(batch->n_effects, 1);
        core_suspend(bench->core);
        assert_int_equal(core_committed(bench->core, batch, bench->now), 0);
        assert_int_equal(batch->n_effects, 0);
        core_release(bench->core, batch);
        bench_turn(bench);
        assert_int_equal(core_status(bench->core).n_in_flight, 0);
        assert_false(bench_row(bench, KIND_SESSION, number)->attempt_open);
}

/* However long the pause of an API that could not be reached, and however often it failed. */
static void test_way_while_offline(void **state) {
        Bench *bench = *state;

        assert_int_equal(bench_intend(bench, create), 0);
        bench_answer(bench, API_NOT_SENT);
        for (unsigned i = 0; i < 20; i++) {
                bench_pass(bench, bench_config.retry_max_usec);
                bench_answer(bench, API_NOT_SENT);
        }
        change_way(bench);
        assert_int_equal(bench->n_requests, 1);
        bench_answer(bench, API_NOT_SENT);
        assert_int_equal(bench->n_requests, 0);
        /* The pauses begin anew too. */
        bench_pass(bench, bench_config.retry_min_usec);
        assert_int_equal(bench->n_requests, 1);
        bench_answer(bench, API_NOT_FOUND);
        assert_int_equal(api_state(bench), API_STATE_ONLINE);
        assert_int_equal(bench_operation(bench), OPERATION_CREATE_SESSION);
}

/* One probe, no creation before it has passed, and everything is looked at. */
static void test_way_while_online(void **state) {
        Bench *bench = *state;

        bench_session(bench, "s1");
        bench_session(bench, "s2");
        bench_pass(bench, USEC_PER_SEC);
        bench_skip_reads(bench);
        assert_int_equal(bench->n_requests, 0);
        change_way(bench);
        assert_int_equal(bench->n_requests, 3);
        assert_int_equal(bench->requests[0].number, 0);
        assert_int_equal(bench_intend(bench, create), 0);
        assert_int_equal(bench->n_requests, 3);
        bench_answer(bench, API_NOT_FOUND);
        assert_int_equal(bench->n_requests, 3);
        assert_int_equal(bench->requests[2].operation, OPERATION_CREATE_SESSION);
        assert_int_equal(api_state(bench), API_STATE_ONLINE);
}

/* What the API has asked for is not a matter of the way. */
static void test_way_while_throttled(void **state) {
        Bench *bench = *state;
        Answer answer = { .outcome = API_THROTTLED,
                          .message = "Too Many Requests",
                          .request_id = "",
                          .has_retry_after = true,
                          .retry_after_usec = 7 * USEC_PER_SEC };

        assert_int_equal(bench_intend(bench, create), 0);
        answer.serial = bench->requests[0].serial;
        bench->n_requests = 0;
        assert_int_equal(core_answer(bench->core, &answer, bench->now), 0);
        bench_turn(bench);
        change_way(bench);
        bench_pass(bench, 7 * USEC_PER_SEC - 1);
        assert_int_equal(bench->n_requests, 0);
        bench_pass(bench, 1);
        assert_int_equal(bench->n_requests, 1);
}

static void test_way_while_unauthorized(void **state) {
        Bench *bench = *state;

        assert_int_equal(bench_intend(bench, create), 0);
        bench_answer(bench, API_UNAUTHORIZED);
        change_way(bench);
        bench_pass(bench, bench_config.retry_max_usec / 2);
        assert_int_equal(bench->n_requests, 0);
        bench_pass(bench, bench_config.retry_max_usec);
        assert_int_equal(bench->n_requests, 1);
}

/* A question that we left ourselves is asked again, and nobody is told of a failure. */
static void test_dropped_read(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        Intent refresh = {
                .kind = INTENT_REFRESH, .object = KIND_SESSION, .number = session, .wait = true
        };

        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, refresh), 0);
        assert_int_equal(bench->n_requests, 1);
        answer_dropped(bench, API_NO_ANSWER);
        assert_int_equal(bench_reply(bench, bench->last_ticket), -1);
        assert_int_equal(api_state(bench), API_STATE_ONLINE);
        bench_pass(bench, USEC_PER_SEC);
        assert_int_equal(bench->n_requests, 1);
        bench_answer_sightings(bench, NULL, 0);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
}

/* A change may have been heard: it fails, and is sent again. The API is not to blame. */
static void test_dropped_change(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        Intent delete = {
                .kind = INTENT_DELETE, .object = KIND_SESSION, .number = session, .wait = true
        };

        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, delete), 0);
        answer_dropped(bench, API_NO_ANSWER);
        assert_int_equal(api_state(bench), API_STATE_ONLINE);
        assert_int_equal(bench->n_requests, 0);
        bench_pass(bench, bench_config.retry_min_usec);
        assert_int_equal(bench_operation(bench), OPERATION_DELETE_SESSION);
        answer_dropped(bench, API_NOT_SENT);
        assert_int_equal(api_state(bench), API_STATE_ONLINE);
        assert_int_equal(bench_operation(bench), OPERATION_DELETE_SESSION);
}

/* A creation that the API cannot have heard of is not unknown. */
static void test_dropped_creation(void **state) {
        Bench *bench = *state;

        assert_int_equal(bench_intend(bench, create), 0);
        answer_dropped(bench, API_NOT_SENT);
        assert_int_equal(bench_operation(bench), OPERATION_CREATE_SESSION);
        assert_int_equal(core_status(bench->core).suspected_orphans, 0);
        bench_answer_id(bench, "s1");
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
}

/* A probe of before makes room for one of now. */
static void test_dropped_probe(void **state) {
        Bench *bench = *state;

        assert_int_equal(bench_intend(bench, create), 0);
        bench_answer(bench, API_NOT_SENT);
        bench_pass(bench, bench_config.retry_max_usec);
        assert_int_equal(bench->n_requests, 1);
        change_way(bench);
        assert_int_equal(bench->n_requests, 1);
        answer_dropped(bench, API_NO_ANSWER);
        assert_int_equal(bench->n_requests, 1);
        bench_answer(bench, API_NOT_FOUND);
        assert_int_equal(api_state(bench), API_STATE_ONLINE);
}

/* What the API has asked for may be over while nothing can be asked: it is asked later. */
static void test_dropped_probe_in_any_state(void **state) {
        static const ApiOutcome outcomes[] = { API_THROTTLED, API_UNAUTHORIZED, API_NOT_SENT };
        Bench *bench = *state;

        for (size_t i = 0; i < ELEMENTSOF(outcomes); i++) {
                assert_int_equal(bench_intend(bench, create), 0);
                assert_int_equal(bench->n_requests, 1);
                bench_answer(bench, outcomes[i]);
                bench_pass(bench, bench_config.retry_max_usec * 2);
                assert_int_equal(bench->n_requests, 1);
                change_way(bench);
                answer_dropped(bench, API_NOT_SENT);
                assert_int_equal(bench->n_requests, 1);
                assert_int_equal(bench->requests[0].number, 0);
                bench_answer(bench, API_NOT_FOUND);
                assert_int_equal(api_state(bench), API_STATE_ONLINE);
                while (bench->n_requests > 0)
                        bench_answer_id(bench, i == 0 ? "a" : i == 1 ? "b" : "c");
        }
}

/* A suspicion is not forgotten either: creations wait for it. */
static void test_dropped_suspicion(void **state) {
        Bench *bench = *state;

        assert_int_equal(bench_intend(bench, create), 0);
        bench_answer(bench, API_NO_ANSWER);
        assert_int_equal(bench->n_requests, 1);
        answer_dropped(bench, API_NO_ANSWER);
        assert_int_equal(bench->n_requests, 1);
        assert_int_equal(bench->requests[0].number, 0);
        assert_int_equal(bench_operation(bench), OPERATION_GET_SESSION);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_suspend),
                TEST(test_suspend_probes),
                TEST(test_suspend_while_it_is_written),
                TEST(test_way_while_offline),
                TEST(test_way_while_online),
                TEST(test_way_while_throttled),
                TEST(test_way_while_unauthorized),
                TEST(test_dropped_read),
                TEST(test_dropped_change),
                TEST(test_dropped_creation),
                TEST(test_dropped_probe),
                TEST(test_dropped_probe_in_any_state),
                TEST(test_dropped_suspicion),
        };

        return cmocka_run_group_tests_name("core-sleep", tests, NULL, NULL);
}
