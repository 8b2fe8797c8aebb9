/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What others have made, and how it comes into the registry. */

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "simulation/invariants.h"
#include "simulation/kit.h"
#include "simulation/strangers.h"

static const Row *session_of(const Run *run, const Batch *batch, const Row *row) {
        return row->kind == KIND_PARTICIPANT && row->wanted
                       ? newest_row(run, batch, KIND_SESSION, row->wanted->session)
                       : NULL;
}

/* Who was in a session that is ours belongs to the owner of that session. */
static bool is_from_list(const Run *run, const Batch *batch, const Row *row) {
        const Row *session = session_of(run, batch, row), *before;

        if (!session || row->spec->owner != session->spec->owner)
                return false;
        /* Those who come with a session are no strangers. It may have been deleted in the same
         * turn, after it had been read. */
        before = table_find(&run->disk.table, KIND_SESSION, session->number);
        return before && !before->gone && row->spec->lifetime == LIFETIME_PERSISTENT;
}

static bool is_for(const Call *call, const Row *row) {
        return call->kind == INTENT_ADOPT && call->object == row->kind && row_id_is(row, &call->id);
}

static bool is_like(const Call *call, const Row *row) {
        return is_for(call, row) && call->owner == row->spec->owner &&
               call->lifetime == row->spec->lifetime &&
               streq(call->app, spec_text(row->spec, SPEC_CLIENT_NAME));
}

/* Whoever asks first is whom it belongs to, even where only those who have joined still wait. */
static bool is_asked_for(const Run *run, const Row *row) {
        const Clients *clients = &run->clients;
        bool joined = false;

        for (size_t i = 0; row && i < clients->n_calls; i++) {
                if (is_like(clients->calls + i, row))
                        return true;
                joined |= is_for(clients->calls + i, row);
        }
        return joined && is_like(&clients->given_up, row);
}

/* A session that somebody asked for brings all who are in it, and they are like it. Without lists
 * they come after it. */
static bool is_with_session(const Run *run, const Batch *batch, const Row *row) {
        const Row *session = session_of(run, batch, row);
        bool is_new = session && !table_find(&run->disk.table, KIND_SESSION, session->number);

        return session && (run->world.no_lists || (is_new && is_asked_for(run, session))) &&
               row->spec->owner == session->spec->owner &&
               row->spec->lifetime == session->spec->lifetime &&
               streq(spec_text(row->spec, SPEC_CLIENT_NAME),
                     spec_text(session->spec, SPEC_CLIENT_NAME));
}

static const char *adoption_fault(const Run *run, const Batch *batch, const Row *row,
                                  const Thing *thing) {
        if (!thing)
                return "is new, and neither asked for nor at the API";
        if (thing->shown_at < run->life.sealed_at)
                return "is adopted, and no answer has told of it";
        if (disk_buried(&run->disk, row->kind, &thing->id))
                return "is adopted, and has a tombstone";
        if (!streq(spec_text(row->spec, SPEC_TAG), thing->tag) ||
            (row->kind == KIND_PARTICIPANT && row->spec->permissions != thing->permissions))
                return "is adopted, and was made otherwise";
        if (row->has_token || row->attempt_open)
                return "is adopted, and looks as if it were created here";
        if (room_delayed(run))
                return NULL;
        if (row->spec->stranger ? !is_from_list(run, batch, row)
                                : !is_asked_for(run, row) && !is_with_session(run, batch, row))
                return "is adopted, and nobody asked for it, and it is in no session of ours";
        return NULL;
}

bool adoption_is_good(Run *run, const Batch *batch, const Row *row) {
        Thing *thing = world_find_row(&run->world, row);
        Item *item = clients_item(&run->clients, row->kind, row->number);
        const char *fault = adoption_fault(run, batch, row, thing);

        if (fault) {
                run_fail(run, "adoption", "%s %s", row_text(row), fault);
                return false;
        }
        thing->number = row->number;
        item->known = item->acknowledged = true;
        item->owner = row->spec->owner;
        snprintf(item->app, sizeof(item->app), "%s", spec_text(row->spec, SPEC_CLIENT_NAME));
        /* Whoever it was to live as long as has left while it came in. */
        if (!apps_lives(run, row->spec))
                item->bereaved = item->deleted = item->last = run->clients.last_sequence;
        item->read_at = run->now;
        snprintf(item->tag, sizeof(item->tag), "%s", spec_text(row->spec, SPEC_TAG));
        run->tally->adoptions++;
        run->tally->met += run->world.no_lists && !is_asked_for(run, row);
        run->tally->asked_adoptions += is_asked_for(run, row);
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

static const Thing *pick_thing(Run *run, Kind kind) {
        const World *world = &run->world;
        const Thing *thing = NULL;

        for (unsigned tries = 0; tries < 10 && world->n_things[kind] > 0; tries++) {
                thing = world->things[kind][random_below(&run->random, world->n_things[kind])];
                if (is_told(run, thing) && thing->alive && thing->number == 0)
                        return thing; /* it is not here */
        }
        return thing && is_told(run, thing) ? thing : NULL;
}

void adoptions_ask(Run *run, Intent *intent) {
        Random *random = &run->random;
        const Thing *thing;
        Spec *spec = NULL;

        intent->object = random_chance(random, 0.4) ? KIND_SESSION : KIND_PARTICIPANT;
        thing = random_chance(random, 0.95) ? pick_thing(run, intent->object) : NULL;
        if (run->clients.told) {
                intent->object = KIND_PARTICIPANT;
                thing = world_thing(&run->world, KIND_PARTICIPANT, run->clients.told);
                run->clients.told = 0;
                /* The list of its session tells of it at the same time. */
                core_sync(run->life.core, run_clock(run));
        }
        MUST(api_id_set(&intent->id, thing ? api_id_text(&thing->id) : "nobody") ? 0 : -1);
        MUST(spec_new(&spec));
        spec->owner = 2000 + (uint32_t)random_below(random, 3);
        spec->created_at = run_clock(run).realtime;
        apps_bind(run, &spec);
        intent->spec = spec;
}

void adoptions_book(Call *call, const Spec *spec) {
        call->owner = spec->owner;
        call->lifetime = spec->lifetime;
        snprintf(call->app, sizeof(call->app), "%s", spec_text(spec, SPEC_CLIENT_NAME));
}

/* The API could not be asked, or whoever it was for has left. */
static bool is_unavailable(const Run *run, const Call *call) {
        const Clients *clients = &run->clients;

        return clients->failed_at >= call->issued_at || clients->troubled_at >= call->issued_at ||
               run->now - call->issued_at >= run->config.reply_timeout_usec ||
               run->life.stop_by != USEC_NEVER || call->bereaved;
}

void adoptions_depart(Run *run, const char *app) {
        Clients *clients = &run->clients;

        for (size_t i = 0; i < clients->n_calls; i++) {
                const Call *left = clients->calls + i;

                if (left->kind != INTENT_ADOPT || !streq(left->app, app))
                        continue;
                /* Those that have joined it are not served either. */
                for (size_t j = 0; j < clients->n_calls; j++)
                        if (clients->calls[j].object == left->object &&
                            api_id_equal(&clients->calls[j].id, &left->id))
                                clients->calls[j].bereaved = true;
        }
}

static bool adopting_has_grounds(const Run *run, const Call *call, Outcome outcome) {
        const Thing *thing = world_find(&run->world, call->object, &call->id);
        const Row *row = table_find_id(&run->disk.table, call->object, &call->id);

        switch (outcome) {
        case OUTCOME_DONE:
                /* It was here, and is found gone in the turn in which it was asked for. */
                return row || (thing && !thing->alive && thing->number != 0);
        case OUTCOME_NO_SUCH_SESSION:
        case OUTCOME_NO_SUCH_PARTICIPANT:
                return (!thing || !thing->alive) && !row &&
                       (outcome == OUTCOME_NO_SUCH_SESSION) == (call->object == KIND_SESSION);
        case OUTCOME_CONFLICT:
                return row && row->gone;
        case OUTCOME_UNAUTHORIZED:
        case OUTCOME_FORBIDDEN:
                return run->clients.unauthorized_at >= call->issued_at || !run->life.credentials;
        case OUTCOME_UNAVAILABLE:
                return is_unavailable(run, call);
        case OUTCOME_REJECTED:
        case OUTCOME_SESSION_FULL:
        case OUTCOME_SUPERSEDED:
        case OUTCOME_UNKNOWN:
        case OUTCOME_NO_TOKEN:
        case OUTCOME_STORAGE_FAILED:
        case OUTCOME_INVALID:
        case _OUTCOME_MAX:
                break;
        }
        return false;
}

void adoptions_reply(Run *run, const Call *call, const Reply *reply) {
        const Row *row = table_find_id(&run->disk.table, call->object, &call->id);

        if (reply->outcome == OUTCOME_UNAVAILABLE)
                run->clients.given_up = *call;
        if (!adopting_has_grounds(run, call, reply->outcome))
                run_fail(run, "replies", "adoption of %s: %s has no grounds",
                         api_id_text(&call->id), reply_name(reply->outcome));
        else if (reply->outcome == OUTCOME_DONE && row &&
                 (reply->kind != call->object || reply->number != row->number))
                run_fail(run, "I10", "adoption of %s is answered for %d/%" PRIu64,
                         api_id_text(&call->id), (int)reply->kind, reply->number);
}
