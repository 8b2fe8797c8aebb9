/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/tombstone.h"

#include <errno.h>

#include "core/batch.h"

static int tombstone_compare_id(const Tombstone *a, const Tombstone *b) {
        int order = (int)a->kind - (int)b->kind;

        return order ?: api_id_compare(&a->id, &b->id);
}

static int tombstone_compare_age(const Tombstone *a, const Tombstone *b) {
        if (a->forget_at != b->forget_at)
                return a->forget_at < b->forget_at ? -1 : 1;
        return tombstone_compare_id(a, b);
}

RB_GENERATE(TombstonesById, Tombstone, by_id, tombstone_compare_id);
RB_GENERATE(TombstonesByAge, Tombstone, by_age, tombstone_compare_age);

void tombstones_init(Tombstones *tombstones) {
        RB_INIT(&tombstones->by_id);
        RB_INIT(&tombstones->by_age);
}

void tombstones_deinit(Tombstones *tombstones) {
        Tombstone *tombstone;

        while ((tombstone = RB_ROOT(&tombstones->by_id)))
                tombstones_drop(tombstones, tombstone);
}

int tombstones_put(Tombstones *tombstones, const Tombstone *tombstone) {
        Tombstone *copy = malloc(sizeof(*copy));
        Tombstone *before;

        if (!copy)
                return -ENOMEM;
        *copy = *tombstone;
        before = tombstones_find(tombstones, copy->kind, &copy->id);
        if (before)
                tombstones_drop(tombstones, before);
        RB_INSERT(TombstonesById, &tombstones->by_id, copy);
        RB_INSERT(TombstonesByAge, &tombstones->by_age, copy);
        return 0;
}

Tombstone *tombstones_find(const Tombstones *tombstones, Kind kind, const ApiId *id) {
        Tombstone key = { .kind = kind, .id = *id };

        return RB_FIND(TombstonesById, (struct TombstonesById *)&tombstones->by_id, &key);
}

void tombstones_drop(Tombstones *tombstones, Tombstone *tombstone) {
        RB_REMOVE(TombstonesById, &tombstones->by_id, tombstone);
        RB_REMOVE(TombstonesByAge, &tombstones->by_age, tombstone);
        free(tombstone);
}

void tombstones_prune(Tombstones *tombstones, usec_t boottime) {
        Tombstone *oldest;

        while ((oldest = RB_MIN(TombstonesByAge, &tombstones->by_age)) &&
               oldest->forget_at < boottime)
                tombstones_drop(tombstones, oldest);
}
