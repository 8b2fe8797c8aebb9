/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A bench whose disk has no room for a while, and the intents that meet it. */

#include "unit/bench.h"

/* After which room is looked for again, whatever happened. */
#define BENCH_ROOM_SPAN (10 * USEC_PER_SEC)

Intent intent_create(Kind kind, bool wait);
Intent intent_change(IntentKind kind, uint64_t participant, uint64_t session, bool wait);
Intent intent_delete(Kind kind, uint64_t number, bool wait);

/* The outcome of the last call. */
int bench_last_reply(const Bench *bench);

bool bench_is_full(const Bench *bench);
bool bench_is_held(const Bench *bench);
/* There is room, and it is found. */
void bench_room_again(Bench *bench);
