/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Clients that objects live as long as (Lifetime=client). Each is followed by its unique name,
 * which is never used again while the bus runs; the bus's id tells one bus from the next.
 */

#include <systemd/sd-bus.h>

#include "bus/bus.h"

typedef struct Clients Clients;

/* @bus is borrowed, and need not be whole yet. Return: 0, -ENOMEM. */
int clients_new(Clients **ret, Bus *bus);
Clients *clients_free(Clients *clients);

/**
 * clients_restore() - tell the core who has left since the last run: whoever was on another bus, or
 * has a name without an owner; follow the others
 *
 * Blocks on the bus, once for each client.
 *
 * Return: 0, negative errno.
 */
int clients_restore(Clients *clients);

/**
 * clients_bind() - an object is to live as long as the sender of a message
 * @spec: its owner is known; its client_bus and client_name are set
 *
 * From here on core_client_left() follows when the sender leaves. Blocks on the bus for a client
 * that is not followed yet.
 *
 * Return: 0; -ENXIO: it has left; another negative errno. @error is set where it is not ours.
 */
int clients_bind(Clients *clients, sd_bus_message *message, Spec **spec, sd_bus_error *error);

DEFINE_CLEANUP(Clients, clients_free);
