/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/width.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/cleanup.h"
#include "ctl/memory.h"

/* Reads one character: its length in bytes (1 at least), and its columns (-1: a control). */
static size_t character_read(const char *text, int *ret_columns) {
        mbstate_t state = { 0 };
        wchar_t c;
        size_t length = mbrtowc(&c, text, strlen(text), &state);

        if (length == 0 || length > strlen(text)) {
                *ret_columns = -1;
                return 1;
        }

        *ret_columns = wcwidth(c);
        return length;
}

size_t width_of(const char *text) {
        size_t n = 0;

        while (*text) {
                int columns;

                text += character_read(text, &columns);
                n += columns < 0 ? 1 : (size_t)columns;
        }
        return n;
}

char *width_printable(const char *text) {
        char *copy = must(malloc(strlen(text) + 1)), *end = copy;

        while (*text) {
                int columns;
                size_t length = character_read(text, &columns);

                if (columns < 0)
                        *end++ = strchr("\n\t\r", *text) ? ' ' : '?';
                else
                        end = mempcpy(end, text, length);
                text += length;
        }
        *end = '\0';
        return copy;
}

char *width_shorten(const char *text, size_t columns, const char *ellipsis) {
        CLEANUP(freep) char *start = NULL;
        size_t used = 0, bytes = 0, room;

        if (width_of(text) <= columns)
                return must(strdup(text));
        if (width_of(ellipsis) > columns)
                ellipsis = "";

        for (room = columns - width_of(ellipsis); text[bytes];) {
                int wide;
                size_t length = character_read(text + bytes, &wide);

                used += wide < 0 ? 1 : (size_t)wide;
                if (used > room)
                        break;
                bytes += length;
        }

        start = must(strndup(text, bytes));
        return format("%s%s", start, ellipsis);
}
