/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What somebody else has made comes into the registry. */

#include "core/internal.h"

#include <inttypes.h>

/* What is fixed of one that @sighting shows, and that is to belong to the owner of @like. */
static int spec_seen(Spec **ret, const Sighting *sighting, const Spec *like, usec_t created_at) {
        CLEANUP(spec_unrefp) Spec *spec = NULL;
        int r;

        r = spec_new(&spec);
        if (r < 0)
                return r;
        spec->owner = like->owner;
        spec->created_at = created_at;
        spec->permissions = sighting->permissions;
        r = spec_set_text(&spec->tag, sighting->tag ?: "");
        if (r >= 0)
                r = spec_set_text(&spec->callback_url, sighting->callback_url ?: "");
        if (r >= 0)
                r = spec_set_text(&spec->device_api_version, sighting->device_api_version ?: "");
        if (r >= 0)
                *ret = TAKE(spec);
        return r;
}

/* A member of @session, whose list was asked for with @serial. What it hears is not known before
 * all of the list is. */
static int adopt_member(Core *core, Object *session, const Sighting *sighting, uint64_t serial) {
        CLEANUP(place_unrefp) Place *place = NULL;
        Row row = { .kind = KIND_PARTICIPANT, .id = sighting->id };
        Object *object;
        int r;

        r = spec_seen(&row.spec, sighting, session->row.spec, core->now.realtime);
        if (r >= 0)
                r = place_new(&place, session->row.number, NULL, MODE_NONE, NULL, 0);
        if (r >= 0) {
                row.number = ++core->counters.last_number[KIND_PARTICIPANT];
                row.goals[BEING] = (Goal){ 1, 1, 1 };
                r = object_new(&object, &core->registry, &row);
        }
        if (r < 0) {
                row_deinit(&row);
                return r;
        }
        object->listed_by = object->changed_seq = serial;
        r = core_touch(core, object);
        if (r >= 0)
                r = core_set_wanted(core, object, place);
        if (r >= 0)
                r = core_set_observed(core, object, place);
        return r < 0 ? r
                     : core_log(core, LOG_EVENT_ADOPTED, 5, object,
                                "A participant that somebody else put into session %" PRIu64
                                " was adopted.",
                                session->row.number);
}

/* One that nobody here knows, and that is not the echo of one who has gone. */
static bool is_stranger(const Core *core, const Object *session, const Sighting *sighting) {
        return api_id_equal(&sighting->session, &session->row.id) &&
               !core_listed(core, session, &sighting->id) &&
               !tombstones_find(&core->tombstones, KIND_PARTICIPANT, &sighting->id);
}

int core_adopt_strangers(Core *core, Object *session, const Flight *flight, const Answer *answer) {
        int r = 0;

        for (size_t i = 0; r >= 0 && !session->row.gone && i < answer->n_sightings; i++)
                if (is_stranger(core, session, answer->sightings + i))
                        r = adopt_member(core, session, answer->sightings + i, flight->serial);
        return r;
}
