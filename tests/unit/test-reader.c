/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/unit.h"

#include <stdio.h>

#include "api/json.h"
#include "api/reader.h"
#include "base/text.h"

static const Question get_session = { OPERATION_GET_SESSION, { "S" }, { "" } };
static const Question create_session = { OPERATION_CREATE_SESSION, { "" }, { "" } };
static const Question create_participant = { OPERATION_CREATE_PARTICIPANT, { "" }, { "" } };
static const Question get_participant = { OPERATION_GET_PARTICIPANT, { "" }, { "P" } };
static const Question list = { OPERATION_LIST_PARTICIPANTS, { "S" }, { "" } };
static const Question get_subscriptions = { OPERATION_GET_SUBSCRIPTIONS, { "S" }, { "P" } };

static int read_text(Reading *ret, const Question *question, unsigned status, const char *text) {
        return reader_read(ret, question, status, text, strlen(text));
}

/* One word for a sighting: "id@session:mode publisher(alias,alias) publisher". */
static void sighting_describe(char *text, size_t size, const Sighting *sighting) {
        static const char *const modes[] = { "none", "session", "participants" };
        FILE *stream = fmemopen(text, size, "w");

        fprintf(stream, "%s@%s:%s", sighting->id.text, sighting->session.text,
                modes[sighting->mode]);
        for (size_t i = 0; i < sighting->n_publishers; i++) {
                const Publisher *publisher = sighting->publishers + i;

                fprintf(stream, " %s", publisher->id.text);
                for (size_t j = 0; j < publisher->n_aliases; j++)
                        fprintf(stream, "%c%s", j == 0 ? '(' : ',', publisher->aliases[j]);
                fputs(publisher->n_aliases > 0 ? ")" : "", stream);
        }
        fclose(stream);
}

static void reading_describe(char *text, size_t size, const Reading *reading) {
        size_t n = 0;

        text[0] = 0;
        for (size_t i = 0; i < reading->n_sightings; i++) {
                n += (size_t)snprintf(text + n, size - n, i == 0 ? "" : "; ");
                sighting_describe(text + n, size - n, reading->sightings + i);
                n += strlen(text + n);
        }
}

/* Each answer that the API was ever seen, or said, to give. */
static void test_sightings(void **state) {
        static const struct {
                const char *name;
                const Question *question;
                unsigned status;
                const char *text, *expect;
        } cases[] = {
                { "just created", &get_participant, 200,
                  "{\"id\":\"P\",\"callbackUrl\":null,\"publishPermissions\":[\"AUDIO\"],"
                  "\"sessions\":[],\"subscriptions\":{},\"tag\":\"desk\"}",
                  "P@:none" },
                { "nothing but the id", &get_participant, 200, "{\"id\":\"P\"}", "P@:none" },
                { "nulls all over", &get_participant, 200,
                  "{\"id\":\"P\",\"sessions\":null,\"subscriptions\":null,\"tag\":null}",
                  "P@:none" },
                { "the whole session", &get_participant, 200,
                  "{\"id\":\"P\",\"sessions\":[\"S\"],\"subscriptions\":{\"sessionId\":\"S\"}}",
                  "P@S:session" },
                { "a list beside the session's id", &get_participant, 200,
                  "{\"id\":\"P\",\"sessions\":[\"S\"],\"subscriptions\":{\"sessionId\":\"S\","
                  "\"participants\":[{\"participantId\":\"B\",\"streamAliases\":[\"mic\"]},"
                  "{\"participantId\":\"A\"}]}}",
                  "P@S:participants A B(mic)" },
                { "an empty list beside the session's id", &get_participant, 200,
                  "{\"id\":\"P\",\"sessions\":[\"S\"],\"subscriptions\":{\"sessionId\":\"S\","
                  "\"participants\":[]}}",
                  "P@S:session" },
                { "an empty list alone", &get_participant, 200,
                  "{\"id\":\"P\",\"subscriptions\":{\"participants\":[]}}", "P@:none" },
                { "nulls in subscriptions", &get_participant, 200,
                  "{\"id\":\"P\",\"subscriptions\":{\"sessionId\":null,\"participants\":null}}",
                  "P@:none" },
                { "bare ids, as in 2020", &get_participant, 200,
                  "{\"id\":\"P\",\"subscriptions\":{\"participants\":[\"B\",\"A\"]}}",
                  "P@:participants A B" },
                { "null for aliases", &get_participant, 200,
                  "{\"id\":\"P\",\"subscriptions\":{\"participants\":[{\"participantId\":\"A\","
                  "\"streamAliases\":null}]}}",
                  "P@:participants A" },
                { "aliases out of order and again", &get_participant, 200,
                  "{\"id\":\"P\",\"subscriptions\":{\"participants\":[{\"participantId\":\"A\","
                  "\"streamAliases\":[\"z\",\"a\",\"z\",\"m\",\"a\"]}]}}",
                  "P@:participants A(a,m,z)" },
                { "an unknown version and more fields", &get_participant, 200,
                  "{\"id\":\"P\",\"deviceApiVersion\":\"V9\",\"new\":{\"x\":[1,2.5,true]}}",
                  "P@:none" },
                { "white space around", &get_participant, 200, " \r\n{ \"id\" : \"P\" }\n\n",
                  "P@:none" },

                { "an empty list", &list, 200, "[]", "" },
                { "an empty list, spaced", &list, 200, " [\n] ", "" },
                { "an object for an empty list", &list, 200, "{}", "" },
                { "null for an empty list", &list, 200, "null", "" },
                { "no content for an empty list", &list, 204, "", "" },
                { "a list", &list, 200,
                  "[{\"id\":\"B\",\"sessions\":[\"S\"]},{\"id\":\"A\",\"sessions\":[\"S\"],"
                  "\"subscriptions\":{\"sessionId\":\"S\"}}]",
                  "A@S:session; B@S:none" },
                { "listed, and does not say where", &list, 200,
                  "[{\"id\":\"B\"},{\"id\":\"C\",\"sessions\":[]},{\"id\":\"D\","
                  "\"sessions\":null}]",
                  "B@S:none; C@S:none; D@S:none" },
                { "a list, spaced", &list, 200, "\t[ {\"id\":\"B\"}\n,\r\n{\"id\":\"A\"} ]\n",
                  "A@S:none; B@S:none" },
                { "listed, and says elsewhere", &list, 200, "[{\"id\":\"B\",\"sessions\":[\"T\"]}]",
                  "B@T:none" },

                { "no subscriptions", &get_subscriptions, 200, "{}", "@S:none" },
                { "an empty array for none", &get_subscriptions, 200, "[]", "@S:none" },
                { "null for none", &get_subscriptions, 200, "null", "@S:none" },
                { "no content for none", &get_subscriptions, 204, "", "@S:none" },
                { "subscribed to all", &get_subscriptions, 200, "{\"sessionId\":\"S\"}",
                  "@S:session" },
                { "subscribed to one", &get_subscriptions, 200,
                  "{\"sessionId\":\"S\",\"participants\":[{\"participantId\":\"A\","
                  "\"streamAliases\":[]}]}",
                  "@S:participants A" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Reading reading = { 0 };
                char text[512];

                CASE(cases[i].name,
                     read_text(&reading, cases[i].question, cases[i].status, cases[i].text) == 1);
                reading_describe(text, sizeof(text), &reading);
                if (!streq(text, cases[i].expect))
                        fail_msg("%s: '%s'", cases[i].name, text);
                reading_deinit(&reading);
        }
}

static void test_creations(void **state) {
        static const struct {
                const char *name;
                const Question *question;
                const char *text, *id, *token;
        } cases[] = {
                { "a session", &create_session, "{\"id\":\"5f2c\",\"tag\":\"x\"}", "5f2c", NULL },
                { "a session with members", &create_session,
                  "{\"id\":\"5f2c\",\"participants\":[]}", "5f2c", NULL },
                { "the longest id", &create_session,
                  "{\"id\":\"0123456789012345678901234567890123456789012345678901234567890123\"}",
                  "0123456789012345678901234567890123456789012345678901234567890123", NULL },
                { "a participant", &create_participant,
                  "{\"participant\":{\"id\":\"p\",\"sessions\":[],\"subscriptions\":{}},"
                  "\"token\":\"a.b.c\"}",
                  "p", "a.b.c" },
                { "without a token", &create_participant, "{\"participant\":{\"id\":\"p\"}}", "p",
                  NULL },
                { "null for a token", &create_participant,
                  "{\"participant\":{\"id\":\"p\"},\"token\":null}", "p", NULL },
                { "an empty token", &create_participant,
                  "{\"participant\":{\"id\":\"p\"},\"token\":\"\"}", "p", NULL },
                { "an id is not lost for a token of nonsense", &create_participant,
                  "{\"participant\":{\"id\":\"p\"},\"token\":[1]}", "p", NULL },
                { "nor for a NUL in it", &create_participant,
                  "{\"participant\":{\"id\":\"p\"},\"token\":\"a\\u0000b\"}", "p", NULL },
                { "nor for filled examples", &create_participant,
                  "{\"participant\":{\"id\":\"p\",\"sessions\":[1,2],\"subscriptions\":7},"
                  "\"token\":\"t\"}",
                  "p", "t" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Reading reading = { 0 };

                CASE(cases[i].name,
                     read_text(&reading, cases[i].question, 200, cases[i].text) == 1);
                CASE(cases[i].name, streq(reading.id.text, cases[i].id));
                CASE(cases[i].name, !reading.token == !cases[i].token);
                CASE(cases[i].name,
                     !cases[i].token || (reading.token && streq(reading.token, cases[i].token)));
                reading_deinit(&reading);
        }
}

/* What is done is done, whatever stands in the body. */
static void test_bodies_that_do_not_matter(void **state) {
        static const Operation operations[] = {
                OPERATION_DELETE_PARTICIPANT,   OPERATION_DELETE_SESSION,
                OPERATION_ADD_PARTICIPANT,      OPERATION_REMOVE_PARTICIPANT,
                OPERATION_UPDATE_SUBSCRIPTIONS,
        };
        static const char *const texts[] = { "", "{}", "null", "<html>", "{\"id\":" };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(operations) * ELEMENTSOF(texts); i++) {
                Question question = { .operation = operations[i % ELEMENTSOF(operations)],
                                      .session = { "S" },
                                      .participant = { "P" } };
                Reading reading = { 0 };

                assert_int_equal(
                        read_text(&reading, &question, 200, texts[i / ELEMENTSOF(operations)]), 1);
                reading_deinit(&reading);
        }
}

/* Who is in a session, where the session itself says it; NULL: it does not. */
static void test_members(void **state) {
        static const struct {
                const char *name, *text, *expect;
        } cases[] = {
                { "2022", "{\"id\":\"S\",\"tag\":\"x\"}", NULL },
                { "2020", "{\"id\":\"S\",\"participants\":[\"b\",\"a\"]}", "a@S:none; b@S:none" },
                { "2020, nobody", "{\"id\":\"S\",\"participants\":[]}", "" },
                { "seen in 2022", "{\"id\":\"S\",\"participant_ids\":[\"a\"]}", "a@S:none" },
                { "both", "{\"id\":\"S\",\"participants\":[],\"participant_ids\":[\"a\"]}", "" },
                { "null", "{\"id\":\"S\",\"participants\":null}", NULL },
                { "null, and the other",
                  "{\"id\":\"S\",\"participants\":null,"
                  "\"participant_ids\":[\"a\"]}",
                  "a@S:none" },
                { "twice", "{\"id\":\"S\",\"participants\":[\"a\",\"a\"]}", NULL },
                { "no ids", "{\"id\":\"S\",\"participants\":[\"a\",{}]}", NULL },
                { "no list", "{\"id\":\"S\",\"participants\":\"a\"}", NULL },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Reading reading = { 0 };
                char text[512];

                CASE(cases[i].name, read_text(&reading, &get_session, 200, cases[i].text) == 1);
                CASE(cases[i].name, reading.has_members == (cases[i].expect != NULL));
                reading_describe(text, sizeof(text), &reading);
                if (!streq(text, cases[i].expect ?: ""))
                        fail_msg("%s: '%s'", cases[i].name, text);
                reading_deinit(&reading);
        }
}

static void test_session(void **state) {
        Reading reading = { 0 };

        (void)state;
        assert_int_equal(read_text(&reading, &get_session, 200,
                                   "{\"id\":\"S\",\"participant_ids\":[\"a\"]}"),
                         1);
        assert_string_equal(reading.id.text, "S");
        reading_deinit(&reading);
}

/* Each of these is refused, for every operation that needs a body. */
static void test_hostile_for_all(void **state) {
        static const struct {
                const char *name, *text;
        } cases[] = {
                { "empty", "" },
                { "white space", " \n" },
                { "HTML", "<html><body>504 Gateway Time-out</body></html>" },
                { "a word", "OK" },
                { "true", "true" },
                { "a number", "42" },
                { "a string", "\"S\"" },
                { "cut in a key", "{\"i" },
                { "cut in a string", "{\"id\":\"S" },
                { "cut before the end", "{\"id\":\"S\"" },
                { "cut in a backslash", "{\"id\":\"S\\" },
                { "two values", "{\"id\":\"S\"}{\"id\":\"S\"}" },
                { "something behind", "{\"id\":\"S\"} x" },
                { "a comment", "{/* */\"id\":\"S\"}" },
                { "single quotes", "{'id':'S'}" },
                { "no quotes", "{id:\"S\"}" },
                { "a comma too many", "{\"id\":\"S\",}" },
                { "a control character in a string", "{\"id\":\"S\",\"x\":\"a\nb\"}" },
                { "NaN", "{\"id\":\"S\",\"x\":NaN}" },
                { "not UTF-8", "{\"id\":\"S\",\"x\":\"\xff\"}" },
                { "overlong UTF-8", "{\"id\":\"S\",\"x\":\"\xc0\xaf\"}" },
                { "a byte order mark", "\xef\xbb\xbf{\"id\":\"S\"}" },
                { "too deep", "{\"id\":\"S\",\"x\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}" },
                { "the id twice", "{\"id\":\"S\",\"id\":\"S\"}" },
                { "any key twice", "{\"id\":\"S\",\"tag\":\"a\",\"tag\":\"b\"}" },
                { "a key twice, once escaped", "{\"id\":\"S\",\"\\u0069d\":\"S\"}" },
                { "a key twice, further down", "{\"id\":\"S\",\"x\":[{\"y\":1,\"y\":{\"z\":2}}]}" },
        };
        static const Question *const questions[] = {
                &get_session,     &create_session, &create_participant,
                &get_participant, &list,           &get_subscriptions,
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases) * ELEMENTSOF(questions); i++) {
                size_t n = i / ELEMENTSOF(questions);
                Reading reading = { .n_sightings = 77 };

                CASE(cases[n].name, read_text(&reading, questions[i % ELEMENTSOF(questions)], 200,
                                              cases[n].text) == 0);
                CASE(cases[n].name, reading.n_sightings == 77);
        }
}

static void test_hostile(void **state) {
        static const struct {
                const char *name;
                const Question *question;
                const char *text;
        } cases[] = {
                { "another session", &get_session, "{\"id\":\"T\"}" },
                { "no id", &get_session, "{\"tag\":\"x\"}" },
                { "null for an id", &get_session, "{\"id\":null}" },
                { "an array", &get_session, "[{\"id\":\"S\"}]" },
                { "a number for an id", &create_session, "{\"id\":7}" },
                { "an object for an id", &create_session, "{\"id\":{\"id\":\"S\"}}" },
                { "an empty id", &create_session, "{\"id\":\"\"}" },
                { "a path for an id", &create_session, "{\"id\":\"../participants\"}" },
                { "dots", &create_session, "{\"id\":\"..\"}" },
                { "an escape for an id", &create_session, "{\"id\":\"%2e%2e\"}" },
                { "a slash in an id", &create_session, "{\"id\":\"a\\/b\"}" },
                { "a line break in an id", &create_session, "{\"id\":\"a\\r\\nHost: x\"}" },
                { "a NUL in an id", &create_session, "{\"id\":\"a\\u0000b\"}" },
                { "no ASCII in an id", &create_session, "{\"id\":\"\xc3\xa9\"}" },
                { "an id too long", &create_session,
                  "{\"id\":"
                  "\"01234567890123456789012345678901234567890123456789012345678901234\"}" },
                { "a participant that is bare", &create_participant,
                  "{\"id\":\"p\",\"token\":\"t\"}" },
                { "a participant that is a string", &create_participant,
                  "{\"participant\":\"p\",\"token\":\"t\"}" },
                { "a participant without an id", &create_participant,
                  "{\"participant\":{},\"token\":\"t\"}" },
                { "another participant", &get_participant, "{\"id\":\"Q\"}" },
                { "in case that differs", &get_participant, "{\"id\":\"p\"}" },
                { "a string for sessions", &get_participant, "{\"id\":\"P\",\"sessions\":\"S\"}" },
                { "an object for sessions", &get_participant, "{\"id\":\"P\",\"sessions\":{}}" },
                { "two sessions", &get_participant, "{\"id\":\"P\",\"sessions\":[\"S\",\"T\"]}" },
                { "a number for a session", &get_participant, "{\"id\":\"P\",\"sessions\":[1]}" },
                { "null for a session", &get_participant, "{\"id\":\"P\",\"sessions\":[null]}" },
                { "a bad session id", &get_participant, "{\"id\":\"P\",\"sessions\":[\"a/b\"]}" },
                { "a string for subscriptions", &get_participant,
                  "{\"id\":\"P\",\"subscriptions\":\"all\"}" },
                { "a list for subscriptions", &get_participant,
                  "{\"id\":\"P\",\"subscriptions\":[\"S\"]}" },
                { "true for subscriptions", &get_subscriptions, "true" },
                { "a number for a session's id", &get_subscriptions, "{\"sessionId\":1}" },
                { "an empty session's id", &get_subscriptions, "{\"sessionId\":\"\"}" },
                { "a bad session's id beside a list", &get_subscriptions,
                  "{\"sessionId\":\"a b\",\"participants\":[\"A\"]}" },
                { "an object for publishers", &get_subscriptions, "{\"participants\":{}}" },
                { "false for publishers", &get_subscriptions,
                  "{\"sessionId\":\"S\",\"participants\":false}" },
                { "null for a publisher", &get_subscriptions, "{\"participants\":[null]}" },
                { "a publisher without an id", &get_subscriptions, "{\"participants\":[{}]}" },
                { "a publisher with a bad id", &get_subscriptions, "{\"participants\":[\"a.b\"]}" },
                { "a publisher twice", &get_subscriptions, "{\"participants\":[\"A\",\"A\"]}" },
                { "a publisher twice, in two forms", &get_subscriptions,
                  "{\"participants\":[\"A\",\"B\",{\"participantId\":\"A\"}]}" },
                { "a string for aliases", &get_subscriptions,
                  "{\"participants\":[{\"participantId\":\"A\",\"streamAliases\":\"mic\"}]}" },
                { "an object for aliases", &get_subscriptions,
                  "{\"participants\":[{\"participantId\":\"A\",\"streamAliases\":{}}]}" },
                { "a number for an alias", &get_subscriptions,
                  "{\"participants\":[{\"participantId\":\"A\",\"streamAliases\":[\"x\",1]}]}" },
                { "an empty alias", &get_subscriptions,
                  "{\"participants\":[{\"participantId\":\"A\",\"streamAliases\":[\"\"]}]}" },
                { "a NUL in an alias", &get_subscriptions,
                  "{\"participants\":[{\"participantId\":\"A\",\"streamAliases\":[\"a\\u0000\"]}]"
                  "}" },
                { "an object that is not empty for a list", &list, "{\"participants\":[]}" },
                { "null in a list", &list, "[null]" },
                { "a comma at the end of a list", &list, "[{\"id\":\"A\"},]" },
                { "a comma in front of a list", &list, "[,{\"id\":\"A\"}]" },
                { "a list without a comma", &list, "[{\"id\":\"A\"} {\"id\":\"B\"}]" },
                { "a list with semicolons", &list, "[{\"id\":\"A\"};{\"id\":\"B\"}]" },
                { "something after a list", &list, "[{\"id\":\"A\"}]]" },
                { "something after an empty list", &list, "[]{}" },
                { "a list that is not closed", &list, "[{\"id\":\"A\"}" },
                { "a list that goes on", &list, "[{\"id\":\"A\"}," },
                { "a list that only begins", &list, "[" },
                { "a list closed otherwise", &list, "[{\"id\":\"A\"}}" },
                { "a key twice in a list", &list,
                  "[{\"id\":\"A\",\"x\":1,\"x\":2},{\"id\":\"B\"}]" },
                { "bare ids in a list", &list, "[\"A\"]" },
                { "a good one, then a bad one", &list, "[{\"id\":\"A\"},{\"id\":3}]" },
                { "listed twice", &list, "[{\"id\":\"A\"},{\"id\":\"B\"},{\"id\":\"A\"}]" },
                { "listed in two sessions", &list, "[{\"id\":\"A\",\"sessions\":[\"S\",\"T\"]}]" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Reading reading = { 0 };

                CASE(cases[i].name,
                     read_text(&reading, cases[i].question, 200, cases[i].text) == 0);
                CASE(cases[i].name, !reading.token && !reading.sightings);
        }
}

/* A status without content is none only where none is an answer. */
static void test_no_content(void **state) {
        static const Question *const questions[] = { &get_session, &create_session,
                                                     &create_participant, &get_participant };
        Reading reading;

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(questions); i++)
                assert_int_equal(read_text(&reading, questions[i], 204, ""), 0);
        assert_int_equal(read_text(&reading, &list, 200, ""), 0);
        assert_int_equal(read_text(&reading, &get_subscriptions, 202, ""), 0);
}

/* A text of @n times @piece between @head and @tail. */
static char *repeat(const char *head, const char *piece, size_t n, const char *tail) {
        size_t size = strlen(head) + n * strlen(piece) + strlen(tail) + 1;
        char *text = malloc(size), *end = stpcpy(text, head);

        while (n-- > 0)
                end = stpcpy(end, piece);
        strcpy(end, tail);
        return text;
}

/* A thousand, which is more than the API lets a session have. */
static void test_long_list(void **state) {
        char text[32000] = "[", *end = text + 1;
        Reading reading = { 0 };

        (void)state;
        for (int i = 999; i >= 0; i--)
                end += sprintf(end, "{\"id\":\"p-%03d\"}%s", i, i > 0 ? "," : "]");
        assert_int_equal(read_text(&reading, &list, 200, text), 1);
        assert_int_equal(reading.n_sightings, 1000);
        for (int i = 0; i < 1000; i++) {
                char id[8];

                sprintf(id, "p-%03d", i);
                assert_string_equal(reading.sightings[i].id.text, id);
                assert_string_equal(reading.sightings[i].session.text, "S");
        }
        reading_deinit(&reading);
}

static void test_huge(void **state) {
        static const struct {
                const char *name;
                const Question *question;
                const char *head, *piece;
                size_t n;
                const char *tail;
        } cases[] = {
                { "a million objects", &list, "[", "{},", 1000000, "{}]" },
                { "a million arrays, deep", &list, "", "[", 1000000, "" },
                { "a million values that nobody wants", &get_session, "{\"id\":\"S\",\"x\":[", "0,",
                  1000000, "0]}" },
                { "a million members", &get_session, "{\"id\":\"S\"", ",\"x\":1", 1000000, "}" },
                { "more than anybody lists", &list, "[", "{\"id\":\"A\"},", 1001,
                  "{\"id\":\"B\"}]" },
                { "more than anybody hears", &get_subscriptions, "{\"participants\":[", "\"A\",",
                  1001, "\"B\"]}" },
                { "a million quotes", &get_session, "", "\"", 1000000, "" },
                { "a million backslashes", &get_session, "\"", "\\", 999999, "" },
                { "a number without an end", &get_session, "{\"id\":", "9", 1000000, "}" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP(freep)
                char *text = repeat(cases[i].head, cases[i].piece, cases[i].n, cases[i].tail);
                Reading reading = { 0 };

                CASE(cases[i].name, read_text(&reading, cases[i].question, 200, text) == 0);
        }
}

/* A raw NUL ends C's strings, not JSON's. */
static void test_raw_nul(void **state) {
        static const char text[] = "{\"id\":\"S\"}\0{}";
        Reading reading = { 0 };

        (void)state;
        assert_int_equal(reader_read(&reading, &get_session, 200, text, sizeof(text) - 1), 0);
        assert_int_equal(reader_read(&reading, &get_session, 200, text, strlen(text) + 1), 0);
        assert_int_equal(reader_read(&reading, &get_session, 200, text, strlen(text)), 1);
        reading_deinit(&reading);
}

static void test_scrub(void **state) {
        static const char text[] = "{\"a\":[{\"token\":\"s3cret\"}],\"b\":1}";
        CLEANUP(json_freep) json_object *tree = NULL;
        json_object *token;

        (void)state;
        assert_int_equal(json_parse(&tree, text, strlen(text), true), 1);
        token = json_member(json_object_array_get_idx(json_member(tree, "a"), 0), "token");
        assert_string_equal(json_text(token), "s3cret");
        json_scrub(tree);
        assert_memory_equal(json_object_get_string(token), "\0\0\0\0\0\0", 6);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sightings),
                cmocka_unit_test(test_creations),
                cmocka_unit_test(test_bodies_that_do_not_matter),
                cmocka_unit_test(test_members),
                cmocka_unit_test(test_session),
                cmocka_unit_test(test_hostile_for_all),
                cmocka_unit_test(test_hostile),
                cmocka_unit_test(test_no_content),
                cmocka_unit_test(test_long_list),
                cmocka_unit_test(test_huge),
                cmocka_unit_test(test_raw_nul),
                cmocka_unit_test(test_scrub),
        };

        return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}
