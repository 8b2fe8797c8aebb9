/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/unit.h"

#include "base/text.h"
#include "simulator/body.h"

#define FIFTY   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define ID(id)  "{\"participantId\":\"" id "\"}"
#define LIST(l) "{\"participants\":[" l "]}"

static JsonObject *parse(const char *text) {
        JsonObject *json = NULL;

        assert_true(json_read(text, strlen(text), &json));
        return json;
}

static void test_json_is_strict(void **state) {
        static const struct {
                const char *text;
                bool valid, null;
        } cases[] = {
                { "", true, true },
                { " \t\r\n", true, true },
                { "null", true, true },
                { " null ", true, true },
                { "{}", true, false },
                { " {} \n", true, false },
                { "3", true, false },
                { "true", true, false },
                { "\"x\"", true, false },
                { "{", false, false },
                { "nul", false, false },
                { "nulll", false, false },
                { "{}{}", false, false },
                { "{} x", false, false },
                { "{'a':1}", false, false },
                { "{\"a\":1,}", false, false },
                { "[1,]", false, false },
                { "{\"a\":\"\xff\"}", false, false },
                { "/**/{}", false, false },
                { "[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]", false, false },
                { "[[[[]]]]", true, false },
                { "{\"a\":'b'}", false, false },
                { "{\"a\":NaN}", false, false },
                { "{\"a\":-Infinity}", false, false },
                { "{\"a\":\"\n\"}", false, false },
                { "{\"a\":\"'N/ \\\" x\"}", true, false },
                { "{\"a\":\"\\", false, false },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP(json_unrefp) JsonObject *json = NULL;

                CASE(cases[i].text,
                     json_read(cases[i].text, strlen(cases[i].text), &json) == cases[i].valid);
                CASE(cases[i].text, !cases[i].valid || !json == cases[i].null);
        }
}

static void test_nul_bytes(void **state) {
        CLEANUP(json_unrefp) JsonObject *json = parse("\"a\\u0000b\"");
        JsonObject *none = NULL;

        (void)state;
        assert_null(json_text(json));
        assert_false(json_read("{}\0", 3, &none));
        assert_false(json_read("{\0}", 3, &none));
        assert_null(json_text(NULL));
}

static void test_sessions(void **state) {
        static const struct {
                const char *body;
                bool good;
                const char *tag;
        } cases[] = {
                { "", true, NULL },
                { "null", true, NULL },
                { "{}", true, NULL },
                { "{\"tag\":null}", true, NULL },
                { "{\"tag\":\"\"}", true, "" },
                { "{\"tag\":\"a\",\"id\":\"b\",\"more\":[]}", true, "a" },
                { "{\"tag\":\"" FIFTY "\"}", true, FIFTY },
                { "{\"tag\":\"" FIFTY "x\"}", false, NULL },
                { "{\"tag\":1}", false, NULL },
                { "[]", false, NULL },
                { "\"x\"", false, NULL },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP(json_unrefp) JsonObject *json = parse(cases[i].body);
                const char *tag = NULL;

                CASE(cases[i].body, !body_read_session(json, &tag) == cases[i].good);
                if (cases[i].good)
                        CASE(cases[i].body, !tag ? !cases[i].tag : streq(tag, cases[i].tag));
        }
}

static void test_participants(void **state) {
        static const struct {
                const char *body;
                bool good_2022, good_2020;
                unsigned permissions, version;
        } cases[] = {
                { "", true, true, 0, 3 },
                { "{\"publishPermissions\":[]}", true, true, 0, 3 },
                { "{\"publishPermissions\":null,\"deviceApiVersion\":null}", true, true, 0, 3 },
                { "{\"publishPermissions\":[\"VIDEO\",\"AUDIO\"]}", true, true, 3, 3 },
                { "{\"publishPermissions\":[\"VIDEO\"]}", true, true, PERMISSION_VIDEO, 3 },
                { "{\"publishPermissions\":[\"AUDIO\",\"AUDIO\"]}", false, false, 0, 0 },
                { "{\"publishPermissions\":[\"audio\"]}", false, false, 0, 0 },
                { "{\"publishPermissions\":[1]}", false, false, 0, 0 },
                { "{\"publishPermissions\":\"AUDIO\"}", false, false, 0, 0 },
                { "{\"deviceApiVersion\":\"V3\"}", true, true, 0, 3 },
                { "{\"deviceApiVersion\":\"v3\"}", true, true, 0, 3 },
                { "{\"deviceApiVersion\":\"v2\"}", false, true, 0, 2 },
                { "{\"deviceApiVersion\":\"V4\"}", false, false, 0, 0 },
                { "{\"deviceApiVersion\":3}", false, false, 0, 0 },
                { "{\"callbackUrl\":3}", false, false, 0, 0 },
                { "{\"tag\":{}}", false, false, 0, 0 },
                { "3", false, false, 0, 0 },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP(json_unrefp) JsonObject *json = parse(cases[i].body);
                NewParticipant new = { 0 };

                CASE(cases[i].body,
                     !body_read_participant(json, GENERATION_2022, &new) == cases[i].good_2022);
                CASE(cases[i].body,
                     !body_read_participant(json, GENERATION_2020, &new) == cases[i].good_2020);
                if (!cases[i].good_2020)
                        continue;
                CASE(cases[i].body, new.permissions == cases[i].permissions);
                CASE(cases[i].body, new.device_api_version == cases[i].version);
        }
}

static void test_subscriptions(void **state) {
        static const struct {
                const char *body;
                bool good, somebody;
                size_t n_publishers;
                const char *session_id;
        } cases[] = {
                { "", true, false, 0, NULL },
                { "{}", true, false, 0, NULL },
                { "{\"participants\":[]}", true, false, 0, NULL },
                { "{\"participants\":null,\"sessionId\":null}", true, false, 0, NULL },
                { "{\"sessionId\":\"s\"}", true, true, 0, "s" },
                { "{\"sessionId\":\"s\",\"participants\":[]}", true, true, 0, "s" },
                { "{\"sessionId\":\"s\",\"participants\":[" ID("a") "]}", true, true, 1, "s" },
                { LIST(ID("a") "," ID("b")), true, true, 2, NULL },
                { LIST("{\"participantId\":\"a\",\"streamAliases\":[]}"), true, true, 1, NULL },
                { LIST("{\"participantId\":\"a\",\"streamAliases\":null}"), true, true, 1, NULL },
                { LIST("{\"participantId\":\"a\",\"streamAliases\":[\"m\",\"n\"]}"), true, true, 1,
                  NULL },
                { LIST("{\"participantId\":\"a\",\"streamAliases\":[\"m\",\"m\"]}"), false, false,
                  0, NULL },
                { LIST("{\"participantId\":\"a\",\"streamAliases\":[null]}"), false, false, 0,
                  NULL },
                { LIST("{\"participantId\":\"a\",\"streamAliases\":{}}"), false, false, 0, NULL },
                { LIST(ID("a") "," ID("b") "," ID("a")), false, false, 0, NULL },
                { LIST(ID("")), false, false, 0, NULL },
                { LIST("\"a\""), false, false, 0, NULL },
                { LIST("null"), false, false, 0, NULL },
                { LIST("{\"participantId\":null}"), false, false, 0, NULL },
                { "{\"participants\":{}}", false, false, 0, NULL },
                { "{\"sessionId\":[]}", false, false, 0, NULL },
                { "[]", false, false, 0, NULL },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP(subscriptions_freep) Subscriptions *subscriptions = NULL;
                CLEANUP(json_unrefp) JsonObject *json = parse(cases[i].body);
                const char *id = NULL;

                CASE(cases[i].body,
                     !body_read_subscriptions(json, &id, &subscriptions) == cases[i].good);
                CASE(cases[i].body, !subscriptions == !cases[i].somebody);
                if (!subscriptions)
                        continue;
                CASE(cases[i].body, subscriptions->n_publishers == cases[i].n_publishers);
                CASE(cases[i].body, !id ? !cases[i].session_id : streq(id, cases[i].session_id));
        }
}

static void test_last_publisher_leaves_nobody(void **state) {
        CLEANUP(subscriptions_freep) Subscriptions *subscriptions = NULL;
        CLEANUP(json_unrefp)
        JsonObject *json =
                parse("{\"sessionId\":\"s\",\"participants\":[" ID("a") "," ID("b") "]}");
        const char *id;

        (void)state;
        assert_null(body_read_subscriptions(json, &id, &subscriptions));
        assert_false(subscriptions_drop(&subscriptions, "c"));
        assert_true(subscriptions_drop(&subscriptions, "a"));
        assert_string_equal(subscriptions->publishers[0].id, "b");
        assert_true(subscriptions_drop(&subscriptions, "b"));
        assert_null(subscriptions);
        assert_false(subscriptions_drop(&subscriptions, "b"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_json_is_strict),
                cmocka_unit_test(test_nul_bytes),
                cmocka_unit_test(test_sessions),
                cmocka_unit_test(test_participants),
                cmocka_unit_test(test_subscriptions),
                cmocka_unit_test(test_last_publisher_leaves_nobody),
        };

        return cmocka_run_group_tests_name("simulator/body", tests, NULL, NULL);
}
