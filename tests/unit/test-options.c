/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/unit.h"

#include <syslog.h>

#include "daemon/options.h"
#include "daemon/refusal.h"

static int parse(Options **ret, const char *const *arguments, char **ret_reason) {
        char *argv[8] = { (char *)"convened" };
        int argc = 1;

        for (; arguments[argc - 1]; argc++)
                argv[argc] = (char *)arguments[argc - 1];

        return options_new(ret, argc, argv, ret_reason);
}

static void test_outcomes(void **state) {
        static const struct {
                const char *arguments[4];
                int expect;
                const char *reason;
        } cases[] = {
                { { NULL }, 0, NULL },
                { { "--user", "--log-level=debug", "--config=/x" }, 0, NULL },
                { { "--config", "/x", NULL }, 0, NULL },
                { { "--help", NULL }, OPTIONS_HELP, NULL },
                { { "-h", NULL }, OPTIONS_HELP, NULL },
                { { "--version", NULL }, OPTIONS_VERSION, NULL },
                { { "--colour", NULL }, REFUSED, "--colour" },
                { { "--config", NULL }, REFUSED, "--config" },
                { { "--config=", NULL }, REFUSED, "--config= needs a path" },
                { { "--state-dir=", NULL }, REFUSED, "--state-dir= needs a path" },
                { { "--user=yes", NULL }, REFUSED, "--user=yes" },
                { { "--log-level=loud", NULL }, REFUSED, "warning, notice, info" },
                { { "--log-level=8", NULL }, REFUSED, "--log-level=" },
                { { "start", NULL }, REFUSED, "no arguments" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP(options_freep) Options *options = NULL;
                CLEANUP(freep) char *reason = NULL;
                const char *name = cases[i].arguments[0] ? cases[i].arguments[0] : "none";

                CASE(name, parse(&options, cases[i].arguments, &reason) == cases[i].expect);
                CASE(name, !cases[i].reason == !reason);
                CASE(name, !reason || strstr(reason, cases[i].reason));
        }
}

/* Covers "option: convened --system", "option: convened --config", "option: convened --state-dir",
 * "option: convened --log-level". */
static void test_values(void **state) {
        static const char *const arguments[] = { "--user",         "--system",
                                                 "--log-level=3",  "--config=/a.conf",
                                                 "--state-dir=/s", NULL };
        CLEANUP(options_freep) Options *options = NULL;
        CLEANUP(freep) char *reason = NULL;

        (void)state;
        assert_int_equal(parse(&options, arguments, &reason), 0);
        assert_true(options->system);
        assert_int_equal(options->log_level, LOG_ERR);
        assert_int_equal(options_find_files(options, &reason), 0);
        assert_string_equal(options->configuration_file, "/a.conf");
        assert_true(options->configuration_required);
        assert_string_equal(options->state_directory, "/s");
}

/* Covers "environment: convened STATE_DIRECTORY", "environment: convened CONFIGURATION_DIRECTORY",
 * "environment: convened XDG_CONFIG_HOME", "environment: convened XDG_STATE_HOME". */
static void test_files_from_environment(void **state) {
        static const struct {
                const char *name, *bus, *environment[4];
                const char *configuration, *state; /* NULL: refused */
        } cases[] = {
                { "user, home only",
                  "--user",
                  { "HOME=/h" },
                  "/h/.config/convened/convened.conf",
                  "/h/.local/state/convened" },
                { "user, XDG",
                  "--user",
                  { "HOME=/h", "XDG_CONFIG_HOME=/c", "XDG_STATE_HOME=/s" },
                  "/c/convened/convened.conf",
                  "/s/convened" },
                { "relative XDG is ignored",
                  "--user",
                  { "HOME=/h", "XDG_CONFIG_HOME=c", "XDG_STATE_HOME=s" },
                  "/h/.config/convened/convened.conf",
                  "/h/.local/state/convened" },
                { "system, from its unit",
                  "--system",
                  { "STATE_DIRECTORY=/var/lib/convened", "CONFIGURATION_DIRECTORY=/etc/other" },
                  "/etc/other/convened.conf",
                  "/var/lib/convened" },
                { "system, several",
                  "--system",
                  { "STATE_DIRECTORY=/a:/b" },
                  "/etc/convened/convened.conf",
                  "/a" },
                { "nothing", "--user", { NULL }, NULL, NULL },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP(options_freep) Options *options = NULL;
                CLEANUP(freep) char *reason = NULL;
                int r;

                clearenv();
                for (size_t k = 0; k < 4 && cases[i].environment[k]; k++)
                        putenv((char *)cases[i].environment[k]);

                assert_int_equal(
                        parse(&options, (const char *const[]){ cases[i].bus, NULL }, &reason), 0);
                r = options_find_files(options, &reason);
                CASE(cases[i].name, r == (cases[i].state ? 0 : REFUSED));
                if (r != 0)
                        continue;
                assert_string_equal(options->configuration_file, cases[i].configuration);
                assert_string_equal(options->state_directory, cases[i].state);
                assert_false(options->configuration_required);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_outcomes),
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_files_from_environment),
        };

        return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
