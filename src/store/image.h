/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A Row in the table "objects": its columns, and what stands in them. */

#include "core/row.h"
#include "store/value.h"

/* In the order of image_bind() and image_read(). The first two are the key. */
extern const char *const image_columns[];
extern const size_t image_n_columns;

/* Binds all columns. Text is borrowed from the row until the statement was run. */
void image_bind(Binder *binder, const Row *row);

/* The publishers that a place lists are kept elsewhere: who reads says what they are. */
typedef struct Listed {
        Publisher *publishers;
        size_t n_publishers;
} Listed;

/* Sides of a row that list publishers; their numbers stand in state files. */
typedef enum Side { SIDE_WANTED, SIDE_OBSERVED, _SIDE_MAX } Side;

/* The place of one side; NULL where it is in no session. */
const Place *image_side(const Row *row, Side side);

/**
 * image_read() - make a row of the columns
 * @listed: for each side
 *
 * Return: 0 with @ret set, to be cleared by row_deinit(); DATABASE_DAMAGED; -ENOMEM.
 */
int image_read(Database *database, sqlite3_stmt *statement, const Listed listed[_SIDE_MAX],
               Row *ret);

/* For people: "session" or "participant". */
const char *kind_word(Kind kind);
