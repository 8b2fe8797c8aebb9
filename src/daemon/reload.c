/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Configuration and credentials, read again while the daemon runs: all of it, or nothing. */

#include <errno.h>
#include <inttypes.h>

#include "base/clock.h"
#include "daemon/daemon.h"
#include "daemon/journal.h"
#include "daemon/message-ids.h"
#include "daemon/refusal.h"
#include "daemon/share.h"

/* The client of the API comes first: it alone can fail. */
static int take_over(Daemon *daemon, const Configuration *configuration,
                     const Credentials *credentials) {
        BusConfig for_bus = share_of_bus(configuration, daemon->options->system);
        CoreConfig for_core = share_of_core(configuration);
        ApiConfig for_api = share_of_api(configuration, credentials);
        Now now = clock_now();
        int r;

        r = api_configure(daemon->api, &for_api);
        if (r < 0)
                return r;

        core_configure(daemon->core, &for_core, now);
        core_set_credentials(daemon->core, true, now);
        bus_configure(daemon->bus, &for_bus);
        return 0;
}

static int reload(Daemon *daemon, char **ret_reason) {
        CLEANUP(configuration_freep) Configuration *configuration = NULL;
        CLEANUP(credentials_freep) Credentials *credentials = NULL;
        const Options *options = daemon->options;
        int r;

        r = configuration_load(&configuration, options->configuration_file,
                               options->configuration_required, journal_warning, ret_reason);
        if (r != 0)
                return r;
        r = configuration_may_follow(configuration, daemon->configuration,
                                     options->configuration_file, ret_reason);
        if (r != 0)
                return r;
        r = credentials_load(&credentials, configuration->credentials_file,
                             getenv("CREDENTIALS_DIRECTORY"), ret_reason);
        if (r != 0)
                return r;
        r = take_over(daemon, configuration, credentials);
        if (r < 0)
                return r;

        configuration_free(daemon->configuration);
        daemon->configuration = TAKE(configuration);
        return 0;
}

static void say_outcome(int r, const char *reason) {
        if (r == 0) {
                journal_log(LOG_NOTICE, MESSAGE_RELOADED,
                            "Configuration and credentials have been read again and are in force.");
        } else if (r == REFUSED) {
                journal_log(LOG_ERR, MESSAGE_NOT_RELOADED,
                            "Not reloaded, and what was in force stays: %s", reason);
        } else {
                errno = -r;
                journal_log(LOG_ERR, MESSAGE_NOT_RELOADED,
                            "Not reloaded, and what was in force stays: %m.");
        }
}

/* See "RELOADING=1" in sd_notify(3): READY=1 follows whatever came of it. */
int daemon_reload(Daemon *daemon, char **ret_reason) {
        CLEANUP(freep) char *reason = NULL;
        int r;

        if (!daemon->stopping)
                notify_tell(daemon->notify, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
                            clock_read(CLOCK_MONOTONIC));
        r = reload(daemon, &reason);
        say_outcome(r, reason);
        if (!daemon->stopping)
                notify_tell(daemon->notify, "READY=1");

        if (r == REFUSED)
                *ret_reason = TAKE(reason);
        return r;
}
