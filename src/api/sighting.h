/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A participant as the API describes it, out of a JSON tree. */

#include "api/json.h"
#include "core/request.h"

/**
 * sighting_read() - read a participant object: its id, where it is, what it hears, how it was made
 * @sighting: zeroed before; owned by the caller whatever comes back
 *
 * Return: 1 understood, 0 not, -ENOMEM.
 */
int sighting_read(Sighting *sighting, json_object *participant);

/* Likewise, what is heard alone, out of a subscriptions object. */
int sighting_read_subscriptions(Sighting *sighting, json_object *subscriptions);

/* Sorts by id. Return: 1, 0 where one stands there twice. */
int sightings_sort(Sighting *sightings, size_t n);

/* Takes NULL, returns NULL. */
Sighting *sightings_free(Sighting *sightings, size_t n);
