/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A batch is what one turn of the loop decided: the rows that changed, and the effects that these
 * rows release. The rows go to disk; only when they are durable may anybody hear of the effects.
 * There is no other path from the core to the world.
 */

#include "core/request.h"

/* How long an id is remembered that was deleted or found gone. */
#define TOMBSTONE_USEC (24 * USEC_PER_HOUR)

/* What became of a method call. */
typedef struct Reply {
        uint64_t ticket;
        Outcome outcome;
        Kind kind; /* the object that the call was about */
        uint64_t number;
        char *message; /* NULL with OUTCOME_DONE */
} Reply;

/* Things that a log line can tell. Each has a message id of its own in src/daemon/. */
typedef enum LogEvent {
        LOG_EVENT_UNKNOWN_OUTCOME, /* a suspected orphan */
        LOG_EVENT_GONE,            /* the counterpart at the API was found gone */
        LOG_EVENT_DRIFT,           /* somebody else changed it at the API */
        LOG_EVENT_REFUSED,         /* an intent was refused for good */
        LOG_EVENT_API_STATE,       /* online, offline, ... */
        LOG_EVENT_REDIRECTED,      /* a wrong BaseUrl */
        LOG_EVENT_ATTEMPT_FAILED,  /* will be tried again */
        LOG_EVENT_CREATED,         /* an id arrived */
        LOG_EVENT_DELETED,
        LOG_EVENT_CLIENT_LEFT, /* what lives as long as it does is being deleted */
        LOG_EVENT_ADOPTED,     /* what somebody else had made came into the registry */
        LOG_EVENT_COPY_READ,   /* all that a copied state knows has been read */
        _LOG_EVENT_MAX,
} LogEvent;

typedef struct Log {
        LogEvent event;
        int level; /* as in syslog(3): 3 err, 4 warning, 5 notice, 6 info, 7 debug */
        Kind kind;
        uint64_t number; /* 0: about no object */
        ApiId id;
        Spec *spec;     /* of that object, a reference: its owner and tag; NULL: about no object */
        bool has_owner; /* about no object, but about this user */
        uint32_t owner;
        bool has_operation;
        Operation operation;
        unsigned attempt;
        unsigned status;
        char *request_id; /* NULL: none */
        char *text;       /* a whole sentence, no secret in it */
} Log;

typedef enum EffectKind { EFFECT_REQUEST, EFFECT_REPLY, EFFECT_LOG, _EFFECT_KIND_MAX } EffectKind;

typedef struct Effect {
        EffectKind kind;
        union {
                Request request;
                Reply reply;
                Log log;
        };
} Effect;

/*
 * One object that was touched. before and row are what clients saw until now and what they see from
 * now on; comparing them makes the signals: before NULL is InterfacesAdded, removed is
 * InterfacesRemoved, removed with before NULL is nothing.
 */
typedef struct BatchRow {
        Row row;      /* where removed: the last image */
        Row *before;  /* set by core_committed(), owned by the batch */
        bool to_disk; /* else nothing in it must be durable: the store passes it over */
        bool removed;
        bool tombstone;       /* keep its id for 24 h, so that a late answer revives nothing */
        bool revived;         /* its id has a tombstone, which goes */
        char *token;          /* a secret to be stored beside the row; NULL: leave what is there */
        bool members_changed; /* a session: its Participants changed. Set by core_committed() */
} BatchRow;

typedef struct Batch {
        uint64_t generation;
        bool vital;       /* it must not be lost: the store gives up its reserve for it */
        usec_t sealed_at; /* CLOCK_REALTIME */
        BatchRow *rows;
        size_t n_rows;
        bool counters_changed;
        Counters counters;
        Effect *effects; /* in the order in which they are to be let out */
        size_t n_effects;

        /* Sessions that are not in rows but whose Participants changed. Set by core_committed(). */
        uint64_t *sessions;
        size_t n_sessions;
} Batch;

/* Whether anything in a batch must go to disk before its effects are let out. */
bool batch_needs_disk(const Batch *batch);

void effect_deinit(Effect *effect);
