/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/text.h"
#include "daemon/journal.h"
#include "daemon/message-ids.h"

/* What came last to the journal: its fields, each ended by a newline. */
static char sent[2048];
static unsigned n_sent;

int sd_journal_sendv(const struct iovec *fields, int n);

/* Stands in for libsystemd's, which has no other place than the journal to send to. */
int sd_journal_sendv(const struct iovec *fields, int n) {
        char *p = stpcpy(sent, "\n");

        for (int i = 0; i < n; i++) {
                p = mempcpy(p, fields[i].iov_base, fields[i].iov_len);
                *p++ = '\n';
        }
        *p = '\0';
        n_sent++;
        return 0;
}

/* As systemd does where standard error is the journal. */
static void pretend(unsigned wrong) {
        char stream[64];
        struct stat st;

        assert_int_equal(fstat(STDERR_FILENO, &st), 0);
        snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
                 (uintmax_t)st.st_ino + wrong);
        setenv("JOURNAL_STREAM", stream, 1);
}

static void has_line(const char *line) {
        CLEANUP(freep) char *whole = NULL;

        assert_true(asprintf(&whole, "\n%s\n", line) > 0);
        if (!strstr(sent, whole))
                fail_msg("\"%s\" is not in:%s", line, sent);
}

static Log example(void) {
        static Spec *spec;

        if (!spec)
                assert_int_equal(spec_new(&spec), 0);
        spec->owner = 1000;
        assert_int_equal(spec_set_text(&spec, SPEC_TAG, "desk-4"), 0);

        Log log = {
                .event = LOG_EVENT_UNKNOWN_OUTCOME,
                .level = LOG_WARNING,
                .kind = KIND_PARTICIPANT,
                .number = 7,
                .spec = spec,
                .has_operation = true,
                .operation = OPERATION_CREATE_PARTICIPANT,
                .attempt = 2,
                .status = 502,
                .request_id = (char *)"r-1",
                .text = (char *)"Nobody knows.",
        };

        assert_true(api_id_set(&log.id, "p-1"));
        return log;
}

/* Covers "daemon: journal". */
static void test_every_field(void **state) {
        Log log = example();

        (void)state;
        pretend(0);
        journal_init(LOG_INFO);
        journal_effect(&log);
        has_line("PRIORITY=4");
        has_line("SYSLOG_IDENTIFIER=convened");
        has_line("MESSAGE_ID=" MESSAGE_UNKNOWN_OUTCOME);
        has_line("MESSAGE=Nobody knows. [participant 7, tag desk-4]");
        has_line("CONVENED_PARTICIPANT=7");
        has_line("OBJECT_UID=1000");
        has_line("CONVENED_TAG=desk-4");
        has_line("CONVENED_ID=p-1");
        has_line("OPERATION=createParticipant");
        has_line("ATTEMPT=2");
        has_line("HTTP_STATUS=502");
        has_line("REQUEST_ID=r-1");

        log.kind = KIND_SESSION;
        journal_effect(&log);
        has_line("CONVENED_SESSION=7");
}

static void test_only_what_is_known(void **state) {
        const Log log = { .event = LOG_EVENT_API_STATE, .level = LOG_NOTICE, .text = (char *)"X." };

        (void)state;
        pretend(0);
        journal_init(LOG_INFO);
        journal_effect(&log);
        assert_string_equal(sent, "\nPRIORITY=5\nSYSLOG_IDENTIFIER=convened\n"
                                  "MESSAGE_ID=" MESSAGE_API_STATE "\nMESSAGE=X.\n");
        const Log user = {
                .event = LOG_EVENT_CLIENT_LEFT, .text = (char *)"Z.", .has_owner = true, .owner = 0
        };
        journal_effect(&user);
        has_line("OBJECT_UID=0");
        journal_log(LOG_ERR, NULL, "%s %d.", "Y", 1);
        assert_string_equal(sent, "\nPRIORITY=3\nSYSLOG_IDENTIFIER=convened\nMESSAGE=Y 1.\n");
}

/* Covers "daemon: journal". */
static void test_allowance(void **state) {
        Log log = example();
        Row session = { .kind = KIND_SESSION, .number = 3, .spec = log.spec };
        Row participant = { .kind = KIND_PARTICIPANT, .number = 7, .spec = log.spec };
        Allowance allowance = {
                .action = "an.action", .method = "Delete", .uid = 1002, .session = &session
        };

        (void)state;
        pretend(0);
        journal_init(LOG_NOTICE);
        journal_allowance(&allowance);
        has_line("PRIORITY=5");
        has_line("MESSAGE_ID=" MESSAGE_ALLOWED);
        has_line("MESSAGE=polkit has allowed an.action to user 1002, who calls Delete for what is "
                 "user 1000's. [session 3, tag desk-4]");
        has_line("CALLER_UID=1002");
        has_line("POLKIT_ACTION=an.action");
        has_line("METHOD=Delete");
        has_line("CONVENED_SESSION=3");
        has_line("OBJECT_UID=1000");
        has_line("CONVENED_TAG=desk-4");

        allowance.participant = &participant;
        journal_allowance(&allowance);
        has_line("CONVENED_SESSION=3");
        has_line("CONVENED_PARTICIPANT=7");

        journal_init(LOG_WARNING);
        sent[0] = '\0';
        journal_allowance(&allowance);
        assert_string_equal(sent, "");
}

/* Covers "daemon: journal". */
static void test_every_event_has_an_id(void **state) {
        (void)state;
        pretend(0);
        journal_init(LOG_DEBUG);
        for (LogEvent event = 0; event < _LOG_EVENT_MAX; event++) {
                Log log = { .event = event, .text = (char *)"X." };

                journal_effect(&log);
                assert_non_null(strstr(sent, "\nMESSAGE_ID="));
        }
}

static void test_level(void **state) {
        Log log = example();
        unsigned before = n_sent;

        (void)state;
        pretend(0);
        journal_init(LOG_ERR);
        journal_effect(&log);
        journal_log(LOG_WARNING, NULL, "Not this.");
        assert_int_equal(n_sent, before);
        journal_log(LOG_ERR, NULL, "This.");
        assert_int_equal(n_sent, before + 1);
}

static void test_set_level(void **state) {
        Log log = example();
        unsigned before = n_sent;

        (void)state;
        pretend(0);
        journal_init(LOG_ERR);
        assert_int_equal(journal_level(), LOG_ERR);
        journal_set_level(LOG_WARNING);
        assert_int_equal(journal_level(), LOG_WARNING);
        journal_effect(&log);
        journal_log(LOG_WARNING, NULL, "This too.");
        assert_int_equal(n_sent, before + 2);
}

/* Covers "environment: convened JOURNAL_STREAM". */
static void test_set_target(void **state) {
        Log log = example();
        unsigned before = n_sent;

        (void)state;
        pretend(0);
        journal_init(LOG_INFO);
        assert_string_equal(journal_target(), "journal");
        assert_true(journal_set_target("null"));
        assert_string_equal(journal_target(), "null");
        journal_effect(&log);
        journal_log(LOG_ERR, NULL, "Not this.");
        assert_int_equal(n_sent, before);

        assert_false(journal_set_target("kmsg"));
        assert_string_equal(journal_target(), "null");
        assert_true(journal_set_target("auto"));
        assert_string_equal(journal_target(), "journal");
        journal_log(LOG_ERR, NULL, "This.");
        assert_int_equal(n_sent, before + 1);

        pretend(1);
        assert_true(journal_set_target("auto"));
        assert_string_equal(journal_target(), "console");
        assert_true(journal_set_target("journal"));
        journal_effect(&log);
        assert_int_equal(n_sent, before + 2);
}

/* Somebody has redirected it: then a person reads. */
/* Covers "daemon: lines for people". */
static void test_lines_for_people(void **state) {
        unsigned before = n_sent;
        char line[512] = "";
        Log log = example();
        int pipes[2], saved;

        (void)state;
        pretend(1);
        journal_init(LOG_INFO);
        assert_int_equal(pipe2(pipes, O_NONBLOCK), 0);
        saved = dup(STDERR_FILENO);
        dup2(pipes[1], STDERR_FILENO);
        journal_effect(&log);
        dup2(saved, STDERR_FILENO);
        assert_true(read(pipes[0], line, sizeof(line) - 1) > 0);
        close(saved);
        close(pipes[0]);
        close(pipes[1]);

        assert_string_equal(line,
                            "Nobody knows. [participant 7, tag desk-4, id p-1, createParticipant, "
                            "attempt 2, HTTP 502, request r-1]\n");
        assert_int_equal(n_sent, before);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_field), cmocka_unit_test(test_only_what_is_known),
                cmocka_unit_test(test_allowance),   cmocka_unit_test(test_every_event_has_an_id),
                cmocka_unit_test(test_level),       cmocka_unit_test(test_set_level),
                cmocka_unit_test(test_set_target),  cmocka_unit_test(test_lines_for_people),
        };

        return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
