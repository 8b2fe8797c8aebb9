/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/object.h"

#include <errno.h>
#include <string.h>

void stand_move(Stand *to, Stand *from) {
        place_unref(to->place);
        *to = *from;
        *from = (Stand){ 0 };
}

/* Numbers are given one after the other: those that do not fit into a key will be rare. */
static uint32_t number_key(uint64_t number) {
        return number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
}

static int number_compare(const Object *object, const void *what) {
        const uint64_t *number = what;

        return (object->row.number > *number) - (object->row.number < *number);
}

/* Below that key each is of one number, and no object is looked at. */
static IndexOrder number_order(uint64_t number) {
        return number_key(number) < UINT32_MAX ? NULL : number_compare;
}

/* Where a letter stands in the order of bytes of those that an id may have, from 1 on. */
static uint32_t letter_rank(char c) {
        if (c == '-')
                return 1;
        if (c >= '0' && c <= '9')
                return (uint32_t)(c - '0') + 2;
        if (c >= 'A' && c <= 'Z')
                return (uint32_t)(c - 'A') + 12;
        if (c == '_')
                return 38;
        return c ? (uint32_t)(c - 'a') + 39 : 0;
}

/* The first letters of an id, so that keys are in the order of ids. */
static uint32_t id_key(const ApiId *id) {
        uint32_t key = 0;

        for (size_t i = 0; i < 5; i++) /* of 65 values each: as many as fit */
                key = key * 65 + letter_rank(id->text[i]);
        return key;
}

static int id_order(const Object *object, const void *what) {
        return packed_id_compare(&object->row.id, what);
}

typedef struct TagKey {
        const char *tag;
        uint64_t number;
} TagKey;

/* FNV-1a: nobody lists objects in the order of tags, only those with one tag, by number. */
static uint32_t tag_key(const char *tag) {
        uint32_t key = 0x811c9dc5U;

        for (; *tag; tag++)
                key = (key ^ (unsigned char)*tag) * 0x01000193U;
        return key;
}

static int tag_order(const Object *object, const void *what) {
        const TagKey *key = what;
        uint64_t number = object->row.number;
        int order = strcmp(spec_text(object->row.spec, SPEC_TAG), key->tag);

        return order ?: (number > key->number) - (number < key->number);
}

IndexPosition by_number_from(const Index *index, uint64_t number) {
        return index_search(index, number_key(number), number_order(number), &number);
}

IndexPosition by_id_from(const Index *index, const ApiId *id) {
        const PackedId packed = packed_id_borrow(id);

        return index_search(index, id_key(id), id_order, &packed);
}

IndexPosition by_tag_from(const Index *index, const char *tag, uint64_t number) {
        return index_search(index, tag_key(tag), tag_order, &(TagKey){ tag, number });
}

Object *by_id_find(const Index *index, const ApiId *id) {
        const PackedId packed = packed_id_borrow(id);

        return index_find(index, id_key(id), id_order, &packed);
}

int by_id_insert(Index *index, Object *object) {
        const ApiId id = row_id(&object->row);

        return index_insert(index, id_key(&id), id_order, &object->row.id, object);
}

void by_id_remove(Index *index, const Object *object) {
        const ApiId id = row_id(&object->row);

        index_remove(index, id_key(&id), id_order, &object->row.id);
}

void registry_init(Registry *registry) {
        *registry = (Registry){ 0 };
        RB_INIT(&registry->by_client);
        owners_init(&registry->owners);
}

/* Without taking each out of every index. */
void registry_deinit(Registry *registry) {
        for (Kind kind = 0; kind < _KIND_MAX; kind++) {
                const Index *all = &registry->by_number[kind];
                IndexPosition at = { 0 };
                Object *object;

                for (; (object = index_get(all, at)); at = index_next(all, at)) {
                        registry_unbind(registry, object);
                        object_free_apart(object);
                }
                index_deinit(&registry->by_number[kind]);
                index_deinit(&registry->by_id[kind]);
                index_deinit(&registry->by_tag[kind]);
        }
        due_deinit(&registry->due);
        owners_deinit(&registry->owners);
}

static void place_share(Place **place, Place *like) {
        if (*place == like || !place_equal(*place, like))
                return;
        place_unref(*place);
        *place = place_ref(like);
}

/* Equal places are kept once: at rest what is wanted is what is there, and most members of a
 * session hear the same. */
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

static int by_number_insert(Index *index, Object *object) {
        const uint64_t *number = &object->row.number;

        return index_insert(index, number_key(*number), number_order(*number), number, object);
}

static void by_number_remove(Index *index, const Object *object) {
        const uint64_t *number = &object->row.number;

        index_remove(index, number_key(*number), number_order(*number), number);
}

static int registry_index(Registry *registry, Object *object) {
        const Row *row = &object->row;
        TagKey tag = { spec_text(row->spec, SPEC_TAG), row->number };
        int r;

        r = by_number_insert(&registry->by_number[row->kind], object);
        if (r < 0)
                return r;
        r = index_insert(&registry->by_tag[row->kind], tag_key(tag.tag), tag_order, &tag, object);
        if (r >= 0 && row_has_id(row)) {
                r = by_id_insert(&registry->by_id[row->kind], object);
                object->indexed_id = r >= 0;
                if (r < 0)
                        index_remove(&registry->by_tag[row->kind], tag_key(tag.tag), tag_order,
                                     &tag);
        }
        if (r < 0)
                by_number_remove(&registry->by_number[row->kind], object);
        return r;
}

static void registry_unindex(Registry *registry, Object *object) {
        const Row *row = &object->row;
        TagKey tag = { spec_text(row->spec, SPEC_TAG), row->number };

        by_number_remove(&registry->by_number[row->kind], object);
        index_remove(&registry->by_tag[row->kind], tag_key(tag.tag), tag_order, &tag);
        if (object->indexed_id)
                by_id_remove(&registry->by_id[row->kind], object);
        object->indexed_id = false;
}

int registry_enter(Registry *registry, Object *object) {
        const Spec *spec = object->row.spec;
        int r;

        if (due_reserve(&registry->due, registry->n_objects + 1) < 0)
                return -ENOMEM;
        r = registry_index(registry, object);
        if (r < 0)
                return r;
        if (owners_add(&registry->owners, spec->owner, spec->stranger) < 0) {
                registry_unindex(registry, object);
                return -ENOMEM;
        }
        if (registry_bind(registry, object) < 0) {
                owners_remove(&registry->owners, spec->owner, spec->stranger, false);
                registry_unindex(registry, object);
                return -ENOMEM;
        }
        registry->n_objects++;
        return 0;
}

static bool members_have(const Members *members, const Object *object) {
        for (size_t i = 0; i < members->n; i++)
                if (members->items[i] == object)
                        return true;
        return false;
}

static int members_add(Members *members, Object *object) {
        size_t at = members->n;

        if (members->n == members->n_allocated) {
                uint32_t wanted = members->n_allocated + members->n_allocated / 4 + 1;
                Object **items = reallocarray(members->items, wanted, sizeof(*items));

                if (!items)
                        return -ENOMEM;
                members->items = items;
                members->n_allocated = wanted;
        }
        for (; at > 0 && members->items[at - 1]->row.number > object->row.number; at--)
                members->items[at] = members->items[at - 1];
        members->items[at] = object;
        members->n++;
        return 0;
}

static void members_remove(Members *members, const Object *object) {
        size_t at = 0;

        while (members->items[at] != object)
                at++;
        members->n--;
        memmove(members->items + at, members->items + at + 1,
                (members->n - at) * sizeof(*members->items));
}

static bool members_equal(const Members *a, const Members *b) {
        if (a->n != b->n)
                return false;
        for (size_t i = 0; i < a->n; i++)
                if (a->items[i] != b->items[i])
                        return false;
        return true;
}

static Members *members_free(Members *members) {
        free(members->items);
        free(members);
        return NULL;
}

DEFINE_CLEANUP(Members, members_free);

static int members_copy(Members **ret, const Members *from) {
        CLEANUP(members_freep) Members *copy = calloc(1, sizeof(*copy));

        if (!copy)
                return -ENOMEM;
        for (size_t i = 0; i < from->n; i++)
                if (members_add(copy, from->items[i]) < 0)
                        return -ENOMEM;
        *ret = TAKE(copy);
        return 0;
}

/* Makes two lists of one that is for both, before either is changed. */
static int session_split_members(Object *session) {
        if (session->shown_members != &session->members)
                return 0;
        return members_copy(&session->shown_members, &session->members);
}

/* And one of two that are the same. */
static void session_join_members(Object *session) {
        Members *shown = session->shown_members;

        if (shown == &session->members || !members_equal(shown, &session->members))
                return;
        session->shown_members = &session->members;
        members_free(shown);
}

static int session_change_member(Object *session, bool shown, Object *object, bool is_member) {
        Members *members = shown ? session->shown_members : &session->members;
        int r = 0;

        if (members_have(members, object) == is_member)
                return 0;
        if (session_split_members(session) < 0)
                return -ENOMEM;
        members = shown ? session->shown_members : &session->members;
        if (is_member)
                r = members_add(members, object);
        else
                members_remove(members, object);
        session_join_members(session);
        return r;
}

int session_set_member(Object *session, Object *object, bool is_member) {
        return session_change_member(session, false, object, is_member);
}

int session_show_member(Object *session, Object *object, bool is_member) {
        return session_change_member(session, true, object, is_member);
}

int object_new_apart(Object **ret, Row *row) {
        bool session = row->kind == KIND_SESSION;
        Object *object = calloc(1, session ? sizeof(*object) : offsetof(Object, members));

        if (!object)
                return -ENOMEM;
        object->row = *row;
        *row = (Row){ 0 };
        object->look_at = USEC_NEVER;
        if (session)
                object->shown_members = &object->members;
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
                if (object->shown_members != &object->members)
                        members_free(object->shown_members);
                free(object->members.items);
        }
        if (object->shown != &object->row)
                row_free(object->shown);
        row_deinit(&object->row);
        if (object->activity)
                secret_free(object->activity->token);
        free(object->activity);
        free(object);
        return NULL;
}

int object_act(Object *object) {
        Activity *activity;

        if (object->activity)
                return 0;
        activity = calloc(1, sizeof(*activity));
        if (!activity)
                return -ENOMEM;
        activity->object = object;
        TAILQ_INIT(&activity->waiters);
        object->activity = activity;
        return 0;
}

void object_settle(Object *object) {
        const Activity *activity = object->activity;

        if (!activity || object->touched || object->ready || activity->change || activity->read ||
            activity->retry_at != 0 || activity->token || !TAILQ_EMPTY(&activity->waiters))
                return;
        free(object->activity);
        object->activity = NULL;
}

Flight *object_change(const Object *object) {
        return object->activity ? object->activity->change : NULL;
}

Flight *object_read(const Object *object) {
        return object->activity ? object->activity->read : NULL;
}

Waiter *object_waiter(const Object *object) {
        return object->activity ? TAILQ_FIRST(&object->activity->waiters) : NULL;
}

usec_t object_retry_at(const Object *object) {
        return object->activity ? object->activity->retry_at : 0;
}

void object_retry_at_once(Object *object) {
        if (object->activity)
                object->activity->retry_at = 0;
}

Object *object_free(Object *object, Registry *registry) {
        const Spec *spec = object->row.spec;

        registry_set_due(registry, object, USEC_NEVER);
        registry->n_objects--;
        owners_remove(&registry->owners, spec->owner, spec->stranger, object->counted_pending);
        registry_unindex(registry, object);
        registry_unbind(registry, object);
        return object_free_apart(object);
}

Object *registry_find(const Registry *registry, Kind kind, uint64_t number) {
        return index_find(&registry->by_number[kind], number_key(number), number_order(number),
                          &number);
}

Object *registry_find_id(const Registry *registry, Kind kind, const ApiId *id) {
        return by_id_find(&registry->by_id[kind], id);
}

int registry_set_id(Registry *registry, Object *object, const ApiId *id) {
        int r;

        r = row_set_id(&object->row, id);
        if (r < 0)
                return r;
        r = by_id_insert(&registry->by_id[object->row.kind], object);
        if (r < 0)
                packed_id_deinit(&object->row.id);
        object->indexed_id = r >= 0;
        return r;
}

void registry_count_pending(Registry *registry, Object *object) {
        bool pending = !row_in_sync(&object->row) || (object->shown && !row_in_sync(object->shown));
        Owner *owner;

        if (pending == object->counted_pending)
                return;
        owner = owners_find(&registry->owners, object->row.spec->owner);
        object->counted_pending = pending;
        if (pending)
                owner->n_pending++;
        else
                owner->n_pending--;
}

void registry_set_due(Registry *registry, Object *object, usec_t due) {
        due_set(&registry->due, object, due);
}
