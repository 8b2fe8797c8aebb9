/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The deciding function. What is wanted, what was observed and what is in flight go in; the one
 * next step comes out. Pure: no clock, no registry, no allocation.
 *
 *     no id ── create ─▶ has an id ── join ─▶ member ── subscribe ─▶ agreed
 *       │                   ▲  │ read first, while         │
 *       │                   │  │ it is not sure where      │
 *       ▼                   └──┴───────── leave ◀──────────┘
 *     forget ◀── delete (from anywhere, once nothing is in flight)
 */

#include <stdbool.h>

#include "core/row.h"

typedef enum StepKind {
        STEP_WAIT,   /* only an event can change the answer */
        STEP_FORGET, /* nothing of it is at the API: drop the row */
        STEP_CREATE,
        STEP_DELETE,
        STEP_READ, /* the object itself, before anything else is done with it */
        STEP_LEAVE,
        STEP_JOIN,
        STEP_SUBSCRIBE,
        STEP_LOOK,               /* a read that nothing waits for */
        STEP_LOOK_SUBSCRIPTIONS, /* the like, of the subscriptions alone */
        _STEP_MAX,
} StepKind;

/* Where a participant is wanted. */
typedef enum Wish {
        WISH_NOWHERE,
        WISH_READY,   /* in a session that can be joined now */
        WISH_BLOCKED, /* in one that is not there yet, is being checked, or has no place yet */
        _WISH_MAX,
} Wish;

/* Where a participant was last observed, seen from where it is wanted. */
typedef enum Whereabouts {
        WHEREABOUTS_NOWHERE,
        WHEREABOUTS_SAME,
        WHEREABOUTS_ELSEWHERE,
        _WHEREABOUTS_MAX,
} Whereabouts;

typedef struct Facts {
        bool has_id, gone, failed;
        bool open[_ASPECT_MAX]; /* wanted and not agreed */
        bool in_flight;         /* a change */
        bool backing_off;       /* the last try failed, and it is too early for the next */
        bool reading;
        bool unread; /* of a copied state: it is read, by itself or with others, and then driven */
        bool must_read; /* a 404 on a path with two objects, or a change of unknown outcome */
        bool look;      /* it is time to */
        bool look_subscriptions;
        Wish wish;
        Whereabouts whereabouts;
        bool publishers_ready; /* all of them are observed members of that session */
} Facts;

StepKind plan_next(const Facts *facts);

/* The field's name of a step, for logs and counts. */
const char *step_name(StepKind step);

/* Whether a step changes something at the API. */
bool step_is_change(StepKind step);
