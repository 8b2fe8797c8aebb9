/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulator/world.h"

#include <errno.h>

#include "base/text.h"
#include "simulator/membership.h"
#include "simulator/token.h"

static int compare_ids(const Object *a, const Object *b) {
        return strcmp(a->id, b->id);
}

static int compare_expiries(const Object *a, const Object *b) {
        if (a->expires_at != b->expires_at)
                return a->expires_at < b->expires_at ? -1 : 1;
        return strcmp(a->id, b->id);
}

RB_GENERATE_INTERNAL(ObjectsById, Object, by_id, compare_ids, static __attribute__((__unused__)))
RB_GENERATE_INTERNAL(ObjectsByExpiry, Object, by_expiry, compare_expiries,
                     static __attribute__((__unused__)))

Session *session_new(void) {
        Session *session = calloc(1, sizeof(*session));

        if (!session)
                return NULL;

        session->object.kind = OBJECT_SESSION;
        TAILQ_INIT(&session->members);
        TAILQ_INIT(&session->subscribers);
        return session;
}

Participant *participant_new(void) {
        Participant *participant = calloc(1, sizeof(*participant));

        if (participant)
                participant->object.kind = OBJECT_PARTICIPANT;
        return participant;
}

static void participant_deinit(Participant *participant) {
        subscriptions_free(participant->subscriptions);
        free(participant->token);
        free(participant->callback_url);
        free(participant->tag);
}

Object *object_free(Object *object) {
        if (!object)
                return NULL;

        switch (object->kind) {
        case OBJECT_SESSION:
                free(session_of(object)->tag);
                break;
        case OBJECT_PARTICIPANT:
                participant_deinit(participant_of(object));
                break;
        }
        free(object);
        return NULL;
}

int world_new(World **ret, const Settings *settings, Random *random) {
        World *world = calloc(1, sizeof(*world));

        if (!world)
                return -ENOMEM;

        world->settings = settings;
        world->random = random;
        RB_INIT(&world->by_id);
        RB_INIT(&world->by_expiry);
        TAILQ_INIT(&world->in_order);
        TAILQ_INIT(&world->touched);
        *ret = world;
        return 0;
}

World *world_free(World *world) {
        Object *object, *next;

        if (!world)
                return NULL;

        world_settle(world);
        TAILQ_FOREACH_SAFE(object, &world->in_order, in_order, next)
                object_free(object);
        free(world);
        return NULL;
}

Object *world_find(World *world, const char *id) {
        Object key;

        if (strlen(id) > UUID_LENGTH)
                return NULL;

        strcpy(key.id, id);
        return RB_FIND(ObjectsById, &world->by_id, &key);
}

Session *world_find_session(World *world, const char *id) {
        Object *object = world_find(world, id);

        return object && object->kind == OBJECT_SESSION ? session_of(object) : NULL;
}

Participant *world_find_participant(World *world, const char *id) {
        Object *object = world_find(world, id);

        return object && object->kind == OBJECT_PARTICIPANT ? participant_of(object) : NULL;
}

int world_restore(World *world, Object *object) {
        if (RB_INSERT(ObjectsById, &world->by_id, object)) {
                object_free(object);
                return -EEXIST;
        }

        object->number = ++world->last_number;
        RB_INSERT(ObjectsByExpiry, &world->by_expiry, object);
        TAILQ_INSERT_TAIL(&world->in_order, object, in_order);
        world_touch(world, object);
        return 0;
}

/* Copies a string that may be missing. */
static int copy(char **ret, const char *text) {
        char *duplicate = NULL;

        if (text) {
                duplicate = strdup(text);
                if (!duplicate)
                        return -ENOMEM;
        }

        *ret = duplicate;
        return 0;
}

static void name_object(World *world, Object *object, usec_t expires_at) {
        do
                random_uuid(world->random, object->id);
        while (RB_FIND(ObjectsById, &world->by_id, object));
        object->expires_at = expires_at;
}

int world_add_session(World *world, const char *tag, usec_t now, Session **ret) {
        CLEANUP(object_freep) Object *object = NULL;
        Session *session = session_new();
        int r;

        if (!session)
                return -ENOMEM;
        object = &session->object;

        r = copy(&session->tag, tag);
        if (r < 0)
                return r;

        name_object(world, object, usec_add(now, world->settings->session_lifetime_usec));
        *ret = session;
        return world_restore(world, TAKE(object));
}

int world_add_participant(World *world, const NewParticipant *new, usec_t now, Participant **ret) {
        CLEANUP(object_freep) Object *object = NULL;
        Participant *participant = participant_new();
        int r;

        if (!participant)
                return -ENOMEM;
        object = &participant->object;

        participant->permissions = new->permissions;
        participant->device_api_version = new->device_api_version;
        r = copy(&participant->tag, new->tag);
        if (r < 0)
                return r;
        r = copy(&participant->callback_url, new->callback_url);
        if (r < 0)
                return r;

        name_object(world, object, usec_add(now, world->settings->participant_lifetime_usec));
        r = token_make(world->settings->account, participant, world->random, &participant->token);
        if (r < 0)
                return r;

        *ret = participant;
        return world_restore(world, TAKE(object));
}

void world_remove(World *world, Object *object) {
        switch (object->kind) {
        case OBJECT_SESSION:
                membership_end_all(world, session_of(object));
                break;
        case OBJECT_PARTICIPANT:
                membership_detach(world, participant_of(object));
                break;
        }

        RB_REMOVE(ObjectsById, &world->by_id, object);
        RB_REMOVE(ObjectsByExpiry, &world->by_expiry, object);
        TAILQ_REMOVE(&world->in_order, object, in_order);
        world_touch(world, object);
        object->gone = true;
}

void world_expire(World *world, usec_t now) {
        Object *object;

        while ((object = RB_MIN(ObjectsByExpiry, &world->by_expiry)) && object->expires_at <= now)
                world_remove(world, object);
}

void world_touch(World *world, Object *object) {
        if (object->touched)
                return;

        object->touched = true;
        TAILQ_INSERT_TAIL(&world->touched, object, in_touched);
}

void world_settle(World *world) {
        Object *object, *next;

        TAILQ_FOREACH_SAFE(object, &world->touched, in_touched, next) {
                object->touched = false;
                if (object->gone)
                        object_free(object);
        }
        TAILQ_INIT(&world->touched);
}
