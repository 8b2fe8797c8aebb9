/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Times as people say them. Every result is fresh memory. */

#include "base/time.h"

/* A span in its two largest units: "3s", "2min 5s", "1h 3min", "2 days 4h". */
char *phrase_span(usec_t span_usec);

/* A point of CLOCK_REALTIME seen from now: "3s ago", "just now", "in 5s"; "never" for 0. */
char *phrase_when(usec_t at, usec_t now);
