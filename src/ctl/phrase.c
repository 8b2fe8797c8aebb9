/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/phrase.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/memory.h"

#define USEC_PER_DAY  (24 * USEC_PER_HOUR)
#define USEC_PER_YEAR (365 * USEC_PER_DAY + 6 * USEC_PER_HOUR)

static const struct Unit {
        usec_t usec;
        const char *one, *many;
} units[] = {
        { USEC_PER_YEAR, " year", " years" }, { USEC_PER_DAY, " day", " days" },
        { USEC_PER_HOUR, "h", "h" },          { USEC_PER_MIN, "min", "min" },
        { USEC_PER_SEC, "s", "s" },
};

char *phrase_span(usec_t span_usec) {
        for (size_t i = 0; i < ELEMENTSOF(units); i++) {
                usec_t n = span_usec / units[i].usec, rest = 0;
                const char *unit = n == 1 ? units[i].one : units[i].many;

                if (n == 0)
                        continue;
                if (i + 1 < ELEMENTSOF(units))
                        rest = span_usec % units[i].usec / units[i + 1].usec;
                if (rest == 0)
                        return format("%" PRIu64 "%s", n, unit);
                return format("%" PRIu64 "%s %" PRIu64 "%s", n, unit, rest,
                              rest == 1 ? units[i + 1].one : units[i + 1].many);
        }
        return format("0s");
}

char *phrase_when(usec_t at, usec_t now) {
        CLEANUP(freep) char *span = NULL;

        if (at == 0)
                return format("never");

        span = phrase_span(at > now ? at - now : now - at);
        if (strcmp(span, "0s") == 0)
                return format(at > now ? "now" : "just now");
        return format(at > now ? "in %s" : "%s ago", span);
}
