/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/internal.h"

/* What somebody else has changed at the API. */

static ApiId session_id(const Core *core, const Place *place) {
        const Object *session =
                place->session ? registry_find(&core->registry, KIND_SESSION, place->session)
                               : NULL;

        return session ? row_id(&session->row) : place_foreign(place);
}

static ApiId publisher_id(const Core *core, const Publisher *publisher) {
        const Object *object = publisher->number ? registry_find(&core->registry, KIND_PARTICIPANT,
                                                                 publisher->number)
                                                 : NULL;

        return object ? row_id(&object->row) : publisher->id;
}

static bool publishers_mean(const Core *core, const Publisher *a, const Publisher *b) {
        const ApiId left = publisher_id(core, a), right = publisher_id(core, b);

        return api_id_equal(&left, &right) && publisher_same_aliases(a, b);
}

/* Whether two places are the same at the API: what was known by its id alone may have come into the
 * registry, and be known by its number now. */
static bool place_means(const Core *core, const Place *a, const Place *b) {
        ApiId left, right;

        if (!a || !b)
                return a == b;
        left = session_id(core, a);
        right = session_id(core, b);
        if (!api_id_equal(&left, &right) || a->mode != b->mode ||
            a->n_publishers != b->n_publishers)
                return false;
        for (size_t i = 0; i < a->n_publishers; i++) {
                size_t j = 0;

                while (j < b->n_publishers &&
                       !publishers_mean(core, a->publishers + i, b->publishers + j))
                        j++;
                if (j == b->n_publishers)
                        return false;
        }
        return true;
}

/* What is wanted is what users here have said, and nobody who is not ours is touched by putting it
 * back. One that others have made is theirs to place until somebody here has said where. */
bool core_drift_is_put_back(const Core *core, const Object *object, const Place *seen) {
        const Row *row = &object->row;

        /* What a copy wanted is not what was wanted last. */
        if (!core->config.enforce || object->unread || place_means(core, row->wanted, seen))
                return false;
        if ((seen && seen->session == 0) || (row->wanted && row->wanted->session == 0))
                return false;
        return row->has_token || (row->wanted && row->goals[SUBSCRIPTIONS].wanted_rev > 0);
}

/* At most once in a resync interval, so that two who want different things do not chase each
 * other. */
static void put_back_paced(Core *core, Object *object) {
        const usec_t now = core->now.boottime, interval = core->config.resync_interval_usec;
        usec_t at = usec_max(object->put_back_at * USEC_PER_SEC, now), next;

        /* What a client's intent has taken along meanwhile did not wait for its turn. */
        at = usec_min(at, usec_add(now, interval));
        next = usec_add(at, interval);

        object->activity->retry_at = at > now ? at : 0;
        object->put_back_at = (uint32_t)((next + USEC_PER_SEC - 1) / USEC_PER_SEC);
}

/* What was agreed is to be driven once more. */
static int put_back(Core *core, Object *object, bool moved) {
        /* What is driven, or waits for its turn, already takes this along. */
        const bool pending = row_open(&object->row, SUBSCRIPTIONS);
        Goal *goals = object->row.goals;
        int r;

        r = core_touch(core, object);
        if (r < 0)
                return r;
        for (Aspect aspect = moved ? MEMBERSHIP : SUBSCRIPTIONS; aspect < _ASPECT_MAX; aspect++) {
                object->told_rev[aspect] = ++goals[aspect].wanted_rev;
                waiters_stand_on(object, aspect);
        }
        if (!pending)
                put_back_paced(core, object);
        return core_log(core, LOG_EVENT_DRIFT, 5, object,
                        moved ? "Somebody else changed its session at the API; it is put back."
                              : "Somebody else changed its subscriptions at the API; they are put "
                                "back.");
}

int core_drift(Core *core, Object *object, Place *seen) {
        if (core_drift_is_put_back(core, object, seen))
                return put_back(core, object, !place_same_session(object->row.wanted, seen));
        return core_drift_adopt(core, object, seen);
}

int core_drift_adopt(Core *core, Object *object, Place *seen) {
        uint64_t session = object->row.wanted ? object->row.wanted->session : 0;
        bool moved = !place_same_session(object->row.wanted, seen);
        bool changed = !place_means(core, object->row.wanted, seen);
        int r = 0;

        if (moved)
                r = core_drop_publisher(core, object, session, true);
        if (r >= 0)
                r = core_set_wanted(core, object, seen);
        if (r >= 0 && changed)
                r = core_log(core, LOG_EVENT_DRIFT, 5, object,
                             moved ? "Somebody else changed its session at the API."
                                   : "Somebody else changed its subscriptions at the API.");
        return r;
}
