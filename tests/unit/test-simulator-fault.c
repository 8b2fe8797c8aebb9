/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/simulator-bench.h"

static void set(Faults *faults, const char *text) {
        const char *problem = faults_read(faults, text, strlen(text));

        if (problem)
                fail_msg("%s: %s", text, problem);
}

static bool meets(Faults *faults, const char *method, const char *path, FaultKind kind) {
        Random random = { 0 };
        const Fault *fault = faults_meet(faults, method, path, &random);

        return fault ? fault->kind == kind : kind == _FAULT_KIND_MAX;
}

static void test_matching(void **state) {
        static const struct {
                const char *name, *rule, *method, *path;
                bool match;
        } cases[] = {
                { "nothing said", "", "GET", "/x", true },
                { "asterisks", ",\"method\":\"*\",\"path\":\"*\"", "PUT", "/a/b", true },
                { "method", ",\"method\":\"POST\"", "POST", "/x", true },
                { "other method", ",\"method\":\"POST\"", "PUT", "/x", false },
                { "method is no prefix", ",\"method\":\"P\"", "PUT", "/x", false },
                { "method glob", ",\"method\":\"P*\"", "PUT", "/x", true },
                { "path", ",\"path\":\"/sessions\"", "GET", "/sessions", true },
                { "path is no prefix", ",\"path\":\"/sessions\"", "GET", "/sessions/x", false },
                { "asterisk crosses slashes", ",\"path\":\"/sessions/*\"", "GET",
                  "/sessions/a/participants/b", true },
                { "in the middle", ",\"path\":\"/sessions/*/subscriptions\"", "PUT",
                  "/sessions/a/participants/b/subscriptions", true },
                { "as it was sent", ",\"path\":\"/sessions/%2f\"", "GET", "/sessions/%2f", true },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP(faults_deinit) Faults faults = { 0 };
                char text[256];

                snprintf(text, sizeof(text), "{\"rules\":[{\"kind\":\"drop\"%s}]}", cases[i].rule);
                set(&faults, text);
                CASE(cases[i].name, meets(&faults, cases[i].method, cases[i].path,
                                          cases[i].match ? FAULT_DROP : _FAULT_KIND_MAX));
        }
}

static void test_turns(void **state) {
        CLEANUP(faults_deinit) Faults faults = { 0 };
        static const FaultKind expect[] = { FAULT_HANG, FAULT_HANG,  FAULT_DROP,
                                            FAULT_DROP, FAULT_RESET, _FAULT_KIND_MAX };

        (void)state;
        set(&faults, "{\"rules\":[{\"kind\":\"drop\",\"after\":2,\"count\":2},"
                     "{\"kind\":\"hang\",\"count\":2},"
                     "{\"kind\":\"reset\",\"after\":0,\"count\":1},{\"kind\":\"slow\","
                     "\"bytes_per_s\":1,\"count\":0}]}");
        for (size_t i = 0; i < ELEMENTSOF(expect); i++)
                assert_true(meets(&faults, "GET", "/", expect[i]));
}

static void test_chance(void **state) {
        CLEANUP(faults_deinit) Faults faults = { 0 };
        Random random;
        unsigned n = 0;

        (void)state;
        random_seed(&random, 1);
        set(&faults, "{\"rules\":[{\"kind\":\"drop\",\"probability\":0.25},"
                     "{\"kind\":\"hang\",\"probability\":0}]}");
        for (unsigned i = 0; i < 1000; i++) {
                const Fault *fault = faults_meet(&faults, "GET", "/", &random);

                assert_true(!fault || fault->kind == FAULT_DROP);
                n += fault != NULL;
        }
        assert_in_range(n, 200, 300);
}

static void test_wrong_rules(void **state) {
        CLEANUP(faults_deinit) Faults faults = { 0 };
        static const char *const texts[] = {
                "",
                "{}",
                "{\"rules\":null}",
                "{\"rules\":[null]}",
                "{\"rules\":[{\"kind\":\"drop\"},{}]}",
                "{\"rules\":[{\"kind\":\"Drop\"}]}",
                "{\"rules\":[{\"kind\":\"drop\",\"knd\":1}]}",
                "{\"rules\":[{\"kind\":\"drop\",\"path\":\"x\"}]}",
                "{\"rules\":[{\"kind\":\"drop\",\"method\":null}]}",
                "{\"rules\":[{\"kind\":\"drop\",\"count\":1.5}]}",
                "{\"rules\":[{\"kind\":\"drop\",\"probability\":-0.1}]}",
                "{\"rules\":[{\"kind\":\"huge\"}]}",
                "{\"rules\":[{\"kind\":\"huge\",\"bytes\":0}]}",
                "{\"rules\":[{\"kind\":\"status\",\"status\":101}]}",
                "{\"rules\":[{\"kind\":\"status\",\"status\":500,\"headers\":[]}]}",
        };

        (void)state;
        set(&faults, "{\"rules\":[{\"kind\":\"reset\"}]}");
        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                CASE(texts[i], faults_read(&faults, texts[i], strlen(texts[i])));
        assert_true(meets(&faults, "GET", "/", FAULT_RESET));
        set(&faults, "{\"rules\":[]}");
        assert_true(meets(&faults, "GET", "/", _FAULT_KIND_MAX));
}

static void test_rule_outlives_its_rules(void **state) {
        CLEANUP(faults_deinit) Faults faults = { 0 };
        CLEANUP(fault_unrefp) Fault *fault = NULL;
        Random random = { 0 };

        (void)state;
        set(&faults, "{\"rules\":[{\"kind\":\"latency\",\"ms\":5}]}");
        fault = fault_ref(faults_meet(&faults, "GET", "/", &random));
        set(&faults, "{\"rules\":[]}");
        assert_int_equal(fault->ms, 5);
}

/* Each kind: what is answered, and whether the session is there afterwards. */
static void test_what_each_kind_does(void **state) {
        static const struct {
                const char *name, *rule;
                unsigned status;
                bool effect;
                const char *body; /* how it begins */
        } cases[] = {
                { "status", "\"status\":503", 503, false, "{\"message\":\"Service Unavailable\"}" },
                { "status", "\"status\":500,\"effect\":true", 500, true, "{\"error\":" },
                { "status", "\"status\":503,\"body\":\"no\"", 503, false, "no" },
                { "status", "\"status\":418,\"body\":{\"a\":[1]}", 418, false, "{\"a\":[1]}" },
                { "status", "\"status\":204", 204, false, "" },
                { "redirect", "\"location\":\"/\"", 302, false, "" },
                { "redirect", "\"location\":\"/\",\"status\":308", 308, false, "" },
                { "garbage", "\"count\":9", 200, true, "<html>" },
                { "garbage", "\"effect\":false", 200, false, "<html>" },
                { "huge", "\"bytes\":9", 200, true, "{\"id\":" },
                { "refuse", "\"count\":9", 0, false, "" },
                { "reset", "\"count\":9", 0, false, "" },
                { "hang", "\"count\":9", 0, false, "" },
                { "hang", "\"effect\":true", 200, true, "{\"id\":" },
                { "drop", "\"count\":9", 200, true, "{\"id\":" },
                { "truncate", "\"count\":9", 200, true, "{\"id\":" },
                { "slow", "\"bytes_per_s\":9", 200, true, "{\"id\":" },
                { "latency", "\"ms\":9", 200, true, "{\"id\":" },
                { "chunked", "\"count\":9", 200, true, "{\"id\":" },
                { "close", "\"count\":9", 200, true, "{\"id\":" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP(bench_deinit) Bench bench;
                char text[256];

                bench_init(&bench, (Settings){ 0 });
                snprintf(text, sizeof(text), "{\"rules\":[{\"kind\":\"%s\",%s}]}", cases[i].name,
                         cases[i].rule);
                assert_int_equal(bench_ask(&bench, "PUT", "/_simulator/faults", text), 204);
                CASE(text, bench_ask(&bench, "POST", ACCOUNT "/sessions", "{}") == cases[i].status);
                CASE(text, streq(fault_name(bench.reply.fault->kind), cases[i].name));
                CASE(text, strncmp(bench_body(&bench), cases[i].body, strlen(cases[i].body)) == 0);
                CASE(text, bench.reply.answer.body.n > 0 || !cases[i].body[0]);
                bench_ask(&bench, "GET", "/_simulator/state", NULL);
                CASE(text, bench_says(&bench, "\"expires\"") == cases[i].effect);
                bench_ask(&bench, "GET", "/_simulator/requests", NULL);
                CASE(text, bench_says(&bench, "\"effect\":true") == cases[i].effect);
        }
}

static void test_effect_is_told_of_what_was_carried_out(void **state) {
        CLEANUP(bench_deinit) Bench bench;

        (void)state;
        bench_init(&bench, (Settings){ 0 });
        bench_ask(&bench, "PUT", "/_simulator/faults", "{\"rules\":[{\"kind\":\"drop\"}]}");
        bench_ask(&bench, "POST", ACCOUNT "/sessions", "{");
        bench_ask(&bench, "GET", "/_simulator/requests", NULL);
        assert_true(bench_says(&bench, "\"fault\":\"drop\",\"effect\":false"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_matching),
                cmocka_unit_test(test_turns),
                cmocka_unit_test(test_chance),
                cmocka_unit_test(test_wrong_rules),
                cmocka_unit_test(test_rule_outlives_its_rules),
                cmocka_unit_test(test_what_each_kind_does),
                cmocka_unit_test(test_effect_is_told_of_what_was_carried_out),
        };

        return cmocka_run_group_tests_name("simulator/fault", tests, NULL, NULL);
}
