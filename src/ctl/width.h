/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Text on a terminal: how many columns it takes, and what may be shown at all. Everything here
 * wants LC_CTYPE to be a UTF-8 locale, which screen_init() sees to.
 */

#include <stddef.h>

/* How many columns a UTF-8 string takes; what cannot be printed counts as one. */
size_t width_of(const char *text);

/**
 * width_printable() - a copy that is safe to show
 * @text: UTF-8 from anywhere: a tag, an error text of the API
 *
 * Line breaks and tabs become a space and other controls a question mark, so that nobody's tag
 * moves the cursor or forges a second line. What is invisible, or turns the direction of what
 * follows round, is shown as less(1) shows it (LESSUTFBINFMT): "<U+202E>".
 *
 * Return: fresh memory.
 */
char *width_printable(const char *text);

/**
 * width_shorten() - as much of a string as fits, with an ellipsis where something was cut
 * @text:     what width_printable() gave
 * @columns:  how many there are
 * @ellipsis: what stands for the rest; left out itself where even it does not fit
 *
 * Return: fresh memory.
 */
char *width_shorten(const char *text, size_t columns, const char *ellipsis);
