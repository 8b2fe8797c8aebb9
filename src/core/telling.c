/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/internal.h"

#include <errno.h>

bool telling_may(const Telling *telling, usec_t now) {
        return telling->full_at <= now + (telling->burst - 1) * telling->pace_usec;
}

void telling_has_told(Telling *telling, usec_t now) {
        telling->n_untold = 0;
        telling->full_at = usec_max(telling->full_at, now) + telling->pace_usec;
}

usec_t telling_due(const Telling *telling) {
        return telling->n_untold == 0
                       ? USEC_NEVER
                       : telling->full_at - (telling->burst - 1) * telling->pace_usec;
}

/*
 * What the log says of the API as a whole. An API that comes and goes all the time (one of two
 * balancers is down, say) would fill it for hours: so many changes are told at once, and from then
 * on one in a while, with what is so then.
 */

static const char *const sentences[] = {
        [API_STATE_UNKNOWN] = "It is not known whether the API can be reached",
        [API_STATE_ONLINE] = "The API answers",
        [API_STATE_THROTTLED] = "The API asks for patience",
        [API_STATE_OFFLINE] = "The API cannot be reached or does not work",
        [API_STATE_UNAUTHORIZED] = "The API refuses the credentials or the account",
};

/* What came of it is what the API's people will ask for. */
static int add_answer(Core *core, const Answer *answer) {
        Log *log = &core->effects[core->n_effects - 1].log;

        log->status = answer->status;
        if (answer->request_id[0]) {
                log->request_id = strdup(answer->request_id);
                if (!log->request_id)
                        return -ENOMEM;
        }
        return 0;
}

int telling_change(Core *core, ApiState before, const Answer *answer) {
        const ApiState state = core->host.state;
        const bool good = state == API_STATE_ONLINE,
                   tell = telling_may(&core->telling, core->now.boottime);
        int level = good ? before == API_STATE_UNKNOWN ? 6 : 5 : 4, r;

        r = core_log(core, LOG_EVENT_API_STATE, tell ? level : 7, NULL, "%s%s%s", sentences[state],
                     good ? "" : ": ", good ? "." : answer->message);
        if (r >= 0 && !good)
                r = add_answer(core, answer);
        if (tell)
                telling_has_told(&core->telling, core->now.boottime);
        else
                core->telling.n_untold++;
        return r;
}

int telling_late(Core *core) {
        const ApiState state = core->host.state;
        const unsigned n = core->telling.n_untold;

        if (telling_due(&core->telling) > core->now.boottime)
                return 0;
        telling_has_told(&core->telling, core->now.boottime);
        return core_log(core, LOG_EVENT_API_STATE, state == API_STATE_ONLINE ? 5 : 4, NULL,
                        "%s; its state changed so often that %u changes were not told.",
                        sentences[state], n);
}
