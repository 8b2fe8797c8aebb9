/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The API's room and a server that it talks to, on one event loop. */

#include "api/api.h"
#include "unit/http-server.h"

#define WORLD_REQUESTS_MAX 64

typedef struct World World;

/* What is said to the n-th request (from 0); NULL: the world's .reply. */
typedef void (*WorldScript)(World *world, unsigned n, Reply *reply);

/* What the last answer said: a copy. */
typedef struct Heard {
        unsigned n; /* answers */
        uint64_t serial;
        ApiOutcome outcome;
        unsigned status;
        bool has_retry_after, dropped, foreign;
        usec_t retry_after_usec;
        char message[512], request_id[512], token[512];
        ApiId id;
        size_t n_sightings;
} Heard;

struct World {
        sd_event *event;
        HttpServer *server;
        Api *api;
        ApiConfig config;
        char base_url[64];
        Reply reply;
        WorldScript script;
        unsigned n_requests, n_posts;
        char *requests[WORLD_REQUESTS_MAX];
        unsigned connections[WORLD_REQUESTS_MAX];
        Heard heard;
        Request next; /* sent from inside the next answer's handler, where .serial is not 0 */
        bool sending;
};

/* In cmocka's manner: makes a World of *state, and frees it. */
int world_setup(void **state);
int world_teardown(void **state);

/* A request of that operation, for session S and participant P; valid until the next call. */
const Request *world_request(Operation operation);

/* Runs the loop until so many answers have come in all; fails the test after ten seconds. */
void world_await(World *world, unsigned n_answers);

/* Sends one, and waits for its answer. */
const Heard *world_ask(World *world, Operation operation);

/* Runs the loop until the server has no more than so many open connections. */
void world_await_open(World *world, unsigned n_open);
/* Runs the loop until so many requests have come in all. */
void world_await_requests(World *world, unsigned n_requests);
