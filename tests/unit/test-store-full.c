/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/store-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Prototypes for what takes the place of libc's. */
#include <unistd.h>

#define NO_END (INT64_C(1) << 40)

/*
 * A disk of which only so much is left: the linker prefers these to libc's, for SQLite too. A file
 * that grows takes of it, one that is truncated gives back; writing over what is there costs
 * nothing.
 */
static pthread_mutex_t disk_lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t disk_room = NO_END;
static int disk_error; /* of writing where there is room */

static void disk_set(int64_t room, int error) {
        pthread_mutex_lock(&disk_lock);
        disk_room = room;
        disk_error = error;
        pthread_mutex_unlock(&disk_lock);
}

static int64_t disk_left(void) {
        int64_t room;

        pthread_mutex_lock(&disk_lock);
        room = disk_room;
        pthread_mutex_unlock(&disk_lock);
        return room;
}

static int64_t size_of(int fd) {
        struct stat st;

        return fstat(fd, &st) < 0 ? 0 : st.st_size;
}

/* Return: 0, or an errno. */
static int disk_take(int fd, int64_t end) {
        int64_t growth = end - size_of(fd);
        int error;

        if (growth < 0)
                growth = 0;
        pthread_mutex_lock(&disk_lock);
        error = disk_error ? disk_error : growth > disk_room ? ENOSPC : 0;
        if (error == 0)
                disk_room -= growth;
        pthread_mutex_unlock(&disk_lock);
        return error;
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at) {
        int error = disk_take(fd, at + (int64_t)n);

        if (error == 0)
                return syscall(SYS_pwrite64, fd, bytes, n, at);
        errno = error;
        return -1;
}

/* As on many file systems, what there was is taken where it is not enough. */
int posix_fallocate(int fd, off_t at, off_t n) {
        int error = disk_take(fd, at + n);
        int64_t more = size_of(fd) + disk_left();

        if (error == ENOSPC && more > 0 && disk_take(fd, more) == 0)
                (void)syscall(SYS_fallocate, fd, 0, 0, more);
        return error ? error : (int)syscall(SYS_fallocate, fd, 0, at, n);
}

int ftruncate64(int fd, off64_t size) {
        int64_t freed = size_of(fd) - size;

        pthread_mutex_lock(&disk_lock);
        disk_room += freed;
        pthread_mutex_unlock(&disk_lock);
        return (int)syscall(SYS_ftruncate, fd, size);
}

int ftruncate(int fd, off_t size) {
        return ftruncate64(fd, size);
}

static int64_t reserve_size(const Fixture *f) {
        struct stat st;

        assert_int_equal(stat(fixture_path(f, STATE_RESERVE), &st), 0);
        return st.st_size;
}

static void attach(Fixture *f) {
        disk_set(NO_END, 0);
        fixture_attach(f);
}

/* Puts a session of that number, with a tag of that many bytes, and waits. */
static int put(Fixture *f, uint64_t number, size_t size, bool vital) {
        CLEANUP(freep) char *tag = malloc(size + 1);
        BatchRow row = { .row = row_of(KIND_SESSION, number) };
        Batch batch = batch_of(&row, 1);
        int r;

        assert_non_null(tag);
        memset(tag, 'x', size);
        tag[size] = 0;
        assert_int_equal(spec_set_text(&row.row.spec, SPEC_TAG, tag), 0);
        batch.vital = vital;
        r = fixture_commit(f, &batch);
        row_deinit(&row.row);
        return r;
}

static int64_t n_sessions(const Fixture *f) {
        return fixture_query(f, "SELECT count(*) FROM objects");
}

static void test_reserve(void **state) {
        Fixture *f = *state;

        attach(f);
        assert_int_equal(reserve_size(f), RESERVE_SIZE);
        assert_int_equal(put(f, 1, 10, false), 0);
        assert_int_equal(put(f, 2, 10, true), 0);
        assert_int_equal(reserve_size(f), RESERVE_SIZE);
        fixture_close(f);

        /* It has held a state file that somebody has removed: a first start all the same. */
        assert_int_equal(unlink(fixture_path(f, STATE_FILE)), 0);
        assert_int_equal(reserve_size(f), RESERVE_SIZE);
        fixture_open(f);
}

/* A process that ended while it saw whether there is as much again leaves twice as much. */
static void test_reserve_too_large(void **state) {
        Fixture *f = *state;

        attach(f);
        fixture_close(f);
        assert_int_equal(truncate(fixture_path(f, STATE_RESERVE), 2 * RESERVE_SIZE), 0);
        fixture_open(f);
        assert_int_equal(reserve_size(f), RESERVE_SIZE);
}

/* What is common is refused, and what is vital has the reserve, until there is room again. */
static void test_full(void **state) {
        Fixture *f = *state;

        attach(f);
        assert_int_equal(put(f, 1, 10, false), 0);
        disk_set(0, 0);
        assert_int_equal(put(f, 2, 100000, false), -ENOSPC);
        assert_int_equal(reserve_size(f), RESERVE_SIZE);
        assert_int_equal(n_sessions(f), 1);

        assert_int_equal(put(f, 2, 100000, true), 0);
        assert_int_equal(reserve_size(f), 0);
        assert_int_equal(n_sessions(f), 2);
        /* The room that is left now is the reserve's, and not for what is common. */
        assert_true(disk_left() > 500000);
        assert_int_equal(put(f, 3, 10, false), -ENOSPC);
        assert_int_equal(put(f, 3, 10, true), 0);

        disk_set(2 * RESERVE_SIZE, 0);
        assert_int_equal(put(f, 4, 10, false), 0);
        assert_int_equal(reserve_size(f), RESERVE_SIZE);
        assert_int_equal(n_sessions(f), 4);
}

/* As long as all that is stored fits into what is there: it does not come and go. */
static void test_tight(void **state) {
        Fixture *f = *state;

        attach(f);
        assert_int_equal(put(f, 1, 10, false), 0);
        disk_set(0, 0);
        assert_int_equal(put(f, 1, 100000, false), -ENOSPC);
        assert_int_equal(put(f, 1, 10, false), -ENOSPC);
        assert_int_equal(put(f, 1, 10, true), 0);
        disk_set(RESERVE_SIZE - 1, 0);
        assert_int_equal(put(f, 1, 10, false), -ENOSPC);
        assert_int_equal(reserve_size(f), RESERVE_SIZE);
        assert_true(disk_left() == RESERVE_SIZE - 1);

        disk_set(RESERVE_SIZE, 0);
        assert_int_equal(put(f, 1, 10, false), 0);
        assert_int_equal(reserve_size(f), RESERVE_SIZE);
        disk_set(40000, 0);
        assert_int_equal(put(f, 1, 20, false), 0);
}

/* A failed attempt to make it again leaves nothing of it. */
static void test_reserve_in_parts(void **state) {
        Fixture *f = *state;

        attach(f);
        disk_set(0, 0);
        assert_int_equal(put(f, 1, 100000, true), 0);
        disk_set(RESERVE_SIZE - 1, 0);
        assert_int_equal(put(f, 2, 10, false), -ENOSPC);
        assert_int_equal(reserve_size(f), 0);
        assert_true(disk_left() == RESERVE_SIZE - 1);
}

static void test_reserve_too_small(void **state) {
        Fixture *f = *state;

        attach(f);
        disk_set(0, 0);
        assert_int_equal(put(f, 1, 2 * RESERVE_SIZE, true), -ENOSPC);
        assert_int_equal(n_sessions(f), 0);
        assert_int_equal(put(f, 1, 10, true), 0);
        disk_set(NO_END, 0);
        assert_int_equal(put(f, 2, 2 * RESERVE_SIZE, true), 0);
}

/* Written over from its beginning, the log needs no more room however much comes. */
static void test_log_begins_anew(void **state) {
        struct stat log;
        Fixture *f = *state;

        attach(f);
        assert_int_equal(put(f, 1, 10, false), 0);
        disk_set(0, 0);
        for (unsigned i = 0; i < 1000; i++)
                assert_int_equal(put(f, 1, 10 + i % 10, true), 0);
        assert_int_equal(stat(fixture_path(f, STATE_FILE "-wal"), &log), 0);
        assert_true(log.st_size < RESERVE_SIZE);

        fixture_close(f);
        attach(f);
        assert_int_equal(n_sessions(f), 1);
        assert_int_equal(fixture_query(f, "SELECT length(tag) FROM objects"), 19);
}

/* Where the disk refuses an ever smaller one: nothing of a batch that is refused is there. */
static void test_all_or_nothing(void **state) {
        Fixture *f = *state;

        attach(f);
        for (unsigned i = 1; i < 100; i++) {
                int r;

                disk_set(i * 1000, 0);
                r = put(f, i, 40000, i % 2 == 0);
                assert_true(r == 0 || r == -ENOSPC);
                disk_set(NO_END, 0);
                assert_int_equal(fixture_query(f, "SELECT last_session FROM counters"),
                                 fixture_query(f, "SELECT max(number) FROM objects"));
                assert_int_equal(put(f, i, 40000, false), 0);
                assert_int_equal(n_sessions(f), i);
        }
        assert_int_equal(fixture_query(f, "SELECT 1 FROM pragma_integrity_check "
                                          "WHERE integrity_check = 'ok'"),
                         1);
}

/* A start finds the disk full: what is there is read, and the first batch says so. */
static void test_start_when_full(void **state) {
        /* Without a reserve there must be as much as SQLite's index of the log takes. */
        static const int64_t rooms[] = { 0, 70000, 40000, 100000, RESERVE_SIZE };
        Restored restored;
        Fixture *f = *state;

        attach(f);
        assert_int_equal(put(f, 1, 100000, false), 0);
        fixture_close(f);
        for (size_t i = 0; i < ELEMENTSOF(rooms); i++) {
                bool with_reserve = i % 2 == 0;

                if (!with_reserve)
                        assert_int_equal(unlink(fixture_path(f, STATE_RESERVE)), 0);
                disk_set(rooms[i], 0);
                fixture_open(f);
                restored = (Restored){ 0 };
                assert_int_equal(fixture_restore(f, &restored, NULL), 0);
                assert_int_equal(restored.n_rows, 1);
                restored_deinit(&restored);
                fixture_attach_open(f);
                if (!with_reserve)
                        assert_int_equal(put(f, 2, 10, false), -ENOSPC);
                disk_set(NO_END, 0);
                assert_int_equal(put(f, 1, 100000, false), 0);
                fixture_close(f);
        }
}

/* Only a full disk passes. */
static void test_broken_reserve(void **state) {
        Fixture *f = *state;

        attach(f);
        disk_set(0, 0);
        assert_int_equal(put(f, 1, 100000, true), 0);
        assert_int_equal(put(f, 2, 10, false), -ENOSPC);
        disk_set(NO_END, EDQUOT);
        assert_int_equal(put(f, 2, 10, false), -ENOSPC);
        disk_set(NO_END, EIO);
        assert_int_equal(put(f, 2, 10, false), -EIO);
        disk_set(NO_END, 0);
        assert_int_equal(put(f, 2, 10, false), -EIO);
        assert_int_equal(put(f, 2, 10, true), -EIO);
        assert_int_equal(n_sessions(f), 1);
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                STORE_TEST(test_reserve),
                STORE_TEST(test_reserve_too_large),
                STORE_TEST(test_full),
                STORE_TEST(test_tight),
                STORE_TEST(test_reserve_in_parts),
                STORE_TEST(test_reserve_too_small),
                STORE_TEST(test_log_begins_anew),
                STORE_TEST(test_all_or_nothing),
                STORE_TEST(test_start_when_full),
                STORE_TEST(test_broken_reserve),
        };

        return cmocka_run_group_tests_name("store: full disk", tests, NULL, NULL);
}
