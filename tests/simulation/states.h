/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The states of the deciding function: what an object waits for, crossed with what keeps it from
 * going on. They are read off the facts that plan_next() is asked about (the linker puts a witness
 * in its place), and not off what it answers.
 */

#include <stdbool.h>
#include <stdint.h>

/* The first that holds. */
typedef enum Situation {
        SITUATION_NOT_MADE, /* no id yet */
        SITUATION_FAILED,   /* no id, and none will come */
        SITUATION_NEVER_WAS,
        SITUATION_TO_BE_DELETED,
        SITUATION_UNSURE,    /* read first */
        SITUATION_NOWHERE,   /* wanted nowhere, and not known to be anywhere */
        SITUATION_TO_LEAVE,  /* wanted nowhere */
        SITUATION_TO_MOVE,   /* in another session than wanted */
        SITUATION_TO_JOIN,   /* in none */
        SITUATION_TO_REJOIN, /* to be confirmed where it is */
        SITUATION_NO_PLACE,  /* the session wanted cannot be joined yet */
        SITUATION_TO_SUBSCRIBE,
        SITUATION_NO_PUBLISHERS,
        SITUATION_NOT_TO_SUBSCRIBE, /* where it is wanted is not there any more, or not sure */
        SITUATION_LOOK_SUBSCRIPTIONS,
        SITUATION_LOOK,
        SITUATION_REST,
        _SITUATION_MAX,
} Situation;

typedef enum Hindrance {
        HINDRANCE_NONE,
        HINDRANCE_CHANGE, /* in flight */
        HINDRANCE_BACKOFF,
        HINDRANCE_READ, /* in flight */
        _HINDRANCE_MAX,
} Hindrance;

#define N_STATES (_SITUATION_MAX * _HINDRANCE_MAX)

/* Such as "to join, backing off". Borrowed until the next call. */
const char *state_name(unsigned state);
/* Whether objects come into it at all. */
bool state_is_met(unsigned state);
/* How often the core has asked about an object in it, since the program began. */
uint64_t state_count(unsigned state);

/* The like of a situation, whatever keeps it from going on. */
const char *situation_name(unsigned situation);
uint64_t situation_count(unsigned situation);
