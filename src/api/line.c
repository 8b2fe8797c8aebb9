/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/line.h"

#include "base/cleanup.h"
#include "base/text.h"

/* Nearly every character there is: not worth a copy to be looked at. */
static bool is_plain(char c) {
        return c > ' ' && c <= '~';
}

/* The bytes of the character at the start, 0 where there is none that is valid. */
static size_t character_size(const char *text) {
        char character[5] = { 0 };
        size_t n;

        if (is_plain(*text))
                return 1;
        for (size_t size = 1; size <= 4 && text[size - 1]; size++) {
                memcpy(character, text, size);
                if (text_code_points(character, &n))
                        return size;
        }
        return 0;
}

static bool is_space(const char *character, size_t size) {
        char copy[5] = { 0 };

        if (is_plain(*character))
                return false;
        memcpy(copy, character, size);
        return streq(copy, " ") || text_has_controls(copy);
}

void line_set(Line *line, const char *text) {
        size_t n = 0;
        bool space = false;

        for (text = text ? text : ""; *text;) {
                size_t size = character_size(text);
                const char *character = size > 0 ? text : "?";

                size = size > 0 ? size : 1;
                text += size;
                if (is_space(character, size)) {
                        space = n > 0;
                        continue;
                }
                if (n + space + size > LINE_MAX_BYTES)
                        break;
                if (space)
                        line->text[n++] = ' ';
                memcpy(line->text + n, character, size);
                n += size;
                space = false;
        }
        line->text[n] = 0;
}
