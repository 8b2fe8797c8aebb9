/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulation/world.h"

#include <assert.h>

#include "base/text.h"
#include "simulation/kit.h"
#include "simulation/random.h"

/* Bandwidth's call-flow page: sessions are deleted nine hours after they were created. */
#define LIFETIME_USEC (9 * USEC_PER_HOUR)

static const char *const stream_names[STREAMS] = { "camera", "line-2", "mic", "screen" };

const char *world_stream(unsigned i) {
        return stream_names[i];
}

unsigned world_streams(const Publisher *publisher) {
        unsigned streams = 0;

        for (size_t i = 0; i < publisher->n_aliases; i++)
                for (unsigned j = 0; j < STREAMS; j++)
                        if (streq(publisher->aliases[i], stream_names[j]))
                                streams |= 1U << j;
        return streams;
}

void heard_add(Heard *heard, uint32_t participant, unsigned streams) {
        size_t i = heard->n_entries++;

        assert(i < HEARD_MAX);
        for (; i > 0 && heard->entries[i - 1].participant > participant; i--)
                heard->entries[i] = heard->entries[i - 1];
        heard->entries[i] = (Entry){ .participant = participant, .streams = streams };
}

bool heard_equal(const Heard *a, const Heard *b) {
        if (a->mode != b->mode || a->n_entries != b->n_entries)
                return false;
        for (size_t i = 0; i < a->n_entries; i++)
                if (a->entries[i].participant != b->entries[i].participant ||
                    a->entries[i].streams != b->entries[i].streams)
                        return false;
        return true;
}

bool position_equal(const Position *a, const Position *b) {
        return a->session == b->session && heard_equal(&a->heard, &b->heard);
}

bool entry_within(const Entry *narrow, const Heard *wide) {
        if (wide->mode == MODE_SESSION)
                return true;
        for (size_t i = 0; i < wide->n_entries; i++) {
                const Entry *entry = wide->entries + i;

                if (entry->participant != narrow->participant)
                        continue;
                return entry->streams == 0 ||
                       (narrow->streams != 0 && (narrow->streams & ~entry->streams) == 0);
        }
        return false;
}

void world_init(World *world, uint64_t salt) {
        *world = (World){ .salt = salt, .next_expiry_at = USEC_NEVER };
}

void world_deinit(World *world) {
        for (Kind kind = 0; kind < _KIND_MAX; kind++) {
                for (size_t i = 0; i < world->n_things[kind]; i++) {
                        free(world->things[kind][i]->stays);
                        free(world->things[kind][i]);
                }
                free(world->things[kind]);
        }
        *world = (World){ 0 };
}

Thing *world_thing(const World *world, Kind kind, uint32_t handle) {
        return handle > 0 && handle <= world->n_things[kind] ? world->things[kind][handle - 1]
                                                             : NULL;
}

/* An id is a letter, the handle and a hash, so that finding one costs nothing. Every other one is a
 * UUID. */
static void thing_name(Thing *thing, uint64_t hash) {
        const bool session = thing->kind == KIND_SESSION;

        if (thing->handle % 2 == 0)
                snprintf(thing->id.text, sizeof(thing->id.text), "%c%05u-%08x", session ? 's' : 'p',
                         thing->handle, (unsigned)hash);
        else
                snprintf(thing->id.text, sizeof(thing->id.text), "%c%07u-0000-4000-8000-%012x",
                         session ? 'a' : 'b', thing->handle, (unsigned)hash);
}

Thing *world_find(const World *world, Kind kind, const ApiId *id) {
        Thing *thing;

        if (!id->text[0] || !strchr(kind == KIND_SESSION ? "sa" : "pb", id->text[0]))
                return NULL;
        thing = world_thing(world, kind, (uint32_t)strtoul(id->text + 1, NULL, 10));
        return thing && api_id_equal(&thing->id, id) ? thing : NULL;
}

Thing *world_find_row(const World *world, const Row *row) {
        const ApiId id = row_id(row);

        return world_find(world, row->kind, &id);
}

static Thing *world_find_alive(const World *world, Kind kind, const ApiId *id) {
        Thing *thing = world_find(world, kind, id);

        return thing && thing->alive ? thing : NULL;
}

const Position *thing_position(const Thing *participant) {
        return &participant->stays[participant->n_stays - 1].position;
}

static void thing_stay(Thing *participant, const Position *position, usec_t now, bool by_stranger) {
        if (participant->n_stays > 0 && position_equal(thing_position(participant), position)) {
                participant->stays[participant->n_stays - 1].by_stranger |= by_stranger;
                return;
        }
        participant->stays = kit_grow(participant->stays, participant->n_stays, sizeof(Stay));
        participant->stays[participant->n_stays++] =
                (Stay){ .since = now, .by_stranger = by_stranger, .position = *position };
}

Thing *world_create(World *world, Kind kind, usec_t now, bool by_stranger) {
        Thing *thing = kit_alloc(1, sizeof(*thing));
        uint64_t salt = world->salt + 2 * world->n_things[kind] + kind;

        thing->kind = kind;
        thing->handle = (uint32_t)world->n_things[kind] + 1;
        thing_name(thing, random_mix(&salt));
        thing->alive = true;
        thing->by_stranger = by_stranger;
        thing->born_at = now;
        thing->expires_at = usec_add(now, LIFETIME_USEC);
        world->next_expiry_at = usec_min(world->next_expiry_at, thing->expires_at);
        if (kind == KIND_PARTICIPANT)
                thing_stay(thing, &(Position){ 0 }, now, by_stranger);

        world->things[kind] = kit_grow(world->things[kind], world->n_things[kind], sizeof(Thing *));
        world->things[kind][world->n_things[kind]++] = thing;
        return thing;
}

/* Takes one publisher out of a list. The last entry that goes leaves nothing, never everybody. */
static bool heard_drop(Heard *heard, uint32_t participant) {
        size_t n = 0;

        for (size_t i = 0; i < heard->n_entries; i++)
                if (heard->entries[i].participant != participant)
                        heard->entries[n++] = heard->entries[i];
        if (n == heard->n_entries)
                return false;
        heard->n_entries = n;
        if (n == 0)
                heard->mode = MODE_NONE;
        return true;
}

/* A membership ends: its subscriptions with it, and the entries that others have for it. */
static void world_leave(World *world, Thing *participant, usec_t now, bool by_stranger) {
        const uint32_t session = thing_position(participant)->session;

        if (session == 0)
                return;
        thing_stay(participant, &(Position){ 0 }, now, by_stranger);

        for (size_t i = 0; !world->keeps_entries && i < world->n_things[KIND_PARTICIPANT]; i++) {
                Thing *other = world->things[KIND_PARTICIPANT][i];
                Position position = *thing_position(other);

                if (position.session == session && heard_drop(&position.heard, participant->handle))
                        thing_stay(other, &position, now, by_stranger);
        }
}

void world_move(World *world, Thing *participant, const Position *position, usec_t now,
                bool by_stranger) {
        if (thing_position(participant)->session != position->session)
                world_leave(world, participant, now, by_stranger);
        thing_stay(participant, position, now, by_stranger);
}

void world_kill(World *world, Thing *thing, usec_t now) {
        thing->alive = false;
        thing->died_at = now;
        if (thing->kind == KIND_PARTICIPANT) {
                world_leave(world, thing, now, true);
                return;
        }
        for (size_t i = 0; i < world->n_things[KIND_PARTICIPANT]; i++) {
                Thing *member = world->things[KIND_PARTICIPANT][i];

                if (thing_position(member)->session == thing->handle)
                        thing_stay(member, &(Position){ 0 }, now, true);
        }
}

void world_expire(World *world, usec_t now) {
        if (world->never_expires || now < world->next_expiry_at)
                return;

        world->next_expiry_at = USEC_NEVER;
        for (Kind kind = 0; kind < _KIND_MAX; kind++)
                for (size_t i = 0; i < world->n_things[kind]; i++) {
                        Thing *thing = world->things[kind][i];

                        if (thing->alive && thing->expires_at <= now) {
                                world_kill(world, thing, now);
                                world->n_expired++;
                        } else if (thing->alive) {
                                world->next_expiry_at =
                                        usec_min(world->next_expiry_at, thing->expires_at);
                        }
                }
}

void world_forget(World *world, Kind kind, uint64_t last) {
        for (size_t i = 0; i < world->n_things[kind]; i++)
                if (world->things[kind][i]->number > last)
                        world->things[kind][i]->number = 0;
}

size_t world_n_members(const World *world, uint32_t session) {
        size_t n = 0;

        for (size_t i = 0; i < world->n_things[KIND_PARTICIPANT]; i++)
                if (thing_position(world->things[KIND_PARTICIPANT][i])->session == session)
                        n++;
        return n;
}

/* What a body says, as it goes over the wire: a list beside nothing, or a session id alone. */
static void position_read(Position *position, const World *world, const Request *request) {
        position->heard.mode = request->mode;
        for (size_t i = 0; i < request->n_publishers; i++) {
                const Thing *thing =
                        world_find(world, KIND_PARTICIPANT, &request->publishers[i].id);

                if (thing)
                        heard_add(&position->heard, thing->handle,
                                  world_streams(request->publishers + i));
        }
        /* An empty list is everybody: the trap that the product must not step into. */
        if (position->heard.mode == MODE_PARTICIPANTS && position->heard.n_entries == 0)
                position->heard.mode = MODE_SESSION;
}

static unsigned world_put_member(World *world, const Request *request, Thing *session,
                                 Thing *participant, usec_t now, Page *page) {
        Position position = { 0 };
        const uint32_t place = session && participant ? thing_position(participant)->session : 0;

        if (!session || !participant)
                return 404;
        if (place != 0 && place != session->handle)
                return 409;
        page->already = place != 0 && world->joins_once;
        if (page->already)
                return 409;
        if (place == 0 && world_n_members(world, session->handle) >= SESSION_MEMBERS_MAX)
                return 409;

        position.session = session->handle;
        position_read(&position, world, request);
        thing_stay(participant, &position, now, false);
        return 204;
}

static Sighting sighting_of(const World *world, const Thing *participant, bool whole) {
        const Position *position = thing_position(participant);
        const Thing *session = world_thing(world, KIND_SESSION, position->session);
        Sighting sighting = { .mode = position->heard.mode };

        if (whole) {
                sighting.id = participant->id;
                sighting.tag = strdup(participant->tag);
                sighting.permissions = participant->permissions;
        }
        if (session)
                sighting.session = session->id;
        sighting.n_publishers = position->heard.n_entries;
        sighting.publishers = kit_alloc(sighting.n_publishers, sizeof(Publisher));

        for (size_t i = 0; i < sighting.n_publishers; i++) {
                const Entry *entry = position->heard.entries + i;
                Publisher *publisher = sighting.publishers + i;

                publisher->id = world_thing(world, KIND_PARTICIPANT, entry->participant)->id;
                publisher->aliases = kit_alloc(STREAMS, sizeof(char *));
                for (unsigned j = 0; j < STREAMS; j++)
                        if (entry->streams & (1U << j))
                                publisher->aliases[publisher->n_aliases++] =
                                        strdup(stream_names[j]);
        }
        return sighting;
}

static void page_show(Page *page, const World *world, const Thing *participant, bool whole) {
        page->sightings = kit_grow(page->sightings, page->n_sightings, sizeof(Sighting));
        page->sightings[page->n_sightings++] = sighting_of(world, participant, whole);
}

void page_deinit(Page *page) {
        for (size_t i = 0; i < page->n_sightings; i++) {
                publishers_free(page->sightings[i].publishers, page->sightings[i].n_publishers);
                free(page->sightings[i].tag);
        }
        free(page->sightings);
        *page = (Page){ 0 };
}

static void page_list(Page *page, const World *world, const Thing *session) {
        for (size_t i = 0; i < world->n_things[KIND_PARTICIPANT]; i++) {
                const Thing *participant = world->things[KIND_PARTICIPANT][i];

                if (thing_position(participant)->session == session->handle)
                        page_show(page, world, participant, true);
        }
}

static void page_members(Page *page, const World *world, const Thing *session) {
        page_list(page, world, session);
        page->has_members = true;
        for (size_t i = 0; i < page->n_sightings; i++) {
                Sighting *sighting = page->sightings + i;

                publishers_free(sighting->publishers, sighting->n_publishers);
                free(sighting->tag);
                *sighting = (Sighting){ .id = sighting->id, .session = sighting->session };
        }
}

static unsigned world_created(World *world, Kind kind, const Request *request, usec_t now,
                              Page *page) {
        Thing *thing = world_create(world, kind, now, false);

        thing->number = request->number;
        snprintf(thing->tag, sizeof(thing->tag), "%s", spec_text(request->spec, SPEC_TAG));
        thing->permissions = request->spec->permissions;
        page->created = thing->handle;
        page->id = thing->id;
        return 200;
}

static unsigned world_get(const World *world, const Thing *thing, Page *page) {
        if (!thing)
                return 404;
        page->id = thing->id;
        page->tag = thing->tag;
        if (thing->kind == KIND_PARTICIPANT)
                page_show(page, world, thing, true);
        else if (world->no_lists)
                page_members(page, world, thing);
        return 200;
}

static unsigned world_delete(World *world, Thing *thing, usec_t now) {
        if (!thing)
                return 404;
        world_kill(world, thing, now);
        return 204;
}

static unsigned world_put_heard(const World *world, const Request *request, const Thing *session,
                                Thing *participant, usec_t now) {
        Position position = { .session = session->handle };

        position_read(&position, world, request);
        thing_stay(participant, &position, now, false);
        return 204;
}

/* The operations with two objects in the path, all but the joining one. */
static unsigned world_serve_member(World *world, const Request *request, Thing *session,
                                   Thing *participant, usec_t now, Page *page) {
        if (!session || !participant || thing_position(participant)->session != session->handle)
                return 404;

        if (request->operation == OPERATION_REMOVE_PARTICIPANT) {
                world_leave(world, participant, now, false);
                return 204;
        }
        if (request->operation == OPERATION_UPDATE_SUBSCRIPTIONS)
                return world_put_heard(world, request, session, participant, now);
        page_show(page, world, participant, false);
        return 200;
}

void world_serve(World *world, const Request *request, usec_t now, Page *ret) {
        Thing *session = world_find_alive(world, KIND_SESSION, &request->session);
        Thing *participant = world_find_alive(world, KIND_PARTICIPANT, &request->participant);
        Page page = { 0 };

        switch (request->operation) {
        case OPERATION_CREATE_PARTICIPANT:
                page.status = world_created(world, KIND_PARTICIPANT, request, now, &page);
                break;
        case OPERATION_CREATE_SESSION:
                page.status = world_created(world, KIND_SESSION, request, now, &page);
                break;
        case OPERATION_GET_PARTICIPANT:
                page.status = world_get(world, participant, &page);
                break;
        case OPERATION_GET_SESSION:
                page.status = world_get(world, session, &page);
                break;
        case OPERATION_DELETE_PARTICIPANT:
                page.status = world_delete(world, participant, now);
                break;
        case OPERATION_DELETE_SESSION:
                page.status = world_delete(world, session, now);
                break;
        case OPERATION_LIST_PARTICIPANTS:
                page.status = world->no_lists ? 403 : session ? 200 : 404;
                if (page.status == 200)
                        page_list(&page, world, session);
                break;
        case OPERATION_ADD_PARTICIPANT:
                page.status = world_put_member(world, request, session, participant, now, &page);
                break;
        case OPERATION_REMOVE_PARTICIPANT:
        case OPERATION_GET_SUBSCRIPTIONS:
        case OPERATION_UPDATE_SUBSCRIPTIONS:
                page.status = world_serve_member(world, request, session, participant, now, &page);
                break;
        case _OPERATION_MAX:
                break;
        }
        *ret = page;
}
