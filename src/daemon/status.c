/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define INTERVAL_USEC USEC_PER_SEC
#define STATUS_MAX    420

static const char *api_words(const CoreStatus *core) {
        switch (core->api_state) {
        case API_STATE_UNKNOWN:
                return "API not asked yet";
        case API_STATE_ONLINE:
                return "API online";
        case API_STATE_THROTTLED:
                return "API throttles us";
        case API_STATE_OFFLINE:
                return "API offline";
        case API_STATE_UNAUTHORIZED:
                return core->has_credentials ? "API refuses the credentials"
                                             : "No usable credentials for the API";
        case _API_STATE_MAX:
                break;
        }
        return "";
}

const char *status_plural(uint64_t n) {
        return n == 1 ? "" : "s";
}

static const char *disk_words(const CoreStatus *core) {
        if (core->disk_held)
                return "; the disk is full, what the API answers is in memory alone, and changes "
                       "are refused";
        return core->disk_full ? "; the disk is full, changes are refused" : "";
}

static bool api_is_well(ApiState state) {
        return state == API_STATE_UNKNOWN || state == API_STATE_ONLINE;
}

/* A point of CLOCK_BOOTTIME, as people here say it. */
static void moment_write(char *text, size_t size, const char *pattern, usec_t at, Now now) {
        time_t seconds = (time_t)((now.realtime + at - now.boottime) / USEC_PER_SEC);
        struct tm local;

        if (!localtime_r(&seconds, &local) || strftime(text, size, pattern, &local) == 0)
                text[0] = '\0';
}

/* Since when the API is not well, and when it is tried next; "" while all is well. */
static void trouble_write(char *text, size_t size, const Status *status, const CoreStatus *core,
                          Now now) {
        char since[64], next[64] = "";

        text[0] = '\0';
        if (api_is_well(core->api_state))
                return;
        moment_write(since, sizeof(since), " since %F %T %Z", status->since_at, now);
        if (core->next_probe_at != USEC_NEVER)
                moment_write(next, sizeof(next), ", next try %T", core->next_probe_at, now);
        snprintf(text, size, "%s%s", since, next);
}

static void status_write(char *text, size_t size, const char *trouble, const CoreStatus *core) {
        int n;

        n = snprintf(text, size, "%s%s; %" PRIu32 " session%s, %" PRIu32 " participant%s",
                     api_words(core), trouble, core->n_objects[KIND_SESSION],
                     status_plural(core->n_objects[KIND_SESSION]),
                     core->n_objects[KIND_PARTICIPANT],
                     status_plural(core->n_objects[KIND_PARTICIPANT]));
        if (core->n_pending > 0)
                n += snprintf(text + n, size - (size_t)n, ", %" PRIu32 " not in sync",
                              core->n_pending);
        if (core->n_unread > 0)
                n += snprintf(text + n, size - (size_t)n, ", %" PRIu32 " of a copy to be read",
                              core->n_unread);
        if (core->suspected_orphans > 0)
                n += snprintf(text + n, size - (size_t)n, ", %" PRIu64 " suspected orphan%s",
                              core->suspected_orphans, status_plural(core->suspected_orphans));
        snprintf(text + n, size - (size_t)n, "%s", disk_words(core));
}

/* Where a try is out, the one that was told is that. */
static bool next_try_same(const CoreStatus *told, const CoreStatus *core) {
        return told->next_probe_at == core->next_probe_at || core->next_probe_at == USEC_NEVER ||
               api_is_well(core->api_state);
}

/* Whether the text would be the same; asked in every turn of the loop, it must cost nothing. */
static bool status_same(const Status *status, const CoreStatus *core) {
        const CoreStatus *told = &status->told;

        return status->told_at != 0 && told->api_state == core->api_state &&
               told->n_objects[KIND_SESSION] == core->n_objects[KIND_SESSION] &&
               told->n_objects[KIND_PARTICIPANT] == core->n_objects[KIND_PARTICIPANT] &&
               told->n_pending == core->n_pending && told->n_unread == core->n_unread &&
               told->suspected_orphans == core->suspected_orphans &&
               told->has_credentials == core->has_credentials &&
               told->disk_full == core->disk_full && told->disk_held == core->disk_held &&
               next_try_same(told, core);
}

usec_t status_tell(Status *status, Notify *notify, const CoreStatus *core, Now now) {
        char text[STATUS_MAX], trouble[128];

        if (status->since_at == 0 || status->state != core->api_state) {
                status->since_at = now.boottime;
                status->state = core->api_state;
        }
        if (status_same(status, core))
                return USEC_NEVER;

        if (status->told_at != 0 && now.boottime < status->told_at + INTERVAL_USEC)
                return status->told_at + INTERVAL_USEC;

        trouble_write(trouble, sizeof(trouble), status, core, now);
        status_write(text, sizeof(text), trouble, core);
        notify_tell(notify, "STATUS=%s", text);
        status->told = *core;
        status->told_at = now.boottime;
        return USEC_NEVER;
}
