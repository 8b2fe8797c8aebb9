/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/schema.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"

/*
 * Enums stand as their numbers (src/core/row.h, src/core/outcome.h), points in time as
 * microseconds.
 *
 * objects: kind 0 is a session, 1 a participant, each with a series of numbers of its own. api_id
 * is NULL until the API has given one. A place (wanted, observed) whose mode is NULL is "in no
 * session"; with session 0 it is the one of id foreign. x_wanted and x_agreed are revisions of
 * aspect x.
 *
 * subscriptions: what a place of mode 2 lists; side 0 is wanted, 1 observed. A publisher with
 * several aliases has several rows, in a row; alias NULL is every stream. publisher 0: not one of
 * ours, but the one of id publisher_id.
 */
static const char step_1[] = "CREATE TABLE identity ("
                             "  one INTEGER PRIMARY KEY CHECK (one = 1),"
                             "  account_id TEXT NOT NULL,"
                             "  base_url TEXT NOT NULL"
                             ") STRICT;"
                             "CREATE TABLE counters ("
                             "  one INTEGER PRIMARY KEY CHECK (one = 1),"
                             "  last_session INTEGER NOT NULL,"
                             "  last_participant INTEGER NOT NULL,"
                             "  suspected_orphans INTEGER NOT NULL"
                             ") STRICT;"
                             "INSERT INTO counters VALUES (1, 0, 0, 0);"
                             "CREATE TABLE objects ("
                             "  kind INTEGER NOT NULL,"
                             "  number INTEGER NOT NULL,"
                             "  api_id TEXT,"
                             "  gone INTEGER NOT NULL,"
                             "  failed INTEGER NOT NULL,"
                             "  attempt_open INTEGER NOT NULL,"
                             "  has_token INTEGER NOT NULL,"
                             "  n_unknown INTEGER NOT NULL,"
                             "  owner INTEGER NOT NULL,"
                             "  lifetime INTEGER NOT NULL,"
                             "  created_at INTEGER NOT NULL,"
                             "  permissions INTEGER NOT NULL,"
                             "  at_most_once INTEGER NOT NULL,"
                             "  tag TEXT NOT NULL,"
                             "  callback_url TEXT NOT NULL,"
                             "  device_api_version TEXT NOT NULL,"
                             "  client_bus TEXT NOT NULL,"
                             "  client_name TEXT NOT NULL,"
                             "  wanted_mode INTEGER,"
                             "  wanted_session INTEGER,"
                             "  wanted_foreign TEXT,"
                             "  observed_mode INTEGER,"
                             "  observed_session INTEGER,"
                             "  observed_foreign TEXT,"
                             "  being_wanted INTEGER NOT NULL,"
                             "  being_agreed INTEGER NOT NULL,"
                             "  membership_wanted INTEGER NOT NULL,"
                             "  membership_agreed INTEGER NOT NULL,"
                             "  subscriptions_wanted INTEGER NOT NULL,"
                             "  subscriptions_agreed INTEGER NOT NULL,"
                             "  expires_at INTEGER NOT NULL,"
                             "  last_error INTEGER NOT NULL,"
                             "  last_message TEXT,"
                             "  synced_at INTEGER NOT NULL,"
                             "  n_failed INTEGER NOT NULL,"
                             "  PRIMARY KEY (kind, number),"
                             "  UNIQUE (kind, api_id)"
                             ") STRICT, WITHOUT ROWID;"
                             "CREATE TABLE subscriptions ("
                             "  kind INTEGER NOT NULL,"
                             "  number INTEGER NOT NULL,"
                             "  side INTEGER NOT NULL,"
                             "  position INTEGER NOT NULL,"
                             "  publisher INTEGER NOT NULL,"
                             "  publisher_id TEXT,"
                             "  alias TEXT,"
                             "  PRIMARY KEY (kind, number, side, position)"
                             ") STRICT, WITHOUT ROWID;"
                             "CREATE TABLE tokens ("
                             "  participant INTEGER PRIMARY KEY,"
                             "  token TEXT NOT NULL"
                             ") STRICT;"
                             "CREATE TABLE tombstones ("
                             "  kind INTEGER NOT NULL,"
                             "  api_id TEXT NOT NULL,"
                             "  number INTEGER NOT NULL,"
                             "  removed_at INTEGER NOT NULL,"
                             "  PRIMARY KEY (kind, api_id)"
                             ") STRICT, WITHOUT ROWID;"
                             "CREATE INDEX tombstones_by_age ON tombstones (removed_at);";

static const char step_2[] = "ALTER TABLE objects ADD COLUMN stranger INTEGER NOT NULL DEFAULT 0;";

/* The file and the machine that it is on, as store/origin.h says: what is NULL is not known. copies
 * and unread: see Counters. */
static const char step_3[] =
        "ALTER TABLE identity ADD COLUMN machine TEXT;"
        "ALTER TABLE identity ADD COLUMN inode INTEGER;"
        "ALTER TABLE identity ADD COLUMN born_at INTEGER;"
        "ALTER TABLE counters ADD COLUMN copies INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE counters ADD COLUMN unread_session INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE counters ADD COLUMN unread_participant INTEGER NOT NULL DEFAULT 0;";

/* log: 1 while the file is not whole without the log beside it. */
static const char step_4[] = "ALTER TABLE identity ADD COLUMN log INTEGER NOT NULL DEFAULT 0;";

/* quiet_until: see Counters. */
static const char step_5[] =
        "ALTER TABLE counters ADD COLUMN quiet_until INTEGER NOT NULL DEFAULT 0;";

static const char *const steps[] = { step_1, step_2, step_3, step_4, step_5 };

const Schema schema_current = { .steps = steps, .version = ELEMENTSOF(steps) };

int schema_version(Database *database, int *ret) {
        int64_t application, version;
        int r;

        r = database_get_int(database, "PRAGMA application_id", &application);
        if (r != 0)
                return r;
        r = database_get_int(database, "PRAGMA user_version", &version);
        if (r != 0)
                return r;
        if (application != SCHEMA_APPLICATION_ID || version < 1)
                return database_damaged(database, "it is not a state file of convened");

        *ret = (int)version;
        return 0;
}

static int step_run(Database *database, const char *step, int version) {
        char stamp[100];
        int r;

        (void)snprintf(stamp, sizeof(stamp), "PRAGMA application_id = %d; PRAGMA user_version = %d",
                       SCHEMA_APPLICATION_ID, version);
        r = database_execute(database, "BEGIN IMMEDIATE");
        if (r != 0)
                return r;
        r = database_execute(database, step);
        if (r == 0)
                r = database_execute(database, stamp);
        if (r == 0)
                r = database_execute(database, "COMMIT");
        if (!sqlite3_get_autocommit(database->connection))
                (void)database_execute(database, "ROLLBACK");
        return r;
}

int schema_migrate(Database *database, const Schema *schema) {
        int64_t version;
        int r;

        r = database_get_int(database, "PRAGMA user_version", &version);
        if (r != 0)
                return r;
        for (; version < schema->version; version++) {
                r = step_run(database, schema->steps[version], (int)version + 1);
                if (r != 0)
                        return r;
        }
        return 0;
}
