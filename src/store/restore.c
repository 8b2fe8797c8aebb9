/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/internal.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "core/request.h"
#include "store/image.h"

/* One pass: objects and subscriptions are read side by side, both in the order of their keys. */
typedef struct Restoring {
        Database *database;
        const StoreRestore *to;
        Counters counters;
        sqlite3_stmt *objects, *subscriptions;
        bool more; /* subscriptions stands on a row, which is not used up */
        Listed listed[_SIDE_MAX];
        size_t n_room[_SIDE_MAX];
} Restoring;

static void listed_clear(Restoring *restoring) {
        for (Side side = 0; side < _SIDE_MAX; side++) {
                Listed *listed = restoring->listed + side;

                listed->publishers = publishers_free(listed->publishers, listed->n_publishers);
                listed->n_publishers = restoring->n_room[side] = 0;
        }
}

static void restoring_deinit(Restoring *restoring) {
        listed_clear(restoring);
        sqlite3_finalize(restoring->objects);
        sqlite3_finalize(restoring->subscriptions);
}

static int publisher_add_alias(Publisher *publisher, const char *alias) {
        char **aliases = reallocarray(publisher->aliases, publisher->n_aliases + 1, sizeof(char *));

        if (!aliases)
                return -ENOMEM;
        publisher->aliases = aliases;
        aliases[publisher->n_aliases] = strdup(alias);
        if (!aliases[publisher->n_aliases])
                return -ENOMEM;
        publisher->n_aliases++;
        return 0;
}

/* The publisher of the row before where it is the same one, else a new one. */
static Publisher *listed_find(Restoring *restoring, Side side, uint64_t number, const ApiId *id) {
        Listed *listed = restoring->listed + side;
        size_t n = listed->n_publishers;
        Publisher *last = n > 0 ? listed->publishers + n - 1 : NULL;

        if (last && last->number == number && api_id_equal(&last->id, id))
                return last;
        if (n == restoring->n_room[side]) {
                size_t n_room = n > 0 ? 2 * n : 4;

                last = reallocarray(listed->publishers, n_room, sizeof(Publisher));
                if (!last)
                        return NULL;
                listed->publishers = last;
                restoring->n_room[side] = n_room;
        }
        last = listed->publishers + listed->n_publishers++;
        *last = (Publisher){ .number = number, .id = *id };
        return last;
}

/* Takes the row that subscriptions stands on; the key has been read. */
static int listed_add(Restoring *restoring, Reader *columns, Side side) {
        const char *alias;
        Publisher *publisher;
        uint64_t number;
        ApiId id;

        read_skip(columns, 1); /* position */
        number = read_number(columns, INT64_MAX);
        read_id(columns, &id);
        alias = read_text_or_null(columns);
        if (columns->wrong || columns->no_memory)
                return 0;

        publisher = listed_find(restoring, side, number, &id);
        if (!publisher)
                return -ENOMEM;
        return alias ? publisher_add_alias(publisher, alias) : 0;
}

/* Gathers what the object of that key lists. */
static int gather(Restoring *restoring, uint64_t kind, uint64_t number) {
        int r;

        listed_clear(restoring);
        while (restoring->more) {
                Reader columns = reader(restoring->subscriptions);
                uint64_t of_kind = read_bits(&columns), of_number = read_bits(&columns);
                Side side;

                if (of_kind != kind || of_number != number)
                        return 0;
                side = (Side)read_number(&columns, _SIDE_MAX - 1);
                r = listed_add(restoring, &columns, side);
                if (r == 0)
                        r = reader_result(&columns, restoring->database,
                                          "subscription of participant", number);
                if (r == 0)
                        r = database_step(restoring->database, restoring->subscriptions,
                                          &restoring->more);
                if (r != 0)
                        return r;
        }
        return 0;
}

static int hand_over(Restoring *restoring, Row *row) {
        uint64_t last = restoring->counters.last_number[row->kind], number = row->number;
        Kind kind = row->kind;
        int r;

        if (number == 0 || number > last)
                return database_damaged(restoring->database,
                                        "%s %" PRIu64 " is above the last number given, %" PRIu64,
                                        kind_word(kind), number, last);
        r = restoring->to->row(row, restoring->to->userdata);
        if (r == -EEXIST)
                return database_damaged(restoring->database,
                                        "%s %" PRIu64 " has a number or an id that another one has",
                                        kind_word(kind), number);
        if (r == -ENOENT)
                return database_damaged(restoring->database,
                                        "%s %" PRIu64 " is in a session that is not there",
                                        kind_word(kind), number);
        return r;
}

static int restore_end(Restoring *restoring) {
        uint64_t number;
        int r;

        if (!restoring->to->end)
                return 0;
        r = restoring->to->end(&number, restoring->to->userdata);
        if (r == -ENOENT)
                return database_damaged(restoring->database,
                                        "participant %" PRIu64 " is to hear one that is not there",
                                        number);
        return r;
}

static int restore_object(Restoring *restoring) {
        Row row = { 0 };
        int r;

        r = gather(restoring, (uint64_t)sqlite3_column_int64(restoring->objects, 0),
                   (uint64_t)sqlite3_column_int64(restoring->objects, 1));
        if (r == 0)
                r = image_read(restoring->database, restoring->objects, restoring->listed, &row);
        if (r != 0)
                return r;
        r = hand_over(restoring, &row);
        row_deinit(&row);
        return r;
}

static int prepare_objects(Restoring *restoring) {
        CLEANUP(freep) char *text = NULL;
        FILE *stream;
        size_t size;

        stream = open_memstream(&text, &size);
        if (!stream)
                return -ENOMEM;
        fputs("SELECT ", stream);
        for (size_t i = 0; i < image_n_columns; i++)
                fprintf(stream, "%s%s", i > 0 ? ", " : "", image_columns[i]);
        fputs(" FROM objects ORDER BY kind, number", stream);
        if (fclose(stream) != 0)
                return -ENOMEM;
        return database_prepare(restoring->database, text, &restoring->objects);
}

static int restore_objects(Restoring *restoring) {
        Database *database = restoring->database;
        bool found;
        int r;

        r = prepare_objects(restoring);
        if (r == 0)
                r = database_prepare(
                        database,
                        "SELECT kind, number, side, position, publisher, publisher_id, "
                        "alias FROM subscriptions ORDER BY kind, number, side, position",
                        &restoring->subscriptions);
        if (r == 0)
                r = database_step(database, restoring->subscriptions, &restoring->more);
        if (r != 0)
                return r;

        while ((r = database_step(database, restoring->objects, &found)) == 0 && found) {
                r = restore_object(restoring);
                if (r != 0)
                        return r;
        }
        if (r == 0 && restoring->more)
                return database_damaged(database, "there are subscriptions of nobody");
        return r == 0 ? restore_end(restoring) : r;
}

static int restore_counters(Restoring *restoring) {
        static const char sql[] =
                "SELECT last_session, last_participant, suspected_orphans, copies, "
                "unread_session, unread_participant, quiet_until FROM counters";
        CLEANUP(sqlite3_stmtp) sqlite3_stmt *statement = NULL;
        Database *database = restoring->database;
        Reader columns;
        bool found;
        int r;

        r = database_prepare(database, sql, &statement);
        if (r == 0)
                r = database_step(database, statement, &found);
        if (r != 0)
                return r;
        if (!found)
                return database_damaged(database, "the counters are missing");

        columns = reader(statement);
        restoring->counters.last_number[KIND_SESSION] = read_number(&columns, INT64_MAX);
        restoring->counters.last_number[KIND_PARTICIPANT] = read_number(&columns, INT64_MAX);
        restoring->counters.suspected_orphans = read_bits(&columns);
        restoring->counters.copies = read_number(&columns, INT64_MAX);
        restoring->counters.unread[KIND_SESSION] = read_number(&columns, INT64_MAX);
        restoring->counters.unread[KIND_PARTICIPANT] = read_number(&columns, INT64_MAX);
        restoring->counters.quiet_until = read_bits(&columns);
        r = reader_result(&columns, database, "counters", 1);
        if (r != 0)
                return r;
        return restoring->to->counters(&restoring->counters, restoring->to->userdata);
}

static int restore_tombstone(Restoring *restoring, sqlite3_stmt *statement) {
        Reader columns = reader(statement);
        uint64_t number;
        usec_t removed_at;
        ApiId id;
        Kind kind;
        int r;

        kind = (Kind)read_number(&columns, _KIND_MAX - 1);
        number = read_number(&columns, INT64_MAX);
        read_id(&columns, &id);
        removed_at = read_bits(&columns);
        r = reader_result(&columns, restoring->database, "tombstone of number", number);
        if (r != 0)
                return r;
        return restoring->to->tombstone(kind, number, &id, removed_at, restoring->to->userdata);
}

static int restore_tombstones(Restoring *restoring) {
        static const char sql[] = "SELECT kind, number, api_id, removed_at FROM tombstones";
        CLEANUP(sqlite3_stmtp) sqlite3_stmt *statement = NULL;
        bool found;
        int r;

        if (!restoring->to->tombstone)
                return 0;
        r = database_prepare(restoring->database, sql, &statement);
        if (r != 0)
                return r;
        while ((r = database_step(restoring->database, statement, &found)) == 0 && found) {
                r = restore_tombstone(restoring, statement);
                if (r != 0)
                        return r;
        }
        return r;
}

int store_restore(Store *store, const StoreRestore *restore, char **ret_reason) {
        Restoring restoring = { .database = &store->database, .to = restore };
        int r;

        assert(!store->worker && !store->damaged);

        r = restore_counters(&restoring);
        if (r == 0)
                r = restore_objects(&restoring);
        restoring_deinit(&restoring);
        if (r == 0)
                r = restore_tombstones(&restoring);
        return r > 0 ? store_damaged(store, ret_reason) : r;
}
