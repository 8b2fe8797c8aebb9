/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/world.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/random.h>

#include "base/clock.h"
#include "core/pace.h"
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
        usec_t asleep = read_asleep(), span = asleep - usec_min(asleep, daemon->world.asleep);

        journal_log(LOG_INFO, MESSAGE_AWAKE,
                    "The machine is awake after %" PRIu64 " seconds of sleep: new connections are "
                    "made, and everything is verified.",
                    (span + USEC_PER_SEC / 2) / USEC_PER_SEC);
        daemon->world.asleep = asleep;
        core_resume(daemon->core);
        find_way_anew(daemon);
}

static void note_change(Daemon *daemon, const char *what) {
        World *world = &daemon->world;
        usec_t due;

        journal_log(LOG_DEBUG, NULL, "The machine has changed: %s.", what);
        world->changed = what;
        due = calm_note(&world->calm, clock_now().boottime, random_next(&world->seed));
        (void)sd_event_source_set_time(world->due, due);
        (void)sd_event_source_set_enabled(world->due, SD_EVENT_ONESHOT);
}

static void on_network(const char *what, void *userdata) {
        note_change(userdata, what);
}

static void on_resolver(void *userdata) {
        note_change(userdata, "its name servers");
}

static int on_due(sd_event_source *source, uint64_t at, void *userdata) {
        Daemon *daemon = userdata;

        (void)source;
        (void)at;
        if (!calm_pass(&daemon->world.calm, clock_now().boottime))
                return 0;
        journal_log(LOG_INFO, MESSAGE_NETWORK,
                    "The network of the machine has changed (%s): new connections are made, and "
                    "everything is verified.",
                    daemon->world.changed);
        find_way_anew(daemon);
        return 0;
}

static int make_timer(Daemon *daemon) {
        World *world = &daemon->world;
        int r;

        calm_init(&world->calm);
        if (getrandom(&world->seed, sizeof(world->seed), 0) != sizeof(world->seed))
                return -errno;
        r = sd_event_add_time(daemon->event, &world->due, CLOCK_BOOTTIME, 0, USEC_PER_MSEC, on_due,
                              daemon);
        return r < 0 ? r : sd_event_source_set_enabled(world->due, SD_EVENT_OFF);
}

int world_open(Daemon *daemon) {
        SleepHooks hooks = { .prepare = on_prepare, .wake = on_wake, .userdata = daemon };
        World *world = &daemon->world;
        int r;

        r = make_timer(daemon);
        if (r < 0)
                return r;
        r = network_new(&world->network, daemon->event, on_network, daemon);
        if (r < 0)
                return r;
        r = resolver_new(&world->resolver, daemon->event, on_resolver, daemon);
        if (r < 0)
                return r;
        world->asleep = read_asleep();
        return sleep_new(&world->sleep, daemon->event, &hooks);
}

void world_close(Daemon *daemon) {
        World *world = &daemon->world;

        world->sleep = sleep_free(world->sleep);
        world->resolver = resolver_free(world->resolver);
        world->network = network_free(world->network);
        world->due = sd_event_source_disable_unref(world->due);
}

void world_look(Daemon *daemon) {
        World *world = &daemon->world;

        if (read_asleep() <= world->asleep + ASLEEP_MIN_USEC)
                return;
        on_wake(daemon);
        sleep_woke(world->sleep);
}

void world_turn(Daemon *daemon, const CoreStatus *status) {
        Sleep *sleep = daemon->world.sleep;

        if (sleep_is_waiting(sleep) && !daemon->batch && status->n_in_flight == 0)
                sleep_ready(sleep);
}
