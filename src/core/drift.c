/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/internal.h"

/* What somebody else has changed at the API. */

static const ApiId *session_id(const Core *core, const Place *place) {
        const Object *session =
                place->session ? registry_find(&core->registry, KIND_SESSION, place->session)
                               : NULL;

        return session ? &session->row.id : &place->foreign;
}

static const ApiId *publisher_id(const Core *core, const Publisher *publisher) {
        const Object *object = publisher->number ? registry_find(&core->registry, KIND_PARTICIPANT,
                                                                 publisher->number)
                                                 : NULL;

        return object ? &object->row.id : &publisher->id;
}

static bool publishers_mean(const Core *core, const Publisher *a, const Publisher *b) {
        return api_id_equal(publisher_id(core, a), publisher_id(core, b)) &&
               publisher_same_aliases(a, b);
}

/* Whether two places are the same at the API: what was known by its id alone may have come into the
 * registry, and be known by its number now. */
static bool place_means(const Core *core, const Place *a, const Place *b) {
        if (!a || !b)
                return a == b;
        if (!api_id_equal(session_id(core, a), session_id(core, b)) || a->mode != b->mode ||
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
