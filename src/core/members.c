/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/internal.h"

#include <errno.h>

/*
 * Who is in a session, where the API has no list of a session's participants (that of 2020). It
 * answers 403 to what it has no route for, which is also what it says to credentials that have no
 * rights; so the session itself is read, and decides:
 *
 *     list: 403 ─▶ session ─┬─ 2xx: there is no such route, until Reload
 *                           └─ 401, 403: unauthorized
 *
 * From then on a session tells the ids of its members, and each of these is read by itself.
 */

bool core_has_list(const Core *core, const Object *session) {
        return !core->host.no_lists && session->list_refused != core->host.lists_epoch;
}

void core_lists_anew(Core *core) {
        Host *host = &core->host;

        host->lists_since = core->last_serial;
        if (++host->lists_epoch == 0)
                host->lists_epoch = 1;
}

void core_list_refused(Core *core, Object *session, const Flight *flight) {
        if (flight->serial > core->host.lists_since)
                session->list_refused = core->host.lists_epoch;
        session->look_at = core->now.boottime;
        session->looked_for = true;
        core_wake(core, session);
}

int core_list_decide(Core *core, Object *session) {
        const bool refused = session->list_refused == core->host.lists_epoch;

        session->list_refused = 0;
        if (!refused || core->host.no_lists)
                return 0;
        core->host.no_lists = true;
        /* Whoever was read with a session has to be read by itself now. */
        core->syncing[KIND_PARTICIPANT] = true;
        core->sync_cursor[KIND_PARTICIPANT] = 0;
        return core_log(core, LOG_EVENT_API_STATE, 5, NULL,
                        "The API does not list the participants of a session, as that of 2020; "
                        "each is read by itself until the next Reload.");
}

/* Somebody else has put it there: what it is, it says itself. */
static int meet(Core *core, Object *session, const ApiId *id, const Flight *flight) {
        Object *object = registry_find_id(&core->registry, KIND_PARTICIPANT, id);

        if (!object)
                return session->row.gone ? 0 : core_adopt_met(core, session, id, flight);
        if (!core_observation_counts(object, flight->serial))
                return 0;
        object->listed_by = (uint32_t)flight->serial;
        if (!place_in_session(object->row.observed, session->row.number))
                core_look_soon(core, object, 0);
        return 0;
}

int core_observe_members(Core *core, Object *session, const Flight *flight, const Answer *answer) {
        const bool asked = waiters_have(session, INTENT_REFRESH);
        int r = 0;

        if (!answer->has_members)
                return 0;
        for (size_t i = 0; r >= 0 && i < answer->n_sightings; i++)
                r = meet(core, session, &answer->sightings[i].id, flight);
        core_observe_missing(core, session, flight);
        for (size_t i = 0; asked && i < session->members.n; i++)
                core_look_soon(core, session->members.items[i], 0);
        return r;
}
