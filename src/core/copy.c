/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/internal.h"

#include <errno.h>

/*
 * A state that is not this machine's newest: a backup that was restored, or a machine that was
 * cloned. What it says was true once. Since then things may have been created, changed and deleted
 * that it knows nothing of, by who has the newer one. So nothing is done for its sake alone:
 *
 *     its creations ──▶ unknown outcome, never sent
 *     its objects ──▶ unread ──▶ read: taken over ──▶ when no other is awaited any more: driven
 *                       │  ▲
 *                       ▼  │ still not driven itself
 *                     fails again and again: awaited no longer
 */

/* How often an object is tried to be read before the others go on without it. */
#define AWAITED_FAILURES 2

static const char unknown[] = "The state is a copy, in which it was not created yet; whether it "
                              "was since then is not known.";

/* It may have been sent by who had the newer state. Nobody here will ever know. */
static int copy_give_up(Core *core, Object *object) {
        int r;

        r = core_note_unknown(core, object,
                              "The state is a copy, in which this was not created yet. It may have "
                              "been since then, and be left at the API.");
        return r < 0 ? r : core_fail(core, object, OUTCOME_UNKNOWN, unknown);
}

/* Whether its client has left another machine's bus nobody here can see; so it must not go by
 * itself. */
static int copy_keep(Core *core, Object *object) {
        CLEANUP(spec_unrefp) Spec *spec = NULL;
        int r;

        r = spec_copy(&spec, object->row.spec);
        if (r >= 0)
                r = spec_set_text(&spec, SPEC_CLIENT_BUS, "");
        if (r >= 0)
                r = spec_set_text(&spec, SPEC_CLIENT_NAME, "");
        if (r >= 0)
                r = core_touch(core, object);
        if (r < 0)
                return r;
        spec->lifetime = LIFETIME_PERSISTENT;

        registry_unbind(&core->registry, object);
        spec_unref(object->row.spec);
        object->row.spec = TAKE(spec);
        return 0;
}

static void copy_mark(Core *core, Object *object) {
        if (!row_has_id(&object->row) ||
            object->row.number > core->counters.unread[object->row.kind])
                return;
        object->unread = object->awaited = true;
        core->n_unread++;
        core->n_awaited++;
}

static int copy_take_over(Core *core, Object *object) {
        const Row *row = &object->row;
        int r = 0;

        if (core->copy == COPY_ELSEWHERE && row->spec->lifetime == LIFETIME_CLIENT)
                r = copy_keep(core, object);
        if (r < 0 || row_has_id(row) || row->gone || row->failed)
                return r;
        return copy_give_up(core, object);
}

/* For all objects, sessions first. */
static int copy_walk(Core *core, int (*visit)(Core *, Object *)) {
        for (Kind kind = 0; kind < _KIND_MAX; kind++) {
                const Index *all = &core->registry.by_number[kind];
                IndexPosition at = { 0 };
                Object *object;

                for (; (object = index_get(all, at)); at = index_next(all, at)) {
                        int r = visit(core, object);

                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

static int copy_visit(Core *core, Object *object) {
        copy_mark(core, object);
        return 0;
}

/* Nothing of the copy is left to be read. */
static void copy_done(Core *core) {
        for (Kind kind = 0; kind < _KIND_MAX; kind++)
                core->counters.unread[kind] = 0;
}

int copy_start(Core *core) {
        Counters *counters = &core->counters;
        int r;

        if (core->copy != COPY_NONE) {
                counters->copies++;
                for (Kind kind = 0; kind < _KIND_MAX; kind++)
                        counters->unread[kind] = counters->last_number[kind];
        }
        r = copy_walk(core, copy_visit);
        /* Marked before: what is given up may be in the lists of those that are to be read. */
        if (r >= 0 && core->copy != COPY_NONE)
                r = copy_walk(core, copy_take_over);
        if (r >= 0 && core->n_unread == 0)
                copy_done(core);
        return r;
}

bool copy_holds(const Core *core, const Object *object) {
        return core->n_awaited > 0 && object->row.number <= core->counters.unread[object->row.kind];
}

static void await_no_longer(Core *core, Object *object) {
        core->n_awaited -= object->awaited;
        object->awaited = false;
}

int copy_note_read(Core *core, Object *object) {
        if (!object->unread)
                return 0;
        await_no_longer(core, object);
        object->unread = false;
        if (--core->n_unread > 0)
                return 0;
        copy_done(core);
        return core_log(core, LOG_EVENT_COPY_READ, 5, NULL,
                        "All that the copied state knows was read at the API. What is wanted is "
                        "driven again.");
}

/* Whether a read failed because of what was read, as far as can be told. */
static bool fault_is_its_own(ApiOutcome outcome) {
        switch (outcome) {
        case API_NO_ANSWER:
        case API_NOT_UNDERSTOOD:
        case API_BROKEN:
        case API_REFUSED:
        case API_CONFLICT:
                return true;
        case API_OK:
        case API_NOT_FOUND:
        case API_NOT_SENT:
        case API_THROTTLED:
        case API_UNAUTHORIZED:
        case API_FORBIDDEN:
        case API_REDIRECTED:
        case _API_OUTCOME_MAX:
                break;
        }
        return false;
}

void copy_note_failed(Core *core, Object *object, ApiOutcome outcome) {
        if (!object->awaited || object->n_read_failed < AWAITED_FAILURES ||
            !fault_is_its_own(outcome))
                return;
        await_no_longer(core, object);
        if (object->row.kind != KIND_SESSION)
                return;
        for (size_t i = 0; i < object->members.n; i++)
                if (core_reader(core, object->members.items[i]) == object)
                        await_no_longer(core, object->members.items[i]);
}
