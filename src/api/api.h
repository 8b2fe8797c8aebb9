/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Bandwidth WebRTC API as a room: requests go in, and each comes back as one answer. What HTTP,
 * TLS and JSON are stays inside.
 *
 *     Request ─▶ endpoint, writer ─▶ exchange ─▶ http (curl multi on sd-event)
 *     Answer  ◀─ ending, reader, complaint ◀──────┘
 *
 * A request is one HTTP request on the wire, never more: what libcurl would send a second time by
 * itself ends the attempt instead, and the core decides.
 */

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "base/time.h"
#include "core/request.h"

typedef struct Api Api;

typedef struct ApiConfig {
        const char *base_url, *account_id; /* base URL includes /v1; no trailing slash needed */
        const char *user, *password;       /* may be NULL: then nothing may be sent */
        const char *ca_file, *proxy;       /* NULL: the system's; NULL: none, whatever the
                                               environment says */
        usec_t connect_timeout_usec, request_timeout_usec;
        unsigned connections_max;
} ApiConfig;

/* Takes one answer. It may call api_send() and api_configure(), but not api_free(). */
typedef void (*ApiAnswerHandler)(const Answer *answer, void *userdata);

/**
 * api_new() - a client of the API on an event loop
 * @event:  kept alive
 * @config: copied
 *
 * No connection is made before the first request.
 *
 * Return: 0, -EINVAL (base URL, account id or a bound that can't be used), -ENOMEM, or what
 *         sd-event says.
 */
int api_new(Api **ret, sd_event *event, const ApiConfig *config, ApiAnswerHandler handler,
            void *userdata);

/* Requests in flight are dropped without an answer; what was secret is overwritten. */
Api *api_free(Api *api);

/**
 * api_configure() - another configuration, for requests from now on
 *
 * Requests in flight end where they began. Connections made before are never used again, even if
 * nothing has changed: what comes back after sleep, or over another network, starts afresh.
 *
 * Return: as api_new(); on failure all stays as it was.
 */
int api_configure(Api *api, const ApiConfig *config);

/**
 * api_renew() - the way to the API may be another one: leave what was made on the way of before
 *
 * Connections and host names that were looked up are never used again. Requests in flight come back
 * soon, dropped, apart from creations that may have been sent: these end as they would have, for
 * their answers may come still, and nobody else will ever tell.
 *
 * Return: 0, -ENOMEM, or what sd-event says; on failure all stays as it was.
 */
int api_renew(Api *api);

/**
 * api_send() - begin a request
 * @request: what is needed of it is copied
 *
 * If 0 is returned it is answered exactly once, later, never from inside this function; otherwise
 * it was not taken and is never answered.
 *
 * Return: 0, -ENOKEY (no credentials), -EINVAL (an id that the path needs is missing), -ENOMEM.
 */
int api_send(Api *api, const Request *request);

DEFINE_CLEANUP(Api, api_free);
