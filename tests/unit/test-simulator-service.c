/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/simulator-bench.h"

#define NOBODY "00000000-0000-4000-8000-000000000000"

/* Covers "simulator: order of refusals". */
static void test_order_of_refusals(void **state) {
        CLEANUP(bench_deinit) Bench bench;
        static const struct {
                const char *name, *method, *target, *authorization, *body;
                unsigned status;
        } cases[] = {
                { "route before credentials", "GET", "/v1/x", NULL, NULL, 403 },
                { "method before credentials", "PATCH", ACCOUNT "/sessions", NULL, NULL, 403 },
                { "none", "POST", ACCOUNT "/sessions", NULL, NULL, 401 },
                { "credentials before syntax", "POST", ACCOUNT "/sessions", "Basic eA==", "{",
                  401 },
                { "other account", "POST", "/v1/accounts/1/sessions", AUTHORIZATION, "{", 401 },
                { "bearer", "POST", ACCOUNT "/sessions", "Bearer dXNlcjpwYXNzd29yZA==", NULL, 401 },
                { "more behind it", "POST", ACCOUNT "/sessions", AUTHORIZATION "x", NULL, 401 },
                { "scheme in any case", "POST", ACCOUNT "/sessions",
                  "bAsIc dXNlcjpwYXNzd29yZA==", NULL, 200 },
                { "syntax", "POST", ACCOUNT "/sessions", AUTHORIZATION, "{", 400 },
                { "syntax before existence", "PUT",
                  ACCOUNT "/sessions/" NOBODY "/participants/" NOBODY, AUTHORIZATION, "{", 400 },
                { "existence", "PUT", ACCOUNT "/sessions/" NOBODY "/participants/" NOBODY,
                  AUTHORIZATION, "{}", 404 },
                { "bodies of GET are not looked at", "GET", ACCOUNT "/sessions/" NOBODY,
                  AUTHORIZATION, "{", 404 },
        };

        (void)state;
        bench_init(&bench, (Settings){ 0 });
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Request request = {
                        .connection = 1,
                        .method = cases[i].method,
                        .target = cases[i].target,
                        .authorization = cases[i].authorization,
                        .body = cases[i].body,
                        .n_body = cases[i].body ? strlen(cases[i].body) : 0,
                };

                CASE(cases[i].name, bench_send(&bench, &request) == cases[i].status);
        }
}

static void test_error_shapes(void **state) {
        CLEANUP(bench_deinit) Bench bench;

        (void)state;
        bench_init(&bench, (Settings){ 0 });
        bench_ask(&bench, "GET", "/v1/x", NULL);
        assert_string_equal(bench_body(&bench), "{\"message\":\"Missing Authentication Token\"}");
        assert_string_equal(bench.reply.answer.error_type, "MissingAuthenticationTokenException");
        bench_ask(&bench, "GET", ACCOUNT "/sessions/x", NULL);
        assert_true(bench_says(&bench, "{\"error\":"));
        assert_true(bench_says(&bench, ",\"requestId\":\""));
        assert_true(bench_says(&bench, bench.reply.answer.request_id));
}

static void test_body_that_is_too_large(void **state) {
        CLEANUP(bench_deinit) Bench bench;
        Request request = {
                .connection = 1,
                .method = "POST",
                .target = ACCOUNT "/sessions",
                .authorization = AUTHORIZATION,
                .too_large = true,
        };

        (void)state;
        bench_init(&bench, (Settings){ 0 });
        assert_int_equal(bench_send(&bench, &request), 413);
        request.authorization = NULL;
        assert_int_equal(bench_send(&bench, &request), 401);
}

static void test_a_call_from_end_to_end(void **state) {
        CLEANUP(bench_deinit) Bench bench;
        const char *member;

        (void)state;
        bench_init(&bench, (Settings){ 0 });
        bench_create(&bench);
        member = bench_path("/sessions/%s/participants/%s", bench.id[0], bench.id[1]);

        assert_int_equal(bench_ask(&bench, "PUT", member, NULL), 204);
        assert_string_equal(bench_body(&bench), "");
        assert_int_equal(bench_ask(&bench, "GET",
                                   bench_path("/sessions/%s/participants", bench.id[0]), NULL),
                         200);
        assert_true(bench_says(&bench, "\"subscriptions\":{}"));
        assert_int_equal(bench_ask(&bench, "PUT",
                                   bench_path("/sessions/%s/participants/%s/subscriptions",
                                              bench.id[0], bench.id[1]),
                                   "{\"participants\":[{\"participantId\":\"x\","
                                   "\"streamAliases\":[\"m\"]}]}"),
                         204);
        assert_int_equal(
                bench_ask(&bench, "GET", bench_path("/participants/%s", bench.id[1]), NULL), 200);
        assert_true(bench_says(&bench, "\"participants\":[{\"participantId\":\"x\","
                                       "\"streamAliases\":[\"m\"]}]"));
        assert_false(bench_says(&bench, "token"));
        assert_int_equal(
                bench_ask(&bench, "DELETE",
                          bench_path("/sessions/%s/participants/%s", bench.id[0], bench.id[1]),
                          NULL),
                204);
        assert_int_equal(bench_ask(&bench, "DELETE", bench_path("/sessions/%s", bench.id[0]), NULL),
                         204);
        assert_int_equal(bench_ask(&bench, "DELETE", bench_path("/sessions/%s", bench.id[0]), NULL),
                         404);
}

static void test_lifetimes(void **state) {
        CLEANUP(bench_deinit) Bench bench;

        (void)state;
        bench_init(&bench, (Settings){ 0 });
        bench_create(&bench);
        bench_advance(&bench, 9 * USEC_PER_HOUR - 1);
        assert_int_equal(bench_ask(&bench, "GET", bench_path("/sessions/%s", bench.id[0]), NULL),
                         200);
        bench_advance(&bench, 1);
        assert_int_equal(bench_ask(&bench, "GET", bench_path("/sessions/%s", bench.id[0]), NULL),
                         404);
        assert_int_equal(
                bench_ask(&bench, "GET", bench_path("/participants/%s", bench.id[1]), NULL), 404);
}

static void test_rate_limit(void **state) {
        CLEANUP(bench_deinit) Bench bench;

        (void)state;
        bench_init(&bench, (Settings){ .requests_per_sec = 2 });
        assert_int_equal(bench_ask(&bench, "GET", ACCOUNT "/sessions/x", NULL), 404);
        assert_int_equal(bench_ask(&bench, "GET", ACCOUNT "/sessions/x", NULL), 404);
        assert_int_equal(bench_ask(&bench, "GET", ACCOUNT "/sessions/x", NULL), 429);
        assert_string_equal(bench_body(&bench), "{\"message\":\"Too Many Requests\"}");
        bench_advance(&bench, USEC_PER_SEC / 2);
        assert_int_equal(bench_ask(&bench, "GET", ACCOUNT "/sessions/x", NULL), 404);
        assert_int_equal(bench_ask(&bench, "GET", ACCOUNT "/sessions/x", NULL), 429);
        assert_int_equal(bench_ask(&bench, "GET", "/_simulator/state", NULL), 200);
        bench_advance(&bench, USEC_PER_HOUR);
        assert_int_equal(bench_ask(&bench, "GET", ACCOUNT "/sessions/x", NULL), 404);
        assert_int_equal(bench_ask(&bench, "GET", ACCOUNT "/sessions/x", NULL), 404);
        assert_int_equal(bench_ask(&bench, "GET", ACCOUNT "/sessions/x", NULL), 429);
}

static void test_rate_limit_below_one(void **state) {
        CLEANUP(bench_deinit) Bench bench;

        (void)state;
        bench_init(&bench, (Settings){ .requests_per_sec = 0.1 });
        assert_int_equal(bench_ask(&bench, "GET", ACCOUNT "/sessions/x", NULL), 404);
        bench_advance(&bench, 9 * USEC_PER_SEC);
        assert_int_equal(bench_ask(&bench, "GET", ACCOUNT "/sessions/x", NULL), 429);
        bench_advance(&bench, USEC_PER_SEC);
        assert_int_equal(bench_ask(&bench, "GET", ACCOUNT "/sessions/x", NULL), 404);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_order_of_refusals),
                cmocka_unit_test(test_error_shapes),
                cmocka_unit_test(test_body_that_is_too_large),
                cmocka_unit_test(test_a_call_from_end_to_end),
                cmocka_unit_test(test_lifetimes),
                cmocka_unit_test(test_rate_limit),
                cmocka_unit_test(test_rate_limit_below_one),
        };

        return cmocka_run_group_tests_name("simulator/service", tests, NULL, NULL);
}
