/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tables that fit the terminal. Cells are copied in row by row; the layout is pure. */

#include <stdio.h>

#include "base/cleanup.h"
#include "ctl/screen.h"

typedef struct Column {
        const char *title;
        bool right;      /* numbers stand at the right */
        size_t at_least; /* it may be shortened to so many columns; 0: never shortened */
        bool early;      /* shortened before the others: its beginning is enough */
} Column;

typedef struct Table Table;

/* A table without rows; @columns must outlive it. */
Table *table_new(const Column *columns, size_t n_columns);
Table *table_free(Table *table);

/* Appends the next cell, made printable; a row is full after as many as there are columns. */
void table_add(Table *table, const char *text, Colour colour);

size_t table_rows(const Table *table);

/**
 * table_fit() - how wide each column becomes
 * @table:   with whole rows
 * @legend:  whether titles count too
 * @columns: of the screen; 0: as many as it takes
 * @widths:  filled in, one for each column
 *
 * Takes from the widest column that may still be shortened, those that are early before all others,
 * until the lines fit or nothing may be shortened any more.
 */
void table_fit(const Table *table, bool legend, size_t columns, size_t *widths);

/* Writes titles (with @legend) and rows; @columns as for table_fit(). */
void table_print(const Table *table, FILE *out, const Screen *screen, bool legend, size_t columns);

DEFINE_CLEANUP(Table, table_free);
