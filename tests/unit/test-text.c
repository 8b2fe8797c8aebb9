/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/unit.h"

#include "base/text.h"

static void test_code_points(void **state) {
        static const struct {
                const char *name, *text;
                bool valid;
                size_t n;
        } cases[] = {
                { "empty", "", true, 0 },
                { "ASCII", "desk-4", true, 6 },
                { "two bytes", "\xc3\xa9", true, 1 },
                { "four bytes", "a\xf0\x9f\x93\x9e", true, 2 },
                { "overlong", "\xc0\xaf", false, 0 },
                { "surrogate", "\xed\xa0\x80", false, 0 },
                { "above U+10FFFF", "\xf4\x90\x80\x80", false, 0 },
                { "cut short", "\xe2\x82", false, 0 },
                { "continuation alone", "\x80", false, 0 },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                size_t n = 99;

                CASE(cases[i].name, text_code_points(cases[i].text, &n) == cases[i].valid);
                CASE(cases[i].name, n == (cases[i].valid ? cases[i].n : 99));
        }
}

static void test_controls(void **state) {
        (void)state;
        assert_false(text_has_controls("desk 4 \xc3\xa9 \xc2\xa0"));
        assert_true(text_has_controls("a\nb"));
        assert_true(text_has_controls("\x7f"));
        assert_true(text_has_controls("\xc2\x85"));
}

static void test_fit(void **state) {
        static const struct {
                const char *name, *text, *fit;
        } cases[] = {
                { "empty", "", "" },
                { "as it is", "desk", "desk" },
                { "at the bound", "12345", "12345" },
                { "above it", "123456", "12345" },
                { "counted in code points", "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9",
                  "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9" },
                { "controls count for nothing",
                  "\n1\x7f"
                  "2\xc2\x85"
                  "345",
                  "12345" },
                { "noncharacters",
                  "a\xef\xbf\xbe"
                  "b\xef\xb7\x90"
                  "c\xf4\x8f\xbf\xbf",
                  "abc" },
                { "not UTF-8", "a\xff", "" },
                { "not UTF-8 above the bound", "12345\xff", "" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP(freep) char *fit = NULL;

                CASE(cases[i].name, text_fit(&fit, cases[i].text, 5) == 0);
                CASE(cases[i].name, streq(fit, cases[i].fit));
        }
}

static void test_web_url(void **state) {
        (void)state;
        assert_true(text_is_web_url("https://example.com/hook"));
        assert_true(text_is_web_url("HTTP://x"));
        assert_false(text_is_web_url("https://"));
        assert_false(text_is_web_url("https:///hook"));
        assert_false(text_is_web_url("http://:8080/hook"));
        assert_false(text_is_web_url("http://?event"));
        assert_false(text_is_web_url("https://#top"));
        assert_false(text_is_web_url("http:// example.com"));
        assert_false(text_is_web_url("ftp://example.com"));
        assert_false(text_is_web_url(""));
}

static void test_format(void **state) {
        CLEANUP(freep) char *text = NULL;

        (void)state;
        assert_int_equal(text_format(&text, "%s-%d", "desk", 4), 0);
        assert_string_equal(text, "desk-4");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_code_points), cmocka_unit_test(test_controls),
                cmocka_unit_test(test_fit),         cmocka_unit_test(test_web_url),
                cmocka_unit_test(test_format),
        };

        return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
