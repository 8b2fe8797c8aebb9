/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What --subscribe= and the verb subscribe take: none, session, or PARTICIPANT[:ALIAS…] items. */

#include "ctl/object.h"

/* One publisher as it was written: a name still to be resolved, and stream aliases. */
typedef struct Publisher {
        char *name;
        char **aliases; /* NULL ends them; none: every stream */
        Object object;  /* after subscription_resolve() */
} Publisher;

typedef struct Subscription {
        const char *mode; /* as D-Bus has it */
        Publisher *publishers;
        size_t n_publishers;
} Subscription;

void subscription_deinit(Subscription *subscription);

/**
 * subscription_parse() - read items, each one word of the verb subscribe
 * @words: "none" or "session" alone, or PARTICIPANT[:ALIAS[:ALIAS…]] items
 * @ret:   the caller's, also on failure, to subscription_deinit()
 *
 * Return: NULL, or what is wrong, in fresh memory.
 */
char *subscription_parse(char *const *words, size_t n_words, Subscription *ret);

/* The same from one word, items separated by commas, as --subscribe= has it. */
char *subscription_parse_list(const char *list, Subscription *ret);

/* Finds the publishers' numbers; a failure has been said. */
Exit subscription_resolve(Ctl *ctl, Subscription *subscription);

/* Appends the publishers as a(oas). */
void subscription_append_publishers(const Subscription *subscription, sd_bus_message *m);

/* Puts SubscriptionMode and, for participants, Publishers into an a{sv} that is open. */
void subscription_append_options(const Subscription *subscription, sd_bus_message *m);
