/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A bus service with its client, and what the client hears. */

#include "unit/unit.h"

#include "bus/internal.h"
#include "unit/pipe.h"

/*
 * The service on one end of a pipe and a client on the other. All that the client hears goes into
 * a transcript, a word for a thing: "+1" and "-1" objects that come and go (s: sessions, p:
 * participants), "~p1:State,Id" properties that change, "=" an empty reply, "=/path", "!Error".
 */
typedef struct Desk {
        Pipe ends;
        Core *core;
        Bus *bus;
        char transcript[4096];
        Request request; /* the last one let out, without what it owns */
        unsigned n_requests;
        uint64_t token_ticket;
        int token_error;
        int reload_result;
        const char *reload_reason;
        int error; /* what the process is to end of */
        const char *failed_at;
} Desk;

extern const BusConfig desk_config;

/* cmocka's fixtures: *state becomes a Desk. */
int desk_setup(void **state);
int desk_teardown(void **state);

/* In place of the one that is there. */
void desk_open_bus(Desk *desk, const BusConfig *with);

/* What the daemon's loop does after each event, until nothing is left to do. */
void desk_turn(Desk *desk);

/* Answers the last request, and turns. */
void desk_answer(Desk *desk, Answer with);
void desk_answer_id(Desk *desk, const char *id);

/* A call by the client, its arguments as for sd_bus_message_append(); and turns. */
void desk_call(Desk *desk, const char *path, const char *interface, const char *member,
               const char *types, ...);

#define CALL_MANAGER(member, ...)                                                                  \
        desk_call(desk, "/org/convened1", "org.convened1.Manager", member, __VA_ARGS__)
#define CALL_SESSION(number, member, ...)                                                          \
        desk_call(desk, "/org/convened1/session/" number, "org.convened1.Session", member,         \
                  __VA_ARGS__)
#define CALL_PARTICIPANT(number, member, ...)                                                      \
        desk_call(desk, "/org/convened1/participant/" number, "org.convened1.Participant", member, \
                  __VA_ARGS__)

#define P1 "/org/convened1/participant/1"
#define P2 "/org/convened1/participant/2"
#define S1 "/org/convened1/session/1"

/* Demands that the client has heard this since the last time. */
void desk_expect(Desk *desk, const char *transcript);
void desk_forget(Desk *desk);
