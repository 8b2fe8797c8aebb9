/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The objects that want to be looked at again, by the time of it: a heap, so that the first is
 * known without a search. Private to core/.
 */

#include <stdint.h>

#include "base/time.h"

typedef struct Object Object;

typedef struct Due {
        usec_t at; /* beside the object: a step through the heap touches no object */
        Object *object;
} Due;

typedef struct DueQueue {
        Due *items; /* [0] is first; Object.due_position is the index + 1, 0: not in it */
        uint32_t n, n_allocated;
} DueQueue;

/* Makes room for @n objects, so that due_set() cannot fail. Return: 0, -ENOMEM. */
int due_reserve(DueQueue *queue, uint32_t n);
void due_deinit(DueQueue *queue);

/* When an object is due; USEC_NEVER takes it out. Of equal times kind and number decide. */
void due_set(DueQueue *queue, Object *object, usec_t due);
/* The first, NULL: none; and when that is, USEC_NEVER: never. */
Object *due_first(const DueQueue *queue);
usec_t due_next(const DueQueue *queue);
