/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is told of the registry as a whole: the manager's properties that change. */

#include "bus/internal.h"
#include "proto/names.h"

#define COUNTS_INTERVAL_USEC (100 * USEC_PER_MSEC)

static uint32_t clamp(uint64_t count) {
        return count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
}

static const char *const manager_counts[4] = { "SessionCount", "ParticipantCount", "PendingCount",
                                               "SuspectedOrphans" };

void manager_tell(const Bus *bus, Told *ret) {
        CoreStatus status = core_status(bus->core);

        *ret = (Told){
                .api_state = status.api_state,
                .counts = { status.n_objects[KIND_SESSION], status.n_objects[KIND_PARTICIPANT],
                            status.n_pending, clamp(status.suspected_orphans) },
        };
}

/* Appends the names of the counts that changed, or says when these may be told. */
static size_t counts_collect(Bus *bus, const Told *now, usec_t at, const char **names) {
        size_t n = 0;

        bus->deadline_at = USEC_NEVER;
        for (size_t i = 0; i < ELEMENTSOF(manager_counts); i++)
                if (now->counts[i] != bus->told.counts[i])
                        names[n++] = manager_counts[i];
        if (n == 0)
                return 0;
        if (at < bus->counts_at) {
                bus->deadline_at = bus->counts_at;
                return 0;
        }

        bus->counts_at = usec_add(at, COUNTS_INTERVAL_USEC);
        memcpy(bus->told.counts, now->counts, sizeof(now->counts));
        return n;
}

int bus_emit_status(Bus *bus, Now now) {
        const char *names[ELEMENTSOF(manager_counts) + 2] = { NULL };
        Told told;
        size_t n;

        if (!bus->named)
                return 0;
        manager_tell(bus, &told);
        n = counts_collect(bus, &told, now.boottime, names);
        if (told.api_state != bus->told.api_state) {
                bus->told.api_state = told.api_state;
                names[n++] = "ApiState";
        }
        if (n == 0)
                return 0;
        names[n] = NULL;
        return sd_bus_emit_properties_changed_strv(bus->bus, CONVENED_PATH, CONVENED_MANAGER,
                                                   (char **)names);
}

usec_t bus_deadline(const Bus *bus) {
        return usec_min(bus->deadline_at, outlet_deadline(&bus->outlet));
}
