/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One request to the API, and what came of it. Values only; src/api/ makes HTTP of them. */

#include "core/row.h"

/* The eleven operations of the API. Path after /accounts/{accountId} in the comment. */
typedef enum Operation {
        OPERATION_CREATE_PARTICIPANT,   /* POST   /participants */
        OPERATION_GET_PARTICIPANT,      /* GET    /participants/P */
        OPERATION_DELETE_PARTICIPANT,   /* DELETE /participants/P */
        OPERATION_CREATE_SESSION,       /* POST   /sessions */
        OPERATION_GET_SESSION,          /* GET    /sessions/S */
        OPERATION_DELETE_SESSION,       /* DELETE /sessions/S */
        OPERATION_LIST_PARTICIPANTS,    /* GET    /sessions/S/participants */
        OPERATION_ADD_PARTICIPANT,      /* PUT    /sessions/S/participants/P */
        OPERATION_REMOVE_PARTICIPANT,   /* DELETE /sessions/S/participants/P */
        OPERATION_GET_SUBSCRIPTIONS,    /* GET    /sessions/S/participants/P/subscriptions */
        OPERATION_UPDATE_SUBSCRIPTIONS, /* PUT    /sessions/S/participants/P/subscriptions */
        _OPERATION_MAX,
} Operation;

static inline bool operation_is_create(Operation operation) {
        return operation == OPERATION_CREATE_PARTICIPANT || operation == OPERATION_CREATE_SESSION;
}

/* The field's name of an operation, such as "createParticipant". */
const char *operation_name(Operation operation);

typedef struct Request {
        uint64_t serial; /* the answer brings it back */
        Operation operation;
        ApiId session, participant; /* those that the path names */
        Spec *spec;                 /* creations: a reference; else NULL */

        /* ADD_PARTICIPANT and UPDATE_SUBSCRIPTIONS: what is to be heard, as API ids. To be sent so
         * that it cannot widen: MODE_NONE as {}, MODE_PARTICIPANTS as the list alone (never empty),
         * only MODE_SESSION with sessionId. */
        Mode mode;
        Publisher *publishers; /* owned; number is 0 and id is set in each */
        size_t n_publishers;

        /* For the log. */
        Kind kind;
        uint64_t number; /* 0: of a probe, or of what is to be adopted */
        bool probe;
        unsigned attempt; /* the first is 1 */
} Request;

/* What the API says of one participant. */
typedef struct Sighting {
        ApiId id;      /* empty in an answer to GET_SUBSCRIPTIONS */
        ApiId session; /* empty: in none */
        Mode mode;
        Publisher *publishers; /* number is 0 in each; none listed twice */
        size_t n_publishers;

        /* What it was created with, within the bounds of a Spec; NULL stands for the empty string.
         * Not in an answer to GET_SUBSCRIPTIONS. */
        char *tag, *callback_url, *device_api_version;
        unsigned permissions; /* PUBLISH_AUDIO | PUBLISH_VIDEO */
} Sighting;

/* Everything in an answer is borrowed for the length of the call. */
typedef struct Answer {
        uint64_t serial;
        ApiOutcome outcome;
        unsigned status; /* HTTP status, 0: none came */
        bool dropped; /* by ourselves: the outcome, API_NOT_SENT or API_NO_ANSWER, is nothing that
                            the API or the way to it is to blame for */
        bool foreign; /* API_REFUSED: nothing of the API's own is in it, as of a proxy */
        bool has_retry_after;
        usec_t retry_after_usec; /* a span; clamped by the core */
        const char *message;     /* one line for people: the API's own words, else the transport's;
                                    never NULL, no secret, no control characters */
        const char *request_id;  /* empty where there is none */

        /* Where outcome is API_OK. */
        ApiId id;          /* creations; GET_SESSION, GET_PARTICIPANT (equal to the path's) */
        const char *tag;   /* GET_SESSION: within bounds; NULL stands for the empty string */
        const char *token; /* CREATE_PARTICIPANT; NULL where the API gave none */
        const Sighting *sightings; /* GET_PARTICIPANT, GET_SUBSCRIPTIONS: one; LIST: any number */
        size_t n_sightings;
        bool has_members; /* GET_SESSION: .sightings are who is in it, .id and .session alone */
} Answer;

void request_deinit(Request *request);

/* Frees an array of publishers and what is in them; takes NULL, returns NULL. */
Publisher *publishers_free(Publisher *publishers, size_t n_publishers);
/* A deep copy of one publisher. Return: 0, -ENOMEM with @to untouched. */
int publisher_copy(Publisher *to, const Publisher *from);
