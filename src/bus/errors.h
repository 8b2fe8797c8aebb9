/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Outcomes of the core as errors on the bus. */

#include <systemd/sd-bus.h>

#include "core/outcome.h"

/* The name of an outcome's D-Bus error; NULL for OUTCOME_DONE. */
const char *outcome_error_name(Outcome outcome);

/**
 * error_set_outcome() - refuse a call
 * @error:  of the handler
 * @reason: for people
 *
 * Return: a negative errno, for the handler to return.
 */
int error_set_outcome(sd_bus_error *error, Outcome outcome, const char *reason);

/* How much of what a caller sent may come back in an answer: a precision for "%.*s". */
int error_echo(const char *text);

/* Refuses an argument: "KEY: REASON." Return: a negative errno. */
__attribute__((format(printf, 3, 4))) int error_set_argument(sd_bus_error *error, const char *key,
                                                             const char *format, ...);

/**
 * error_set_unread() - say what it means that an argument could not be read
 * @r: what reading it returned
 *
 * dbus-daemon takes every code point for text; sd-bus does not take noncharacters (Unicode, section
 * 23.7), and says -EBADMSG.
 *
 * Return: @r, or another negative errno with @error set.
 */
int error_set_unread(sd_bus_error *error, const char *key, int r);

/* No object has this path. Return: a negative errno. */
int error_set_no_such(sd_bus_error *error, Outcome outcome, const char *path);
