/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The desktop apps: they ask, wait for their replies, and remember what they asked for. What they
 * remember is what the daemon is judged by.
 */

#include "core/core.h"

#define WISH_MAX 8

/* After a refusal the objects in the path are read before it counts; reads may fail. */
#define PATIENCE_USEC (2 * USEC_PER_MIN)

typedef struct WishEntry {
        uint64_t publisher;
        unsigned streams; /* 0: every one */
} WishEntry;

/* Where somebody wanted a participant to be, and what it should hear. What is subscribed names no
 * session: it is the one where the participant is wanted then, known once a seal has shown it. */
typedef struct Wish {
        uint64_t sequence; /* of the intent */
        usec_t at;
        bool acknowledged; /* its caller was told that it is accepted ... */
        bool maybe_moot;   /* ... which it may have been because it was so already */
        uint64_t session;  /* 0: none */
        bool anywhere;
        Mode mode;
        size_t n_entries;
        WishEntry entries[WISH_MAX];
} Wish;

/* A method call that waits for its reply. */
typedef struct Call {
        uint64_t ticket, sequence;
        IntentKind kind;
        Kind object;
        uint64_t number, session; /* the session that it names */
        bool wait;
        bool taken_back; /* it could not be made durable */
        bool at_once;    /* may succeed without a request: it is there already */
        usec_t issued_at;
        usec_t last_at;   /* of the intent before it for the same object, and ... */
        uint64_t deleted; /* ... the sequence of the delete */
        ApiId id;         /* INTENT_ADOPT: what was asked for, and how it is to be */
        uint32_t owner;
        Lifetime lifetime;
        char app[16];
        bool bereaved; /* the app has left */
} Call;

/* An object as the outside knows it. Survives the daemon. */
typedef struct Item {
        bool known;      /* a creation was accepted for this number, or it was adopted */
        bool taken_back; /* the creation was never durable: this number is nobody's */
        bool removed;
        bool at_most_once;
        bool joins; /* created with a session */
        uint32_t owner;
        char tag[24];
        char app[16]; /* the unique name of whom it lives as long as; empty: of nobody */
        uint64_t created, deleted, last; /* sequences of intents: the creation, a delete, any */
        bool acknowledged, delete_acknowledged;
        uint64_t undone;   /* the last intent when some could not be made durable */
        uint64_t spared;   /* the last intent when a delete of it was refused for good */
        uint64_t bereaved; /* ... and when whom it lives as long as had left */
        usec_t unknown_at; /* a change was sent then, and nobody knows what became of it */
        usec_t last_at;
        unsigned n_unknown;
        usec_t refused_at; /* a final refusal arrived */
        usec_t doubted_at; /* a change was answered with 404 or 409: to be read before it counts */
        usec_t confirmed_at;         /* the API carried out a change of it, and we were told ... */
        usec_t told_at;              /* ... then */
        usec_t joined_at, wished_at; /* its session, its place, are as somebody asked for since */
        usec_t read_at;              /* a read of it was answered */
        usec_t put_back_at[2];       /* by the daemon on its own: last, and before that */
        bool has_stood;              /* the daemon has made something of it by itself ... */
        Place *stood;                /* ... and this was the last */
        Wish *wishes;
        size_t n_wishes;
} Item;

typedef struct Clients {
        Call *calls; /* open ones */
        size_t n_calls;
        Call *denied; /* of the batch that is being let out, for the credentials' sake */
        size_t n_denied;
        Call given_up;          /* the last adoption that took too long */
        Item *items[_KIND_MAX]; /* by number */
        size_t n_items[_KIND_MAX];
        uint64_t last_ticket, last_sequence;
        usec_t next_at;
        uint64_t reloaded; /* the sequence when Drift= was changed last */
        unsigned left;     /* of a flurry */
        uint64_t focus;    /* the participant that a flurry is about */
        uint64_t fresh;    /* a session asked for when all is quiet */
        uint32_t told;     /* handle of a participant that a stranger has told of; 0: none */
        unsigned n_objects_max, n_sessions_max;
        bool crowd; /* all want to be in one session */
        usec_t pause_usec;
        usec_t failed_at, refused_at, unauthorized_at, troubled_at; /* of whatever object */
} Clients;

typedef struct Run Run;

void clients_deinit(Clients *clients);
/* Issues what is due. */
void clients_turn(Run *run);
/*
 * I12: when all is quiet but for one object, a new request is served as if there were none. Asks
 * for a session, and when it is called again, that there is one.
 */
void clients_ask_fresh(Run *run);

/* What a creation may take then. */
#define FRESH_USEC (5 * USEC_PER_SEC)

/* Never NULL. */
Item *clients_item(Clients *clients, Kind kind, uint64_t number);
/* The daemon has gone, and with it all open calls and all that was not durable. */
void clients_cut(Run *run);
/* Checks a reply against the call, and closes it. */
void clients_reply(Run *run, const Reply *reply);
/* All replies of a batch have been let out. */
void clients_replied(Run *run);

/*
 * What the contract says that the first answer to an intent is, where the registry is at rest and
 * so all of it can be seen: the outcomes that may be returned, a bit for each. Bit OUTCOME_DONE
 * stands for "taken".
 */
unsigned oracle_expect(const Run *run, const Intent *intent);
