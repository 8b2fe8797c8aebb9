/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/database.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"

/* How long a commit waits for somebody with sqlite3(1) who is writing to our file. */
#define BUSY_MSEC 5000

int database_damaged(Database *database, const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(database->damage, sizeof(database->damage), format, arguments);
        va_end(arguments);
        return DATABASE_DAMAGED;
}

int database_result(Database *database, int code) {
        /* Not sqlite3_system_errno(): a commit that fails does not set it, and leaves an older
         * one. */
        int error = errno;

        if (code == SQLITE_IOERR_NOMEM)
                return -ENOMEM;

        switch (code & 0xff) {
        case SQLITE_OK:
        case SQLITE_ROW:
        case SQLITE_DONE:
                return 0;
        case SQLITE_NOMEM:
                return -ENOMEM;
        case SQLITE_FULL:
                return -ENOSPC;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
                return database_damaged(database, "%s", sqlite3_errstr(code));
        case SQLITE_IOERR:
                /* A quota, and room for the log's index, are missed here and not as _FULL. After an
                 * fsync that failed nobody knows what is there, whatever the reason. */
                if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC)
                        return -EIO;
                return error == ENOSPC || error == EDQUOT ? -ENOSPC : -EIO;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                return -EBUSY;
        case SQLITE_READONLY:
                return -EROFS;
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
        case SQLITE_AUTH:
                return error > 0 ? -error : -EACCES;
        case SQLITE_CONSTRAINT:
                return -EEXIST;
        case SQLITE_TOOBIG:
                return -E2BIG;
        default:
                return -EIO;
        }
}

static int on_log(void *userdata, sqlite3 *connection, const char *name, int n_pages) {
        Database *database = userdata;

        (void)connection;
        (void)name;
        database->n_log_pages = n_pages;
        return SQLITE_OK;
}

int database_open(Database *database, const char *path) {
        const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX |
                          SQLITE_OPEN_EXRESCODE;
        int code;

        *database = (Database){ 0 };
        code = sqlite3_open_v2(path, &database->connection, flags, NULL);
        if (code != SQLITE_OK)
                return database_result(database, code);

        sqlite3_db_config(database->connection, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        sqlite3_db_config(database->connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        sqlite3_db_config(database->connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        sqlite3_busy_timeout(database->connection, BUSY_MSEC);
        /* Takes the place of the automatic checkpoint, which would run inside a commit. */
        sqlite3_wal_hook(database->connection, on_log, database);
        return 0;
}

void database_trust(Database *database) {
        sqlite3_db_config(database->connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
}

void database_close(Database *database) {
        for (Statement i = 0; i < _STATEMENT_MAX; i++) {
                sqlite3_finalize(database->statements[i]);
                database->statements[i] = NULL;
        }
        sqlite3_close(database->connection);
        database->connection = NULL;
}

int database_prepare(Database *database, const char *sql, sqlite3_stmt **ret) {
        int code = sqlite3_prepare_v3(database->connection, sql, -1, SQLITE_PREPARE_PERSISTENT, ret,
                                      NULL);

        /* The statement is ours and good: its tables are not as we have made them. */
        if ((code & 0xff) == SQLITE_ERROR)
                return database_damaged(database, "%s", sqlite3_errmsg(database->connection));
        return database_result(database, code);
}

int database_step(Database *database, sqlite3_stmt *statement, bool *ret_row) {
        int code = sqlite3_step(statement), r;

        r = database_result(database, code);
        if (r == 0)
                *ret_row = code == SQLITE_ROW;
        return r;
}

int database_run(Database *database, Statement statement) {
        sqlite3_stmt *running = database->statements[statement];
        int r = database_result(database, sqlite3_step(running));

        sqlite3_reset(running);
        sqlite3_clear_bindings(running);
        return r;
}

int database_execute(Database *database, const char *sql) {
        return database_result(database, sqlite3_exec(database->connection, sql, NULL, NULL, NULL));
}

static int get_one(Database *database, const char *sql, sqlite3_stmt **ret) {
        CLEANUP(sqlite3_stmtp) sqlite3_stmt *statement = NULL;
        bool found;
        int r;

        r = database_prepare(database, sql, &statement);
        if (r != 0)
                return r;
        r = database_step(database, statement, &found);
        if (r != 0)
                return r;
        if (!found)
                return database_damaged(database, "nothing in answer to: %s", sql);

        *ret = TAKE(statement);
        return 0;
}

int database_get_int(Database *database, const char *sql, int64_t *ret) {
        CLEANUP(sqlite3_stmtp) sqlite3_stmt *statement = NULL;
        int r;

        r = get_one(database, sql, &statement);
        if (r != 0)
                return r;
        *ret = sqlite3_column_int64(statement, 0);
        return 0;
}

int database_get_text(Database *database, const char *sql, char **ret) {
        CLEANUP(sqlite3_stmtp) sqlite3_stmt *statement = NULL;
        const char *text;
        char *copy;
        int r;

        r = get_one(database, sql, &statement);
        if (r != 0)
                return r;
        text = (const char *)sqlite3_column_text(statement, 0);
        copy = strdup(text ? text : "");
        if (!copy)
                return -ENOMEM;
        *ret = copy;
        return 0;
}

int database_make_durable(Database *database) {
        static const struct {
                const char *set, *get, *expect;
        } settings[] = {
                { "PRAGMA journal_mode = WAL", "PRAGMA journal_mode", "wal" },
                { "PRAGMA synchronous = FULL", "PRAGMA synchronous", "2" },
                { "PRAGMA secure_delete = ON", "PRAGMA secure_delete", "1" },
                { "PRAGMA temp_store = MEMORY", "PRAGMA temp_store", "2" },
                { "PRAGMA cell_size_check = ON", "PRAGMA cell_size_check", "1" },
                { "PRAGMA journal_size_limit = 16777216", "PRAGMA journal_size_limit", "16777216" },
        };
        int r;

        for (size_t i = 0; i < ELEMENTSOF(settings); i++) {
                CLEANUP(freep) char *value = NULL;

                r = database_execute(database, settings[i].set);
                if (r != 0)
                        return r;
                r = database_get_text(database, settings[i].get, &value);
                if (r != 0)
                        return r;
                if (!streq(value, settings[i].expect))
                        return DATABASE_NOT_DURABLE;
        }
        return 0;
}
