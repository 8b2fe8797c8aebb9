/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/store-fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Whether a state file is the one that was written last, as far as that can be told. */

#define HERE  "0123456789abcdef0123456789abcdef"
#define THERE "fedcba9876543210fedcba9876543210"

static CopyKind copy_of(const Fixture *f) {
        const char *why = NULL;
        CopyKind kind = store_copy(f->store, &why);

        assert_int_equal(why != NULL, kind != COPY_NONE);
        return kind;
}

static void commit_one(Fixture *f) {
        BatchRow row = { .row = row_of(KIND_SESSION, 7) };
        Batch batch = batch_of(&row, 1);

        assert_int_equal(fixture_commit(f, &batch), 0);
        row_deinit(&row.row);
}

/* A state of the machine HERE with a session in it, closed. */
static void make_state(Fixture *f) {
        f->machine = HERE;
        fixture_attach(f);
        assert_int_equal(copy_of(f), COPY_NONE);
        commit_one(f);
        fixture_close(f);
}

/* As "cp state.db copy; mv copy state.db". */
static void restore_backup(const Fixture *f) {
        const char *from = fixture_path(f, STATE_FILE), *to = fixture_path(f, "copy");
        FILE *in = fopen(from, "re"), *out = fopen(to, "wxe");
        char bytes[4096];
        size_t n;

        assert_non_null(in);
        assert_non_null(out);
        while ((n = fread(bytes, 1, sizeof(bytes), in)) > 0)
                assert_int_equal(fwrite(bytes, 1, n, out), n);
        assert_int_equal(fclose(in), 0);
        assert_int_equal(fclose(out), 0);
        assert_int_equal(rename(to, from), 0);
}

static void expect(Fixture *f, CopyKind kind) {
        fixture_open(f);
        assert_int_equal(copy_of(f), kind);
        fixture_close(f);
}

static void test_own(void **state) {
        Fixture *f = *state;

        make_state(f);
        for (unsigned i = 0; i < 3; i++)
                expect(f, COPY_NONE);
        assert_int_equal(fixture_query(f, "SELECT machine = '" HERE "' FROM identity"), 1);
}

/* It is one until it is durable what was made of it: a commit in which no counter changes says
 * nothing of that. */
static void test_backup(void **state) {
        Fixture *f = *state;
        BatchRow row = { .row = row_of(KIND_SESSION, 7) };
        Batch batch = batch_of(&row, 1);

        make_state(f);
        restore_backup(f);
        expect(f, COPY_HERE);
        expect(f, COPY_HERE);

        batch.counters_changed = false;
        fixture_attach(f);
        assert_int_equal(fixture_commit(f, &batch), 0);
        fixture_close(f);
        row_deinit(&row.row);
        expect(f, COPY_HERE);

        fixture_attach(f);
        assert_int_equal(copy_of(f), COPY_HERE);
        commit_one(f);
        fixture_close(f);
        expect(f, COPY_NONE);

        restore_backup(f);
        expect(f, COPY_HERE);
}

static void test_machine(void **state) {
        Fixture *f = *state;

        make_state(f);
        f->machine = THERE;
        expect(f, COPY_ELSEWHERE);
        restore_backup(f);
        expect(f, COPY_ELSEWHERE);
        fixture_attach(f);
        commit_one(f);
        fixture_close(f);
        expect(f, COPY_NONE);
        f->machine = HERE;
        expect(f, COPY_ELSEWHERE);
}

/* The inode may be the same again; the time at which it was made is not. */
static void test_birth(void **state) {
        Fixture *f = *state;
        struct statx st;

        make_state(f);
        assert_int_equal(statx(AT_FDCWD, fixture_path(f, STATE_FILE), 0, STATX_BTIME, &st), 0);
        if (!(st.stx_mask & STATX_BTIME))
                skip();
        assert_int_equal(fixture_query(f, "SELECT born_at / 1000000 FROM identity"),
                         st.stx_btime.tv_sec);
        fixture_execute(f, "UPDATE identity SET born_at = born_at - 1");
        expect(f, COPY_HERE);
}

/* What is not known is not compared, and written down once it is. */
static void test_not_known(void **state) {
        Fixture *f = *state;

        fixture_open(f);
        fixture_close(f);
        f->machine = HERE;
        expect(f, COPY_NONE);
        f->machine = NULL;
        expect(f, COPY_NONE);
        f->machine = THERE;
        expect(f, COPY_ELSEWHERE);

        f->machine = HERE;
        fixture_execute(f, "UPDATE identity SET born_at = NULL");
        expect(f, COPY_NONE);
        assert_int_equal(fixture_query(f, "SELECT born_at IS NOT NULL FROM identity"), 1);
}

/* One of before says from now on which file it is. */
static void test_before(void **state) {
        Fixture *f = *state;

        make_state(f);
        fixture_execute(f, FIXTURE_NO_ORIGIN "PRAGMA user_version = 2");
        restore_backup(f);
        expect(f, COPY_NONE);
        restore_backup(f);
        expect(f, COPY_HERE);
}

/* As a kill leaves it: what was stored last is in the log alone. */
static void make_killed(Fixture *f) {
        int status;
        pid_t child;

        f->machine = HERE;
        child = fork();
        if (child == 0) {
                /* The loop of the parent is not for others. */
                assert_true(sd_event_new(&f->event) >= 0);
                fixture_attach(f);
                commit_one(f);
                _exit(EXIT_SUCCESS);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        assert_int_equal(access(fixture_path(f, STATE_FILE "-wal"), F_OK), 0);
}

static void test_killed(void **state) {
        Fixture *f = *state;

        make_killed(f);
        expect(f, COPY_NONE);
        assert_int_equal(fixture_query(f, "SELECT log FROM identity"), 0);
        assert_int_equal(fixture_query(f, "SELECT number FROM objects"), 7);
}

/* What is left is older than what was there, as long as nothing has come of it. */
static void test_log_is_missing(void **state) {
        static const bool emptied[] = { false, true };

        for (size_t i = 0; i < ELEMENTSOF(emptied); i++) {
                Fixture *f = *state;

                (void)snprintf(f->directory, sizeof(f->directory), "%s/%zu", f->root, i);
                make_killed(f);
                if (emptied[i])
                        assert_int_equal(truncate(fixture_path(f, STATE_FILE "-wal"), 0), 0);
                else
                        assert_int_equal(unlink(fixture_path(f, STATE_FILE "-wal")), 0);
                expect(f, COPY_HERE);
                assert_int_equal(fixture_query(f, "SELECT count(*) FROM objects"), 0);
                expect(f, COPY_HERE);
                fixture_attach(f);
                commit_one(f);
                fixture_close(f);
                expect(f, COPY_NONE);
        }
}

/* SQLite would take it for an empty one, and write over it. */
static void test_log_is_damaged(void **state) {
        static const long at[] = { 0, 4, 16, 31 };

        for (size_t i = 0; i < ELEMENTSOF(at); i++) {
                Fixture *f = *state;
                const char *log;
                FILE *file;

                (void)snprintf(f->directory, sizeof(f->directory), "%s/%zu", f->root, i);
                make_killed(f);
                log = fixture_path(f, STATE_FILE "-wal");
                file = fopen(log, "r+e");
                assert_non_null(file);
                assert_int_equal(fseek(file, at[i], SEEK_SET), 0);
                int byte = fgetc(file);
                assert_int_equal(fseek(file, at[i], SEEK_SET), 0);
                assert_int_equal(fputc(byte ^ 0x10, file), byte ^ 0x10);
                assert_int_equal(fflush(file), 0);
                fixture_refused(f, "state.db-wal alone, and that is damaged");
                fixture_refused(f, "state.db-wal alone, and that is damaged");

                /* All is there still. */
                assert_int_equal(fseek(file, at[i], SEEK_SET), 0);
                assert_int_equal(fputc(byte, file), byte);
                assert_int_equal(fclose(file), 0);
                expect(f, COPY_NONE);
                assert_int_equal(fixture_query(f, "SELECT number FROM objects"), 7);
        }
}

/* What lies beside the file is ours, or it is not used. */
static void test_no_files(void **state) {
        static const char *const names[] = { STATE_FILE "-wal", STATE_FILE "-shm",
                                             STATE_FILE "-journal", STATE_RESERVE };
        Fixture *f = *state;

        make_state(f);
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                const char *path = fixture_path(f, names[i]);

                (void)unlink(path);
                assert_int_equal(symlink("/dev/null", path), 0);
                fixture_refused(f, "is not a regular file");
                assert_int_equal(unlink(path), 0);
                assert_int_equal(mkdir(path, 0700), 0);
                fixture_refused(f, names[i]);
                assert_int_equal(rmdir(path), 0);
        }
        expect(f, COPY_NONE);
}

/* What is no id of a machine, in a file that somebody has written to, does no harm. */
static void test_odd_values(void **state) {
        Fixture *f = *state;

        make_state(f);
        fixture_execute(f, "UPDATE identity SET machine = printf('%1000c', 'x')");
        expect(f, COPY_ELSEWHERE);
        fixture_execute(f, "UPDATE identity SET machine = '" HERE "', inode = -1");
        expect(f, COPY_HERE);
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                STORE_TEST(test_own),
                STORE_TEST(test_backup),
                STORE_TEST(test_machine),
                STORE_TEST(test_birth),
                STORE_TEST(test_not_known),
                STORE_TEST(test_before),
                STORE_TEST(test_odd_values),
                STORE_TEST(test_killed),
                STORE_TEST(test_log_is_missing),
                STORE_TEST(test_log_is_damaged),
                STORE_TEST(test_no_files),
        };

        return cmocka_run_group_tests_name("store: copy", tests, NULL, NULL);
}
