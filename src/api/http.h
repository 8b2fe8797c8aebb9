/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* libcurl's multi-socket interface on sd-event: a pool of connections, and transfers over them. */

#include <curl/curl.h>
#include <stdbool.h>
#include <systemd/sd-event.h>

#include "base/cleanup.h"

typedef struct Http Http;

/* A transfer has ended; the handle is out of the pool already, and the owner's again. The handler
 * may add others, but not free the pool. */
typedef void (*HttpHandler)(CURL *easy, CURLcode code);

/**
 * http_new() - an empty pool
 * @connections_max: open at once, used or idle
 *
 * Return: 0, -ENOMEM, or what sd-event says.
 */
int http_new(Http **ret, sd_event *event, unsigned connections_max, HttpHandler handler);

/* Closes the connections. Every transfer has ended or was removed before. */
Http *http_free(Http *http);

/* Begins a transfer; the handler is never called from inside. Return: 0, -ENOMEM. */
int http_add(Http *http, CURL *easy);

/* Breaks a transfer off; the handler is not called. */
void http_remove(Http *http, CURL *easy);

DEFINE_CLEANUP(Http, http_free);
