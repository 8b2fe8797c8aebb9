/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/unit.h"

#include "base/text.h"
#include "ctl/describe.h"
#include "ctl/job.h"
#include "ctl/phrase.h"
#include "ctl/progress.h"
#include "ctl/table.h"
#include "ctl/width.h"

#define NOW (1000 * USEC_PER_HOUR)

static void test_spans(void **state) {
        static const struct {
                usec_t usec;
                const char *text;
        } cases[] = {
                { 0, "0s" },
                { 999999, "0s" },
                { 3 * USEC_PER_SEC, "3s" },
                { 60 * USEC_PER_SEC, "1min" },
                { 125 * USEC_PER_SEC, "2min 5s" },
                { USEC_PER_HOUR + 3 * USEC_PER_MIN + 9, "1h 3min" },
                { USEC_PER_HOUR + 3, "1h" },
                { 25 * USEC_PER_HOUR, "1 day 1h" },
                { 48 * USEC_PER_HOUR, "2 days" },
                { 366 * 24 * USEC_PER_HOUR + 6 * USEC_PER_HOUR, "1 year 1 day" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP(freep) char *text = phrase_span(cases[i].usec);

                assert_string_equal(text, cases[i].text);
        }
}

static void test_points(void **state) {
        static const struct {
                usec_t at;
                const char *text;
        } cases[] = {
                { 0, "never" },
                { NOW, "just now" },
                { NOW - 1, "just now" },
                { NOW + 1, "now" },
                { NOW - 3 * USEC_PER_SEC, "3s ago" },
                { NOW + 5 * USEC_PER_SEC, "in 5s" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP(freep) char *text = phrase_when(cases[i].at, NOW);

                assert_string_equal(text, cases[i].text);
        }
}

static void test_width(void **state) {
        (void)state;
        assert_int_equal(width_of("desk"), 4);
        assert_int_equal(width_of("d\xc3\xa9sk"), 4);
        assert_int_equal(width_of("\xe4\xbc\x9a\xe8\xad\xb0"),
                         4);                        /* two characters, two columns each */
        assert_int_equal(width_of("e\xcc\x81"), 1); /* a combining accent */
        assert_int_equal(width_of("a\x1b"), 2);
}

static void test_printable(void **state) {
        CLEANUP(freep) char *text = width_printable("a\tb\nc\x1b[31m\xc2\x9b\x7f\xc3\xa9");

        (void)state;
        assert_string_equal(text, "a b c?[31m??\xc3\xa9");
}

/* Trojan Source (CVE-2021-42574), and what else cannot be seen. */
static void test_format_characters(void **state) {
        static const struct {
                const char *text, *expect;
        } cases[] = {
                { "a\u202eb", "a<U+202E>b" },
                { "\u2066x\u2069", "<U+2066>x<U+2069>" },
                { "\u200e\u200f\u061c", "<U+200E><U+200F><U+061C>" },
                { "a\u2028b\u2029", "a<U+2028>b<U+2029>" },
                { "\u200b\u00ad\ufeff", "<U+200B><U+00AD><U+FEFF>" },
                { "\U000e0041", "<U+E0041>" },
                { "\u202a\u202b\u202c\u202d", "<U+202A><U+202B><U+202C><U+202D>" },
                /* Words of Persian, families, hearts and Hebrew are left alone. */
                { "\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e" },
                { "\U0001f468\u200d\U0001f469", "\U0001f468\u200d\U0001f469" },
                { "\u2764\ufe0f \u05d0", "\u2764\ufe0f \u05d0" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP(freep) char *text = width_printable(cases[i].text);

                assert_string_equal(text, cases[i].expect);
        }
}

static void test_shorten(void **state) {
        static const struct {
                const char *text;
                size_t columns;
                const char *expect;
        } cases[] = {
                { "standup", 7, "standup" },
                { "standup", 6, "stan.." },
                { "standup", 2, ".." },
                { "standup", 1, "s" },
                { "standup", 0, "" },
                { "\xe4\xbc\x9a\xe8\xad\xb0", 3, ".." }, /* half a character is none */
                { "\xe4\xbc\x9a\xe8\xad\xb0\xe5\xae\xa4", 5, "\xe4\xbc\x9a.." },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP(freep) char *text = width_shorten(cases[i].text, cases[i].columns, "..");

                assert_string_equal(text, cases[i].expect);
        }
}

static const Column columns[] = { { "N", true, 0, false },
                                  { "ID", false, 4, true },
                                  { "TAG", false, 3, false } };

static Table *table_of(size_t n_cells, const char *const *cells) {
        Table *table = table_new(columns, ELEMENTSOF(columns));

        for (size_t i = 0; i < n_cells; i++)
                table_add(table, cells[i], COLOUR_NONE);
        return table;
}

static void test_table_fit(void **state) {
        static const char *const cells[] = { "1", "abcdefghij", "standup", "22", "x", "" };
        static const struct {
                size_t columns, widths[3];
        } cases[] = {
                { 0, { 2, 10, 7 } }, { 23, { 2, 10, 7 } }, { 22, { 2, 9, 7 } }, { 18, { 2, 5, 7 } },
                { 16, { 2, 4, 6 } }, { 10, { 2, 4, 3 } },  { 1, { 2, 4, 3 } },
        };
        CLEANUP(table_freep) Table *table = table_of(ELEMENTSOF(cells), cells);

        (void)state;
        assert_int_equal(table_rows(table), 2);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                size_t widths[3];

                table_fit(table, true, cases[i].columns, widths);
                assert_memory_equal(widths, cases[i].widths, sizeof(widths));
        }
}

static void test_table_print(void **state) {
        static const char *const cells[] = {
                "1", "abcdefghij", "\xe4\xbc\x9a", "22", "x", "stand"
        };
        CLEANUP(table_freep) Table *table = table_of(ELEMENTSOF(cells), cells);
        const Screen screen = { 0 };
        CLEANUP(freep) char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        (void)state;
        table_print(table, out, &screen, true, 16);
        table_print(table, out, &screen, false, 0);
        fclose(out);
        assert_string_equal(text, " N  ID     TAG\n"
                                  " 1  ab...  \xe4\xbc\x9a\n"
                                  "22  x      stand\n"
                                  " 1  abcdefghij  \xe4\xbc\x9a\n"
                                  "22  x           stand\n");
}

static void test_judge(void **state) {
        static const struct {
                const char *name, *facts;
                JobGoal goal;
                bool replied, gone, refused;
                const char *session;
                Verdict expect;
        } cases[] = {
                { "no reply yet", "{\"State\":\"active\",\"InSync\":true}", JOB_IN_SYNC, false,
                  false, false, NULL, VERDICT_WAIT },
                { "in sync", "{\"State\":\"active\",\"InSync\":true}", JOB_IN_SYNC, true, false,
                  false, NULL, VERDICT_DONE },
                { "pending", "{\"State\":\"pending\",\"InSync\":false}", JOB_IN_SYNC, true, false,
                  false, NULL, VERDICT_WAIT },
                { "an attempt failed", "{\"State\":\"active\",\"InSync\":false}", JOB_IN_SYNC, true,
                  false, true, NULL, VERDICT_WAIT },
                { "fallen back", "{\"State\":\"active\",\"InSync\":true}", JOB_IN_SYNC, true, false,
                  true, NULL, VERDICT_REFUSED },
                { "creation failed", "{\"State\":\"failed\",\"InSync\":false}", JOB_IN_SYNC, true,
                  false, true, NULL, VERDICT_REFUSED },
                { "in another session",
                  "{\"State\":\"active\",\"InSync\":true,\"Session\":\"/org/convened1/session/2\"}",
                  JOB_IN_SYNC, true, false, false, "/org/convened1/session/1", VERDICT_OVERTAKEN },
                { "deleted by another", "{}", JOB_IN_SYNC, true, true, false, NULL, VERDICT_GONE },
                { "deleting", "{\"State\":\"deleting\",\"InSync\":false}", JOB_GONE, true, false,
                  true, NULL, VERDICT_WAIT },
                { "deleted", "{\"State\":\"deleting\"}", JOB_GONE, true, true, false, NULL,
                  VERDICT_DONE },
                { "delete refused", "{\"State\":\"active\",\"InSync\":true}", JOB_GONE, true, false,
                  true, NULL, VERDICT_REFUSED },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP(json_freep) json_object *facts = json_tokener_parse(cases[i].facts);
                Job job = { .goal = cases[i].goal,
                            .session = cases[i].session,
                            .facts = facts,
                            .replied = cases[i].replied,
                            .gone = cases[i].gone,
                            .refused = cases[i].refused };

                CASE(cases[i].name, job_judge(&job) == cases[i].expect);
        }
}

static void test_progress(void **state) {
        CLEANUP(json_freep)
        json_object *facts = json_tokener_parse(
                "{\"Tag\":\"desk\",\"Attempts\":3,\"NextAttemptUSec\":3600004000000,"
                "\"LastError\":[\"org.convened1.Error.Unavailable\",\"no route\"]}");
        Job job = { .facts = facts, .object = object_make(KIND_SESSION, 7) };
        Job unborn = { .object.kind = KIND_PARTICIPANT };
        CLEANUP(freep) char *late = progress_text(&job, "offline", 2, NOW);
        CLEANUP(freep) char *early = progress_text(&unborn, NULL, 0, NOW);

        (void)state;
        assert_string_equal(late, "Waiting for session 7 \"desk\" and 2 more: the API cannot be "
                                  "reached, or fails, 3 attempts failed (Unavailable: no route), "
                                  "the next in 4s");
        assert_string_equal(early,
                            "Waiting for the new participant: the API has not confirmed it yet");
}

static void test_sync(void **state) {
        static const struct {
                const char *facts, *sync, *briefly;
        } cases[] = {
                { "{\"InSync\":true,\"Attempts\":2}", "yes", "yes" },
                { "{}", "no", "no" },
                { "{\"NextAttemptUSec\":0}", "no", "no" },
                { "{\"NextAttemptUSec\":1}", "no, next now", "no, now" },
                { "{\"NextAttemptUSec\":3600004000000}", "no, next in 4s", "no, in 4s" },
                { "{\"Attempts\":2}", "no, 2 failed", "no, 2 failed" },
                { "{\"Attempts\":2,\"NextAttemptUSec\":1}", "no, 2 failed, next now", "no, now" },
                { "{\"Attempts\":2,\"NextAttemptUSec\":3600004000000}", "no, 2 failed, next in 4s",
                  "no, in 4s" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP(json_freep) json_object *facts = json_tokener_parse(cases[i].facts);
                CLEANUP(freep) char *sync = describe_sync(facts, NOW);
                CLEANUP(freep) char *briefly = describe_sync_briefly(facts, NOW);

                assert_string_equal(sync, cases[i].sync);
                assert_string_equal(briefly, cases[i].briefly);
        }
}

static void test_describe(void **state) {
        CLEANUP(json_freep)
        json_object *facts = json_tokener_parse(
                "{\"SubscriptionMode\":\"participants\",\"Publishers\":"
                "[[\"/org/convened1/participant/2\",[\"cam\",\"mic\"]],"
                "[\"/org/convened1/participant/3\",[]]],\"InSync\":false,\"Attempts\":1}");
        CLEANUP(freep) char *receives = describe_subscription(facts);
        CLEANUP(freep) char *sync = describe_sync(facts, NOW);
        CLEANUP(freep) char *news = describe_news(facts);

        (void)state;
        assert_string_equal(receives, "2:cam:mic, 3");
        assert_string_equal(sync, "no, 1 failed");
        assert_string_equal(news, "not in sync, receives 2:cam:mic, 3, 1 failed");
}

static void test_news(void **state) {
        static const struct {
                const char *facts, *news;
        } cases[] = {
                { "{}", "" },
                { "{\"SyncedUSec\":1}", "" },
                { "{\"SubscriptionMode\":\"participants\"}", "" },
                { "{\"SubscriptionMode\":\"none\",\"Publishers\":[]}", "receives none" },
                { "{\"Publishers\":[[\"/org/convened1/participant/2\",[]]]}", "receives 2" },
                { "{\"Session\":\"/\",\"Attempts\":0}", "in no session" },
                { "{\"Session\":\"/org/convened1/session/4\"}", "in session 4" },
                { "{\"Participants\":[\"/\"]}", "1 participant" },
                { "{\"LastError\":[\"\",\"\"]}", "" },
                { "{\"LastError\":[\"org.convened1.Error.Rejected\",\"no\"]}", "Rejected: no" },
                { "{\"PendingCount\":3}", "3 pending" },
                { "{\"SessionCount\":1,\"ParticipantCount\":2}", "1 session, 2 participants" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP(json_freep) json_object *facts = json_tokener_parse(cases[i].facts);
                CLEANUP(freep) char *news = describe_news(facts);

                assert_string_equal(news, cases[i].news);
        }
}

static void test_paths(void **state) {
        Object object;

        (void)state;
        assert_true(object_from_path("/org/convened1/participant/12", &object));
        assert_int_equal(object.kind, KIND_PARTICIPANT);
        assert_int_equal(object.number, 12);
        assert_false(object_from_path("/", &object));
        assert_false(object_from_path("/org/convened1/session", &object));
        assert_false(object_from_path("/org/convened1/session/", &object));
        assert_false(object_from_path("/org/convened1/session/0", &object));
        assert_false(object_from_path("/org/convened1/session/1x", &object));
        assert_false(object_from_path("/org/convened1/session/-1", &object));
        assert_false(object_from_path("/org/convened1/sessions/1", &object));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_spans),
                cmocka_unit_test(test_points),
                cmocka_unit_test(test_width),
                cmocka_unit_test(test_printable),
                cmocka_unit_test(test_format_characters),
                cmocka_unit_test(test_shorten),
                cmocka_unit_test(test_table_fit),
                cmocka_unit_test(test_table_print),
                cmocka_unit_test(test_judge),
                cmocka_unit_test(test_progress),
                cmocka_unit_test(test_describe),
                cmocka_unit_test(test_paths),
                cmocka_unit_test(test_news),
                cmocka_unit_test(test_sync),
        };

        screen_init();
        return cmocka_run_group_tests_name("ctl-output", tests, NULL, NULL);
}
