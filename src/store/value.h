/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Values to and from statements, in the order of their columns. The first error stays, so that it
 * is asked for once, at the end.
 *
 * SQLite's integers are signed: where all 64 bits count (_bits), those from 2^63 on are negative
 * there.
 */

#include "core/id.h"
#include "store/database.h"

typedef struct Binder {
        sqlite3_stmt *statement;
        int index; /* bound last */
        int code;
} Binder;

static inline Binder binder(sqlite3_stmt *statement) {
        return (Binder){ .statement = statement };
}

void bind_bits(Binder *binder, uint64_t value);
/* At most INT64_MAX: numbers count up from 1, and will not get there. */
void bind_number(Binder *binder, uint64_t value);
/* Borrowed until the statement was run. NULL is NULL. */
void bind_text(Binder *binder, const char *text);
/* Copied. NULL where it is not known. */
void bind_id(Binder *binder, const ApiId *id);
void bind_null(Binder *binder);
/* Runs the statement where all was bound. */
int binder_run(Binder *binder, Database *database, Statement statement);

typedef struct Reader {
        sqlite3_stmt *statement;
        int index;         /* the next column */
        const char *wrong; /* name of the first one whose value cannot be */
        bool no_memory;
} Reader;

static inline Reader reader(sqlite3_stmt *statement) {
        return (Reader){ .statement = statement };
}

/* On an error these return 0, NULL or false; text is borrowed until the next step. */
uint64_t read_bits(Reader *reader);
uint64_t read_number(Reader *reader, uint64_t max);
bool read_bool(Reader *reader);
const char *read_text(Reader *reader);
const char *read_text_or_null(Reader *reader);
void read_id(Reader *reader, ApiId *id); /* NULL: not known */
bool read_is_null(const Reader *reader); /* of the next column, which stays the next */
void read_skip(Reader *reader, int n);

/* Notes that what stands in a column cannot be. */
void reader_wrong(Reader *reader, int column);
/* What became of it. @what and @number name the row where it is damaged. */
int reader_result(const Reader *reader, Database *database, const char *what, uint64_t number);
