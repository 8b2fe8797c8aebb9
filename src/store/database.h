/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One connection to SQLite, in the words of this room: its codes become 0, a negative errno or
 * an outcome here, and nowhere else. Used by one thread at a time: the loop's until
 * store_attach(), the worker after.
 */

#include <sqlite3.h>
#include <stdbool.h>

#include "base/time.h"
#include "store/origin.h"

/* Positive outcomes. */
typedef enum DatabaseOutcome {
        DATABASE_DAMAGED = 1, /* what is in the file cannot be; .damage says what */
        DATABASE_NOT_DURABLE, /* SQLite does not take a setting that durability needs */
} DatabaseOutcome;

/* Prepared once; see statements.c for the text. */
typedef enum Statement {
        STATEMENT_BEGIN,
        STATEMENT_COMMIT,
        STATEMENT_ROLLBACK,
        STATEMENT_PUT_OBJECT,
        STATEMENT_DROP_OBJECT,
        STATEMENT_PUT_SUBSCRIPTION,
        STATEMENT_DROP_SUBSCRIPTIONS,
        STATEMENT_PUT_TOKEN,
        STATEMENT_DROP_TOKEN,
        STATEMENT_GET_TOKEN,
        STATEMENT_PUT_TOMBSTONE,
        STATEMENT_DROP_TOMBSTONE,
        STATEMENT_PRUNE_TOMBSTONES,
        STATEMENT_PUT_COUNTERS,
        STATEMENT_PUT_ORIGIN,
        _STATEMENT_MAX,
} Statement;

typedef struct Database Database;

struct Database {
        sqlite3 *connection;
        sqlite3_stmt *statements[_STATEMENT_MAX];
        int n_log_pages;   /* of the write-ahead log, after the last commit */
        int checkpoint_at; /* that many pages are worth a checkpoint */
        int failed;        /* a commit or a checkpoint: not 0 ends all committing */
        usec_t prune_at;   /* CLOCK_REALTIME: look for old tombstones again */
        Origin origin;     /* of the file, as it is */
        bool stamp;        /* it has another one, or none: to be written with the counters */
        char damage[200];
};

/**
 * database_open() - connect to an existing file, nothing read and nothing written
 * @database: to be closed by database_close() whatever the result
 *
 * Closing leaves the file and its log as they are, until database_trust().
 */
int database_open(Database *database, const char *path);

/* Everything about the file is as it must be: from now on closing may merge the log into it. */
void database_trust(Database *database);
void database_close(Database *database);

/* Makes writes safe: WAL, synchronous=FULL, secure_delete, all read back. Also
 * DATABASE_NOT_DURABLE. */
int database_make_durable(Database *database);

/* Prepares all statements; the schema must be there. */
int database_prepare_all(Database *database);

/* The one place where a code of SQLite gets its meaning. To be called at once: errno says which
 * kind of input/output error it was. Return: 0 for SQLITE_OK, _ROW and _DONE. */
int database_result(Database *database, int code);

/* Notes what is wrong with the contents. Return: DATABASE_DAMAGED. */
__attribute__((format(printf, 2, 3))) int database_damaged(Database *database, const char *format,
                                                           ...);

/* Runs SQL that returns no rows. */
int database_execute(Database *database, const char *sql);

/* Runs SQL that returns one value. DATABASE_DAMAGED where there is none. */
int database_get_int(Database *database, const char *sql, int64_t *ret);
int database_get_text(Database *database, const char *sql, char **ret);

int database_prepare(Database *database, const char *sql, sqlite3_stmt **ret);

/* One step of a statement. @ret_row: whether it stands on a row. */
int database_step(Database *database, sqlite3_stmt *statement, bool *ret_row);

/* Runs a bound statement to its end, and lets go of what was bound to it. */
int database_run(Database *database, Statement statement);

static inline void sqlite3_stmtp(sqlite3_stmt **statement) {
        sqlite3_finalize(*statement);
}
