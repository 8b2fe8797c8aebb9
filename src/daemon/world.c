/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/world.h"

#include <inttypes.h>

#include "base/clock.h"
#include "daemon/daemon.h"
#include "daemon/journal.h"
#include "daemon/message-ids.h"

/* The two clocks are not read at the same moment. */
#define ASLEEP_MIN_USEC USEC_PER_SEC

static usec_t read_asleep(void) {
        usec_t awake = clock_read(CLOCK_MONOTONIC), all = clock_read(CLOCK_BOOTTIME);

        return all > awake ? all - awake : 0;
}

static void on_prepare(void *userdata) {
        Daemon *daemon = userdata;

        core_suspend(daemon->core);
        journal_log(LOG_INFO, MESSAGE_SLEEP,
                    "The machine is about to sleep: nothing new is sent, and %u requests in flight "
                    "are waited for.",
                    core_status(daemon->core).n_in_flight);
}

static void find_way_anew(Daemon *daemon) {
        int r = api_renew(daemon->api);

        if (r < 0)
                daemon_fail(daemon, r, "Make connections anew");
        core_way_changed(daemon->core, clock_now());
}

static void on_wake(void *userdata) {
        Daemon *daemon = userdata;
        usec_t asleep = read_asleep();

        journal_log(LOG_INFO, MESSAGE_AWAKE,
                    "The machine is awake after %" PRIu64 " seconds of sleep: new connections are "
                    "made, and everything is verified.",
                    (asleep - usec_min(asleep, daemon->world.asleep)) / USEC_PER_SEC);
        daemon->world.asleep = asleep;
        core_resume(daemon->core);
        find_way_anew(daemon);
}

int world_open(Daemon *daemon) {
        SleepHooks hooks = { .prepare = on_prepare, .wake = on_wake, .userdata = daemon };

        daemon->world.asleep = read_asleep();
        return sleep_new(&daemon->world.sleep, daemon->event,
                         daemon->options->system ? daemon->connection : NULL, &hooks);
}

void world_close(Daemon *daemon) {
        daemon->world.sleep = sleep_free(daemon->world.sleep);
}

/* Nobody has to have told of it: logind may be missing, or have been too late. */
static bool has_slept(const World *world) {
        return read_asleep() > world->asleep + ASLEEP_MIN_USEC;
}

void world_turn(Daemon *daemon, const CoreStatus *status) {
        World *world = &daemon->world;

        if (has_slept(world)) {
                on_wake(daemon);
                sleep_woke(world->sleep);
        } else if (sleep_is_waiting(world->sleep) && !daemon->batch && status->n_in_flight == 0) {
                sleep_ready(world->sleep);
        }
}
