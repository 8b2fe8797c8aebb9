/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The line that people read in "systemctl status". */

#include "core/core.h"
#include "daemon/notify.h"

typedef struct Status {
        CoreStatus told; /* last */
        usec_t told_at;  /* CLOCK_BOOTTIME, 0: never */
        ApiState state;  /* now */
        usec_t since_at; /* CLOCK_BOOTTIME, 0: not known yet */
} Status;

/**
 * status_tell() - send STATUS= to the service manager, if it has changed
 *
 * At most once a second.
 *
 * Return: CLOCK_BOOTTIME when to call again; USEC_NEVER: all is told.
 */
usec_t status_tell(Status *status, Notify *notify, const CoreStatus *core, Now now);

/* What comes behind a noun: "", or "s" where there are not just one. */
const char *status_plural(uint64_t n);
