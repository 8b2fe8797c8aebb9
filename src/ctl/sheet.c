/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/sheet.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/memory.h"
#include "ctl/width.h"

#define TITLE_COLUMNS 14

void sheet_head(const Screen *screen, Colour colour, const char *text) {
        CLEANUP(freep) char *printable = width_printable(text);

        printf("%s%s%s %s%s%s\n", screen_on(screen, colour), screen->utf8 ? "\xe2\x97\x8f" : "*",
               screen_off(screen, colour), screen_on(screen, COLOUR_STRONG), printable,
               screen_off(screen, COLOUR_STRONG));
}

void sheet_coloured(const Screen *screen, const char *title, const char *value, Colour colour) {
        CLEANUP(freep) char *printable = NULL;

        if (!value)
                return;
        printable = width_printable(value);
        printf("%*s%s %s%s%s\n", TITLE_COLUMNS, title ? title : "", title ? ":" : " ",
               screen_on(screen, colour), printable, screen_off(screen, colour));
}

void sheet_line(const char *title, const char *value) {
        const Screen plain = { 0 };

        sheet_coloured(&plain, title, value, COLOUR_NONE);
}

void sheet_taken(const char *title, char *value) {
        sheet_line(title, value);
        free(value);
}

/* Where the line that begins at @text ends: behind the last comma it has room for, or the first. */
static const char *line_end(const char *text, size_t columns) {
        const char *end = NULL;

        for (const char *comma = strstr(text, ", "); comma; comma = strstr(comma + 1, ", ")) {
                CLEANUP(freep) char *line = must(strndup(text, (size_t)(comma + 1 - text)));

                if (end && width_of(line) > columns)
                        return end;
                end = comma + 1;
        }
        return !end || width_of(text) <= columns ? text + strlen(text) : end;
}

void sheet_folded(const Screen *screen, const char *title, char *value) {
        const size_t taken = TITLE_COLUMNS + strlen(": "), indent = 2;
        CLEANUP(freep) char *printable = width_printable(value);
        const char *rest = printable, *end;

        free(value);
        if (screen->columns <= taken + indent) {
                sheet_line(title, printable);
                return;
        }
        for (; *rest; rest = *end ? end + 1 : end) {
                size_t in = rest == printable ? 0 : indent;

                end = line_end(rest, screen->columns - taken - in);
                printf("%*s%s %*s%.*s\n", TITLE_COLUMNS, in == 0 && title ? title : "",
                       in == 0 && title ? ":" : " ", (int)in, "", (int)(end - rest), rest);
        }
}

void sheet_cut(const Screen *screen, bool full, const char *title, char *value) {
        const size_t taken = TITLE_COLUMNS + strlen(": ");
        CLEANUP(freep) char *printable = width_printable(value);

        if (!full && screen->columns > taken)
                sheet_taken(title, width_shorten(printable, screen->columns - taken,
                                                 screen_ellipsis(screen)));
        else
                sheet_line(title, printable);
        free(value);
}
