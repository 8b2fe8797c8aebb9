/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/due.h"

#include <errno.h>

#include "core/object.h"

/* Of each item in the heap: as they lie side by side, looking at all of them costs hardly more than
 * looking at one, and the way down is a third of that through a heap of pairs. */
#define CHILDREN 8U

int due_reserve(DueQueue *queue, uint32_t n) {
        uint32_t wanted = n + n / 8 + 16;
        Due *items;

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

static bool due_before(const Due *a, const Due *b) {
        const Row *left, *right;

        if (a->at != b->at)
                return a->at < b->at;
        left = &a->object->row;
        right = &b->object->row;
        return left->kind != right->kind ? left->kind < right->kind : left->number < right->number;
}

static void due_put(DueQueue *queue, uint32_t i, Due item) {
        queue->items[i] = item;
        item.object->due_position = i + 1;
}

/* The first of the children of the place @i; it is none where it is not below queue->n. */
static uint32_t due_child(const DueQueue *queue, uint32_t i) {
        uint32_t first = CHILDREN * i + 1, child = first;

        for (uint32_t other = first + 1; other < first + CHILDREN && other < queue->n; other++)
                if (due_before(queue->items + other, queue->items + child))
                        child = other;
        return child;
}

/* Moves an item from the place @i, which is its own to fill, to where it belongs. */
static void due_settle(DueQueue *queue, uint32_t i, Due item) {
        uint32_t child;

        while (i > 0 && due_before(&item, queue->items + (i - 1) / CHILDREN)) {
                due_put(queue, i, queue->items[(i - 1) / CHILDREN]);
                i = (i - 1) / CHILDREN;
        }
        while ((child = due_child(queue, i)) < queue->n &&
               due_before(queue->items + child, &item)) {
                due_put(queue, i, queue->items[child]);
                i = child;
        }
        due_put(queue, i, item);
}

void due_set(DueQueue *queue, Object *object, usec_t due) {
        uint32_t position = object->due_position;

        if (due != USEC_NEVER) {
                if (position == 0 || queue->items[position - 1].at != due)
                        due_settle(queue, position ? position - 1 : queue->n++,
                                   (Due){ due, object });
                return;
        }
        if (position == 0)
                return;
        object->due_position = 0;
        if (position != queue->n--)
                due_settle(queue, position - 1, queue->items[queue->n]);
}

Object *due_first(const DueQueue *queue) {
        return queue->n > 0 ? queue->items[0].object : NULL;
}

usec_t due_next(const DueQueue *queue) {
        return queue->n > 0 ? queue->items[0].at : USEC_NEVER;
}
