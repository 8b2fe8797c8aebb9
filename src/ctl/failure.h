/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Failures, as people and as scripts want to hear of them. A function that returns an Exit other
 * than EXIT_DONE has said why, once, through one of these; its callers pass the code up.
 */

#include <systemd/sd-bus.h>

#include "ctl/options.h"

typedef enum Exit {
        EXIT_DONE,
        EXIT_FAILED,
        EXIT_USAGE,
        EXIT_NOT_FOUND,   /* or ambiguous */
        EXIT_NOT_IN_SYNC, /* accepted, and --timeout= is over */
        EXIT_UNREACHABLE,
        EXIT_DENIED,
} Exit;

/* Names of failures that no service sent, for the "error" of JSON. */
#define FAILURE_USAGE       "Usage"
#define FAILURE_AMBIGUOUS   "Ambiguous"
#define FAILURE_NOT_IN_SYNC "NotInSync"
#define FAILURE_GONE        "Gone"
#define FAILURE_OVERTAKEN   "Overtaken"

/* The exit code for a D-Bus error name. */
Exit failure_exit(const char *name);

/* What a person may do about it: a sentence, or NULL. */
const char *failure_hint(const char *name);

/* Says on standard error that a command failed: a line and a hint, or JSON. Returns @code. */
Exit failure_say(const Options *options, Exit code, const char *name, const char *template, ...)
        __attribute__((format(printf, 4, 5)));

/**
 * failure_say_bus() - the like for a call that failed
 * @error: what the call gave; may be unset, then @r counts
 * @r:     the negative errno of the call
 * @doing: what was tried, in front of the text for people; may be NULL
 */
Exit failure_say_bus(const Options *options, const sd_bus_error *error, int r, const char *doing);
