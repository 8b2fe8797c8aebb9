/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How soon something is done about changes that come in bursts, and may go on and on: once a burst
 * has settled, but the more seldom the longer it goes on, from a second between two times to a
 * minute. Pure: time and chance come in.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

typedef struct Calm {
        usec_t due; /* CLOCK_BOOTTIME, USEC_NEVER: nothing is to be done */
        usec_t last_at, gap;
} Calm;

void calm_init(Calm *calm);

/* Something has changed. @chance: any number; so that machines which see the same do not act at the
 * same moment. Return: when to act. */
usec_t calm_note(Calm *calm, usec_t now, uint64_t chance);

/* Whether to act now: then all that was noted is done with. */
bool calm_pass(Calm *calm, usec_t now);
