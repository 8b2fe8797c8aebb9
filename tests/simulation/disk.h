/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a power cut leaves. A batch is copied when its commit begins, as the store's thread would
 * read it, and becomes durable as a whole or not at all.
 */

#include "core/batch.h"
#include "simulation/table.h"

typedef struct Tombstone {
        Kind kind;
        uint64_t number;
        ApiId id;
        usec_t removed_at;
} Tombstone;

typedef struct ImageRow {
        Row row;
        bool to_disk, removed, tombstone, revived;
        char *token;
} ImageRow;

/* One batch on its way. */
typedef struct Image {
        ImageRow *rows;
        size_t n_rows;
        usec_t sealed_at;
        bool counters_changed;
        Counters counters;
} Image;

typedef struct Disk {
        Table table;
        Counters counters;
        Tombstone *tombstones;
        size_t n_tombstones;
        char **tokens; /* by the participant's number */
        size_t n_tokens;
} Disk;

void disk_deinit(Disk *disk);

void image_take(Image *image, const Batch *batch);
void image_deinit(Image *image);
/* Whether the batch is still what it was: the store's thread may read it at any time. */
bool image_is_of(const Image *image, const Batch *batch);

void disk_write(Disk *disk, const Image *image);
const char *disk_token(const Disk *disk, uint64_t number);
bool disk_buried(const Disk *disk, Kind kind, const ApiId *id);
