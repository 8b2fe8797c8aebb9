/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Ids that were deleted, or found gone, within the last 24 hours: a late answer must not bring them
 * back. The store has them too; what is in memory dies with the process. Private to core/.
 */

#include <bsd/sys/tree.h>

#include "core/row.h"

typedef struct Tombstone {
        RB_ENTRY(Tombstone) by_id, by_age;
        Kind kind;
        ApiId id;
        usec_t forget_at; /* CLOCK_BOOTTIME: nobody who sets the time brings it back */
        uint64_t serial;  /* requests up to this one were decided before; 0: restored */
} Tombstone;

RB_HEAD(TombstonesById, Tombstone);
RB_HEAD(TombstonesByAge, Tombstone);

typedef struct Tombstones {
        struct TombstonesById by_id;
        struct TombstonesByAge by_age;
} Tombstones;

RB_PROTOTYPE(TombstonesById, Tombstone, by_id, tombstone_compare_id);
RB_PROTOTYPE(TombstonesByAge, Tombstone, by_age, tombstone_compare_age);

void tombstones_init(Tombstones *tombstones);
void tombstones_deinit(Tombstones *tombstones);

/* One that is there is replaced. Return: 0, -ENOMEM. */
int tombstones_put(Tombstones *tombstones, const Tombstone *tombstone);
/* NULL: there is none. */
Tombstone *tombstones_find(const Tombstones *tombstones, Kind kind, const ApiId *id);
void tombstones_drop(Tombstones *tombstones, Tombstone *tombstone);
/* Drops those whose time is over at @boottime. */
void tombstones_prune(Tombstones *tombstones, usec_t boottime);
