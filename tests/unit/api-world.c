/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/unit.h"

#include "unit/api-world.h"

#include <stdio.h>
#include <time.h>

#define PATIENCE_SEC 10

static void world_on_request(const char *request, unsigned connection, Reply *reply,
                             void *userdata) {
        World *world = userdata;
        unsigned n = world->n_requests;

        assert_true(n < WORLD_REQUESTS_MAX);
        world->requests[n] = strdup(request);
        world->connections[n] = connection;
        world->n_requests++;
        world->n_posts += strncmp(request, "POST ", 5) == 0;
        *reply = world->reply;
        if (world->script)
                world->script(world, n, reply);
}

static void world_on_answer(const Answer *answer, void *userdata) {
        World *world = userdata;
        Heard *heard = &world->heard;

        assert_false(world->sending);
        heard->n++;
        heard->serial = answer->serial;
        heard->outcome = answer->outcome;
        heard->status = answer->status;
        heard->dropped = answer->dropped;
        heard->has_retry_after = answer->has_retry_after;
        heard->foreign = answer->foreign;
        heard->retry_after_usec = answer->retry_after_usec;
        heard->id = answer->id;
        heard->n_sightings = answer->n_sightings;
        snprintf(heard->message, sizeof(heard->message), "%s", answer->message);
        snprintf(heard->request_id, sizeof(heard->request_id), "%s", answer->request_id);
        snprintf(heard->token, sizeof(heard->token), "%s", answer->token ? answer->token : "");

        if (world->next.serial != 0) {
                Request next = world->next;

                world->next.serial = 0;
                assert_int_equal(api_send(world->api, &next), 0);
        }
}

int world_setup(void **state) {
        World *world = calloc(1, sizeof(*world));

        assert_non_null(world);
        assert_true(sd_event_new(&world->event) >= 0);
        world->server = http_server_new(world->event, false, world_on_request, world);
        snprintf(world->base_url, sizeof(world->base_url), "http://127.0.0.1:%u/v1",
                 http_server_port(world->server));
        world->config = (ApiConfig){ .base_url = world->base_url,
                                     .account_id = "9900000",
                                     .user = "user",
                                     .password = "pass:word",
                                     .connect_timeout_usec = 5 * USEC_PER_SEC,
                                     .request_timeout_usec = 5 * USEC_PER_SEC,
                                     .connections_max = 4 };
        assert_int_equal(api_new(&world->api, world->event, &world->config, world_on_answer, world),
                         0);
        *state = world;
        return 0;
}

int world_teardown(void **state) {
        World *world = *state;

        api_free(world->api);
        http_server_free(world->server);
        for (unsigned i = 0; i < world->n_requests; i++)
                free(world->requests[i]);
        sd_event_unref(world->event);
        free(world);
        return 0;
}

const Request *world_request(Operation operation) {
        static Spec *spec;
        static Request request;
        static uint64_t serial;

        if (!spec)
                assert_int_equal(spec_new(&spec), 0);
        assert_int_equal(spec_set_text(&spec, SPEC_TAG, "a tag"), 0);
        request = (Request){ .serial = ++serial,
                             .operation = operation,
                             .session = { "S" },
                             .participant = { "P" },
                             .spec = operation_is_create(operation) ? spec : NULL };
        return &request;
}

/* One turn of the loop; fails when the time is up. */
static void world_turn(World *world, time_t until) {
        assert_true(time(NULL) <= until);
        assert_true(sd_event_run(world->event, 100 * USEC_PER_MSEC) >= 0);
}

void world_await(World *world, unsigned n_answers) {
        time_t until = time(NULL) + PATIENCE_SEC;

        while (world->heard.n < n_answers)
                world_turn(world, until);
        assert_int_equal(world->heard.n, n_answers);
}

void world_await_open(World *world, unsigned n_open) {
        time_t until = time(NULL) + PATIENCE_SEC;

        while (http_server_n_open(world->server) > n_open)
                world_turn(world, until);
}

void world_await_requests(World *world, unsigned n_requests) {
        time_t until = time(NULL) + PATIENCE_SEC;

        while (world->n_requests < n_requests)
                world_turn(world, until);
}

const Heard *world_ask(World *world, Operation operation) {
        const Request *request = world_request(operation);
        unsigned n = world->heard.n;

        world->heard = (Heard){ .n = n };
        world->sending = true;
        assert_int_equal(api_send(world->api, request), 0);
        world->sending = false;
        world_await(world, n + 1);
        assert_int_equal(world->heard.serial, request->serial);
        return &world->heard;
}
