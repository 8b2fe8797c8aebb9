/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/internal.h"

#include <errno.h>

/* How many objects a turn takes from the queue of core_sync(). */
#define SYNC_PER_TURN 256

static void timers_pop(Core *core) {
        while (due_next(&core->registry.due) <= core->now.boottime) {
                Object *object = due_first(&core->registry.due);

                registry_set_due(&core->registry, object, USEC_NEVER);
                core_wake(core, object);
        }
}

/* Where a session's list answers for a participant with which all is well, nothing is to be
 * done. */
static void sync_object(Core *core, Object *object) {
        bool read_by_other = core_reader(core, object);

        if (read_by_other && !object->must_read && row_in_sync(&object->row))
                return;
        if (row_has_id(&object->row) && !read_by_other)
                object->look_at = usec_min(object->look_at, core->now.boottime);
        core_wake(core, object);
}

static void sync_some(Core *core, Kind kind) {
        const Index *all = &core->registry.by_number[kind];
        Object *object;

        if (!core->syncing[kind])
                return;

        IndexPosition at = by_number_from(all, core->sync_cursor[kind] + 1);

        for (unsigned i = 0; i < SYNC_PER_TURN && (object = index_get(all, at)); i++) {
                core->sync_cursor[kind] = object->row.number;
                sync_object(core, object);
                at = index_next(all, at);
        }
        core->syncing[kind] = index_get(all, at);
}

/* Whether two images differ in nothing that a client could see or the disk should keep. */
static bool row_equal_told(const Row *a, const Row *b) {
        bool messages = a->last_message && b->last_message
                                ? strcmp(a->last_message, b->last_message) == 0
                                : a->last_message == b->last_message;

        return row_equal_on_disk(a, b) && a->last_error == b->last_error &&
               a->n_failed == b->n_failed && messages;
}

/* Whether anything of an object has to be written. */
static bool object_to_disk(const Object *object) {
        if (object->removed)
                return object->shown;
        return !object->shown || !row_equal_on_disk(object->shown, &object->row);
}

/* Puts one touched object into the batch, unless it is again what it was. */
static int batch_add(Core *core, Batch *batch, Object *object) {
        BatchRow *entry = batch->rows + batch->n_rows;
        int r;

        if (object->shown && !object->removed && row_equal_told(object->shown, &object->row)) {
                row_free(object->shown);
                object->shown = &object->row;
                return 0;
        }
        r = row_copy(&entry->row, &object->row);
        if (r < 0)
                return r;
        entry->removed = object->removed;
        entry->tombstone = object->tombstone;
        entry->revived = object->revived;
        object->revived = false;
        entry->token = TAKE(object->activity->token);
        entry->to_disk = object_to_disk(object);
        if (object->row.kind == KIND_SESSION) {
                object->batch_index = (uint32_t)batch->n_rows;
                object->sealed_at = core->generation + 1;
        }
        core->batch_objects[batch->n_rows++] = object;
        return 0;
}

Batch *batch_free(Batch *batch) {
        if (!batch)
                return NULL;
        for (size_t i = 0; i < batch->n_rows; i++) {
                row_deinit(&batch->rows[i].row);
                row_free(batch->rows[i].before);
                secret_free(batch->rows[i].token);
        }
        for (size_t i = 0; i < batch->n_effects; i++)
                effect_deinit(batch->effects + i);
        free(batch->rows);
        free(batch->effects);
        free(batch->sessions);
        free(batch);
        return NULL;
}

DEFINE_CLEANUP(Batch, batch_free);

static int batch_new(Core *core, Batch **ret) {
        CLEANUP(batch_freep) Batch *batch = calloc(1, sizeof(*batch));
        CLEANUP(freep) Object **objects = NULL;
        Activity *activity;
        size_t n = 0;
        int r;

        TAILQ_FOREACH(activity, &core->touched, on_touched)
                n++;
        objects = calloc(n + 1, sizeof(*objects));
        if (!batch || !objects)
                return -ENOMEM;
        batch->rows = calloc(n + 1, sizeof(*batch->rows));
        if (!batch->rows)
                return -ENOMEM;
        free(core->batch_objects);
        core->batch_objects = TAKE(objects);

        while ((activity = TAILQ_FIRST(&core->touched))) {
                Object *object = activity->object;

                TAILQ_REMOVE(&core->touched, activity, on_touched);
                if (storage_hold(core, object, object_to_disk(object)))
                        continue;
                object->touched = false;
                r = batch_add(core, batch, object);
                if (r < 0)
                        return r;
                object_settle(object);
        }
        *ret = TAKE(batch);
        return 0;
}

/* As after most turns, in which somebody only asked. */
static bool seal_nothing(const Core *core) {
        return TAILQ_EMPTY(&core->touched) && core->n_effects == 0 && !storage_has_counters(core);
}

int core_seal(Core *core, Now now, Batch **ret) {
        CLEANUP(batch_freep) Batch *batch = NULL;
        int r;

        *ret = NULL;
        if (core->batch)
                return 0;

        core->now = now;
        r = storage_begin(core);
        if (r >= 0)
                r = waiters_expire(core);
        if (r < 0)
                return r;
        r = departures_take(core);
        if (r < 0)
                return r;
        timers_pop(core);
        tombstones_prune(&core->tombstones, now.boottime);
        for (Kind kind = 0; kind < _KIND_MAX; kind++)
                sync_some(core, kind);
        r = host_drive(core);
        if (r >= 0)
                r = telling_late(core);
        if (r >= 0)
                r = departures_tell_late(core);
        if (r >= 0)
                r = core_drive(core);
        if (r < 0 || seal_nothing(core))
                return r;

        r = batch_new(core, &batch);
        if (r >= 0)
                r = storage_hold_effects(core);
        if (r < 0)
                return r;
        batch->counters_changed = storage_has_counters(core);
        batch->counters = batch->counters_changed ? core->counters : core->shown_counters;
        storage_seal(core, batch);
        if (batch->n_rows == 0 && core->n_effects == 0 && !batch->counters_changed) {
                undos_free(&core->storage.sealed);
                return 0;
        }

        batch->generation = ++core->generation;
        batch->sealed_at = now.realtime;
        batch->effects = TAKE(core->effects);
        batch->n_effects = core->n_effects;
        core->n_effects = core->n_effects_allocated = 0;
        *ret = core->batch = TAKE(batch);
        return 0;
}

/* The session that clients see a participant in, 0: none of the registry. */
static uint64_t row_session(const Row *row) {
        return row && row->kind == KIND_PARTICIPANT && row->wanted ? row->wanted->session : 0;
}

static int session_members_changed(Batch *batch, Object *session) {
        uint64_t *sessions;

        if (session->members_told_at == batch->generation)
                return 0;
        session->members_told_at = batch->generation;
        if (session->sealed_at == batch->generation) {
                batch->rows[session->batch_index].members_changed = true;
                return 0;
        }
        sessions = reallocarray(batch->sessions, batch->n_sessions + 1, sizeof(*sessions));
        if (!sessions)
                return -ENOMEM;
        batch->sessions = sessions;
        sessions[batch->n_sessions++] = session->row.number;
        return 0;
}

static int show_membership(Core *core, Batch *batch, Object *object, uint64_t before,
                           uint64_t after) {
        Object *left, *joined;
        int r = 0;

        if (before == after)
                return 0;
        left = before ? registry_find(&core->registry, KIND_SESSION, before) : NULL;
        joined = after ? registry_find(&core->registry, KIND_SESSION, after) : NULL;
        if (left) {
                r = session_show_member(left, object, false);
                if (r >= 0)
                        r = session_members_changed(batch, left);
        }
        if (r >= 0 && joined) {
                r = session_show_member(joined, object, true);
                if (r >= 0)
                        r = session_members_changed(batch, joined);
        }
        return r;
}

/* What clients see of one object moves on to what has just become durable. */
static int show(Core *core, Batch *batch, size_t i) {
        BatchRow *entry = batch->rows + i;
        Object *object = core->batch_objects[i];
        Kind kind = object->row.kind;
        bool after = !entry->removed;
        CLEANUP(row_freep) Row *next = NULL;

        if (object->touched) {
                /* It has moved on meanwhile: clients see the image of this batch. */
                next = calloc(1, sizeof(*next));
                if (!next || row_copy(next, &entry->row) < 0)
                        return -ENOMEM;
        }
        entry->before = object->shown; /* apart from the row since it was touched */
        object->shown = next ? TAKE(next) : &object->row;

        if (object->unsure && entry->row.gone) {
                object->unsure = false;
                core_wake(core, object);
        }
        core->n_shown[kind] += after;
        core->n_pending += after && !row_in_sync(&entry->row);
        if (entry->before) {
                core->n_shown[kind]--;
                core->n_pending -= !row_in_sync(entry->before);
        }
        registry_count_pending(&core->registry, object);
        return show_membership(core, batch, object, row_session(entry->before),
                               after ? row_session(&entry->row) : 0);
}

/* A creation that was given up while its attempt was on its way to the disk. */
static bool request_is_void(const Core *core, const Request *request) {
        const Object *object;

        if (!operation_is_create(request->operation))
                return false;
        object = registry_find(&core->registry, request->kind, request->number);
        return object && object->row.gone;
}

static bool request_may_leave(const Core *core, const Request *request) {
        if (request->probe)
                return host_may_probe(core);
        return host_open(core) && !request_is_void(core, request);
}

/* While the batch was on its way the host may have closed, or an object may have been given up. */
static int withhold_some(Core *core, Batch *batch) {
        size_t n = 0;
        int r = 0;

        for (size_t i = 0; i < batch->n_effects; i++) {
                Effect *effect = batch->effects + i;

                if (r >= 0 && effect->kind == EFFECT_REQUEST &&
                    !request_may_leave(core, &effect->request)) {
                        r = core_withhold(core, effect->request.serial);
                        effect_deinit(effect);
                        continue;
                }
                batch->effects[n++] = *effect;
        }
        /* Whoever asked for what now stays here was not among those that the refusal withdrew. */
        if (r >= 0 && n < batch->n_effects)
                r = host_withdraw(core);
        batch->n_effects = n;
        return r;
}

int core_committed(Core *core, Batch *batch, Now now) {
        unsigned n_requests = 0;

        core->now = now;
        storage_committed(core, batch);
        for (size_t i = 0; i < batch->n_rows; i++) {
                int r = show(core, batch, i);

                if (r < 0)
                        return r;
        }
        core->shown_counters = batch->counters;
        if (withhold_some(core, batch) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < batch->n_effects; i++)
                n_requests += batch->effects[i].kind == EFFECT_REQUEST;
        if (n_requests > 0)
                bucket_released(&core->bucket, n_requests, now.boottime);
        return 0;
}

static void object_leave(Core *core, Object *object) {
        if (object_change(object))
                object_change(object)->object = NULL;
        if (object_read(object))
                object_read(object)->object = NULL;
        if (object->touched)
                TAILQ_REMOVE(&core->touched, object->activity, on_touched);
        object_free(object, &core->registry);
}

void core_release(Core *core, Batch *batch) {
        for (size_t i = 0; i < batch->n_rows; i++)
                if (batch->rows[i].removed)
                        object_leave(core, core->batch_objects[i]);
        core->batch = batch_free(batch);
}

usec_t core_deadline(const Core *core, Now now) {
        const Waiter *waiter = TAILQ_FIRST(&core->waiters);
        usec_t due;

        if (core->batch)
                return USEC_NEVER;
        if (!TAILQ_EMPTY(&core->touched) || !STAILQ_EMPTY(&core->woken) || core->n_effects > 0 ||
            core->syncing[KIND_SESSION] || core->syncing[KIND_PARTICIPANT] ||
            !TAILQ_EMPTY(&core->departures))
                return now.boottime;

        due = usec_min(host_deadline(core), storage_deadline(core, now.boottime));
        due = usec_min(due, telling_due(&core->telling));
        due = usec_min(due, telling_due(&core->leaving));
        due = usec_min(due, due_next(&core->registry.due));
        if (waiter)
                due = usec_min(due, waiter->reply_by);
        if (host_open(core) && core->n_flights < core->config.requests_max)
                for (Priority priority = 0; priority < PRIORITY_HELD; priority++)
                        if (!TAILQ_EMPTY(&core->ready[priority]))
                                due = usec_min(due, bucket_ready_at(&core->bucket, now.boottime));
        return due;
}
