/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Where requests go, as whom, and over which connections: one configuration, copied. Another
 * configuration is another origin; the old one stays until the last request there has ended.
 */

#include <bsd/sys/queue.h>

#include "api/api.h"
#include "api/http.h"

typedef struct Exchange Exchange;

typedef struct Origin {
        LIST_ENTRY(Origin) link; /* of those that are no longer the current one */
        Http *http;
        LIST_HEAD(, Exchange) exchanges; /* in flight */
        LIST_HEAD(, Exchange) idle;      /* reads that have ended, for the next ones */
        char *base, *account;
        char *user, *password; /* both or none */
        char *basic;           /* what both of them look like in a header */
        char *ca_file, *proxy;
        bool secure; /* https */
        long connect_timeout_ms, request_timeout_ms;
        unsigned connections_max;
        bool dropped; /* its connections are of no use: what can be repeated is broken off */
        struct curl_slist *headers, *body_headers;
} Origin;

/**
 * origin_new() - copy a configuration and make an empty pool for it
 *
 * Return: 0, -EINVAL (base URL, account id or a bound that can't be used), -ENOMEM, or what
 *         sd-event says.
 */
int origin_new(Origin **ret, sd_event *event, const ApiConfig *config, HttpHandler handler);

/* What it was made from, borrowed from it. */
ApiConfig origin_config(const Origin *origin);

/* Breaks off what is in flight; overwrites what is secret. */
Origin *origin_free(Origin *origin);

/* Whether a text holds what nobody may read. */
bool origin_is_told_by(const Origin *origin, const char *text);

DEFINE_CLEANUP(Origin, origin_free);
