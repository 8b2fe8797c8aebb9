/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/internal.h"

#include <assert.h>
#include <errno.h>

int core_new(Core **ret, const CoreConfig *config) {
        Core *core = calloc(1, sizeof(*core));

        if (!core)
                return -ENOMEM;
        core->config = *config;
        core->seed = config->seed;
        registry_init(&core->registry);
        tombstones_init(&core->tombstones);
        TAILQ_INIT(&core->touched);
        STAILQ_INIT(&core->woken);
        for (Priority priority = 0; priority < _PRIORITY_MAX; priority++)
                TAILQ_INIT(&core->ready[priority]);
        TAILQ_INIT(&core->waiters);
        TAILQ_INIT(&core->departures);
        storage_init(&core->storage);
        RB_INIT(&core->flights);
        bucket_init(&core->bucket, config->requests_per_sec, config->request_burst, 0);
        core->telling = (Telling){ .burst = 6, .pace_usec = 10 * USEC_PER_MIN };
        core->leaving = (Telling){ .burst = 10, .pace_usec = USEC_PER_MIN };
        core->host.usable = true;
        core->host.probe_at = USEC_NEVER;
        core->host.lists_epoch = 1;
        *ret = core;
        return 0;
}

Core *core_free(Core *core) {
        Waiter *waiter;
        Flight *flight;

        if (!core)
                return NULL;
        if (core->batch)
                core_release(core, core->batch);
        free(core->batch_objects);
        storage_deinit(&core->storage);
        for (size_t i = 0; i < core->n_effects; i++)
                effect_deinit(core->effects + i);
        free(core->effects);
        while ((waiter = TAILQ_FIRST(&core->waiters)))
                waiter_free(core, waiter);
        core_adoptions_deinit(core);
        while ((flight = RB_ROOT(&core->flights)))
                flight_free(core, flight);
        departures_deinit(core);
        assert(core->n_flights == 0 && core->n_posts == 0);
        registry_deinit(&core->registry);
        tombstones_deinit(&core->tombstones);
        free(core);
        return NULL;
}

void core_configure(Core *core, const CoreConfig *config, Now now) {
        bool sooner = config->resync_interval_usec < core->config.resync_interval_usec;
        usec_t reply_by = usec_add(now.boottime, config->reply_timeout_usec);
        uint64_t seed = core->config.seed;
        Waiter *waiter;

        core->now = now;
        core->config = *config;
        core->config.seed = seed;
        core->host.no_lists = false; /* to be found out anew */
        core_lists_anew(core);
        bucket_resize(&core->bucket, config->requests_per_sec, config->request_burst, now.boottime);
        /* They stay in the order of their deadlines. */
        TAILQ_FOREACH(waiter, &core->waiters, on_clock)
                waiter->reply_by = usec_min(waiter->reply_by, reply_by);
        if (sooner)
                core_sync(core, now);
}

void core_restore_counters(Core *core, const Counters *counters) {
        core->counters = core->shown_counters = *counters;
}

void core_restore_copy(Core *core, CopyKind kind) {
        core->copy = kind;
}

static int restore_member(Core *core, Object *object, const Place *place, bool shown) {
        Object *session;
        int r;

        if (!place || place->session == 0)
                return 0;
        session = registry_find(&core->registry, KIND_SESSION, place->session);
        r = session_set_member(session, object, true);
        return r < 0 || !shown ? r : session_show_member(session, object, true);
}

static bool restore_has_session(Core *core, const Place *place) {
        return !place || place->session == 0 ||
               registry_find(&core->registry, KIND_SESSION, place->session);
}

int core_restore(Core *core, Row *row) {
        Object *object;
        int r;

        if (!restore_has_session(core, row->wanted) || !restore_has_session(core, row->observed))
                return -ENOENT;
        r = object_new(&object, &core->registry, row);
        if (r < 0)
                return r;
        object->shown = &object->row;
        row = &object->row;
        r = restore_member(core, object, row->wanted, true);
        if (r >= 0)
                r = restore_member(core, object, row->observed, false);
        if (r < 0)
                return r;

        /* It may have been sent before the last run ended: only the API can say where it is. */
        object->must_read =
                row->kind == KIND_PARTICIPANT && row_has_id(row) && row_open(row, MEMBERSHIP);
        for (Aspect aspect = 0; aspect < _ASPECT_MAX; aspect++)
                object->told_rev[aspect] = row->goals[aspect].wanted_rev;
        core->n_shown[row->kind]++;
        core->n_pending += !row_in_sync(row);
        registry_count_pending(&core->registry, object);
        return 0;
}

/* One that left since may still be listed in what was observed. */
static bool restore_has_publishers(Core *core, const Place *place) {
        for (size_t i = 0; place && i < place->n_publishers; i++) {
                uint64_t number = place->publishers[i].number;

                if (number != 0 && !registry_find(&core->registry, KIND_PARTICIPANT, number))
                        return false;
        }
        return true;
}

int core_restore_end(Core *core, uint64_t *ret_number) {
        const Index *all = &core->registry.by_number[KIND_PARTICIPANT];
        IndexPosition at = { 0 };
        const Object *object;

        for (; (object = index_get(all, at)); at = index_next(all, at))
                if (!restore_has_publishers(core, object->row.wanted)) {
                        *ret_number = object->row.number;
                        return -ENOENT;
                }
        return 0;
}

int core_restore_tombstone(Core *core, Kind kind, const ApiId *id, usec_t removed_at, Now now) {
        usec_t age = now.realtime > removed_at ? now.realtime - removed_at : 0;
        Tombstone tombstone = { .kind = kind, .id = *id };

        if (age > TOMBSTONE_USEC)
                return 0;
        tombstone.forget_at = usec_add(now.boottime, TOMBSTONE_USEC - age);
        return tombstones_put(&core->tombstones, &tombstone);
}

int core_start(Core *core, Now now) {
        int r;

        core->now = now;
        bucket_init(&core->bucket, core->config.requests_per_sec, core->config.request_burst,
                    now.boottime);
        r = host_start(core);
        if (r >= 0)
                r = copy_start(core);
        if (r < 0)
                return r;
        for (Kind kind = 0; kind < _KIND_MAX; kind++) {
                const Index *all = &core->registry.by_number[kind];
                IndexPosition at = { 0 };
                Object *object;

                for (; (object = index_get(all, at)); at = index_next(all, at)) {
                        r = object->row.attempt_open ? core_unknown(core, object, NULL, NULL) : 0;
                        if (r < 0)
                                return r;
                }
        }
        core_sync(core, now);
        return 0;
}

void core_sync(Core *core, Now now) {
        core->now = now;
        for (Kind kind = 0; kind < _KIND_MAX; kind++) {
                core->syncing[kind] = true;
                core->sync_cursor[kind] = 0;
        }
}

void core_set_credentials(Core *core, bool usable, Now now) {
        Host *host = &core->host;

        core->now = now;
        host->usable = usable;
        host->outdated = core->last_serial;
        if (!usable)
                host->state = API_STATE_UNAUTHORIZED;
        /* Only a probe shows that the new ones are good. */
        if (host->state == API_STATE_UNAUTHORIZED || host->state == API_STATE_OFFLINE)
                host->probe_at = usable ? now.boottime : USEC_NEVER;
}

void core_suspend(Core *core) {
        core->suspended = true;
}

void core_resume(Core *core) {
        core->suspended = false;
}

void core_way_changed(Core *core, Now now) {
        Host *host = &core->host;

        host->outdated = core->last_serial;
        switch (host->state) {
        case API_STATE_UNKNOWN:
        case API_STATE_ONLINE:
                host->suspect = true;
                break;
        case API_STATE_OFFLINE:
                host->n_failed = 0;
                host->probe_at = now.boottime;
                break;
        case API_STATE_THROTTLED:    /* the API has said when */
        case API_STATE_UNAUTHORIZED: /* that is no matter of the way */
        case _API_STATE_MAX:
                break;
        }
        core_sync(core, now);
}

void core_stop(Core *core) {
        core->stopping = true;
        core->storage.retry_at = 0; /* the last chance */
        waiters_pass_all(core);     /* whoever waits is told what is so: it is accepted */
}
