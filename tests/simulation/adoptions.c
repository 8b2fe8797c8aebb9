/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What others have made, and how it comes into the registry. */

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "simulation/invariants.h"

/* Who was in a session that is ours belongs to the owner of that session. */
static bool is_from_list(const Run *run, const Batch *batch, const Row *row) {
        const Row *session = NULL;

        if (row->kind == KIND_PARTICIPANT && row->wanted)
                session = newest_row(run, batch, KIND_SESSION, row->wanted->session);
        return session && !session->gone && row->spec->owner == session->spec->owner &&
               row->spec->lifetime == LIFETIME_PERSISTENT;
}

static const char *adoption_fault(const Run *run, const Batch *batch, const Row *row,
                                  const Thing *thing) {
        if (!thing)
                return "is new, and neither asked for nor at the API";
        if (thing->shown_at < run->life.sealed_at)
                return "is adopted, and no answer has told of it";
        if (disk_buried(&run->disk, row->kind, &row->id))
                return "is adopted, and has a tombstone";
        if (!streq(row->spec->tag, thing->tag) || row->spec->permissions != thing->permissions)
                return "is adopted, and was made otherwise";
        if (row->has_token || row->attempt_open)
                return "is adopted, and looks as if it were created here";
        if (!is_from_list(run, batch, row))
                return "is adopted, and nobody asked for it, and it is in no session of ours";
        return NULL;
}

bool adoption_is_good(Run *run, const Batch *batch, const Row *row) {
        Thing *thing = world_find(&run->world, row->kind, &row->id);
        Item *item = clients_item(&run->clients, row->kind, row->number);
        const char *fault = adoption_fault(run, batch, row, thing);

        if (fault) {
                run_fail(run, "adoption", "%s %s", row_text(row), fault);
                return false;
        }
        thing->number = row->number;
        item->known = true;
        item->owner = row->spec->owner;
        item->read_at = run->now;
        snprintf(item->tag, sizeof(item->tag), "%s", row->spec->tag);
        run->tally->adoptions++;
        return true;
}

static void check_member(Run *run, const Thing *thing, const Row *session) {
        const Row *row = table_find_id(&run->disk.table, KIND_PARTICIPANT, &thing->id);

        if (run->cursed != 0 && run->cursed_kind == KIND_SESSION && session->number == run->cursed)
                return;
        if (!row)
                run_fail(run, "adoption", "%s is in session %" PRIu64 ", and nobody here knows it",
                         api_id_text(&thing->id), session->number);
}

void adoptions_check_members(Run *run) {
        const World *world = &run->world;

        for (size_t i = 0; i < world->n_things[KIND_PARTICIPANT]; i++) {
                const Thing *thing = world->things[KIND_PARTICIPANT][i];
                const Thing *session =
                        world_thing(world, KIND_SESSION, thing_position(thing)->session);
                const Row *row = NULL;

                if (thing->alive && session && session->alive)
                        row = table_find_id(&run->disk.table, KIND_SESSION, &session->id);
                if (row && !row->gone)
                        check_member(run, thing, row);
        }
}
