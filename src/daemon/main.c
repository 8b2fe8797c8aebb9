/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* convened, from the command line to an exit status. */

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "daemon/configuration.h"
#include "daemon/credentials.h"
#include "daemon/daemon.h"
#include "daemon/journal.h"
#include "daemon/message-ids.h"
#include "daemon/notify.h"
#include "daemon/options.h"
#include "daemon/refusal.h"

#define EXIT_USAGE 2

/* The units restart neither EX_CONFIG nor EXIT_USAGE: somebody has to do something first. */
static int not_started(int r, const char *reason) {
        if (!reason)
                reason = "Out of memory.";
        journal_log(LOG_ERR, MESSAGE_NOT_STARTED, "%s", reason);
        notify_end(reason);
        return r == REFUSED ? EX_CONFIG : EXIT_FAILURE;
}

/* None that are usable is no reason not to start: what is cached can still be read. */
static int find_credentials(Credentials **ret, const Configuration *configuration) {
        CLEANUP(freep) char *reason = NULL;
        int r;

        r = credentials_load(ret, configuration->credentials_file, getenv("CREDENTIALS_DIRECTORY"),
                             &reason);
        if (r == REFUSED)
                journal_log(LOG_WARNING, MESSAGE_CREDENTIALS,
                            "No credentials for the API, so nothing is sent to it: %s", reason);

        return r < 0 ? r : 0;
}

static int serve(Options *options) {
        CLEANUP(configuration_freep) Configuration *configuration = NULL;
        CLEANUP(credentials_freep) Credentials *credentials = NULL;
        CLEANUP(daemon_freep) Daemon *daemon = NULL;
        CLEANUP(freep) char *reason = NULL;
        int r;

        r = options_find_files(options, &reason);
        if (r != 0)
                return not_started(r, reason);

        r = configuration_load(&configuration, options->configuration_file,
                               options->configuration_required, journal_warning, &reason);
        refusal_explain(r, "Can't read the configuration", &reason);
        if (r != 0)
                return not_started(r, reason);

        r = find_credentials(&credentials, configuration);
        if (refusal_explain(r, "Can't read the credentials", &reason) < 0)
                return not_started(r, reason);

        r = daemon_new(&daemon, options, TAKE(configuration), credentials, &reason);
        if (r != 0)
                return not_started(r, reason);

        /* The API client has its own copy. */
        credentials = credentials_free(credentials);
        return daemon_run(daemon);
}

/* A dump of memory has the password and the tokens in it. The limit alone does not count where
 * dumps are piped to a program, see core(5). Neither can fail but where a unit's filter of system
 * calls forbids to set limits, and has set this one. */
static void forbid_dumps(void) {
        (void)setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
        (void)prctl(PR_SET_DUMPABLE, 0);
}

/* Before any thread exists, so that all of them have it so. */
static void set_up_process(void) {
        sigset_t signals;

        forbid_dumps();
        umask(0077);
        /* Else what a single message of 30 MB took would not be given back. */
        (void)mallopt(M_MMAP_THRESHOLD, 1 << 20);
        signal(SIGPIPE, SIG_IGN);
        sigemptyset(&signals);
        sigaddset(&signals, SIGTERM);
        sigaddset(&signals, SIGINT);
        sigaddset(&signals, SIGHUP);
        sigprocmask(SIG_BLOCK, &signals, NULL);
}

int main(int argc, char **argv) {
        CLEANUP(options_freep) Options *options = NULL;
        CLEANUP(freep) char *reason = NULL;
        int r;

        r = options_new(&options, argc, argv, &reason);
        if (r == OPTIONS_HELP)
                return fputs(options_help, stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        if (r == OPTIONS_VERSION)
                return puts(PACKAGE_STRING) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        if (r != 0) {
                fprintf(stderr, "%s\n", r == REFUSED ? reason : "Out of memory.");
                if (r == REFUSED)
                        notify_end(reason);
                return r == REFUSED ? EXIT_USAGE : EXIT_FAILURE;
        }

        set_up_process();
        journal_init(options->log_level);
        return serve(options);
}
