/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/value.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

static void bound(Binder *binder, int code) {
        if (binder->code == SQLITE_OK)
                binder->code = code;
}

void bind_bits(Binder *binder, uint64_t value) {
        bound(binder, sqlite3_bind_int64(binder->statement, ++binder->index, (sqlite3_int64)value));
}

void bind_number(Binder *binder, uint64_t value) {
        assert(value <= INT64_MAX);
        bind_bits(binder, value);
}

void bind_text(Binder *binder, const char *text) {
        bound(binder,
              sqlite3_bind_text(binder->statement, ++binder->index, text, -1, SQLITE_STATIC));
}

void bind_id(Binder *binder, const ApiId *id) {
        bound(binder, sqlite3_bind_text(binder->statement, ++binder->index,
                                        api_id_is_known(id) ? api_id_text(id) : NULL, -1,
                                        SQLITE_TRANSIENT));
}

void bind_null(Binder *binder) {
        bound(binder, sqlite3_bind_null(binder->statement, ++binder->index));
}

int binder_run(Binder *binder, Database *database, Statement statement) {
        if (binder->code != SQLITE_OK) {
                sqlite3_clear_bindings(binder->statement);
                return database_result(database, binder->code);
        }
        return database_run(database, statement);
}

void reader_wrong(Reader *reader, int column) {
        if (!reader->wrong)
                reader->wrong = sqlite3_column_name(reader->statement, column);
        if (!reader->wrong)
                reader->no_memory = true;
}

uint64_t read_bits(Reader *reader) {
        int column = reader->index++;

        if (sqlite3_column_type(reader->statement, column) != SQLITE_INTEGER) {
                reader_wrong(reader, column);
                return 0;
        }
        return (uint64_t)sqlite3_column_int64(reader->statement, column);
}

uint64_t read_number(Reader *reader, uint64_t max) {
        int column = reader->index;
        uint64_t value = read_bits(reader);

        /* What is negative there is larger than any @max here. */
        if (value > max) {
                reader_wrong(reader, column);
                return 0;
        }
        return value;
}

bool read_bool(Reader *reader) {
        return read_number(reader, 1) != 0;
}

bool read_is_null(const Reader *reader) {
        return sqlite3_column_type(reader->statement, reader->index) == SQLITE_NULL;
}

void read_skip(Reader *reader, int n) {
        reader->index += n;
}

const char *read_text(Reader *reader) {
        int column = reader->index++;
        const char *text;

        if (sqlite3_column_type(reader->statement, column) != SQLITE_TEXT) {
                reader_wrong(reader, column);
                return NULL;
        }
        text = (const char *)sqlite3_column_text(reader->statement, column);
        if (!text) {
                reader->no_memory = true;
                return NULL;
        }
        if (strlen(text) != (size_t)sqlite3_column_bytes(reader->statement, column)) {
                reader_wrong(reader, column);
                return NULL;
        }
        return text;
}

const char *read_text_or_null(Reader *reader) {
        if (!read_is_null(reader))
                return read_text(reader);
        reader->index++;
        return NULL;
}

void read_id(Reader *reader, ApiId *id) {
        int column = reader->index;
        const char *text = read_text_or_null(reader);

        *id = (ApiId){ 0 };
        if (text && !api_id_set(id, text))
                reader_wrong(reader, column);
}

int reader_result(const Reader *reader, Database *database, const char *what, uint64_t number) {
        if (reader->no_memory)
                return -ENOMEM;
        if (reader->wrong)
                return database_damaged(database, "%s of %s %" PRIu64 " has an impossible value",
                                        reader->wrong, what, number);
        return 0;
}
