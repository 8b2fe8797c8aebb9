/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Answers to calls that had to wait. */

#include <errno.h>

#include "bus/errors.h"
#include "bus/internal.h"
#include "bus/path.h"

static int reply_done(const Ticket *ticket, const Reply *reply) {
        if (ticket->kind == TICKET_CREATION)
                return sd_bus_reply_method_return(ticket->message, "o",
                                                  path_of(reply->kind, reply->number).text);
        return sd_bus_reply_method_return(ticket->message, NULL);
}

static int reply_error(const Ticket *ticket, const Reply *reply) {
        const char *name = outcome_error_name(reply->outcome);
        const char *text = reply->message ? reply->message : "";

        /* The one error after which an object remains: the caller must learn which. */
        if (reply->outcome == OUTCOME_UNKNOWN)
                return sd_bus_reply_method_errorf(ticket->message, name, "%s%s%s", text,
                                                  text[0] ? " " : "",
                                                  path_of(reply->kind, reply->number).text);
        return sd_bus_reply_method_errorf(ticket->message, name, "%s", text);
}

int bus_reply(Bus *bus, const Reply *reply) {
        CLEANUP(ticket_freep) Ticket *ticket = tickets_take(&bus->tickets, reply->ticket);

        if (!ticket)
                return 0;
        return reply->outcome == OUTCOME_DONE ? reply_done(ticket, reply)
                                              : reply_error(ticket, reply);
}

static int reply_token(sd_bus_message *call, const char *token) {
        sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_message_new_method_return(call, &reply);
        if (r >= 0)
                r = sd_bus_message_sensitive(reply);
        if (r >= 0)
                r = sd_bus_message_append_basic(reply, 's', token);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return r;
}

void bus_token(Bus *bus, uint64_t number, int error, const char *token) {
        CLEANUP(ticket_freep) Ticket *ticket = tickets_take(&bus->tickets, number);

        if (!ticket)
                return;
        if (error < 0 && error != -ENOENT)
                (void)sd_bus_reply_method_errorf(ticket->message,
                                                 outcome_error_name(OUTCOME_STORAGE_FAILED),
                                                 "The token cannot be read.");
        else if (!token)
                (void)sd_bus_reply_method_errorf(ticket->message,
                                                 outcome_error_name(OUTCOME_NO_TOKEN),
                                                 "There is no token.");
        else
                (void)reply_token(ticket->message, token);
}
