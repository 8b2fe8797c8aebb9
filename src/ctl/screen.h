/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where people read: how wide it is, and whether it takes colours and more than ASCII. */

#include <stdbool.h>
#include <stddef.h>

typedef enum Colour {
        COLOUR_NONE,
        COLOUR_GOOD,
        COLOUR_WAIT,
        COLOUR_BAD,
        COLOUR_FAINT,
        COLOUR_STRONG,
        _COLOUR_MAX,
} Colour;

typedef struct Screen {
        bool colours;         /* standard output is a terminal, or $SYSTEMD_COLORS says so */
        bool utf8;            /* the user's locale is UTF-8 */
        bool progress;        /* standard error is a terminal */
        size_t columns;       /* of standard output; 0: not a terminal, no line is cut */
        size_t error_columns; /* of standard error */
} Screen;

/* Looks at the environment and the terminal; sets LC_CTYPE to UTF-8 in any case. */
Screen screen_init(void);

/* Whether standard output is a terminal that is more than a typewriter. */
bool screen_is_terminal(void);

/* A word of the environment as systemd reads it: 1 for yes, 0 for no, -1 for neither. */
int screen_flag(const char *word);

/* The sequence that switches a colour on, or back off; "" where colours are not wanted. */
const char *screen_on(const Screen *screen, Colour colour);
const char *screen_off(const Screen *screen, Colour colour);

/* What stands for text that was cut. */
const char *screen_ellipsis(const Screen *screen);
