/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/unit.h"

#include "base/text.h"
#include "simulator/options.h"

static OptionsOutcome parse(const char *argument, Settings *ret, char **ret_problem) {
        char program[] = "convened-simulator";
        char *copy = argument ? strdup(argument) : NULL;
        char *argv[] = { program, copy, NULL };
        OptionsOutcome outcome = options_parse(argument ? 2 : 1, argv, ret, ret_problem);

        /* The strings of the settings are those of the command line. */
        free(copy);
        return outcome;
}

static void test_defaults(void **state) {
        CLEANUP(freep) char *problem = NULL;
        Settings settings;

        (void)state;
        assert_int_equal(parse(NULL, &settings, &problem), OPTIONS_RUN);
        assert_string_equal(settings.listen, "127.0.0.1:0");
        assert_string_equal(settings.account, "9900000");
        assert_string_equal(settings.credentials, "user:password");
        assert_int_equal(settings.generation, GENERATION_2022);
        assert_int_equal(settings.session_lifetime_usec, 9 * USEC_PER_HOUR);
        assert_int_equal(settings.participant_lifetime_usec, 9 * USEC_PER_HOUR);
        assert_false(settings.has_seed || settings.member_ids || settings.shuffle);
}

static void test_values(void **state) {
        static const struct {
                const char *argument;
                OptionsOutcome outcome;
        } cases[] = {
                { "--listen=[::1]:8080", OPTIONS_RUN },
                { "--account=1", OPTIONS_RUN },
                { "--account=12345678901234567", OPTIONS_WRONG },
                { "--account=a%2fb", OPTIONS_WRONG },
                { "--credentials=:", OPTIONS_RUN },
                { "--credentials=x", OPTIONS_WRONG },
                { "--generation=2020", OPTIONS_RUN },
                { "--generation=20", OPTIONS_WRONG },
                { "--session-lifetime=0.25", OPTIONS_RUN },
                { "--session-lifetime=1e99", OPTIONS_WRONG },
                { "--session-lifetime=inf", OPTIONS_WRONG },
                { "--participant-lifetime=1s", OPTIONS_WRONG },
                { "--seed=18446744073709551615", OPTIONS_RUN },
                { "--seed=18446744073709551616", OPTIONS_WRONG },
                { "--seed=-1", OPTIONS_WRONG },
                { "--requests-per-sec=0.5", OPTIONS_RUN },
                { "--requests-per-sec=-1", OPTIONS_WRONG },
                { "--shuffle", OPTIONS_RUN },
                { "--shuffle=1", OPTIONS_WRONG },
                { "--state=", OPTIONS_WRONG },
                { "--tls-key=x", OPTIONS_WRONG },
                { "--listen", OPTIONS_WRONG },
                { "--what", OPTIONS_WRONG },
                { "word", OPTIONS_WRONG },
                { "--help", OPTIONS_HELP },
                { "--version", OPTIONS_VERSION },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP(freep) char *problem = NULL;
                Settings settings;

                CASE(cases[i].argument,
                     parse(cases[i].argument, &settings, &problem) == cases[i].outcome);
                CASE(cases[i].argument, !problem == (cases[i].outcome != OPTIONS_WRONG));
        }
}

static void test_switches(void **state) {
        static const struct {
                const char *argument;
                size_t offset;
        } cases[] = {
                { "--member-ids", offsetof(Settings, member_ids) },
                { "--empty-as-204", offsetof(Settings, empty_as_204) },
                { "--any-session-id", offsetof(Settings, any_session_id) },
                { "--no-callback-echo", offsetof(Settings, no_callback_echo) },
                { "--invent-tags", offsetof(Settings, invent_tags) },
                { "--lenient-subscriptions", offsetof(Settings, lenient_subscriptions) },
                { "--shuffle", offsetof(Settings, shuffle) },
                { "--verbose", offsetof(Settings, verbose) },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP(freep) char *problem = NULL;
                Settings settings;

                assert_int_equal(parse(cases[i].argument, &settings, &problem), OPTIONS_RUN);
                CASE(cases[i].argument, *(bool *)((char *)&settings + cases[i].offset));
                CASE(cases[i].argument, strstr(options_help(), cases[i].argument));
        }
}

static void test_numbers(void **state) {
        CLEANUP(freep) char *problem = NULL;
        Settings settings;

        (void)state;
        assert_int_equal(parse("--session-lifetime=0.25", &settings, &problem), OPTIONS_RUN);
        assert_int_equal(settings.session_lifetime_usec, 250 * USEC_PER_MSEC);
        assert_int_equal(parse("--seed=7", &settings, &problem), OPTIONS_RUN);
        assert_true(settings.has_seed && settings.seed == 7);
        assert_int_equal(parse("--requests-per-sec=2.5", &settings, &problem), OPTIONS_RUN);
        assert_true(settings.requests_per_sec > 2.4 && settings.requests_per_sec < 2.6);
}

static void test_what_is_wrong(void **state) {
        static const struct {
                const char *argument, *problem;
        } cases[] = {
                { "--generation=2021", "--generation=2021: must be 2022 or 2020" },
                { "--credentials=secret", "--credentials=…: must be USER:PASSWORD" },
                { "--state=", "--state=: must not be empty" },
                { "--what", "--what: no such option" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP(freep) char *problem = NULL;
                Settings settings;

                assert_int_equal(parse(cases[i].argument, &settings, &problem), OPTIONS_WRONG);
                assert_string_equal(problem, cases[i].problem);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_defaults),      cmocka_unit_test(test_values),
                cmocka_unit_test(test_switches),      cmocka_unit_test(test_numbers),
                cmocka_unit_test(test_what_is_wrong),
        };

        return cmocka_run_group_tests_name("simulator/options", tests, NULL, NULL);
}
