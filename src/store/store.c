/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/internal.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>

#include "base/text.h"
#include "store/reason.h"

int store_damaged(Store *store, char **ret_reason) {
        CLEANUP(freep) char *copy = NULL;
        const Directory *directory = &store->directory;
        int r;

        database_close(&store->database);
        store->damaged = true;
        store->ready = false;

        r = directory_set_aside(directory, &copy);
        return refuse(
                ret_reason,
                "The state file %s/%s is damaged: %s. It was left as it is%s%s. Restore it from "
                "a backup, once it has been removed together with the files %s-wal and %s-shm; or, "
                "to begin anew and to lose the ids of everything at the API, remove these alone.",
                directory->path, STATE_FILE, store->database.damage,
                copy ? ", and a copy set aside as " : "; no copy could be set aside: ",
                copy ? copy : strerror(-r), STATE_FILE, STATE_FILE);
}

/* Writes the first state file, under another name. */
static int fill_state(Database *database, const StoreConfig *config, const Schema *schema) {
        static const char sql[] = "INSERT INTO identity (one, account_id, base_url) "
                                  "VALUES (1, ?, ?)";
        CLEANUP(sqlite3_stmtp) sqlite3_stmt *statement = NULL;
        bool found;
        int r;

        r = schema_migrate(database, schema);
        if (r != 0)
                return r;
        r = database_prepare(database, sql, &statement);
        if (r != 0)
                return r;
        sqlite3_bind_text(statement, 1, config->account_id, -1, SQLITE_STATIC);
        sqlite3_bind_text(statement, 2, config->base_url, -1, SQLITE_STATIC);
        return database_step(database, statement, &found);
}

static int create_state(const Directory *directory, const StoreConfig *config,
                        const Schema *schema) {
        CLEANUP(freep) char *path = NULL;
        Database database;
        int r;

        r = directory_begin_state(directory);
        if (r < 0)
                return r;
        r = directory_join(directory, STATE_FILE_NEW, &path);
        if (r < 0)
                return r;

        r = database_open(&database, path);
        if (r == 0)
                r = fill_state(&database, config, schema);
        database_close(&database);
        if (r != 0)
                return r > 0 ? -EIO : r; /* damaged, and just made: the disk is to blame */
        return directory_finish_state(directory);
}

static int check_version(Store *store, const Schema *schema, char **ret_reason) {
        int version, r;

        r = schema_version(&store->database, &version);
        if (r > 0)
                return store_damaged(store, ret_reason);
        if (r < 0)
                return r;
        if (version > schema->version)
                return refuse(
                        ret_reason,
                        "The state file %s/%s was written by a newer convened (its version is %d; "
                        "this one reads up to %d). Install the newer one again.",
                        store->directory.path, STATE_FILE, version, schema->version);
        return 0;
}

/* Constraints and the order of keys, all pages read once; indexes are not compared with tables. */
static int check_integrity(Store *store, char **ret_reason) {
        CLEANUP(freep) char *verdict = NULL;
        int r;

        r = database_get_text(&store->database, "PRAGMA quick_check(1)", &verdict);
        /* It is for a line of the log. */
        for (char *end = verdict; end && (end = strchr(end, '\n'));)
                *end = ' ';
        if (r == 0 && !streq(verdict, "ok"))
                r = database_damaged(&store->database, "%s", verdict);
        return r > 0 ? store_damaged(store, ret_reason) : r;
}

static int check_identity(Store *store, const StoreConfig *config, char **ret_reason) {
        CLEANUP(freep) char *account_id = NULL, *base_url = NULL;
        int r;

        r = database_get_text(&store->database, "SELECT account_id FROM identity", &account_id);
        if (r == 0)
                r = database_get_text(&store->database, "SELECT base_url FROM identity", &base_url);
        if (r > 0)
                return store_damaged(store, ret_reason);
        if (r < 0)
                return r;

        if (streq(account_id, config->account_id) && streq(base_url, config->base_url))
                return 0;
        return refuse(
                ret_reason,
                "The state file %s/%s belongs to AccountId %s at BaseUrl %s, and the "
                "configuration says %s at %s. Set these back, or name another state directory.",
                store->directory.path, STATE_FILE, account_id, base_url, config->account_id,
                config->base_url);
}

/* A file that does not say yet which one it is, of before or just made, says it from now on. Where
 * it says another one, that stays so until something has come of it. */
static int check_origin(Store *store, const StoreConfig *config) {
        Database *database = &store->database;
        Origin before;
        int r;

        r = origin_of(&database->origin, store->directory.fd, config->machine);
        if (r == 0)
                r = origin_read(database, &before);
        if (r != 0)
                return r;
        origin_complete(&database->origin, &before);
        store->copy = origin_compare(&before, &database->origin);
        if (store->copy == COPY_NONE && store->without_log)
                store->copy = COPY_HERE;
        database->stamp = store->copy != COPY_NONE || !origin_equal(&before, &database->origin);
        if (!database->stamp || store->copy != COPY_NONE)
                return 0;
        r = commit_origin(database);
        if (r == -ENOSPC)
                return 0; /* a commit will have to do it */
        database->stamp = r != 0;
        return r;
}

/* To SQLite a log that is not there, or that begins with something else, is an empty one: what was
 * stored last would be lost, and nobody told. Whoever opens the file with sqlite3(1) merges the log
 * and removes it, so that one that is missing may be no loss; what is left is taken for a copy. */
static int check_log(Store *store, LogState log, char **ret_reason) {
        int64_t version, needed;
        int r;

        if (log == LOG_WHOLE || log == LOG_TORN)
                return 0;
        r = database_get_int(&store->database, "PRAGMA user_version", &version);
        if (r != 0 || version < SCHEMA_WITH_LOG)
                return r;
        r = database_get_int(&store->database, "SELECT log FROM identity", &needed);
        if (r != 0 || !needed)
                return r > 0 ? store_damaged(store, ret_reason) : r;
        if (log == LOG_MISSING) {
                store->without_log = true;
                return 0;
        }
        database_damaged(&store->database,
                         "convened was not stopped, so that what was stored last is in %s-wal "
                         "alone, and that is damaged",
                         STATE_FILE);
        return store_damaged(store, ret_reason);
}

/* While nobody else can write: it may be another one by now. */
static int trim_log(Store *store) {
        int r;

        r = database_execute(&store->database, "BEGIN IMMEDIATE");
        if (r != 0)
                return r;
        r = directory_trim_log(&store->directory);
        (void)database_execute(&store->database, "ROLLBACK");
        return r;
}

/* The file is ours, whole, and for this account: bring it up to date and make it ready. */
static int make_ready(Store *store, const StoreConfig *config, Now now, const Schema *schema) {
        int r;

        r = database_make_durable(&store->database);
        if (r == 0)
                r = schema_migrate(&store->database, schema);
        if (r == 0)
                r = database_prepare_all(&store->database);
        if (r == 0)
                r = check_origin(store, config);
        if (r != 0)
                return r;
        r = commit_prune(&store->database, now.realtime);
        return r == -ENOSPC ? 0 : r; /* a full disk: the next commit will have to do it */
}

static int open_state(Store *store, const StoreConfig *config, Now now, const Schema *schema,
                      char **ret_reason) {
        CLEANUP(freep) char *path = NULL;
        LogFile log;
        int r;

        /* SQLite makes a log where there is none, and goes on without what is behind a damage. */
        r = directory_find_log(&store->directory, &log, ret_reason);
        if (r != 0)
                return r;
        if (log.state == LOG_DAMAGED) {
                database_damaged(&store->database,
                                 "what was stored last is in %s-wal alone, and that is damaged "
                                 "behind byte %" PRIu64 ", in the midst of what was stored",
                                 STATE_FILE, log.end);
                return store_damaged(store, ret_reason);
        }
        r = directory_join(&store->directory, STATE_FILE, &path);
        if (r < 0)
                return r;
        r = database_open(&store->database, path);
        if (r > 0)
                return store_damaged(store, ret_reason);
        if (r < 0)
                return r;

        r = check_version(store, schema, ret_reason);
        if (r == 0)
                r = check_integrity(store, ret_reason);
        if (r == 0)
                r = check_identity(store, config, ret_reason);
        if (r == 0)
                r = check_log(store, log.state, ret_reason);
        if (r == 0 && log.state == LOG_TORN)
                r = trim_log(store);
        if (r != 0)
                return r;

        r = make_ready(store, config, now, schema);
        if (r == DATABASE_DAMAGED)
                return store_damaged(store, ret_reason);
        if (r == DATABASE_NOT_DURABLE)
                return refuse(ret_reason,
                              "The file system of %s cannot hold the state: SQLite does not get a "
                              "write-ahead log there. Name a directory on a local file system.",
                              store->directory.path);
        if (r == 0)
                database_trust(&store->database);
        store->ready = r == 0;
        return r;
}

/* A disk that has become full, or that still is, is no reason not to start: the first batch will
 * find out. */
static int open_in_reserve(Store *store, const StoreConfig *config, Now now, const Schema *schema,
                           char **ret_reason) {
        int r;

        r = open_state(store, config, now, schema, ret_reason);
        if (r == -ENOSPC) {
                database_close(&store->database);
                r = reserve_spend(&store->reserve);
                if (r == 0)
                        r = open_state(store, config, now, schema, ret_reason);
        }
        if (r != 0)
                return r;
        r = reserve_fill(&store->reserve);
        return r == -ENOSPC ? 0 : r;
}

int store_open_schema(Store **ret, const StoreConfig *config, Now now, const Schema *schema,
                      char **ret_reason) {
        CLEANUP(store_closep) Store *store = NULL;
        bool found;
        int r;

        store = calloc(1, sizeof(*store));
        if (!store)
                return -ENOMEM;

        store->reserve.directory = &store->directory;
        r = directory_open(&store->directory, config->directory, ret_reason);
        if (r != 0)
                return r;
        r = directory_find_state(&store->directory, &found, ret_reason);
        if (r != 0)
                return r;
        if (!found) {
                r = create_state(&store->directory, config, schema);
                if (r < 0)
                        return r;
        }

        r = open_in_reserve(store, config, now, schema, ret_reason);
        if (r != 0)
                return r;
        *ret = TAKE(store);
        return 0;
}

int store_open(Store **ret, const StoreConfig *config, Now now, char **ret_reason) {
        return store_open_schema(ret, config, now, &schema_current, ret_reason);
}

CopyKind store_copy(const Store *store, const char **ret_why) {
        if (store->copy == COPY_ELSEWHERE)
                *ret_why = "it was written on another machine";
        else if (store->without_log)
                *ret_why = "its log is missing, and with it what may have been stored last";
        else if (store->copy != COPY_NONE)
                *ret_why = "it is another file than the one that convened wrote";
        return store->copy;
}

/* From now on, until store_close(), the file says that there is a log, be it merged or not. A full
 * disk is no reason not to start. Not before all rows were read: a file that is damaged stays as it
 * is. */
static int begin_log(Store *store) {
        Database *database = &store->database;
        int r;

        /* No file has that inode: until something has come of it, this is none of ours. */
        r = database_execute(database, store->without_log
                                               ? "UPDATE identity SET log = 1, inode = -1"
                                               : "UPDATE identity SET log = 1");
        if (r == 0)
                commit_merge(database);
        if (database->failed != 0)
                return database->failed;
        return r == -ENOSPC ? 0 : r;
}

int store_attach(Store *store, sd_event *event, StoreCommitted committed, StoreToken token,
                 void *userdata) {
        const WorkerListener listener = { .committed = committed,
                                          .token = token,
                                          .userdata = userdata };

        int r;

        assert(!store->worker && !store->damaged);
        r = begin_log(store);
        if (r != 0)
                return r > 0 ? -EIO : r;
        store->begun = true;
        return worker_start(&store->worker, &store->database, &store->reserve, event, &listener);
}

int store_commit(Store *store, const Batch *batch) {
        assert(store->worker);
        return worker_commit(store->worker, batch);
}

int store_read_token(Store *store, uint64_t participant, uint64_t ticket) {
        assert(store->worker);
        return worker_read_token(store->worker, participant, ticket);
}

Store *store_close(Store *store) {
        if (!store)
                return NULL;
        store->worker = worker_stop(store->worker);
        /* Closing the last connection merges the log into the file, which is whole then. */
        if (store->ready && store->database.failed == 0 && (store->begun || !store->without_log))
                (void)database_execute(&store->database,
                                       "UPDATE identity SET log = 0 WHERE log <> 0");
        database_close(&store->database);
        directory_close(&store->directory);
        free(store);
        return NULL;
}
