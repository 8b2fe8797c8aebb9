/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/folder.h"

#include "base/text.h"
#include "daemon/credentials.h"
#include "daemon/refusal.h"

static int load(Credentials **ret, const Folder *folder, const char *name, const char *directory,
                char **ret_reason) {
        return credentials_load(ret, folder_path(folder, name), directory, ret_reason);
}

static void test_contents(void **state) {
        static const struct {
                const char *text, *user, *password;
        } cases[] = {
                { "user:pass\n", "user", "pass" },
                { "user:pass", "user", "pass" },
                { "user:a:b:c\n", "user", "a:b:c" },
                { "us er: p\xc3\xa9 \n", "us er", " p\xc3\xa9 " },
                { "", NULL, NULL },
                { "\n", NULL, NULL },
                { "canary\n", NULL, NULL },
                { ":canary\n", NULL, NULL },
                { "user:\n", NULL, NULL },
                { "user:canary\nx:y\n", NULL, NULL },
                { "user:canary\n\n", NULL, NULL },
                { "user:canary\r\n", NULL, NULL },
                { "user:canary\xff\n", NULL, NULL },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP(credentials_freep) Credentials *c = NULL;
                CLEANUP(freep) char *reason = NULL;
                CLEANUP(folder_deinit) Folder folder;
                int r;

                folder_init(&folder);
                folder_write(&folder, "secret", cases[i].text);
                assert_int_equal(chmod(folder_path(&folder, "secret"), 0600), 0);
                r = load(&c, &folder, "secret", NULL, &reason);
                CASE(cases[i].text, r == (cases[i].user ? 0 : REFUSED));
                if (r == REFUSED) {
                        CASE(cases[i].text, strstr(reason, "user:password"));
                        CASE(cases[i].text, !strstr(reason, "canary"));
                        continue;
                }
                CASE(cases[i].text, streq(c->user, cases[i].user));
                CASE(cases[i].text, streq(c->password, cases[i].password));
        }
}

static void test_too_much(void **state) {
        CLEANUP(credentials_freep) Credentials *c = NULL;
        CLEANUP(freep) char *reason = NULL;
        CLEANUP(folder_deinit) Folder folder;
        char large[8192];

        (void)state;
        folder_init(&folder);
        memset(large, 'a', sizeof(large));
        large[4] = ':';
        folder_write_bytes(&folder, "secret", large, sizeof(large));
        assert_int_equal(chmod(folder_path(&folder, "secret"), 0600), 0);
        assert_int_equal(load(&c, &folder, "secret", NULL, &reason), REFUSED);
        free(TAKE(reason));

        folder_write_bytes(&folder, "secret", "a:b\0c", 5);
        assert_int_equal(load(&c, &folder, "secret", NULL, &reason), REFUSED);
}

/* Who may read the file decides, not only whether we can. */
static void test_access(void **state) {
        static const struct {
                mode_t mode;
                bool usable;
        } cases[] = { { 0600, true },  { 0400, true },  { 0640, false }, { 0604, false },
                      { 0620, false }, { 0602, false }, { 0610, false } };
        CLEANUP(folder_deinit) Folder folder;

        (void)state;
        folder_init(&folder);
        folder_write(&folder, "secret", "user:pass\n");
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP(credentials_freep) Credentials *c = NULL;
                CLEANUP(freep) char *reason = NULL;

                assert_int_equal(chmod(folder_path(&folder, "secret"), cases[i].mode), 0);
                assert_int_equal(load(&c, &folder, "secret", NULL, &reason),
                                 cases[i].usable ? 0 : REFUSED);
                if (!cases[i].usable) {
                        assert_non_null(strstr(reason, folder_path(&folder, "secret")));
                        assert_non_null(strstr(reason, "chmod 0600"));
                }
        }
}

static void test_kinds_of_file(void **state) {
        CLEANUP(credentials_freep) Credentials *c = NULL;
        CLEANUP(freep) char *reason = NULL;
        CLEANUP(folder_deinit) Folder folder;

        (void)state;
        folder_init(&folder);
        assert_int_equal(load(&c, &folder, "missing", NULL, &reason), REFUSED);
        assert_non_null(strstr(reason, "can't be read: No such file"));
        free(TAKE(reason));

        folder_add(&folder, "folder");
        assert_int_equal(load(&c, &folder, "folder", NULL, &reason), REFUSED);
        assert_non_null(strstr(reason, "not a regular file"));
        free(TAKE(reason));

        assert_int_equal(mkfifo(folder_path(&folder, "fifo"), 0600), 0);
        assert_int_equal(load(&c, &folder, "fifo", NULL, &reason), REFUSED);
        assert_non_null(strstr(reason, "not a regular file"));
}

static void test_systemd_credential(void **state) {
        CLEANUP(credentials_freep) Credentials *c = NULL;
        CLEANUP(freep) char *reason = NULL, *directory = NULL;
        CLEANUP(folder_deinit) Folder folder;

        (void)state;
        folder_init(&folder);
        folder_add(&folder, "credentials");
        directory = strdup(folder_path(&folder, "credentials"));
        assert_non_null(directory);

        assert_int_equal(credentials_load(&c, "", directory, &reason), REFUSED);
        assert_non_null(strstr(reason, "CredentialsFile="));
        free(TAKE(reason));
        assert_int_equal(credentials_load(&c, "", NULL, &reason), REFUSED);
        free(TAKE(reason));

        /* systemd makes them 0440, with an ACL. */
        folder_write(&folder, "credentials/api", "user:pass\n");
        folder_write(&folder, "credentials/other", "other:pass\n");
        folder_write(&folder, "outside", "outside:pass\n");
        assert_int_equal(chmod(folder_path(&folder, "credentials/api"), 0440), 0);
        assert_int_equal(chmod(folder_path(&folder, "credentials/other"), 0440), 0);
        assert_int_equal(chmod(folder_path(&folder, "outside"), 0440), 0);

        assert_int_equal(credentials_load(&c, "", directory, &reason), 0);
        assert_string_equal(c->user, "user");
        c = credentials_free(c);

        assert_int_equal(load(&c, &folder, "credentials/other", directory, &reason), 0);
        assert_string_equal(c->user, "other");
        c = credentials_free(c);

        assert_int_equal(load(&c, &folder, "credentials/../outside", directory, &reason), REFUSED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_contents),
                cmocka_unit_test(test_too_much),
                cmocka_unit_test(test_access),
                cmocka_unit_test(test_kinds_of_file),
                cmocka_unit_test(test_systemd_credential),
        };

        return cmocka_run_group_tests_name("credentials", tests, NULL, NULL);
}
