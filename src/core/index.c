/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/index.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_MAX 512U

typedef struct Entry {
        uint64_t key;
        Object *object;
} Entry;

struct IndexChunk {
        uint32_t n, n_allocated; /* never empty */
        Entry entries[];
};

/* What is searched for. */
typedef struct Search {
        uint64_t key;
        IndexOrder order;
        const void *what;
} Search;

static int entry_compare(const Entry *entry, const Search *search) {
        if (entry->key != search->key)
                return entry->key < search->key ? -1 : 1;
        return search->order ? search->order(entry->object, search->what) : 0;
}

static bool chunk_begins_before(const Index *index, uint32_t chunk, const Search *search) {
        if (index->keys[chunk] != search->key)
                return index->keys[chunk] < search->key;
        return entry_compare(index->chunks[chunk]->entries, search) < 0;
}

/* In the last chunk that begins before it, and maybe behind all that are there: where it is to be
 * put. */
static IndexPosition index_place(const Index *index, const Search *search) {
        uint32_t low = 0, high = index->n;
        IndexPosition position = { 0 };
        const IndexChunk *chunk;

        while (low < high) {
                uint32_t middle = low + (high - low) / 2;

                if (chunk_begins_before(index, middle, search))
                        low = middle + 1;
                else
                        high = middle;
        }
        if (low == 0)
                return position;

        position.chunk = low - 1;
        chunk = index->chunks[position.chunk];
        low = 1;
        high = chunk->n;
        while (low < high) {
                uint32_t middle = low + (high - low) / 2;

                if (entry_compare(chunk->entries + middle, search) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        position.i = low;
        return position;
}

/* Behind the last entry of a chunk is the first of the next one. */
static IndexPosition index_settle(const Index *index, IndexPosition position) {
        if (position.chunk < index->n && position.i >= index->chunks[position.chunk]->n)
                return (IndexPosition){ position.chunk + 1, 0 };
        return position;
}

static const Entry *index_entry(const Index *index, IndexPosition position) {
        return position.chunk < index->n ? index->chunks[position.chunk]->entries + position.i
                                         : NULL;
}

IndexPosition index_search(const Index *index, uint64_t key, IndexOrder order, const void *what) {
        return index_settle(index, index_place(index, &(Search){ key, order, what }));
}

Object *index_get(const Index *index, IndexPosition position) {
        const Entry *entry = index_entry(index, position);

        return entry ? entry->object : NULL;
}

IndexPosition index_next(const Index *index, IndexPosition position) {
        position.i++;
        return index_settle(index, position);
}

Object *index_find(const Index *index, uint64_t key, IndexOrder order, const void *what) {
        Search search = { key, order, what };
        const Entry *entry = index_entry(index, index_search(index, key, order, what));

        return entry && entry_compare(entry, &search) == 0 ? entry->object : NULL;
}

/* Room for @n entries. Less than there was is a favour. */
static int chunk_resize(Index *index, uint32_t at, uint32_t n) {
        IndexChunk *chunk = index->chunks[at];

        chunk = realloc(chunk, sizeof(*chunk) + n * sizeof(Entry));
        if (!chunk)
                return -ENOMEM;
        chunk->n_allocated = n;
        index->chunks[at] = chunk;
        return 0;
}

static uint32_t chunk_room(uint32_t n) {
        uint32_t room = n + n / 8 + 4;

        return room < CHUNK_MAX ? room : CHUNK_MAX;
}

static int index_reserve(Index *index) {
        uint32_t n = index->n_allocated + index->n_allocated / 2 + 4;
        IndexChunk **chunks;
        uint64_t *keys;

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

/* A chunk with copies of @n entries, in front of the one that is at @at now. */
static int index_add_chunk(Index *index, uint32_t at, const Entry *entries, uint32_t n) {
        uint32_t room = chunk_room(n);
        IndexChunk *chunk;

        if (index_reserve(index) < 0)
                return -ENOMEM;
        chunk = malloc(sizeof(*chunk) + room * sizeof(Entry));
        if (!chunk)
                return -ENOMEM;
        chunk->n = n;
        chunk->n_allocated = room;
        memcpy(chunk->entries, entries, n * sizeof(Entry));

        memmove(index->chunks + at + 1, index->chunks + at, (index->n - at) * sizeof(chunk));
        memmove(index->keys + at + 1, index->keys + at, (index->n - at) * sizeof(uint64_t));
        index->chunks[at] = chunk;
        index->keys[at] = chunk->entries[0].key;
        index->n++;
        return 0;
}

static void index_drop_chunk(Index *index, uint32_t at) {
        free(index->chunks[at]);
        index->n--;
        memmove(index->chunks + at, index->chunks + at + 1,
                (index->n - at) * sizeof(*index->chunks));
        memmove(index->keys + at, index->keys + at + 1, (index->n - at) * sizeof(uint64_t));
}

/* Makes two of a full chunk. What grows at its end leaves full ones behind. */
static int index_split(Index *index, IndexPosition *position) {
        IndexChunk *chunk = index->chunks[position->chunk];
        uint32_t half = chunk->n / 2;
        int r;

        r = index_add_chunk(index, position->chunk + 1, chunk->entries + half, chunk->n - half);
        if (r < 0)
                return r;
        chunk->n = half;
        (void)chunk_resize(index, position->chunk, chunk_room(half));
        if (position->i > half)
                *position = (IndexPosition){ position->chunk + 1, position->i - half };
        return 0;
}

static int index_put(Index *index, IndexPosition position, const Entry *entry) {
        IndexChunk *chunk = index->chunks[position.chunk];
        int r = 0;

        if (chunk->n == CHUNK_MAX && position.i == chunk->n)
                return index_add_chunk(index, position.chunk + 1, entry, 1);
        if (chunk->n == CHUNK_MAX)
                r = index_split(index, &position);
        chunk = index->chunks[position.chunk];
        if (r >= 0 && chunk->n == chunk->n_allocated)
                r = chunk_resize(index, position.chunk, chunk_room(chunk->n));
        if (r < 0)
                return r;

        chunk = index->chunks[position.chunk];
        memmove(chunk->entries + position.i + 1, chunk->entries + position.i,
                (chunk->n - position.i) * sizeof(Entry));
        chunk->entries[position.i] = *entry;
        chunk->n++;
        index->keys[position.chunk] = chunk->entries[0].key;
        return 0;
}

int index_insert(Index *index, uint64_t key, IndexOrder order, const void *what, Object *object) {
        Search search = { key, order, what };
        IndexPosition position = index_place(index, &search);
        const Entry *found = index_entry(index, index_settle(index, position));
        Entry entry = { key, object };

        if (found && entry_compare(found, &search) == 0)
                return -EEXIST;
        if (index->n == 0)
                return index_add_chunk(index, 0, &entry, 1);
        return index_put(index, position, &entry);
}

/* Two chunks that have become small become one, if there is memory for it. */
static void index_merge(Index *index, uint32_t at) {
        IndexChunk *chunk = index->chunks[at], *next;

        if (at + 1 >= index->n || chunk->n + index->chunks[at + 1]->n > CHUNK_MAX / 2)
                return;
        next = index->chunks[at + 1];
        if (chunk_resize(index, at, chunk_room(chunk->n + next->n)) < 0)
                return;
        chunk = index->chunks[at];
        memcpy(chunk->entries + chunk->n, next->entries, next->n * sizeof(Entry));
        chunk->n += next->n;
        index_drop_chunk(index, at + 1);
}

void index_remove(Index *index, uint64_t key, IndexOrder order, const void *what) {
        Search search = { key, order, what };
        IndexPosition position = index_search(index, key, order, what);
        IndexChunk *chunk;

        assert(position.chunk < index->n);
        chunk = index->chunks[position.chunk];
        assert(entry_compare(chunk->entries + position.i, &search) == 0);

        chunk->n--;
        memmove(chunk->entries + position.i, chunk->entries + position.i + 1,
                (chunk->n - position.i) * sizeof(Entry));
        if (chunk->n == 0) {
                index_drop_chunk(index, position.chunk);
                return;
        }
        index->keys[position.chunk] = chunk->entries[0].key;
        if (chunk->n == chunk->n_allocated / 4)
                (void)chunk_resize(index, position.chunk, chunk_room(chunk->n));
        index_merge(index, position.chunk);
}

void index_deinit(Index *index) {
        for (uint32_t i = 0; i < index->n; i++)
                free(index->chunks[i]);
        free(index->chunks);
        free(index->keys);
        *index = (Index){ 0 };
}
