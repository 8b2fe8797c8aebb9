/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * bench-pages SERVICE MEMBER LIMIT
 *
 * Lists everything once, page by page, with ListSessions or ListParticipants, and counts the rows.
 * Prints one line of JSON: rows, seconds, and the longest page.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>

#include "proto/names.h"

static void check(const char *what, int r) {
        if (r >= 0)
                return;
        (void)fprintf(stderr, "bench-pages: %s: %s\n", what, strerror(-r));
        exit(EXIT_FAILURE);
}

static double now(void) {
        struct timespec time;

        (void)clock_gettime(CLOCK_MONOTONIC, &time);
        return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Counts the rows of a reply; @after becomes where the next page begins, 0: there is none. */
static unsigned count(sd_bus_message *reply, uint64_t *after) {
        unsigned n = 0;
        int r;

        check("rows", sd_bus_message_enter_container(reply, 'a', "(oa{sv})"));
        while ((r = sd_bus_message_skip(reply, "(oa{sv})")) > 0)
                n++;
        check("row", r == -ENXIO ? 0 : r);
        check("rows", sd_bus_message_exit_container(reply));
        check("next", sd_bus_message_read(reply, "t", after));
        return n;
}

int main(int argc, char *argv[]) {
        double begin, longest = 0;
        uint64_t after = 0;
        unsigned n = 0;
        sd_bus *bus = NULL;

        if (argc != 4)
                return EXIT_FAILURE;
        check("bus", sd_bus_open_system(&bus));
        begin = now();
        do {
                sd_bus_error error = SD_BUS_ERROR_NULL;
                sd_bus_message *reply = NULL;
                double at = now(), took;

                check(argv[2], sd_bus_call_method(bus, argv[1], CONVENED_PATH, CONVENED_MANAGER,
                                                  argv[2], &error, &reply, "a{sv}tu", 0, after,
                                                  (unsigned)strtoul(argv[3], NULL, 10)));
                took = now() - at;
                longest = took > longest ? took : longest;
                n += count(reply, &after);
                sd_bus_message_unref(reply);
        } while (after != 0);
        printf("{\"rows\": %u, \"seconds\": %.4f, \"longest_usec\": %.1f}\n", n, now() - begin,
               longest * 1e6);
        sd_bus_flush_close_unref(bus);
        return EXIT_SUCCESS;
}
