/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/object.h"

#include <errno.h>

static int number_order(uint64_t a, uint64_t b) {
        return (a > b) - (a < b);
}

static int object_compare_number(const Object *a, const Object *b) {
        return number_order(a->row.number, b->row.number);
}

static int object_compare_id(const Object *a, const Object *b) {
        return api_id_compare(&a->row.id, &b->row.id);
}

static int object_compare_tag(const Object *a, const Object *b) {
        int order = strcmp(a->row.spec->tag, b->row.spec->tag);

        return order ?: object_compare_number(a, b);
}

RB_GENERATE(ByNumber, Object, by_number, object_compare_number);
RB_GENERATE(ById, Object, by_id, object_compare_id);
RB_GENERATE(ByTag, Object, by_tag, object_compare_tag);

void registry_init(Registry *registry) {
        for (Kind kind = 0; kind < _KIND_MAX; kind++) {
                RB_INIT(&registry->by_number[kind]);
                RB_INIT(&registry->by_id[kind]);
                RB_INIT(&registry->by_tag[kind]);
        }
        registry->due = (DueQueue){ 0 };
        registry->n_objects = 0;
        RB_INIT(&registry->by_client);
}

void registry_deinit(Registry *registry) {
        for (Kind kind = 0; kind < _KIND_MAX; kind++) {
                Object *object;

                while ((object = RB_ROOT(&registry->by_number[kind])))
                        object_free(object, registry);
        }
        due_deinit(&registry->due);
}

static void place_share(Place **place, Place *like) {
        if (*place == like || !place_equal(*place, like))
                return;
        place_unref(*place);
        *place = place_ref(like);
}

/* Equal places are kept once: at rest what is wanted is what is there, and most members of a session
 * hear the same. */
static void object_share_places(Object *object, const Registry *registry) {
        const Object *session;
        Row *row = &object->row;

        if (!row->wanted)
                return;
        session = registry_find(registry, KIND_SESSION, row->wanted->session);
        if (session && session->members.n > 0)
                place_share(&row->wanted,
                            session->members.items[session->members.n - 1]->row.wanted);
        place_share(&row->observed, row->wanted);
}

int registry_enter(Registry *registry, Object *object) {
        Row *row = &object->row;

        if (due_reserve(&registry->due, registry->n_objects + 1) < 0)
                return -ENOMEM;
        if (RB_INSERT(ByNumber, &registry->by_number[row->kind], object))
                return -EEXIST;
        if (api_id_is_known(&row->id)) {
                if (RB_INSERT(ById, &registry->by_id[row->kind], object)) {
                        RB_REMOVE(ByNumber, &registry->by_number[row->kind], object);
                        return -EEXIST;
                }
                object->indexed_id = true;
        }
        if (registry_bind(registry, object) < 0) {
                if (object->indexed_id)
                        RB_REMOVE(ById, &registry->by_id[row->kind], object);
                RB_REMOVE(ByNumber, &registry->by_number[row->kind], object);
                object->indexed_id = false;
                return -ENOMEM;
        }
        RB_INSERT(ByTag, &registry->by_tag[row->kind], object);
        registry->n_objects++;
        spec_pack(&row->spec);
        return 0;
}

int object_new_apart(Object **ret, Row *row) {
        bool session = row->kind == KIND_SESSION;
        Object *object = calloc(1, session ? sizeof(*object) : offsetof(Object, members));

        if (!object)
                return -ENOMEM;
        object->row = *row;
        *row = (Row){ 0 };
        object->look_at = object->due = USEC_NEVER;
        TAILQ_INIT(&object->waiters);
        *ret = object;
        return 0;
}

int object_new(Object **ret, Registry *registry, Row *row) {
        Object *object;
        int r;

        r = object_new_apart(&object, row);
        if (r < 0)
                return r;
        r = registry_enter(registry, object);
        if (r < 0) {
                *row = object->row;
                free(object);
                return r;
        }
        object_share_places(object, registry);
        *ret = object;
        return 0;
}

Object *object_free_apart(Object *object) {
        if (object->row.kind == KIND_SESSION) {
                free(object->members.items);
                free(object->shown_members.items);
        }
        if (object->shown != &object->row)
                row_free(object->shown);
        row_deinit(&object->row);
        secret_free(object->token);
        free(object);
        return NULL;
}

Object *object_free(Object *object, Registry *registry) {
        Kind kind = object->row.kind;

        registry_set_due(registry, object, USEC_NEVER);
        registry->n_objects--;
        RB_REMOVE(ByNumber, &registry->by_number[kind], object);
        RB_REMOVE(ByTag, &registry->by_tag[kind], object);
        if (object->indexed_id)
                RB_REMOVE(ById, &registry->by_id[kind], object);
        registry_unbind(registry, object);
        return object_free_apart(object);
}

Object *registry_find(const Registry *registry, Kind kind, uint64_t number) {
        Object *object = RB_ROOT((struct ByNumber *)&registry->by_number[kind]);

        /* Without a whole object for a key, which costs more than the search. */
        while (object && object->row.number != number)
                object = number < object->row.number ? RB_LEFT(object, by_number)
                                                     : RB_RIGHT(object, by_number);
        return object;
}

Object *by_id_find(const struct ById *tree, const ApiId *id) {
        Object *object = RB_ROOT((struct ById *)tree);
        int order;

        while (object && (order = api_id_compare(id, &object->row.id)) != 0)
                object = order < 0 ? RB_LEFT(object, by_id) : RB_RIGHT(object, by_id);
        return object;
}

Object *registry_find_id(const Registry *registry, Kind kind, const ApiId *id) {
        return by_id_find(&registry->by_id[kind], id);
}

int registry_set_id(Registry *registry, Object *object, const ApiId *id) {
        object->row.id = *id;
        if (RB_INSERT(ById, &registry->by_id[object->row.kind], object)) {
                object->row.id = (ApiId){ 0 };
                return -EEXIST;
        }
        object->indexed_id = true;
        return 0;
}

void registry_set_due(Registry *registry, Object *object, usec_t due) {
        due_set(&registry->due, object, due);
}

int members_add(Members *members, Object *object) {
        size_t at = members->n;

        while (at > 0 && members->items[at - 1]->row.number > object->row.number)
                at--;
        if (at > 0 && members->items[at - 1] == object)
                return 0;

        if (members->n == members->n_allocated) {
                uint32_t wanted = members->n_allocated + members->n_allocated / 4 + 1;
                Object **items = reallocarray(members->items, wanted, sizeof(*items));

                if (!items)
                        return -ENOMEM;
                members->items = items;
                members->n_allocated = wanted;
        }
        memmove(members->items + at + 1, members->items + at,
                (members->n - at) * sizeof(*members->items));
        members->items[at] = object;
        members->n++;
        return 0;
}

void members_remove(Members *members, const Object *object) {
        for (size_t i = 0; i < members->n; i++)
                if (members->items[i] == object) {
                        memmove(members->items + i, members->items + i + 1,
                                (members->n - i - 1) * sizeof(*members->items));
                        members->n--;
                        return;
                }
}
