/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How an attempt ended, and what that means: the only place that knows. */

#include <stdbool.h>

#include "core/outcome.h"

typedef struct Ending {
        bool sent;  /* a byte of the request may have reached the API, and was not refused unread */
        bool whole; /* an HTTP answer came to its end, or we cut it short because it was too long */
        unsigned status; /* HTTP status, 0: none came */
        bool has_retry_after;
        bool understood; /* 2xx: has what the operation needs; 404: has the API's own error body */
} Ending;

/* Sorts every end of an attempt, by the table in doc/architecture.md. Pure. */
ApiOutcome ending_sort(const Ending *ending);
