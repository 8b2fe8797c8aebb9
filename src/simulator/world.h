/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What exists at the API: sessions, participants, who is a member of what, and who hears whom.
 * Pure: time is an argument, chance comes from the Random it was given. Each change leaves its
 * object on the list of touched ones, from which the state file is written; world_settle() empties
 * it.
 */

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>

#include "base/time.h"
#include "simulator/random.h"
#include "simulator/settings.h"
#include "simulator/subscriptions.h"

#define MEMBERS_MAX 20 /* participants in a session, says the documentation */

typedef enum ObjectKind { OBJECT_SESSION, OBJECT_PARTICIPANT } ObjectKind;

typedef enum Permission { PERMISSION_AUDIO = 1, PERMISSION_VIDEO = 2 } Permission;

/* What became of a change: 0, or why the API refuses it. */
typedef enum Outcome {
        OUTCOME_DONE,
        OUTCOME_NOT_MEMBER,
        OUTCOME_ELSEWHERE, /* the participant is a member of another session */
        OUTCOME_FULL,
} Outcome;

typedef struct Object {
        ObjectKind kind;
        bool touched, gone;
        char id[UUID_LENGTH + 1];
        uint64_t number;   /* of its creation */
        usec_t expires_at; /* CLOCK_REALTIME */
        RB_ENTRY(Object) by_id, by_expiry;
        TAILQ_ENTRY(Object) in_order, in_touched;
} Object;

typedef TAILQ_HEAD(Objects, Object) Objects;
typedef TAILQ_HEAD(Members, Participant) Members;
typedef TAILQ_HEAD(Subscribers, Participant) Subscribers;

typedef struct Session {
        Object object;
        char *tag; /* NULL: created without */
        unsigned n_members;
        Members members;
        Subscribers subscribers; /* whose subscriptions are in this session, members or not */
} Session;

typedef struct Participant {
        Object object;
        char *tag, *callback_url; /* NULL: created without */
        char *token;
        unsigned permissions;        /* of Permission */
        unsigned device_api_version; /* 2 or 3 */
        Session *session;            /* it is a member here; NULL: nowhere */
        Session *heard;              /* its subscriptions are in this session */
        Subscriptions *subscriptions;
        TAILQ_ENTRY(Participant) in_members, in_subscribers;
} Participant;

typedef RB_HEAD(ObjectsById, Object) ObjectsById;
typedef RB_HEAD(ObjectsByExpiry, Object) ObjectsByExpiry;

typedef struct World {
        const Settings *settings;
        Random *random;
        uint64_t last_number;
        ObjectsById by_id;
        ObjectsByExpiry by_expiry;
        Objects in_order, touched;
} World;

/* A participant as it is asked for; the strings are copied. */
typedef struct NewParticipant {
        const char *tag, *callback_url;
        unsigned permissions, device_api_version;
} NewParticipant;

/* Both outlive the world. -ENOMEM. */
int world_new(World **ret, const Settings *settings, Random *random);
World *world_free(World *world);

/** world_find() - the object with this id, of either kind; NULL where there is none. */
Object *world_find(World *world, const char *id);
Session *world_find_session(World *world, const char *id);
Participant *world_find_participant(World *world, const char *id);

/**
 * world_add_session() - create a session, with an id and a lifetime
 * @tag: copied; NULL for none
 * @now: CLOCK_REALTIME
 */
int world_add_session(World *world, const char *tag, usec_t now, Session **ret);

/** world_add_participant() - create a participant, with id, token and lifetime, in no session. */
int world_add_participant(World *world, const NewParticipant *new, usec_t now, Participant **ret);

/**
 * world_restore() - put an object of a former run in its place
 * @object: a session or participant of session_new() or participant_new(), id and expiry filled in;
 *          taken, in any case
 *
 * Return: 0, or -EEXIST: there is one with this id.
 */
int world_restore(World *world, Object *object);

/* An object outside of any world: its strings are the caller's to fill in, from malloc. */
Session *session_new(void);
Participant *participant_new(void);
Object *object_free(Object *object);

DEFINE_CLEANUP(World, world_free);
DEFINE_CLEANUP(Object, object_free);

/**
 * world_remove() - end an object
 *
 * A session's members stay, in no session. A participant leaves its session, and the lists of those
 * who heard it. The object itself lives on in the list of touched ones until world_settle().
 */
void world_remove(World *world, Object *object);

/** world_expire() - end what has reached its time; @now is CLOCK_REALTIME. */
void world_expire(World *world, usec_t now);

/** world_touch() - note that an object is not as the state file has it. */
void world_touch(World *world, Object *object);

/** world_settle() - forget what was touched, and free what is gone. */
void world_settle(World *world);

static inline Session *session_of(Object *object) {
        return (Session *)object;
}

static inline Participant *participant_of(Object *object) {
        return (Participant *)object;
}
