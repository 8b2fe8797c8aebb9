/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What happens to the machine around the daemon: it sleeps and wakes up. Before it sleeps nothing
 * new is sent, and what is in flight is waited for, so that nothing is cut in half; after it,
 * whatever was known of the way to the API is forgotten.
 */

#include "base/time.h"
#include "core/core.h"
#include "daemon/sleep.h"

typedef struct Daemon Daemon;

typedef struct World {
        Sleep *sleep;
        usec_t asleep; /* how long the machine has slept since it was booted */
} World;

/* Begins to watch. Return: 0, or a negative errno. */
int world_open(Daemon *daemon);
void world_close(Daemon *daemon);

/* The end of a turn: whether the machine may sleep, or has slept without telling. */
void world_turn(Daemon *daemon, const CoreStatus *status);
