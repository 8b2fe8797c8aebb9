/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/pager.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "ctl/screen.h"

#define WORDS_MAX 31

/* The one pager of this process. */
static struct {
        pid_t pid; /* 0: none is open */
        int output, error;
        sighandler_t interrupt, pipe; /* as they were */
} pager = { .output = -1, .error = -1 };

/* What the user's environment asks for; NULL: nothing in particular. */
static const char *pager_wanted(void) {
        const char *wanted = getenv("SYSTEMD_PAGER");

        return wanted ? wanted : getenv("PAGER");
}

/*
 * A pager can start other programs. It is told not to where we run with more rights than the user
 * who logged in: $SYSTEMD_PAGERSECURE, systemctl(1).
 */
static bool pager_is_secure(void) {
        const char *given = getenv("SYSTEMD_PAGERSECURE");
        uid_t uid;

        if (given)
                return screen_flag(given) != 0;
        return sd_pid_get_owner_uid(0, &uid) >= 0 && uid != geteuid();
}

/* Words at blanks, as far as they go; NULL ends them. Cuts @text up. */
static void words_split(char *text, char *ret[static WORDS_MAX + 1]) {
        char *rest = NULL;
        size_t n = 0;

        for (char *word = strtok_r(text, " \t", &rest); word && n < WORDS_MAX;
             word = strtok_r(NULL, " \t", &rest))
                ret[n++] = word;
        ret[n] = NULL;
}

/* Where there is no pager at all, the text is better than nothing. */
static void copy_through(void) {
        char buffer[4096];
        ssize_t n;

        while ((n = read(STDIN_FILENO, buffer, sizeof(buffer))) > 0)
                for (ssize_t done = 0, now; done < n; done += now) {
                        now = write(STDOUT_FILENO, buffer + done, (size_t)(n - done));
                        if (now < 0)
                                return;
                }
}

static void pager_environment(bool secure) {
        const char *less = getenv("SYSTEMD_LESS"), *charset = getenv("SYSTEMD_LESSCHARSET");

        /* A screenful needs no keystroke, colours stay, long lines are cut. */
        setenv("LESS", less ? less : "FRSXMK", 1);
        if (charset)
                setenv("LESSCHARSET", charset, 1);
        if (secure)
                setenv("LESSSECURE", "1", 1);
        else
                unsetenv("LESSSECURE");
}

static _Noreturn void pager_exec(void) {
        static const char *const usual[] = { "pager", "less", "more" };
        const bool secure = pager_is_secure();
        CLEANUP(freep) char *wanted = NULL;

        pager_environment(secure);
        /* Only less is known to heed LESSSECURE. */
        if (secure)
                execlp("less", "less", NULL);
        else {
                char *words[WORDS_MAX + 1] = { NULL };

                wanted = strdup(pager_wanted() ? pager_wanted() : "");
                if (wanted)
                        words_split(wanted, words);
                if (words[0])
                        execvp(words[0], words);
                for (size_t i = 0; i < ELEMENTSOF(usual); i++)
                        execlp(usual[i], usual[i], NULL);
        }
        copy_through();
        _exit(EXIT_SUCCESS);
}

static bool pager_needed(const Options *options) {
        const char *wanted = pager_wanted();

        if (options->no_pager || pager.pid != 0 || !screen_is_terminal())
                return false;
        return !wanted || !(wanted[0] == '\0' || streq(wanted, "cat"));
}

/* In the child: its standard input is the pipe, and it does not outlive us. */
static _Noreturn void pager_child(const int ends[static 2]) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        dup2(ends[0], STDIN_FILENO);
        close(ends[0]);
        close(ends[1]);
        pager_exec();
}

void pager_open(const Options *options) {
        int ends[2];

        if (!pager_needed(options) || pipe2(ends, O_CLOEXEC) < 0)
                return;

        fflush(stdout);
        pager.pid = fork();
        if (pager.pid == 0)
                pager_child(ends);
        close(ends[0]);
        if (pager.pid < 0) {
                close(ends[1]);
                pager.pid = 0;
                return;
        }

        pager.interrupt = signal(SIGINT, SIG_IGN);
        pager.pipe = signal(SIGPIPE, SIG_IGN);
        pager.output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
        dup2(ends[1], STDOUT_FILENO);
        if (isatty(STDERR_FILENO)) {
                pager.error = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
                dup2(ends[1], STDERR_FILENO);
        }
        close(ends[1]);
}

static void stream_back(int *fd, int where) {
        if (*fd < 0)
                return;
        dup2(*fd, where);
        close(*fd);
        *fd = -1;
}

void pager_close(void) {
        if (pager.pid == 0)
                return;

        /* Who leaves a pager before the end has read enough: that is no failure. */
        fflush(stdout);
        clearerr(stdout);
        stream_back(&pager.output, STDOUT_FILENO);
        stream_back(&pager.error, STDERR_FILENO);
        while (waitpid(pager.pid, NULL, 0) < 0 && errno == EINTR)
                ;
        pager.pid = 0;
        signal(SIGINT, pager.interrupt);
        signal(SIGPIPE, pager.pipe);
}
