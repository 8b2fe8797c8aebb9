/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What happens to the machine around the daemon: it sleeps and wakes up, it is taken from one
 * network to another. Before it sleeps nothing new is sent, and what is in flight is waited for, so
 * that nothing is cut in half; after either, whatever was known of the way to the API is forgotten.
 */

#include "base/time.h"
#include "core/core.h"
#include "daemon/calm.h"
#include "daemon/network.h"
#include "daemon/resolver.h"
#include "daemon/sleep.h"

typedef struct Daemon Daemon;

typedef struct World {
        Sleep *sleep;
        usec_t asleep; /* how long the machine has slept since it was booted */
        Network *network;
        Resolver *resolver;
        Calm calm;            /* of the two */
        const char *changed;  /* what has, for people */
        sd_event_source *due; /* of .calm */
        uint64_t seed;        /* for jitter */
} World;

/* Begins to watch. Return: 0, or a negative errno. */
int world_open(Daemon *daemon);
void world_close(Daemon *daemon);

/* The beginning of a turn: whether the machine has slept and nobody told, because logind is missing
 * or was too late. */
void world_look(Daemon *daemon);

/* The end of a turn: whether the machine may sleep. */
void world_turn(Daemon *daemon, const CoreStatus *status);
