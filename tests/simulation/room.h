/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How much room there is on the disk: spans in which it is full, drawn from a source of their own,
 * so that all else in a seed is as if there were none. */

#include "core/batch.h"
#include "simulation/random.h"

typedef enum RoomState {
        ROOM_ENOUGH,
        ROOM_RESERVE, /* what is vital finds room, mostly */
        ROOM_NONE,
        _ROOM_STATE_MAX,
} RoomState;

typedef struct Room {
        Random random;
        RoomState state;
        bool flickers; /* is full again and again */
        usec_t changes_at;
        usec_t refused_at; /* a batch, or it was not possible to say what became of one; 0: never */
} Room;

typedef struct Run Run;

void room_start(Run *run);
void room_turn(Run *run);
/* How long a commit takes at least: where there is no room much happens meanwhile. */
usec_t room_commit_usec(Run *run);
/* From now on there is room for good. */
void room_settle(Run *run);
/* Whether a batch finds no room. */
bool room_refuses(Run *run, const Batch *batch);
/* Whether the batch that is sealed now has in it what was refused, and so is the sum of several. */
bool room_delayed(const Run *run);
/* The batch on its way is refused: what was asked for in it comes to nothing. */
void room_refuse(Run *run);
