/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the core keeps of one object beyond its row, and the registry of all objects. Private to
 * core/: other rooms see rows only.
 */

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>

#include "core/core.h"
#include "core/due.h"
#include "core/index.h"
#include "core/owner.h"
#include "core/plan.h"

typedef struct Object Object;
typedef struct Activity Activity;
typedef struct Flight Flight;
typedef struct Waiter Waiter;

/* Who goes first when the budget does not do for all. */
typedef enum Priority {
        PRIORITY_CALLER, /* somebody waits for it */
        PRIORITY_INTENT,
        PRIORITY_REREAD, /* after a change, or because something did not fit */
        PRIORITY_LOOK,   /* the periodic look */
        /* From here on nobody goes. */
        PRIORITY_HELD,     /* the disk has no room for it */
        PRIORITY_COPY,     /* a change, while a copied state is being read */
        PRIORITY_CREATION, /* a creation, while the API is asked what it is like */
        _PRIORITY_MAX,
} Priority;

/* What was wanted before a call, or before those unanswered that it replaced, and at which
 * revisions: there it goes back to. */
typedef struct Stand {
        Place *place;
        uint32_t rev[_ASPECT_MAX];
        bool fallen; /* a call in between was refused: what it wanted is nothing to go back to */
} Stand;

/* A method call that is owed an answer. Revisions are 0 for aspects that it does not ask for. */
struct Waiter {
        TAILQ_ENTRY(Waiter) on_object, on_clock;
        Object *object;
        uint64_t ticket;
        IntentKind kind;
        uint64_t session; /* that the call was about, 0: none */
        uint32_t rev[_ASPECT_MAX];
        usec_t reply_by; /* CLOCK_BOOTTIME, 0: with the next batch */
        Spec *adopter;   /* INTENT_ADOPT: what it is to be like, as far as its caller decides */
        Stand before;
};

/* @to is free of what it held, and @from holds nothing. */
void stand_move(Stand *to, Stand *from);

/* A small set of objects, ordered by number. */
typedef struct Members {
        Object **items;
        uint32_t n, n_allocated;
} Members;

/* What goes on about an object. About most nothing does, so that this lies apart, and there is none
 * of it at rest. */
typedef struct Activity {
        TAILQ_ENTRY(Activity) on_touched, on_ready;
        Object *object;
        Flight *change, *read; /* what is in flight for it */
        TAILQ_HEAD(, Waiter) waiters;
        usec_t retry_at; /* 0: at once */
        char *token;     /* between the answer and the commit, no longer */
} Activity;

struct Object {
        Row row;    /* the core thinks here */
        Row *shown; /* the last durable image: &row at rest, NULL: never durable yet */

        Activity *activity;    /* NULL: there is none */
        usec_t look_at;        /* CLOCK_BOOTTIME, like all times here */
        uint64_t changed_seq;  /* of the last confirmed change: older observations do not count */
        uint32_t listed_by;    /* the last list that it stood in: its serial, as far as it fits */
        Priority priority : 8; /* of the queue it stands in */
        uint8_t list_refused;  /* a session's list was answered with 403, in that lists_epoch */
        bool touched : 1, woken : 1, ready : 1, indexed_id : 1;
        bool removed : 1;                /* leaves the registry when its batch is released */
        bool tombstone : 1, revived : 1; /* its id gets a tombstone, or has had one */
        bool provisional : 1; /* not in the registry, and unseen, before the API has shown it */
        bool listing : 1;     /* ... which it has; and now its participants */
        bool met : 1, met_with_session : 1; /* provisional: seen in a session, and nobody asked */
        bool unsure : 1; /* its delete is not durable: it may be taken back still */
        bool held : 1;   /* to be written when there is room on the disk */
        bool must_read : 1;
        bool unread : 1;        /* of a copy: nothing of it is driven before it was read */
        bool awaited : 1;       /* ... nor anything of others */
        bool look_missed : 1;   /* a read was discarded because a change was out */
        bool join_conflict : 1; /* a join was answered with 409: the next read decides */
        bool look_subscriptions : 1;
        bool looked_for : 1; /* due to be read for a reason: PRIORITY_REREAD; not by a read that
                                   * was sent before */
        bool counted_pending : 1; /* with its owner */

        STAILQ_ENTRY(Object) on_woken;
        uint32_t due_position;          /* see DueQueue */
        uint32_t told_rev[_ASPECT_MAX]; /* up to there clients know that it is accepted */
        uint32_t put_back_at;           /* s: drift is not put back before */
        uint32_t n_read_failed;

        /* From here on of sessions alone: the memory of a participant ends before. */
        Members members;                     /* wanted or observed there */
        Members *shown_members;              /* as clients see: &members where these are the same */
        uint64_t sealed_at, members_told_at; /* generations of batches */
        uint32_t batch_index;                /* in the batch of sealed_at */
};

/* Binds an object to the client of the bus that it lives as long as. Few have one, so that there is
 * no room for it in each. */
typedef struct Bond {
        RB_ENTRY(Bond) by_client; /* by the client's name, then kind and number */
        Object *object;
} Bond;

RB_HEAD(ByClient, Bond);
TAILQ_HEAD(Activities, Activity);
STAILQ_HEAD(Objects, Object);

typedef struct Registry {
        Index by_number[_KIND_MAX], by_id[_KIND_MAX], by_tag[_KIND_MAX];
        DueQueue due;
        uint32_t n_objects;
        struct ByClient by_client; /* LIFETIME_CLIENT alone */
        struct Owners owners;
} Registry;

RB_PROTOTYPE(ByClient, Bond, by_client, bond_compare);

void registry_init(Registry *registry);
void registry_deinit(Registry *registry);

/* Moves the row in, unless it fails. Return: 0, -ENOMEM, -EEXIST. */
int object_new(Object **ret, Registry *registry, Row *row);
/* Takes it out of every index. Nobody may wait for it or have a flight for it. */
Object *object_free(Object *object, Registry *registry);

/* The like, for one that is not in the registry, or not yet. Return: 0, -ENOMEM. */
int object_new_apart(Object **ret, Row *row);
Object *object_free_apart(Object *object);
/* What goes on about an object, made where there is nothing yet. Return: 0, -ENOMEM. */
int object_act(Object *object);
/* Lets go of that, if there is nothing left of it. */
void object_settle(Object *object);
/* What is in flight for it, NULL: nothing. */
Flight *object_change(const Object *object);
Flight *object_read(const Object *object);
/* Who waits longest for it, NULL: nobody does. */
Waiter *object_waiter(const Object *object);
/* When to try again, 0: at once. */
usec_t object_retry_at(const Object *object);
void object_retry_at_once(Object *object);

/* Those who wait for it; the one that the loop is at may be freed. */
#define WAITERS_FOREACH(waiter, next, object)                                                      \
        for ((waiter) = object_waiter(object);                                                     \
             (waiter) && ((next) = TAILQ_NEXT((waiter), on_object), true); (waiter) = (next))

/* Enters it into every index. Return: 0, -ENOMEM, -EEXIST. */
int registry_enter(Registry *registry, Object *object);

/* An index by number, by id, or by tag and number: the first that does not come before. */
IndexPosition by_number_from(const Index *index, uint64_t number);
IndexPosition by_id_from(const Index *index, const ApiId *id);
IndexPosition by_tag_from(const Index *index, const char *tag, uint64_t number);
Object *by_id_find(const Index *index, const ApiId *id);
/* Return: 0, -EEXIST, -ENOMEM. */
int by_id_insert(Index *index, Object *object);
void by_id_remove(Index *index, const Object *object);

Object *registry_find(const Registry *registry, Kind kind, uint64_t number);
Object *registry_find_id(const Registry *registry, Kind kind, const ApiId *id);
/* Enters the id that the API gave; the row must not be in that index yet. Return: 0, -EEXIST,
 * -ENOMEM. */
int registry_set_id(Registry *registry, Object *object, const ApiId *id);
/* Counts it with its owner as pending, or no longer: as it is thought of or as it is shown. */
void registry_count_pending(Registry *registry, Object *object);
/* When the object wants to be looked at again; USEC_NEVER: only after an event. */
void registry_set_due(Registry *registry, Object *object, usec_t due);

/* client.c: enters an object into by_client, and takes it out, where it belongs there. Its name
 * does not change. Return: 0, -ENOMEM. */
int registry_bind(Registry *registry, Object *object);
void registry_unbind(Registry *registry, Object *object);

/* Whether an object is a member of a session, as the core thinks; and as clients see. One list does
 * for both as long as they are the same. Return: 0, -ENOMEM. */
int session_set_member(Object *session, Object *object, bool is_member);
int session_show_member(Object *session, Object *object, bool is_member);
