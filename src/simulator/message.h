/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A request as it came in, and the answer to it, without a word about how they travel. */

#include <stdint.h>

#include "simulator/buffer.h"
#include "simulator/random.h"

#define BODY_MAX (10 * 1024 * 1024) /* the gateway's limit */

typedef struct Request {
        uint64_t connection; /* counted from 1 */
        const char *method;
        const char *target;        /* as sent: percent-encoded, with the query */
        const char *authorization; /* header; NULL for none */
        const char *user_agent;    /* header; NULL for none */
        const char *body;          /* NULL for none */
        size_t n_body;
        bool too_large; /* the body was over BODY_MAX, and is not here */
} Request;

typedef struct Answer {
        unsigned status;
        const char *error_type; /* x-amzn-ErrorType; NULL for none */
        const char *allow;      /* Allow: the method that a 405 would rather have; NULL for none */
        char request_id[UUID_LENGTH + 1];
        Buffer body; /* JSON; without text: no body */
} Answer;

/** answer_deinit() - free the body. */
void answer_deinit(Answer *answer);

/**
 * answer_fail() - make it an error, in the shape that belongs to its status
 * @text: what is said in words; NULL: the words that are usual for this status
 *
 * 400, 404, 409 and 500 carry error and requestId (the API's own), all others a message (the
 * gateway's). What the body held before is dropped.
 */
void answer_fail(Answer *answer, unsigned status, const char *text);
