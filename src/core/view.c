/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/internal.h"

static const Row *object_shown(const Object *object) {
        return object ? object->shown : NULL;
}

CoreStatus core_status(const Core *core) {
        CoreStatus status = { .api_state = core->host.state,
                              .has_credentials = core->host.usable,
                              .last_contact_at = core->host.last_contact_at,
                              .next_probe_at = host_open(core) ? USEC_NEVER
                                                               : usec_max(core->host.probe_at,
                                                                          core->host.quiet_until),
                              .n_pending = core->n_pending,
                              .suspected_orphans = core->shown_counters.suspected_orphans,
                              .n_unread = core->n_unread,
                              .disk_full = core->storage.state != STORAGE_ROOM,
                              .disk_held = core->storage.state == STORAGE_HELD,
                              .n_in_flight = core->n_flights,
                              .n_posts = core->n_posts };

        for (Kind kind = 0; kind < _KIND_MAX; kind++)
                status.n_objects[kind] = core->n_shown[kind];
        return status;
}

OwnerCounts core_owner_counts(const Core *core, uint32_t uid) {
        const Owner *owner = owners_find(&core->registry.owners, uid);

        return owner ? (OwnerCounts){ owner->n_objects, owner->n_pending } : (OwnerCounts){ 0, 0 };
}

const Row *core_find(const Core *core, Kind kind, uint64_t number) {
        return object_shown(registry_find(&core->registry, kind, number));
}

const Row *core_find_id(const Core *core, Kind kind, const ApiId *id) {
        const Row *row = object_shown(registry_find_id(&core->registry, kind, id));

        /* An id that is not durable yet is not shown. */
        return row && row_has_id(row) ? row : NULL;
}

/* The first from there on that clients see. */
static const Object *first_shown(const Index *index, IndexPosition at) {
        const Object *object;

        while ((object = index_get(index, at)) && !object->shown)
                at = index_next(index, at);
        return object;
}

const Row *core_after(const Core *core, Kind kind, uint64_t after) {
        const Index *index = &core->registry.by_number[kind];

        if (after == UINT64_MAX)
                return NULL;
        return object_shown(first_shown(index, by_number_from(index, after + 1)));
}

const Row *core_tag_after(const Core *core, Kind kind, const char *tag, uint64_t after) {
        const Index *index = &core->registry.by_tag[kind];
        const Object *object;

        if (after == UINT64_MAX)
                return NULL;
        object = first_shown(index, by_tag_from(index, tag, after + 1));
        if (!object || strcmp(spec_text(object->row.spec, SPEC_TAG), tag) != 0)
                return NULL;
        return object->shown;
}

const Row *core_prefix_after(const Core *core, Kind kind, const char *prefix, const ApiId *after) {
        const Index *index = &core->registry.by_id[kind];
        const Object *object;
        IndexPosition at;
        ApiId first, id;

        if (!after && !api_id_set(&first, prefix))
                return NULL;
        at = by_id_from(index, after ?: &first);
        while ((object = index_get(index, at)) && ((after && row_id_is(&object->row, after)) ||
                                                   !object->shown || !row_has_id(object->shown)))
                at = index_next(index, at);
        if (!object)
                return NULL;
        id = row_id(&object->row);
        return strncmp(id.text, prefix, strlen(prefix)) == 0 ? object->shown : NULL;
}

const Row *core_member_after(const Core *core, uint64_t session, uint64_t after) {
        const Object *object = registry_find(&core->registry, KIND_SESSION, session);

        for (size_t i = 0; object && i < object->shown_members->n; i++)
                if (object->shown_members->items[i]->row.number > after)
                        return object->shown_members->items[i]->shown;
        return NULL;
}
