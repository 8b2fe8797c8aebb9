/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A change between two durable images of a row, and what may be said of it. */

#include "simulation/invariants.h"

typedef struct Case {
        Run *run;
        const Batch *batch;
        const Row *old, *new; /* old NULL: it is new */
        Item *item;
        const Thing *thing; /* NULL: it has no id */
        bool removed, adopted;
} Case;

#define CHECK(c, invariant, condition, ...)                                                        \
        do {                                                                                       \
                if (!(condition))                                                                  \
                        case_fail(c, invariant, __VA_ARGS__);                                      \
        } while (0)

void case_fail(const Case *c, const char *invariant, const char *text);

/* The credentials were refused since then: calls without a reply are, and what they asked for may
 * be withdrawn. */
bool case_was_denied(const Case *c);

/* @back: whether it is gone back to; then those are missing who have left since, too. */
bool case_place_is_wished(const Case *c, const Place *place, const Wish *wish, bool back);

/* Somebody asked for it, and no seal has seen that yet. */
bool case_is_asked_for(const Case *c);

/* The same session, and publishers missing that have left. */
bool case_is_without_leavers(const Case *c, const Place *old);

bool case_is_without_session(const Case *c);

/* The API was like this at some time after the last change that it confirmed to us. */
bool case_is_taken_over(const Case *c);

/* A change of it was refused for good since the last intent. */
bool case_was_refused(const Case *c);

/* Created to be in a session that is no more: the creation as a whole has failed. */
bool case_has_lost_its_session(const Case *c);

/* An intent that nobody has seen fulfilled or refused. Out of the session that was meant is out,
 * wherever it went. */
bool case_was_unmet(const Case *c);

/* The last intent that somebody was told is accepted, and that has not come true; NULL: none. */
const Wish *case_accepted_wish(const Case *c);

/* Whether a change may be at the API that was sent after the last intent. */
bool case_may_be_sent(const Case *c);

/* What was asked for by calls that were refused is taken back, and what was accepted before is to
 * be driven again: the last of it, which nothing that was accepted later has replaced. What a
 * restart found on disk is as good as accepted. */
bool case_is_accepted_again(const Case *c);

/* With Drift=enforce what users wanted is put back: not what others made and nobody here has
 * placed, and not out of, or back into, a session that is not ours. */
bool case_may_be_taken_over(const Case *c);
