/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The log: structured entries where standard error is the journal, else a line for people on
 * standard error. No secret is ever an argument of these.
 */

#include <syslog.h>

#include "core/batch.h"

/* To be called first. Entries above @level (as in syslog(3)) are passed over. */
void journal_init(int level);

/* @message_id: from message-ids.h, NULL: none. */
void journal_log(int level, const char *message_id, const char *format, ...)
        __attribute__((__format__(__printf__, 3, 4)));

/* What the core has to tell. */
void journal_effect(const Log *log);
