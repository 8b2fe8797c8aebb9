/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/unit.h"

#include <stdio.h>

#include "api/reader.h"
#include "base/text.h"

#define TEN   "0123456789"
#define FIFTY TEN TEN TEN TEN TEN

static const Question get_session = { OPERATION_GET_SESSION, { "S" }, { "" } };
static const Question get_participant = { OPERATION_GET_PARTICIPANT, { "" }, { "P" } };

static bool text_is(const char *text, const char *expect) {
        return streq(text ?: "", expect);
}

/* How a session or a participant was made, as far as it fits our properties; nothing that stands
 * there makes the answer one that is not understood. */
static void test_tags(void **state) {
        static const struct {
                const char *name, *value, *tag;
        } cases[] = {
                { "a tag", "\"desk-4\"", "desk-4" },
                { "none", "null", "" },
                { "an empty one", "\"\"", "" },
                { "of fifty characters", "\"" FIFTY "\"", FIFTY },
                { "of more", "\"" FIFTY "x\"", FIFTY },
                { "with controls", "\"a\\nb\\u0085c\"", "abc" },
                { "with a NUL", "\"a\\u0000b\"", "" },
                { "a number", "7", "" },
                { "a list", "[\"desk\"]", "" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Reading session, participant;
                char text[200];

                snprintf(text, sizeof(text), "{\"id\":\"S\",\"tag\":%s}", cases[i].value);
                CASE(cases[i].name,
                     reader_read(&session, &get_session, 200, text, strlen(text)) == 1);
                CASE(cases[i].name, text_is(session.tag, cases[i].tag));
                reading_deinit(&session);

                snprintf(text, sizeof(text), "{\"id\":\"P\",\"tag\":%s}", cases[i].value);
                CASE(cases[i].name,
                     reader_read(&participant, &get_participant, 200, text, strlen(text)) == 1);
                CASE(cases[i].name, text_is(participant.sightings[0].tag, cases[i].tag));
                reading_deinit(&participant);
        }
}

static void test_participants(void **state) {
        static const struct {
                const char *name, *members, *url, *version;
                unsigned permissions;
        } cases[] = {
                { "all of it",
                  "\"callbackUrl\":\"https://x.example/y\",\"deviceApiVersion\":\"V3\","
                  "\"publishPermissions\":[\"VIDEO\",\"AUDIO\"]",
                  "https://x.example/y", "V3", PUBLISH_AUDIO | PUBLISH_VIDEO },
                { "nulls",
                  "\"callbackUrl\":null,\"deviceApiVersion\":null,\"publishPermissions\":null", "",
                  "", 0 },
                { "as in 2021", "\"deviceApiVersion\":\"v2\",\"publishPermissions\":[\"audio\"]",
                  "", "V2", PUBLISH_AUDIO },
                { "a permission that nobody knows",
                  "\"publishPermissions\":[\"SMELL\",3,\"VIDEO\"]", "", "", PUBLISH_VIDEO },
                { "a word for permissions", "\"publishPermissions\":\"AUDIO\"", "", "", 0 },
                { "another scheme", "\"callbackUrl\":\"file:///etc/passwd\"", "", "", 0 },
                { "no host", "\"callbackUrl\":\"https://\"", "", "", 0 },
                { "a line break in the URL", "\"callbackUrl\":\"https://x/\\n\"", "", "", 0 },
                { "a noncharacter in the URL", "\"callbackUrl\":\"https://x/\\ufffe\"", "", "", 0 },
                { "a sentence for a version", "\"deviceApiVersion\":\"the newest\"", "", "", 0 },
                { "a long version", "\"deviceApiVersion\":\"" FIFTY "\"", "", "", 0 },
                { "a number for a version", "\"deviceApiVersion\":3", "", "", 0 },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Reading reading;
                char text[300];

                snprintf(text, sizeof(text), "{\"id\":\"P\",%s}", cases[i].members);
                CASE(cases[i].name,
                     reader_read(&reading, &get_participant, 200, text, strlen(text)) == 1);
                CASE(cases[i].name, text_is(reading.sightings[0].callback_url, cases[i].url));
                CASE(cases[i].name,
                     text_is(reading.sightings[0].device_api_version, cases[i].version));
                CASE(cases[i].name, reading.sightings[0].permissions == cases[i].permissions);
                reading_deinit(&reading);
        }
}

static void test_long_url(void **state) {
        char url[CALLBACK_URL_BYTES_MAX + 2], text[CALLBACK_URL_BYTES_MAX + 100];

        (void)state;
        for (size_t n = CALLBACK_URL_BYTES_MAX; n <= CALLBACK_URL_BYTES_MAX + 1; n++) {
                Reading reading;

                memset(url, 'x', n);
                memcpy(url, "https://", 8);
                url[n] = '\0';
                snprintf(text, sizeof(text), "{\"id\":\"P\",\"callbackUrl\":\"%s\"}", url);
                assert_int_equal(reader_read(&reading, &get_participant, 200, text, strlen(text)),
                                 1);
                assert_true(text_is(reading.sightings[0].callback_url,
                                    n == CALLBACK_URL_BYTES_MAX ? url : ""));
                reading_deinit(&reading);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_tags),
                cmocka_unit_test(test_participants),
                cmocka_unit_test(test_long_url),
        };

        return cmocka_run_group_tests_name("description", tests, NULL, NULL);
}
