/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/unit.h"

#include "core/object.h"

#define N_OBJECTS 64U

/* What was set last stands in look_at too, which the queue does not know. */
static void make_objects(Object objects[N_OBJECTS]) {
        for (uint32_t i = 0; i < N_OBJECTS; i++)
                objects[i] = (Object){ .look_at = USEC_NEVER, .row = { .number = i + 1 } };
}

/* The one that should be first, found the long way. */
static Object *first_of(Object objects[N_OBJECTS]) {
        Object *first = NULL;

        for (uint32_t i = 0; i < N_OBJECTS; i++)
                if (objects[i].look_at != USEC_NEVER &&
                    (!first || objects[i].look_at < first->look_at))
                        first = objects + i;
        return first;
}

static void test_order(void **state) {
        DueQueue queue = { 0 };
        Object objects[N_OBJECTS];
        uint64_t seed = 1;
        const Object *first;

        (void)state;
        make_objects(objects);
        assert_int_equal(due_reserve(&queue, N_OBJECTS), 0);
        assert_null(due_first(&queue));

        for (unsigned i = 0; i < 20000; i++) {
                seed = seed * 6364136223846793005U + 1442695040888963407U;

                Object *object = objects + (seed >> 40) % N_OBJECTS;
                usec_t due = (seed >> 50) % 8 == 0 ? USEC_NEVER : (seed >> 33) % 32;

                due_set(&queue, object, due);
                object->look_at = due;
                first = first_of(objects);
                assert_ptr_equal(due_first(&queue), first);
                assert_true(due_next(&queue) == (first ? first->look_at : USEC_NEVER));
        }

        /* One by one they come in their order, and of equal times by number. */
        for (Object *before = NULL, *object; (object = due_first(&queue)); before = object) {
                assert_ptr_equal(object, first_of(objects));
                assert_true(!before || before->row.number != object->row.number);
                due_set(&queue, object, USEC_NEVER);
                object->look_at = USEC_NEVER;
        }
        assert_null(first_of(objects));
        due_deinit(&queue);
}

static void test_kinds(void **state) {
        Object session = { .row = { .kind = KIND_SESSION, .number = 2 } };
        Object participant = { .row = { .kind = KIND_PARTICIPANT, .number = 1 } };
        DueQueue queue = { 0 };

        (void)state;
        assert_int_equal(due_reserve(&queue, 2), 0);
        due_set(&queue, &participant, 5);
        due_set(&queue, &session, 5);
        assert_ptr_equal(due_first(&queue), &session);
        due_set(&queue, &participant, 4);
        assert_ptr_equal(due_first(&queue), &participant);
        due_set(&queue, &participant, USEC_NEVER);
        due_set(&queue, &session, USEC_NEVER);
        assert_null(due_first(&queue));
        due_deinit(&queue);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_order),
                cmocka_unit_test(test_kinds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
