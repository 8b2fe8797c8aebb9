/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/internal.h"

static const Row *object_shown(const Object *object) {
        return object ? object->shown : NULL;
}

CoreStatus core_status(const Core *core) {
        CoreStatus status = { .api_state = core->host.state,
                              .last_contact_at = core->host.last_contact_at,
                              .next_probe_at =
                                      usec_max(core->host.probe_at, core->host.quiet_until),
                              .n_pending = core->n_pending,
                              .suspected_orphans = core->shown_counters.suspected_orphans,
                              .n_in_flight = core->n_flights,
                              .n_posts = core->n_posts };

        for (Kind kind = 0; kind < _KIND_MAX; kind++)
                status.n_objects[kind] = core->n_shown[kind];
        return status;
}

const Row *core_find(const Core *core, Kind kind, uint64_t number) {
        return object_shown(registry_find(&core->registry, kind, number));
}

const Row *core_find_id(const Core *core, Kind kind, const ApiId *id) {
        const Row *row = object_shown(registry_find_id(&core->registry, kind, id));

        /* An id that is not durable yet is not shown. */
        return row && api_id_is_known(&row->id) ? row : NULL;
}

const Row *core_after(const Core *core, Kind kind, uint64_t after) {
        Object key = { .row.number = after + 1 };
        Object *object;

        if (after == UINT64_MAX)
                return NULL;
        object = RB_NFIND(ByNumber, (struct ByNumber *)&core->registry.by_number[kind], &key);
        while (object && !object->shown)
                object = RB_NEXT(ByNumber, &core->registry.by_number[kind], object);
        return object_shown(object);
}

const Row *core_tag_after(const Core *core, Kind kind, const char *tag, uint64_t after) {
        Spec spec = { .tag = (char *)tag };
        Object key = { .row = { .number = after + 1, .spec = &spec } };
        Object *object;

        if (after == UINT64_MAX)
                return NULL;
        object = RB_NFIND(ByTag, (struct ByTag *)&core->registry.by_tag[kind], &key);
        while (object && !object->shown)
                object = RB_NEXT(ByTag, &core->registry.by_tag[kind], object);
        if (!object || strcmp(object->row.spec->tag, tag) != 0)
                return NULL;
        return object->shown;
}

const Row *core_prefix_after(const Core *core, Kind kind, const char *prefix, const ApiId *after) {
        struct ById *index = (struct ById *)&core->registry.by_id[kind];
        Object key = { 0 };
        Object *object;

        if (!after && !api_id_set(&key.row.id, prefix))
                return NULL;
        if (after)
                key.row.id = *after;
        object = RB_NFIND(ById, index, &key);
        while (object && ((after && api_id_equal(&object->row.id, after)) || !object->shown ||
                          !api_id_is_known(&object->shown->id)))
                object = RB_NEXT(ById, index, object);
        if (!object || strncmp(api_id_text(&object->row.id), prefix, strlen(prefix)) != 0)
                return NULL;
        return object->shown;
}

const Row *core_member_after(const Core *core, uint64_t session, uint64_t after) {
        const Object *object = registry_find(&core->registry, KIND_SESSION, session);

        for (size_t i = 0; object && i < object->shown_members.n; i++)
                if (object->shown_members.items[i]->row.number > after)
                        return object->shown_members.items[i]->shown;
        return NULL;
}

usec_t core_next_attempt(const Core *core, Kind kind, uint64_t number, Now now) {
        const Object *object = registry_find(&core->registry, kind, number);
        usec_t at;

        if (!object || row_in_sync(&object->row) || object->row.failed || object->change)
                return 0;
        if (host_open(core))
                at = usec_max(object->retry_at, now.boottime);
        else if (core->host.probe_at == USEC_NEVER)
                at = 0;
        else
                at = usec_max(usec_max(core->host.probe_at, core->host.quiet_until), now.boottime);
        return at == 0 ? 0 : now.realtime + (at - now.boottime);
}
