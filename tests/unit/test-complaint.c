/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/unit.h"

#include "api/complaint.h"
#include "api/line.h"
#include "base/text.h"

static bool same(const char *a, const char *b) {
        return a && b ? streq(a, b) : a == b;
}

static void test_shapes(void **state) {
        static const struct {
                const char *name, *text, *message, *request_id;
                bool is_own;
        } cases[] = {
                { "the API's own", "{\"error\":\"no\",\"requestId\":\"7c0b\"}", "no", "7c0b",
                  true },
                { "without a request id", "{\"error\":\"no\"}", "no", NULL, false },
                { "a framework's",
                  "{\"timestamp\":1,\"status\":404,\"error\":\"Not Found\",\"path\":\"/v1\"}",
                  "Not Found", NULL, false },
                { "a request id of another name", "{\"error\":\"no\",\"requestid\":\"7c0b\"}", "no",
                  NULL, false },
                { "an empty error", "{\"error\":\"\",\"requestId\":\"7c0b\"}", NULL, "7c0b", true },
                { "the gateway's", "{\"message\":\"Not Found\"}", "Not Found", NULL, false },
                { "an authorizer's", "{\"Message\":\"not you\"}", "not you", NULL, false },
                { "of the first years", "{\"code\":404,\"message\":\"gone\"}", "gone", NULL,
                  false },
                { "a code alone", "{\"code\":404}", "404", NULL, false },
                { "another service's", "{\"type\":\"error\",\"description\":\"slow\",\"id\":\"\"}",
                  "slow", NULL, false },
                { "an error that is a number", "{\"error\":17}", "17", NULL, false },
                { "an error that is an object", "{\"error\":{\"message\":\"x\"}}", NULL, NULL,
                  false },
                { "error before message", "{\"message\":\"b\",\"error\":\"a\"}", "a", NULL, false },
                { "a request id of nonsense", "{\"error\":\"a\",\"requestId\":[1]}", "a", NULL,
                  false },
                { "empty", "", NULL, NULL, false },
                { "HTML", "<html>404</html>", NULL, NULL, false },
                { "null", "null", NULL, NULL, false },
                { "a list", "[{\"error\":\"a\"}]", NULL, NULL, false },
                { "a string", "\"error\"", NULL, NULL, false },
                { "a key twice", "{\"error\":\"a\",\"error\":\"b\"}", NULL, NULL, false },
                { "a NUL in it", "{\"error\":\"a\\u0000b\"}", NULL, NULL, false },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Complaint complaint;

                complaint_read(&complaint, cases[i].text, strlen(cases[i].text));
                CASE(cases[i].name, complaint.is_own == cases[i].is_own);
                CASE(cases[i].name, same(complaint.message, cases[i].message));
                CASE(cases[i].name, same(complaint.request_id, cases[i].request_id));
                complaint_deinit(&complaint);
        }
}

static void test_lines(void **state) {
        static const struct {
                const char *name, *text, *expect;
        } cases[] = {
                { "none", NULL, "" },
                { "empty", "", "" },
                { "plain", "a b", "a b" },
                { "not ASCII", "caf\xc3\xa9 \xf0\x9f\x93\x9e", "caf\xc3\xa9 \xf0\x9f\x93\x9e" },
                { "lines", "a\r\n  b\n", "a b" },
                { "only space", " \t\n ", "" },
                { "controls",
                  "a\x1b[31mb\x7f"
                  "c\xc2\x85"
                  "d",
                  "a [31mb c d" },
                { "not UTF-8",
                  "a\xff\xfe"
                  "b\xc3",
                  "a??b?" },
                { "overlong",
                  "a\xc0\xaf"
                  "b",
                  "a??b" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Line line;

                line_set(&line, cases[i].text);
                CASE(cases[i].name, streq(line.text, cases[i].expect));
        }
}

/* Cut between characters: two bytes and three do not end at 300 together. */
static void test_long_line(void **state) {
        char text[1001] = "x";
        Line line;
        size_t n;

        (void)state;
        for (size_t i = 1; i + 2 < sizeof(text); i += 2)
                memcpy(text + i, "\xc3\xa9", 3);
        line_set(&line, text);
        assert_int_equal(strlen(line.text), 299);
        assert_true(text_code_points(line.text, &n));
        assert_int_equal(n, 150);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_shapes),
                cmocka_unit_test(test_lines),
                cmocka_unit_test(test_long_line),
        };

        return cmocka_run_group_tests_name("complaint", tests, NULL, NULL);
}
