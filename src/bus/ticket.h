/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A ticket names a method call that has not been answered yet. */

#include <bsd/sys/tree.h>
#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "base/cleanup.h"

/* What its successful answer holds: nothing, the path of what was created or adopted, or a
 * token. */
typedef enum TicketKind { TICKET_PLAIN, TICKET_CREATION, TICKET_TOKEN } TicketKind;

/* Whose calls wait. */
typedef struct Payer {
        RB_ENTRY(Payer) by_uid;
        struct Payers *payers;
        uint32_t uid;
        unsigned n_calls;
} Payer;

typedef struct Ticket {
        RB_ENTRY(Ticket) by_number;
        uint64_t number;
        sd_bus_message *message;
        TicketKind kind;
        Payer *payer;
} Ticket;

RB_HEAD(TicketTree, Ticket);
RB_HEAD(Payers, Payer);

typedef struct Tickets {
        struct TicketTree tree;
        struct Payers payers;
        uint64_t last;
} Tickets;

void tickets_init(Tickets *tickets);
/* Forgets all; the bus tells callers when the connection is closed. */
void tickets_deinit(Tickets *tickets);

/* Holds on to the message. @uid: who calls. @ret: the ticket's number, never 0. Return: 0,
 * -ENOMEM. */
int tickets_add(Tickets *tickets, sd_bus_message *message, TicketKind kind, uint32_t uid,
                uint64_t *ret);
/* A number for a call that nobody is to be answered to: nothing is kept. */
uint64_t tickets_pass(Tickets *tickets);
/* How many calls of a uid wait. */
unsigned tickets_of(const Tickets *tickets, uint32_t uid);
/* The ticket is the caller's from now on; NULL: no such ticket. */
Ticket *tickets_take(Tickets *tickets, uint64_t number);
Ticket *ticket_free(Ticket *ticket);

DEFINE_CLEANUP(Ticket, ticket_free);
