/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/folder.h"
#include "unit/simulator-bench.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static char *state_of(Bench *bench) {
        bench_ask(bench, "GET", "/_simulator/state", NULL);
        return strdup(bench_body(bench));
}

static int open_file(Bench *bench, const char *path, uint64_t *ret_starts, unsigned *ret_line) {
        return state_file_open(&bench->simulator.state_file, path, bench->simulator.world,
                               ret_starts, ret_line);
}

/* Fills a world in a way that every kind of line is written, some of them about the same object. */
static void fill(Bench *bench) {
        const char *member;

        bench_create(bench);
        member = bench_path("/sessions/%s/participants/%s", bench->id[0], bench->id[1]);
        assert_int_equal(bench_ask(bench, "PUT", member, NULL), 204);
        assert_int_equal(bench_ask(bench, "PUT", member,
                                   "{\"participants\":[{\"participantId\":\"x\","
                                   "\"streamAliases\":[\"m\\n\"]}]}"),
                         204);
        assert_int_equal(bench_ask(bench, "POST", ACCOUNT "/participants",
                                   "{\"tag\":\"\\u00e9\\\"\",\"callbackUrl\":\"http://x/\","
                                   "\"publishPermissions\":[\"VIDEO\"]}"),
                         200);
        bench_create(bench);
        bench_ask(bench, "PUT",
                  bench_path("/sessions/%s/participants/%s", bench->id[0], bench->id[1]),
                  "{\"sessionId\":null,\"participants\":[]}");
        assert_int_equal(bench_ask(bench, "DELETE", bench_path("/sessions/%s", bench->id[0]), NULL),
                         204);
}

static void test_round_trips(void **state) {
        CLEANUP(folder_deinit) Folder folder;
        CLEANUP(freep) char *before = NULL;
        CLEANUP(freep) char *path = NULL;
        uint64_t starts = 0;
        unsigned line = 0;

        (void)state;
        folder_init(&folder);
        path = strdup(folder_path(&folder, "state"));
        for (unsigned i = 1; i <= 3; i++) {
                CLEANUP(bench_deinit) Bench bench;
                CLEANUP(freep) char *after = NULL;

                bench_init(&bench, (Settings){ 0 });
                assert_int_equal(open_file(&bench, path, &starts, &line), 0);
                assert_int_equal(starts, i);
                if (i == 1) {
                        fill(&bench);
                        before = state_of(&bench);
                }
                after = state_of(&bench);
                assert_string_equal(after, before);
        }
}

static void test_what_cannot_be_read(void **state) {
        static const struct {
                const char *name, *text;
                int r;
                unsigned line;
        } cases[] = {
                { "not JSON", "x\n", -EBADMSG, 1 },
                { "no account", "{}\n", -EBADMSG, 1 },
                { "other account", "{\"account\":\"1\",\"starts\":1}\n", -EXDEV, 1 },
                { "header alone", "{\"account\":\"9900000\",\"starts\":1}\n", 0, 0 },
                { "line of nothing", "{\"account\":\"9900000\"}\n\n", -EBADMSG, 2 },
                { "line cut off", "{\"account\":\"9900000\"}\n{\"session", 0, 0 },
                { "gone before it came", "{\"account\":\"9900000\"}\n{\"gone\":\"x\"}\n", -EBADMSG,
                  2 },
                { "session as participant",
                  "{\"account\":\"9900000\"}\n{\"session\":\"x\"}\n{\"participant\":\"x\"}\n",
                  -EBADMSG, 3 },
                { "no token", "{\"account\":\"9900000\"}\n{\"participant\":\"x\"}\n", -EBADMSG, 2 },
                { "in no session",
                  "{\"account\":\"9900000\"}\n{\"participant\":\"x\",\"token\":\"t\",\"in\":\"y\"}"
                  "\n",
                  -EBADMSG, 2 },
                { "hears wrongly",
                  "{\"account\":\"9900000\"}\n{\"participant\":\"x\",\"token\":\"t\",\"hears\":1}"
                  "\n",
                  -EBADMSG, 2 },
                { "empty file", "", 0, 0 },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP(folder_deinit) Folder folder;
                CLEANUP(bench_deinit) Bench bench;
                CLEANUP(freep) char *path = NULL;
                uint64_t starts = 0;
                unsigned line = 0;

                folder_init(&folder);
                folder_write(&folder, "state", cases[i].text);
                path = strdup(folder_path(&folder, "state"));
                bench_init(&bench, (Settings){ 0 });
                CASE(cases[i].name, open_file(&bench, path, &starts, &line) == cases[i].r);
                CASE(cases[i].name, line == cases[i].line);
        }
}

static void test_place_that_is_not_there(void **state) {
        CLEANUP(bench_deinit) Bench bench;
        uint64_t starts;
        unsigned line;

        (void)state;
        bench_init(&bench, (Settings){ 0 });
        assert_int_equal(open_file(&bench, "/nonexistent/state", &starts, &line), -ENOENT);
        assert_int_equal(open_file(&bench, "/", &starts, &line), -EISDIR);
}

/* A device that is always full: nobody may be told that it was kept. */
static void test_full_disk(void **state) {
        CLEANUP(folder_deinit) Folder folder;
        CLEANUP(bench_deinit) Bench bench;
        CLEANUP(freep) char *path = NULL;
        Request request = { .connection = 1,
                            .method = "POST",
                            .target = ACCOUNT "/sessions",
                            .authorization = AUTHORIZATION };
        uint64_t starts;
        unsigned line;
        int full, fd;

        (void)state;
        folder_init(&folder);
        path = strdup(folder_path(&folder, "state"));
        bench_init(&bench, (Settings){ 0 });
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        close(fd);
        assert_int_equal(open_file(&bench, path, &starts, &line), 0);
        full = open("/dev/full", O_WRONLY | O_CLOEXEC);
        assert_true(full >= 0);
        /* The state file took the first number that was free. */
        assert_true(dup2(full, fd) == fd);
        close(full);
        assert_int_equal(simulator_answer(&bench.simulator, &request, bench.now, &bench.reply),
                         -ENOSPC);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_round_trips),
                cmocka_unit_test(test_what_cannot_be_read),
                cmocka_unit_test(test_place_that_is_not_there),
                cmocka_unit_test(test_full_disk),
        };

        return cmocka_run_group_tests_name("simulator/state-file", tests, NULL, NULL);
}
