/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/bench.h"

/* What the log says by default: each thing once, and little however long it lasts. */

static Intent create(bool wait) {
        return (Intent){ .kind = INTENT_CREATE, .object = KIND_SESSION, .wait = wait };
}

/* Many calls, and probes for most of a day, all of which end so. */
static void everything_fails(Bench *bench, ApiOutcome outcome) {
        for (unsigned i = 0; i < 4; i++)
                assert_int_equal(bench_intend(bench, create(i % 2 == 0)), 0);
        while (bench->n_requests > 0)
                bench_answer(bench, outcome);
        for (unsigned i = 0; i < 100; i++) {
                bench_pass(bench, 2 * bench_config.retry_max_usec);
                assert_int_equal(bench->n_requests, 1);
                bench_answer(bench, outcome);
        }
}

static void test_refused_credentials(void **state) {
        Bench *bench = *state;

        everything_fails(bench, API_UNAUTHORIZED);
        assert_int_equal(bench->n_told[LOG_EVENT_API_STATE], 1);
        assert_int_equal(bench->n_told[LOG_EVENT_ATTEMPT_FAILED], 0);
        assert_int_equal(bench->n_logs[LOG_EVENT_ATTEMPT_FAILED], 4);
        assert_int_equal(bench->told_level, 4);
        assert_string_equal(bench->told_text,
                            "The API refuses the credentials or the account: as told");
}

static void test_outage(void **state) {
        Bench *bench = *state;

        everything_fails(bench, API_NOT_SENT);
        assert_int_equal(bench->n_told[LOG_EVENT_API_STATE], 1);
        assert_int_equal(bench->n_told[LOG_EVENT_ATTEMPT_FAILED], 0);
        assert_string_equal(bench->told_text,
                            "The API cannot be reached or does not work: as told");
        bench_pass(bench, 2 * bench_config.retry_max_usec);
        bench_answer(bench, API_NOT_FOUND);
        assert_int_equal(bench->n_told[LOG_EVENT_API_STATE], 2);
        assert_int_equal(bench->told_level, 5);
        assert_string_equal(bench->told_text, "The API answers.");
}

/* One object is the trouble, all else works. */
static void test_one_object(void **state) {
        Bench *bench = *state;
        Intent delete = { .kind = INTENT_DELETE, .object = KIND_SESSION };
        unsigned n = 0;

        delete.number = bench_session(bench, "s1");
        assert_int_equal(bench_intend(bench, delete), 0);
        while (n < 100) {
                bool probe = bench->n_requests > 0 && bench->requests[0].number == 0;

                if (bench->n_requests == 0)
                        bench_pass(bench, 2 * bench_config.retry_max_usec);
                else if (bench_operation(bench) == OPERATION_DELETE_SESSION && ++n > 0)
                        bench_answer(bench, API_BROKEN);
                else if (probe)
                        bench_answer(bench, API_NOT_FOUND);
                else
                        bench_skip_reads(bench);
        }
        assert_int_equal(bench->n_logs[LOG_EVENT_ATTEMPT_FAILED], 100);
        assert_int_equal(bench->n_told[LOG_EVENT_ATTEMPT_FAILED], 7); /* 1, 2, 4 ... 64 */
        assert_int_equal(bench->n_told[LOG_EVENT_API_STATE], 1);      /* it answers, at first */
}

/* Every second it is away, and back. What is so in the end is told all the same. */
static void test_comes_and_goes(void **state) {
        Bench *bench = *state;
        const unsigned n = 2000;

        assert_int_equal(bench_intend(bench, create(false)), 0);
        for (unsigned i = 0; i < n; i++) {
                assert_int_equal(bench_operation(bench), OPERATION_CREATE_SESSION);
                bench_answer(bench, API_NOT_SENT);
                bench_pass(bench, USEC_PER_SEC);
                bench_answer(bench, API_NOT_FOUND);
        }
        assert_int_equal(bench->n_logs[LOG_EVENT_API_STATE], 2 * n + n / 600);
        assert_int_equal(bench->n_told[LOG_EVENT_API_STATE], 6 + n / 600);

        bench_answer_id(bench, "s1");
        bench_skip_reads(bench);
        /* It wakes up for that. */
        while (bench->n_told[LOG_EVENT_API_STATE] < 6 + n / 600 + 1) {
                usec_t due = core_deadline(bench->core, bench->now);

                assert_true(due > bench->now.boottime);
                assert_true(due <= bench->now.boottime + 10 * USEC_PER_MIN);
                bench_pass(bench, due - bench->now.boottime);
                bench_skip_reads(bench);
        }
        assert_int_equal(bench->told_level, 5);
        assert_string_equal(bench->told_text, "The API answers; its state changed so often that "
                                              "401 changes were not told.");
        for (unsigned i = 0; i < 100; i++) {
                bench_pass(bench, USEC_PER_MIN);
                bench_skip_reads(bench);
        }
        assert_int_equal(bench->n_told[LOG_EVENT_API_STATE], 6 + n / 600 + 1);
}

/* Who waits is told; where nobody is, the log is louder. */
static void test_refusals(void **state) {
        Bench *bench = *state;

        bench_session(bench, "s1");
        for (unsigned wait = 0; wait < 2; wait++) {
                assert_int_equal(bench_intend(bench, create(wait)), 0);
                bench_answer(bench, API_REFUSED);
                assert_int_equal(bench->n_told[LOG_EVENT_REFUSED], wait + 1);
                assert_int_equal(bench->told_level, wait ? 6 : 4);
        }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_refused_credentials), TEST(test_outage),   TEST(test_one_object),
                TEST(test_comes_and_goes),      TEST(test_refusals),
        };

        return cmocka_run_group_tests_name("core-telling", tests, NULL, NULL);
}
