/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/unit.h"

#include <errno.h>
#include <stdio.h>

#include "base/text.h"
#include "unit/api-world.h"

#define SESSION      "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{\"id\":\"S\"}"
#define PARTICIPANT  "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{\"id\":\"P\"}"
#define NO_CONTENT   "HTTP/1.1 204 No Content\r\n\r\n"
#define STATUS(line) "HTTP/1.1 " line "\r\nContent-Length: 0\r\n\r\n"

/* Every way in which a server can end an attempt. */
static void test_replies(void **state) {
        static const struct {
                const char *name;
                Operation operation;
                Reply reply;
                ApiOutcome expect;
                unsigned status;
                const char *message;
        } cases[] = {
                { "good", OPERATION_GET_SESSION, { .text = SESSION }, API_OK, 200, "" },
                { "done", OPERATION_DELETE_SESSION, { .text = NO_CONTENT }, API_OK, 204, "" },
                { "closed after it",
                  OPERATION_GET_SESSION,
                  { .text = "HTTP/1.0 200 OK\r\n\r\n{\"id\":\"S\"}", .close = true },
                  API_OK,
                  200,
                  "" },
                { "in pieces",
                  OPERATION_GET_SESSION,
                  { .text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                            "4\r\n{\"id\r\n6\r\n\":\"S\"}\r\n0\r\n\r\n" },
                  API_OK,
                  200,
                  "" },
                { "after hints",
                  OPERATION_GET_SESSION,
                  { .text = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" SESSION },
                  API_OK,
                  200,
                  "" },
                { "created",
                  OPERATION_CREATE_SESSION,
                  { .text = "HTTP/1.1 201 Created\r\nContent-Length: 10\r\n\r\n{\"id\":\"N\"}" },
                  API_OK,
                  201,
                  "" },

                { "closed at once",
                  OPERATION_CREATE_SESSION,
                  { .close = true },
                  API_NO_ANSWER,
                  0,
                  "Empty reply from server" },
                { "cut in the status",
                  OPERATION_CREATE_SESSION,
                  { .text = "HTTP/1.1 20", .close = true },
                  API_NO_ANSWER,
                  0,
                  NULL },
                { "cut in the head",
                  OPERATION_CREATE_SESSION,
                  { .text = "HTTP/1.1 200 OK\r\nContent-Le", .close = true },
                  API_NO_ANSWER,
                  200,
                  NULL },
                { "cut in the body",
                  OPERATION_CREATE_SESSION,
                  { .text = "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"id\":\"S\"}",
                    .close = true },
                  API_NO_ANSWER,
                  200,
                  NULL },
                { "cut in an error",
                  OPERATION_GET_SESSION,
                  { .text = "HTTP/1.1 404 Not Found\r\nContent-Length: 99\r\n\r\n"
                            "{\"error\":\"x\"}",
                    .close = true },
                  API_NO_ANSWER,
                  404,
                  NULL },
                { "cut in a piece",
                  OPERATION_GET_SESSION,
                  { .text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{\"id",
                    .close = true },
                  API_NO_ANSWER,
                  200,
                  NULL },
                { "pieces of nonsense",
                  OPERATION_GET_SESSION,
                  { .text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{\"id",
                    .close = true },
                  API_NO_ANSWER,
                  200,
                  NULL },
                { "not HTTP",
                  OPERATION_CREATE_SESSION,
                  { .text = "SSH-2.0-OpenSSH_9.2\r\n", .close = true },
                  API_NO_ANSWER,
                  0,
                  NULL },
                { "no status",
                  OPERATION_GET_SESSION,
                  { .text = "HTTP/1.1 abc\r\n\r\n", .close = true },
                  API_NO_ANSWER,
                  0,
                  NULL },
                { "another protocol, then",
                  OPERATION_GET_SESSION,
                  { .text = "HTTP/1.1 101 Switching Protocols\r\n\r\n", .close = true },
                  API_NO_ANSWER,
                  101,
                  NULL },

                { "not JSON",
                  OPERATION_CREATE_SESSION,
                  { .text = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>" },
                  API_NOT_UNDERSTOOD,
                  200,
                  "HTTP 200, but the answer to createSession cannot be understood" },
                { "no content",
                  OPERATION_CREATE_SESSION,
                  { .text = NO_CONTENT },
                  API_NOT_UNDERSTOOD,
                  204,
                  "HTTP 204, but the answer to createSession cannot be understood" },
                { "another id",
                  OPERATION_GET_PARTICIPANT,
                  { .text = SESSION },
                  API_NOT_UNDERSTOOD,
                  200,
                  NULL },
                { "a body that matters to nobody",
                  OPERATION_DELETE_SESSION,
                  { .text = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>" },
                  API_OK,
                  200,
                  "" },
                { "compressed, unasked",
                  OPERATION_GET_SESSION,
                  { .text = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
                            "Content-Length: 10\r\n\r\n\x1f\x8b\x08xxxxxxx" },
                  API_NOT_UNDERSTOOD,
                  200,
                  NULL },

                { "elsewhere",
                  OPERATION_GET_SESSION,
                  { .text = "HTTP/1.1 302 Found\r\nLocation: /v2/x\r\nContent-Length: 0\r\n\r\n" },
                  API_REDIRECTED,
                  302,
                  "HTTP 302 Found, to /v2/x" },
                { "elsewhere, a creation",
                  OPERATION_CREATE_SESSION,
                  { .text = "HTTP/1.1 307 X\r\nLocation: /v2/x\r\nContent-Length: 0\r\n\r\n" },
                  API_REDIRECTED,
                  307,
                  "HTTP 307 Temporary Redirect, to /v2/x" },
                { "a challenge is not taken up",
                  OPERATION_CREATE_SESSION,
                  { .text = "HTTP/1.1 401 X\r\nWWW-Authenticate: Basic realm=\"x\"\r\n"
                            "Content-Length: 26\r\n\r\n{\"message\":\"Unauthorized\"}" },
                  API_UNAUTHORIZED,
                  401,
                  "Unauthorized" },
                { "an expectation that failed",
                  OPERATION_CREATE_SESSION,
                  { .text = STATUS("417 Expectation Failed") },
                  API_REFUSED,
                  417,
                  "HTTP 417 an unusual status" },
                { "forbidden",
                  OPERATION_GET_SESSION,
                  { .text = STATUS("403 Forbidden") },
                  API_FORBIDDEN,
                  403,
                  "HTTP 403 Forbidden" },
                { "gone",
                  OPERATION_GET_SESSION,
                  { .text = "HTTP/1.1 404 X\r\nContent-Length: 35\r\n\r\n"
                            "{\"error\":\"gone\",\"requestId\":\"7c0b\"}" },
                  API_NOT_FOUND,
                  404,
                  "gone" },
                { "a gateway's 404",
                  OPERATION_GET_SESSION,
                  { .text = "HTTP/1.1 404 X\r\nContent-Length: 23\r\n\r\n"
                            "{\"message\":\"Not Found\"}" },
                  API_REFUSED,
                  404,
                  "Not Found" },
                { "a 404 without the API's id, behind its gateway",
                  OPERATION_GET_SESSION,
                  { .text = "HTTP/1.1 404 X\r\nx-amzn-RequestId: 7c0b\r\nx-amz-apigw-id: Z=\r\n"
                            "x-amzn-ErrorType: NotFoundException\r\nContent-Length: 21\r\n\r\n"
                            "{\"error\":\"Not Found\"}" },
                  API_REFUSED,
                  404,
                  "Not Found" },
                { "gone, with the gateway's headers",
                  OPERATION_GET_SESSION,
                  { .text = "HTTP/1.1 404 X\r\nx-amzn-RequestId: 7c0b\r\nx-amz-apigw-id: Z=\r\n"
                            "x-amzn-ErrorType: NotFoundException\r\nContent-Length: 35\r\n\r\n"
                            "{\"error\":\"gone\",\"requestId\":\"7c0b\"}" },
                  API_NOT_FOUND,
                  404,
                  "gone" },
                { "somebody's 404",
                  OPERATION_GET_SESSION,
                  { .text = STATUS("404 Not Found") },
                  API_REFUSED,
                  404,
                  "HTTP 404 Not Found" },
                { "conflict",
                  OPERATION_ADD_PARTICIPANT,
                  { .text = STATUS("409 Conflict") },
                  API_CONFLICT,
                  409,
                  "HTTP 409 Conflict" },
                { "slow",
                  OPERATION_GET_SESSION,
                  { .text = STATUS("408 Request Timeout") },
                  API_BROKEN,
                  408,
                  NULL },
                { "slow, and closed",
                  OPERATION_CREATE_SESSION,
                  { .text = STATUS("408 Request Timeout"), .close = true },
                  API_BROKEN,
                  408,
                  NULL },
                { "crashed",
                  OPERATION_CREATE_SESSION,
                  { .text = "HTTP/1.1 502 X\r\nContent-Length: 9\r\n\r\n<html>\r\n " },
                  API_BROKEN,
                  502,
                  "HTTP 502 Bad Gateway" },
        };
        World *world = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const Heard *heard;

                world->reply = cases[i].reply;
                heard = world_ask(world, cases[i].operation);
                CASE(cases[i].name, heard->status == cases[i].status);
                if (heard->outcome != cases[i].expect)
                        fail_msg("%s: %d %s", cases[i].name, heard->outcome, heard->message);
                if (cases[i].message && !streq(heard->message, cases[i].message))
                        fail_msg("%s: '%s'", cases[i].name, heard->message);
                CASE(cases[i].name, cases[i].expect == API_OK || heard->message[0]);
                CASE(cases[i].name, world->n_requests == i + 1);
        }
}

/* Whether a refusal is of the API's own, or of something in front of it. */
static void test_foreign(void **state) {
        static const struct {
                const char *text;
                bool foreign;
        } cases[] = {
                { STATUS("404 Not Found"), true },
                { "HTTP/1.1 400 X\r\nContent-Length: 6\r\n\r\n<html>", true },
                { "HTTP/1.1 418 X\r\nContent-Length: 2\r\n\r\n{}", true },
                { "HTTP/1.1 404 X\r\nx-amzn-RequestId: 7c0b\r\nContent-Length: 0\r\n\r\n", false },
                { "HTTP/1.1 400 X\r\nContent-Length: 13\r\n\r\n{\"error\":\"x\"}", false },
                { "HTTP/1.1 413 X\r\nContent-Length: 15\r\n\r\n{\"message\":\"x\"}", false },
        };
        World *world = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const Heard *heard;

                world->reply = (Reply){ .text = cases[i].text };
                heard = world_ask(world, OPERATION_GET_SESSION);
                CASE(cases[i].text, heard->outcome == API_REFUSED);
                CASE(cases[i].text, heard->foreign == cases[i].foreign);
        }
}

static void test_retry_after(void **state) {
        static const struct {
                const char *name, *text;
                ApiOutcome expect;
                bool has;
                usec_t least, most;
        } cases[] = {
                { "seconds", STATUS("429 X\r\nRetry-After: 7"), API_THROTTLED, true,
                  7 * USEC_PER_SEC, 7 * USEC_PER_SEC },
                { "none", STATUS("429 X"), API_THROTTLED, false, 0, 0 },
                { "503 with seconds", STATUS("503 X\r\nRetry-After: 2"), API_THROTTLED, true,
                  2 * USEC_PER_SEC, 2 * USEC_PER_SEC },
                { "503 with none", STATUS("503 X\r\nretry-after: 0"), API_THROTTLED, true, 0, 0 },
                { "503 without", STATUS("503 X"), API_BROKEN, false, 0, 0 },
                { "a date in the past",
                  STATUS("503 X\r\nRetry-After: Wed, 21 Oct 2015 07:28:00 GMT"), API_THROTTLED,
                  true, 0, 0 },
                { "a date far ahead", STATUS("503 X\r\nRetry-After: Wed, 21 Oct 2099 07:28:00 GMT"),
                  API_THROTTLED, true, 366 * 24 * USEC_PER_HOUR, 366 * 24 * USEC_PER_HOUR },
                { "nonsense", STATUS("429 X\r\nRetry-After: soon"), API_THROTTLED, true, 0, 0 },
                { "negative", STATUS("429 X\r\nRetry-After: -5"), API_THROTTLED, true, 0, 0 },
                { "without bound", STATUS("429 X\r\nRetry-After: 99999999999999999999"),
                  API_THROTTLED, true, 366 * 24 * USEC_PER_HOUR, 366 * 24 * USEC_PER_HOUR },
                { "more than 63 bits", STATUS("429 X\r\nRetry-After: 9999999999999999999"),
                  API_THROTTLED, true, 366 * 24 * USEC_PER_HOUR, 366 * 24 * USEC_PER_HOUR },
                { "many digits", STATUS("429 X\r\nRetry-After: 0000000000000000000000007"),
                  API_THROTTLED, true, 7 * USEC_PER_SEC, 7 * USEC_PER_SEC },
                { "425", STATUS("425 X\r\nRetry-After: 1"), API_THROTTLED, true, USEC_PER_SEC,
                  USEC_PER_SEC },
                { "500 does not count", STATUS("500 X\r\nRetry-After: 1"), API_BROKEN, false, 0,
                  0 },
        };
        World *world = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const Heard *heard;

                world->reply = (Reply){ .text = cases[i].text };
                heard = world_ask(world, OPERATION_CREATE_SESSION);
                CASE(cases[i].name, heard->outcome == cases[i].expect);
                CASE(cases[i].name, heard->has_retry_after == cases[i].has);
                CASE(cases[i].name, heard->retry_after_usec >= cases[i].least);
                CASE(cases[i].name, heard->retry_after_usec <= cases[i].most);
        }
}

/* On a connection that was used before, and dies without an answer, libcurl sends again by
 * itself. */
static void script_second_dies(World *world, unsigned n, Reply *reply) {
        (void)world;
        *reply = n % 2 == 0 ? (Reply){ .text = SESSION } : (Reply){ .close = true };
}

static void test_dead_connection(void **state) {
        World *world = *state;

        world->script = script_second_dies;
        for (Operation operation = 0; operation < _OPERATION_MAX; operation++) {
                unsigned n = 2 * (unsigned)operation;

                assert_int_equal(world_ask(world, OPERATION_GET_SESSION)->outcome, API_OK);
                assert_int_equal(world_ask(world, operation)->outcome, API_NO_ANSWER);
                CASE(operation_name(operation), world->n_requests == n + 2);
                /* A creation has a connection of its own; else this would prove nothing. */
                CASE(operation_name(operation),
                     operation_is_create(operation) ==
                             (world->connections[n] != world->connections[n + 1]));
        }
        assert_int_equal(world->n_posts, 2);
}

/* The first connection dies while it is idle: nobody has read anything, so it is not an attempt. */
static void test_idle_connection_dies(void **state) {
        World *world = *state;

        world->reply = (Reply){ .text = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n"
                                        "Connection: keep-alive\r\n\r\n{\"id\":\"S\"}",
                                .close = true };
        for (unsigned i = 0; i < 4; i++) {
                assert_int_equal(world_ask(world, OPERATION_GET_SESSION)->outcome, API_OK);
                world_await_open(world, 0);
        }
        assert_int_equal(world->n_requests, 4);
}

static void test_headers(void **state) {
        World *world = *state;
        const char *get, *post;

        world->reply = (Reply){ .text = SESSION };
        world_ask(world, OPERATION_GET_SESSION);
        world_ask(world, OPERATION_CREATE_SESSION);
        get = world->requests[0];
        post = world->requests[1];

        assert_true(strstr(get, "GET /v1/accounts/9900000/sessions/S HTTP/1.1\r\n") == get);
        assert_non_null(strstr(get, "\r\nAuthorization: Basic dXNlcjpwYXNzOndvcmQ=\r\n"));
        assert_non_null(strstr(get, "\r\nUser-Agent: convened/" PACKAGE_VERSION "\r\n"));
        assert_non_null(strstr(get, "\r\nAccept: application/json\r\n"));
        assert_null(strcasestr(get, "Accept-Encoding"));
        assert_null(strcasestr(get, "Content-Type"));

        assert_true(strstr(post, "POST /v1/accounts/9900000/sessions HTTP/1.1\r\n") == post);
        assert_non_null(strstr(post, "\r\nContent-Type: application/json\r\n"));
        assert_non_null(strstr(post, "\r\nContent-Length: 15\r\n"));
        assert_null(strcasestr(post, "Expect"));
        assert_non_null(strstr(post, "\r\n\r\n{\"tag\":\"a tag\"}"));
}

static void test_request_ids(void **state) {
        World *world = *state;
        const Heard *heard;

        world->reply = (Reply){ .text = "HTTP/1.1 200 OK\r\nX-Amzn-RequestId: from-head\r\n"
                                        "Content-Length: 10\r\n\r\n{\"id\":\"S\"}" };
        heard = world_ask(world, OPERATION_GET_SESSION);
        assert_string_equal(heard->request_id, "from-head");
        world->reply = (Reply){ .text = "HTTP/1.1 500 X\r\nx-amzn-requestid: from-head\r\n"
                                        "Content-Length: 39\r\n\r\n"
                                        "{\"error\":\"bad\",\"requestId\":\"from-body\"}" };
        heard = world_ask(world, OPERATION_GET_SESSION);
        assert_string_equal(heard->request_id, "from-body");
        assert_string_equal(heard->message, "bad");
        world->reply = (Reply){ .text = STATUS("500 X") };
        assert_string_equal(world_ask(world, OPERATION_GET_SESSION)->request_id, "");
}

/* Whatever a server throws back at us, nobody reads it. */
static void test_secrets(void **state) {
        static const char *const texts[] = {
                "HTTP/1.1 400 X\r\nConnection: close\r\n\r\n{\"error\":\"not pass:word!\"}",
                "HTTP/1.1 400 X\r\nConnection: close\r\n\r\n{\"error\":\"not p\\u0061ss:word\"}",
                "HTTP/1.1 400 X\r\nConnection: close\r\n\r\n"
                "{\"error\":\"Basic dXNlcjpwYXNzOndvcmQ=\",\"requestId\":\"pass:word\"}",
                "HTTP/1.1 302 X\r\nConnection: close\r\nx-amzn-requestid: pass:word\r\n"
                "Location: http://user:pass:word@127.0.0.1/\r\n\r\n",
        };
        World *world = *state;

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                const Heard *heard;

                world->reply = (Reply){ .text = texts[i], .close = true };
                heard = world_ask(world, OPERATION_GET_SESSION);
                CASE(texts[i], strncmp(heard->message, "HTTP ", 5) == 0);
                CASE(texts[i], !strstr(heard->message, "word") && !strstr(heard->message, "dXN"));
                CASE(texts[i], streq(heard->request_id, ""));
        }
}

/* @n bytes: @head, then filled up. */
static char *fill(const char *head, const char *piece, size_t n) {
        char *text = malloc(n);
        size_t size = strlen(piece), at = strlen(head);

        memcpy(text, head, at);
        for (size_t i = 0; at < n; i++)
                text[at++] = piece[i % size];
        return text;
}

static void test_floods(void **state) {
        static const struct {
                const char *name;
                Operation operation;
                const char *head, *piece;
                size_t n;
                ApiOutcome expect;
        } cases[] = {
                { "a body without an end", OPERATION_GET_SESSION, "HTTP/1.1 200 OK\r\n\r\n", "[",
                  5U << 20U, API_NOT_UNDERSTOOD },
                { "one with a length", OPERATION_CREATE_SESSION,
                  "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", " ", 5U << 20U,
                  API_NOT_UNDERSTOOD },
                { "that nobody reads", OPERATION_DELETE_SESSION, "HTTP/1.1 200 OK\r\n\r\n", "[",
                  5U << 20U, API_OK },
                { "of an error", OPERATION_GET_SESSION, "HTTP/1.1 500 X\r\n\r\n", "x", 5U << 20U,
                  API_BROKEN },
                { "of a 404 that proves nothing", OPERATION_GET_SESSION,
                  "HTTP/1.1 404 X\r\n\r\n{\"error\":\"", "x", 5U << 20U, API_REFUSED },
                { "a head without an end", OPERATION_GET_SESSION, "HTTP/1.1 200 OK\r\n",
                  "X-Y: 012345678901234567890123456789012345678901234567890123456789\r\n",
                  1U << 20U, API_NOT_UNDERSTOOD },
                { "hints without an end", OPERATION_CREATE_SESSION, "",
                  "HTTP/1.1 103 Early Hints\r\nLink: 0123456789012345678901234567890\r\n\r\n",
                  1U << 20U, API_NO_ANSWER },
                { "a line without an end", OPERATION_GET_SESSION, "HTTP/1.1 200 OK\r\nX: ", "y",
                  1U << 20U, API_NO_ANSWER },
        };
        World *world = *state;
        char *texts[ELEMENTSOF(cases)];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const Heard *heard;

                texts[i] = fill(cases[i].head, cases[i].piece, cases[i].n);
                world->reply = (Reply){ .text = texts[i], .n = cases[i].n, .close = true };
                heard = world_ask(world, cases[i].operation);
                if (heard->outcome != cases[i].expect)
                        fail_msg("%s: %d %s", cases[i].name, heard->outcome, heard->message);
        }
        world->server = http_server_free(world->server);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                free(texts[i]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_replies, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(test_foreign, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(test_retry_after, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(test_dead_connection, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(test_idle_connection_dies, world_setup,
                                                world_teardown),
                cmocka_unit_test_setup_teardown(test_headers, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(test_request_ids, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(test_secrets, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(test_floods, world_setup, world_teardown),
        };

        return cmocka_run_group_tests_name("api", tests, NULL, NULL);
}
