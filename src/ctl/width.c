/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/width.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/cleanup.h"
#include "ctl/memory.h"

/* Reads one character: its length in bytes (1 at least), and its columns (-1: a control). */
static size_t character_read(const char *text, wchar_t *ret, int *ret_columns) {
        mbstate_t state = { 0 };
        size_t length = mbrtowc(ret, text, strlen(text), &state);

        if (length == 0 || length > strlen(text)) {
                *ret = L'\0';
                *ret_columns = -1;
                return 1;
        }

        *ret_columns = wcwidth(*ret);
        return length;
}

size_t width_of(const char *text) {
        size_t n = 0;

        while (*text) {
                wchar_t c;
                int columns;

                text += character_read(text, &c, &columns);
                n += columns < 0 ? 1 : (size_t)columns;
        }
        return n;
}

/* The general categories Cf, Zl and Zp of Unicode 15, without the two joiners, which ordinary words
 * of many languages have in them (UAX #31), and without the signs among them that can be seen. */
static bool is_format(wchar_t c) {
        static const struct {
                wchar_t first, last;
        } ranges[] = {
                { 0xad, 0xad },       { 0x61c, 0x61c },     { 0x180e, 0x180e },
                { 0x200b, 0x200b },   { 0x200e, 0x200f },   { 0x2028, 0x202e },
                { 0x2060, 0x206f },   { 0xfeff, 0xfeff },   { 0xfff9, 0xfffb },
                { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a }, { 0xe0001, 0xe007f },
        };

        for (size_t i = 0; i < ELEMENTSOF(ranges); i++)
                if (c >= ranges[i].first && c <= ranges[i].last)
                        return true;
        return false;
}

/* The longest that stands for one character, and the fewest bytes that such a one has. */
#define ESCAPE_MAX strlen("<U+E0001>")
#define FORMAT_MIN 2

char *width_printable(const char *text) {
        size_t room = strlen(text) * ((ESCAPE_MAX + FORMAT_MIN - 1) / FORMAT_MIN) + 1;
        char *copy = must(malloc(room)), *end = copy;

        while (*text) {
                wchar_t c;
                int columns;
                size_t length = character_read(text, &c, &columns);

                if (is_format(c))
                        end += snprintf(end, ESCAPE_MAX + 1, "<U+%04X>", (unsigned)c);
                else if (columns < 0)
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
                wchar_t c;
                int wide;
                size_t length = character_read(text + bytes, &c, &wide);

                used += wide < 0 ? 1 : (size_t)wide;
                if (used > room)
                        break;
                bytes += length;
        }

        start = must(strndup(text, bytes));
        return format("%s%s", start, ellipsis);
}
