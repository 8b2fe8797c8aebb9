/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/unit.h"

#include "api/ending.h"

#define WHOLE(code)                                                                                \
        { .sent = true, .whole = true, .status = (code) }
#define UNDERSTOOD(code)                                                                           \
        { .sent = true, .whole = true, .status = (code), .understood = true }
#define RETRY(code)                                                                                \
        { .sent = true, .whole = true, .status = (code), .has_retry_after = true }

static void test_table(void **state) {
        static const struct {
                const char *name;
                Ending ending;
                ApiOutcome expect;
        } cases[] = {
                { "nothing went out", { 0 }, API_NOT_SENT },
                { "not sent, whatever else", { .whole = true, .status = 200 }, API_NOT_SENT },
                { "no byte came", { .sent = true }, API_NO_ANSWER },
                { "cut in the header", { .sent = true, .status = 200 }, API_NO_ANSWER },
                { "cut in an error", { .sent = true, .status = 404 }, API_NO_ANSWER },
                { "not HTTP", { .sent = true, .whole = true }, API_NO_ANSWER },
                { "an interim status alone", WHOLE(101), API_NO_ANSWER },
                { "good", UNDERSTOOD(200), API_OK },
                { "good, created", UNDERSTOOD(201), API_OK },
                { "good, empty", UNDERSTOOD(204), API_OK },
                { "good, any", UNDERSTOOD(299), API_OK },
                { "not understood", WHOLE(200), API_NOT_UNDERSTOOD },
                { "moved", WHOLE(301), API_REDIRECTED },
                { "found", UNDERSTOOD(302), API_REDIRECTED },
                { "not modified", WHOLE(304), API_REDIRECTED },
                { "bad request", UNDERSTOOD(400), API_REFUSED },
                { "unauthorized", WHOLE(401), API_UNAUTHORIZED },
                { "forbidden", WHOLE(403), API_FORBIDDEN },
                { "a real 404", UNDERSTOOD(404), API_NOT_FOUND },
                { "somebody's 404", WHOLE(404), API_REFUSED },
                { "method not allowed", WHOLE(405), API_REFUSED },
                { "proxy wants a password", WHOLE(407), API_REFUSED },
                { "request timeout", WHOLE(408), API_BROKEN },
                { "conflict", WHOLE(409), API_CONFLICT },
                { "gone is no 404", UNDERSTOOD(410), API_REFUSED },
                { "too large", WHOLE(413), API_REFUSED },
                { "a teapot", WHOLE(418), API_REFUSED },
                { "too early", WHOLE(425), API_THROTTLED },
                { "too many", WHOLE(429), API_THROTTLED },
                { "too many, and until when", RETRY(429), API_THROTTLED },
                { "bad request with a time", RETRY(400), API_REFUSED },
                { "server error", WHOLE(500), API_BROKEN },
                { "server error with a time", RETRY(500), API_BROKEN },
                { "bad gateway", WHOLE(502), API_BROKEN },
                { "unavailable", WHOLE(503), API_BROKEN },
                { "unavailable, and until when", RETRY(503), API_THROTTLED },
                { "gateway timeout", WHOLE(504), API_BROKEN },
                { "beyond all classes", WHOLE(600), API_BROKEN },
                { "far beyond", WHOLE(999), API_BROKEN },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                CASE(cases[i].name, ending_sort(&cases[i].ending) == cases[i].expect);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_table),
        };

        return cmocka_run_group_tests_name("ending", tests, NULL, NULL);
}
