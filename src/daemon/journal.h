/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The log: structured entries to the journal, or a line for people on standard error. No secret is
 * ever an argument of these.
 */

#include <stdbool.h>
#include <syslog.h>

#include "bus/bus.h"
#include "core/batch.h"

/* To be called first. Entries above @level (as in syslog(3)) are passed over. The target is
 * "auto". */
void journal_init(int level);

int journal_level(void);
void journal_set_level(int level);

/* Where entries go: "console", "journal" or "null". */
const char *journal_target(void);

/* One of these; or "auto": the journal where standard error is the journal, else the console.
 * Return: false: another name, nothing is changed. */
bool journal_set_target(const char *name);

/* @message_id: from message-ids.h, NULL: none. */
void journal_log(int level, const char *message_id, const char *format, ...)
        __attribute__((__format__(__printf__, 3, 4)));

/* Something in the configuration that is passed over. */
void journal_warning(const char *text);

/* What polkit has let somebody do. */
void journal_allowance(const Allowance *allowance);

/* What the core has to tell. */
void journal_effect(const Log *log);
