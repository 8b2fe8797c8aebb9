/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Rows by kind and number. Deep copies: nothing in them is shared with the core. */

#include "core/row.h"

typedef struct Table {
        Row *rows[_KIND_MAX]; /* sorted by number */
        size_t n_rows[_KIND_MAX], n_allocated[_KIND_MAX];
} Table;

void table_deinit(Table *table);
Row *table_find(const Table *table, Kind kind, uint64_t number);
const Row *table_find_id(const Table *table, Kind kind, const ApiId *id);
/* The row with that number and kind is a copy of @row from now on. */
void table_put(Table *table, const Row *row);
void table_drop(Table *table, Kind kind, uint64_t number);
void table_copy(Table *to, const Table *from);

/* A copy that shares nothing, not even what is immutable and counted. */
void row_copy_whole(Row *to, const Row *from);
/* For a trace: such as "session 3, hears 4 7:6". Static buffers, in turn. */
const char *place_text(const Place *place);
const char *row_text(const Row *row);
bool spec_equal(const Spec *a, const Spec *b);
