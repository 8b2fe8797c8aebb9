/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How much one user may have of what all share. Root, and the one user of a session bus, may have
 * all. */

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "core/core.h"

typedef struct Quota {
        bool enforced;
        unsigned objects_max; /* of a uid */
        unsigned pending_max; /* objects that are not in sync */
        unsigned calls_max;   /* without an answer */
} Quota;

/* Whether it bounds what this uid has. */
bool quota_binds(const Quota *quota, uint32_t uid);

/**
 * quota_check() - may this uid want that?
 * @n_calls: how many of its calls are without an answer
 *
 * Deleting is never refused; call.c sees to it that little of it is kept.
 *
 * Return: 0, or a negative errno with @error set.
 */
int quota_check(const Quota *quota, const Core *core, uint32_t uid, IntentKind kind,
                unsigned n_calls, sd_bus_error *error);

/* Whether one call more of this uid may be without an answer for as long as the API takes. */
bool quota_lets_wait(const Quota *quota, uint32_t uid, unsigned n_calls);

/* For calls that are no intent. */
int quota_check_calls(const Quota *quota, uint32_t uid, unsigned n_calls, sd_bus_error *error);
