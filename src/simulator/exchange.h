/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One request and its reply on a connection of libmicrohttpd, from the request line to the end. */

#include <bsd/sys/tree.h>
#include <microhttpd.h>

#include "simulator/simulator.h"

#define METHOD_MAX 15

typedef enum Phase {
        PHASE_HEAD,    /* nothing read but the request line */
        PHASE_BODY,    /* the body is coming in */
        PHASE_REPLIED, /* what to answer is known; perhaps not yet */
        PHASE_ABORTED, /* the client has gone, or the server goes down: close at once */
} Phase;

typedef struct Exchange {
        struct MHD_Connection *connection;
        Phase phase;
        char method[METHOD_MAX + 1]; /* cut; for the log */
        char *target;
        Buffer body;
        bool too_large;
        Reply reply;

        bool waiting; /* suspended, and in the tree of those who wait */
        bool watched; /* and the socket is looked at meanwhile */
        usec_t due_at;
        RB_ENTRY(Exchange) by_due;

        size_t n_total, n_cut; /* a body that is streamed: its length, and where it breaks off */
        usec_t next_at;        /* and the time of its next piece */
        unsigned status;       /* answered with; 0: not answered */
} Exchange;

Exchange *exchange_new(const char *target);
Exchange *exchange_free(Exchange *exchange);

/** exchange_collect() - take in a piece of the body; what goes over the limit is dropped. */
void exchange_collect(Exchange *exchange, const char *bytes, size_t n);

/** exchange_fd() - the connection's socket. */
int exchange_fd(const Exchange *exchange);

/** exchange_kind() - the fault to do to it; _FAULT_KIND_MAX for none. */
FaultKind exchange_kind(const Exchange *exchange);
