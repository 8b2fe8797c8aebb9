/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The objects that want to be looked at again, by the time of it: a heap, so that the first is known
 * without a search, and an object that waits for no time, as most do, costs a number of 4 bytes.
 * Private to core/.
 */

#include <stdint.h>

#include "base/time.h"

typedef struct Object Object;

typedef struct DueQueue {
        Object **items; /* [0] is first; Object.due_position is the index + 1, 0: not in it */
        uint32_t n, n_allocated;
} DueQueue;

/* Makes room for @n objects, so that due_set() cannot fail. Return: 0, -ENOMEM. */
int due_reserve(DueQueue *queue, uint32_t n);
void due_deinit(DueQueue *queue);

/* When an object is due; USEC_NEVER takes it out. Of equal times kind and number decide. */
void due_set(DueQueue *queue, Object *object, usec_t due);
/* The first, NULL: none. */
Object *due_first(const DueQueue *queue);
