/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/store-fixture.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Prototypes for what takes the place of libc's. */
#include <unistd.h>

/*
 * A disk that can be stopped: the linker prefers these to libc'f, for SQLite too. A gate that is
 * shut holds every fsync; n_held says how many wait there, so that no test has to guess.
 */
static pthread_mutex_t gate_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_moved = PTHREAD_COND_INITIALIZER;
static bool gate_shut;
static unsigned n_held, n_synced;
static int sync_error, write_error;

/* While a store is attached its loop's thread must not touch the disk. */
static pthread_t loop_thread;
static bool loop_barred;
static unsigned n_by_loop;

/* With the lock held. */
static void note_thread(void) {
        if (loop_barred && pthread_equal(pthread_self(), loop_thread))
                n_by_loop++;
}

static int sync_through_gate(long call, int fd) {
        int error;

        pthread_mutex_lock(&gate_lock);
        note_thread();
        n_held++;
        pthread_cond_broadcast(&gate_moved);
        while (gate_shut)
                pthread_cond_wait(&gate_moved, &gate_lock);
        n_held--;
        n_synced++;
        error = sync_error;
        pthread_mutex_unlock(&gate_lock);

        if (error == 0)
                return (int)syscall(call, fd);
        errno = error;
        return -1;
}

int fsync(int fd) {
        return sync_through_gate(SYS_fsync, fd);
}

int fdatasync(int fd) {
        return sync_through_gate(SYS_fdatasync, fd);
}

static int write_error_now(void) {
        int error;

        pthread_mutex_lock(&gate_lock);
        note_thread();
        error = write_error;
        pthread_mutex_unlock(&gate_lock);
        return error;
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at) {
        int error = write_error_now();

        if (error == 0)
                return syscall(SYS_pwrite64, fd, bytes, n, at);
        errno = error;
        return -1;
}

static void gate_set(bool shut) {
        pthread_mutex_lock(&gate_lock);
        gate_shut = shut;
        pthread_cond_broadcast(&gate_moved);
        pthread_mutex_unlock(&gate_lock);
}

static void gate_wait_held(void) {
        struct timespec deadline;
        int r = 0;

        clock_gettime(CLOCK_REALTIME, &deadline);
        deadline.tv_sec += 20;
        pthread_mutex_lock(&gate_lock);
        while (n_held == 0 && r == 0)
                r = pthread_cond_timedwait(&gate_moved, &gate_lock, &deadline);
        pthread_mutex_unlock(&gate_lock);
        assert_int_equal(r, 0);
}

/* Bars the loop's thread from the disk, or says how often it was there all the same. */
static void loop_bar(void) {
        pthread_mutex_lock(&gate_lock);
        loop_thread = pthread_self();
        loop_barred = true;
        n_by_loop = 0;
        pthread_mutex_unlock(&gate_lock);
}

static unsigned loop_unbar(void) {
        unsigned n;

        pthread_mutex_lock(&gate_lock);
        loop_barred = false;
        n = n_by_loop;
        pthread_mutex_unlock(&gate_lock);
        return n;
}

static unsigned gate_synced(void) {
        unsigned n;

        pthread_mutex_lock(&gate_lock);
        n = n_synced;
        pthread_mutex_unlock(&gate_lock);
        return n;
}

static void disk_fail(int on_write, int on_sync) {
        pthread_mutex_lock(&gate_lock);
        write_error = on_write;
        sync_error = on_sync;
        pthread_mutex_unlock(&gate_lock);
}

static void test_one_sync_a_commit(void **state) {
        BatchRow rows[50] = { 0 };
        Batch batch;
        Fixture *f = *state;
        unsigned before;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                rows[i].row = row_of(KIND_PARTICIPANT, i + 1);
        batch = batch_of(rows, ELEMENTSOF(rows));
        fixture_attach(f);
        assert_int_equal(fixture_commit(f, &batch), 0); /* the first makes the log, too */
        before = gate_synced();
        for (unsigned i = 0; i < 10; i++)
                assert_int_equal(fixture_commit(f, &batch), 0);
        assert_int_equal(gate_synced() - before, 10);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                row_deinit(&rows[i].row);
}

static unsigned n_turns;

static int on_turn(sd_event_source *source, void *userdata) {
        (void)source;
        (void)userdata;
        n_turns++;
        return 0;
}

/* The loop turns while the disk stands still; what was asked for meanwhile comes after. */
static void test_loop_never_waits(void **state) {
        BatchRow row = { .row = row_of(KIND_PARTICIPANT, 1), .token = (char *)"token-of-1" };
        Batch batch = batch_of(&row, 1);
        sd_event_source *turns = NULL;
        Fixture *f = *state;

        fixture_attach(f);
        gate_set(true);
        assert_int_equal(store_commit(f->store, &batch), 0);
        assert_int_equal(store_commit(f->store, &batch), -EBUSY);
        gate_wait_held();
        assert_int_equal(store_commit(f->store, &batch), -EBUSY);
        assert_int_equal(store_read_token(f->store, 1, 77), 0);

        n_turns = 0;
        assert_true(sd_event_add_defer(f->event, &turns, on_turn, NULL) >= 0);
        assert_true(sd_event_source_set_enabled(turns, SD_EVENT_ON) >= 0);
        fixture_wait(f, &n_turns, 1000);
        /* The core lets go of a row of its own meanwhile; only the counts are its own to change. */
        spec_unref(spec_ref(row.row.spec));
        row.members_changed = true;
        assert_int_equal(f->n_committed, 0);
        assert_int_equal(f->n_tokens, 0);
        sd_event_source_disable_unref(turns);

        gate_set(false);
        fixture_wait(f, &f->n_committed, 1);
        assert_ptr_equal(f->committed, &batch);
        fixture_wait(f, &f->n_tokens, 1);
        assert_int_equal(f->error, 0);
        assert_int_equal(f->ticket, 77);
        assert_string_equal(f->token, "token-of-1");
        row_deinit(&row.row);
}

static void test_tokens(void **state) {
        BatchRow row = { .row = row_of(KIND_PARTICIPANT, 4), .token = (char *)"first" };
        Batch batch = batch_of(&row, 1);
        Fixture *f = *state;

        fixture_attach(f);
        assert_int_equal(store_read_token(f->store, 4, 1), 0);
        fixture_wait(f, &f->n_tokens, 1);
        assert_int_equal(f->error, 0);
        assert_null(f->token);

        assert_int_equal(fixture_commit(f, &batch), 0);
        row.token = NULL; /* leaves it */
        assert_int_equal(fixture_commit(f, &batch), 0);
        assert_int_equal(store_read_token(f->store, 4, UINT64_MAX), 0);
        fixture_wait(f, &f->n_tokens, 2);
        assert_string_equal(f->token, "first");
        assert_true(f->ticket == UINT64_MAX);

        row.token = (char *)"second";
        assert_int_equal(fixture_commit(f, &batch), 0);
        assert_int_equal(store_read_token(f->store, 4, 3), 0);
        assert_int_equal(store_read_token(f->store, 5, 4), 0);
        fixture_wait(f, &f->n_tokens, 4);
        assert_null(f->token);
        assert_int_equal(f->ticket, 4); /* in the order in which they were asked */
        row_deinit(&row.row);
}

static void test_close_finishes(void **state) {
        BatchRow row = { .row = row_of(KIND_SESSION, 1) };
        Batch batch = batch_of(&row, 1);
        Fixture *f = *state;

        fixture_attach(f);
        assert_int_equal(store_commit(f->store, &batch), 0);
        assert_int_equal(store_read_token(f->store, 1, 1), 0);
        fixture_close(f);
        assert_int_equal(f->n_committed + f->n_tokens, 0);
        assert_int_equal(fixture_query(f, "SELECT count(*) FROM objects"), 1);
        row_deinit(&row.row);
}

/* Nothing of a batch is to be seen when it failed; only a full disk lets it be tried again. */
static void test_failing_disk(void **state) {
        static const struct {
                const char *name;
                int on_write, on_sync, expect, expect_next;
        } cases[] = {
                { "broken write", EIO, 0, -EIO, -EIO },    { "broken sync", 0, EIO, -EIO, -EIO },
                { "full", ENOSPC, 0, -ENOSPC, 0 },         { "quota", EDQUOT, 0, -ENOSPC, 0 },
                { "full at sync", 0, ENOSPC, -EIO, -EIO },
        };
        Fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                BatchRow row = { .row = row_of(KIND_SESSION, 1) };
                Batch batch = batch_of(&row, 1);

                (void)snprintf(f->directory, sizeof(f->directory), "%s/%zu", f->root, i);
                fixture_attach(f);
                disk_fail(cases[i].on_write, cases[i].on_sync);
                CASE(cases[i].name, fixture_commit(f, &batch) == cases[i].expect);
                disk_fail(0, 0);
                assert_int_equal(fixture_query(f, "SELECT count(*) FROM objects"), 0);
                CASE(cases[i].name, fixture_commit(f, &batch) == cases[i].expect_next);
                assert_int_equal(fixture_query(f, "SELECT count(*) FROM objects"),
                                 cases[i].expect_next == 0);
                fixture_close(f);
                row_deinit(&row.row);
        }
}

static void test_full(void **state) {
        CLEANUP(freep) char *text = malloc(100001);
        BatchRow row = { .row = row_of(KIND_SESSION, 1) };
        Batch batch = batch_of(&row, 1);
        Fixture *f = *state;

        assert_non_null(text);
        memset(text, 'x', 100000);
        text[100000] = 0;
        fixture_open(f);
        assert_int_equal(database_execute(&f->store->database, "PRAGMA max_page_count = 20"), 0);
        fixture_attach_open(f);

        assert_int_equal(spec_set_text(&row.row.spec, SPEC_TAG, text), 0);
        assert_int_equal(fixture_commit(f, &batch), -ENOSPC);
        assert_int_equal(spec_set_text(&row.row.spec, SPEC_TAG, "short"), 0);
        assert_int_equal(fixture_commit(f, &batch), 0);
        assert_int_equal(fixture_query(f, "SELECT count(*) FROM objects WHERE tag = 'short'"), 1);
        row_deinit(&row.row);
}

/* The log is merged in the worker's thread, and does not grow for ever. */
static void test_checkpoint(void **state) {
        CLEANUP(freep) char *text = malloc(40001);
        BatchRow rows[100] = { 0 };
        struct stat file, log;
        Batch batch;
        Fixture *f = *state;

        assert_non_null(text);
        memset(text, 'x', 40000);
        text[40000] = 0;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                rows[i].row = row_of(KIND_SESSION, i + 1);
                assert_int_equal(spec_set_text(&rows[i].row.spec, SPEC_TAG, text), 0);
        }
        batch = batch_of(rows, ELEMENTSOF(rows));

        fixture_attach(f);
        loop_bar();
        for (unsigned i = 0; i < 10; i++)
                assert_int_equal(fixture_commit(f, &batch), 0);
        assert_int_equal(loop_unbar(), 0);
        assert_int_equal(stat(fixture_path(f, STATE_FILE), &file), 0);
        assert_int_equal(stat(fixture_path(f, STATE_FILE "-wal"), &log), 0);
        assert_true(file.st_size > 4000000);
        assert_true(log.st_size < 16000000);

        fixture_close(f);
        assert_int_equal(stat(fixture_path(f, STATE_FILE "-wal"), &log), -1);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                row_deinit(&rows[i].row);
}

/* Somebody reads with sqlite3(1) and does not go away: no commit waits for that. */
static void test_reader_beside(void **state) {
        BatchRow row = { .row = row_of(KIND_SESSION, 1) };
        Batch batch = batch_of(&row, 1);
        sqlite3 *beside = NULL;
        Fixture *f = *state;

        fixture_attach(f);
        assert_int_equal(sqlite3_open(fixture_path(f, STATE_FILE), &beside), SQLITE_OK);
        assert_int_equal(sqlite3_exec(beside, "BEGIN; SELECT * FROM objects", NULL, NULL, NULL),
                         SQLITE_OK);
        for (unsigned i = 0; i < 20; i++)
                assert_int_equal(fixture_commit(f, &batch), 0);
        sqlite3_close(beside);
        row_deinit(&row.row);
}

typedef struct Chain {
        Fixture *fixture;
        Batch batches[2000];
        BatchRow rows[2000];
        unsigned n_done;
} Chain;

static void on_link(const Batch *batch, int error, void *userdata) {
        Chain *chain = userdata;

        assert_int_equal(error, 0);
        assert_ptr_equal(batch, chain->batches + chain->n_done);
        chain->n_done++;
        if (chain->n_done == ELEMENTSOF(chain->batches))
                return;
        assert_int_equal(store_commit(chain->fixture->store, chain->batches + chain->n_done), 0);
        /* As the core does while a batch is on its way: counts change, contents do not. */
        for (size_t i = 0; i < 4; i++)
                place_unref(place_ref(chain->rows[chain->n_done].row.wanted));
}

static void on_no_token(uint64_t ticket, int error, const char *token, void *userdata) {
        (void)ticket;
        (void)error;
        (void)token;
        (void)userdata;
}

static void test_many_commits(void **state) {
        CLEANUP(freep) Chain *chain = calloc(1, sizeof(*chain));
        Restored restored = { 0 };
        Place *place = NULL;
        Fixture *f = *state;

        assert_non_null(chain);
        chain->fixture = f;
        assert_int_equal(place_new(&place, 1, NULL, MODE_SESSION, NULL, 0), 0);
        for (size_t i = 0; i < ELEMENTSOF(chain->batches); i++) {
                chain->rows[i].row = row_of(KIND_PARTICIPANT, i + 1);
                chain->rows[i].row.wanted = place_ref(place);
                chain->batches[i] = batch_of(chain->rows + i, 1);
        }

        fixture_open(f);
        assert_int_equal(store_attach(f->store, f->event, on_link, on_no_token, chain), 0);
        assert_int_equal(store_commit(f->store, chain->batches), 0);
        fixture_wait(f, &chain->n_done, ELEMENTSOF(chain->batches));
        fixture_close(f);

        fixture_open(f);
        assert_int_equal(fixture_restore(f, &restored, NULL), 0);
        assert_int_equal(restored.n_rows, ELEMENTSOF(chain->batches));
        assert_int_equal(restored.counters.last_number[KIND_PARTICIPANT],
                         ELEMENTSOF(chain->batches));
        restored_deinit(&restored);
        for (size_t i = 0; i < ELEMENTSOF(chain->rows); i++)
                row_deinit(&chain->rows[i].row);
        place_unref(place);
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                STORE_TEST(test_one_sync_a_commit),
                STORE_TEST(test_loop_never_waits),
                STORE_TEST(test_tokens),
                STORE_TEST(test_close_finishes),
                STORE_TEST(test_failing_disk),
                STORE_TEST(test_full),
                STORE_TEST(test_checkpoint),
                STORE_TEST(test_reader_beside),
                STORE_TEST(test_many_commits),
        };

        return cmocka_run_group_tests_name("store: worker", tests, NULL, NULL);
}
