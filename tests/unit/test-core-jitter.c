/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/bench.h"

#include <stdio.h>

/*
 * What has failed together does not come again together: each kind of retry waits a random time,
 * from nothing to as long as it may be. (How a time is drawn is in test-pace.c; here it is whether
 * one is drawn.)
 */

#define N 8

/* Times between a failure and what comes after it. */
typedef struct Spans {
        usec_t spans[N];
        size_t n;
} Spans;

static void assert_spread(const Spans *spans, usec_t least, usec_t most) {
        usec_t shortest = USEC_NEVER, longest = 0;

        assert_int_equal(spans->n, N);
        for (size_t i = 0; i < N; i++) {
                shortest = usec_min(shortest, spans->spans[i]);
                longest = usec_max(longest, spans->spans[i]);
        }
        assert_true(shortest >= least);
        assert_true(longest <= most);
        assert_true(longest - shortest > (most - least) / 2);
}

/* Sessions that nothing more is to be said about. */
static void make_sessions(Bench *bench, uint64_t *ret) {
        char id[16];

        for (size_t i = 0; i < N; i++) {
                (void)snprintf(id, sizeof(id), "s%zu", i);
                ret[i] = bench_session(bench, id);
        }
        for (unsigned i = 0; i < 5; i++) {
                bench_pass(bench, USEC_PER_SEC);
                bench_skip_reads(bench);
        }
        assert_int_equal(bench->n_requests, 0);
}

/* All that is out fails, but for the probes: they pass, and the API is there. */
static void fail_all(Bench *bench) {
        while (bench->n_requests > 0)
                bench_answer(bench, bench->requests[0].number == 0 ? API_NOT_FOUND : API_BROKEN);
        assert_int_equal(core_status(bench->core).api_state, API_STATE_ONLINE);
}

/* Lets time pass until a request for each of them is out; they are left unanswered. */
static void await_all(Bench *bench, Spans *spans, usec_t most) {
        const usec_t begin = bench->now.boottime;

        while (spans->n < N && bench->now.boottime - begin <= most) {
                bench_pass(bench, most / 100);
                while (spans->n < bench->n_requests)
                        spans->spans[spans->n++] = bench->now.boottime - begin;
        }
}

static void intend_all(Bench *bench, IntentKind kind) {
        uint64_t numbers[N];

        make_sessions(bench, numbers);
        for (size_t i = 0; i < N; i++)
                assert_int_equal(bench_intend(bench, (Intent){ .kind = kind,
                                                               .object = KIND_SESSION,
                                                               .number = numbers[i] }),
                                 0);
        assert_int_equal(bench->n_requests, N);
        fail_all(bench);
        assert_int_equal(bench->n_requests, 0);
}

static void test_changes(void **state) {
        Bench *bench = *state;
        Spans spans = { 0 };

        intend_all(bench, INTENT_DELETE);
        await_all(bench, &spans, bench_config.retry_min_usec);
        assert_spread(&spans, 0, bench_config.retry_min_usec);
}

static void test_reads(void **state) {
        Bench *bench = *state;
        Spans spans = { 0 };

        intend_all(bench, INTENT_REFRESH);
        await_all(bench, &spans, bench_config.retry_min_usec);
        assert_spread(&spans, 0, bench_config.retry_min_usec);
}

/* Has something fail that way, and waits for the probe, which passes. */
static usec_t await_probe(Bench *bench, uint64_t session, ApiOutcome outcome, usec_t most) {
        usec_t begin;

        assert_int_equal(bench_intend(bench, (Intent){ .kind = INTENT_REFRESH,
                                                       .object = KIND_SESSION,
                                                       .number = session }),
                         0);
        assert_int_equal(bench->n_requests, 1);
        bench_answer(bench, outcome);
        begin = bench->now.boottime;
        while (bench->n_requests == 0 && bench->now.boottime - begin <= most)
                bench_pass(bench, most / 100);
        assert_int_equal(bench->n_requests, 1);
        assert_int_equal(bench->requests[0].number, 0);
        bench_answer(bench, API_NOT_FOUND);
        assert_int_equal(core_status(bench->core).api_state, API_STATE_ONLINE);
        return bench->now.boottime - begin;
}

static void await_probes(Bench *bench, Spans *spans, ApiOutcome outcome, usec_t most) {
        uint64_t numbers[N];

        make_sessions(bench, numbers);
        for (; spans->n < N; spans->n++) {
                spans->spans[spans->n] = await_probe(bench, numbers[spans->n], outcome, most);
                for (unsigned i = 0; i < 5; i++) {
                        bench_skip_reads(bench);
                        bench_pass(bench, USEC_PER_SEC);
                }
                bench_skip_reads(bench);
        }
}

static void test_offline(void **state) {
        Bench *bench = *state;
        Spans spans = { 0 };

        await_probes(bench, &spans, API_NOT_SENT, bench_config.retry_min_usec);
        assert_spread(&spans, 0, bench_config.retry_min_usec);
}

static void test_unauthorized(void **state) {
        const usec_t about = bench_config.retry_max_usec;
        Bench *bench = *state;
        Spans spans = { 0 };

        await_probes(bench, &spans, API_UNAUTHORIZED, about * 112 / 100);
        assert_spread(&spans, about * 9 / 10, about * 112 / 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_changes),
                TEST(test_reads),
                TEST(test_offline),
                TEST(test_unauthorized),
        };

        return cmocka_run_group_tests_name("core-jitter", tests, NULL, NULL);
}
