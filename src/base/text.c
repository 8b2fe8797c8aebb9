/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/text.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <strings.h>

#include "base/cleanup.h"

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

/* How far a string is printable ASCII, where a byte is a code point and there is nothing to ask:
 * nearly always to its end. */
static size_t plain_length(const char *text) {
        const char *p = text;

        while (*p >= ' ' && *p <= '~')
                p++;
        return (size_t)(p - text);
}

bool text_code_points(const char *text, size_t *ret) {
        size_t n = plain_length(text);
        const unsigned char *p = (const unsigned char *)text + n;

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
        const unsigned char *p = (const unsigned char *)text + plain_length(text);

        for (; *p; p++) {
                if (*p < 0x20 || *p == 0x7f)
                        return true;
                if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
                        return true;
        }
        return false;
}

static bool code_point_is_fit(uint32_t c) {
        bool control = c < 0x20 || (c >= 0x7f && c <= 0x9f);

        return !control && !(c >= 0xfdd0 && c <= 0xfdef) && (c & 0xfffe) != 0xfffe;
}

static int text_cut(char **ret, const char *text, size_t n_max) {
        char *cut = strndup(text, n_max);

        if (!cut)
                return -ENOMEM;
        *ret = cut;
        return 0;
}

int text_fit(char **ret, const char *text, size_t code_points_max) {
        const unsigned char *p = (const unsigned char *)text;
        size_t n = 0, n_points = 0;
        char *fit;

        if (!text[plain_length(text)])
                return text_cut(ret, text, code_points_max);
        fit = malloc(strlen(text) + 1);
        if (!fit)
                return -ENOMEM;
        while (*p) {
                uint32_t c;
                size_t length = code_point_read(p, &c);

                if (length == 0) {
                        n = 0;
                        break;
                }
                if (code_point_is_fit(c) && n_points++ < code_points_max) {
                        /* Often one byte, for which memcpy() is a long way round. */
                        for (size_t i = 0; i < length; i++)
                                fit[n++] = (char)p[i];
                }
                p += length;
        }
        fit[n] = '\0';
        *ret = fit;
        return 0;
}

bool text_is_web_url(const char *text) {
        static const char *const schemes[] = { "http://", "https://" };

        for (size_t i = 0; i < ELEMENTSOF(schemes); i++) {
                size_t n = strlen(schemes[i]);

                if (strncasecmp(text, schemes[i], n) == 0)
                        return text[n] != '\0' && !strchr("/?#: ", text[n]);
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
