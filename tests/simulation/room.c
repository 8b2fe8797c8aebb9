/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulation/room.h"

#include "simulation/invariants.h"
#include "simulation/kit.h"
#include "simulation/run.h"

void room_start(Run *run) {
        Room *room = &run->room;

        random_start(&room->random, run->seed ^ 0x6469736b);
        room->flickers = random_chance(&room->random, 0.2);
        room->changes_at = random_chance(&room->random, 0.5)
                                   ? random_between(&room->random, 0, 6 * USEC_PER_HOUR)
                                   : USEC_NEVER;
}

void room_turn(Run *run) {
        Room *room = &run->room;
        Random *random = &room->random;
        const usec_t longest = random_chance(random, 0.8) ? USEC_PER_MIN : 30 * USEC_PER_MIN;

        if (room->state == ROOM_ENOUGH) {
                room->state = random_chance(random, 0.6) ? ROOM_RESERVE : ROOM_NONE;
                room->changes_at = run->now + random_between(random, USEC_PER_MSEC, longest);
        } else if (random_chance(random, 0.3)) {
                room->state = room->state == ROOM_RESERVE ? ROOM_NONE : ROOM_RESERVE;
                room->changes_at = run->now + random_between(random, USEC_PER_MSEC, longest);
        } else {
                room->state = ROOM_ENOUGH;
                room->changes_at = run->now + random_between(random, USEC_PER_SEC,
                                                             room->flickers ? 2 * USEC_PER_MIN
                                                                            : 4 * USEC_PER_HOUR);
        }
        run->tally->rooms[room->state]++;
        TRACE(run, "the disk has %s",
              room->state == ROOM_ENOUGH    ? "room"
              : room->state == ROOM_RESERVE ? "the reserve left"
                                            : "no room at all");
}

usec_t room_commit_usec(Run *run) {
        Random *random = &run->room.random;

        if (run->room.state == ROOM_ENOUGH || random_chance(random, 0.5))
                return 0;
        return random_between(random, 0, run->commit_max_usec);
}

void room_settle(Run *run) {
        run->room.state = ROOM_ENOUGH;
        run->room.changes_at = USEC_NEVER;
}

bool room_refuses(Run *run, const Batch *batch) {
        Random *random = &run->room.random;

        switch (run->room.state) {
        case ROOM_RESERVE:
                return random_chance(random, batch->vital ? 0.05 : 0.95);
        case ROOM_NONE:
                return true;
        case ROOM_ENOUGH:
                return run->room.changes_at != USEC_NEVER && !batch->vital &&
                       random_chance(random, 0.02);
        case _ROOM_STATE_MAX:
                break;
        }
        return false;
}

bool room_delayed(const Run *run) {
        return run->room.refused_at != 0 && run->room.refused_at >= run->life.sealed_at;
}

/* Whether what was asked for is not durable, and must be forgotten. */
static bool is_taken_back(const Run *run, const Batch *batch, const Call *call) {
        const Row *row = table_find(&run->disk.table, call->object, call->number);
        const Row *newest = newest_row(run, batch, call->object, call->number);

        if (call->sequence <= run->life.durable || call->kind == INTENT_REFRESH ||
            call->kind == INTENT_ADOPT)
                return false;
        if (call->kind != INTENT_DELETE)
                return true;
        /* One that joined a delete which is durable, and stood then, wants nothing of the disk. */
        return batch->vital && row && newest &&
               (!row->gone || (!newest->gone && call->sequence > run->life.sealed));
}

/* The last intent that counts. */
static uint64_t item_last(const Item *item) {
        const uint64_t wished = item->n_wishes > 0 ? item->wishes[item->n_wishes - 1].sequence : 0,
                       began = item->created > item->deleted ? item->created : item->deleted;

        return wished > began ? wished : began;
}

static void item_take_back(Run *run, Item *item) {
        while (item->n_wishes > 0 && item->wishes[item->n_wishes - 1].sequence > run->life.durable)
                item->n_wishes--;
        if (item->created > run->life.durable)
                item->taken_back = true;
        if (item->last > run->life.durable)
                item->undone = item->last;
        item->last = item_last(item);
        if (item->wished_at > run->written_at)
                item->wished_at = item->joined_at = 0;
}

/* What was seen when the batch was sealed is to be seen again. */
static void row_forget(Run *run, const Row *row) {
        Item *item = clients_item(&run->clients, row->kind, row->number);
        Thing *thing = world_find_row(&run->world, row);

        if (item->put_back_at[0] == run->life.sealed_at) {
                item->put_back_at[0] = item->put_back_at[1];
                item->put_back_at[1] = 0;
        }
        if (item->created != 0 || !thing || table_find(&run->disk.table, row->kind, row->number))
                return;
        item->known = false;
        thing->number = 0;
}

/* Whoever has left meanwhile has wanted it gone, too. */
static void call_take_back(Clients *clients, const Call *call) {
        Item *item = clients_item(clients, call->object, call->number);

        item->last_at = usec_min(item->last_at, call->last_at);
        if (item->deleted == call->sequence)
                item->deleted = call->deleted;
}

/* The newest first. */
static void calls_take_back(Clients *clients) {
        uint64_t below = UINT64_MAX;

        for (const Call *newest = clients->calls; newest;) {
                newest = NULL;
                for (size_t i = 0; i < clients->n_calls; i++) {
                        const Call *call = clients->calls + i;

                        if (call->taken_back && call->sequence < below &&
                            (!newest || call->sequence > newest->sequence))
                                newest = call;
                }
                if (newest) {
                        call_take_back(clients, newest);
                        below = newest->sequence;
                }
        }
}

void room_refuse(Run *run) {
        Clients *clients = &run->clients;
        Life *life = &run->life;
        const Batch *batch = life->batch;

        TRACE(run, "  the batch finds no room%s", batch->vital ? ", although it is vital" : "");
        run->tally->refused_batches[batch->vital]++;
        for (size_t i = 0; i < clients->n_calls; i++) {
                Call *call = clients->calls + i;

                call->taken_back = is_taken_back(run, batch, call);
                run->tally->taken_back += call->taken_back;
        }
        calls_take_back(clients);
        for (Kind kind = 0; kind < _KIND_MAX; kind++)
                for (size_t i = 0; i < clients->n_items[kind]; i++)
                        item_take_back(run, clients->items[kind] + i);
        for (size_t i = 0; i < batch->n_rows; i++)
                row_forget(run, &batch->rows[i].row);
        life->sealed = life->durable;
        life->sealed_at = life->durable_sealed_at;
        run->room.refused_at = clients->troubled_at = run->now;
        MUST(core_refused(life->core, life->batch, run_clock(run)));
}
