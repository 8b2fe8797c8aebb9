/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A simulator without a network, whose clock stands still unless a test moves it. */

#include "unit/unit.h"

#include <stdio.h>

#include "base/text.h"
#include "simulator/simulator.h"

#define ACCOUNT       "/v1/accounts/9900000"
#define AUTHORIZATION "Basic dXNlcjpwYXNzd29yZA==" /* user:password */

typedef struct Bench {
        Settings settings;
        Simulator simulator;
        Now now;
        Reply reply; /* to the last request */
        char id[2][UUID_LENGTH + 1];
} Bench;

static inline void bench_init(Bench *bench, Settings settings) {
        settings.account = "9900000";
        settings.credentials = "user:password";
        if (settings.session_lifetime_usec == 0)
                settings.session_lifetime_usec = 9 * USEC_PER_HOUR;
        if (settings.participant_lifetime_usec == 0)
                settings.participant_lifetime_usec = 9 * USEC_PER_HOUR;
        *bench = (Bench){
                .settings = settings,
                .now = { .boottime = USEC_PER_SEC, .realtime = 1000000 * USEC_PER_SEC },
        };
        assert_int_equal(simulator_init(&bench->simulator, &bench->settings, 1, bench->now), 0);
}

static inline void bench_deinit(Bench *bench) {
        reply_deinit(&bench->reply);
        simulator_deinit(&bench->simulator);
}

static inline void bench_advance(Bench *bench, usec_t span) {
        bench->now.boottime += span;
        bench->now.realtime += span;
}

/* Sends a request as it is. Return: the status of its answer. */
static inline unsigned bench_send(Bench *bench, const Request *request) {
        reply_deinit(&bench->reply);
        bench->reply = (Reply){ 0 };
        assert_int_equal(simulator_answer(&bench->simulator, request, bench->now, &bench->reply),
                         0);
        return bench->reply.answer.status;
}

/* Sends one with good credentials; body NULL for none. Return: the status of its answer. */
static inline unsigned bench_ask(Bench *bench, const char *method, const char *target,
                                 const char *body) {
        Request request = {
                .connection = 1,
                .method = method,
                .target = target,
                .authorization = AUTHORIZATION,
                .body = body,
                .n_body = body ? strlen(body) : 0,
        };

        return bench_send(bench, &request);
}

static inline const char *bench_body(const Bench *bench) {
        return bench->reply.answer.body.text ? bench->reply.answer.body.text : "";
}

static inline bool bench_says(const Bench *bench, const char *text) {
        return strstr(bench_body(bench), text);
}

/* The first id in the last answer. */
static inline void bench_take_id(const Bench *bench, char ret[static UUID_LENGTH + 1]) {
        const char *id = strstr(bench_body(bench), "\"id\":\"");

        assert_non_null(id);
        snprintf(ret, UUID_LENGTH + 1, "%s", id + strlen("\"id\":\""));
}

/* Like printf(), into one of a few places that are used in turn: a path below the account. */
static inline const char *bench_path(const char *format, ...) {
        static char paths[4][512];
        static unsigned turn;
        char *path = paths[turn++ % ELEMENTSOF(paths)];
        va_list arguments;

        va_start(arguments, format);
        strcpy(path, ACCOUNT);
        vsnprintf(path + strlen(ACCOUNT), sizeof(paths[0]) - strlen(ACCOUNT), format, arguments);
        va_end(arguments);
        return path;
}

/* A session, then a participant: their ids are in bench->id. */
static inline void bench_create(Bench *bench) {
        assert_int_equal(bench_ask(bench, "POST", ACCOUNT "/sessions", NULL), 200);
        bench_take_id(bench, bench->id[0]);
        assert_int_equal(bench_ask(bench, "POST", ACCOUNT "/participants", NULL), 200);
        bench_take_id(bench, bench->id[1]);
}
