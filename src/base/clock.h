/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The only place that reads clocks. Not for the core, to which time is an argument. */

#include <time.h>

#include "base/time.h"

static inline usec_t clock_read(clockid_t id) {
        struct timespec time;

        clock_gettime(id, &time);
        return (usec_t)time.tv_sec * USEC_PER_SEC + (usec_t)time.tv_nsec / 1000;
}

static inline Now clock_now(void) {
        return (Now){ .boottime = clock_read(CLOCK_BOOTTIME),
                      .realtime = clock_read(CLOCK_REALTIME) };
}
