/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A state directory of a test's own, a store in it, and an event loop. */

#include "unit/unit.h"

#include <sqlite3.h>

#include "store/internal.h"

#define ACCOUNT_ID "9900000"
#define BASE_URL   "http://127.0.0.1:8080/v1"

static const Now test_now = { .boottime = 1000, .realtime = 1700000000 * USEC_PER_SEC };

typedef struct Fixture {
        char root[64];       /* removed in the end, with all below it */
        char directory[80];  /* the state directory, below root */
        const char *machine; /* NULL: it has no id */
        Store *store;
        sd_event *event;

        /* What came back by the loop. */
        unsigned n_committed, n_tokens;
        const Batch *committed;
        int error;
        uint64_t ticket;
        char *token; /* NULL: none */
} Fixture;

/* Setup and teardown for cmocka; the store is not open yet. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* A path below the state directory; borrowed until the fourth call after. */
const char *fixture_path(const Fixture *fixture, const char *name);

/* Opens the store, or fails the test. */
void fixture_open(Fixture *fixture);
/* The same, and attached to the loop; or only the latter. */
void fixture_attach(Fixture *fixture);
void fixture_attach_open(Fixture *fixture);
void fixture_close(Fixture *fixture);

/* Opens the store, which must be refused with a reason that has @expect in it. */
void fixture_refused(Fixture *fixture, const char *expect);

/* Turns the loop until *counter is not below @goal, or fails the test after a while. */
void fixture_wait(Fixture *fixture, const unsigned *counter, unsigned goal);

/* Commits and waits. Returns the error. */
int fixture_commit(Fixture *fixture, const Batch *batch);

/* Makes of a file one of before it said which file it is: SQL. */
#define FIXTURE_NO_ORIGIN                                                                          \
        "ALTER TABLE identity DROP COLUMN machine;"                                                \
        "ALTER TABLE identity DROP COLUMN inode;"                                                  \
        "ALTER TABLE identity DROP COLUMN born_at;"                                                \
        "ALTER TABLE identity DROP COLUMN log;"                                                    \
        "ALTER TABLE counters DROP COLUMN copies;"                                                 \
        "ALTER TABLE counters DROP COLUMN unread_session;"                                         \
        "ALTER TABLE counters DROP COLUMN unread_participant;"                                     \
        "ALTER TABLE counters DROP COLUMN quiet_until;"

/* Runs SQL on the file behind the store's back. */
void fixture_execute(const Fixture *fixture, const char *sql);
/* One value, 0 where there is no row. */
int64_t fixture_query(const Fixture *fixture, const char *sql);

/* What store_restore() gave. */
typedef struct Restored {
        Counters counters;
        Row *rows;
        size_t n_rows;
        struct {
                Kind kind;
                uint64_t number;
                ApiId id;
                usec_t removed_at;
        } tombstones[16];
        size_t n_tombstones;
        size_t fail_at; /* the row's position from 1 that is answered with */
        int fail_with;
} Restored;

/* Restores; positive and negative results come back, a reason must have @expect in it. */
int fixture_restore(Fixture *fixture, Restored *restored, const char *expect);
void restored_deinit(Restored *restored);

/* An empty row of that kind and number. */
Row row_of(Kind kind, uint64_t number);
/* A batch of borrowed rows, all to disk, with counters as high as these rows need them. */
Batch batch_of(BatchRow *rows, size_t n_rows);
ApiId id_of(const char *text);
void set_id(Row *row, const char *text);
