/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/unit.h"

#include <stdio.h>

#include "base/text.h"
#include "bus/arguments.h"
#include "bus/errors.h"
#include "bus/path.h"
#include "proto/names.h"
#include "unit/pipe.h"

#define ALL UINT32_MAX

static Pipe ends;

static int setup(void **state) {
        (void)state;
        ends = pipe_open();
        return 0;
}

static int teardown(void **state) {
        (void)state;
        pipe_close(&ends);
        return 0;
}

static sd_bus_message *message_new(void) {
        sd_bus_message *message = NULL;
        int r;

        r = sd_bus_message_new_method_call(ends.client, &message, NULL, "/a", NULL, "A");
        assert_true(r >= 0);
        return message;
}

static sd_bus_message *message_seal(sd_bus_message *message) {
        assert_true(sd_bus_message_seal(message, 1, 0) >= 0);
        assert_true(sd_bus_message_rewind(message, true) >= 0);
        return message;
}

/* What the dictionary is to be refused with; NULL: it is taken. */
static void check(const char *name, sd_bus_message *message, unsigned accepted,
                  const char *error_name, const char *begin) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        Arguments arguments;
        int r;

        arguments_init(&arguments);
        r = arguments_read(message_seal(message), accepted, &arguments, &error);
        if (r >= 0)
                r = arguments_settle_subscriptions(&arguments, &error);
        if (!error_name) {
                if (r < 0)
                        fail_msg("%s: refused: %s", name, error.message ? error.message : "?");
        } else {
                CASE(name, r < 0);
                CASE(name, sd_bus_error_has_name(&error, error_name));
                if (strncmp(error.message, begin, strlen(begin)) != 0)
                        fail_msg("%s: \"%s\" does not begin with \"%s\"", name, error.message,
                                 begin);
        }
        arguments_deinit(&arguments);
        sd_bus_error_free(&error);
        sd_bus_message_unref(message);
}

static void entry(sd_bus_message *message, const char *key, const char *signature, ...) {
        va_list values;
        int r;

        va_start(values, signature);
        r = sd_bus_message_open_container(message, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(message, "s", key);
        if (r >= 0)
                r = sd_bus_message_open_container(message, 'v', signature);
        if (r >= 0)
                r = sd_bus_message_appendv(message, signature, values);
        if (r >= 0)
                r = sd_bus_message_close_container(message);
        if (r >= 0)
                r = sd_bus_message_close_container(message);
        va_end(values);
        assert_true(r >= 0);
}

#define DICTIONARY(...)                                                                            \
        ({                                                                                         \
                sd_bus_message *m = message_new();                                                 \
                assert_true(sd_bus_message_open_container(m, 'a', "{sv}") >= 0);                   \
                __VA_ARGS__;                                                                       \
                assert_true(sd_bus_message_close_container(m) >= 0);                               \
                m;                                                                                 \
        })

#define TAKEN(name, ...) check(name, DICTIONARY(__VA_ARGS__), ALL, NULL, NULL)
#define REFUSED(name, begin, ...)                                                                  \
        check(name, DICTIONARY(__VA_ARGS__), ALL, SD_BUS_ERROR_INVALID_ARGS, begin)

#define P1 "/org/convened1/participant/1"
#define P2 "/org/convened1/participant/2"

static char *repeated(char c, size_t n) {
        static char text[4096];

        memset(text, c, n);
        text[n] = '\0';
        return text;
}

static const char *url_of(size_t n) {
        char *text = repeated('x', n);

        memcpy(text, "https://", 8);
        return text;
}

/* Covers "argument: key that is repeated", "argument: unknown key",
 * "argument: key of the wrong type". */
static void test_keys(void **state) {
        (void)state;
        TAKEN("nothing", (void)m);
        REFUSED("unknown", "Colour: ", entry(m, "Colour", "s", "red"));
        REFUSED("repeated", "Tag: ", entry(m, "Tag", "s", "a"), entry(m, "Tag", "s", "a"));
        REFUSED("repeated list", "Publishers: ", entry(m, "Publishers", "a(oas)", 1, P1, 0),
                entry(m, "Publishers", "a(oas)", 1, P2, 0));
        REFUSED("wrong type", "Tag: ", entry(m, "Tag", "u", 1));
        REFUSED("variant in variant", "Tag: ", entry(m, "Tag", "v", "s", "a"));
        REFUSED("wrong type of a list", "Publishers: ", entry(m, "Publishers", "as", 0));
        REFUSED("wrong type of a flag", "Wait: ", entry(m, "Wait", "s", "yes"));
        check("not this method's", DICTIONARY(entry(m, "AtMostOnce", "b", 1)), ARGUMENTS_CHANGE,
              SD_BUS_ERROR_INVALID_ARGS, "AtMostOnce: ");
        check("filter is not for creations", DICTIONARY(entry(m, "IdPrefix", "s", "a")),
              ARGUMENTS_CREATE_PARTICIPANT, SD_BUS_ERROR_INVALID_ARGS, "IdPrefix: ");
}

/* A caller's key comes back cut, and never in the middle of a character. */
static void test_echo(void **state) {
        char key[200], expected[80];

        (void)state;
        REFUSED("long key", "xxxxxxxx", entry(m, repeated('x', 4000), "s", "a"));
        memset(key, 'x', 63);
        strcpy(key + 63, "\xc3\xa9\xc3\xa9");
        strcpy(expected, repeated('x', 63));
        strcat(expected, ": ");
        REFUSED("cut before a character", expected, entry(m, key, "s", "a"));
}

static void test_strings(void **state) {
        static const struct {
                const char *name, *key, *value;
                bool taken;
        } cases[] = {
                { "no tag", "Tag", "", true },
                { "tag", "Tag", "desk 4 \xc3\xa9", true },
                { "tag with a control", "Tag", "a\nb", false },
                { "tag with a C1 control", "Tag", "\xc2\x85", false },
                { "persistent", "Lifetime", "persistent", true },
                { "client", "Lifetime", "client", true },
                { "no lifetime", "Lifetime", "", false },
                { "http", "CallbackUrl", "http://example.net/a", true },
                { "https", "CallbackUrl", "HTTPS://example.net", true },
                { "ftp", "CallbackUrl", "ftp://example.net", false },
                { "no scheme", "CallbackUrl", "example.net", false },
                { "no host", "CallbackUrl", "https://", false },
                { "empty host", "CallbackUrl", "https:///a", false },
                { "empty", "CallbackUrl", "", false },
                { "URL with a control", "CallbackUrl", "http://example.net/\x7f", false },
                { "V3", "DeviceApiVersion", "V3", true },
                { "v3", "DeviceApiVersion", "v3", false },
                { "V2", "DeviceApiVersion", "V2", false },
                { "mode none", "SubscriptionMode", "none", true },
                { "mode session", "SubscriptionMode", "session", true },
                { "mode all", "SubscriptionMode", "all", false },
                { "pending", "State", "pending", true },
                { "failed", "State", "failed", true },
                { "no state", "State", "online", false },
                { "prefix", "IdPrefix", "a_B-9", true },
                { "no prefix", "IdPrefix", "", false },
                { "strange prefix", "IdPrefix", "../a", false },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                check(cases[i].name, DICTIONARY(entry(m, cases[i].key, "s", cases[i].value)), ALL,
                      cases[i].taken ? NULL : SD_BUS_ERROR_INVALID_ARGS, cases[i].key);
}

static void test_bounds(void **state) {
        char tag[51 * 2 + 1] = "";

        (void)state;
        for (unsigned i = 0; i < 50; i++)
                strcat(tag, "\xc3\xa9");
        TAKEN("50 characters of two bytes", entry(m, "Tag", "s", tag));
        strcat(tag, "a");
        REFUSED("51 characters", "Tag: ", entry(m, "Tag", "s", tag));

        TAKEN("2048 bytes", entry(m, "CallbackUrl", "s", url_of(2048)));
        REFUSED("2049 bytes", "CallbackUrl: ", entry(m, "CallbackUrl", "s", url_of(2049)));
        TAKEN("64 bytes", entry(m, "IdPrefix", "s", repeated('a', 64)));
        REFUSED("65 bytes", "IdPrefix: ", entry(m, "IdPrefix", "s", repeated('a', 65)));

        TAKEN("alias of 128", entry(m, "Publishers", "a(oas)", 1, P1, 1, repeated('a', 128)));
        REFUSED("alias of 129",
                "Publishers: ", entry(m, "Publishers", "a(oas)", 1, P1, 1, repeated('a', 129)));
        REFUSED("alias of 0", "Publishers: ", entry(m, "Publishers", "a(oas)", 1, P1, 1, ""));
        REFUSED("alias with a control",
                "Publishers: ", entry(m, "Publishers", "a(oas)", 1, P1, 1, "a\tb"));
}

static void test_permissions(void **state) {
        (void)state;
        TAKEN("none", entry(m, "PublishPermissions", "as", 0));
        TAKEN("both", entry(m, "PublishPermissions", "as", 2, "VIDEO", "AUDIO"));
        REFUSED("unknown", "PublishPermissions: ", entry(m, "PublishPermissions", "as", 1, "DATA"));
        REFUSED("lower case",
                "PublishPermissions: ", entry(m, "PublishPermissions", "as", 1, "audio"));
        REFUSED("twice",
                "PublishPermissions: ", entry(m, "PublishPermissions", "as", 2, "AUDIO", "AUDIO"));
}

/* A publisher with so many aliases, "0" ... */
static void publisher(sd_bus_message *message, unsigned number, unsigned n_aliases) {
        int r;

        r = sd_bus_message_open_container(message, 'r', "oas");
        assert_true(r >= 0);
        r = sd_bus_message_append(message, "o", path_of(KIND_PARTICIPANT, number).text);
        assert_true(r >= 0);
        r = sd_bus_message_open_container(message, 'a', "s");
        assert_true(r >= 0);
        for (unsigned i = 0; i < n_aliases; i++) {
                char alias[12];

                snprintf(alias, sizeof(alias), "%u", i);
                assert_true(sd_bus_message_append(message, "s", alias) >= 0);
        }
        assert_true(sd_bus_message_close_container(message) >= 0);
        assert_true(sd_bus_message_close_container(message) >= 0);
}

static sd_bus_message *publishers(unsigned n, unsigned n_aliases) {
        return DICTIONARY({
                assert_true(sd_bus_message_open_container(m, 'e', "sv") >= 0);
                assert_true(sd_bus_message_append(m, "s", "Publishers") >= 0);
                assert_true(sd_bus_message_open_container(m, 'v', "a(oas)") >= 0);
                assert_true(sd_bus_message_open_container(m, 'a', "(oas)") >= 0);
                for (unsigned i = 1; i <= n; i++)
                        publisher(m, i, n_aliases);
                assert_true(sd_bus_message_close_container(m) >= 0);
                assert_true(sd_bus_message_close_container(m) >= 0);
                assert_true(sd_bus_message_close_container(m) >= 0);
        });
}

static void test_publishers(void **state) {
        (void)state;
        TAKEN("two", entry(m, "Publishers", "a(oas)", 2, P1, 0, P2, 2, "mic", "screen"));
        REFUSED("twice", "Publishers: ", entry(m, "Publishers", "a(oas)", 2, P1, 0, P1, 1, "mic"));
        REFUSED("alias twice",
                "Publishers: ", entry(m, "Publishers", "a(oas)", 1, P1, 2, "mic", "mic"));
        TAKEN("one alias of two", entry(m, "Publishers", "a(oas)", 2, P1, 1, "mic", P2, 1, "mic"));
        check("20 with 32 aliases", publishers(20, 32), ALL, NULL, NULL);
        check("21", publishers(21, 0), ALL, SD_BUS_ERROR_INVALID_ARGS, "Publishers: ");
        check("33 aliases", publishers(1, 33), ALL, SD_BUS_ERROR_INVALID_ARGS, "Publishers: ");
        check("a session's path",
              DICTIONARY(entry(m, "Publishers", "a(oas)", 1, "/org/convened1/session/1", 0)), ALL,
              CONVENED_ERROR_NO_SUCH_PARTICIPANT,
              "No object has the path /org/convened1/session/1");
        check("no object's path", DICTIONARY(entry(m, "Session", "o", "/a")), ALL,
              CONVENED_ERROR_NO_SUCH_SESSION, "No object has the path /a.");
}

static void test_modes(void **state) {
        (void)state;
        TAKEN("session, empty list", entry(m, "SubscriptionMode", "s", "session"),
              entry(m, "Publishers", "a(oas)", 0));
        REFUSED("participants, no list",
                "Publishers: ", entry(m, "SubscriptionMode", "s", "participants"));
        REFUSED("empty list alone", "Publishers: ", entry(m, "Publishers", "a(oas)", 0));
        REFUSED("session with publishers",
                "Publishers: ", entry(m, "SubscriptionMode", "s", "session"),
                entry(m, "Publishers", "a(oas)", 1, P1, 0));
        REFUSED("none with publishers", "Publishers: ", entry(m, "Publishers", "a(oas)", 1, P1, 0),
                entry(m, "SubscriptionMode", "s", "none"));
}

static Arguments read_all(sd_bus_message *message) {
        Arguments arguments;
        int r;

        arguments_init(&arguments);
        r = arguments_read(message_seal(message), ALL, &arguments, NULL);
        assert_true(r >= 0);
        r = arguments_settle_subscriptions(&arguments, NULL);
        assert_true(r >= 0);
        return arguments;
}

static void test_values(void **state) {
        sd_bus_message *message;
        Arguments arguments;

        (void)state;
        message = DICTIONARY((void)m);
        arguments = read_all(message);
        assert_int_equal(arguments.given, 0);
        assert_true(arguments.wait);
        assert_false(arguments.at_most_once);
        assert_string_equal(arguments.tag, "");
        assert_string_equal(arguments.device_api_version, "V3");
        assert_int_equal(arguments.mode, MODE_NONE);
        arguments_deinit(&arguments);
        sd_bus_message_unref(message);

        message = DICTIONARY(
                entry(m, "Tag", "s", "desk"), entry(m, "Wait", "b", 0),
                entry(m, "AtMostOnce", "b", 1), entry(m, "PublishPermissions", "as", 1, "VIDEO"),
                entry(m, "Session", "o", "/org/convened1/session/7"), entry(m, "Owner", "u", 1000),
                entry(m, "Publishers", "a(oas)", 1, P2, 1, "mic"), entry(m, "InSync", "b", 1),
                entry(m, "Fields", "as", 2, "Id", "Tag"));
        arguments = read_all(message);
        assert_string_equal(arguments.tag, "desk");
        assert_false(arguments.wait);
        assert_true(arguments.at_most_once && arguments.in_sync);
        assert_int_equal(arguments.permissions, PUBLISH_VIDEO);
        assert_int_equal(arguments.session, 7);
        assert_int_equal(arguments.owner, 1000);
        assert_int_equal(arguments.mode, MODE_PARTICIPANTS);
        assert_int_equal(arguments.n_publishers, 1);
        assert_int_equal(arguments.publishers[0].number, 2);
        assert_string_equal(arguments.publishers[0].aliases[0], "mic");
        assert_string_equal(arguments.fields[1], "Tag");
        arguments_deinit(&arguments);
        sd_bus_message_unref(message);
}

static void test_paths(void **state) {
        static const struct {
                const char *path;
                bool valid;
                uint64_t number;
        } cases[] = {
                { "/org/convened1/session/1", true, 1 },
                { "/org/convened1/session/18446744073709551615", true, UINT64_MAX },
                { "/org/convened1/session/18446744073709551616", false, 0 },
                { "/org/convened1/session/0", false, 0 },
                { "/org/convened1/session/01", false, 0 },
                { "/org/convened1/session/+1", false, 0 },
                { "/org/convened1/session/1/2", false, 0 },
                { "/org/convened1/session/1a", false, 0 },
                { "/org/convened1/session/", false, 0 },
                { "/org/convened1/session", false, 0 },
                { "/org/convened1/sessions/1", false, 0 },
                { "/org/convened1/participant/1", false, 0 },
                { "/", false, 0 },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                uint64_t number = 0;

                CASE(cases[i].path,
                     path_parse(cases[i].path, KIND_SESSION, &number) == cases[i].valid);
                CASE(cases[i].path, number == cases[i].number);
                if (cases[i].valid)
                        assert_string_equal(path_of(KIND_SESSION, number).text, cases[i].path);
        }
}

static void test_error_names(void **state) {
        (void)state;
        assert_null(outcome_error_name(OUTCOME_DONE));
        assert_string_equal(outcome_error_name(OUTCOME_UNKNOWN),
                            "org.convened1.Error.OutcomeUnknown");
        for (Outcome a = OUTCOME_DONE + 1; a < _OUTCOME_MAX; a++)
                for (Outcome b = OUTCOME_DONE + 1; b < a; b++)
                        assert_string_not_equal(outcome_error_name(a), outcome_error_name(b));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_keys),        cmocka_unit_test(test_echo),
                cmocka_unit_test(test_strings),     cmocka_unit_test(test_bounds),
                cmocka_unit_test(test_permissions), cmocka_unit_test(test_publishers),
                cmocka_unit_test(test_modes),       cmocka_unit_test(test_values),
                cmocka_unit_test(test_paths),       cmocka_unit_test(test_error_names),
        };

        return cmocka_run_group_tests_name("arguments", tests, setup, teardown);
}
