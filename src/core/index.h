/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Objects in order of a key of 32 bits, and among equal keys in an order that the caller knows.
 * Private to core/.
 *
 * Chunks of neighbours, and an array of the chunks' first keys: a search among a million looks at
 * two small arrays of keys alone, where a tree would walk over twenty objects that are in nobody's
 * cache, and an object needs 12 to 15 bytes of it and no link of its own.
 */

#include <stddef.h>
#include <stdint.h>

typedef struct Object Object;
typedef struct IndexChunk IndexChunk;

typedef struct Index {
        uint32_t *keys; /* the first of each chunk */
        IndexChunk *chunks;
        uint32_t n, n_allocated;
} Index;

/* An entry; holds until the index changes. */
typedef struct IndexPosition {
        uint32_t chunk, i;
} IndexPosition;

/* How an object stands to what is searched for, where their keys are equal: negative, it comes
 * before; 0, it is that; positive, after. NULL for an index in which no key stands twice. */
typedef int (*IndexOrder)(const Object *object, const void *what);

/* The first entry that does not come before what is searched for. */
IndexPosition index_search(const Index *index, uint32_t key, IndexOrder order, const void *what);
/* The very one, NULL: there is none. */
Object *index_find(const Index *index, uint32_t key, IndexOrder order, const void *what);
/* The object of an entry, NULL: that is behind the last one. */
Object *index_get(const Index *index, IndexPosition position);
IndexPosition index_next(const Index *index, IndexPosition position);

/* Return: 0, -EEXIST (one is equal), -ENOMEM; then nothing has changed. */
int index_insert(Index *index, uint32_t key, IndexOrder order, const void *what, Object *object);
/* It must be there. */
void index_remove(Index *index, uint32_t key, IndexOrder order, const void *what);
/* Forgets all entries. */
void index_deinit(Index *index);
