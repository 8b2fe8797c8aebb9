/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What one participant hears in one session: everyone, or those listed. NULL is nobody. */

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

typedef struct Publisher {
        char *id;
        char **aliases; /* none: all of the publisher's streams */
        size_t n_aliases;
} Publisher;

typedef struct Subscriptions {
        size_t n_publishers; /* none: everyone, now and later */
        Publisher *publishers;
} Subscriptions;

/** subscriptions_free() - free them with all that they name. */
Subscriptions *subscriptions_free(Subscriptions *subscriptions);

DEFINE_CLEANUP(Subscriptions, subscriptions_free);

/**
 * subscriptions_drop() - take a publisher out of the list
 * @subscriptions: those of a participant; freed and set to NULL with the last entry, so that they
 *                 never become everyone
 *
 * Return: whether it was listed.
 */
bool subscriptions_drop(Subscriptions **subscriptions, const char *publisher_id);
