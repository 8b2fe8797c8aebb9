/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* I6: the registry and the API, compared as somebody would who sees both. */

#include <inttypes.h>
#include <stdio.h>

#include "simulation/invariants.h"

/* What is excused: the object that always fails, and what has to wait for it. */
static bool is_excused(const Run *run, const Row *row) {
        if (run->cursed == 0)
                return false;
        if (row->kind == run->cursed_kind && row->number == run->cursed)
                return true;
        if (row->kind == KIND_SESSION)
                return false;
        if (run->cursed_kind == KIND_SESSION)
                return place_in_session(row->wanted, run->cursed) ||
                       place_in_session(row->observed, run->cursed);
        return place_lists(row->wanted, run->cursed) || place_lists(row->observed, run->cursed);
}

static void check_place(Run *run, const Row *row, const Thing *thing) {
        const Position *position = thing_position(thing);
        Position wanted, observed;

        if (!place_position(run, NULL, row->wanted, &wanted) ||
            !place_position(run, NULL, row->observed, &observed)) {
                run_fail(run, "I6", "%s: its place is none that the API could know", row_text(row));
                return;
        }
        if (!position_equal(&wanted, position))
                run_fail(run, "I6", "%s: at the API in s%u mode %d of %zu", row_text(row),
                         position->session, (int)position->heard.mode, position->heard.n_entries);
        else if (!position_equal(&observed, position))
                run_fail(run, "I6", "%s: observed is not at the API in s%u mode %d of %zu",
                         row_text(row), position->session, (int)position->heard.mode,
                         position->heard.n_entries);
}

/* It is looked at as often as it should be, and what is shown says when. */
static void check_looked_at(Run *run, const Row *row) {
        const Item *item = clients_item(&run->clients, row->kind, row->number);
        const Row *shown = core_find(run->life.core, row->kind, row->number);
        const usec_t longest = run->config.resync_interval_usec * 5 / 4 + USEC_PER_MIN;
        const usec_t age = run_clock(run).realtime - shown->synced_at;

        if (run->now - item->read_at > longest)
                run_fail(run, "I6", "%s was last looked at %.1f min ago", row_text(row),
                         (double)(run->now - item->read_at) / USEC_PER_MIN);
        else if (age > longest || shown->synced_at > run_clock(run).realtime)
                run_fail(run, "I6", "%s says that it was last looked at %.1f min ago",
                         row_text(row), (double)age / USEC_PER_MIN);
}

static void check_row(Run *run, const Row *row) {
        const Thing *thing = world_find_row(&run->world, row);

        if (is_excused(run, row) || row_state(row) == STATE_FAILED)
                return;
        if (row->gone || !row_has_id(row))
                run_fail(run, "I6", "%s is still %s", row_text(row),
                         row->gone ? "deleting" : "pending");
        else if (!thing || !thing->alive)
                run_fail(run, "I6", "%s is at the API no more", row_text(row));
        else if (!row_in_sync(row))
                run_fail(run, "I6", "%s is not in sync", row_text(row));
        else if (row->kind == KIND_PARTICIPANT)
                check_place(run, row, thing);
        if (!run->failed)
                check_looked_at(run, row);
}

/* What was to live as long as somebody who has left is deleted, unless the API would not. */
static void check_bereaved(Run *run, const Row *row) {
        const Item *item = clients_item(&run->clients, row->kind, row->number);

        if (!apps_lives(run, row->spec) && !row->gone && item->spared < item->bereaved)
                run_fail(run, "lifetime", "%s is still there, and %s has left", row_text(row),
                         spec_text(row->spec, SPEC_CLIENT_NAME));
}

static bool is_open(const Row *row) {
        return row_state(row) != STATE_FAILED && !row_in_sync(row);
}

void agreement_note_open(Run *run) {
        const Table *disk = &run->disk.table;

        for (Kind kind = 0; kind < _KIND_MAX; kind++)
                for (size_t i = 0; i < disk->n_rows[kind]; i++)
                        if (is_open(disk->rows[kind] + i))
                                table_put(&run->open, disk->rows[kind] + i);
}

static bool goals_equal(const Row *a, const Row *b) {
        for (Aspect aspect = 0; aspect < _ASPECT_MAX; aspect++)
                if (a->goals[aspect].wanted_rev != b->goals[aspect].wanted_rev)
                        return false;
        return true;
}

/* It was put back shortly before, and waits for its turn. */
static bool is_put_back_later(const Run *run, const Row *row) {
        const Item *item = clients_item((Clients *)&run->clients, row->kind, row->number);

        return item->put_back_at[0] != 0 &&
               run->now - item->put_back_at[0] < 2 * run->config.resync_interval_usec;
}

void agreement_check_open(Run *run) {
        for (Kind kind = 0; kind < _KIND_MAX; kind++)
                for (size_t i = 0; i < run->open.n_rows[kind]; i++) {
                        const Row *before = run->open.rows[kind] + i;
                        const Row *row = table_find(&run->disk.table, kind, before->number);

                        if (row && is_open(row) && goals_equal(before, row) &&
                            !is_excused(run, row) && !is_put_back_later(run, row))
                                run_fail(run, "I6", "%s is still not in sync", row_text(row));
                }
}

void agreement_check(Run *run) {
        TRACE(run, "all must agree now");
        if (!run->life.core)
                run_fail(run, "I6", "the daemon is down");
        for (Kind kind = 0; kind < _KIND_MAX; kind++)
                for (size_t i = 0; i < run->disk.table.n_rows[kind]; i++) {
                        check_row(run, run->disk.table.rows[kind] + i);
                        check_bereaved(run, run->disk.table.rows[kind] + i);
                }
        adoptions_check_members(run);
        if (run->clients.n_calls > 0)
                run_fail(run, "I10", "%zu calls were never answered", run->clients.n_calls);
        if (core_status(run->life.core).api_state != API_STATE_ONLINE && run->cursed == 0)
                run_fail(run, "I6", "the API answers, and ApiState is %d",
                         (int)core_status(run->life.core).api_state);
}
