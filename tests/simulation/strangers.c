/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulation/strangers.h"

#include <inttypes.h>
#include <stdio.h>

/* A thing of ours that lives, NULL: none was found. */
static Thing *pick_thing(Run *run, Kind kind) {
        const World *world = &run->world;

        for (unsigned tries = 0; tries < 20 && world->n_things[kind] > 0; tries++) {
                Thing *thing =
                        world->things[kind][random_below(&run->random, world->n_things[kind])];

                if (thing->alive)
                        return thing;
        }
        return NULL;
}

bool is_told(const Run *run, const Thing *thing) {
        return thing->attempt == 0 || run->network.posts[thing->attempt - 1].state != POST_OUT;
}

static Thing *make(Run *run, Kind kind) {
        Thing *thing = world_create(&run->world, kind, run->now, true);

        snprintf(thing->tag, sizeof(thing->tag), "strange-%u",
                 (unsigned)random_below(&run->random, 10));
        thing->permissions = (unsigned)random_below(&run->random, 4);
        return thing;
}

static Thing *pick_member(Run *run) {
        for (unsigned tries = 0; tries < 5; tries++) {
                Thing *thing = pick_thing(run, KIND_PARTICIPANT);

                if (thing && thing_position(thing)->session != 0)
                        return thing;
        }
        return NULL;
}

static void hear(Run *run, Position *position, const Thing *listener) {
        const World *world = &run->world;
        Random *random = &run->random;

        position->heard = (Heard){ .mode = (Mode)random_below(random, _MODE_MAX) };
        if (position->heard.mode != MODE_PARTICIPANTS)
                return;
        for (size_t i = 0; i < world->n_things[KIND_PARTICIPANT]; i++) {
                const Thing *other = world->things[KIND_PARTICIPANT][i];

                if (other == listener || thing_position(other)->session != position->session)
                        continue;
                if (position->heard.n_entries < 5 && random_chance(random, 0.5))
                        heard_add(&position->heard, other->handle,
                                  (unsigned)random_below(random, 1U << STREAMS));
        }
        if (position->heard.n_entries == 0)
                position->heard.mode = MODE_NONE;
}

static bool stranger_kill(Run *run) {
        Thing *thing =
                pick_thing(run, random_chance(&run->random, 0.2) ? KIND_SESSION : KIND_PARTICIPANT);

        if (!thing)
                return false;
        TRACE(run, "a stranger deletes %s", api_id_text(&thing->id));
        world_kill(&run->world, thing, run->now);
        return true;
}

static bool stranger_remove(Run *run) {
        Thing *thing = pick_member(run);

        if (!thing)
                return false;
        TRACE(run, "a stranger removes %s from its session", api_id_text(&thing->id));
        world_move(&run->world, thing, &(Position){ 0 }, run->now, true);
        return true;
}

static bool put_into_session(Run *run, Thing *participant, const Thing *session) {
        Position position = { 0 };

        if (!session || !is_told(run, session) || !is_told(run, participant) ||
            session->handle == thing_position(participant)->session ||
            world_n_members(&run->world, session->handle) >= SESSION_MEMBERS_MAX)
                return false;
        position.session = session->handle;
        hear(run, &position, participant);
        TRACE(run, "a stranger puts %s into %s, mode %d of %zu", api_id_text(&participant->id),
              api_id_text(&session->id), (int)position.heard.mode, position.heard.n_entries);
        world_move(&run->world, participant, &position, run->now, true);
        return true;
}

static bool stranger_move(Run *run) {
        Thing *participant = pick_thing(run, KIND_PARTICIPANT);
        Thing *session = NULL;

        if (!participant)
                return false;
        if (random_chance(&run->random, 0.8))
                session = pick_thing(run, KIND_SESSION);
        else
                session = make(run, KIND_SESSION);
        return put_into_session(run, participant, session);
}

static bool stranger_subscribe(Run *run) {
        Thing *participant = pick_member(run);
        Position position;

        if (!participant)
                return false;
        position = *thing_position(participant);
        hear(run, &position, participant);
        TRACE(run, "a stranger subscribes %s, mode %d of %zu", api_id_text(&participant->id),
              (int)position.heard.mode, position.heard.n_entries);
        world_move(&run->world, participant, &position, run->now, true);
        return true;
}

static bool stranger_join(Run *run) {
        Thing *session = NULL, *participant;

        if (!run->strangers_join)
                return false;
        session = random_chance(&run->random, 0.3) ? make(run, KIND_SESSION)
                                                   : pick_thing(run, KIND_SESSION);
        participant = session ? make(run, KIND_PARTICIPANT) : NULL;
        if (!participant || !put_into_session(run, participant, session))
                return false;
        if (random_chance(&run->random, 0.4)) {
                run->clients.told = participant->handle;
                run->clients.next_at = usec_min(run->clients.next_at, run->now + USEC_PER_SEC);
        }
        return true;
}

void strangers_turn(Run *run) {
        static const unsigned weights[_STRANGER_KIND_MAX] = {
                [STRANGER_KILL] = 3,      [STRANGER_REMOVE] = 4, [STRANGER_MOVE] = 4,
                [STRANGER_SUBSCRIBE] = 5, [STRANGER_JOIN] = 3,
        };
        static bool (*const acts[_STRANGER_KIND_MAX])(Run *) = {
                [STRANGER_KILL] = stranger_kill, [STRANGER_REMOVE] = stranger_remove,
                [STRANGER_MOVE] = stranger_move, [STRANGER_SUBSCRIBE] = stranger_subscribe,
                [STRANGER_JOIN] = stranger_join,
        };
        const unsigned i = random_weighed(&run->random, weights, _STRANGER_KIND_MAX);

        world_expire(&run->world, run->now);
        if (acts[i](run))
                run->tally->strangers[i]++;
        /* Often shortly after something else happened: that is where the races are. */
        run->strangers_at = run->now + (random_chance(&run->random, 0.2)
                                                ? random_between(&run->random, 0, 5 * USEC_PER_SEC)
                                                : random_between(&run->random, USEC_PER_MIN,
                                                                 90 * USEC_PER_MIN));
}
