/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/bench.h"

#include <stdio.h>

/* When a creation may go out, which cannot be taken back. */

static const Intent create = { .kind = INTENT_CREATE, .object = KIND_SESSION, .wait = true };

/* What was read at once is not so again: it is spread over the interval that follows. */
/* A caller goes first, and so does the session that he waits for. */
static void test_callers_go_first(void **state) {
        Bench *bench = *state;
        Intent intent = create;
        uint64_t ticket;

        intent.wait = false;
        for (unsigned i = 0; i < 60; i++) {
                (void)bench_intend(bench, intent);
                bench->n_replies = 0;
        }
        intent = (Intent){
                .kind = INTENT_CREATE, .object = KIND_PARTICIPANT, .session = 60, .wait = true
        };
        assert_int_equal(bench_intend(bench, intent), 0);
        ticket = bench->last_ticket;
        assert_int_equal(bench->n_requests, bench_config.requests_max);
        bench_answer_id(bench, "s1");
        assert_int_equal(bench->requests[bench->n_requests - 1].operation,
                         OPERATION_CREATE_PARTICIPANT);
        bench_answer_id(bench, "s2");
        assert_int_equal(bench->requests[bench->n_requests - 1].operation,
                         OPERATION_CREATE_SESSION);
        assert_int_equal(bench->requests[bench->n_requests - 1].number, 60);
        assert_int_equal(bench_reply(bench, ticket), -1);
}

/* While it is not known whether the API works, no second creation goes after the first. */
static void test_no_creation_while_suspect(void **state) {
        Bench *bench = *state;

        assert_int_equal(bench_intend(bench, create), 0);
        bench_answer(bench, API_NO_ANSWER);
        assert_int_equal(bench_operation(bench), OPERATION_GET_SESSION);
        bench_pass(bench, 5 * USEC_PER_SEC);
        assert_int_equal(bench->n_requests, 1);
        bench_answer(bench, API_NO_ANSWER);
        assert_int_equal(core_status(bench->core).api_state, API_STATE_OFFLINE);
        assert_int_equal(core_status(bench->core).suspected_orphans, 1);
        bench_pass(bench, bench_config.retry_max_usec);
        bench_answer(bench, API_NOT_FOUND);
        assert_int_equal(bench_operation(bench), OPERATION_CREATE_SESSION);
}

/* One object whose creation fails again and again keeps no other waiting. */
static void test_one_creation_is_not_answered(void **state) {
        Bench *bench = *state;
        Intent intent = create;
        unsigned n = 0;
        char id[16];

        intent.wait = false;
        for (unsigned i = 0; i < 30; i++)
                (void)bench_intend(bench, intent);
        while (bench->now.boottime < USEC_PER_HOUR + 4 * USEC_PER_SEC) {
                for (size_t left = bench->n_requests; left > 0; left--)
                        if (bench->requests[0].number == 1) {
                                bench_answer(bench, API_BROKEN);
                        } else if (operation_is_create(bench_operation(bench))) {
                                (void)snprintf(id, sizeof(id), "s%u", n++);
                                bench_answer_id(bench, id);
                        } else {
                                bench_answer(bench,
                                             bench->requests[0].probe ? API_NOT_FOUND : API_OK);
                        }
                if (n == 29)
                        break;
                bench_pass(bench, 100 * USEC_PER_MSEC);
        }
        assert_int_equal(n, 29);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_callers_go_first),
                TEST(test_no_creation_while_suspect),
                TEST(test_one_creation_is_not_answered),
        };

        return cmocka_run_group_tests_name("core-creation", tests, NULL, NULL);
}
