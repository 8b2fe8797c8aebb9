/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/index.h"
#include "core/object.h"

#define N_OBJECTS 6000U

/* Keys that stand often: the number decides among them. */
static uint32_t key_of(const Object *object) {
        return (uint32_t)(object->row.number * 2654435761U % 97);
}

static int order(const Object *object, const void *what) {
        const Object *like = what;

        return (object->row.number > like->row.number) - (object->row.number < like->row.number);
}

static bool comes_before(const Object *a, const Object *b) {
        return key_of(a) != key_of(b) ? key_of(a) < key_of(b) : a->row.number < b->row.number;
}

static Object *make_objects(void) {
        Object *objects = calloc(N_OBJECTS, sizeof(*objects));

        assert_non_null(objects);
        for (uint32_t i = 0; i < N_OBJECTS; i++)
                objects[i].row.number = i + 1;
        return objects;
}

/* Everything that is marked stands there, once, in order. */
static void check_all(const Index *index, const Object *objects) {
        IndexPosition position = { 0 };
        const Object *before = NULL, *object;
        uint32_t n = 0, n_marked = 0;

        for (; (object = index_get(index, position)); position = index_next(index, position)) {
                assert_true(object->touched);
                assert_true(!before || comes_before(before, object));
                before = object;
                n++;
        }
        for (uint32_t i = 0; i < N_OBJECTS; i++)
                n_marked += objects[i].touched;
        assert_int_equal(n, n_marked);
}

static void flip(Index *index, Object *object) {
        Object *found = index_find(index, key_of(object), order, object);

        if (object->touched) {
                assert_ptr_equal(found, object);
                assert_int_equal(index_insert(index, key_of(object), order, object, object),
                                 -EEXIST);
                index_remove(index, key_of(object), order, object);
        } else {
                assert_null(found);
                assert_int_equal(index_insert(index, key_of(object), order, object, object), 0);
        }
        object->touched = !object->touched;
}

static void test_any_order(void **state) {
        CLEANUP(freep) Object *objects = make_objects();
        Index index = { 0 };
        uint64_t seed = 1;

        (void)state;
        check_all(&index, objects);
        /* First it grows, then it hovers, then it shrinks. */
        for (unsigned i = 0; i < 60000; i++) {
                seed = seed * 6364136223846793005U + 1442695040888963407U;

                Object *object = objects + (seed >> 33) % N_OBJECTS;

                if ((i < 20000 && object->touched) || (i >= 40000 && !object->touched))
                        continue;
                flip(&index, object);
                if (i % 1000 == 0)
                        check_all(&index, objects);
        }
        check_all(&index, objects);
        for (uint32_t i = 0; i < N_OBJECTS; i++)
                if (objects[i].touched)
                        flip(&index, objects + i);
        assert_int_equal(index.n, 0);
        index_deinit(&index);
}

static uint64_t number_after(const Index *index, uint64_t number) {
        const Object *object =
                index_get(index, index_search(index, (uint32_t)number + 1, NULL, NULL));

        return object ? object->row.number : 0;
}

/* As numbers are given: growing. */
static void test_numbers(void **state) {
        CLEANUP(freep) Object *objects = make_objects();
        Index index = { 0 };

        (void)state;
        assert_int_equal(number_after(&index, 0), 0);
        for (uint32_t i = 0; i < N_OBJECTS; i++)
                assert_int_equal(index_insert(&index, i + 1, NULL, NULL, objects + i), 0);
        assert_int_equal(index_insert(&index, 1, NULL, NULL, objects), -EEXIST);
        for (uint64_t number = 0; number < N_OBJECTS; number++)
                assert_int_equal(number_after(&index, number), number + 1);
        assert_int_equal(number_after(&index, N_OBJECTS), 0);

        for (uint64_t number = 2; number <= N_OBJECTS; number += 2)
                index_remove(&index, (uint32_t)number, NULL, NULL);
        for (uint64_t number = 1; number < N_OBJECTS - 1; number++)
                assert_int_equal(number_after(&index, number), number + 1 + number % 2);
        assert_null(index_find(&index, 2, NULL, NULL));
        assert_ptr_equal(index_find(&index, 3, NULL, NULL), objects + 2);
        index_deinit(&index);
}

static Object *enter(Registry *registry, Kind kind, uint64_t number, const char *id) {
        Row row = { .kind = kind, .number = number };
        Object *object;
        ApiId api_id;

        assert_int_equal(spec_new(&row.spec), 0);
        assert_true(api_id_set(&api_id, id));
        assert_int_equal(row_set_id(&row, &api_id), 0);
        assert_int_equal(object_new(&object, registry, &row), 0);
        return object;
}

/* Those above 32 bits, whose keys are all the same. */
static void test_great_numbers(void **state) {
        static const uint64_t numbers[] = { 1,          UINT32_MAX - 1ULL, UINT32_MAX,
                                            1ULL << 32, (1ULL << 32) + 1,  1ULL << 62 };
        const Index *index;
        Registry registry;

        (void)state;
        registry_init(&registry);
        index = &registry.by_number[KIND_SESSION];
        for (size_t i = 0; i < ELEMENTSOF(numbers); i++) {
                char id[8] = { (char)('a' + i) };

                enter(&registry, KIND_SESSION, numbers[ELEMENTSOF(numbers) - 1 - i], id);
        }
        for (size_t i = 0; i < ELEMENTSOF(numbers); i++) {
                const Object *object = registry_find(&registry, KIND_SESSION, numbers[i]);

                assert_non_null(object);
                assert_int_equal(object->row.number, numbers[i]);
                assert_ptr_equal(index_get(index, by_number_from(index, numbers[i])), object);
                if (i > 0)
                        assert_ptr_equal(
                                index_get(index, by_number_from(index, numbers[i - 1] + 1)),
                                object);
        }
        assert_null(registry_find(&registry, KIND_SESSION, (1ULL << 32) + 2));
        assert_null(registry_find(&registry, KIND_SESSION, 1ULL << 63));
        registry_deinit(&registry);
}

/* Whatever letters they have, and however many they share. */
static void test_ids(void **state) {
        static const char letters[] =
                "zyxwvutsrqponmlkjihgfedcba_ZYXWVUTSRQPONMLKJIHGFEDCBA9876543210-";
        static const char *const stems[] = { "", "a", "0-_Z", "01ab", "01ab2", "01ab23" };
        IndexPosition at = { 0 };
        const Object *object;
        const Index *index;
        Registry registry;
        ApiId before = { 0 };
        unsigned n = 0;

        (void)state;
        registry_init(&registry);
        index = &registry.by_id[KIND_SESSION];
        for (size_t i = 0; i < ELEMENTSOF(stems); i++)
                for (const char *letter = letters; *letter; letter++) {
                        char id[8];

                        snprintf(id, sizeof(id), "%s%c", stems[i], *letter);
                        if (strcmp(id, "a") != 0 && strcmp(id, "01ab2") != 0)
                                enter(&registry, KIND_SESSION, ++n, id);
                }
        for (; (object = index_get(index, at)); at = index_next(index, at), n--) {
                const ApiId id = row_id(&object->row);

                assert_true(api_id_compare(&before, &id) < 0);
                assert_ptr_equal(registry_find_id(&registry, KIND_SESSION, &id), object);
                before = id;
        }
        assert_int_equal(n, 0);
        registry_deinit(&registry);
}

static void are_members(const Members *members, Object *const *expect, uint32_t n) {
        assert_int_equal(members->n, n);
        for (uint32_t i = 0; i < n; i++)
                assert_ptr_equal(members->items[i], expect[i]);
}

/* What the core thinks and what clients see is one list wherever it can be. */
static void test_members(void **state) {
        Object *session, *members[3];
        Registry registry;

        (void)state;
        registry_init(&registry);
        session = enter(&registry, KIND_SESSION, 1, "s");
        for (uint32_t i = 0; i < 3; i++)
                members[i] =
                        enter(&registry, KIND_PARTICIPANT, i + 1, (char[]){ (char)('a' + i), 0 });
        assert_ptr_equal(session->shown_members, &session->members);

        assert_int_equal(session_set_member(session, members[2], true), 0);
        assert_int_equal(session_set_member(session, members[0], true), 0);
        assert_int_equal(session_set_member(session, members[0], true), 0);
        are_members(&session->members, (Object *[]){ members[0], members[2] }, 2);
        are_members(session->shown_members, NULL, 0);

        assert_int_equal(session_show_member(session, members[2], true), 0);
        are_members(session->shown_members, members + 2, 1);
        assert_int_equal(session_show_member(session, members[0], true), 0);
        assert_ptr_equal(session->shown_members, &session->members);

        assert_int_equal(session_show_member(session, members[1], true), 0);
        are_members(session->shown_members, members, 3);
        are_members(&session->members, (Object *[]){ members[0], members[2] }, 2);
        assert_int_equal(session_show_member(session, members[1], false), 0);
        assert_ptr_equal(session->shown_members, &session->members);

        assert_int_equal(session_set_member(session, members[0], false), 0);
        assert_int_equal(session_set_member(session, members[0], false), 0);
        are_members(&session->members, members + 2, 1);
        are_members(session->shown_members, (Object *[]){ members[0], members[2] }, 2);
        registry_deinit(&registry);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_any_order),     cmocka_unit_test(test_numbers),
                cmocka_unit_test(test_great_numbers), cmocka_unit_test(test_members),
                cmocka_unit_test(test_ids),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
