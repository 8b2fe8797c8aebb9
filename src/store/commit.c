/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/commit.h"

#include <errno.h>

#include "store/image.h"

/* Pages of the log; 4 MB. */
#define CHECKPOINT_PAGES 1000
#define PRUNE_USEC       USEC_PER_HOUR

static int run_with_key(Database *database, Statement statement, const Row *row) {
        Binder values = binder(database->statements[statement]);

        bind_number(&values, row->kind);
        bind_number(&values, row->number);
        return binder_run(&values, database, statement);
}

static int drop_token(Database *database, uint64_t participant) {
        Binder values = binder(database->statements[STATEMENT_DROP_TOKEN]);

        bind_number(&values, participant);
        return binder_run(&values, database, STATEMENT_DROP_TOKEN);
}

static int put_tombstone(Database *database, const Row *row, usec_t removed_at) {
        Binder values = binder(database->statements[STATEMENT_PUT_TOMBSTONE]);
        const ApiId id = row_id(row);

        bind_number(&values, row->kind);
        bind_id(&values, &id);
        bind_number(&values, row->number);
        bind_bits(&values, removed_at);
        return binder_run(&values, database, STATEMENT_PUT_TOMBSTONE);
}

static int drop_tombstone(Database *database, const Row *row) {
        Binder values = binder(database->statements[STATEMENT_DROP_TOMBSTONE]);
        const ApiId id = row_id(row);

        bind_number(&values, row->kind);
        bind_id(&values, &id);
        return binder_run(&values, database, STATEMENT_DROP_TOMBSTONE);
}

static int drop_row(Database *database, const BatchRow *changed, usec_t sealed_at) {
        const Row *row = &changed->row;
        int r;

        r = run_with_key(database, STATEMENT_DROP_OBJECT, row);
        if (r == 0)
                r = run_with_key(database, STATEMENT_DROP_SUBSCRIPTIONS, row);
        if (r == 0 && row->kind == KIND_PARTICIPANT)
                r = drop_token(database, row->number);
        if (r == 0 && changed->tombstone && row_has_id(row))
                r = put_tombstone(database, row, sealed_at);
        return r;
}

static int put_token(Database *database, uint64_t participant, const char *token) {
        Binder values = binder(database->statements[STATEMENT_PUT_TOKEN]);

        bind_number(&values, participant);
        bind_text(&values, token);
        return binder_run(&values, database, STATEMENT_PUT_TOKEN);
}

/* Where the subscriptions of one row are written to: the key, and the next position. */
typedef struct Cursor {
        Database *database;
        const Row *row;
        Side side;
        uint64_t position;
} Cursor;

static int put_subscription(Cursor *cursor, const Publisher *publisher, const char *alias) {
        Binder values = binder(cursor->database->statements[STATEMENT_PUT_SUBSCRIPTION]);

        bind_number(&values, cursor->row->kind);
        bind_number(&values, cursor->row->number);
        bind_number(&values, cursor->side);
        bind_number(&values, cursor->position++);
        bind_number(&values, publisher->number);
        bind_id(&values, &publisher->id);
        bind_text(&values, alias);
        return binder_run(&values, cursor->database, STATEMENT_PUT_SUBSCRIPTION);
}

static int put_publisher(Cursor *cursor, const Publisher *publisher) {
        int r = 0;

        if (publisher->n_aliases == 0)
                return put_subscription(cursor, publisher, NULL);
        for (size_t i = 0; r == 0 && i < publisher->n_aliases; i++)
                r = put_subscription(cursor, publisher, publisher->aliases[i]);
        return r;
}

static int put_subscriptions(Database *database, const Row *row) {
        int r;

        r = run_with_key(database, STATEMENT_DROP_SUBSCRIPTIONS, row);
        for (Side side = 0; r == 0 && side < _SIDE_MAX; side++) {
                const Place *place = image_side(row, side);
                Cursor cursor = { .database = database, .row = row, .side = side };

                for (size_t i = 0; r == 0 && place && i < place->n_publishers; i++)
                        r = put_publisher(&cursor, place->publishers + i);
        }
        return r;
}

static int put_row(Database *database, const BatchRow *changed) {
        Binder values = binder(database->statements[STATEMENT_PUT_OBJECT]);
        const Row *row = &changed->row;
        int r;

        image_bind(&values, row);
        r = binder_run(&values, database, STATEMENT_PUT_OBJECT);
        if (r == 0)
                r = put_subscriptions(database, row);
        if (r == 0 && changed->token && row->kind == KIND_PARTICIPANT)
                r = put_token(database, row->number, changed->token);
        if (r == 0 && changed->revived)
                r = drop_tombstone(database, row);
        return r;
}

static int put_counters(Database *database, const Counters *counters) {
        Binder values = binder(database->statements[STATEMENT_PUT_COUNTERS]);

        bind_number(&values, counters->last_number[KIND_SESSION]);
        bind_number(&values, counters->last_number[KIND_PARTICIPANT]);
        bind_bits(&values, counters->suspected_orphans);
        bind_number(&values, counters->copies);
        bind_number(&values, counters->unread[KIND_SESSION]);
        bind_number(&values, counters->unread[KIND_PARTICIPANT]);
        bind_bits(&values, counters->quiet_until);
        return binder_run(&values, database, STATEMENT_PUT_COUNTERS);
}

int commit_origin(Database *database) {
        Binder values = binder(database->statements[STATEMENT_PUT_ORIGIN]);
        const Origin *origin = &database->origin;

        bind_text(&values, origin->machine[0] ? origin->machine : NULL);
        bind_bits(&values, origin->inode);
        if (origin->born_at)
                bind_bits(&values, origin->born_at);
        else
                bind_null(&values);
        return binder_run(&values, database, STATEMENT_PUT_ORIGIN);
}

int commit_prune(Database *database, usec_t realtime) {
        Binder values = binder(database->statements[STATEMENT_PRUNE_TOMBSTONES]);
        int r;

        bind_bits(&values, realtime > TOMBSTONE_USEC ? realtime - TOMBSTONE_USEC : 0);
        r = binder_run(&values, database, STATEMENT_PRUNE_TOMBSTONES);
        if (r == 0)
                database->prune_at = usec_add(realtime, PRUNE_USEC);
        return r;
}

/* What goes comes first: an id may pass from a row that is removed to one that is new. */
static int put_rows(Database *database, const Batch *batch) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < batch->n_rows; i++)
                if (batch->rows[i].to_disk && batch->rows[i].removed)
                        r = drop_row(database, batch->rows + i, batch->sealed_at);
        for (size_t i = 0; r == 0 && i < batch->n_rows; i++)
                if (batch->rows[i].to_disk && !batch->rows[i].removed)
                        r = put_row(database, batch->rows + i);
        return r;
}

int commit_note(Database *database, int r) {
        if (r != 0 && r != -ENOSPC && database->failed == 0)
                database->failed = r;
        return r;
}

int commit_batch(Database *database, const Batch *batch) {
        int r;

        if (database->failed != 0)
                return database->failed;

        r = database_run(database, STATEMENT_BEGIN);
        if (r == 0)
                r = put_rows(database, batch);
        if (r == 0 && batch->counters_changed)
                r = put_counters(database, &batch->counters);
        /* That it was a copy is forgotten when it is durable what that means, and not before. */
        if (r == 0 && batch->counters_changed && database->stamp)
                r = commit_origin(database);
        if (r == 0 && !batch->vital && batch->sealed_at >= database->prune_at)
                r = commit_prune(database, batch->sealed_at);
        if (r == 0)
                r = database_run(database, STATEMENT_COMMIT);
        if (r == 0 && batch->counters_changed)
                database->stamp = false;
        /* Some errors have rolled back by themselves. */
        if (r != 0 && !sqlite3_get_autocommit(database->connection))
                (void)database_run(database, STATEMENT_ROLLBACK);
        return commit_note(database, r);
}

void commit_merge(Database *database) {
        int r, n_log = 0, n_merged = 0;

        r = database_result(database, sqlite3_wal_checkpoint_v2(database->connection, NULL,
                                                                SQLITE_CHECKPOINT_PASSIVE, &n_log,
                                                                &n_merged));
        /* Somebody else may be at work with sqlite3(1): the log grows on, and it is tried again. */
        if (r != -EBUSY)
                (void)commit_note(database, r);
        database->checkpoint_at = r == 0 && n_log == n_merged ? 0 : database->n_log_pages;
}

void commit_checkpoint(Database *database) {
        if (database->n_log_pages >= database->checkpoint_at + CHECKPOINT_PAGES)
                commit_merge(database);
}

int commit_read_token(Database *database, uint64_t participant, char **ret) {
        sqlite3_stmt *statement = database->statements[STATEMENT_GET_TOKEN];
        Binder values = binder(statement);
        Reader columns = reader(statement);
        const char *text = NULL;
        char *token = NULL;
        bool found;
        int r;

        bind_bits(&values, participant);
        r = database_step(database, statement, &found);
        if (r == 0 && found) {
                text = read_text(&columns);
                r = reader_result(&columns, database, "participant", participant);
        }
        if (text) {
                token = strdup(text);
                r = token ? 0 : -ENOMEM;
        }
        sqlite3_reset(statement);
        sqlite3_clear_bindings(statement);

        if (r == 0)
                *ret = token;
        return r;
}
