/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/unit.h"

#include "base/text.h"
#include "simulator/base64.h"
#include "simulator/buffer.h"
#include "simulator/random.h"
#include "simulator/token.h"

static void test_json_strings(void **state) {
        static const struct {
                const char *name, *bytes, *expect;
        } cases[] = {
                { "empty", "", "\"\"" },
                { "plain", "desk-4", "\"desk-4\"" },
                { "escapes", "a\"b\\c\nd\te\rf", "\"a\\\"b\\\\c\\nd\\te\\rf\"" },
                { "controls", "\x01\x7f", "\"\\u0001\\u007f\"" },
                { "two, three, four bytes", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x93\x9e",
                  "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x93\x9e\"" },
                { "continuation alone", "a\x80z", "\"a\xef\xbf\xbdz\"" },
                { "cut short", "\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
                { "overlong", "\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
                { "surrogate", "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
                { "above U+10FFFF", "\xf4\x90\x80\x80",
                  "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
                { "broken in the middle", "\xe2\x28\xa1", "\"\xef\xbf\xbd(\xef\xbf\xbd\"" },
                { "bad third byte", "\xe2\x82(", "\"\xef\xbf\xbd\xef\xbf\xbd(\"" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP(buffer_deinit) Buffer buffer = { 0 };

                buffer_add_json_text(&buffer, cases[i].bytes);
                CASE(cases[i].name, streq(buffer.text, cases[i].expect));
        }
}

static void test_growth(void **state) {
        CLEANUP(buffer_deinit) Buffer buffer = { 0 };

        (void)state;
        for (unsigned i = 0; i < 1000; i++)
                buffer_printf(&buffer, "%03u,", i);
        assert_int_equal(buffer.n, 4000);
        assert_memory_equal(buffer.text + 3996, "999,", 5);
        buffer_add_json_text(&buffer, NULL);
        assert_string_equal(buffer.text + 4000, "null");
}

static void test_base64(void **state) {
        static const struct {
                const char *bytes, *padded, *url;
        } cases[] = {
                /* RFC 4648, section 10, and one that shows the alphabet. */
                { "f", "Zg==", "Zg" },
                { "fo", "Zm8=", "Zm8" },
                { "foo", "Zm9v", "Zm9v" },
                { "foob", "Zm9vYg==", "Zm9vYg" },
                { "\xfb\xff\xfe", "+//+", "-__-" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP(buffer_deinit) Buffer padded = { 0 };
                CLEANUP(buffer_deinit) Buffer url = { 0 };

                base64_add(&padded, cases[i].bytes, strlen(cases[i].bytes));
                base64url_add(&url, cases[i].bytes, strlen(cases[i].bytes));
                assert_string_equal(padded.text, cases[i].padded);
                assert_string_equal(url.text, cases[i].url);
        }
}

static void test_uuids(void **state) {
        char id[UUID_LENGTH + 1], other[UUID_LENGTH + 1];
        Random random;

        (void)state;
        random_seed(&random, 1);
        for (unsigned i = 0; i < 1000; i++) {
                random_uuid(&random, id);
                assert_int_equal(strlen(id), UUID_LENGTH);
                assert_int_equal(strspn(id, "0123456789abcdef-"), UUID_LENGTH);
                assert_int_equal(id[14], '4');
                assert_non_null(strchr("89ab", id[19]));
        }
        random_uuid(&random, other);
        assert_string_not_equal(id, other);
}

static void test_chance(void **state) {
        Random random;
        unsigned n_low = 0;

        (void)state;
        random_seed(&random, 2);
        for (unsigned i = 0; i < 1000; i++) {
                double unit = random_unit(&random);

                assert_true(unit >= 0 && unit < 1);
                assert_true(random_below(&random, 3) < 3);
                n_low += unit < 0.5;
        }
        assert_in_range(n_low, 400, 600);
}

static void test_token_has_room_in_a_phone_call(void **state) {
        Participant participant = {
                .object = { .id = "a3c1f0de-94b7-4c55-8e21-70d5b6a90f12",
                            .expires_at = 4000000000 * USEC_PER_SEC },
                .device_api_version = 3,
        };
        CLEANUP(freep) char *token = NULL;
        Random random;

        (void)state;
        random_seed(&random, 3);
        assert_int_equal(token_make("1234567890123456", &participant, &random, &token), 0);
        assert_true(strlen(token) < 180);
        assert_non_null(strchr(strchr(token, '.') + 1, '.'));
        assert_int_equal(strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                       "0123456789-_."),
                         strlen(token));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_json_strings),
                cmocka_unit_test(test_growth),
                cmocka_unit_test(test_base64),
                cmocka_unit_test(test_uuids),
                cmocka_unit_test(test_chance),
                cmocka_unit_test(test_token_has_room_in_a_phone_call),
        };

        return cmocka_run_group_tests_name("simulator/buffer", tests, NULL, NULL);
}
