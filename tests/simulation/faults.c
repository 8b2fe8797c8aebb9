/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulation/faults.h"

#include "base/cleanup.h"

const char *fault_name(Fault fault) {
        static const char *const names[_FAULT_MAX] = {
                [FAULT_NONE] = "none",
                [FAULT_NOT_SENT] = "not-sent",
                [FAULT_LOST_DONE] = "lost-but-carried-out",
                [FAULT_LOST] = "lost",
                [FAULT_GARBAGE] = "garbage",
                [FAULT_THROTTLED] = "throttled",
                [FAULT_BROKEN_DONE] = "broken-but-carried-out",
                [FAULT_BROKEN] = "broken",
                [FAULT_REFUSED] = "refused",
                [FAULT_STRANGE_404] = "strange-404",
                [FAULT_UNAUTHORIZED] = "unauthorized",
                [FAULT_FORBIDDEN] = "forbidden",
                [FAULT_CONFLICT] = "conflict",
                [FAULT_REDIRECTED] = "redirected",
        };

        return names[fault];
}

const char *weather_name(Weather weather) {
        static const char *const names[_WEATHER_MAX] = {
                [WEATHER_FAIR] = "fair",
                [WEATHER_CUT] = "cut",
                [WEATHER_SILENT] = "silent",
                [WEATHER_BROKEN] = "broken",
                [WEATHER_THROTTLING] = "throttling",
                [WEATHER_UNAUTHORIZED] = "unauthorized",
                [WEATHER_FORBIDDEN] = "forbidden",
                [WEATHER_REDIRECTING] = "redirecting",
        };

        return names[weather];
}

void sky_turn(Sky *sky, Random *random, usec_t now) {
        static const unsigned weights[_WEATHER_MAX] = {
                [WEATHER_CUT] = 6,         [WEATHER_SILENT] = 4,       [WEATHER_BROKEN] = 4,
                [WEATHER_THROTTLING] = 3,  [WEATHER_UNAUTHORIZED] = 2, [WEATHER_FORBIDDEN] = 1,
                [WEATHER_REDIRECTING] = 1,
        };
        usec_t longest = 2 * USEC_PER_HOUR;

        if (sky->weather != WEATHER_FAIR) {
                sky->weather = WEATHER_FAIR;
                sky->changes_at = now + random_between(random, 5 * USEC_PER_MIN, 4 * USEC_PER_HOUR);
                return;
        }
        sky->weather = (Weather)random_weighed(random, weights, _WEATHER_MAX);
        if (random_chance(random, 0.7))
                longest = 10 * USEC_PER_MIN;
        sky->changes_at = now + random_between(random, 5 * USEC_PER_SEC, longest);
}

static Fault weather_fault(Weather weather, Random *random) {
        switch (weather) {
        case WEATHER_CUT:
                return FAULT_NOT_SENT;
        case WEATHER_SILENT:
                return random_chance(random, 0.3) ? FAULT_LOST_DONE : FAULT_LOST;
        case WEATHER_BROKEN:
                return random_chance(random, 0.2) ? FAULT_BROKEN_DONE : FAULT_BROKEN;
        case WEATHER_THROTTLING:
                return FAULT_THROTTLED;
        case WEATHER_UNAUTHORIZED:
                return FAULT_UNAUTHORIZED;
        case WEATHER_FORBIDDEN:
                return FAULT_FORBIDDEN;
        case WEATHER_REDIRECTING:
                return FAULT_REDIRECTED;
        case WEATHER_FAIR:
        case _WEATHER_MAX:
                break;
        }
        return FAULT_NONE;
}

static Fault single_fault(Random *random) {
        static const unsigned weights[_FAULT_MAX] = {
                [FAULT_NOT_SENT] = 12,    [FAULT_LOST_DONE] = 12, [FAULT_LOST] = 10,
                [FAULT_GARBAGE] = 8,      [FAULT_THROTTLED] = 8,  [FAULT_BROKEN_DONE] = 8,
                [FAULT_BROKEN] = 12,      [FAULT_REFUSED] = 8,    [FAULT_STRANGE_404] = 4,
                [FAULT_UNAUTHORIZED] = 1, [FAULT_FORBIDDEN] = 1,  [FAULT_CONFLICT] = 5,
                [FAULT_REDIRECTED] = 2,
        };

        return (Fault)random_weighed(random, weights, _FAULT_MAX);
}

Fault sky_draw(const Sky *sky, Random *random, const Request *request, bool no_lists) {
        Fault fault = FAULT_NONE;

        if (sky->weather != WEATHER_FAIR && random_chance(random, 0.98))
                fault = weather_fault(sky->weather, random);
        else if (random_chance(random, sky->fault_rate))
                fault = single_fault(random);

        /* 403 on this route says that the API is the one of 2020, which this world is not. */
        if (!no_lists && fault == FAULT_FORBIDDEN &&
            request->operation == OPERATION_LIST_PARTICIPANTS)
                fault = FAULT_UNAUTHORIZED;
        return fault;
}

bool fault_lets_through(Fault fault) {
        return fault == FAULT_NONE || fault == FAULT_LOST_DONE || fault == FAULT_GARBAGE ||
               fault == FAULT_BROKEN_DONE;
}

static ApiOutcome status_outcome(unsigned status) {
        if (status == 404)
                return API_NOT_FOUND;
        if (status == 409)
                return API_CONFLICT;
        if (status == 403) /* there is no such route */
                return API_FORBIDDEN;
        return API_OK;
}

ApiOutcome fault_outcome(Fault fault, Random *random, unsigned *status) {
        static const unsigned throttled[] = { 425, 429, 503 },
                              broken[] = { 408, 500, 502, 503, 504 },
                              refused[] = { 400, 405, 410, 413, 422 }, moved[] = { 301, 302, 308 };

        switch (fault) {
        case FAULT_NONE:
                return status_outcome(*status);
        case FAULT_NOT_SENT:
        case FAULT_LOST_DONE:
        case FAULT_LOST:
                *status = 0;
                return fault == FAULT_NOT_SENT ? API_NOT_SENT : API_NO_ANSWER;
        case FAULT_GARBAGE: /* there is no garbage in an empty body, nor behind an error */
                return *status == 200 ? API_NOT_UNDERSTOOD : status_outcome(*status);
        case FAULT_THROTTLED:
                *status = throttled[random_below(random, ELEMENTSOF(throttled))];
                return API_THROTTLED;
        case FAULT_BROKEN_DONE:
        case FAULT_BROKEN:
                *status = broken[random_below(random, ELEMENTSOF(broken))];
                return API_BROKEN;
        case FAULT_REFUSED:
                *status = refused[random_below(random, ELEMENTSOF(refused))];
                return API_REFUSED;
        case FAULT_STRANGE_404:
                *status = 404;
                return API_REFUSED;
        case FAULT_UNAUTHORIZED:
                *status = 401;
                return API_UNAUTHORIZED;
        case FAULT_FORBIDDEN:
                *status = 403;
                return API_FORBIDDEN;
        case FAULT_CONFLICT:
                *status = 409;
                return API_CONFLICT;
        case FAULT_REDIRECTED:
                *status = moved[random_below(random, ELEMENTSOF(moved))];
                return API_REDIRECTED;
        case _FAULT_MAX:
                break;
        }
        return API_NO_ANSWER;
}
