/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which addresses and default routes the machine has, as the kernel tells of their changes
 * (rtnetlink(7)). Of interest is only that something has changed by which the way to elsewhere may
 * be another one: not the addresses of a link alone or of the machine alone, nor those that are
 * only announced again.
 */

#include <systemd/sd-event.h>

#include "base/cleanup.h"

typedef struct Network Network;

/* @what, such as "its addresses", is for people. */
typedef void (*NetworkHandler)(const char *what, void *userdata);

/* Where the kernel tells nothing, nothing is heard. Return: 0, or a negative errno. */
int network_new(Network **ret, sd_event *event, NetworkHandler handler, void *userdata);
Network *network_free(Network *network);

DEFINE_CLEANUP(Network, network_free);
