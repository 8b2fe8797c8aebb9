/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/index.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_MAX  256U
#define CACHE_LINE 64U

struct IndexChunk {
        uint32_t *keys; /* apart from the objects: a search walks over little memory */
        Object **objects;
        uint32_t n, n_allocated; /* never empty */
};

/* What is searched for. */
typedef struct Search {
        uint32_t key;
        IndexOrder order;
        const void *what;
} Search;

/* How many of sorted keys are smaller. Without a branch that nobody could foresee. */
static uint32_t keys_before(const uint32_t *keys, uint32_t n, uint32_t key) {
        const uint32_t *from = keys;

        while (n > 1) {
                uint32_t half = n / 2;

                from = from[half - 1] < key ? from + half : from;
                n -= half;
        }
        return (uint32_t)(from - keys) + (n == 1 && *from < key);
}

/* An entry of a chunk; NULL for the chunk: the first one of each. */
static Object *entry_object(const Index *index, const IndexChunk *chunk, uint32_t i) {
        return chunk ? chunk->objects[i] : index->chunks[i].objects[0];
}

/* How many of these come before what is searched for. */
static uint32_t entries_before(const Index *index, const IndexChunk *chunk, const Search *search) {
        const uint32_t *keys = chunk ? chunk->keys : index->keys;
        uint32_t n = chunk ? chunk->n : index->n, low, high;

        low = keys_before(keys, n, search->key);
        if (!search->order || low == n || keys[low] != search->key)
                return low;

        high = search->key == UINT32_MAX ? n : keys_before(keys, n, search->key + 1);
        while (low < high) {
                uint32_t middle = low + (high - low) / 2;

                if (search->order(entry_object(index, chunk, middle), search->what) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

/* In the last chunk that begins before it, and maybe behind all that are there: where it is to be
 * put. */
static IndexPosition index_place(const Index *index, const Search *search) {
        uint32_t n = entries_before(index, NULL, search);
        const IndexChunk *chunk;

        if (n == 0)
                return (IndexPosition){ 0 };
        chunk = index->chunks + n - 1;
        /* All that a search could look at is on its way before it begins. */
        for (uint32_t i = 0; i < chunk->n; i += CACHE_LINE / sizeof(*chunk->keys))
                __builtin_prefetch(chunk->keys + i);
        return (IndexPosition){ n - 1, entries_before(index, chunk, search) };
}

/* Behind the last entry of a chunk is the first of the next one. */
static IndexPosition index_settle(const Index *index, IndexPosition position) {
        if (position.chunk < index->n && position.i >= index->chunks[position.chunk].n)
                return (IndexPosition){ position.chunk + 1, 0 };
        return position;
}

/* What stands there is what is searched for. */
static bool index_holds(const Index *index, IndexPosition position, const Search *search) {
        const IndexChunk *chunk = index->chunks + position.chunk;

        return position.chunk < index->n && chunk->keys[position.i] == search->key &&
               (!search->order || search->order(chunk->objects[position.i], search->what) == 0);
}

IndexPosition index_search(const Index *index, uint32_t key, IndexOrder order, const void *what) {
        return index_settle(index, index_place(index, &(Search){ key, order, what }));
}

Object *index_get(const Index *index, IndexPosition position) {
        return position.chunk < index->n ? index->chunks[position.chunk].objects[position.i] : NULL;
}

IndexPosition index_next(const Index *index, IndexPosition position) {
        position.i++;
        return index_settle(index, position);
}

Object *index_find(const Index *index, uint32_t key, IndexOrder order, const void *what) {
        Search search = { key, order, what };
        IndexPosition position = index_search(index, key, order, what);

        return index_holds(index, position, &search) ? index_get(index, position) : NULL;
}

static IndexChunk *chunk_free(IndexChunk *chunk) {
        free(chunk->keys);
        free(chunk->objects);
        return NULL;
}

/* Room for @n entries. Less than there was is a favour. */
static int chunk_resize(IndexChunk *chunk, uint32_t n) {
        uint32_t *keys = reallocarray(chunk->keys, n, sizeof(*keys));
        Object **objects;

        if (!keys)
                return -ENOMEM;
        chunk->keys = keys;
        /* As long as one of both is larger, what fits into both counts. */
        chunk->n_allocated = n < chunk->n_allocated ? n : chunk->n_allocated;
        objects = reallocarray(chunk->objects, n, sizeof(Object *));
        if (!objects)
                return -ENOMEM;
        chunk->objects = objects;
        chunk->n_allocated = n;
        return 0;
}

static uint32_t chunk_room(uint32_t n) {
        uint32_t room = n + n / 8 + 4;

        return room < CHUNK_MAX ? room : CHUNK_MAX;
}

/* Moves what stands from @from on to @to, which has room for it. */
static void chunk_move(IndexChunk *to, uint32_t at, const IndexChunk *chunk, uint32_t from) {
        memmove(to->keys + at, chunk->keys + from, (chunk->n - from) * sizeof(uint32_t));
        memmove(to->objects + at, chunk->objects + from, (chunk->n - from) * sizeof(Object *));
}

static int index_reserve(Index *index) {
        uint32_t n = index->n_allocated + index->n_allocated / 2 + 4;
        IndexChunk *chunks;
        uint32_t *keys;

        if (index->n < index->n_allocated)
                return 0;
        keys = reallocarray(index->keys, n, sizeof(*keys));
        if (!keys)
                return -ENOMEM;
        index->keys = keys;
        chunks = reallocarray(index->chunks, n, sizeof(*chunks));
        if (!chunks)
                return -ENOMEM;
        index->chunks = chunks;
        index->n_allocated = n;
        return 0;
}

/* A chunk without entries and with room for @n, in front of the one that is at @at now. Its first
 * key is the caller's to set. */
static int index_add_chunk(Index *index, uint32_t at, uint32_t n) {
        IndexChunk chunk = { 0 };

        if (index_reserve(index) < 0)
                return -ENOMEM;
        if (chunk_resize(&chunk, chunk_room(n)) < 0) {
                chunk_free(&chunk);
                return -ENOMEM;
        }
        memmove(index->chunks + at + 1, index->chunks + at, (index->n - at) * sizeof(chunk));
        memmove(index->keys + at + 1, index->keys + at, (index->n - at) * sizeof(uint32_t));
        index->chunks[at] = chunk;
        index->n++;
        return 0;
}

static void index_drop_chunk(Index *index, uint32_t at) {
        chunk_free(index->chunks + at);
        index->n--;
        memmove(index->chunks + at, index->chunks + at + 1,
                (index->n - at) * sizeof(*index->chunks));
        memmove(index->keys + at, index->keys + at + 1, (index->n - at) * sizeof(uint32_t));
}

/* Makes two of a full chunk. */
static int index_split(Index *index, IndexPosition *position) {
        uint32_t half = index->chunks[position->chunk].n / 2;
        IndexChunk *chunk, *next;
        int r;

        r = index_add_chunk(index, position->chunk + 1, half);
        if (r < 0)
                return r;
        chunk = index->chunks + position->chunk;
        next = chunk + 1;
        chunk_move(next, 0, chunk, half);
        next->n = chunk->n - half;
        chunk->n = half;
        index->keys[position->chunk + 1] = next->keys[0];
        (void)chunk_resize(chunk, chunk_room(half));
        if (position->i > half)
                *position = (IndexPosition){ position->chunk + 1, position->i - half };
        return 0;
}

/* Makes sure that there is room at a position, which may move on to another chunk. What grows at
 * its end leaves full chunks behind. */
static int index_make_room(Index *index, IndexPosition *position) {
        IndexChunk *chunk = index->chunks + position->chunk;
        int r = 0;

        if (index->n == 0)
                return index_add_chunk(index, 0, 1);
        if (chunk->n == CHUNK_MAX && position->i == chunk->n) {
                *position = (IndexPosition){ position->chunk + 1, 0 };
                return index_add_chunk(index, position->chunk, 1);
        }
        if (chunk->n == CHUNK_MAX)
                r = index_split(index, position);
        chunk = index->chunks + position->chunk;
        if (r >= 0 && chunk->n == chunk->n_allocated)
                r = chunk_resize(chunk, chunk_room(chunk->n));
        return r;
}

int index_insert(Index *index, uint32_t key, IndexOrder order, const void *what, Object *object) {
        Search search = { key, order, what };
        IndexPosition position = index_place(index, &search);
        IndexChunk *chunk;

        if (index_holds(index, index_settle(index, position), &search))
                return -EEXIST;
        if (index_make_room(index, &position) < 0)
                return -ENOMEM;

        chunk = index->chunks + position.chunk;
        chunk_move(chunk, position.i + 1, chunk, position.i);
        chunk->keys[position.i] = key;
        chunk->objects[position.i] = object;
        chunk->n++;
        index->keys[position.chunk] = chunk->keys[0];
        return 0;
}

/* Two chunks that have become small become one, if there is memory for it. */
static void index_merge(Index *index, uint32_t at) {
        IndexChunk *chunk = index->chunks + at, *next = chunk + 1;

        if (at + 1 >= index->n || chunk->n + next->n > CHUNK_MAX / 2)
                return;
        if (chunk_resize(chunk, chunk_room(chunk->n + next->n)) < 0)
                return;
        chunk_move(chunk, chunk->n, next, 0);
        chunk->n += next->n;
        index_drop_chunk(index, at + 1);
}

void index_remove(Index *index, uint32_t key, IndexOrder order, const void *what) {
        Search search = { key, order, what };
        IndexPosition position = index_search(index, key, order, what);
        IndexChunk *chunk = index->chunks + position.chunk;

        assert(index_holds(index, position, &search));
        chunk_move(chunk, position.i, chunk, position.i + 1);
        chunk->n--;
        if (chunk->n == 0) {
                index_drop_chunk(index, position.chunk);
                return;
        }
        index->keys[position.chunk] = chunk->keys[0];
        if (chunk->n == chunk->n_allocated / 4)
                (void)chunk_resize(chunk, chunk_room(chunk->n));
        index_merge(index, position.chunk);
}

void index_deinit(Index *index) {
        for (uint32_t i = 0; i < index->n; i++)
                chunk_free(index->chunks + i);
        free(index->chunks);
        free(index->keys);
        *index = (Index){ 0 };
}
