/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Requests between the daemon and the API. Each is sent, reaches the API or does not, is carried
 * out or is not, and ends in an answer or in the lack of one; when, and how, is drawn when it is
 * sent. An end of the daemon cuts all of them.
 */

#include "core/request.h"
#include "simulation/faults.h"
#include "simulation/world.h"

/* What is known of a creation that was sent. */
typedef enum PostState {
        POST_OUT,     /* no answer yet */
        POST_UNKNOWN, /* nobody will ever know */
        POST_CREATED, /* an id has arrived */
        POST_VOID,    /* not carried out, and it is certain */
} PostState;

typedef struct Post {
        Kind kind;
        uint64_t number, serial;
        unsigned life;
        PostState state;
        bool sealed, durable; /* what became of it is in a batch, is on disk */
        uint32_t created;     /* handle, 0: not carried out */
        ApiId id;
} Post;

typedef struct Exchange {
        Request request;
        Fault fault;
        usec_t sent_at, arrives_at, answers_at; /* arrives_at USEC_NEVER: has, or never will */
        usec_t carried_out_at;
        bool orphaned; /* nobody waits for its answer any more */
        bool repeated; /* the answer has been given once */
        size_t post;   /* counted from 1, 0: no creation */
        Page page;
} Exchange;

typedef struct Network {
        Exchange *exchanges;
        size_t n_exchanges;
        Post *posts;
        size_t n_posts;
} Network;

typedef struct Run Run;

void network_deinit(Network *network);
void network_send(Run *run, const Request *request);
usec_t network_deadline(const Network *network);
/* Lets happen the one thing that is due. */
void network_turn(Run *run);
/* The connections go with the daemon. */
void network_cut(Run *run);
/* Without answers that are given a second time. */
/* Whether it is to change something, and the daemon waits for its answer. */
bool network_changes(const Exchange *exchange);
unsigned network_n_open(const Network *network, bool posts_only);
