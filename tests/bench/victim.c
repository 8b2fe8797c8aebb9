/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * bench-victim USER PATH LOOKS [PID...]
 *
 * Who suffers from what others do: started by root, it connects to the system bus as USER. Until
 * its standard input ends, and no more than LOOKS times, it asks convened for all properties of the
 * session PATH or the bus for its id, in turns, each 2 ms after the answer before. Of every 80
 * looks the last 40 go before everybody else on the CPUs, with the processes PID (the service and
 * the bus), where the kernel lets root have that (CONFIG_RT_GROUP_SCHED). At the end it prints a
 * line for each: whether it was one of these, whether the bus was asked, and how many microseconds
 * it took.
 */

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#include "proto/names.h"

#define PAUSE_MSEC 2
#define BLOCK      40

typedef struct Look {
        bool first, bus;
        double usec;
} Look;

typedef struct Victim {
        sd_bus *bus;
        const char *path;
        Look *looks;
        size_t n_looks, n_looks_max;
} Victim;

static void check(const char *what, int r) {
        if (r >= 0)
                return;
        (void)fprintf(stderr, "bench-victim: %s: %s\n", what, strerror(-r));
        exit(EXIT_FAILURE);
}

static void check_errno(const char *what, int r) {
        check(what, r < 0 ? -errno : 0);
}

static double now_usec(void) {
        struct timespec now;

        check_errno("clock", clock_gettime(CLOCK_MONOTONIC, &now));
        return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* The bus takes whom it sees as it is connected to for the whole time. */
static void victim_connect(Victim *victim, const char *name) {
        const struct passwd *user = getpwnam(name);
        const char *unique;

        if (!user)
                check(name, -ENOENT);
        check_errno("groups", initgroups(name, user->pw_gid));
        check_errno("group", setresgid(user->pw_gid, user->pw_gid, 0));
        check_errno("user", setresuid(user->pw_uid, user->pw_uid, 0));
        check("bus", sd_bus_open_system(&victim->bus));
        check("name", sd_bus_get_unique_name(victim->bus, &unique));
        check_errno("root", setresuid(0, 0, 0));
        check_errno("group of root", setresgid(0, 0, 0));
}

/* Returns whether it is so now. */
static bool set_first(bool on, char *pids[], int n_pids) {
        struct sched_param priority = { .sched_priority = on };
        int policy = on ? SCHED_FIFO : SCHED_OTHER;

        for (int i = 0; i < n_pids; i++)
                if (sched_setscheduler((pid_t)strtol(pids[i], NULL, 10), policy, &priority) < 0)
                        return false;
        return sched_setscheduler(0, policy, &priority) == 0 && on;
}

static void victim_look(const Victim *victim, Look *look) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        double begin = now_usec();

        if (look->bus)
                check("GetId", sd_bus_call_method(victim->bus, "org.freedesktop.DBus",
                                                  "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                                  "GetId", &error, NULL, NULL));
        else
                check("GetAll", sd_bus_call_method(victim->bus, CONVENED_BUS_NAME, victim->path,
                                                   "org.freedesktop.DBus.Properties", "GetAll",
                                                   &error, NULL, "s", CONVENED_SESSION));
        look->usec = now_usec() - begin;
}

static void victim_make_room(Victim *victim) {
        victim->looks = realloc(victim->looks, (victim->n_looks + BLOCK) * sizeof(*victim->looks));
        if (!victim->looks)
                check("looks", -ENOMEM);
}

static void victim_suffer(Victim *victim, char *pids[], int n_pids) {
        struct pollfd end = { .fd = STDIN_FILENO, .events = POLLIN };
        bool first = false;
        int r = 0;

        while (victim->n_looks < victim->n_looks_max && (r = poll(&end, 1, PAUSE_MSEC)) == 0) {
                size_t i = victim->n_looks++;

                if (i % BLOCK == 0) {
                        victim_make_room(victim);
                        first = set_first(i / BLOCK % 2, pids, n_pids);
                }
                victim->looks[i] = (Look){ .first = first, .bus = i % 2 };
                victim_look(victim, &victim->looks[i]);
        }
        check_errno("poll", r);
        (void)set_first(false, pids, n_pids);
}

int main(int argc, char *argv[]) {
        Victim victim = { 0 };

        if (argc < 4)
                check("USER PATH LOOKS [PID...]", -EINVAL);
        victim.path = argv[2];
        victim.n_looks_max = strtoul(argv[3], NULL, 10);
        victim_connect(&victim, argv[1]);
        victim_suffer(&victim, argv + 4, argc - 4);
        for (size_t i = 0; i < victim.n_looks; i++)
                printf("%d %d %.1f\n", victim.looks[i].first, victim.looks[i].bus,
                       victim.looks[i].usec);
        free(victim.looks);
        sd_bus_flush_close_unref(victim.bus);
        return EXIT_SUCCESS;
}
