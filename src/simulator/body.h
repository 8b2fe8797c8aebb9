/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The bodies of POST and PUT, from JSON to values. No body, null and {} are the same; null stands
 * for a field that is not there; unknown fields are ignored. Everything else that is not as the
 * documentation says is refused with a text that says what is wrong.
 */

#include "simulator/json.h"
#include "simulator/world.h"

/**
 * body_read_session() - the body of a session's creation
 * @json:    NULL for none
 * @ret_tag: borrowed from @json; NULL for none
 *
 * Return: NULL, or what is wrong with it.
 */
const char *body_read_session(JsonObject *json, const char **ret_tag);

/**
 * body_read_participant() - the body of a participant's creation
 * @generation: that of 2020 knows device API version 2
 * @ret:        strings borrowed from @json
 *
 * Return: NULL, or what is wrong with it.
 */
const char *body_read_participant(JsonObject *json, Generation generation, NewParticipant *ret);

/**
 * body_read_subscriptions() - what a participant is to hear
 * @ret_session_id: the session it names, borrowed from @json; NULL for none
 * @ret:            the caller owns it; NULL for nobody
 *
 * Return: NULL, or what is wrong with it.
 */
const char *body_read_subscriptions(JsonObject *json, const char **ret_session_id,
                                    Subscriptions **ret);
