/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What can become of an intent, and of one attempt at the API. Both are facts of the matter, not
 * errors of the program: those are negative errno values and travel beside them.
 */

/* Answers to clients. The numbers stand in state files: add at the end only. */
typedef enum Outcome {
        OUTCOME_DONE = 0,
        OUTCOME_NO_SUCH_SESSION,
        OUTCOME_NO_SUCH_PARTICIPANT,
        OUTCOME_REJECTED,     /* 400 and other final 4xx, a redirect */
        OUTCOME_UNAUTHORIZED, /* 401, or no credentials */
        OUTCOME_FORBIDDEN,    /* 403 */
        OUTCOME_CONFLICT,     /* 409, or known beforehand */
        OUTCOME_SESSION_FULL,
        OUTCOME_SUPERSEDED,
        OUTCOME_UNAVAILABLE,
        OUTCOME_UNKNOWN, /* a creation of which the API never told what became of it */
        OUTCOME_NO_TOKEN,
        OUTCOME_STORAGE_FAILED,
        OUTCOME_INVALID, /* arguments that only the registry can judge */
        _OUTCOME_MAX,
} Outcome;

/* Every end of an attempt, sorted by what it means for the next one. See doc/architecture.md. */
typedef enum ApiOutcome {
        API_OK,             /* 2xx, and its body (where one is needed) was understood */
        API_NOT_SENT,       /* DNS, connect, TLS handshake, HTTP/2 stream refused */
        API_NO_ANSWER,      /* sent, and no whole answer: reset, timeout, truncated, not HTTP */
        API_NOT_UNDERSTOOD, /* 2xx with a body that can't be understood */
        API_THROTTLED,      /* 425, 429, 503 with Retry-After: not processed */
        API_BROKEN,         /* 408, other 5xx, 503 without Retry-After */
        API_REFUSED,        /* 400 and every other 4xx not named here; 404 without the API's body */
        API_UNAUTHORIZED,   /* 401 */
        API_FORBIDDEN,      /* 403 */
        API_NOT_FOUND,      /* 404 with the API's own error body */
        API_CONFLICT,       /* 409 */
        API_REDIRECTED,     /* 3xx, never followed */
        _API_OUTCOME_MAX,
} ApiOutcome;
