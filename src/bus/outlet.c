/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether the bus takes what is said. dbus-daemon keeps for each client what that has not read yet;
 * where it keeps as much of ours as its max_incoming_bytes it takes nothing more from us, for as
 * long as the one who does not read likes. On a new connection it begins anew. */

#include <sys/ioctl.h>

#include "bus/internal.h"

#define STUCK_USEC (10 * USEC_PER_SEC)

/* In whole seconds: to set a timer anew in each turn would cost a part of what a call does. */
static usec_t seconds_after(usec_t now) {
        return usec_add(now, STUCK_USEC + USEC_PER_SEC - 1) / USEC_PER_SEC * USEC_PER_SEC;
}

/* Bytes that are in our socket; sd-bus has it hold some megabytes before it queues anything. */
static int bytes_waiting(sd_bus *bus) {
        int n, fd = sd_bus_get_fd(bus);

        return fd >= 0 && ioctl(fd, TIOCOUTQ, &n) == 0 ? n : 0;
}

bool bus_is_stuck(Bus *bus, Now now, usec_t awake) {
        Outlet *outlet = &bus->outlet;
        int n = bytes_waiting(bus->bus);

        if (outlet->n_waiting == 0 || n < outlet->n_waiting) {
                outlet->stuck_at = seconds_after(awake);
                outlet->look_at = seconds_after(now.boottime);
        }
        outlet->n_waiting = n;
        if (n == 0 || awake >= outlet->stuck_at)
                return n > 0;
        if (now.boottime >= outlet->look_at)
                outlet->look_at = usec_add(now.boottime, outlet->stuck_at - awake);
        return false;
}

usec_t outlet_deadline(const Outlet *outlet) {
        return outlet->n_waiting == 0 ? USEC_NEVER : outlet->look_at;
}
