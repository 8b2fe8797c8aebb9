/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * bench-sqlite read FILE | commit FILE COUNT
 *
 * The yardstick of the store: reads every column of objects and subscriptions in a state file and
 * keeps nothing; or makes a file and commits one row so often, in WAL with synchronous=FULL. Prints
 * the seconds that it took, without the start of the process.
 */

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static sqlite3 *database;

static void check(int code) {
        if (code == SQLITE_OK || code == SQLITE_DONE)
                return;
        (void)fprintf(stderr, "bench-sqlite: %s\n", sqlite3_errmsg(database));
        exit(EXIT_FAILURE);
}

static double now(void) {
        struct timespec time;

        clock_gettime(CLOCK_MONOTONIC, &time);
        return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static size_t read_all(const char *sql) {
        sqlite3_stmt *statement;
        size_t n = 0;
        int r;

        check(sqlite3_prepare_v2(database, sql, -1, &statement, NULL));
        while ((r = sqlite3_step(statement)) == SQLITE_ROW)
                for (int i = 0; i < sqlite3_column_count(statement); i++)
                        if (sqlite3_column_type(statement, i) == SQLITE_TEXT) {
                                (void)sqlite3_column_text(statement, i);
                                n += (size_t)sqlite3_column_bytes(statement, i);
                        } else {
                                n += (size_t)sqlite3_column_int64(statement, i) & 1;
                        }
        check(r);
        sqlite3_finalize(statement);
        return n;
}

static void commit(unsigned count) {
        sqlite3_stmt *statement;

        check(sqlite3_exec(database,
                           "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                           "CREATE TABLE rows (number INTEGER PRIMARY KEY, text TEXT)",
                           NULL, NULL, NULL));
        check(sqlite3_prepare_v2(
                database,
                "INSERT INTO rows (text) VALUES ('a session of the reception, with "
                "an id and a tag and all that a row has')",
                -1, &statement, NULL));
        while (count-- > 0) {
                check(sqlite3_step(statement));
                check(sqlite3_reset(statement));
        }
        sqlite3_finalize(statement);
}

int main(int argc, char *argv[]) {
        size_t n = 0;
        double begin;

        if (argc < 3)
                return EXIT_FAILURE;
        begin = now();
        check(sqlite3_open(argv[2], &database));
        if (strcmp(argv[1], "read") == 0)
                n = read_all("SELECT * FROM objects") + read_all("SELECT * FROM subscriptions");
        else
                commit(argc > 3 ? (unsigned)atoi(argv[3]) : 1);
        check(sqlite3_close(database));
        printf("{\"seconds\": %.6f, \"bytes\": %zu}\n", now() - begin, n);
        return EXIT_SUCCESS;
}
