/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/simulator-bench.h"

static void test_requests_of_the_interface(void **state) {
        CLEANUP(bench_deinit) Bench bench;
        static const struct {
                const char *method, *target, *body;
                unsigned status;
        } cases[] = {
                { "GET", "/_simulator/state", NULL, 200 },
                { "GET", "/_simulator/state?x", NULL, 200 },
                { "POST", "/_simulator/state", NULL, 405 },
                { "GET", "/_simulator/states", NULL, 404 },
                { "GET", "/_simulator/", NULL, 404 },
                { "GET", "/_simulator/requests", NULL, 200 },
                { "GET", "/_simulator/requests?after=0", NULL, 200 },
                { "GET", "/_simulator/requests?after=18446744073709551615", NULL, 200 },
                { "GET", "/_simulator/requests?after=", NULL, 400 },
                { "GET", "/_simulator/requests?after=-1", NULL, 400 },
                { "GET", "/_simulator/requests?after=1x", NULL, 400 },
                { "GET", "/_simulator/requests?before=1", NULL, 400 },
                { "PUT", "/_simulator/faults", "{\"rules\":[]}", 204 },
                { "PUT", "/_simulator/faults", NULL, 400 },
                { "GET", "/_simulator/faults", NULL, 405 },
                { "PUT", "/_simulator/down", "{\"ms\":5}", 204 },
                { "PUT", "/_simulator/down", "{\"ms\":0}", 400 },
                { "PUT", "/_simulator/down", "{\"ms\":\"5\"}", 400 },
                { "PUT", "/_simulator/down", "null", 400 },
                { "PUT", "/_simulator/down", "[", 400 },
                { "POST", "/_simulator/expire/x", NULL, 404 },
                { "POST", "/_simulator/expire/", NULL, 404 },
        };

        (void)state;
        bench_init(&bench, (Settings){ 0 });
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CASE(cases[i].target, bench_ask(&bench, cases[i].method, cases[i].target,
                                                cases[i].body) == cases[i].status);
                CASE(cases[i].target, bench.reply.seq == 0 && !bench.reply.fault);
        }
}

static void test_down_is_asked_for(void **state) {
        CLEANUP(bench_deinit) Bench bench;

        (void)state;
        bench_init(&bench, (Settings){ 0 });
        bench_ask(&bench, "PUT", "/_simulator/down", "{\"ms\":250}");
        assert_int_equal(bench.reply.down_usec, 250 * USEC_PER_MSEC);
}

static void test_state_tells_all(void **state) {
        CLEANUP(bench_deinit) Bench bench;

        (void)state;
        bench_init(&bench, (Settings){ 0 });
        bench_create(&bench);
        bench_ask(&bench, "PUT",
                  bench_path("/sessions/%s/participants/%s", bench.id[0], bench.id[1]), NULL);
        bench_ask(&bench, "GET", "/_simulator/state", NULL);
        assert_true(bench_says(&bench, "\"expires\":1032400.000000"));
        assert_true(bench_says(&bench, "\"token\":\"eyJ"));
        assert_true(bench_says(&bench, "\"participants\":[\""));
        assert_true(bench_says(&bench, bench.id[1]));
}

static void test_expire(void **state) {
        CLEANUP(bench_deinit) Bench bench;
        char target[128];

        (void)state;
        bench_init(&bench, (Settings){ 0 });
        bench_create(&bench);
        for (size_t i = 0; i < 2; i++) {
                snprintf(target, sizeof(target), "/_simulator/expire/%s", bench.id[i]);
                assert_int_equal(bench_ask(&bench, "POST", target, NULL), 204);
                assert_int_equal(bench_ask(&bench, "POST", target, NULL), 404);
        }
        bench_ask(&bench, "GET", "/_simulator/state", NULL);
        assert_string_equal(bench_body(&bench), "{\"sessions\":[],\"participants\":[]}");
}

static void test_journal(void **state) {
        CLEANUP(bench_deinit) Bench bench;

        (void)state;
        bench_init(&bench, (Settings){ 0 });
        bench_advance(&bench, 1500 * USEC_PER_MSEC);
        bench_ask(&bench, "POST", ACCOUNT "/sessions?q", "{\"tag\":\"a\"}");
        bench_ask(&bench, "GET", "/_simulator/requests", NULL);
        assert_string_equal(bench_body(&bench),
                            "{\"requests\":[{\"seq\":1,\"time\":1.500000,\"connection\":1,"
                            "\"method\":\"POST\",\"path\":\"/sessions\",\"user_agent\":null,"
                            "\"body\":\"{\\\"tag\\\":\\\"a\\\"}\",\"status\":0,\"fault\":null,"
                            "\"effect\":true}]}");
        simulator_answered(&bench.simulator, &(Reply){ .seq = 1 }, 200);
        bench_ask(&bench, "GET", "/_simulator/requests?after=0", NULL);
        assert_true(bench_says(&bench, "\"status\":200"));
        bench_ask(&bench, "GET", "/_simulator/requests?after=1", NULL);
        assert_string_equal(bench_body(&bench), "{\"requests\":[]}");
}

/* Covers "simulator: requests are kept". */
static void test_journal_keeps_the_last(void **state) {
        CLEANUP(journal_freep) Journal *journal = NULL;
        CLEANUP(buffer_deinit) Buffer buffer = { 0 };
        const Request request = { .method = "GET", .target = "/x", .connection = 1 };
        char first[64];

        (void)state;
        assert_int_equal(journal_new(&journal), 0);
        for (unsigned i = 0; i < JOURNAL_MAX + 10; i++)
                assert_int_equal(journal_add(journal, &request, 0, NULL, false), i + 1);
        journal_answered(journal, 5, 777777);
        journal_view(journal, 3, &buffer);
        snprintf(first, sizeof(first), "{\"requests\":[{\"seq\":%u,", 11);
        assert_memory_equal(buffer.text, first, strlen(first));
        assert_null(strstr(buffer.text, "777777"));
        buffer_deinit(&buffer);
        journal_view(journal, JOURNAL_MAX + 9, &buffer);
        assert_non_null(strstr(buffer.text, "\"seq\":100010,"));
        assert_null(strstr(buffer.text, "\"seq\":100009,"));
        buffer_deinit(&buffer);
        journal_view(journal, UINT64_MAX, &buffer);
        assert_string_equal(buffer.text, "{\"requests\":[]}");
}

static void test_journal_cuts_bodies(void **state) {
        CLEANUP(journal_freep) Journal *journal = NULL;
        CLEANUP(buffer_deinit) Buffer buffer = { 0 };
        char body[JOURNAL_BODY_MAX + 100];
        const Request request = {
                .method = "PUT", .target = "/", .body = body, .n_body = sizeof(body)
        };

        (void)state;
        memset(body, 'b', sizeof(body));
        assert_int_equal(journal_new(&journal), 0);
        assert_int_equal(journal_add(journal, &request, 0, "drop", true), 1);
        journal_view(journal, 0, &buffer);
        assert_int_equal(strspn(strstr(buffer.text, "bb"), "b"), JOURNAL_BODY_MAX);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_requests_of_the_interface),
                cmocka_unit_test(test_down_is_asked_for),
                cmocka_unit_test(test_state_tells_all),
                cmocka_unit_test(test_expire),
                cmocka_unit_test(test_journal),
                cmocka_unit_test(test_journal_keeps_the_last),
                cmocka_unit_test(test_journal_cuts_bodies),
        };

        return cmocka_run_group_tests_name("simulator/control", tests, NULL, NULL);
}
