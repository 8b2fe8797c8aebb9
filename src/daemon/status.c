/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/status.h"

#include <inttypes.h>
#include <stdio.h>

#define INTERVAL_USEC USEC_PER_SEC
#define STATUS_MAX    280

static const char *api_state_words(ApiState state) {
        switch (state) {
        case API_STATE_UNKNOWN:
                return "API not asked yet";
        case API_STATE_ONLINE:
                return "API online";
        case API_STATE_THROTTLED:
                return "API throttles us";
        case API_STATE_OFFLINE:
                return "API offline";
        case API_STATE_UNAUTHORIZED:
                return "API refuses the credentials, or there are none";
        case _API_STATE_MAX:
                break;
        }
        return "";
}

static const char *plural(uint64_t n) {
        return n == 1 ? "" : "s";
}

static void status_write(char *text, size_t size, const CoreStatus *core) {
        int n;

        n = snprintf(text, size, "%s; %" PRIu32 " session%s, %" PRIu32 " participant%s",
                     api_state_words(core->api_state), core->n_objects[KIND_SESSION],
                     plural(core->n_objects[KIND_SESSION]), core->n_objects[KIND_PARTICIPANT],
                     plural(core->n_objects[KIND_PARTICIPANT]));
        if (core->n_pending > 0)
                n += snprintf(text + n, size - (size_t)n, ", %" PRIu32 " not in sync",
                              core->n_pending);
        if (core->n_unread > 0)
                n += snprintf(text + n, size - (size_t)n, ", %" PRIu32 " of a copy to be read",
                              core->n_unread);
        if (core->suspected_orphans > 0)
                n += snprintf(text + n, size - (size_t)n, ", %" PRIu64 " suspected orphan%s",
                              core->suspected_orphans, plural(core->suspected_orphans));
        if (core->disk_full)
                snprintf(text + n, size - (size_t)n, "; the disk is full, changes are refused");
}

/* Whether the text would be the same; asked in every turn of the loop, it must cost nothing. */
static bool status_same(const Status *status, const CoreStatus *core) {
        const CoreStatus *told = &status->told;

        return status->told_at != 0 && told->api_state == core->api_state &&
               told->n_objects[KIND_SESSION] == core->n_objects[KIND_SESSION] &&
               told->n_objects[KIND_PARTICIPANT] == core->n_objects[KIND_PARTICIPANT] &&
               told->n_pending == core->n_pending && told->n_unread == core->n_unread &&
               told->suspected_orphans == core->suspected_orphans &&
               told->disk_full == core->disk_full;
}

usec_t status_tell(Status *status, Notify *notify, const CoreStatus *core, Now now) {
        char text[STATUS_MAX];

        if (status_same(status, core))
                return USEC_NEVER;

        if (status->told_at != 0 && now.boottime < status->told_at + INTERVAL_USEC)
                return status->told_at + INTERVAL_USEC;

        status_write(text, sizeof(text), core);
        notify_tell(notify, "STATUS=%s", text);
        status->told = *core;
        status->told_at = now.boottime;
        return USEC_NEVER;
}
