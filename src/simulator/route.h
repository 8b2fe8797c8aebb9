/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* From a request line to one of the eleven operations. */

#include <stddef.h>

#include "simulator/settings.h"

#define ROUTE_ID_MAX 64 /* bytes; a longer id cannot exist */

typedef enum Operation {
        OPERATION_UNKNOWN, /* no such route: the gateway answers, not the API */
        OPERATION_CREATE_PARTICIPANT,
        OPERATION_GET_PARTICIPANT,
        OPERATION_DELETE_PARTICIPANT,
        OPERATION_CREATE_SESSION,
        OPERATION_GET_SESSION,
        OPERATION_DELETE_SESSION,
        OPERATION_LIST_MEMBERS,
        OPERATION_ADD_MEMBER,
        OPERATION_REMOVE_MEMBER,
        OPERATION_GET_SUBSCRIPTIONS,
        OPERATION_SET_SUBSCRIPTIONS,
        _OPERATION_MAX,
} Operation;

/* Ids are decoded; one that is too long, or wrongly encoded, is empty and so is never found. */
typedef struct Route {
        Operation operation;
        char account[ROUTE_ID_MAX + 1];
        char session_id[ROUTE_ID_MAX + 1];
        char participant_id[ROUTE_ID_MAX + 1];
} Route;

/**
 * route_find() - which operation a request asks for
 * @method:     as sent
 * @target:     as sent: still percent-encoded; a query is ignored, as no operation has one
 * @generation: that of 2020 has no list of members
 */
Route route_find(const char *method, const char *target, Generation generation);

/**
 * route_below_account() - the part of a request target that follows the account
 * @ret_length: the length of the path, without the query
 *
 * Return: a place in @target; its start where it is not below /v1/accounts/ACCOUNT/.
 */
const char *route_below_account(const char *target, size_t *ret_length);

/**
 * route_decode() - undo the percent-encoding of a path segment (RFC 3986, section 2.1)
 *
 * Return: whether it can be an id: 1 to ROUTE_ID_MAX bytes without a NUL. Else @ret is empty.
 */
bool route_decode(const char *segment, size_t n, char ret[static ROUTE_ID_MAX + 1]);
