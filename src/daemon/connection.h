/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The connection to the bus. */

#include <stdbool.h>
#include <systemd/sd-bus.h>

/**
 * connection_open() - connect to the system bus, or to that of the session
 *
 * As sd_bus_open_system() and sd_bus_open_user() do, but for descriptors, which no call of ours
 * has: the bus keeps them away. Each call that waits would hold those that somebody sent with it,
 * and a service has 1024.
 *
 * Return: 0, negative errno.
 */
int connection_open(sd_bus **ret, bool system);
