/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/unit.h"

#include <errno.h>

#include "api/endpoint.h"
#include "api/writer.h"
#include "base/text.h"

#define BASE "https://api.example.net/v1"

static const ApiId session = { "s-1" }, participant = { "p_2" };

static void test_endpoints(void **state) {
        static const struct {
                Operation operation;
                Method method;
                const char *path;
        } cases[] = {
                { OPERATION_CREATE_PARTICIPANT, METHOD_POST, "/participants" },
                { OPERATION_GET_PARTICIPANT, METHOD_GET, "/participants/p_2" },
                { OPERATION_DELETE_PARTICIPANT, METHOD_DELETE, "/participants/p_2" },
                { OPERATION_CREATE_SESSION, METHOD_POST, "/sessions" },
                { OPERATION_GET_SESSION, METHOD_GET, "/sessions/s-1" },
                { OPERATION_DELETE_SESSION, METHOD_DELETE, "/sessions/s-1" },
                { OPERATION_LIST_PARTICIPANTS, METHOD_GET, "/sessions/s-1/participants" },
                { OPERATION_ADD_PARTICIPANT, METHOD_PUT, "/sessions/s-1/participants/p_2" },
                { OPERATION_REMOVE_PARTICIPANT, METHOD_DELETE, "/sessions/s-1/participants/p_2" },
                { OPERATION_GET_SUBSCRIPTIONS, METHOD_GET,
                  "/sessions/s-1/participants/p_2/subscriptions" },
                { OPERATION_UPDATE_SUBSCRIPTIONS, METHOD_PUT,
                  "/sessions/s-1/participants/p_2/subscriptions" },
        };

        (void)state;
        assert_int_equal(ELEMENTSOF(cases), _OPERATION_MAX);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP(freep) char *url = NULL;
                Request request = { .operation = cases[i].operation,
                                    .session = session,
                                    .participant = participant };
                const char *prefix = BASE "/accounts/9900000";

                assert_int_equal(endpoint_url(&url, BASE, "9900000", &request), 0);
                assert_int_equal(endpoint_method(cases[i].operation), cases[i].method);
                CASE(cases[i].path, strncmp(url, prefix, strlen(prefix)) == 0);
                assert_string_equal(url + strlen(prefix), cases[i].path);
        }
}

static void test_missing_ids(void **state) {
        Request request = { .operation = OPERATION_ADD_PARTICIPANT, .session = session };
        char *url = (char *)"untouched";

        (void)state;
        assert_int_equal(endpoint_url(&url, BASE, "1", &request), -EINVAL);
        request = (Request){ .operation = OPERATION_GET_SESSION, .participant = participant };
        assert_int_equal(endpoint_url(&url, BASE, "1", &request), -EINVAL);
        assert_string_equal(url, "untouched");
}

static void test_creations(void **state) {
        static const struct {
                const char *name;
                Operation operation;
                unsigned permissions;
                const char *texts[_SPEC_TEXT_MAX];
                const char *expect;
        } cases[] = {
                { "a session without a tag", OPERATION_CREATE_SESSION, 0, { 0 }, "{}" },
                { "a session",
                  OPERATION_CREATE_SESSION,
                  0,
                  { [SPEC_TAG] = "call-1" },
                  "{\"tag\":\"call-1\"}" },
                { "a session takes nothing else",
                  OPERATION_CREATE_SESSION,
                  PUBLISH_AUDIO,
                  { [SPEC_CALLBACK_URL] = "https://x/" },
                  "{}" },
                { "a participant with nothing",
                  OPERATION_CREATE_PARTICIPANT,
                  0,
                  { 0 },
                  "{\"publishPermissions\":[]}" },
                { "a participant with all",
                  OPERATION_CREATE_PARTICIPANT,
                  PUBLISH_AUDIO | PUBLISH_VIDEO,
                  { [SPEC_TAG] = "desk \"4\"",
                    [SPEC_CALLBACK_URL] = "https://x.example/y",
                    [SPEC_DEVICE_API_VERSION] = "V3" },
                  "{\"publishPermissions\":[\"AUDIO\",\"VIDEO\"],\"tag\":\"desk \\\"4\\\"\","
                  "\"callbackUrl\":\"https://x.example/y\",\"deviceApiVersion\":\"V3\"}" },
                { "video alone",
                  OPERATION_CREATE_PARTICIPANT,
                  PUBLISH_VIDEO,
                  { 0 },
                  "{\"publishPermissions\":[\"VIDEO\"]}" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP(freep) char *body = NULL;
                CLEANUP(spec_unrefp) Spec *spec = NULL;
                Request request = { .operation = cases[i].operation };

                assert_int_equal(spec_new(&spec), 0);
                spec->permissions = cases[i].permissions;
                for (SpecText text = 0; text < _SPEC_TEXT_MAX; text++)
                        if (cases[i].texts[text])
                                assert_int_equal(spec_set_text(&spec, text, cases[i].texts[text]),
                                                 0);
                request.spec = spec;
                assert_int_equal(writer_body(&body, &request), 0);
                CASE(cases[i].name, streq(body, cases[i].expect));
        }
}

/* Nothing that goes out may ever mean more than was wanted. */
static void test_subscriptions(void **state) {
        static char *aliases[] = { (char *)"mic", (char *)"screen" };
        static Publisher publishers[] = {
                { .id = { "p1" }, .aliases = aliases, .n_aliases = 2 },
                { .id = { "p2" } },
        };
        static const struct {
                const char *name;
                Mode mode;
                size_t n;
                const char *expect;
        } cases[] = {
                { "nobody", MODE_NONE, 0, "{}" },
                { "nobody, whoever is listed", MODE_NONE, 2, "{}" },
                { "everybody", MODE_SESSION, 0, "{\"sessionId\":\"s-1\"}" },
                { "everybody, whoever is listed", MODE_SESSION, 2, "{\"sessionId\":\"s-1\"}" },
                { "a list stands alone", MODE_PARTICIPANTS, 2,
                  "{\"participants\":[{\"participantId\":\"p1\",\"streamAliases\":[\"mic\","
                  "\"screen\"]},{\"participantId\":\"p2\"}]}" },
                { "an empty list is nobody", MODE_PARTICIPANTS, 0, "{}" },
        };
        static const Operation operations[] = { OPERATION_ADD_PARTICIPANT,
                                                OPERATION_UPDATE_SUBSCRIPTIONS };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases) * ELEMENTSOF(operations); i++) {
                size_t n = i / ELEMENTSOF(operations);
                CLEANUP(freep) char *body = NULL;
                Request request = { .operation = operations[i % ELEMENTSOF(operations)],
                                    .session = session,
                                    .participant = participant,
                                    .mode = cases[n].mode,
                                    .publishers = publishers,
                                    .n_publishers = cases[n].n };

                assert_int_equal(writer_body(&body, &request), 0);
                CASE(cases[n].name, streq(body, cases[n].expect));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_endpoints),
                cmocka_unit_test(test_missing_ids),
                cmocka_unit_test(test_creations),
                cmocka_unit_test(test_subscriptions),
        };

        return cmocka_run_group_tests_name("writer", tests, NULL, NULL);
}
