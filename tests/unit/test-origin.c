/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/text.h"
#include "unit/api-world.h"

/* The address sanitizer keeps its memory elsewhere. */
#if defined(__SANITIZE_ADDRESS__)
#define HAS_HEAP false
#elif defined(__has_feature)
#define HAS_HEAP !__has_feature(address_sanitizer)
#else
#define HAS_HEAP true
#endif

#define SESSION "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{\"id\":\"S\"}"

static void reply_never(World *world, unsigned n, Reply *reply) {
        (void)world;
        (void)n;
        *reply = (Reply){ 0 };
}

static void ignore_answer(const Answer *answer, void *userdata) {
        (void)answer;
        (void)userdata;
}

static void test_bad_configurations(void **state) {
        static const struct {
                const char *name, *base_url, *account_id;
                unsigned connections_max;
                usec_t timeout_usec;
                int expect;
        } cases[] = {
                { "good", "https://api.example.net/v1", "99", 1, 1, 0 },
                { "good, with a slash", "https://api.example.net/v1/", "99", 1, 1, 0 },
                { "good, with a port", "http://127.0.0.1:8080/v1", "a-b_C", 1, 1, 0 },
                { "no URL", NULL, "99", 1, 1, -EINVAL },
                { "an empty URL", "", "99", 1, 1, -EINVAL },
                { "no scheme", "api.example.net/v1", "99", 1, 1, -EINVAL },
                { "another scheme", "ftp://api.example.net/v1", "99", 1, 1, -EINVAL },
                { "a file", "file:///etc/passwd", "99", 1, 1, -EINVAL },
                { "a password in it", "https://a:b@api.example.net/v1", "99", 1, 1, -EINVAL },
                { "a query", "https://api.example.net/v1?x=y", "99", 1, 1, -EINVAL },
                { "a fragment", "https://api.example.net/v1#x", "99", 1, 1, -EINVAL },
                { "a space", "https://api.example.net/v 1", "99", 1, 1, -EINVAL },
                { "a line break", "https://api.example.net/v1\r\nX: y", "99", 1, 1, -EINVAL },
                { "no account", "https://api.example.net/v1", NULL, 1, 1, -EINVAL },
                { "an empty account", "https://api.example.net/v1", "", 1, 1, -EINVAL },
                { "dots for an account", "https://api.example.net/v1", "..", 1, 1, -EINVAL },
                { "a path for an account", "https://api.example.net/v1", "9/9", 1, 1, -EINVAL },
                { "no connections", "https://api.example.net/v1", "99", 0, 1, -EINVAL },
                { "no time", "https://api.example.net/v1", "99", 1, 0, -EINVAL },
                { "all the time there is", "https://api.example.net/v1", "99", 1, USEC_NEVER, 0 },
        };
        World *world = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP(api_freep) Api *api = NULL;
                ApiConfig config = { .base_url = cases[i].base_url,
                                     .account_id = cases[i].account_id,
                                     .connect_timeout_usec = cases[i].timeout_usec,
                                     .request_timeout_usec = cases[i].timeout_usec,
                                     .connections_max = cases[i].connections_max };

                CASE(cases[i].name,
                     api_new(&api, world->event, &config, ignore_answer, NULL) == cases[i].expect);
                CASE(cases[i].name, !api == (cases[i].expect < 0));
                CASE(cases[i].name, api_configure(world->api, &config) == cases[i].expect);
        }
}

static void test_not_taken(void **state) {
        World *world = *state;
        Request request = *world_request(OPERATION_GET_SESSION);

        request.session = (ApiId){ 0 };
        assert_int_equal(api_send(world->api, &request), -EINVAL);

        world->config.password = NULL;
        assert_int_equal(api_configure(world->api, &world->config), 0);
        assert_int_equal(api_send(world->api, world_request(OPERATION_GET_SESSION)), -ENOKEY);
        world->config.password = "again";
        assert_int_equal(api_configure(world->api, &world->config), 0);
        world->reply = (Reply){ .text = SESSION };
        world_ask(world, OPERATION_GET_SESSION);
        assert_int_equal(world->n_requests, 1);
        assert_non_null(strstr(world->requests[0], "Basic dXNlcjphZ2Fpbg==\r\n"));
}

static void test_trailing_slashes(void **state) {
        World *world = *state;
        char url[80];

        snprintf(url, sizeof(url), "%s//", world->base_url);
        world->config.base_url = url;
        assert_int_equal(api_configure(world->api, &world->config), 0);
        world->reply = (Reply){ .text = SESSION };
        world_ask(world, OPERATION_GET_SESSION);
        assert_true(strstr(world->requests[0], "GET /v1/accounts/") == world->requests[0]);
}

/* Equal configurations too: what was connected is dropped, what is under way comes to its end. */
static void test_configure_drops_connections(void **state) {
        World *world = *state;

        world->reply = (Reply){ .text = SESSION };
        world_ask(world, OPERATION_GET_SESSION);
        world_ask(world, OPERATION_GET_SESSION);
        assert_int_equal(world->connections[0], world->connections[1]);
        assert_int_equal(api_configure(world->api, &world->config), 0);
        world_await_open(world, 0);
        world_ask(world, OPERATION_GET_SESSION);
        assert_int_not_equal(world->connections[1], world->connections[2]);
}

static void test_configure_in_flight(void **state) {
        World *world = *state;
        ApiConfig elsewhere = world->config;

        world->reply = (Reply){ .text = SESSION };
        assert_int_equal(api_send(world->api, world_request(OPERATION_GET_SESSION)), 0);
        elsewhere.base_url = "http://127.0.0.1:1/v1";
        assert_int_equal(api_configure(world->api, &elsewhere), 0);
        world_await(world, 1);
        assert_int_equal(world->heard.outcome, API_OK);
        world_await_open(world, 0);
        assert_int_equal(world_ask(world, OPERATION_GET_SESSION)->outcome, API_NOT_SENT);
        assert_int_equal(world->n_requests, 1);
}

/* What can be asked again comes back at once; what can't be, when it ends. */
static void test_renew(void **state) {
        World *world = *state;

        world->script = reply_never;
        assert_int_equal(api_send(world->api, world_request(OPERATION_CREATE_SESSION)), 0);
        world_await_requests(world, 1);
        assert_int_equal(api_send(world->api, world_request(OPERATION_GET_SESSION)), 0);
        world_await_requests(world, 2);
        assert_int_equal(api_renew(world->api), 0);
        assert_int_equal(world->heard.n, 0);
        world_await(world, 1);
        assert_true(world->heard.dropped);
        assert_int_equal(world->heard.outcome, API_NO_ANSWER);

        world->script = NULL;
        world->reply = (Reply){ .text = SESSION };
        assert_int_equal(world_ask(world, OPERATION_GET_SESSION)->outcome, API_OK);
        assert_false(world->heard.dropped);
        assert_int_not_equal(world->connections[2], world->connections[0]);
        assert_int_not_equal(world->connections[2], world->connections[1]);
        world_await_open(world, 2); /* the creation's is one of them */
}

/* Nothing of it has gone out: a creation too. */
static void test_renew_before_it_is_sent(void **state) {
        World *world = *state;

        world->reply = (Reply){ .text = SESSION };
        assert_int_equal(api_send(world->api, world_request(OPERATION_CREATE_SESSION)), 0);
        assert_int_equal(api_renew(world->api), 0);
        world_await(world, 1);
        assert_true(world->heard.dropped);
        assert_int_equal(world->heard.outcome, API_NOT_SENT);
        assert_int_equal(world->n_requests, 0);
        assert_int_equal(world_ask(world, OPERATION_CREATE_SESSION)->outcome, API_OK);
}

static void test_free_in_flight(void **state) {
        World *world = *state;

        world->script = reply_never;
        for (Operation operation = 0; operation < _OPERATION_MAX; operation++)
                assert_int_equal(api_send(world->api, world_request(operation)), 0);
        world_await_requests(world, 2);
        assert_int_equal(api_configure(world->api, &world->config), 0);
        assert_int_equal(api_send(world->api, world_request(OPERATION_GET_SESSION)), 0);
        world->api = api_free(world->api);
        world_await_open(world, 0);
        assert_int_equal(world->heard.n, 0);
}

static void test_send_from_handler(void **state) {
        World *world = *state;

        world->reply = (Reply){ .text = SESSION };
        world->next = *world_request(OPERATION_GET_SESSION);
        assert_int_equal(api_send(world->api, world_request(OPERATION_GET_SESSION)), 0);
        world_await(world, 2);
        assert_int_equal(world->n_requests, 2);
}

static void test_refused_connection(void **state) {
        World *world = *state;
        const Heard *heard;

        world->config.base_url = "http://127.0.0.1:1/v1";
        assert_int_equal(api_configure(world->api, &world->config), 0);
        heard = world_ask(world, OPERATION_CREATE_SESSION);
        assert_int_equal(heard->outcome, API_NOT_SENT);
        assert_int_equal(heard->status, 0);
        assert_non_null(strstr(heard->message, "127.0.0.1"));
}

static void test_request_timeout(void **state) {
        World *world = *state;

        world->script = reply_never;
        world->config.request_timeout_usec = 50 * USEC_PER_MSEC;
        assert_int_equal(api_configure(world->api, &world->config), 0);
        assert_int_equal(world_ask(world, OPERATION_CREATE_SESSION)->outcome, API_NO_ANSWER);
        assert_int_equal(world->n_posts, 1);

        /* One turn of the loop ends them all. */
        for (unsigned i = 0; i < 4; i++)
                assert_int_equal(api_send(world->api, world_request(OPERATION_GET_SESSION)), 0);
        world_await(world, 5);
}

static void on_hello(const char *request, unsigned connection, Reply *reply, void *userdata) {
        (void)request;
        (void)connection;
        *reply = *(Reply *)userdata;
}

/* A handshake that fails in any way: nothing of the request has gone out. */
static void test_no_handshake(void **state) {
        static const struct {
                const char *name;
                Reply reply;
        } cases[] = {
                { "no TLS at all", { .text = "HTTP/1.1 400 Bad Request\r\n\r\n", .close = true } },
                { "closed", { .close = true } },
                { "an alert", { .text = "\x15\x03\x03\x00\x02\x02\x28", .n = 7, .close = true } },
                { "silence", { 0 } },
        };
        World *world = *state;
        Reply reply = { 0 };
        HttpServer *server = http_server_new(world->event, true, on_hello, &reply);
        char url[64];

        snprintf(url, sizeof(url), "https://127.0.0.1:%u/v1", http_server_port(server));
        world->config.base_url = url;
        world->config.connect_timeout_usec = 100 * USEC_PER_MSEC;
        assert_int_equal(api_configure(world->api, &world->config), 0);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                reply = cases[i].reply;
                CASE(cases[i].name,
                     world_ask(world, OPERATION_CREATE_SESSION)->outcome == API_NOT_SENT);
        }
        http_server_free(server);
}

/* Neither a proxy nor a password comes from the environment. */
static void test_environment(void **state) {
        static const char *const names[] = { "http_proxy",  "HTTP_PROXY", "https_proxy",
                                             "HTTPS_PROXY", "all_proxy",  "ALL_PROXY" };
        World *world = *state;
        char home[] = "/tmp/convened-test-XXXXXX", path[64];
        const char *before = getenv("HOME");
        int fd;

        assert_non_null(mkdtemp(home));
        snprintf(path, sizeof(path), "%s/.netrc", home);
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_true(dprintf(fd, "machine 127.0.0.1 login evil password evil\n") > 0);
        close(fd);
        setenv("HOME", home, 1);
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                setenv(names[i], "http://127.0.0.1:1", 1);

        world->reply = (Reply){ .text = SESSION };
        assert_int_equal(world_ask(world, OPERATION_GET_SESSION)->outcome, API_OK);
        assert_non_null(strstr(world->requests[0], "Basic dXNlcjpwYXNzOndvcmQ=\r\n"));

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                unsetenv(names[i]);
        setenv("HOME", before ? before : "/", 1);
        unlink(path);
        rmdir(home);
}

/* The one that is configured is used, and for everything. */
static void test_proxy(void **state) {
        World *world = *state;
        char proxy[64];

        snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", http_server_port(world->server));
        world->config.proxy = proxy;
        world->config.base_url = "http://127.0.0.1:1/v1";
        setenv("no_proxy", "*", 1);
        assert_int_equal(api_configure(world->api, &world->config), 0);
        world->reply = (Reply){ .text = SESSION };
        assert_int_equal(world_ask(world, OPERATION_GET_SESSION)->outcome, API_OK);
        unsetenv("no_proxy");
        assert_true(strstr(world->requests[0], "GET http://127.0.0.1:1/v1/accounts/") ==
                    world->requests[0]);
}

/* What a proxy does with CONNECT is no answer of the API; nothing was sent there. */
static void test_proxy_refuses_tunnel(void **state) {
        static const Reply replies[] = {
                { .text = "HTTP/1.1 407 X\r\nProxy-Authenticate: Basic\r\n"
                          "Content-Length: 0\r\n\r\n" },
                { .text = "HTTP/1.1 502 X\r\nContent-Length: 0\r\n\r\n", .close = true },
                { .text = "HTTP/1.1 200 X\r\n\r\n", .close = true },
                { .close = true },
        };
        World *world = *state;
        char proxy[64];

        snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", http_server_port(world->server));
        world->config.proxy = proxy;
        world->config.base_url = "https://127.0.0.1:1/v1";
        assert_int_equal(api_configure(world->api, &world->config), 0);
        for (size_t i = 0; i < ELEMENTSOF(replies); i++) {
                const Heard *heard;

                world->reply = replies[i];
                heard = world_ask(world, OPERATION_CREATE_SESSION);
                assert_int_equal(heard->outcome, API_NOT_SENT);
                assert_true(strstr(world->requests[i], "CONNECT ") == world->requests[i]);
                assert_null(strstr(world->requests[i], "\r\nAuthorization"));
        }
}

/* Never more connections than that, and nobody waits for ever: a creation, which needs a new one,
 * takes the place of one that is idle. */
static void test_few_connections(void **state) {
        World *world = *state;

        world->reply = (Reply){ .text = SESSION };
        for (unsigned max = 1; max <= 2; max++) {
                world->config.connections_max = max;
                assert_int_equal(api_configure(world->api, &world->config), 0);
                world_await_open(world, 0);
                for (unsigned i = 0; i < 10; i++)
                        assert_int_equal(
                                api_send(world->api,
                                         world_request(i % 2 == 0 ? OPERATION_GET_SESSION
                                                                  : OPERATION_CREATE_SESSION)),
                                0);
                world_await(world, 10 * max);
                assert_int_equal(world->heard.outcome, API_OK);
                world_await_open(world, max);
                assert_int_equal(world->n_requests, 10 * max);
        }
}

/* Whether a text stands anywhere in the heap. Takes nothing from it, to overwrite nothing there. */
static bool heap_holds(const char *text) {
        static char maps[65536];
        int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
        size_t n = 0;
        ssize_t r;
        char *line, *end;
        uintptr_t from, to;

        assert_true(fd >= 0);
        while ((r = read(fd, maps + n, sizeof(maps) - 1 - n)) > 0)
                n += (size_t)r;
        close(fd);
        maps[n] = 0;
        line = strstr(maps, "[heap]");
        assert_non_null(line);
        while (line > maps && line[-1] != '\n')
                line--;
        from = strtoul(line, &end, 16);
        to = strtoul(end + 1, NULL, 16);
        return memmem((void *)from, to - from, text, strlen(text));
}

/* Neither in use nor given back. */
static void test_no_secret_left(void **state) {
        static const char token[] = "t0k3n-of-some-length.that.is-not-to-be-found";
        static const char reply[] = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
                                    "{\"participant\":{\"id\":\"P\"},\"token\":"
                                    "\"t0k3n-of-some-length.that.is-not-to-be-found\"}";
        World *world = *state;
        const Heard *heard;

        if (!HAS_HEAP)
                skip();
        world->config.password = "canary-of-some-length-too";
        assert_int_equal(api_configure(world->api, &world->config), 0);
        world->reply = (Reply){ .text = reply, .close = true };
        heard = world_ask(world, OPERATION_CREATE_PARTICIPANT);
        assert_string_equal(heard->token, token);
        assert_true(heap_holds(token));
        explicit_bzero(&world->heard, sizeof(world->heard));
        /* The beginning may go when memory is given back. */
        assert_false(heap_holds(token + 16));

        assert_true(heap_holds(world->config.password));
        world->api = api_free(world->api);
        assert_false(heap_holds(world->config.password + 16));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_bad_configurations, world_setup,
                                                world_teardown),
                cmocka_unit_test_setup_teardown(test_not_taken, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(test_trailing_slashes, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(test_configure_drops_connections, world_setup,
                                                world_teardown),
                cmocka_unit_test_setup_teardown(test_configure_in_flight, world_setup,
                                                world_teardown),
                cmocka_unit_test_setup_teardown(test_renew, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(test_renew_before_it_is_sent, world_setup,
                                                world_teardown),
                cmocka_unit_test_setup_teardown(test_free_in_flight, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(test_send_from_handler, world_setup,
                                                world_teardown),
                cmocka_unit_test_setup_teardown(test_refused_connection, world_setup,
                                                world_teardown),
                cmocka_unit_test_setup_teardown(test_request_timeout, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(test_no_handshake, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(test_environment, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(test_proxy, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(test_proxy_refuses_tunnel, world_setup,
                                                world_teardown),
                cmocka_unit_test_setup_teardown(test_few_connections, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(test_no_secret_left, world_setup, world_teardown),
        };

        return cmocka_run_group_tests_name("origin", tests, NULL, NULL);
}
