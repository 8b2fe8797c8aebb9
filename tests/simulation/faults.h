/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What goes wrong with a request: at least one fault for each row of the table of answers. */

#include "core/request.h"
#include "simulation/random.h"

typedef enum Fault {
        FAULT_NONE,
        FAULT_NOT_SENT,
        FAULT_LOST_DONE,   /* carried out, and no whole answer */
        FAULT_LOST,        /* not carried out, and no whole answer */
        FAULT_GARBAGE,     /* carried out, 2xx, a body that can't be understood */
        FAULT_THROTTLED,   /* 425, 429, 503 with Retry-After */
        FAULT_BROKEN_DONE, /* 408 or 5xx, carried out all the same */
        FAULT_BROKEN,      /* 408 or 5xx */
        FAULT_REFUSED,     /* 400 and its like */
        FAULT_STRANGE_404, /* without the API's own body */
        FAULT_UNAUTHORIZED,
        FAULT_FORBIDDEN,
        FAULT_CONFLICT, /* 409 without a reason that we could see */
        FAULT_REDIRECTED,
        _FAULT_MAX,
} Fault;

/* What most requests meet for a while. */
typedef enum Weather {
        WEATHER_FAIR,
        WEATHER_CUT,    /* nothing can be sent */
        WEATHER_SILENT, /* nothing is answered */
        WEATHER_BROKEN,
        WEATHER_THROTTLING,
        WEATHER_UNAUTHORIZED,
        WEATHER_FORBIDDEN,
        WEATHER_REDIRECTING,
        _WEATHER_MAX,
} Weather;

typedef struct Sky {
        Weather weather;
        usec_t changes_at;
        double fault_rate; /* of single requests in fair weather */
} Sky;

const char *fault_name(Fault fault);
const char *weather_name(Weather weather);

/* The next weather and how long it lasts. */
void sky_turn(Sky *sky, Random *random, usec_t now);
/* @no_lists: whether 403 on a list says no more than that there are none. */
Fault sky_draw(const Sky *sky, Random *random, const Request *request, bool no_lists);

/* Whether the API carries out a request that meets this fault. */
bool fault_lets_through(Fault fault);
/* How the end of the attempt looks to the client. @status is what the API answered, or would
 * have; it is what an HTTP client would see on return. */
ApiOutcome fault_outcome(Fault fault, Random *random, unsigned *status);
