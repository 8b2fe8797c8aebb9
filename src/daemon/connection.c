/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/connection.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define SYSTEM_BUS "unix:path=/run/dbus/system_bus_socket"

/* D-Bus Specification, "Server Addresses": what may stand in a value as it is. */
static bool needs_no_escape(char c) {
        return isalnum((unsigned char)c) || (c && strchr("-_/.\\*", c));
}

/* The socket where users' managers have it. Return: 0, -ENOMEDIUM: nobody says where, -ENOMEM. */
static int user_address(char **ret) {
        const char *folder = secure_getenv("XDG_RUNTIME_DIR");
        char *address, *end;

        if (!folder)
                return -ENOMEDIUM;
        address = malloc(strlen("unix:path=") + 3 * strlen(folder) + strlen("/bus") + 1);
        if (!address)
                return -ENOMEM;
        end = stpcpy(address, "unix:path=");
        for (; *folder; folder++)
                if (needs_no_escape(*folder))
                        *end++ = *folder;
                else
                        end += sprintf(end, "%%%02x", (unsigned)(unsigned char)*folder);
        strcpy(end, "/bus");

        *ret = address;
        return 0;
}

static int set_address(sd_bus *bus, bool system) {
        const char *given =
                secure_getenv(system ? "DBUS_SYSTEM_BUS_ADDRESS" : "DBUS_SESSION_BUS_ADDRESS");
        CLEANUP(freep) char *address = NULL;
        int r;

        if (given)
                return sd_bus_set_address(bus, given);
        if (system)
                return sd_bus_set_address(bus, SYSTEM_BUS);
        r = user_address(&address);
        return r < 0 ? r : sd_bus_set_address(bus, address);
}

static int connection_begin(sd_bus *bus, bool system) {
        int r;

        r = sd_bus_set_description(bus, "convened");
        if (r >= 0)
                r = set_address(bus, system);
        if (r >= 0)
                r = sd_bus_set_bus_client(bus, true);
        if (r >= 0)
                r = sd_bus_negotiate_fds(bus, false);
        /* Of a session bus there is one user, who may everything: sd-bus need not ask who calls. */
        if (r >= 0 && !system)
                r = sd_bus_set_trusted(bus, true);
        return r < 0 ? r : sd_bus_start(bus);
}

int connection_open(sd_bus **ret, bool system) {
        sd_bus *bus;
        int r;

        r = sd_bus_new(&bus);
        if (r < 0)
                return r;
        r = connection_begin(bus, system);
        if (r < 0) {
                sd_bus_unref(bus);
                return r;
        }

        *ret = bus;
        return 0;
}
