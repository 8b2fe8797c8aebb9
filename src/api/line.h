/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One line for people, out of a stranger's text. */

#define LINE_MAX_BYTES 300

typedef struct Line {
        char text[LINE_MAX_BYTES + 1]; /* valid UTF-8, no control characters */
} Line;

/**
 * line_set() - make a line of any bytes
 *
 * What is no UTF-8 becomes "?", control characters and what surrounds them one space; cut between
 * two characters where it is too long. NULL is an empty text.
 */
void line_set(Line *line, const char *text);
