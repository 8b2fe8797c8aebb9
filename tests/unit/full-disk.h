/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A bench whose disk has no room for a while. */

#include "unit/bench.h"
#include "unit/intents.h"

/* After which room is looked for again, whatever happened. */
#define BENCH_ROOM_SPAN (10 * USEC_PER_SEC)

/* The outcome of the last call. */
int bench_last_reply(const Bench *bench);

bool bench_is_full(const Bench *bench);
bool bench_is_held(const Bench *bench);
/* There is room, and it is found. */
void bench_room_again(Bench *bench);
