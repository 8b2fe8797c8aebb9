/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/calm.h"

/* What comes together, such as an address, its route and its name server, comes within that. */
#define SETTLE_MIN_USEC (200 * USEC_PER_MSEC)
#define SETTLE_MAX_USEC (700 * USEC_PER_MSEC)

#define GAP_MIN_USEC USEC_PER_SEC
#define GAP_MAX_USEC USEC_PER_MIN

void calm_init(Calm *calm) {
        *calm = (Calm){ .due = USEC_NEVER };
}

usec_t calm_note(Calm *calm, usec_t now, uint64_t chance) {
        const usec_t settled =
                now + SETTLE_MIN_USEC + chance % (SETTLE_MAX_USEC - SETTLE_MIN_USEC + 1);

        if (calm->due != USEC_NEVER)
                return calm->due;
        /* It goes on where it comes again within twice the gap of last time. */
        if (calm->gap == 0 || now >= usec_add(calm->last_at, 2 * calm->gap))
                calm->gap = GAP_MIN_USEC;
        else
                calm->gap = usec_min(2 * calm->gap, GAP_MAX_USEC);
        calm->due = usec_max(settled, usec_add(calm->last_at, calm->gap));
        return calm->due;
}

bool calm_pass(Calm *calm, usec_t now) {
        if (calm->due > now)
                return false;
        calm->due = USEC_NEVER;
        calm->last_at = now;
        return true;
}
