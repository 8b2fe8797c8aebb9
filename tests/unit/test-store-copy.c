/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/store-fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether a state file is the one that was written last, as far as that can be told. */

#define HERE  "0123456789abcdef0123456789abcdef"
#define THERE "fedcba9876543210fedcba9876543210"

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
        assert_int_equal(store_copy(f->store), COPY_NONE);
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
        assert_int_equal(store_copy(f->store), kind);
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
        assert_int_equal(store_copy(f->store), COPY_HERE);
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
                STORE_TEST(test_own),        STORE_TEST(test_backup),    STORE_TEST(test_machine),
                STORE_TEST(test_birth),      STORE_TEST(test_not_known), STORE_TEST(test_before),
                STORE_TEST(test_odd_values),
        };

        return cmocka_run_group_tests_name("store: copy", tests, NULL, NULL);
}
