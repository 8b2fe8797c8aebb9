/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/internal.h"

#include <errno.h>

/* Asking costs no more than an attempt to allocate a file, and whoever makes room waits for us. */
#define RETRY_MIN_USEC (USEC_PER_SEC / 2)
#define RETRY_MAX_USEC (8 * USEC_PER_SEC)

void storage_init(Storage *storage) {
        TAILQ_INIT(&storage->sealed);
        TAILQ_INIT(&storage->open);
        TAILQ_INIT(&storage->held);
}

void storage_deinit(Storage *storage) {
        undos_free(&storage->sealed);
        undos_free(&storage->open);
        for (size_t i = 0; i < storage->n_effects; i++)
                effect_deinit(storage->effects + i);
        free(storage->effects);
}

/* A request that was decided, and is not let out. */
static int request_withhold(Core *core, const Request *request) {
        Host *host = &core->host;

        if (host->probe && host->probe->serial == request->serial)
                host->probe_at = core->now.boottime;
        return core_withhold(core, request->serial);
}

/* Puts what was held, and what a batch would have let out, before what came since. Requests of that
 * batch were never sent: they are decided anew. */
static int effects_reopen(Core *core, Batch *batch) {
        Storage *storage = &core->storage;
        size_t n_batch = batch ? batch->n_effects : 0, n_kept = 0;
        Effect *effects =
                calloc(storage->n_effects + n_batch + core->n_effects + 1, sizeof(*effects));
        int r = 0;

        if (!effects)
                return -ENOMEM;
        for (size_t i = 0; i < storage->n_effects; i++)
                effects[n_kept++] = storage->effects[i];
        for (size_t i = 0; i < n_batch; i++) {
                Effect *effect = batch->effects + i;

                if (effect->kind != EFFECT_REQUEST) {
                        effects[n_kept++] = *effect;
                        continue;
                }
                if (r >= 0)
                        r = request_withhold(core, &effect->request);
                effect_deinit(effect);
        }
        for (size_t i = 0; i < core->n_effects; i++)
                effects[n_kept++] = core->effects[i];
        if (batch)
                batch->n_effects = 0;
        storage->n_effects = 0;
        free(core->effects);
        core->effects = effects;
        core->n_effects = n_kept;
        core->n_effects_allocated = n_kept;
        return r;
}

static int storage_let_go(Core *core) {
        Storage *storage = &core->storage;
        Activity *activity;

        TAILQ_FOREACH(activity, &storage->held, on_touched)
                activity->object->held = false;
        TAILQ_CONCAT(&core->touched, &storage->held, on_touched);
        return effects_reopen(core, NULL);
}

int storage_begin(Core *core) {
        Storage *storage = &core->storage;

        storage->trying = storage->state != STORAGE_ROOM && core->now.boottime >= storage->retry_at;
        if (!storage->trying || storage->state != STORAGE_HELD)
                return 0;
        storage->state = STORAGE_RESERVE;
        storage->woken = true;
        return storage_let_go(core);
}

bool storage_has_counters(const Core *core) {
        const Counters *a = &core->counters, *b = &core->shown_counters;

        if (core->storage.state == STORAGE_HELD)
                return false;
        if (core->storage.trying)
                return true;
        for (Kind kind = 0; kind < _KIND_MAX; kind++)
                if (a->last_number[kind] != b->last_number[kind] ||
                    a->unread[kind] != b->unread[kind])
                        return true;
        /* The reserve is not for that. */
        if (a->quiet_until != b->quiet_until && core->storage.state == STORAGE_ROOM)
                return true;
        return a->suspected_orphans != b->suspected_orphans || a->copies != b->copies;
}

bool storage_hold(Core *core, Object *object, bool to_disk) {
        Storage *storage = &core->storage;

        if (storage->state != STORAGE_HELD || !to_disk)
                return false;
        object->held = true;
        TAILQ_INSERT_TAIL(&storage->held, object->activity, on_touched);
        return true;
}

static bool effect_waits(Core *core, const Effect *effect) {
        const Object *object = NULL;
        bool waits = false;

        switch (effect->kind) {
        case EFFECT_REQUEST:
                break;
        case EFFECT_REPLY:
                object = registry_find(&core->registry, effect->reply.kind, effect->reply.number);
                /* That it is accepted is true of what was durable before; no other call is left,
                 * but for adoptions. */
                waits = effect->reply.outcome != OUTCOME_DONE &&
                        effect->reply.outcome != OUTCOME_UNAVAILABLE &&
                        effect->reply.outcome != OUTCOME_STORAGE_FAILED;
                break;
        case EFFECT_LOG:
                object = registry_find(&core->registry, effect->log.kind, effect->log.number);
                waits = true;
                break;
        case _EFFECT_KIND_MAX:
                break;
        }
        return object && object->held && (waits || !object->shown);
}

/* A read that was decided before it was known that its object is held. */
static bool request_waits(const Core *core, const Request *request) {
        const Object *object = registry_find(&core->registry, request->kind, request->number);

        return object && object->held;
}

int storage_hold_effects(Core *core) {
        Storage *storage = &core->storage;
        size_t n = 0;
        Effect *kept;
        int r = 0;

        if (storage->state != STORAGE_HELD || core->n_effects == 0)
                return 0;
        kept = reallocarray(storage->effects, storage->n_effects + core->n_effects, sizeof(*kept));
        if (!kept)
                return -ENOMEM;
        storage->effects = kept;
        for (size_t i = 0; i < core->n_effects; i++) {
                Effect *effect = core->effects + i;

                if (effect->kind == EFFECT_REQUEST && request_waits(core, &effect->request)) {
                        if (r >= 0)
                                r = core_withhold(core, effect->request.serial);
                        effect_deinit(effect);
                } else if (effect_waits(core, effect)) {
                        kept[storage->n_effects++] = *effect;
                } else {
                        core->effects[n++] = *effect;
                }
        }
        core->n_effects = n;
        return r;
}

void storage_seal(Core *core, Batch *batch) {
        Storage *storage = &core->storage;

        batch->vital = storage->state == STORAGE_RESERVE && !storage->trying;
        storage->trying = false;
        TAILQ_CONCAT(&storage->sealed, &storage->open, undos);
}

void storage_committed(Core *core, const Batch *batch) {
        Storage *storage = &core->storage;

        undos_free(&storage->sealed);
        if (storage->state == STORAGE_ROOM || batch->vital || !batch_needs_disk(batch))
                return;
        storage->state = STORAGE_ROOM;
        storage->n_refused = 0;
        storage->woken = true;
}

bool storage_bars(const Core *core, const Object *object, StepKind step) {
        switch (core->storage.state) {
        case STORAGE_ROOM:
                break;
        case STORAGE_RESERVE:
                return step == STEP_CREATE;
        case STORAGE_HELD:
                return step_is_change(step) || object->held;
        }
        return false;
}

bool storage_wakes(Core *core) {
        bool wakes = core->storage.state == STORAGE_ROOM || core->storage.woken;

        core->storage.woken = false;
        return wakes;
}

usec_t storage_deadline(const Core *core, usec_t now) {
        if (core->storage.woken && !TAILQ_EMPTY(&core->ready[PRIORITY_HELD]))
                return now;
        return core->storage.state == STORAGE_ROOM ? USEC_NEVER : core->storage.retry_at;
}

bool storage_refuses(const Core *core, IntentKind kind) {
        switch (core->storage.state) {
        case STORAGE_ROOM:
                break;
        case STORAGE_RESERVE:
                return kind != INTENT_REFRESH && kind != INTENT_DELETE;
        case STORAGE_HELD:
                return kind != INTENT_REFRESH;
        }
        return false;
}

/* All that the batch has is to be written still. */
static int rows_reopen(Core *core, Batch *batch) {
        for (size_t i = 0; i < batch->n_rows; i++) {
                Object *object = core->batch_objects[i];

                if (object_act(object) < 0)
                        return -ENOMEM;
                if (!object->activity->token)
                        object->activity->token = TAKE(batch->rows[i].token);
                object->revived = object->revived || batch->rows[i].revived;
                if (object->touched)
                        continue;
                object->touched = true;
                TAILQ_INSERT_TAIL(&core->touched, object->activity, on_touched);
                core_wake(core, object);
        }
        return 0;
}

int core_refused(Core *core, Batch *batch, Now now) {
        Storage *storage = &core->storage;
        bool vital = batch->vital;
        usec_t span = RETRY_MAX_USEC;
        int r;

        core->now = now;
        r = rows_reopen(core, batch);
        if (r >= 0)
                r = effects_reopen(core, batch);
        core->batch = batch_free(batch);
        if (r >= 0)
                r = undo_calls(core, vital);
        if (r < 0)
                return r;

        storage->state = vital ? STORAGE_HELD : STORAGE_RESERVE;
        storage->n_refused += !vital;
        if (storage->n_refused < 5)
                span = RETRY_MIN_USEC << storage->n_refused;
        storage->retry_at = usec_add(now.boottime, usec_min(span, RETRY_MAX_USEC));
        return 0;
}
