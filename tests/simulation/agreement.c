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

static void check_row(Run *run, const Row *row) {
        const Thing *thing = world_find(&run->world, row->kind, &row->id);

        if (is_excused(run, row) || row_state(row) == STATE_FAILED)
                return;
        if (row->gone || !api_id_is_known(&row->id))
                run_fail(run, "I6", "%s is still %s", row_text(row),
                         row->gone ? "deleting" : "pending");
        else if (!thing || !thing->alive)
                run_fail(run, "I6", "%s is at the API no more", row_text(row));
        else if (!row_in_sync(row))
                run_fail(run, "I6", "%s is not in sync", row_text(row));
        else if (row->kind == KIND_PARTICIPANT)
                check_place(run, row, thing);
}

void agreement_check(Run *run) {
        TRACE(run, "all must agree now");
        if (!run->life.core)
                run_fail(run, "I6", "the daemon is down");
        for (Kind kind = 0; kind < _KIND_MAX; kind++)
                for (size_t i = 0; i < run->disk.table.n_rows[kind]; i++)
                        check_row(run, run->disk.table.rows[kind] + i);
        if (run->clients.n_calls > 0)
                run_fail(run, "I10", "%zu calls were never answered", run->clients.n_calls);
        if (core_status(run->life.core).api_state != API_STATE_ONLINE && run->cursed == 0)
                run_fail(run, "I6", "the API answers, and ApiState is %d",
                         (int)core_status(run->life.core).api_state);
}
