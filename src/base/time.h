/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Points in time and spans, in microseconds. A point is CLOCK_BOOTTIME where something waits for
 * it, and CLOCK_REALTIME where people or the API read it; the name says which.
 */

#include <stdint.h>

typedef uint64_t usec_t;

#define USEC_PER_MSEC ((usec_t)1000)
#define USEC_PER_SEC  ((usec_t)1000000)
#define USEC_PER_MIN  (60 * USEC_PER_SEC)
#define USEC_PER_HOUR (60 * USEC_PER_MIN)
#define USEC_NEVER    UINT64_MAX

/* The two clocks at one moment. */
typedef struct Now {
        usec_t boottime;
        usec_t realtime;
} Now;

/* Adds a span to a point; never wraps, and never comes back from USEC_NEVER. */
static inline usec_t usec_add(usec_t point, usec_t span) {
        return span > USEC_NEVER - point ? USEC_NEVER : point + span;
}

static inline usec_t usec_min(usec_t a, usec_t b) {
        return a < b ? a : b;
}

static inline usec_t usec_max(usec_t a, usec_t b) {
        return a > b ? a : b;
}
