/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Small questions about strings, asked in more than one room. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static inline bool streq(const char *a, const char *b) {
        return strcmp(a, b) == 0;
}

/**
 * text_code_points() - how many Unicode code points a string has
 * @text: any bytes that end in NUL
 * @ret:  the number; untouched on failure
 *
 * Strict UTF-8 (RFC 3629): no overlong form, no surrogate, nothing above U+10FFFF.
 *
 * Return: true, or false where the bytes are not UTF-8.
 */
bool text_code_points(const char *text, size_t *ret);

/**
 * text_has_controls() - whether a control character stands in a string
 * @text: valid UTF-8
 *
 * Controls are C0, DEL and C1 (Unicode category Cc).
 */
bool text_has_controls(const char *text);

/**
 * text_fit() - what of a stranger's string can be shown as one of ours
 * @ret:             malloc'd, for the caller; untouched on failure
 * @text:            any bytes that end in NUL
 * @code_points_max: what is above is cut off
 *
 * Controls go, and so do noncharacters (U+FDD0 to U+FDEF, U+xxFFFE, U+xxFFFF), which sd-bus does
 * not let pass. Of what is no UTF-8 nothing is left.
 *
 * Return: 0, -ENOMEM.
 */
int text_fit(char **ret, const char *text, size_t code_points_max);

/* Whether it is an http or https URL with a host, as far as its first letters tell. */
bool text_is_web_url(const char *text);

/**
 * text_format() - printf into new memory
 * @ret: malloc'd, for the caller; untouched on failure
 *
 * Return: 0, -ENOMEM.
 */
__attribute__((format(printf, 2, 3))) int text_format(char **ret, const char *format, ...);
__attribute__((format(printf, 2, 0))) int text_format_va(char **ret, const char *format,
                                                         va_list arguments);
