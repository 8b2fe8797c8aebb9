/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/store-fixture.h"

#include <ftw.h>
#include <stdio.h>
#include <time.h>

#define WAIT_SEC 20

int fixture_setup(void **state) {
        Fixture *made = calloc(1, sizeof(*made));

        assert_non_null(made);
        strcpy(made->root, "/tmp/convened-store-XXXXXX");
        assert_non_null(mkdtemp(made->root));
        (void)snprintf(made->directory, sizeof(made->directory), "%s/state", made->root);
        assert_true(sd_event_new(&made->event) >= 0);
        *state = made;
        return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        (void)st;
        (void)flag;
        (void)ftw;
        return remove(path);
}

int fixture_teardown(void **state) {
        Fixture *made = *state;

        store_close(made->store);
        sd_event_unref(made->event);
        free(made->token);
        assert_int_equal(nftw(made->root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
        free(made);
        return 0;
}

const char *fixture_path(const Fixture *fixture, const char *name) {
        static char paths[4][160];
        static unsigned next;
        char *path = paths[next++ % 4];

        (void)snprintf(path, sizeof(paths[0]), "%s/%s", fixture->directory, name);
        return path;
}

static int open_store(Fixture *fixture, char **ret_reason) {
        const StoreConfig config = { .directory = fixture->directory,
                                     .account_id = ACCOUNT_ID,
                                     .base_url = BASE_URL,
                                     .machine = fixture->machine };

        return store_open(&fixture->store, &config, test_now, ret_reason);
}

void fixture_open(Fixture *fixture) {
        CLEANUP(freep) char *reason = NULL;
        int r;

        assert_null(fixture->store);
        r = open_store(fixture, &reason);
        if (r != 0)
                fail_msg("store_open() gave %d: %s", r, reason ? reason : "no reason");
}

void fixture_refused(Fixture *fixture, const char *expect) {
        CLEANUP(freep) char *reason = NULL;

        assert_null(fixture->store);
        assert_int_equal(open_store(fixture, &reason), STORE_REFUSED);
        assert_null(fixture->store);
        assert_non_null(reason);
        if (!strstr(reason, expect))
                fail_msg("\"%s\" is not in: %s", expect, reason);
}

static void on_committed(const Batch *batch, int error, void *userdata) {
        Fixture *fixture = userdata;

        fixture->n_committed++;
        fixture->committed = batch;
        fixture->error = error;
}

static void on_token(uint64_t ticket, int error, const char *token, void *userdata) {
        Fixture *fixture = userdata;

        fixture->n_tokens++;
        fixture->ticket = ticket;
        fixture->error = error;
        free(fixture->token);
        fixture->token = token ? strdup(token) : NULL;
}

void fixture_attach(Fixture *fixture) {
        fixture_open(fixture);
        fixture_attach_open(fixture);
}

void fixture_attach_open(Fixture *fixture) {
        assert_int_equal(
                store_attach(fixture->store, fixture->event, on_committed, on_token, fixture), 0);
}

void fixture_close(Fixture *fixture) {
        fixture->store = store_close(fixture->store);
}

void fixture_wait(Fixture *fixture, const unsigned *counter, unsigned goal) {
        time_t deadline = time(NULL) + WAIT_SEC;

        while (*counter < goal) {
                if (time(NULL) > deadline)
                        fail_msg("nothing came within %d s", WAIT_SEC);
                assert_true(sd_event_run(fixture->event, USEC_PER_SEC) >= 0);
        }
}

int fixture_commit(Fixture *fixture, const Batch *batch) {
        unsigned n = fixture->n_committed;

        assert_int_equal(store_commit(fixture->store, batch), 0);
        assert_int_equal(fixture->n_committed, n);
        fixture_wait(fixture, &fixture->n_committed, n + 1);
        assert_ptr_equal(fixture->committed, batch);
        return fixture->error;
}

static sqlite3 *connect_beside(const Fixture *fixture) {
        sqlite3 *connection = NULL;

        assert_int_equal(sqlite3_open(fixture_path(fixture, STATE_FILE), &connection), SQLITE_OK);
        sqlite3_busy_timeout(connection, 5000);
        return connection;
}

void fixture_execute(const Fixture *fixture, const char *sql) {
        sqlite3 *connection = connect_beside(fixture);

        if (sqlite3_exec(connection, sql, NULL, NULL, NULL) != SQLITE_OK)
                fail_msg("%s: %s", sql, sqlite3_errmsg(connection));
        assert_int_equal(sqlite3_close(connection), SQLITE_OK);
}

int64_t fixture_query(const Fixture *fixture, const char *sql) {
        sqlite3 *connection = connect_beside(fixture);
        sqlite3_stmt *statement = NULL;
        int64_t value = 0;

        if (sqlite3_prepare_v2(connection, sql, -1, &statement, NULL) != SQLITE_OK)
                fail_msg("%s: %s", sql, sqlite3_errmsg(connection));
        if (sqlite3_step(statement) == SQLITE_ROW)
                value = sqlite3_column_int64(statement, 0);
        sqlite3_finalize(statement);
        assert_int_equal(sqlite3_close(connection), SQLITE_OK);
        return value;
}

static int take_counters(const Counters *counters, void *userdata) {
        Restored *restored = userdata;

        assert_int_equal(restored->n_rows, 0);
        restored->counters = *counters;
        return 0;
}

static int take_row(Row *row, void *userdata) {
        Restored *restored = userdata;
        Row *rows;

        if (restored->fail_at == restored->n_rows + 1)
                return restored->fail_with;
        rows = reallocarray(restored->rows, restored->n_rows + 1, sizeof(Row));
        assert_non_null(rows);
        restored->rows = rows;
        rows[restored->n_rows++] = *row;
        *row = (Row){ 0 };
        return 0;
}

static int take_tombstone(Kind kind, uint64_t number, const ApiId *id, usec_t removed_at,
                          void *userdata) {
        Restored *restored = userdata;
        size_t n = restored->n_tombstones++;

        assert_true(n < ELEMENTSOF(restored->tombstones));
        restored->tombstones[n].kind = kind;
        restored->tombstones[n].number = number;
        restored->tombstones[n].id = *id;
        restored->tombstones[n].removed_at = removed_at;
        return 0;
}

int fixture_restore(Fixture *fixture, Restored *restored, const char *expect) {
        const StoreRestore restore = { .counters = take_counters,
                                       .row = take_row,
                                       .tombstone = take_tombstone,
                                       .userdata = restored };
        CLEANUP(freep) char *reason = NULL;
        int r = store_restore(fixture->store, &restore, &reason);

        if (r > 0 && (!expect || !strstr(reason, expect)))
                fail_msg("\"%s\" is not in: %s", expect ? expect : "(nothing)", reason);
        if (r <= 0)
                assert_null(reason);
        return r;
}

void restored_deinit(Restored *restored) {
        for (size_t i = 0; i < restored->n_rows; i++)
                row_deinit(restored->rows + i);
        free(restored->rows);
        *restored = (Restored){ 0 };
}

Row row_of(Kind kind, uint64_t number) {
        Row row = { .kind = kind, .number = number };

        assert_int_equal(spec_new(&row.spec), 0);
        return row;
}

Batch batch_of(BatchRow *rows, size_t n_rows) {
        Batch batch = { .sealed_at = test_now.realtime, .rows = rows, .n_rows = n_rows };

        batch.counters_changed = true;
        for (size_t i = 0; i < n_rows; i++) {
                uint64_t *last = batch.counters.last_number + rows[i].row.kind;

                rows[i].to_disk = true;
                if (rows[i].row.number > *last)
                        *last = rows[i].row.number;
        }
        return batch;
}

void set_id(Row *row, const char *text) {
        const ApiId id = id_of(text);

        assert_int_equal(row_set_id(row, &id), 0);
}

ApiId id_of(const char *text) {
        ApiId id = { 0 };

        assert_true(api_id_set(&id, text));
        return id;
}
