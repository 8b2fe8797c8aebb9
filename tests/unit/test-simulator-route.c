/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/unit.h"

#include "base/text.h"
#include "simulator/route.h"

#define A "/v1/accounts/99"

static void test_routes(void **state) {
        static const struct {
                const char *method, *target;
                Operation operation;
                const char *session_id, *participant_id;
        } cases[] = {
                { "POST", A "/participants", OPERATION_CREATE_PARTICIPANT, "", "" },
                { "GET", A "/participants/p", OPERATION_GET_PARTICIPANT, "", "p" },
                { "DELETE", A "/participants/p", OPERATION_DELETE_PARTICIPANT, "", "p" },
                { "POST", A "/sessions", OPERATION_CREATE_SESSION, "", "" },
                { "GET", A "/sessions/s", OPERATION_GET_SESSION, "s", "" },
                { "DELETE", A "/sessions/s", OPERATION_DELETE_SESSION, "s", "" },
                { "GET", A "/sessions/s/participants", OPERATION_LIST_MEMBERS, "s", "" },
                { "PUT", A "/sessions/s/participants/p", OPERATION_ADD_MEMBER, "s", "p" },
                { "DELETE", A "/sessions/s/participants/p", OPERATION_REMOVE_MEMBER, "s", "p" },
                { "GET", A "/sessions/s/participants/p/subscriptions", OPERATION_GET_SUBSCRIPTIONS,
                  "s", "p" },
                { "PUT", A "/sessions/s/participants/p/subscriptions", OPERATION_SET_SUBSCRIPTIONS,
                  "s", "p" },

                { "GET", A "/sessions/s?x=/y", OPERATION_GET_SESSION, "s", "" },
                { "GET", A "/sessions/%41%2f%2F%62", OPERATION_GET_SESSION, "A//b", "" },
                { "GET", A "/%73essions/s", OPERATION_GET_SESSION, "s", "" },
                { "GET", A "/sessions/%", OPERATION_GET_SESSION, "", "" },
                { "GET", A "/sessions/a%4", OPERATION_GET_SESSION, "", "" },
                { "GET", A "/sessions/%4g", OPERATION_GET_SESSION, "", "" },
                { "GET", A "/sessions/a%00b", OPERATION_GET_SESSION, "", "" },
                { "GET", A "/sessions/%7a", OPERATION_GET_SESSION, "z", "" },

                { "GET", A "/sessions", OPERATION_UNKNOWN, "", "" },
                { "GET", A "/participants", OPERATION_UNKNOWN, "", "" },
                { "HEAD", A "/sessions/s", OPERATION_UNKNOWN, "", "" },
                { "get", A "/sessions/s", OPERATION_UNKNOWN, "", "" },
                { "GET", A "/sessions/", OPERATION_UNKNOWN, "", "" },
                { "GET", A "//sessions/s", OPERATION_UNKNOWN, "", "" },
                { "GET", A "/sessions/s/", OPERATION_UNKNOWN, "", "" },
                { "GET", A "/session/s", OPERATION_UNKNOWN, "", "" },
                { "GET", A "/sessionss/s", OPERATION_UNKNOWN, "", "" },
                { "GET", A "/accounts/99/sessions/s", OPERATION_UNKNOWN, "", "" },
                { "GET", A "/a/b/c/d/e/f/g/h/i", OPERATION_UNKNOWN, "", "" },
                { "GET", "/accounts/99/sessions/s", OPERATION_UNKNOWN, "", "" },
                { "GET", "/v1/accounts/", OPERATION_UNKNOWN, "", "" },
                { "GET", "/", OPERATION_UNKNOWN, "", "" },
                { "GET", "", OPERATION_UNKNOWN, "", "" },
                { "OPTIONS", "*", OPERATION_UNKNOWN, "", "" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Route route = route_find(cases[i].method, cases[i].target, GENERATION_2022);

                CASE(cases[i].target, route.operation == cases[i].operation);
                CASE(cases[i].target, streq(route.session_id, cases[i].session_id));
                CASE(cases[i].target, streq(route.participant_id, cases[i].participant_id));
                CASE(cases[i].target, !route.operation || streq(route.account, "99"));
        }
}

static void test_generation_2020_has_no_list(void **state) {
        Route route = route_find("GET", A "/sessions/s/participants", GENERATION_2020);

        (void)state;
        assert_int_equal(route.operation, OPERATION_UNKNOWN);
        route = route_find("PUT", A "/sessions/s/participants/p", GENERATION_2020);
        assert_int_equal(route.operation, OPERATION_ADD_MEMBER);
}

static void test_ids_that_are_too_long(void **state) {
        char segment[ROUTE_ID_MAX + 2], id[ROUTE_ID_MAX + 1];

        (void)state;
        memset(segment, 'x', sizeof(segment));
        assert_true(route_decode(segment, ROUTE_ID_MAX, id));
        assert_int_equal(strlen(id), ROUTE_ID_MAX);
        assert_false(route_decode(segment, ROUTE_ID_MAX + 1, id));
        assert_string_equal(id, "");
        assert_false(route_decode("", 0, id));
}

static void test_below_the_account(void **state) {
        static const struct {
                const char *target, *expect;
        } cases[] = {
                { A "/sessions/s?x", "/sessions/s" },
                { A "/", "/" },
                { "/v1/accounts/1/sessions%2f", "/sessions%2f" },
                { A, A },
                { "/v1/accounts//sessions", "/v1/accounts//sessions" },
                { "/elsewhere/x?/v1/accounts/1/", "/elsewhere/x" },
                { "/v1/accounts/1?/x", "/v1/accounts/1" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                size_t n = 0;
                const char *below = route_below_account(cases[i].target, &n);

                CASE(cases[i].target, n == strlen(cases[i].expect));
                CASE(cases[i].target, memcmp(below, cases[i].expect, n) == 0);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_routes),
                cmocka_unit_test(test_generation_2020_has_no_list),
                cmocka_unit_test(test_ids_that_are_too_long),
                cmocka_unit_test(test_below_the_account),
        };

        return cmocka_run_group_tests_name("simulator/route", tests, NULL, NULL);
}
