/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The API as it would be if nothing ever failed: sessions, participants, who is where and hears
 * what. Written from the description of Bandwidth's API and from nothing else; it shares value
 * types with the product, no rule. What dies stays here, so that a run can be judged.
 */

#include "core/request.h"

#define HEARD_MAX 32
#define STREAMS   4 /* stream aliases that this world knows; a set of them is a bit mask */

typedef struct Entry {
        uint32_t participant;
        unsigned streams; /* 0: every one */
} Entry;

/* What a participant hears. Entries are sorted by participant. */
typedef struct Heard {
        Mode mode;
        size_t n_entries;
        Entry entries[HEARD_MAX];
} Heard;

typedef struct Position {
        uint32_t session; /* 0: none */
        Heard heard;
} Position;

/* Where a participant was from a point in time on. */
typedef struct Stay {
        usec_t since;
        bool by_stranger; /* somebody else's doing, or a consequence of it */
        Position position;
} Stay;

/* A session or a participant. Things are counted from 1, for each kind. */
typedef struct Thing {
        Kind kind;
        uint32_t handle;
        ApiId id;
        bool alive;
        bool by_stranger;
        uint64_t number; /* of the object that our POST was for, or that adopted it */
        size_t attempt;  /* our POST, counted from 1 */
        char tag[24];
        unsigned permissions;
        usec_t shown_at; /* an answer told the daemon of it */
        usec_t born_at, died_at, expires_at;
        Stay *stays; /* participants: the last one is where it is now */
        size_t n_stays;
} Thing;

typedef struct World {
        Thing **things[_KIND_MAX];
        size_t n_things[_KIND_MAX];
        uint64_t salt;      /* makes the ids of this world its own */
        bool keeps_entries; /* one that leaves stays in the lists of others */
        bool joins_once;    /* 409 for one that is in that very session */
        bool no_lists;      /* the API of 2020: sessions tell the ids of their members */
        bool never_expires; /* from now on */
        usec_t next_expiry_at;
        uint64_t n_expired;
} World;

/* What the API answers when it answers. */
typedef struct Page {
        unsigned status;
        uint32_t created; /* handle */
        bool already;     /* 409, and it is where it should be */
        ApiId id;
        const char *tag; /* of a session; the thing's own */
        Sighting *sightings;
        size_t n_sightings;
        bool has_members; /* sightings are of a session's members, and ids alone */
} Page;

void world_init(World *world, uint64_t salt);
void world_deinit(World *world);

/* Carries out one request, by the rules. The page is the caller's, to be given to page_deinit(). */
void world_serve(World *world, const Request *request, usec_t now, Page *ret);
void page_deinit(Page *page);

/* Lets die what is old enough. */
void world_expire(World *world, usec_t now);

/* The thing behind an id, dead or alive; NULL: there never was one. */
Thing *world_find(const World *world, Kind kind, const ApiId *id);
Thing *world_find_row(const World *world, const Row *row);
Thing *world_thing(const World *world, Kind kind, uint32_t handle);
const Position *thing_position(const Thing *participant);
size_t world_n_members(const World *world, uint32_t session);

/* The number that our registry has for a thing is not known any more where it is above @last. */
void world_forget(World *world, Kind kind, uint64_t last);

/* What a stranger with the same credentials does. */
Thing *world_create(World *world, Kind kind, usec_t now, bool by_stranger);
void world_kill(World *world, Thing *thing, usec_t now);
/* Where @position is in no session or in another one, the participant leaves first. */
void world_move(World *world, Thing *participant, const Position *position, usec_t now,
                bool by_stranger);

/* Stream names as they travel. */
const char *world_stream(unsigned i);
unsigned world_streams(const Publisher *publisher);

bool heard_equal(const Heard *a, const Heard *b);
bool position_equal(const Position *a, const Position *b);
/* Keeps the entries sorted. */
void heard_add(Heard *heard, uint32_t participant, unsigned streams);
/* Whether one who hears @narrow hears nothing that @wide does not hold. */
bool entry_within(const Entry *narrow, const Heard *wide);
