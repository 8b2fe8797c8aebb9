/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/ticket.h"

#include <errno.h>

static int ticket_compare(const Ticket *a, const Ticket *b) {
        return (a->number > b->number) - (a->number < b->number);
}

RB_PROTOTYPE(TicketTree, Ticket, by_number, ticket_compare);
RB_GENERATE(TicketTree, Ticket, by_number, ticket_compare);

void tickets_init(Tickets *tickets) {
        *tickets = (Tickets){ 0 };
        RB_INIT(&tickets->tree);
}

void tickets_deinit(Tickets *tickets) {
        Ticket *ticket, *next;

        RB_FOREACH_SAFE(ticket, TicketTree, &tickets->tree, next) {
                RB_REMOVE(TicketTree, &tickets->tree, ticket);
                ticket_free(ticket);
        }
}

int tickets_add(Tickets *tickets, sd_bus_message *message, TicketKind kind, uint64_t *ret) {
        Ticket *ticket = calloc(1, sizeof(*ticket));

        if (!ticket)
                return -ENOMEM;
        ticket->number = ++tickets->last;
        ticket->message = sd_bus_message_ref(message);
        ticket->kind = kind;
        RB_INSERT(TicketTree, &tickets->tree, ticket);

        *ret = ticket->number;
        return 0;
}

Ticket *tickets_take(Tickets *tickets, uint64_t number) {
        Ticket *ticket = RB_FIND(TicketTree, &tickets->tree, &(Ticket){ .number = number });

        if (ticket)
                RB_REMOVE(TicketTree, &tickets->tree, ticket);
        return ticket;
}

Ticket *ticket_free(Ticket *ticket) {
        if (ticket)
                sd_bus_message_unref(ticket->message);
        free(ticket);
        return NULL;
}
