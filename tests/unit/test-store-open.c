/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/store-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

static unsigned mode_of(const char *path) {
        struct stat st;

        assert_int_equal(lstat(path, &st), 0);
        return st.st_mode & 07777;
}

static bool exists(const char *path) {
        struct stat st;

        return lstat(path, &st) == 0;
}

/* The whole of a file; to be freed. */
static char *contents_of(const char *path, size_t *ret_size) {
        FILE *stream = fopen(path, "re");
        char *contents;
        long size;

        assert_non_null(stream);
        assert_int_equal(fseek(stream, 0, SEEK_END), 0);
        size = ftell(stream);
        rewind(stream);
        contents = malloc((size_t)size + 1);
        assert_non_null(contents);
        assert_int_equal(fread(contents, 1, (size_t)size, stream), size);
        fclose(stream);
        *ret_size = (size_t)size;
        return contents;
}

static void assert_same_contents(const char *a, const char *b) {
        CLEANUP(freep) char *of_a = NULL, *of_b = NULL;
        size_t n_a, n_b;

        of_a = contents_of(a, &n_a);
        of_b = contents_of(b, &n_b);
        assert_int_equal(n_a, n_b);
        assert_memory_equal(of_a, of_b, n_a);
}

/* A shell command that must succeed. */
__attribute__((format(printf, 1, 2))) static void shell(const char *format, ...) {
        CLEANUP(freep) char *command = NULL;
        va_list arguments;

        va_start(arguments, format);
        if (vasprintf(&command, format, arguments) < 0)
                command = NULL;
        va_end(arguments);
        assert_non_null(command);
        assert_int_equal(system(command), 0);
}

static void write_at(const char *path, long at, const char *text) {
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, text, strlen(text), at), strlen(text));
        close(fd);
}

static void test_first_start(void **state) {
        static const mode_t masks[] = { 0, 022, 0777 };
        Fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(masks); i++) {
                mode_t before = umask(masks[i]);

                (void)snprintf(f->directory, sizeof(f->directory), "%s/%zu/below", f->root, i);
                fixture_open(f);
                umask(before);

                assert_int_equal(mode_of(f->directory), 0700);
                assert_int_equal(mode_of(fixture_path(f, "..")), 0700);
                assert_int_equal(mode_of(fixture_path(f, STATE_FILE)), 0600);
                assert_int_equal(mode_of(fixture_path(f, STATE_FILE "-wal")), 0600);
                assert_false(exists(fixture_path(f, STATE_FILE_NEW)));
                fixture_close(f);
                assert_false(exists(fixture_path(f, STATE_FILE "-wal")));
                fixture_open(f);
                fixture_close(f);
        }
}

static void test_interrupted_first_start(void **state) {
        Fixture *f = *state;

        assert_int_equal(mkdir(f->directory, 0700), 0);
        write_at(fixture_path(f, STATE_FILE_NEW), 0, "half of a state file");
        write_at(fixture_path(f, STATE_FILE_NEW "-journal"), 0, "and of its journal");
        fixture_open(f);
        assert_false(exists(fixture_path(f, STATE_FILE_NEW)));
        assert_false(exists(fixture_path(f, STATE_FILE_NEW "-journal")));
}

static void test_settings(void **state) {
        Fixture *f = *state;
        int64_t value;

        fixture_open(f);
        assert_int_equal(
                fixture_query(f, "SELECT 1 FROM pragma_journal_mode WHERE journal_mode = 'wal'"),
                1);
        assert_int_equal(database_get_int(&f->store->database, "PRAGMA synchronous", &value), 0);
        assert_int_equal(value, 2);
        assert_int_equal(database_get_int(&f->store->database, "PRAGMA secure_delete", &value), 0);
        assert_int_equal(value, 1);
        assert_int_equal(fixture_query(f, "PRAGMA user_version"), schema_current.version);
}

static void test_directory_modes(void **state) {
        Fixture *f = *state;

        assert_int_equal(mkdir(f->directory, 0700), 0);
        assert_int_equal(chmod(f->directory, 0755), 0);
        fixture_open(f);
        assert_int_equal(mode_of(f->directory), 0700);
        fixture_close(f);

        assert_int_equal(chmod(fixture_path(f, STATE_FILE), 0644), 0);
        fixture_open(f);
        assert_int_equal(mode_of(fixture_path(f, STATE_FILE)), 0600);
        fixture_close(f);

        assert_int_equal(chmod(f->directory, 0770), 0);
        fixture_refused(f, "may be written by others");
        assert_int_equal(mode_of(f->directory), 0770);
        assert_int_equal(chmod(f->directory, 0702), 0);
        fixture_refused(f, "may be written by others");
}

static void test_directory_of_another(void **state) {
        Fixture *f = *state;

        if (geteuid() != 0)
                skip();
        assert_int_equal(mkdir(f->directory, 0700), 0);
        assert_int_equal(chown(f->directory, 65534, 65534), 0);
        fixture_refused(f, "belongs to uid 65534");
}

static void test_directory_is_none(void **state) {
        Fixture *f = *state;

        write_at(f->directory, 0, "a file");
        fixture_refused(f, "Not a directory");
        assert_true(snprintf(f->directory, sizeof(f->directory), "%s/state/below", f->root) > 0);
        fixture_refused(f, "Not a directory");
}

static void test_directory_by_link(void **state) {
        Fixture *f = *state;
        char link[sizeof(f->directory)];

        fixture_open(f);
        fixture_close(f);
        (void)snprintf(link, sizeof(link), "%s/link", f->root);
        assert_int_equal(symlink("state", link), 0);
        strcpy(f->directory, link);
        fixture_open(f);
}

static void test_lock(void **state) {
        Fixture *f = *state;
        Store *first;

        fixture_open(f);
        first = TAKE(f->store);
        fixture_refused(f, "in use by another convened");
        first = store_close(first);
        assert_null(first);
        fixture_open(f);
}

static void test_file_is_link(void **state) {
        Fixture *f = *state;

        fixture_open(f);
        fixture_close(f);
        assert_int_equal(rename(fixture_path(f, STATE_FILE), fixture_path(f, "elsewhere")), 0);
        assert_int_equal(symlink("elsewhere", fixture_path(f, STATE_FILE)), 0);
        fixture_refused(f, "is a symbolic link");

        assert_int_equal(unlink(fixture_path(f, STATE_FILE)), 0);
        assert_int_equal(symlink("nowhere", fixture_path(f, STATE_FILE)), 0);
        fixture_refused(f, "is a symbolic link");

        assert_int_equal(unlink(fixture_path(f, STATE_FILE)), 0);
        assert_int_equal(mkdir(fixture_path(f, STATE_FILE), 0700), 0);
        fixture_refused(f, "is not a regular file");
}

/* Covers "daemon: missing state". */
static void test_file_is_missing(void **state) {
        Fixture *f = *state;

        assert_int_equal(mkdir(f->directory, 0700), 0);
        write_at(fixture_path(f, "something"), 0, "");
        fixture_refused(f, "something is there");
        assert_false(exists(fixture_path(f, STATE_FILE)));

        assert_int_equal(unlink(fixture_path(f, "something")), 0);
        fixture_open(f);
        fixture_close(f);
        assert_int_equal(unlink(fixture_path(f, STATE_FILE)), 0);
        write_at(fixture_path(f, STATE_FILE "-wal"), 0, "a log of nothing");
        fixture_refused(f, "Restore state.db from a backup");
}

static void test_other_account(void **state) {
        static const struct {
                const char *name, *account_id, *base_url, *expect;
        } cases[] = {
                { "account", "9900001", BASE_URL, "belongs to AccountId " ACCOUNT_ID },
                { "URL", ACCOUNT_ID, "https://example.com", "at BaseUrl " BASE_URL },
                { "both", "", "", "name another state directory" },
        };
        Fixture *f = *state;

        fixture_open(f);
        fixture_close(f);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const StoreConfig config = { .directory = f->directory,
                                             .account_id = cases[i].account_id,
                                             .base_url = cases[i].base_url };
                CLEANUP(freep) char *reason = NULL;
                Store *store = NULL;

                CASE(cases[i].name,
                     store_open(&store, &config, test_now, &reason) == STORE_REFUSED);
                CASE(cases[i].name, strstr(reason, cases[i].expect));
                CASE(cases[i].name, !store);
        }
        fixture_open(f);
}

/* Each makes the good file at @path a bad one. */
static void damage_header(const char *path) {
        write_at(path, 0, "Not a database");
}

/* One in the midst of the rows, which nothing but the check reads. */
static void damage_page(const char *path) {
        write_at(path, 50 * 4096, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");
}

static void damage_length(const char *path) {
        struct stat st;

        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(truncate(path, st.st_size / 2 / 4096 * 4096 + 100), 0);
}

static void damage_all(const char *path) {
        assert_int_equal(truncate(path, 0), 0);
}

static void damage_owner(const char *path) {
        sqlite3 *connection = NULL;

        assert_int_equal(unlink(path), 0);
        assert_int_equal(sqlite3_open(path, &connection), SQLITE_OK);
        assert_int_equal(sqlite3_exec(connection, "CREATE TABLE mine (a); PRAGMA user_version = 1",
                                      NULL, NULL, NULL),
                         SQLITE_OK);
        assert_int_equal(sqlite3_close(connection), SQLITE_OK);
}

static void copy_of(const Fixture *f, char *ret, size_t size) {
        struct stat st;
        struct tm tm;
        char stamp[32];

        assert_int_equal(stat(fixture_path(f, STATE_FILE), &st), 0);
        assert_non_null(gmtime_r(&st.st_mtime, &tm));
        assert_true(strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm) > 0);
        (void)snprintf(ret, size, "%s/%s%s", f->directory, STATE_DAMAGED, stamp);
}

/* Opens and closes a store with some hundred kilobytes in it. */
static void fill(Fixture *f) {
        BatchRow rows[300] = { 0 };
        char text[1000] = "";
        Batch batch;

        memset(text, 't', sizeof(text) - 1);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                rows[i].row = row_of(KIND_SESSION, i + 1);
                assert_int_equal(spec_set_text(&rows[i].row.spec, SPEC_TAG, text), 0);
        }
        batch = batch_of(rows, ELEMENTSOF(rows));
        fixture_attach(f);
        assert_int_equal(fixture_commit(f, &batch), 0);
        fixture_close(f);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                row_deinit(&rows[i].row);
}

/* Covers "daemon: damaged state". */
static void test_damaged(void **state) {
        static const struct {
                const char *name;
                void (*damage)(const char *path);
                const char *expect;
        } cases[] = {
                { "header", damage_header, "not a database" },
                { "page", damage_page, "is damaged" },
                { "truncated", damage_length, "is damaged" },
                { "empty", damage_all, "not a state file of convened" },
                { "of somebody else", damage_owner, "not a state file of convened" },
        };
        Fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char kept[160], copy[160];

                (void)snprintf(f->directory, sizeof(f->directory), "%s/%zu", f->root, i);
                fill(f);
                cases[i].damage(fixture_path(f, STATE_FILE));
                shell("cp %s/%s %s/kept-%zu", f->directory, STATE_FILE, f->root, i);
                (void)snprintf(kept, sizeof(kept), "%s/kept-%zu", f->root, i);
                copy_of(f, copy, sizeof(copy));

                fixture_refused(f, cases[i].expect);
                assert_same_contents(fixture_path(f, STATE_FILE), kept);
                assert_same_contents(copy, kept);
                assert_int_equal(mode_of(copy), 0600);

                /* Once more, and no second copy; the first is left alone. */
                write_at(copy, 0, "marked");
                fixture_refused(f, STATE_DAMAGED);
                assert_same_contents(fixture_path(f, STATE_FILE), kept);
                write_at(kept, 0, "marked");
                assert_same_contents(copy, kept);

                assert_int_equal(unlink(fixture_path(f, STATE_FILE)), 0);
                (void)unlink(fixture_path(f, STATE_FILE "-wal"));
                (void)unlink(fixture_path(f, STATE_FILE "-shm"));
                fixture_open(f);
                fixture_close(f);
        }
}

/* A refusal leaves even the log as it was: nothing is merged into a file that is not trusted. */
static void test_refused_is_untouched(void **state) {
        BatchRow row = { .row = row_of(KIND_SESSION, 1) };
        Batch batch = batch_of(&row, 1);
        Fixture *f = *state;

        fixture_attach(f);
        assert_int_equal(fixture_commit(f, &batch), 0);
        shell("mkdir -m 700 %s/copy && cp %s/state.db* %s/copy", f->root, f->directory, f->root);
        fixture_close(f);
        row_deinit(&row.row);

        /* As after a kill: a file, and a log that has all there is. */
        (void)snprintf(f->directory, sizeof(f->directory), "%s/copy", f->root);
        shell("cd %s/copy && cp state.db ../a && cp state.db-wal ../b", f->root);

        const StoreConfig config = { .directory = f->directory,
                                     .account_id = "another",
                                     .base_url = BASE_URL };
        CLEANUP(freep) char *reason = NULL;
        Store *store = NULL;

        assert_int_equal(store_open(&store, &config, test_now, &reason), STORE_REFUSED);
        shell("cd %s/copy && cmp state.db ../a && cmp state.db-wal ../b", f->root);

        fixture_open(f);
        assert_int_equal(fixture_query(f, "SELECT count(*) FROM objects"), 1);
}

static int open_with(Fixture *f, const Schema *schema, char **ret_reason) {
        const StoreConfig config = { .directory = f->directory,
                                     .account_id = ACCOUNT_ID,
                                     .base_url = BASE_URL };

        return store_open_schema(&f->store, &config, test_now, schema, ret_reason);
}

static void test_migration(void **state) {
        const char *const steps[] = {
                schema_current.steps[0],
                schema_current.steps[1],
                schema_current.steps[2],
                schema_current.steps[3],
                schema_current.steps[4],
                "ALTER TABLE objects ADD COLUMN colour TEXT; UPDATE objects SET colour = 'red'",
                "CREATE TABLE more (a INTEGER) STRICT",
        };
        const Schema later = { steps, 7 };
        BatchRow row = { .row = row_of(KIND_SESSION, 7) };
        Batch batch = batch_of(&row, 1);
        CLEANUP(freep) char *reason = NULL;
        Restored restored = { 0 };
        Fixture *f = *state;

        fixture_attach(f);
        assert_int_equal(fixture_commit(f, &batch), 0);
        fixture_close(f);
        row_deinit(&row.row);

        assert_int_equal(open_with(f, &later, &reason), 0);
        assert_int_equal(fixture_query(f, "PRAGMA user_version"), 7);
        assert_int_equal(fixture_query(f, "SELECT number FROM objects WHERE colour = 'red'"), 7);
        assert_int_equal(fixture_query(f, "SELECT count(*) FROM more"), 0);
        assert_int_equal(fixture_restore(f, &restored, NULL), 0);
        assert_int_equal(restored.n_rows, 1);
        restored_deinit(&restored);
        fixture_close(f);

        fixture_refused(
                f, "was written by a newer convened (its version is 7; this one reads up to 5)");
        assert_int_equal(fixture_query(f, "PRAGMA user_version"), 7);
        assert_int_equal(open_with(f, &later, &reason), 0);
}

/* What the first version wrote: nobody in it is known as a stranger. */
static void test_first_version(void **state) {
        BatchRow row = { .row = row_of(KIND_PARTICIPANT, 7) };
        Batch batch = batch_of(&row, 1);
        Restored restored = { 0 };
        Fixture *f = *state;

        row.row.spec->stranger = true;
        fixture_attach(f);
        assert_int_equal(fixture_commit(f, &batch), 0);
        fixture_close(f);
        row_deinit(&row.row);

        fixture_execute(f, "ALTER TABLE objects DROP COLUMN stranger;" FIXTURE_NO_ORIGIN
                           "PRAGMA user_version = 1");
        fixture_open(f);
        assert_int_equal(fixture_query(f, "PRAGMA user_version"), schema_current.version);
        assert_int_equal(fixture_restore(f, &restored, NULL), 0);
        assert_int_equal(restored.n_rows, 1);
        assert_false(restored.rows[0].spec->stranger);
        restored_deinit(&restored);
}

static void test_migration_fails(void **state) {
        const char *const steps[] = {
                schema_current.steps[0],
                schema_current.steps[1],
                schema_current.steps[2],
                schema_current.steps[3],
                schema_current.steps[4],
                "CREATE TABLE sixth (a INTEGER) STRICT",
                "CREATE TABLE seventh (a INTEGER) STRICT; UPDATE nowhere SET a = 1",
        };
        const Schema broken = { steps, 7 };
        CLEANUP(freep) char *reason = NULL;
        Fixture *f = *state;

        fixture_open(f);
        fixture_close(f);
        assert_true(open_with(f, &broken, &reason) < 0);
        assert_int_equal(fixture_query(f, "PRAGMA user_version"), 6);
        assert_int_equal(
                fixture_query(f, "SELECT count(*) FROM sqlite_schema WHERE name = 'seventh'"), 0);
        assert_int_equal(open_with(f, &(Schema){ steps, 6 }, &reason), 0);
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                STORE_TEST(test_first_start),
                STORE_TEST(test_interrupted_first_start),
                STORE_TEST(test_settings),
                STORE_TEST(test_directory_modes),
                STORE_TEST(test_directory_of_another),
                STORE_TEST(test_directory_is_none),
                STORE_TEST(test_directory_by_link),
                STORE_TEST(test_lock),
                STORE_TEST(test_file_is_link),
                STORE_TEST(test_file_is_missing),
                STORE_TEST(test_other_account),
                STORE_TEST(test_damaged),
                STORE_TEST(test_refused_is_untouched),
                STORE_TEST(test_migration),
                STORE_TEST(test_first_version),
                STORE_TEST(test_migration_fails),
        };

        return cmocka_run_group_tests_name("store: open", tests, NULL, NULL);
}
