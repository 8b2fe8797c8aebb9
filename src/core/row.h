/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A row is the durable image of a session or a participant: the disk writes it, the bus shows it,
 * a restart loads it. It keeps what is wanted and what was last observed apart; everything else
 * that a client sees is computed from these.
 *
 * What a row points to (Spec, Place) is immutable and shared by counted reference. Counts change
 * on the loop's thread only; the store's thread reads the contents of a sealed batch and nothing
 * else.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/time.h"
#include "core/id.h"
#include "core/outcome.h"
#include "core/spec.h"

/* The numbers of these enums stand in state files: add at the end only. */
typedef enum Kind { KIND_SESSION, KIND_PARTICIPANT, _KIND_MAX } Kind;
typedef enum Mode { MODE_NONE, MODE_SESSION, MODE_PARTICIPANTS, _MODE_MAX } Mode;
typedef enum Aspect { BEING, MEMBERSHIP, SUBSCRIPTIONS, _ASPECT_MAX } Aspect;

/* What a client sees as State. */
typedef enum State { STATE_PENDING, STATE_ACTIVE, STATE_DELETING, STATE_FAILED, _STATE_MAX } State;

/* Members of a session, at most: what the API's documentation says. */
#define SESSION_MEMBERS_MAX 20

typedef struct Publisher {
        uint64_t number; /* 0: not in the registry, then id says who */
        ApiId id;        /* only where number is 0 */
        char **aliases;  /* none: every stream */
        size_t n_aliases;
} Publisher;

/* Where a participant is and what it hears there. NULL stands for "in no session". */
typedef struct Place {
        unsigned n_refs;
        Mode mode;
        uint64_t session; /* 0: one that is not in the registry, then place_foreign() says which */
        PackedId foreign;
        size_t n_publishers;
        Publisher publishers[]; /* sorted by (number, id), aliases sorted by bytes */
} Place;

/* Revisions of one aspect. wanted == agreed: in sync. They only grow. */
typedef struct Goal {
        uint32_t wanted_rev, sent_rev, agreed_rev;
} Goal;

/* Ordered by size: there are as many as there are objects. */
typedef struct Row {
        uint64_t number;
        Spec *spec;
        Place *wanted, *observed;
        char *last_message; /* NULL: none */
        usec_t expires_at;  /* CLOCK_REALTIME, 0: not known */
        Goal goals[_ASPECT_MAX];
        uint8_t n_unknown; /* POSTs of this object whose outcome the API never told */
        Kind kind : 8;
        Outcome last_error : 8; /* OUTCOME_DONE: none */
        bool gone : 1;          /* wanted: that it is not there */
        bool failed : 1;        /* a creation that was refused, or is unknown, for good */
        bool attempt_open : 1;  /* a POST may be out; found at restart: unknown outcome */
        bool has_token : 1;     /* the store has it; never in memory */

        /* Not worth a commit of their own: written when the row is written anyway. */
        usec_t synced_at; /* CLOCK_REALTIME of the last read that was compared, 0: never */
        uint32_t n_failed;

        PackedId id; /* by row_id() and its like */
} Row;

/* Durable numbers of the registry as a whole. */
typedef struct Counters {
        uint64_t last_number[_KIND_MAX]; /* given last; never used again */
        uint64_t suspected_orphans;      /* never falls */
        usec_t quiet_until; /* CLOCK_REALTIME, whole seconds: a Retry-After of before; 0: none */

        uint64_t copies; /* how often this state was found to be a copy of another */
        /* Of a copy: objects up to there are to be read before they are driven. 0: none. */
        uint64_t unread[_KIND_MAX];
} Counters;

/**
 * place_new() - an immutable place, sorted, with copies of all that it is given
 * @session:      the registry's number, 0 with @foreign
 * @foreign:      may be NULL where @session is not 0
 * @mode:         anything but MODE_PARTICIPANTS ignores @publishers; MODE_PARTICIPANTS without a
 *                publisher becomes MODE_NONE, never MODE_SESSION
 * @publishers:   none listed twice
 *
 * Return: 0, -ENOMEM.
 */
int place_new(Place **ret, uint64_t session, const ApiId *foreign, Mode mode,
              const Publisher *publishers, size_t n_publishers);
Place *place_ref(Place *place);
Place *place_unref(Place *place);
/* Not known where .session says which. */
ApiId place_foreign(const Place *place);

/* Whether the same streams are meant. */
bool publisher_same_aliases(const Publisher *a, const Publisher *b);

/* Equal in session and, for place_equal(), in what is heard. NULL is a place too. */
bool place_same_session(const Place *a, const Place *b);
bool place_equal(const Place *a, const Place *b);
bool place_in_session(const Place *place, uint64_t session);
/* Whether @place lists that participant of the registry as a publisher. */
bool place_lists(const Place *place, uint64_t publisher);

/**
 * place_without() - the same place with one publisher dropped out
 *
 * When the last one goes the mode becomes MODE_NONE, never MODE_SESSION.
 *
 * Return: 0, -ENOMEM.
 */
int place_without(Place **ret, const Place *place, uint64_t publisher);

/* Copies a row; @to is overwritten and holds references of its own. Return: 0, -ENOMEM. */
int row_copy(Row *to, const Row *from);
/* Lets go of what a row points to and clears it. */
void row_deinit(Row *row);
Row *row_free(Row *row);
int row_set_error(Row *row, Outcome outcome, const char *message);

/* The id that the API gave. @id: not known is fine. Return: 0, -ENOMEM. */
int row_set_id(Row *row, const ApiId *id);
ApiId row_id(const Row *row);
bool row_has_id(const Row *row);
bool row_id_is(const Row *row, const ApiId *id);

/* Whether two images differ in what must be durable; synced_at and n_failed do not count, nor
 * does last_error: one that is final comes with another change. */
bool row_equal_on_disk(const Row *a, const Row *b);

State row_state(const Row *row);
/* Whether the API has confirmed all that is wanted. */
bool row_in_sync(const Row *row);
/* Whether one aspect is still to be driven. */
static inline bool row_open(const Row *row, Aspect aspect) {
        return row->goals[aspect].wanted_rev != row->goals[aspect].agreed_rev;
}

DEFINE_CLEANUP(Place, place_unref);
DEFINE_CLEANUP(Row, row_free);
