/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/ticket.h"

#include <errno.h>

static int ticket_compare(const Ticket *a, const Ticket *b) {
        return (a->number > b->number) - (a->number < b->number);
}

RB_PROTOTYPE(TicketTree, Ticket, by_number, ticket_compare);
RB_GENERATE(TicketTree, Ticket, by_number, ticket_compare);

static int payer_compare(const Payer *a, const Payer *b) {
        return (a->uid > b->uid) - (a->uid < b->uid);
}

RB_PROTOTYPE(Payers, Payer, by_uid, payer_compare);
RB_GENERATE(Payers, Payer, by_uid, payer_compare);

static Payer *payers_find(const struct Payers *payers, uint32_t uid) {
        return RB_FIND(Payers, (struct Payers *)payers, &(Payer){ .uid = uid });
}

/* One call more. NULL: there is no memory. */
static Payer *payers_add(struct Payers *payers, uint32_t uid) {
        Payer *payer = payers_find(payers, uid);

        if (!payer) {
                payer = calloc(1, sizeof(*payer));
                if (!payer)
                        return NULL;
                payer->payers = payers;
                payer->uid = uid;
                RB_INSERT(Payers, payers, payer);
        }
        payer->n_calls++;
        return payer;
}

/* One call less. */
static void payer_remove(Payer *payer) {
        if (--payer->n_calls > 0)
                return;
        RB_REMOVE(Payers, payer->payers, payer);
        free(payer);
}

void tickets_init(Tickets *tickets) {
        *tickets = (Tickets){ 0 };
        RB_INIT(&tickets->tree);
        RB_INIT(&tickets->payers);
}

void tickets_deinit(Tickets *tickets) {
        Ticket *ticket, *next;

        RB_FOREACH_SAFE(ticket, TicketTree, &tickets->tree, next) {
                RB_REMOVE(TicketTree, &tickets->tree, ticket);
                ticket_free(ticket);
        }
}

int tickets_add(Tickets *tickets, sd_bus_message *message, TicketKind kind, uint32_t uid,
                uint64_t *ret) {
        CLEANUP(freep) Ticket *ticket = calloc(1, sizeof(*ticket));

        if (!ticket)
                return -ENOMEM;
        ticket->payer = payers_add(&tickets->payers, uid);
        if (!ticket->payer)
                return -ENOMEM;
        ticket->number = ++tickets->last;
        ticket->message = sd_bus_message_ref(message);
        ticket->kind = kind;
        RB_INSERT(TicketTree, &tickets->tree, ticket);

        *ret = ticket->number;
        TAKE(ticket);
        return 0;
}

uint64_t tickets_pass(Tickets *tickets) {
        return ++tickets->last;
}

unsigned tickets_of(const Tickets *tickets, uint32_t uid) {
        const Payer *payer = payers_find(&tickets->payers, uid);

        return payer ? payer->n_calls : 0;
}

Ticket *tickets_take(Tickets *tickets, uint64_t number) {
        Ticket *ticket = RB_FIND(TicketTree, &tickets->tree, &(Ticket){ .number = number });

        if (ticket)
                RB_REMOVE(TicketTree, &tickets->tree, ticket);
        return ticket;
}

Ticket *ticket_free(Ticket *ticket) {
        if (!ticket)
                return NULL;
        sd_bus_message_unref(ticket->message);
        payer_remove(ticket->payer);
        free(ticket);
        return NULL;
}
