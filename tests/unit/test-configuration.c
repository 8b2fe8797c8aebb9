/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/folder.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "base/text.h"
#include "daemon/configuration.h"
#include "daemon/refusal.h"

#define ACCOUNT "[Api]\nAccountId=9900000\n"

static char warnings[4096];

/* A drop-in that names a file with a certificate; return: the file, static. */
static const char *add_certificate(const Folder *folder) {
        static char path[PATH_MAX];
        char text[PATH_MAX + 16];

        folder_write(folder, "ca.pem",
                     "An authority\n============\n-----BEGIN CERTIFICATE-----\nMA==\n");
        snprintf(path, sizeof(path), "%s", folder_path(folder, "ca.pem"));
        snprintf(text, sizeof(text), "[Api]\nCAFile=%s\n", path);
        folder_write(folder, "convened.conf.d/00.conf", text);
        return path;
}

static void remember(const char *text) {
        size_t n = strlen(warnings);

        snprintf(warnings + n, sizeof(warnings) - n, "%s\n", text);
}

static int load(Configuration **ret, const Folder *folder, char **ret_reason) {
        warnings[0] = '\0';
        return configuration_load(ret, folder_path(folder, "convened.conf"), false, remember,
                                  ret_reason);
}

/* Covers "configuration: [Api] AccountId", "configuration: [Api] BaseUrl",
 * "configuration: [Api] CredentialsFile", "configuration: [Api] CAFile",
 * "configuration: [Api] ConnectTimeoutSec", "configuration: [Api] RequestTimeoutSec",
 * "configuration: [Api] Proxy", "configuration: [Api] MaxConcurrentRequests",
 * "configuration: [Api] RequestsPerSec", "configuration: [Api] RequestBurst",
 * "configuration: [Reconcile] ResyncIntervalSec", "configuration: [Reconcile] RetryMinSec",
 * "configuration: [Reconcile] RetryMaxSec", "configuration: [Reconcile] CreateRepeats",
 * "configuration: [Bus] ReplyTimeoutSec", "configuration: [Bus] MaxObjectsPerUser",
 * "configuration: [Bus] MaxPendingPerUser", "configuration: [Bus] MaxCallsPerUser",
 * "configuration: [Bus] MaxManagedObjects". */
static void test_defaults(void **state) {
        CLEANUP(configuration_freep) Configuration *c = NULL;
        CLEANUP(freep) char *reason = NULL;
        CLEANUP(folder_deinit) Folder folder;

        (void)state;
        folder_init(&folder);
        folder_write(&folder, "convened.conf", ACCOUNT);
        assert_int_equal(load(&c, &folder, &reason), 0);
        assert_string_equal(warnings, "");

        assert_string_equal(c->base_url, "https://api.webrtc.bandwidth.com/v1");
        assert_string_equal(c->account_id, "9900000");
        assert_string_equal(c->credentials_file, "");
        assert_string_equal(c->ca_file, "");
        assert_string_equal(c->proxy, "");
        assert_int_equal(c->connect_timeout_usec, 5 * USEC_PER_SEC);
        assert_int_equal(c->request_timeout_usec, 30 * USEC_PER_SEC);
        assert_int_equal(c->requests_max, 16);
        assert_true(c->requests_per_sec == 20);
        assert_int_equal(c->request_burst, 40);
        assert_int_equal(c->resync_interval_usec, 60 * USEC_PER_SEC);
        assert_int_equal(c->retry_min_usec, 500 * USEC_PER_MSEC);
        assert_int_equal(c->retry_max_usec, 300 * USEC_PER_SEC);
        assert_int_equal(c->create_repeats, 2);
        assert_false(c->drift_is_enforced);
        assert_int_equal(c->reply_timeout_usec, 10 * USEC_PER_SEC);
        assert_int_equal(c->objects_per_user_max, 100000);
        assert_int_equal(c->pending_per_user_max, 1000);
        assert_int_equal(c->calls_per_user_max, 256);
        assert_int_equal(c->managed_objects_max, 4096);
}

/* Covers "configuration: [Api] AccountId", "configuration: [Api] BaseUrl",
 * "configuration: [Api] CredentialsFile", "configuration: [Api] CAFile",
 * "configuration: [Api] ConnectTimeoutSec", "configuration: [Api] RequestTimeoutSec",
 * "configuration: [Api] Proxy", "configuration: [Api] MaxConcurrentRequests",
 * "configuration: [Api] RequestsPerSec", "configuration: [Api] RequestBurst",
 * "configuration: [Reconcile] ResyncIntervalSec", "configuration: [Reconcile] RetryMinSec",
 * "configuration: [Reconcile] RetryMaxSec", "configuration: [Reconcile] CreateRepeats",
 * "configuration: [Bus] ReplyTimeoutSec", "configuration: [Bus] MaxObjectsPerUser",
 * "configuration: [Bus] MaxPendingPerUser", "configuration: [Bus] MaxCallsPerUser",
 * "configuration: [Bus] MaxManagedObjects". */
static void test_every_key(void **state) {
        CLEANUP(configuration_freep) Configuration *c = NULL;
        CLEANUP(freep) char *reason = NULL;
        CLEANUP(folder_deinit) Folder folder;
        const char *ca_file;

        (void)state;
        folder_init(&folder);
        folder_add(&folder, "convened.conf.d");
        ca_file = add_certificate(&folder);
        folder_write(&folder, "convened.conf",
                     "\xef\xbb\xbf# A comment\n"
                     "; another\n"
                     "  [Api]  \r\n"
                     "BaseUrl = http://127.0.0.1:8080/v1/\n"
                     "AccountId=\\\n"
                     "# in between\n"
                     "  99-x\n"
                     "CredentialsFile=/etc/secret file\\\\\n" /* joins nothing */
                     "ConnectTimeoutSec=0.5\n"
                     "RequestTimeoutSec=1min\n"
                     "Proxy=socks5h://127.0.0.1:1080\n"
                     "MaxConcurrentRequests=3\n"
                     "RequestsPerSec=0.5\n"
                     "RequestBurst=1\n"
                     "\n"
                     "[Reconcile]\n"
                     "ResyncIntervalSec=90\n"
                     "RetryMinSec=0.01\n"
                     "RetryMaxSec=2\n"
                     "CreateRepeats=0\n"
                     "Drift=enforce\n"
                     "[Bus]\n"
                     "ReplyTimeoutSec=1.5\n"
                     "MaxObjectsPerUser=5\n"
                     "MaxPendingPerUser=6\n"
                     "MaxCallsPerUser=7\n"
                     "MaxManagedObjects=8");
        assert_int_equal(load(&c, &folder, &reason), 0);
        assert_string_equal(warnings, "");

        assert_string_equal(c->base_url, "http://127.0.0.1:8080/v1");
        assert_string_equal(c->account_id, "99-x");
        assert_string_equal(c->credentials_file, "/etc/secret file\\\\");
        assert_string_equal(c->ca_file, ca_file);
        assert_string_equal(c->proxy, "socks5h://127.0.0.1:1080");
        assert_int_equal(c->connect_timeout_usec, 500 * USEC_PER_MSEC);
        assert_int_equal(c->request_timeout_usec, USEC_PER_MIN);
        assert_int_equal(c->requests_max, 3);
        assert_true(c->requests_per_sec == 0.5);
        assert_int_equal(c->request_burst, 1);
        assert_int_equal(c->resync_interval_usec, 90 * USEC_PER_SEC);
        assert_int_equal(c->retry_min_usec, 10 * USEC_PER_MSEC);
        assert_int_equal(c->retry_max_usec, 2 * USEC_PER_SEC);
        assert_int_equal(c->create_repeats, 0);
        assert_true(c->drift_is_enforced);
        assert_int_equal(c->reply_timeout_usec, 1500 * USEC_PER_MSEC);
        assert_int_equal(c->objects_per_user_max, 5);
        assert_int_equal(c->pending_per_user_max, 6);
        assert_int_equal(c->calls_per_user_max, 7);
        assert_int_equal(c->managed_objects_max, 8);
}

/* What can't be used, and the words that the message must hold besides the file's name. */
/* Covers "daemon: unusable value", "daemon: password in the clear". */
static void test_refused(void **state) {
        static const struct {
                const char *text, *expect[3];
        } cases[] = {
                { "", { "AccountId=", "is not set", "AccountId=NUMBER" } },
                { "[Api]\nAccountId=1/2\n", { ":2:", "AccountId=", "expected the number" } },
                { ACCOUNT "RequestBurst=0\n", { ":3:", "RequestBurst=", "from 1 to 100000" } },
                { ACCOUNT "RequestBurst=4x\n", { ":3:", "RequestBurst=", "whole number" } },
                { ACCOUNT "RequestsPerSec=-1\n", { ":3:", "RequestsPerSec=", "such as 20" } },
                { ACCOUNT "RequestTimeoutSec=forever\n",
                  { ":3:", "RequestTimeoutSec=", "0.01 to 600 seconds" } },
                { ACCOUNT "MaxConcurrentRequests=1000\n", { ":3:", "1 to 256", NULL } },
                { ACCOUNT "BaseUrl=http://api.webrtc.bandwidth.com/v1\n",
                  { ":3:", "BaseUrl=", "loopback" } },
                { ACCOUNT "BaseUrl=http://localhost.example/v1\n", { ":3:", "loopback", NULL } },
                { ACCOUNT "BaseUrl=ftp://127.0.0.1\n", { ":3:", "https://HOST", NULL } },
                { ACCOUNT "BaseUrl=https://u:p@host\n", { ":3:", "without user", NULL } },
                { ACCOUNT "Proxy=ftp://host\n", { ":3:", "Proxy=", "socks5h" } },
                { ACCOUNT "Proxy=http://u:secret@host\n", { ":3:", "no user in it", NULL } },
                { ACCOUNT "BaseUrl=http://127.0.0.1\nProxy=http://proxy.example\n",
                  { "Proxy=", "in the clear", NULL } },
                { ACCOUNT "CredentialsFile=secret\n",
                  { ":3:", "CredentialsFile=", "absolute path" } },
                { ACCOUNT "CAFile=ca.pem\n", { ":3:", "CAFile=", "absolute path" } },
                { ACCOUNT "CAFile=/nowhere/ca.pem\n",
                  { "CAFile=", "/nowhere/ca.pem can't be read: No such file", NULL } },
                { ACCOUNT "CAFile=/tmp\n", { "CAFile=", "/tmp is not a regular file", NULL } },
                { ACCOUNT "CAFile=/dev/null\n",
                  { "CAFile=", "/dev/null is not a regular file", NULL } },
                { ACCOUNT "CAFile=/etc/passwd\n",
                  { "CAFile=", "/etc/passwd has no certificate in it", "It must name a file" } },
                { ACCOUNT "[Reconcile]\nDrift=keep\n",
                  { ":4:", "Drift=", "expected \"adopt\" or \"enforce\"" } },
                { ACCOUNT "[Reconcile]\nDrift=adopt # or enforce\n",
                  { ":4:", "expected \"adopt\"", "comment needs a line of its own" } },
                { ACCOUNT "[Reconcile]\nRetryMinSec=5\nRetryMaxSec=1\n",
                  { "RetryMinSec=", "above RetryMaxSec=", NULL } },
                { ACCOUNT "[Bus]\nReplyTimeoutSec=25\n", { ":4:", "1 to 20 seconds", NULL } },
                { ACCOUNT "[Bus]\nReplyTimeoutSec=0.9\n", { ":4:", "1 to 20 seconds", NULL } },
                { ACCOUNT "nonsense\n", { ":3:", "Key=value", NULL } },
                { ACCOUNT "=x\n", { ":3:", "Key=value", NULL } },
                { ACCOUNT "[Bus\n", { ":3:", "[Name]", NULL } },
                { ACCOUNT "[]\n", { ":3:", "[Name]", NULL } },
                { ACCOUNT "\n\\\n\nProxy=\xff\n", { ":6:", "not UTF-8", NULL } },
                { ACCOUNT "# c\n\nRequestBurst\\\n=\\\n0\n", { ":5:", "RequestBurst=", NULL } },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP(configuration_freep) Configuration *c = NULL;
                CLEANUP(freep) char *reason = NULL;
                CLEANUP(folder_deinit) Folder folder;

                folder_init(&folder);
                folder_write(&folder, "convened.conf", cases[i].text);
                CASE(cases[i].text, load(&c, &folder, &reason) == REFUSED);
                CASE(cases[i].text, !c);
                CASE(cases[i].text, strstr(reason, folder_path(&folder, "convened.conf")));
                for (size_t k = 0; k < 3 && cases[i].expect[k]; k++) {
                        if (!strstr(reason, cases[i].expect[k]))
                                fail_msg("\"%s\" is missing in: %s", cases[i].expect[k], reason);
                }
                CASE(cases[i].text, !strstr(reason, "secret"));
        }
}

static void test_no_text(void **state) {
        CLEANUP(configuration_freep) Configuration *c = NULL;
        CLEANUP(freep) char *reason = NULL, *large = NULL;
        CLEANUP(folder_deinit) Folder folder;

        (void)state;
        folder_init(&folder);
        folder_write_bytes(&folder, "convened.conf", "[Api]\nProxy=\0x\n", 15);
        assert_int_equal(load(&c, &folder, &reason), REFUSED);
        assert_non_null(strstr(reason, ":2: not UTF-8"));
        free(TAKE(reason));

        large = malloc(2 << 20);
        assert_non_null(large);
        memset(large, '\n', 2 << 20);
        folder_write_bytes(&folder, "convened.conf", large, 2 << 20);
        assert_int_equal(load(&c, &folder, &reason), REFUSED);
        assert_non_null(strstr(reason, "larger than 1 MiB"));
        free(TAKE(reason));

        assert_int_equal(configuration_load(&c, folder.path, true, remember, &reason), REFUSED);
        assert_non_null(strstr(reason, "can't be read"));
}

/* Covers "daemon: unknown key". */
static void test_unknown_is_a_warning(void **state) {
        CLEANUP(configuration_freep) Configuration *c = NULL;
        CLEANUP(freep) char *reason = NULL;
        CLEANUP(folder_deinit) Folder folder;

        (void)state;
        folder_init(&folder);
        folder_write(&folder, "convened.conf",
                     "Early=1\n" ACCOUNT "Colour=red\n[Nowhere]\nA=1\nB=2\n[X-Ours]\nC=3\n"
                     "[Bus]\nAccountId=1\n");
        assert_int_equal(load(&c, &folder, &reason), 0);
        assert_string_equal(c->account_id, "9900000");

        assert_non_null(strstr(warnings, "convened.conf:1: Unknown key Early= before the first"));
        assert_non_null(strstr(warnings, "convened.conf:4: Unknown key Colour= in section [Api]"));
        assert_non_null(strstr(warnings, "convened.conf:5: Unknown section [Nowhere], ignored."));
        assert_non_null(strstr(warnings, "convened.conf:11: Unknown key AccountId= in section"));
        assert_null(strstr(warnings, "A="));
        assert_null(strstr(warnings, "X-Ours"));
        assert_null(strstr(warnings, "C="));
}

/* Covers "daemon: drop-ins", "daemon: empty assignment". */
static void test_dropins(void **state) {
        CLEANUP(configuration_freep) Configuration *c = NULL;
        CLEANUP(freep) char *reason = NULL;
        CLEANUP(folder_deinit) Folder folder;

        (void)state;
        folder_init(&folder);
        folder_write(&folder, "convened.conf", ACCOUNT "RequestBurst=1\n");
        folder_add(&folder, "convened.conf.d");
        folder_add(&folder, "convened.conf.d/30-folder.conf");
        add_certificate(&folder);
        folder_write(&folder, "convened.conf.d/9.conf", "[Api]\nRequestBurst=9\n");
        folder_write(&folder, "convened.conf.d/10.conf", "[Api]\nRequestBurst=10\nCAFile=\n");
        folder_write(&folder, "convened.conf.d/a.conf.bak", "[Api]\nRequestBurst=99\n");
        folder_write(&folder, "convened.conf.d/.hidden.conf", "[Api]\nRequestBurst=98\n");
        folder_write(&folder, "convened.conf.d/.conf", "[Api]\nRequestBurst=97\n");
        assert_int_equal(symlink("/dev/null", folder_path(&folder, "convened.conf.d/99.conf")), 0);
        assert_int_equal(load(&c, &folder, &reason), 0);
        /* By bytes, "10" comes before "9". */
        assert_int_equal(c->request_burst, 9);
        assert_string_equal(c->ca_file, "");
        c = configuration_free(c);

        /* Empty is the default again. */
        folder_write(&folder, "convened.conf.d/b.conf", "[Api]\nRequestBurst=\n");
        assert_int_equal(load(&c, &folder, &reason), 0);
        assert_int_equal(c->request_burst, 40);
        c = configuration_free(c);

        folder_write(&folder, "convened.conf.d/c.conf", "[Api]\nAccountId=\n");
        assert_int_equal(load(&c, &folder, &reason), REFUSED);
        assert_non_null(strstr(reason, "AccountId="));
        free(TAKE(reason));

        folder_write(&folder, "convened.conf.d/d.conf", "\n[Api]\nRequestBurst=x\n");
        assert_int_equal(load(&c, &folder, &reason), REFUSED);
        assert_non_null(strstr(reason, "convened.conf.d/d.conf:3: RequestBurst="));
}

static void test_may_follow(void **state) {
        static const struct {
                const char *text, *expect; /* NULL: it may */
        } cases[] = {
                { ACCOUNT, NULL },
                { ACCOUNT "BaseUrl=https://API.webrtc.bandwidth.com/v1/\n", NULL },
                { ACCOUNT "CredentialsFile=/x\nRequestBurst=7\n[Bus]\nMaxManagedObjects=1\n",
                  NULL },
                { ACCOUNT "BaseUrl=https://api.webrtc.bandwidth.com/v2\n", "BaseUrl= in [Api]" },
                { "[Api]\nAccountId=9900001\n", "AccountId= in [Api]" },
        };
        CLEANUP(configuration_freep) Configuration *before = NULL;
        CLEANUP(freep) char *none = NULL;
        CLEANUP(folder_deinit) Folder folder;

        (void)state;
        folder_init(&folder);
        folder_write(&folder, "convened.conf", ACCOUNT);
        assert_int_equal(load(&before, &folder, &none), 0);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP(configuration_freep) Configuration *c = NULL;
                CLEANUP(freep) char *reason = NULL;
                int r;

                folder_write(&folder, "convened.conf", cases[i].text);
                assert_int_equal(load(&c, &folder, &none), 0);
                r = configuration_may_follow(c, before, "x.conf", &reason);
                assert_int_equal(r, cases[i].expect ? REFUSED : 0);
                if (!cases[i].expect)
                        continue;
                assert_int_equal(strncmp(reason, "x.conf: ", 8), 0);
                assert_non_null(strstr(reason, cases[i].expect));
                assert_non_null(strstr(reason, "restart convened"));
        }
}

static void test_missing_file(void **state) {
        CLEANUP(configuration_freep) Configuration *c = NULL;
        CLEANUP(freep) char *reason = NULL;
        CLEANUP(folder_deinit) Folder folder;

        (void)state;
        folder_init(&folder);
        assert_int_equal(load(&c, &folder, &reason), REFUSED);
        assert_non_null(strstr(reason, "AccountId="));
        free(TAKE(reason));

        folder_add(&folder, "convened.conf.d");
        folder_write(&folder, "convened.conf.d/a.conf", ACCOUNT);
        assert_int_equal(load(&c, &folder, &reason), 0);
        c = configuration_free(c);

        assert_int_equal(configuration_load(&c, folder_path(&folder, "convened.conf"), true,
                                            remember, &reason),
                         REFUSED);
        assert_non_null(strstr(reason, "no such file"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_defaults),
                cmocka_unit_test(test_every_key),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_no_text),
                cmocka_unit_test(test_unknown_is_a_warning),
                cmocka_unit_test(test_dropins),
                cmocka_unit_test(test_may_follow),
                cmocka_unit_test(test_missing_file),
        };

        return cmocka_run_group_tests_name("configuration", tests, NULL, NULL);
}
