/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/internal.h"

/*
 * When something is tried next for an object that is not in sync: when its own step is, or what
 * that step waits for: the session, a place in it, a publisher, the disk, the API. All times are on
 * CLOCK_BOOTTIME; 0: at any moment; USEC_NEVER: nothing is planned, or nobody can tell.
 */

/* What the plan says, without regard to how soon it may be done. */
static StepKind object_step(const Core *core, const Object *object, Facts *ret) {
        *ret = object_facts(core, object);
        ret->backing_off = ret->reading = ret->look = ret->look_subscriptions = false;
        return plan_next(ret);
}

static usec_t step_at(const Core *core, const Object *object, StepKind step) {
        if (step_is_change(step) && copy_holds(core, object))
                return USEC_NEVER;
        if (storage_bars(core, object, step))
                return usec_max(object_retry_at(object), core->storage.retry_at);
        return object_retry_at(object);
}

/* Of one that others wait for. USEC_NEVER also where it waits for others itself. */
static usec_t other_at(const Core *core, const Object *object) {
        Facts facts;
        StepKind step = object_step(core, object, &facts);

        if (facts.in_flight)
                return 0;
        return step == STEP_WAIT ? USEC_NEVER : step_at(core, object, step);
}

/* When a session can be joined: when it is made, read or deleted, or when somebody leaves it. */
static usec_t session_at(const Core *core, const Object *session) {
        usec_t at;

        if (!session)
                return USEC_NEVER;
        at = other_at(core, session);
        if (at != USEC_NEVER)
                return at;
        for (size_t i = 0; i < session->members.n; i++) {
                const Object *member = session->members.items[i];

                if (place_in_session(member->row.observed, session->row.number) &&
                    (!place_in_session(member->row.wanted, session->row.number) ||
                     member->row.gone))
                        at = usec_min(at, other_at(core, member));
        }
        return at;
}

static usec_t publisher_at(const Core *core, const Object *publisher) {
        Facts facts;
        StepKind step = object_step(core, publisher, &facts);

        if (step == STEP_WAIT && !facts.in_flight && facts.wish == WISH_BLOCKED)
                return session_at(core, core_session(core, publisher->row.wanted->session));
        return other_at(core, publisher);
}

/* All of them are waited for. */
static usec_t publishers_at(const Core *core, const Place *wanted) {
        usec_t at = 0;

        for (size_t i = 0; i < wanted->n_publishers; i++) {
                const Object *publisher = publisher_awaited(core, wanted, i);

                if (publisher)
                        at = usec_max(at, publisher_at(core, publisher));
        }
        return at;
}

static usec_t object_at(const Core *core, const Object *object) {
        const Place *wanted = object->row.wanted;
        Facts facts;
        StepKind step = object_step(core, object, &facts);

        if (step != STEP_WAIT)
                return step_at(core, object, step);
        if (facts.unread)
                return session_at(core, core_reader(core, object));
        if (wanted && facts.wish == WISH_BLOCKED)
                return session_at(core, core_session(core, wanted->session));
        return wanted ? publishers_at(core, wanted) : USEC_NEVER;
}

bool core_waits_for_session(const Core *core, const Object *object, const Object *session) {
        Facts facts;

        if (row_in_sync(&object->row) || object_step(core, object, &facts) != STEP_WAIT ||
            facts.in_flight)
                return false;
        if (facts.unread)
                return core_reader(core, object) == session;
        return facts.wish == WISH_BLOCKED &&
               place_in_session(object->row.wanted, session->row.number);
}

/* When the API is asked whether it is back, or, while that question is out, at any moment; and not
 * before the budget allows it. */
static usec_t host_at(const Core *core, usec_t now) {
        const Host *host = &core->host;
        usec_t at = bucket_ready_at(&core->bucket, now);

        if (host_open(core))
                return at;
        if (!host->usable || !host_may_send(core))
                return USEC_NEVER;
        if (!host->probe && !host->suspect)
                at = usec_max(at, host->probe_at);
        return usec_max(at, host->quiet_until);
}

usec_t core_next_attempt(const Core *core, Kind kind, uint64_t number, Now now) {
        const Object *object = registry_find(&core->registry, kind, number);
        usec_t at;

        if (!object || object->removed || row_in_sync(&object->row) || object->row.failed ||
            object_change(object))
                return 0;
        at = usec_max(host_at(core, now.boottime), object_at(core, object));
        return at == USEC_NEVER ? 0 : now.realtime + usec_max(at, now.boottime) - now.boottime;
}
