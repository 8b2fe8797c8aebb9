/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/unit.h"

#include "base/text.h"
#include "daemon/refusal.h"
#include "daemon/value.h"

static void test_number(void **state) {
        static const struct {
                const char *text;
                bool valid;
                unsigned expect;
        } cases[] = {
                { "0", true, 0 },
                { "16", true, 16 },
                { "1000000000", true, 1000000000 },
                { "", false, 0 },
                { "-1", false, 0 },
                { "+1", false, 0 },
                { "1.0", false, 0 },
                { "1 ", false, 0 },
                { "0x10", false, 0 },
                { "16k", false, 0 },
                { "1e3", false, 0 },
                { "1000000001", false, 0 },
                { "99999999999999999999999", false, 0 },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                unsigned number = 77;

                CASE(cases[i].text, value_number(&number, cases[i].text) == cases[i].valid);
                CASE(cases[i].text, number == (cases[i].valid ? cases[i].expect : 77));
        }
}

static void test_decimal(void **state) {
        double number = 7;

        (void)state;
        assert_true(value_decimal(&number, "0.5") && number == 0.5);
        assert_true(value_decimal(&number, "20") && number == 20);
        assert_false(value_decimal(&number, ".5"));
        assert_false(value_decimal(&number, "5."));
        assert_false(value_decimal(&number, "1,5"));
        assert_false(value_decimal(&number, "nan"));
        assert_false(value_decimal(&number, "inf"));
        assert_true(number == 20);
}

/* Covers "daemon: times". */
static void test_span(void **state) {
        static const struct {
                const char *text;
                bool valid;
                usec_t expect;
        } cases[] = {
                { "5", true, 5000000 },
                { "0.01", true, 10000 },
                { "0.0000019", true, 1 },
                { "0.5s", true, 500000 },
                { "500ms", true, 500000 },
                { "250us", true, 250 },
                { "500000000us", true, 500000000 },
                { "2min", true, 120000000 },
                { "1min 30s", true, 90000000 },
                { "1 min 30", true, 90000000 },
                { "1h", true, 3600000000 },
                { "1d", true, 86400000000 },
                { "", false, 0 },
                { "s", false, 0 },
                { "-5", false, 0 },
                { "5 parsecs", false, 0 },
                { "1000000000d", false, 0 },
                { "infinity", false, 0 },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                usec_t span = 77;

                CASE(cases[i].text, value_span(&span, cases[i].text) == cases[i].valid);
                CASE(cases[i].text, span == (cases[i].valid ? cases[i].expect : 77));
        }
}

static void test_url(void **state) {
        static const struct {
                const char *text, *expect; /* NULL: refused */
                bool loopback;
        } cases[] = {
                { "https://api.webrtc.bandwidth.com/v1", "https://api.webrtc.bandwidth.com/v1",
                  false },
                { "HTTPS://API.example/V1/", "https://api.example/V1", false },
                { "https://host", "https://host", false },
                { "https://host///", "https://host", false },
                { "http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1", true },
                { "http://127.1.2.3", "http://127.1.2.3", true },
                { "http://[::1]:80", "http://[::1]:80", true },
                { "http://LocalHost:1", "http://localhost:1", true },
                { "http://localhost.example", "http://localhost.example", false },
                { "http://127.0.0.1.example", "http://127.0.0.1.example", false },
                { "http://127.1", "http://127.1", false },
                { "http://128.0.0.1", "http://128.0.0.1", false },
                { "http://[::2]", "http://[::2]", false },
                { "http://127.0.0.1@evil.example", NULL, false },
                { "https://user:pass@host", NULL, false },
                { "https://host/a?b", NULL, false },
                { "https://host/a#b", NULL, false },
                { "https://host/../b", NULL, false },
                { "https://host/./b", NULL, false },
                { "https://host/%2e%2e/b", NULL, false },
                { "https://host//b", NULL, false },
                { "https://host:0", NULL, false },
                { "https://host:65536", NULL, false },
                { "https://host:99999999999999999999", NULL, false },
                { "https://host:", NULL, false },
                { "https://host:80x", NULL, false },
                { "https://[::1", NULL, false },
                { "https://[fe80::1%25eth0]", NULL, false },
                { "https://", NULL, false },
                { "https:///v1", NULL, false },
                { "://host", NULL, false },
                { "host", NULL, false },
                { "", NULL, false },
                { "https://ho st", NULL, false },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP(freep) char *url = NULL;
                bool loopback = false;

                CASE(cases[i].text,
                     value_url(&url, cases[i].text, &loopback) == (cases[i].expect ? 0 : REFUSED));
                CASE(cases[i].text, !cases[i].expect == !url);
                CASE(cases[i].text, !url || streq(url, cases[i].expect));
                CASE(cases[i].text, loopback == cases[i].loopback);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_number),
                cmocka_unit_test(test_decimal),
                cmocka_unit_test(test_span),
                cmocka_unit_test(test_url),
        };

        return cmocka_run_group_tests_name("value", tests, NULL, NULL);
}
