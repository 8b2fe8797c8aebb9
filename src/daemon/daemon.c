/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/daemon.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <sys/random.h>

#include "base/clock.h"
#include "daemon/connection.h"
#include "daemon/journal.h"
#include "daemon/machine.h"
#include "daemon/message-ids.h"
#include "daemon/refusal.h"
#include "daemon/share.h"
#include "proto/names.h"

void daemon_fail(Daemon *daemon, int error, const char *what) {
        errno = -error;
        journal_log(LOG_ERR, MESSAGE_FAILED, "%s: %m. convened ends; what was accepted is on disk.",
                    what);
        sd_event_exit(daemon->event, EXIT_FAILURE);
}

static void on_allowed(const Allowance *allowance, void *userdata) {
        (void)userdata;
        journal_allowance(allowance);
}

static void on_fail(int error, const char *what, void *userdata) {
        daemon_fail(userdata, error, what);
}

static void on_answer(const Answer *answer, void *userdata) {
        Daemon *daemon = userdata;
        int r = core_answer(daemon->core, answer, clock_now());

        if (r < 0)
                daemon_fail(daemon, r, "Take an answer in");
}

static void on_committed(const Batch *committed, int error, void *userdata) {
        Daemon *daemon = userdata;
        Batch *batch = TAKE(daemon->batch);
        int r;

        assert(batch == committed);
        if (error == -ENOSPC) {
                r = core_refused(daemon->core, batch, clock_now());
                if (r < 0)
                        daemon_fail(daemon, r, "Take a batch back");
                return;
        }
        if (error < 0) {
                /* What the disk has now only a restart can tell. Nothing of the batch was let out,
                 * and no cleaning up may change that. */
                errno = -error;
                journal_log(LOG_CRIT, MESSAGE_STORAGE_FAILED,
                            "State could not be written to %s: %m. convened stops at once; put "
                            "the disk right and start it again.",
                            daemon->options->state_directory);
                _exit(EXIT_FAILURE);
        }

        r = daemon_release(daemon, batch);
        if (r < 0)
                daemon_fail(daemon, r, "Let a batch out");
}

static void on_token(uint64_t ticket, int error, const char *token, void *userdata) {
        Daemon *daemon = userdata;

        bus_token(daemon->bus, ticket, error, token);
}

static int read_token(uint64_t participant, uint64_t ticket, void *userdata) {
        Daemon *daemon = userdata;

        return store_read_token(daemon->store, participant, ticket);
}

static int on_reload(char **ret_reason, void *userdata) {
        return daemon_reload(userdata, ret_reason);
}

static int get_log_level(void *userdata) {
        (void)userdata;
        return journal_level();
}

static void set_log_level(int level, void *userdata) {
        (void)userdata;
        journal_set_level(level);
}

static const char *get_log_target(void *userdata) {
        (void)userdata;
        return journal_target();
}

static bool set_log_target(const char *target, void *userdata) {
        (void)userdata;
        return journal_set_target(target);
}

/* The turn that follows each event does the work. */
static int on_timer(sd_event_source *source, uint64_t at, void *userdata) {
        (void)source;
        (void)at;
        (void)userdata;
        return 0;
}

/* What came of it has been logged. */
static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        CLEANUP(freep) char *reason = NULL;

        (void)source;
        (void)info;
        (void)daemon_reload(userdata, &reason);
        return 0;
}

/* Takes no new intents, sends nothing new, and leaves when no creation is in flight any more. */
static void daemon_stop(Daemon *daemon) {
        if (daemon->stopping)
                return;

        unsigned n = core_status(daemon->core).n_posts;

        if (n == 0)
                notify_tell(daemon->notify, "STOPPING=1\nSTATUS=Stopping");
        else
                notify_tell(daemon->notify,
                            "STOPPING=1\nSTATUS=Stopping, and waiting for %u creation%s in flight",
                            n, status_plural(n));
        daemon->stopping = true;
        core_stop(daemon->core);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        (void)source;
        journal_log(LOG_NOTICE, MESSAGE_STOPPING, "Stopping on %s.",
                    info->ssi_signo == SIGINT ? "SIGINT" : "SIGTERM");
        daemon_stop(userdata);
        return 0;
}

/* The loop that asks does; the store does unless a commit takes too long. */
static bool has_progress(usec_t patience, void *userdata) {
        const Daemon *daemon = userdata;

        return !daemon->batch || clock_now().boottime - daemon->batch_at <= patience;
}

static int make_loop(Daemon *daemon) {
        int r;

        r = sd_event_default(&daemon->event);
        if (r < 0)
                return r;
        r = sd_event_add_signal(daemon->event, NULL, SIGTERM, on_signal, daemon);
        if (r < 0)
                return r;
        r = sd_event_add_signal(daemon->event, NULL, SIGINT, on_signal, daemon);
        if (r < 0)
                return r;
        r = sd_event_add_signal(daemon->event, NULL, SIGHUP, on_hangup, daemon);
        if (r < 0)
                return r;
        r = sd_event_add_time(daemon->event, &daemon->timer, CLOCK_BOOTTIME, 0, USEC_PER_MSEC,
                              on_timer, daemon);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(daemon->timer, SD_EVENT_OFF);
        if (r < 0)
                return r;

        return notify_new(&daemon->notify, daemon->event, has_progress, daemon);
}

static int make_core(Daemon *daemon) {
        CoreConfig config = share_of_core(daemon->configuration);

        if (getrandom(&config.seed, sizeof(config.seed), 0) != sizeof(config.seed))
                return -errno;

        return core_new(&daemon->core, &config);
}

static int make_api(Daemon *daemon, const Credentials *credentials) {
        ApiConfig config = share_of_api(daemon->configuration, credentials);

        return api_new(&daemon->api, daemon->event, &config, on_answer, daemon);
}

static int restore_counters(const Counters *counters, void *userdata) {
        Daemon *daemon = userdata;

        core_restore_counters(daemon->core, counters);
        return 0;
}

static int restore_row(Row *row, void *userdata) {
        Daemon *daemon = userdata;

        return core_restore(daemon->core, row);
}

static int restore_end(uint64_t *ret_participant, void *userdata) {
        Daemon *daemon = userdata;

        return core_restore_end(daemon->core, ret_participant);
}

static int restore_tombstone(Kind kind, uint64_t number, const ApiId *id, usec_t removed_at,
                             void *userdata) {
        Daemon *daemon = userdata;

        (void)number;
        return core_restore_tombstone(daemon->core, kind, id, removed_at, clock_now());
}

/* Before anything is done for its sake. */
static void take_copy(Daemon *daemon) {
        const char *why = NULL;
        CopyKind kind = store_copy(daemon->store, &why);

        if (kind == COPY_NONE)
                return;
        core_restore_copy(daemon->core, kind);
        journal_log(LOG_WARNING, MESSAGE_COPY,
                    "The state in %s is a copy: %s. All that it knows is read at the API before "
                    "anything is changed there, and no creation in it is sent. What was created "
                    "after the copy was made is not known here.",
                    daemon->options->state_directory, why);
}

/* What passes, and of which the error alone says too little. */
static void explain_not_opened(int error, const char *directory, char **ret_reason) {
        if (error == -EBUSY)
                (void)refusal(ret_reason,
                              "Another program is writing to the state file in %s, such as "
                              "sqlite3(1). End it, and start convened again.",
                              directory);
        if (error == -ENOSPC || error == -EDQUOT)
                (void)refusal(ret_reason,
                              "There is no room on the disk for the state file in %s. Make some (4 "
                              "MiB are enough), or name another directory, and start convened "
                              "again.",
                              directory);
}

static int make_store(Daemon *daemon, char **ret_reason) {
        char machine[MACHINE_ID_SIZE];
        StoreConfig config = { .directory = daemon->options->state_directory,
                               .account_id = daemon->configuration->account_id,
                               .base_url = daemon->configuration->base_url,
                               .machine = machine_id(machine) };
        StoreRestore restore = { .counters = restore_counters,
                                 .row = restore_row,
                                 .end = restore_end,
                                 .tombstone = restore_tombstone,
                                 .userdata = daemon };
        int r;

        r = store_open(&daemon->store, &config, clock_now(), ret_reason);
        explain_not_opened(r, config.directory, ret_reason);
        if (r != 0)
                return r < 0 ? r : REFUSED;

        r = store_restore(daemon->store, &restore, ret_reason);
        if (r != 0)
                return r < 0 ? r : REFUSED;
        take_copy(daemon);

        return store_attach(daemon->store, daemon->event, on_committed, on_token, daemon);
}

static int connect_bus(Daemon *daemon) {
        int r;

        r = connection_open(&daemon->connection, daemon->options->system);
        if (r < 0)
                return r;

        return sd_bus_attach_event(daemon->connection, daemon->event, SD_EVENT_PRIORITY_NORMAL);
}

static int make_bus(Daemon *daemon) {
        BusConfig config = share_of_bus(daemon->configuration, daemon->options->system);
        BusHooks hooks = {
                .read_token = read_token,
                .reload = on_reload,
                .get_log_level = get_log_level,
                .set_log_level = set_log_level,
                .get_log_target = get_log_target,
                .set_log_target = set_log_target,
                .allowed = on_allowed,
                .fail = on_fail,
                .userdata = daemon,
        };

        return bus_new(&daemon->bus, daemon->connection, daemon->core, &config, &hooks);
}

static int take_name(Daemon *daemon, char **ret_reason) {
        int r = bus_request_name(daemon->bus);

        if (r == -EEXIST || r == -EALREADY)
                (void)refusal(ret_reason,
                              "Another process owns the name %s on the %s bus. Is convened running "
                              "already?",
                              CONVENED_BUS_NAME, daemon->options->system ? "system" : "session");
        return refusal_explain(r, "Can't take the name " CONVENED_BUS_NAME " on the bus",
                               ret_reason);
}

/* The order matters: the name stands for a registry that is whole and exported. */
static int daemon_begin(Daemon *daemon, const Credentials *credentials, char **ret_reason) {
        int r;

        r = refusal_explain(make_loop(daemon), "Can't make an event loop", ret_reason);
        if (r < 0)
                return r;
        r = refusal_explain(make_core(daemon), "Can't make the registry", ret_reason);
        if (r < 0)
                return r;
        r = refusal_explain(make_store(daemon, ret_reason), "Can't restore the registry",
                            ret_reason);
        if (r != 0)
                return r;
        r = refusal_explain(make_api(daemon, credentials), "Can't make the API client", ret_reason);
        if (r < 0)
                return r;

        core_set_credentials(daemon->core, credentials != NULL, clock_now());
        r = refusal_explain(core_start(daemon->core, clock_now()), "Can't start the registry",
                            ret_reason);
        if (r < 0)
                return r;

        r = refusal_explain(connect_bus(daemon),
                            daemon->options->system ? "Can't connect to the system bus"
                                                    : "Can't connect to the session bus",
                            ret_reason);
        if (r < 0)
                return r;
        r = refusal_explain(make_bus(daemon), "Can't export the registry on the bus", ret_reason);
        if (r < 0)
                return r;
        r = refusal_explain(world_open(daemon), "Can't watch the machine", ret_reason);
        if (r < 0)
                return r;

        return take_name(daemon, ret_reason);
}

int daemon_new(Daemon **ret, const Options *options, Configuration *configuration,
               const Credentials *credentials, char **ret_reason) {
        CLEANUP(daemon_freep) Daemon *daemon = NULL;
        int r;

        daemon = calloc(1, sizeof(*daemon));
        if (!daemon) {
                configuration_free(configuration);
                return -ENOMEM;
        }

        daemon->options = options;
        daemon->configuration = configuration;
        r = daemon_begin(daemon, credentials, ret_reason);
        if (r != 0)
                return r;

        *ret = TAKE(daemon);
        return 0;
}

/* The store comes last: it finishes the commit that is under way. */
Daemon *daemon_free(Daemon *daemon) {
        if (!daemon)
                return NULL;

        world_close(daemon);
        bus_free(daemon->bus);
        sd_bus_flush_close_unref(daemon->connection);
        api_free(daemon->api);
        store_close(daemon->store);
        core_free(daemon->core);
        notify_free(daemon->notify);
        sd_event_source_unref(daemon->timer);
        sd_event_unref(daemon->event);
        configuration_free(daemon->configuration);
        free(daemon);
        return NULL;
}

static void say_ready(const Daemon *daemon) {
        CoreStatus status = core_status(daemon->core);
        unsigned n_sessions = status.n_objects[KIND_SESSION];
        unsigned n_participants = status.n_objects[KIND_PARTICIPANT];

        notify_tell(daemon->notify, "READY=1");
        journal_log(LOG_INFO, MESSAGE_STARTED,
                    "convened " PACKAGE_VERSION " serves the %s bus for account %s at %s, with %u "
                    "session%s and %u participant%s.",
                    daemon->options->system ? "system" : "session",
                    daemon->configuration->account_id, daemon->configuration->base_url, n_sessions,
                    status_plural(n_sessions), n_participants, status_plural(n_participants));
}

/* Nobody can call it any more, and its name is gone: only a new process can be on another bus with
 * all that clients may rely on (objects before the name, no signal that was missed). It ends as on
 * SIGTERM, so that no creation in flight is given up for it. */
static void leave_lost_bus(Daemon *daemon) {
        const char *kind = daemon->options->system ? "system" : "session";
        unsigned n = core_status(daemon->core).n_posts;

        daemon->bus_lost = true;
        if (daemon->stopping)
                return;

        daemon->exit_status = EXIT_FAILURE;
        if (n == 0)
                journal_log(LOG_ERR, MESSAGE_BUS_LOST,
                            "The connection to the %s bus is lost. convened ends; what was "
                            "accepted is on disk.",
                            kind);
        else
                journal_log(LOG_ERR, MESSAGE_BUS_LOST,
                            "The connection to the %s bus is lost. convened ends once %u "
                            "creation%s in flight %s answered; what was accepted is on disk.",
                            kind, n, status_plural(n), n == 1 ? "is" : "are");
        daemon_stop(daemon);
}

/* A unit that does not run goes on showing this. */
static void say_end(const Daemon *daemon, int code) {
        const char *how = "Ended by a failure, which the log has";

        if (code == EXIT_SUCCESS)
                how = "Stopped";
        else if (daemon->bus_lost)
                how = "Ended, since the bus is lost";
        notify_tell(daemon->notify, "STATUS=%s; what was accepted is on disk", how);
}

int daemon_run(Daemon *daemon) {
        int code = EXIT_FAILURE;

        say_ready(daemon);
        daemon_turn(daemon);
        while (sd_event_get_state(daemon->event) != SD_EVENT_FINISHED) {
                usec_t patience = bus_has_read(daemon->bus) ? 0 : UINT64_MAX;
                int r = sd_event_run(daemon->event, patience);

                if (r < 0) {
                        daemon_fail(daemon, r, "Run the event loop");
                        return EXIT_FAILURE;
                }
                /* Once the end is decided, nothing is begun any more. */
                if (sd_event_get_exit_code(daemon->event, &code) == -ENODATA)
                        daemon_serve(daemon);
                if (!daemon->bus_lost && sd_bus_is_open(daemon->connection) <= 0)
                        leave_lost_bus(daemon);
                if (sd_event_get_exit_code(daemon->event, &code) == -ENODATA)
                        daemon_turn(daemon);
        }

        sd_event_get_exit_code(daemon->event, &code);
        say_end(daemon, code);
        return code;
}
