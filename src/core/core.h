/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The pure heart: what is wanted, what was observed, and what to do next. It does no I/O and has
 * no clock, no random source and no log; all of these come in as arguments and go out as batches.
 *
 *     core_intend()  core_answer()  time ─▶ core_seal() ─▶ Batch ─▶ disk ─▶ core_committed()
 *                                                         ─▶ effects ─▶ core_release()
 *
 * Every function that can fail returns a negative errno; it means that memory ran out, that the
 * core must not be used any further, and that the process should end: a restart has all that
 * was promised.
 */

#include "core/batch.h"

typedef struct Core Core;

typedef struct CoreConfig {
        unsigned requests_max; /* in flight at once */
        double requests_per_sec;
        unsigned request_burst;
        usec_t resync_interval_usec;
        usec_t retry_min_usec, retry_max_usec;
        usec_t reply_timeout_usec;
        unsigned create_repeats; /* after an unknown outcome */
        bool enforce;            /* put back what somebody else changes at the API */
        uint64_t seed;           /* for jitter */
} CoreConfig;

typedef enum ApiState {
        API_STATE_UNKNOWN,
        API_STATE_ONLINE,
        API_STATE_THROTTLED,
        API_STATE_OFFLINE,
        API_STATE_UNAUTHORIZED,
        _API_STATE_MAX,
} ApiState;

typedef enum IntentKind {
        INTENT_CREATE, /* .object says what, .spec how; with .session it joins in the same intent */
        INTENT_DELETE,
        INTENT_ADD,       /* participant .number to .session */
        INTENT_REMOVE,    /* participant .number from .session */
        INTENT_SUBSCRIBE, /* participant .number, in the session where it is wanted */
        INTENT_REFRESH,   /* a read, and an answer after it */
        INTENT_ADOPT, /* what has .id at the API, with .spec; a session with all its participants */
        _INTENT_KIND_MAX,
} IntentKind;

/* All borrowed for the length of the call; the core takes its own reference of the spec. */
typedef struct Intent {
        IntentKind kind;
        Kind object;
        uint64_t number;        /* of the object; 0 for INTENT_CREATE and INTENT_ADOPT */
        ApiId id;               /* INTENT_ADOPT */
        Spec *spec;             /* INTENT_CREATE; INTENT_ADOPT: owner, lifetime, time and client */
        uint64_t session;       /* 0: none */
        bool has_subscriptions; /* INTENT_ADD where it is already wanted: .mode was given */
        Mode mode;
        const Publisher *publishers; /* by number; none listed twice */
        size_t n_publishers;
        bool wait; /* false: reply as soon as the intent is durable */
} Intent;

typedef struct CoreStatus {
        ApiState api_state;
        bool has_credentials;   /* usable ones */
        usec_t last_contact_at; /* CLOCK_REALTIME of the last good answer, 0: never */
        usec_t next_probe_at;   /* CLOCK_BOOTTIME: all waits for it; USEC_NEVER: none is planned */
        uint32_t n_objects[_KIND_MAX];
        uint32_t n_pending;
        uint64_t suspected_orphans;
        uint32_t n_unread;    /* objects of a copied state that are still to be read */
        bool disk_full;       /* calls are refused */
        bool disk_held;       /* what the API said is kept in memory until there is room */
        unsigned n_in_flight; /* requests */
        unsigned n_posts;     /* of these, creations */
} CoreStatus;

int core_new(Core **ret, const CoreConfig *config);
Core *core_free(Core *core);

/* New figures from now on; the seed is left alone. Nobody who waits is made to wait longer, a pause
 * that was begun is not cut short, and a shorter resync interval begins with a core_sync(). */
void core_configure(Core *core, const CoreConfig *config, Now now);

/**
 * core_restore_counters(), core_restore(), core_restore_end() - fill the registry from disk, before
 * core_start()
 * @row:        moved from: left empty on success
 * @ret_number: of the participant that is to hear one who is not there; set with -ENOENT
 *
 * Sessions first, then participants; within a kind in the order of their numbers; then the end.
 *
 * Return: 0, -ENOMEM; the file is damaged: -EEXIST (a number or an API id twice), -ENOENT (the
 * session, or in the end a publisher, is not there).
 */
void core_restore_counters(Core *core, const Counters *counters);
int core_restore(Core *core, Row *row);
int core_restore_end(Core *core, uint64_t *ret_number);

/* After the rows: an id that was deleted or found gone, @removed_at on CLOCK_REALTIME. Return: 0,
 * -ENOMEM. */
int core_restore_tombstone(Core *core, Kind kind, const ApiId *id, usec_t removed_at, Now now);

/* What was restored, seen from the machine that it is restored on. */
typedef enum CopyKind {
        COPY_NONE,      /* its own, and the newest */
        COPY_HERE,      /* a copy: what came after it was made is not known */
        COPY_ELSEWHERE, /* the same, and of another machine, whose clients are not known here */
        _COPY_KIND_MAX,
} CopyKind;

/**
 * core_restore_copy() - what was restored is a copy; before core_start()
 *
 * Every object is read before any of them is driven; one that the API keeps failing is not waited
 * for by the others. No creation of that time is sent: what became of it is unknown, and counted
 * so. What the API has is taken over, as far as nothing was open. The objects of another machine's
 * clients become persistent: whether these clients have left cannot be known here.
 *
 * It is durable that this was begun, and what is still to be read, so that a restart goes on with
 * it.
 */
void core_restore_copy(Core *core, CopyKind kind);

/**
 * core_start() - all is restored; begin to drive
 *
 * An attempt with no durable outcome becomes an unknown outcome; everything is due to be read.
 *
 * Return: 0, -ENOMEM.
 */
int core_start(Core *core, Now now);

/* Whether there are usable credentials. False: unauthorized, and not even a probe is sent. True:
 * they, or the way to the API, may be others than before. Where it is unauthorized or offline a
 * probe goes out at once, and only its passing changes the state; what was sent before delays it
 * not. */
void core_set_credentials(Core *core, bool usable, Now now);

/* Until core_resume() no request is started, probes included; answers are taken and batches sealed,
 * calls too. For a machine that is about to sleep. */
void core_suspend(Core *core);
void core_resume(Core *core);

/* The machine was asleep, or has other addresses, routes or name servers than before: what was
 * found out about the way to the API says nothing any more. A probe goes out at once, without
 * regard to the pause that an offline API was given; until it has passed no creation is begun.
 * Everything is verified, as by core_sync(). What the API itself has asked for (throttled,
 * unauthorized) holds. The caller sees to it that this is not done too often. */
void core_way_changed(Core *core, Now now);

/* From now on no new request is started; answers are still taken and batches still sealed. */
void core_stop(Core *core);

/**
 * core_intend() - take in what a client wants
 * @ticket:     names the method call, and is higher than any before; exactly one Reply will carry
 *              it if 0 is returned, and none otherwise
 * @ret_number: of the object, also where the call is refused later; 0: of one to be adopted, which
 *              the Reply names; untouched on failure
 * @ret_reason: for people, static; set where a positive outcome is returned
 *
 * What can be refused beforehand is refused here: no I/O, nothing kept. But of an object that has
 * gone, and that clients still see, a Reply tells it once that is durable.
 *
 * Return: 0 taken; a positive Outcome: refused; -ENOMEM.
 */
int core_intend(Core *core, const Intent *intent, uint64_t ticket, Now now, uint64_t *ret_number,
                const char **ret_reason);

/**
 * core_join_delete() - a Delete, for which nobody waits, of what is being deleted already
 * @durable: only where that is durable: it may be told at once that it is accepted
 *
 * Nothing of it is kept, however many there are; nor does the delete fall any more with the call
 * that it has joined, but where it cannot be made durable.
 *
 * Return: whether that is all; else it is to go to core_intend(), as any other.
 */
bool core_join_delete(Core *core, Kind kind, uint64_t number, bool durable);

/**
 * core_client_left() - a client has left the bus: delete what lives as long as it does
 * @name: its unique name, SPEC_CLIENT_NAME of those objects
 *
 * What is not durable yet never becomes it, and nothing of it is created. For the rest this is a
 * Delete that nobody waits for, in any state of the API; core_seal() takes some in each turn.
 *
 * Return: 0, -ENOMEM.
 */
int core_client_left(Core *core, const char *name, Now now);
/* Whether an object lives as long as that client, be it on its way out. O(log n). */
bool core_client_has(const Core *core, const char *name);
/* An object of the first client with a name above @after (NULL: of the first), NULL: none. Whom it
 * belongs to is in its spec, all else may not be durable. O(log n). */
const Row *core_client_after(const Core *core, const char *after);

/* Verify every object against the API as soon as the budget allows. */
void core_sync(Core *core, Now now);

/* The end of an attempt. A serial that is not in flight is ignored. Return: 0, -ENOMEM. */
int core_answer(Core *core, const Answer *answer, Now now);

/**
 * core_seal() - the end of a turn: decide, order, spend the budget, and close a batch
 * @ret: the batch, borrowed from the core until core_release(); NULL: nothing to let out, or a
 *       batch is still on its way (call again after core_release())
 *
 * Return: 0, -ENOMEM.
 */
int core_seal(Core *core, Now now, Batch **ret);

/**
 * core_committed() - the batch is durable (or needed no disk): what clients see moves on
 *
 * Fills in .before, .members_changed and .sessions. Requests that must not leave any more (the API
 * has become unreachable meanwhile, what they are to create is to be deleted, or core_stop() was
 * called) are taken out of .effects. Then the signals may be sent, and the effects
 * let out in their order. Objects that were removed are still found until core_release().
 *
 * Return: 0, -ENOMEM.
 */
int core_committed(Core *core, Batch *batch, Now now);
void core_release(Core *core, Batch *batch);

/**
 * core_refused() - the disk is full, and nothing of the batch is durable
 * @batch: given back, as by core_release(); nothing of it may be let out
 *
 * Instead of core_committed(). Calls that are not durable are taken back and answered with
 * OUTCOME_STORAGE_FAILED; a delete only if the batch was vital, for else a vital one follows. What
 * the API has said goes into the batches that follow. Until there is room, which is tried again and
 * again, no creation is begun, and no call is taken in but deletes and what only reads.
 *
 * Return: 0, -ENOMEM.
 */
int core_refused(Core *core, Batch *batch, Now now);

/* CLOCK_BOOTTIME when core_seal() should be called although nothing happened; USEC_NEVER: never.
 * Not later than @now where something is waiting to be sealed. */
usec_t core_deadline(const Core *core, Now now);

/*
 * What clients see: the last durable image. All of these are borrowed and hold until the next
 * call of a function above.
 */
CoreStatus core_status(const Core *core);
/* What a uid has, objects that are not durable yet included: they count for quotas. */
typedef struct OwnerCounts {
        uint32_t n_objects, n_pending;
} OwnerCounts;
OwnerCounts core_owner_counts(const Core *core, uint32_t uid);
const Row *core_find(const Core *core, Kind kind, uint64_t number);
const Row *core_find_id(const Core *core, Kind kind, const ApiId *id);
/* The object with the smallest number above @after, NULL: none. O(log n), like all that follow. */
const Row *core_after(const Core *core, Kind kind, uint64_t after);
const Row *core_tag_after(const Core *core, Kind kind, const char *tag, uint64_t after);
/* In the order of ids: the first one with that prefix that is above @after (NULL: the first). */
const Row *core_prefix_after(const Core *core, Kind kind, const char *prefix, const ApiId *after);
/* The participants of a session, ordered by number: the one above @after, NULL: none. */
const Row *core_member_after(const Core *core, uint64_t session, uint64_t after);
/* CLOCK_REALTIME of the next attempt for an object, 0: none is planned. */
usec_t core_next_attempt(const Core *core, Kind kind, uint64_t number, Now now);

DEFINE_CLEANUP(Core, core_free);
