/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/daemon.h"

#include <errno.h>
#include <inttypes.h>

#include "base/clock.h"
#include "daemon/journal.h"
#include "daemon/message-ids.h"

/* For so long calls go before everything else in a turn, or for as long as the last bulk read took:
 * those who read much have half of the time at most. */
#define SERVE_USEC USEC_PER_MSEC

/* So long the service manager is asked to wait, and so often: what hangs while it stops is not
 * waited for much longer than the unit says. */
#define EXTEND_USEC      (20 * USEC_PER_SEC)
#define EXTEND_EACH_USEC (EXTEND_USEC / 2)

/* Nobody hears on a bus that is lost, be it since just now: that ends the daemon in its own way,
 * and not as if memory had run out. */
static int unless_bus_lost(const Daemon *daemon, int r) {
        return r < 0 && sd_bus_is_open(daemon->connection) <= 0 ? 0 : r;
}

static int effect_let_out(Daemon *daemon, const Effect *effect) {
        switch (effect->kind) {
        case EFFECT_REQUEST:
                return daemon->stopping ? 0 : api_send(daemon->api, &effect->request);
        case EFFECT_REPLY:
                return unless_bus_lost(daemon, bus_reply(daemon->bus, &effect->reply));
        case EFFECT_LOG:
                journal_effect(&effect->log);
                return 0;
        case _EFFECT_KIND_MAX:
                break;
        }
        return 0;
}

int daemon_release(Daemon *daemon, Batch *batch) {
        int r;

        r = core_committed(daemon->core, batch, clock_now());
        if (r >= 0)
                r = unless_bus_lost(daemon, bus_emit(daemon->bus, batch));
        for (size_t i = 0; i < batch->n_effects && r >= 0; i++)
                r = effect_let_out(daemon, &batch->effects[i]);
        if (r < 0)
                return r;

        core_release(daemon->core, batch);
        return 0;
}

/* Seals until nothing is left to let out, or until a batch has to wait for the disk. */
static int turn_seal(Daemon *daemon) {
        while (!daemon->batch) {
                Batch *batch;
                int r;

                r = core_seal(daemon->core, clock_now(), &batch);
                if (r < 0 || !batch)
                        return r;

                if (!batch_needs_disk(batch)) {
                        r = daemon_release(daemon, batch);
                } else {
                        daemon->batch = batch;
                        daemon->batch_at = clock_now().boottime;
                        r = store_commit(daemon->store, batch);
                }
                if (r < 0)
                        return r;
        }
        return 0;
}

/* One timer for all deadlines. While a batch is on its way the core waits for its end, not for
 * time. */
static int turn_arm(Daemon *daemon, usec_t deadline, Now now) {
        deadline = usec_min(deadline, bus_deadline(daemon->bus));
        if (!daemon->batch)
                deadline = usec_min(deadline, core_deadline(daemon->core, now));
        if (deadline == USEC_NEVER)
                return sd_event_source_set_enabled(daemon->timer, SD_EVENT_OFF);

        int r = sd_event_source_set_time(daemon->timer, deadline);

        return r < 0 ? r : sd_event_source_set_enabled(daemon->timer, SD_EVENT_ONESHOT);
}

/* Whether all that is waited for after SIGTERM has come. The API client gives every request an end,
 * RequestTimeoutSec after its beginning at the latest. */
static bool may_leave(const Daemon *daemon, const CoreStatus *status) {
        return daemon->stopping && !daemon->batch && status->n_posts == 0;
}

/* RequestTimeoutSec= may be longer than TimeoutStopSec= of the unit, at whose end the id that a
 * creation is to bring would be lost. "EXTEND_TIMEOUT_USEC=" in sd_notify(3): each counts from when
 * it comes, and none makes shorter what the unit says. Returns when the next is due. */
static usec_t ask_for_time(Daemon *daemon, const CoreStatus *status, Now now) {
        if (status->n_posts == 0)
                return USEC_NEVER;
        if (now.boottime >= daemon->extend_at) {
                notify_tell(daemon->notify, "EXTEND_TIMEOUT_USEC=%" PRIu64, EXTEND_USEC);
                daemon->extend_at = now.boottime + EXTEND_EACH_USEC;
        }
        return daemon->extend_at;
}

/* What follows is what follows when a bus is lost. */
static void give_up_bus(Daemon *daemon) {
        journal_log(LOG_ERR, MESSAGE_BUS_STUCK,
                    "The %s bus has taken nothing for ten seconds: probably some client does not "
                    "read what it is sent.",
                    daemon->options->system ? "system" : "session");
        sd_bus_close(daemon->connection);
}

void daemon_serve(Daemon *daemon) {
        usec_t begin = clock_read(CLOCK_MONOTONIC), now = begin;

        /* Whatever breaks the connection, the loop is told of it too. */
        while (sd_bus_process(daemon->connection, NULL) > 0) {
                now = clock_read(CLOCK_MONOTONIC);
                if (now - begin >= usec_max(SERVE_USEC, daemon->bulk_usec))
                        break;
        }

        daemon->bulk_usec = 0;
        if (bus_read_next(daemon->bus))
                daemon->bulk_usec = clock_read(CLOCK_MONOTONIC) - now;
        if (bus_is_stuck(daemon->bus, clock_now(), now))
                give_up_bus(daemon);
}

void daemon_turn(Daemon *daemon) {
        CoreStatus status;
        usec_t deadline;
        Now now;
        int r;

        world_look(daemon);
        r = turn_seal(daemon);
        if (r < 0)
                return daemon_fail(daemon, r, "End a turn");

        now = clock_now();
        r = unless_bus_lost(daemon, bus_emit_status(daemon->bus, now));
        if (r < 0)
                return daemon_fail(daemon, r, "Signal the manager's properties");

        status = core_status(daemon->core);
        disk_tell(&daemon->disk, daemon->options->state_directory, &status);
        world_turn(daemon, &status);
        if (may_leave(daemon, &status)) {
                sd_event_exit(daemon->event, daemon->exit_status);
                return;
        }

        deadline = daemon->stopping ? ask_for_time(daemon, &status, now)
                                    : status_tell(&daemon->status, daemon->notify, &status, now);
        r = turn_arm(daemon, deadline, now);
        if (r < 0)
                daemon_fail(daemon, r, "Set the timer");
}
