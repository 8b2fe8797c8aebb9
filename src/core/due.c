/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/due.h"

#include <errno.h>

#include "core/object.h"

int due_reserve(DueQueue *queue, uint32_t n) {
        uint32_t wanted = n + n / 8 + 16;
        Object **items;

        if (n <= queue->n_allocated)
                return 0;
        items = reallocarray(queue->items, wanted, sizeof(*items));
        if (!items)
                return -ENOMEM;
        queue->items = items;
        queue->n_allocated = wanted;
        return 0;
}

void due_deinit(DueQueue *queue) {
        free(queue->items);
        *queue = (DueQueue){ 0 };
}

static bool due_before(const Object *a, const Object *b) {
        if (a->due != b->due)
                return a->due < b->due;
        if (a->row.kind != b->row.kind)
                return a->row.kind < b->row.kind;
        return a->row.number < b->row.number;
}

static void due_put(DueQueue *queue, uint32_t i, Object *object) {
        queue->items[i] = object;
        object->due_position = i + 1;
}

/* Moves an object from the place @i, which is its own to fill, to where it belongs. */
static void due_settle(DueQueue *queue, uint32_t i, Object *object) {
        while (i > 0 && due_before(object, queue->items[(i - 1) / 2])) {
                due_put(queue, i, queue->items[(i - 1) / 2]);
                i = (i - 1) / 2;
        }
        for (;;) {
                uint32_t child = 2 * i + 1;

                if (child + 1 < queue->n &&
                    due_before(queue->items[child + 1], queue->items[child]))
                        child++;
                if (child >= queue->n || !due_before(queue->items[child], object))
                        break;
                due_put(queue, i, queue->items[child]);
                i = child;
        }
        due_put(queue, i, object);
}

void due_set(DueQueue *queue, Object *object, usec_t due) {
        uint32_t position = object->due_position;

        if (object->due == due)
                return;
        object->due = due;
        if (due != USEC_NEVER) {
                due_settle(queue, position ? position - 1 : queue->n++, object);
                return;
        }

        object->due_position = 0;
        if (position != queue->n--)
                due_settle(queue, position - 1, queue->items[queue->n]);
}

Object *due_first(const DueQueue *queue) {
        return queue->n > 0 ? queue->items[0] : NULL;
}
