/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/internal.h"

#include <errno.h>

/*
 * What the log says of the API as a whole. An API that comes and goes all the time (one of two
 * balancers is down, say) would fill it for hours: so many changes are told at once, and from then
 * on one in a while, with what is so then.
 */

#define BURST     6
#define PACE_USEC (10 * USEC_PER_MIN)

static const char *const sentences[] = {
        [API_STATE_UNKNOWN] = "It is not known whether the API can be reached",
        [API_STATE_ONLINE] = "The API answers",
        [API_STATE_THROTTLED] = "The API asks for patience",
        [API_STATE_OFFLINE] = "The API cannot be reached or does not work",
        [API_STATE_UNAUTHORIZED] = "The API refuses the credentials or the account",
};

static bool may_tell(const Core *core) {
        return core->telling.full_at <= core->now.boottime + (BURST - 1) * PACE_USEC;
}

static void has_told(Core *core) {
        Telling *telling = &core->telling;

        telling->n_untold = 0;
        telling->full_at = usec_max(telling->full_at, core->now.boottime) + PACE_USEC;
}

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
        const bool good = state == API_STATE_ONLINE, tell = may_tell(core);
        int level = good ? before == API_STATE_UNKNOWN ? 6 : 5 : 4, r;

        r = core_log(core, LOG_EVENT_API_STATE, tell ? level : 7, NULL, "%s%s%s", sentences[state],
                     good ? "" : ": ", good ? "." : answer->message);
        if (r >= 0 && !good)
                r = add_answer(core, answer);
        if (tell)
                has_told(core);
        else
                core->telling.n_untold++;
        return r;
}

int telling_late(Core *core) {
        const ApiState state = core->host.state;
        const unsigned n = core->telling.n_untold;

        if (n == 0 || !may_tell(core))
                return 0;
        has_told(core);
        return core_log(core, LOG_EVENT_API_STATE, state == API_STATE_ONLINE ? 5 : 4, NULL,
                        "%s; its state changed so often that %u changes were not told.",
                        sentences[state], n);
}

usec_t telling_deadline(const Core *core) {
        const Telling *telling = &core->telling;

        return telling->n_untold == 0 ? USEC_NEVER : telling->full_at - (BURST - 1) * PACE_USEC;
}
