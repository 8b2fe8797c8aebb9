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

/**
 * sightings_read_members() - who is in a session, as the session itself says it
 * @list: an array of ids ("participants", in pages of 2020; "participant_ids", seen in 2022)
 * @ret:  their ids and @session; nothing is told of what they hear. Sorted, each once
 *
 * Undocumented today, so that a list which makes no sense is none, and spoils no answer.
 *
 * Return: 1 there is a list, 0 there is none, -ENOMEM.
 */
int sightings_read_members(Sighting **ret, size_t *ret_n, json_object *list, const ApiId *session);

/* Sorts by id. Return: 1, 0 where one stands there twice. */
int sightings_sort(Sighting *sightings, size_t n);

/* Takes NULL, returns NULL. */
Sighting *sightings_free(Sighting *sightings, size_t n);
