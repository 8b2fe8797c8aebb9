/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One request on its way, and what has come back so far.
 *
 * libcurl sends a request again by itself when a connection that it had used before dies without
 * an answer, and when an HTTP/2 stream was refused. Here both end the attempt:
 *
 *     begin ─▶ bytes go out ─▶ answer ─▶ end
 *       ▲           │
 *       └── again ──┘   broken off: .is_repeated
 *
 * On a connection that was never used before "again" can only mean a refused stream, which RFC
 * 9113, section 8.7, guarantees was not processed. A creation always has such a connection, never
 * one that has been idle and may be dead without anybody knowing.
 */

#include "api/buffer.h"
#include "api/origin.h"
#include "api/reader.h"

#define EXCHANGE_BODY_MAX   (4U * 1024 * 1024)
#define EXCHANGE_HEADER_MAX (64U * 1024)

struct Exchange {
        LIST_ENTRY(Exchange) link;
        Origin *origin;
        void *userdata;
        uint64_t serial;
        Question question;
        CURL *easy;
        char *body; /* of the request */
        Buffer answer;
        size_t n_header_bytes;
        long n_before;   /* bytes that had gone out before the request itself: to a proxy */
        bool is_running; /* in the pool */
        bool is_begun, is_repeated;
        bool is_first;      /* on its connection */
        bool is_head_whole; /* of the last answer, after interim ones */
        bool is_cut;        /* the answer was too long, and is not kept */
        char error[CURL_ERROR_SIZE];
};

/**
 * exchange_new() - begin a request
 *
 * It belongs to the origin's list until it is freed.
 *
 * Return: 0, -EINVAL (an id that the path needs is missing), -ENOMEM.
 */
int exchange_new(Exchange **ret, Origin *origin, const Request *request, void *userdata);

/* Breaks it off if it has not ended; takes it from the origin's list. */
Exchange *exchange_free(Exchange *exchange);

/* The exchange of a handle that has ended: out of the pool, still in the list. */
Exchange *exchange_take(CURL *easy);

/* For one that has ended and was looked at: frees it, or keeps the handle of a read, and the memory
 * of its answer, for the next read at the same origin: making one costs as much as half a request.
 */
void exchange_end(Exchange *exchange);

/* Whether anything of the request may have been read by the API. */
bool exchange_is_sent(const Exchange *exchange);

DEFINE_CLEANUP(Exchange, exchange_free);
