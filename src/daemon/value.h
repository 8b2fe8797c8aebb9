/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reads numbers, spans of time and addresses as people write them. No locale. */

#include <stdbool.h>

#include "base/time.h"

/* Decimal digits and nothing else. Return: true, or false with @ret untouched. */
bool value_number(unsigned *ret, const char *text);

/* A number with or without a fraction, such as 0.5. Return: likewise. */
bool value_decimal(double *ret, const char *text);

/**
 * value_span() - a span of time
 *
 * Seconds, whole or with a fraction; or with units as systemd.time(7) has them: us, ms, s (sec),
 * min (m), h (hr), d, added up: "1min 30s". What is below a microsecond is cut off.
 *
 * Return: true, or false with @ret untouched.
 */
bool value_span(usec_t *ret, const char *text);

/**
 * value_url() - an address of a server: scheme://host[:port][/path]
 * @ret:          scheme and host in small letters, no slash at the end; owned by the caller
 * @ret_loopback: whether the host can't be anything but this machine: 127.0.0.0/8, ::1, and
 *                localhost, which libcurl never looks up
 *
 * No user, query or fragment, nothing percent-encoded, no "." or ".." in the path.
 *
 * Return: 0; REFUSED (no reason is given): not such an address; -ENOMEM.
 */
int value_url(char **ret, const char *text, bool *ret_loopback);
