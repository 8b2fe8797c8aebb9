/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/full-disk.h"

#include <stdio.h>

/* An API that asks for patience. */

static const Intent create = { .kind = INTENT_CREATE, .object = KIND_SESSION, .wait = true };

static ApiState api_state(const Bench *bench) {
        return core_status(bench->core).api_state;
}

/* The oldest request meets 429. */
static void throttle(Bench *bench, usec_t retry_after) {
        const Answer answer = { .serial = bench->requests[0].serial,
                                .outcome = API_THROTTLED,
                                .message = "Too Many Requests",
                                .request_id = "",
                                .has_retry_after = true,
                                .retry_after_usec = retry_after };

        bench->n_requests--;
        memmove(bench->requests, bench->requests + 1, bench->n_requests * sizeof(Request));
        assert_int_equal(core_answer(bench->core, &answer, bench->now), 0);
        bench_turn(bench);
}

static void test_throttled(void **state) {
        Bench *bench = *state;

        assert_int_equal(bench_intend(bench, create), 0);
        throttle(bench, 7 * USEC_PER_SEC);
        assert_int_equal(api_state(bench), API_STATE_THROTTLED);
        assert_int_equal(bench_reply(bench, 1), OUTCOME_DONE);
        assert_int_equal(bench_intend(bench, create), 0);
        assert_int_equal(bench_reply(bench, 2), OUTCOME_DONE);
        bench_pass(bench, 7 * USEC_PER_SEC - 1);
        assert_int_equal(bench->n_requests, 0);
        bench_pass(bench, 1);
        assert_int_equal(bench_operation(bench), OPERATION_GET_SESSION);
        bench_answer(bench, API_NOT_FOUND);
        assert_int_equal(bench->n_requests, 2);
        assert_int_equal(core_status(bench->core).suspected_orphans, 0);
}

/* A burst that is throttled as a whole is one failure, and not one for each request. */
static void test_throttled_burst(void **state) {
        Bench *bench = *state;

        for (unsigned i = 0; i < bench_config.requests_max; i++)
                assert_int_equal(bench_intend(bench, create), 0);
        assert_int_equal(bench->n_requests, bench_config.requests_max);
        for (unsigned i = 0; i < bench_config.requests_max; i++) {
                assert_true(operation_is_create(bench->requests[0].operation));
                bench_answer(bench, API_THROTTLED);
        }
        assert_int_equal(api_state(bench), API_STATE_THROTTLED);
        bench_pass(bench, bench_config.retry_min_usec);
        assert_int_equal(bench_operation(bench), OPERATION_GET_SESSION);
}

/* An API that takes so many requests a second, and begins with none to spare. */
typedef struct SlowApi {
        double per_sec, allowance;
        usec_t at;
        unsigned n_throttled, n_good, n_changes;
        ApiState state;
} SlowApi;

static void slow_api_answer(Bench *bench, SlowApi *api) {
        static unsigned n;
        char id[16];

        api->allowance += api->per_sec * (double)(bench->now.boottime - api->at) / USEC_PER_SEC;
        if (api->allowance > usec_max((usec_t)api->per_sec, 1))
                api->allowance = (double)usec_max((usec_t)api->per_sec, 1);
        api->at = bench->now.boottime;
        if (api->allowance < 1) {
                api->n_throttled++;
                bench_answer(bench, API_THROTTLED);
        } else {
                api->allowance -= 1;
                api->n_good++;
                snprintf(id, sizeof(id), "id%u", n++);
                if (operation_is_create(bench_operation(bench)))
                        bench_answer_id(bench, id);
                else
                        bench_answer(bench,
                                     bench->requests[0].number == 0 ? API_NOT_FOUND : API_OK);
        }
        if (api->state != api_state(bench))
                api->n_changes++;
        api->state = api_state(bench);
}

/* The pace finds its own where the API is slower than the budget: few are sent in vain, and what
 * clients and the log see is one state. */
static void test_slower_api(void **state) {
        static const double rates[] = { 10, 5, 1 };
        Bench *bench = *state;
        CoreConfig config = bench_config;
        Intent intent = create;

        intent.wait = false;
        config.resync_interval_usec = 24 * USEC_PER_HOUR;
        core_configure(bench->core, &config, bench->now);
        for (size_t i = 0; i < ELEMENTSOF(rates); i++) {
                const unsigned n_logs = bench->n_logs[LOG_EVENT_API_STATE];
                const usec_t begin = bench->now.boottime;
                SlowApi api = { .per_sec = rates[i], .at = begin, .state = api_state(bench) };

                for (unsigned j = 0; j < 60; j++)
                        assert_int_equal(bench_intend(bench, intent), 0);
                while (core_status(bench->core).n_pending > 0) {
                        while (bench->n_requests > 0)
                                slow_api_answer(bench, &api);
                        bench->n_replies = 0;
                        bench_pass(bench, 10 * USEC_PER_MSEC);
                        assert_true(bench->now.boottime - begin < USEC_PER_HOUR);
                }
                const double seconds = (double)(bench->now.boottime - begin) / USEC_PER_SEC;

                CASE("takes about as long as it must", seconds < 2.5 * 60 / rates[i]);
                CASE("few are sent in vain", api.n_throttled <= 16 + api.n_good / 4);
                CASE("one state", api.n_changes <= 3);
                CASE("few lines", bench->n_logs[LOG_EVENT_API_STATE] - n_logs <= 3);

                /* Once it is calm, all is as before. */
                for (unsigned j = 0; j < 200; j++) {
                        while (bench->n_requests > 0)
                                slow_api_answer(bench, &api);
                        bench_pass(bench, USEC_PER_SEC);
                }
                assert_int_equal(api_state(bench), API_STATE_ONLINE);
        }
}

/* Throttled a second time within a minute: it stays so, and yet all goes on. */
static void test_throttled_again(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        Intent refresh = {
                .kind = INTENT_REFRESH, .object = KIND_SESSION, .number = session, .wait = true
        };
        Intent adopt = { .kind = INTENT_ADOPT, .object = KIND_PARTICIPANT, .wait = true };

        for (unsigned i = 0; i < 2; i++) {
                bench_pass(bench, 10 * USEC_PER_SEC);
                bench_skip_reads(bench);
                assert_int_equal(bench_intend(bench, create), 0);
                bench_answer(bench, API_THROTTLED);
                bench_pass(bench, USEC_PER_SEC);
                assert_int_equal(bench->requests[0].number, 0);
                bench_answer(bench, API_NOT_FOUND);
                assert_int_equal(api_state(bench), i == 0 ? API_STATE_ONLINE : API_STATE_THROTTLED);
                assert_int_equal(bench_operation(bench), OPERATION_CREATE_SESSION);
                bench_answer_id(bench, i == 0 ? "s2" : "s3");
        }
        /* Nothing waits for that probe. */
        assert_true(core_status(bench->core).next_probe_at == USEC_NEVER);
        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, create), 0);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
        bench_answer_id(bench, "s4");
        assert_int_equal(bench_intend(bench, refresh), 0);
        assert_int_equal(bench_reply(bench, bench->last_ticket), -1);
        bench_skip_reads(bench);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
        assert_true(api_id_set(&adopt.id, "x1"));
        assert_int_equal(bench_intend(bench, adopt), 0);
        assert_int_equal(bench_operation(bench), OPERATION_GET_PARTICIPANT);
        bench_answer_seen(bench, "x1", NULL, MODE_NONE);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);

        /* It takes a probe, after a calm minute. */
        bench_pass(bench, 40 * USEC_PER_SEC);
        bench_skip_reads(bench);
        assert_int_equal(api_state(bench), API_STATE_THROTTLED);
        bench_pass(bench, 22 * USEC_PER_SEC);
        assert_int_equal(bench->requests[0].number, 0);
        bench_answer(bench, API_NOT_FOUND);
        assert_int_equal(api_state(bench), API_STATE_ONLINE);
}

/* A start some time after that, by a clock that may have been set, on a machine that may have been
 * started anew. */
static void start_anew(Bench *bench, int64_t passed) {
        core_free(bench->core);
        assert_int_equal(core_new(&bench->core, &bench_config), 0);
        core_restore_counters(bench->core, &bench->counters);
        bench->n_requests = bench->n_told[LOG_EVENT_API_STATE] = 0;
        bench->now.boottime = 20 * USEC_PER_SEC;
        bench->now.realtime += (usec_t)passed;
        assert_int_equal(core_start(bench->core, bench->now), 0);
        bench_turn(bench);
}

/* What it has asked for outlives the process. */
static void test_start_in_a_pause(void **state) {
        const int64_t second = USEC_PER_SEC, pause = 60 * second;
        const int64_t longest = (int64_t)bench_config.retry_max_usec;
        static const struct {
                const char *name;
                int passed_sec, left_sec;
        } cases[] = {
                { "at once", 0, 60 },
                { "in the middle", 25, 35 },
                { "at its end", 60, 0 },
                { "long after", 86400, 0 },
                { "the clock was set back", -86400, 300 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const usec_t left = (usec_t)(cases[i].left_sec * second);
                Bench *bench = *state;

                (void)bench_intend(bench, create);
                throttle(bench, (usec_t)pause);
                start_anew(bench, cases[i].passed_sec * second);
                CASE(cases[i].name, (api_state(bench) == API_STATE_THROTTLED) == (left > 0));
                CASE(cases[i].name, bench->n_told[LOG_EVENT_API_STATE] == (left > 0));
                (void)bench_intend(bench, create);
                if (left > 0) {
                        CASE(cases[i].name, bench_reply(bench, bench->last_ticket) == OUTCOME_DONE);
                        bench_pass(bench, left - 1);
                        CASE(cases[i].name, bench->n_requests == 0);
                        bench_pass(bench, 1);
                        CASE(cases[i].name, bench_operation(bench) == OPERATION_GET_SESSION);
                        bench_answer(bench, API_NOT_FOUND);
                        CASE(cases[i].name, api_state(bench) == API_STATE_ONLINE);
                }
                CASE(cases[i].name, bench_operation(bench) == OPERATION_CREATE_SESSION);
                /* Another start has no pause any more, also by a clock that was set back. */
                start_anew(bench, longest);
                CASE(cases[i].name, api_state(bench) == API_STATE_UNKNOWN);
                bench_teardown(state);
                bench_setup(state);
        }
}

/* Without credentials it is that which counts; but the pause holds. */
static void test_start_in_a_pause_without_credentials(void **state) {
        Bench *bench = *state;

        (void)bench_intend(bench, create);
        throttle(bench, 60 * USEC_PER_SEC);
        core_free(bench->core);
        assert_int_equal(core_new(&bench->core, &bench_config), 0);
        core_restore_counters(bench->core, &bench->counters);
        bench->n_requests = 0;
        core_set_credentials(bench->core, false, bench->now);
        assert_int_equal(core_start(bench->core, bench->now), 0);
        assert_int_equal(api_state(bench), API_STATE_UNAUTHORIZED);
        core_set_credentials(bench->core, true, bench->now);
        bench_pass(bench, 60 * USEC_PER_SEC - 1);
        assert_int_equal(bench->n_requests, 0);
        bench_pass(bench, 1);
        assert_int_equal(bench_operation(bench), OPERATION_GET_SESSION);
}

/* Answers of one moment are stored once, and nothing is where nothing was asked for. */
static void test_pause_is_stored(void **state) {
        Bench *bench = *state;
        for (unsigned i = 0; i < 4; i++)
                (void)bench_intend(bench, create);
        bench_answer(bench, API_THROTTLED);
        assert_int_equal(bench->counters.quiet_until, 0);
        throttle(bench, 60 * USEC_PER_SEC);
        assert_int_equal(bench->counters.quiet_until, bench->now.realtime + 60 * USEC_PER_SEC);
        throttle(bench, 60 * USEC_PER_SEC);
        throttle(bench, 30 * USEC_PER_SEC);
        assert_int_equal(bench->counters.quiet_until, bench->now.realtime + 60 * USEC_PER_SEC);
}

/* The reserve is for ids and deletes. */
static void test_pause_without_room(void **state) {
        Bench *bench = *state;

        for (unsigned i = 0; i < 2; i++)
                (void)bench_intend(bench, create);
        bench->room = BENCH_RESERVE;
        throttle(bench, 10 * USEC_PER_SEC);
        assert_true(bench_is_full(bench));
        assert_int_equal(bench->counters.quiet_until, 0);
        bench_room_again(bench);
        assert_int_equal(bench->counters.quiet_until, 1000 * USEC_PER_HOUR + 10 * USEC_PER_SEC);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_throttled),        TEST(test_throttled_burst),
                TEST(test_slower_api),       TEST(test_throttled_again),
                TEST(test_start_in_a_pause), TEST(test_start_in_a_pause_without_credentials),
                TEST(test_pause_is_stored),  TEST(test_pause_without_room),
        };

        return cmocka_run_group_tests_name("core-throttled", tests, NULL, NULL);
}
