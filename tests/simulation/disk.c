/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulation/disk.h"

#include "base/text.h"
#include "simulation/kit.h"

void image_take(Image *image, const Batch *batch) {
        *image = (Image){
                .rows = kit_alloc(batch->n_rows, sizeof(ImageRow)),
                .n_rows = batch->n_rows,
                .sealed_at = batch->sealed_at,
                .counters_changed = batch->counters_changed,
                .counters = batch->counters,
        };
        for (size_t i = 0; i < batch->n_rows; i++) {
                const BatchRow *from = batch->rows + i;
                ImageRow *to = image->rows + i;

                row_copy_whole(&to->row, &from->row);
                to->to_disk = from->to_disk;
                to->removed = from->removed;
                to->tombstone = from->tombstone;
                to->revived = from->revived;
                to->token = from->token ? strdup(from->token) : NULL;
        }
}

void image_deinit(Image *image) {
        for (size_t i = 0; i < image->n_rows; i++) {
                row_deinit(&image->rows[i].row);
                free(image->rows[i].token);
        }
        free(image->rows);
        *image = (Image){ 0 };
}

static bool text_same(const char *a, const char *b) {
        return a && b ? streq(a, b) : a == b;
}

bool image_is_of(const Image *image, const Batch *batch) {
        if (image->n_rows != batch->n_rows ||
            memcmp(&image->counters, &batch->counters, sizeof(Counters)) != 0)
                return false;
        for (size_t i = 0; i < image->n_rows; i++) {
                const ImageRow *a = image->rows + i;
                const BatchRow *b = batch->rows + i;

                if (!row_equal_on_disk(&a->row, &b->row) || !spec_equal(a->row.spec, b->row.spec))
                        return false;
                if (a->row.last_error != b->row.last_error ||
                    !text_same(a->row.last_message, b->row.last_message) ||
                    a->removed != b->removed || a->revived != b->revived ||
                    a->to_disk != b->to_disk || !text_same(a->token, b->token))
                        return false;
        }
        return true;
}

static void disk_bury(Disk *disk, const Row *row, usec_t removed_at) {
        disk->tombstones = kit_grow(disk->tombstones, disk->n_tombstones, sizeof(Tombstone));
        disk->tombstones[disk->n_tombstones++] = (Tombstone){ .kind = row->kind,
                                                              .number = row->number,
                                                              .id = row_id(row),
                                                              .removed_at = removed_at };
}

static void disk_keep_token(Disk *disk, uint64_t number, const char *token) {
        while (disk->n_tokens <= number) {
                disk->tokens = kit_grow(disk->tokens, disk->n_tokens, sizeof(char *));
                disk->tokens[disk->n_tokens++] = NULL;
        }
        free(disk->tokens[number]);
        disk->tokens[number] = token ? strdup(token) : NULL;
}

void disk_write(Disk *disk, const Image *image) {
        for (size_t i = 0; i < image->n_rows; i++) {
                const ImageRow *change = image->rows + i;
                const Row *row = &change->row;

                if (!change->to_disk)
                        continue;
                if (change->tombstone)
                        disk_bury(disk, row, image->sealed_at);
                if (row->kind == KIND_PARTICIPANT && (change->token || change->removed))
                        disk_keep_token(disk, row->number, change->removed ? NULL : change->token);
                if (change->removed)
                        table_drop(&disk->table, row->kind, row->number);
                else
                        table_put(&disk->table, row);
        }
        if (image->counters_changed)
                disk->counters = image->counters;
}

const char *disk_token(const Disk *disk, uint64_t number) {
        return number < disk->n_tokens ? disk->tokens[number] : NULL;
}

bool disk_buried(const Disk *disk, Kind kind, const ApiId *id) {
        for (size_t i = 0; i < disk->n_tombstones; i++)
                if (disk->tombstones[i].kind == kind && api_id_equal(&disk->tombstones[i].id, id))
                        return true;
        return false;
}

void disk_deinit(Disk *disk) {
        table_deinit(&disk->table);
        free(disk->tombstones);
        for (size_t i = 0; i < disk->n_tokens; i++)
                free(disk->tokens[i]);
        free(disk->tokens);
        *disk = (Disk){ 0 };
}
