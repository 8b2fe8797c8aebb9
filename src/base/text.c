/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/text.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>

/* Reads one code point; returns its length in bytes, 0 where the bytes are not UTF-8. */
static size_t code_point_read(const unsigned char *p, uint32_t *ret) {
        static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
        uint32_t c;
        size_t length;

        if (p[0] < 0x80) {
                *ret = p[0];
                return 1;
        }

        length = p[0] >= 0xf8 ? 0 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc0 ? 2 : 0;
        if (length == 0)
                return 0;

        c = p[0] & (0x7fU >> length);
        for (size_t i = 1; i < length; i++) {
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (p[i] & 0x3f);
        }

        if (c < smallest[length] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
                return 0;

        *ret = c;
        return length;
}

bool text_code_points(const char *text, size_t *ret) {
        const unsigned char *p = (const unsigned char *)text;
        size_t n = 0;

        while (*p) {
                uint32_t c;
                size_t length = code_point_read(p, &c);

                if (length == 0)
                        return false;
                p += length;
                n++;
        }

        *ret = n;
        return true;
}

bool text_has_controls(const char *text) {
        const unsigned char *p = (const unsigned char *)text;

        for (; *p; p++) {
                if (*p < 0x20 || *p == 0x7f)
                        return true;
                if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
                        return true;
        }
        return false;
}

int text_format_va(char **ret, const char *format, va_list arguments) {
        char *text;

        if (vasprintf(&text, format, arguments) < 0)
                return -ENOMEM;
        *ret = text;
        return 0;
}

int text_format(char **ret, const char *format, ...) {
        va_list arguments;
        int r;

        va_start(arguments, format);
        r = text_format_va(ret, format, arguments);
        va_end(arguments);
        return r;
}
