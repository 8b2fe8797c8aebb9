/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/unit.h"

#include "base/text.h"
#include "ctl/options.h"
#include "ctl/publish.h"
#include "ctl/memory.h"
#include "ctl/redact.h"
#include "ctl/siphash.h"
#include "ctl/subscription.h"

static void test_seconds(void **state) {
        static const struct {
                const char *text;
                bool valid;
                usec_t usec;
        } cases[] = {
                { "3", true, 3 * USEC_PER_SEC },
                { "0", true, 0 },
                { "0.25", true, 250 * USEC_PER_MSEC },
                { ".5", true, 500 * USEC_PER_MSEC },
                { "", false, 0 },
                { ".", false, 0 },
                { "1.2.3", false, 0 },
                { "-1", false, 0 },
                { "+1", false, 0 },
                { "3s", false, 0 },
                { "inf", false, 0 },
                { "0x10", false, 0 },
                { " 1", false, 0 },
                { "99999999999999999999", false, 0 },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                usec_t usec = 0;

                CASE(cases[i].text, options_seconds(cases[i].text, &usec) == cases[i].valid);
                CASE(cases[i].text, usec == cases[i].usec);
        }
}

static void test_options(void **state) {
        char *argv[] = { (char *)"convenectl", (char *)"add",        (char *)"--user",
                         (char *)"1",          (char *)"--full",     (char *)"--timeout=2",
                         (char *)"2",          (char *)"--json",     (char *)"short",
                         (char *)"--",         (char *)"--tag-like", NULL };
        Options options;
        char *why = NULL;

        (void)state;
        assert_int_equal(options_read(11, argv, &options, &why), 7);
        assert_null(why);
        assert_string_equal(argv[7], "add");
        assert_string_equal(argv[10], "--tag-like");
        assert_true(options.user && options.full && options.json == JSON_SHORT);
        assert_int_equal(options.timeout_usec, 2 * USEC_PER_SEC);
        assert_int_equal(options.given, TAKES_WAITING);
}

static void test_bad_options(void **state) {
        static const struct {
                const char *word, *why;
        } cases[] = {
                { "--nope", "unknown option --nope" },
                { "-x", "unknown option -x" },
                { "--json", "--json needs a value" },
                { "--json=xml", "--json= is one of pretty, short and off, not \"xml\"" },
                { "--no-wait=1", "--no-wait=1 takes no value" },
                { "--timeout=x", "--timeout= is a number of seconds, not \"x\"" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char *argv[] = { (char *)"convenectl", (char *)cases[i].word, NULL };
                CLEANUP(freep) char *why = NULL;
                Options options;

                CASE(cases[i].word, options_read(2, argv, &options, &why) < 0);
                assert_string_equal(why, cases[i].why);
        }
}

static void test_publish(void **state) {
        static const struct {
                const char *list, *first, *second;
                bool valid;
        } cases[] = {
                { "audio,video", "AUDIO", "VIDEO", true },
                { "video", "VIDEO", NULL, true },
                { "none", NULL, NULL, true },
                { "", NULL, NULL, true },
                { "AUDIO", NULL, NULL, false },
                { "audio,", NULL, NULL, false },
                { "audio,none", NULL, NULL, false },
                { "audio,audio", NULL, NULL, false },
                { "audio,video,audio", NULL, NULL, false },
                { "audiovideo", NULL, NULL, false },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const char *permissions[PUBLISH_MAX + 1] = { 0 };
                CLEANUP(freep) char *why = publish_parse(cases[i].list, permissions);

                CASE(cases[i].list, !why == cases[i].valid);
                if (why)
                        continue;
                CASE(cases[i].list, !!permissions[0] == !!cases[i].first);
                CASE(cases[i].list, !cases[i].first || streq(permissions[0], cases[i].first));
                CASE(cases[i].list, !cases[i].second || streq(permissions[1], cases[i].second));
        }
}

static void test_subscription(void **state) {
        CLEANUP(subscription_deinit) Subscription some = { 0 }, all = { 0 }, none = { 0 };

        (void)state;
        assert_null(subscription_parse_list("alice:cam:mic,2", &some));
        assert_string_equal(some.mode, "participants");
        assert_int_equal(some.n_publishers, 2);
        assert_string_equal(some.publishers[0].name, "alice");
        assert_string_equal(some.publishers[0].aliases[0], "cam");
        assert_string_equal(some.publishers[0].aliases[1], "mic");
        assert_null(some.publishers[0].aliases[2]);
        assert_string_equal(some.publishers[1].name, "2");
        assert_null(some.publishers[1].aliases[0]);

        assert_null(subscription_parse_list("session", &all));
        assert_string_equal(all.mode, "session");
        assert_int_equal(all.n_publishers, 0);

        assert_null(subscription_parse_list("none", &none));
        assert_string_equal(none.mode, "none");
}

static void test_bad_subscription(void **state) {
        static const char *const cases[] = {
                "",          ",",          "alice,",     ":cam",
                "alice:",    "alice::cam", "none,alice", "alice,session",
                "none,none", "a:cam:cam",  "alice:cam,"
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP(subscription_deinit) Subscription subscription = { 0 };
                CLEANUP(freep) char *why = subscription_parse_list(cases[i], &subscription);

                CASE(cases[i], why != NULL);
        }
}

/* The vectors of the reference implementation: bytes 0, 1, 2 … under a key of the like. */
static void test_siphash(void **state) {
        static const struct {
                size_t n_bytes;
                uint64_t hash;
        } cases[] = {
                { 0, 0x726fdb47dd0e0e31 },
                { 1, 0x74f839c593dc67fd },
                { 8, 0x93f5f5799a932462 },
                { 15, 0xa129ca6149be45e5 },
        };
        uint8_t bytes[SIPHASH_KEY_BYTES];

        (void)state;
        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = (uint8_t)i;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_int_equal(siphash(bytes, bytes, cases[i].n_bytes), cases[i].hash);
}

static void test_redact_text(void **state) {
        const Options plain = { 0 }, redact = { .redact = true };
        CLEANUP(freep) char *same = redact_text(&plain, "no \"alice\""), *changed = NULL;
        CLEANUP(freep) char *tag = redact_word(&redact, "tag", "alice"), *expected = NULL;
        CLEANUP(freep) char *id = redact_word(&redact, "id", "0aa0aaaa-bbbb-cccc-dddd");

        (void)state;
        redact_learn(&plain, "no");
        assert_string_equal(same, "no \"alice\"");

        redact_learn(&redact, "alice");
        redact_learn(&redact, "7");
        changed = redact_text(&redact,
                              "alice: no malice, alice2; 7 0aa0aaaa-bbbb-cccc-dddd \"alice\"");
        expected = format("%s: no malice, alice2; 7 %s \"%s\"", tag, id, tag);
        assert_string_equal(changed, expected);
        assert_int_equal(strlen(tag), strlen("tag-") + 10);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_seconds),      cmocka_unit_test(test_options),
                cmocka_unit_test(test_bad_options),  cmocka_unit_test(test_publish),
                cmocka_unit_test(test_subscription), cmocka_unit_test(test_bad_subscription),
                cmocka_unit_test(test_siphash),      cmocka_unit_test(test_redact_text),
        };

        return cmocka_run_group_tests_name("ctl-words", tests, NULL, NULL);
}
