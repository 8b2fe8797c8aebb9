/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulator/buffer.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

void buffer_deinit(Buffer *buffer) {
        free(buffer->text);
        *buffer = (Buffer){ 0 };
}

/* Makes room for n bytes and the NUL behind them. */
static bool buffer_reserve(Buffer *buffer, size_t n) {
        size_t capacity = buffer->capacity ? buffer->capacity : 128;
        char *text;

        if (buffer->failed)
                return false;
        if (buffer->capacity - buffer->n > n)
                return true;

        while (capacity - buffer->n <= n)
                capacity *= 2;
        text = realloc(buffer->text, capacity);
        if (!text) {
                buffer->failed = true;
                return false;
        }

        buffer->text = text;
        buffer->capacity = capacity;
        return true;
}

void buffer_add(Buffer *buffer, const char *bytes, size_t n) {
        if (!buffer_reserve(buffer, n))
                return;

        if (n > 0)
                memcpy(buffer->text + buffer->n, bytes, n);
        buffer->n += n;
        buffer->text[buffer->n] = '\0';
}

void buffer_add_text(Buffer *buffer, const char *text) {
        buffer_add(buffer, text, strlen(text));
}

void buffer_printf(Buffer *buffer, const char *format, ...) {
        va_list arguments, again;
        int n;

        va_start(arguments, format);
        va_copy(again, arguments);
        n = vsnprintf(NULL, 0, format, arguments);
        if (n < 0)
                buffer->failed = true;
        else if (buffer_reserve(buffer, (size_t)n)) {
                vsnprintf(buffer->text + buffer->n, (size_t)n + 1, format, again);
                buffer->n += (size_t)n;
        }
        va_end(again);
        va_end(arguments);
}

/* The length of the UTF-8 sequence at the front (RFC 3629), or 0 where there is none. */
static size_t sequence_length(const unsigned char *bytes, size_t n) {
        static const struct {
                unsigned char from, to, second_from, second_to, length;
        } forms[] = {
                { 0x00, 0x7f, 0x00, 0x00, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 },
                { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
                { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
                { 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
                { 0xf4, 0xf4, 0x80, 0x8f, 4 },
        };
        size_t i = 0;

        while (i < ELEMENTSOF(forms) && (bytes[0] < forms[i].from || bytes[0] > forms[i].to))
                i++;
        if (i == ELEMENTSOF(forms) || forms[i].length > n)
                return 0;
        if (forms[i].length > 1 &&
            (bytes[1] < forms[i].second_from || bytes[1] > forms[i].second_to))
                return 0;
        for (size_t k = 2; k < forms[i].length; k++)
                if ((bytes[k] & 0xc0) != 0x80)
                        return 0;
        return forms[i].length;
}

/* The two-character escape of JSON (RFC 8259, section 7), or 0. */
static char short_escape(unsigned char c) {
        switch (c) {
        case '"':
        case '\\':
                return (char)c;
        case '\n':
                return 'n';
        case '\r':
                return 'r';
        case '\t':
                return 't';
        default:
                return 0;
        }
}

static void add_escaped(Buffer *buffer, const unsigned char *bytes, size_t length) {
        char escape = short_escape(bytes[0]);

        if (length == 0)
                buffer_add(buffer, "\xef\xbf\xbd", 3);
        else if (escape)
                buffer_add(buffer, (const char[]){ '\\', escape }, 2);
        else if (bytes[0] < 0x20 || bytes[0] == 0x7f)
                buffer_printf(buffer, "\\u%04x", bytes[0]);
        else
                buffer_add(buffer, (const char *)bytes, length);
}

static bool is_plain(unsigned char c) {
        return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

void buffer_add_json(Buffer *buffer, const char *bytes, size_t n) {
        const unsigned char *text = (const unsigned char *)bytes;

        buffer_add(buffer, "\"", 1);
        for (size_t i = 0; i < n;) {
                size_t n_plain = 0;
                size_t length;

                while (i + n_plain < n && is_plain(text[i + n_plain]))
                        n_plain++;
                buffer_add(buffer, bytes + i, n_plain);
                i += n_plain;
                if (i == n)
                        break;

                length = sequence_length(text + i, n - i);
                add_escaped(buffer, text + i, length);
                i += length > 0 ? length : 1;
        }
        buffer_add(buffer, "\"", 1);
}

void buffer_add_json_text(Buffer *buffer, const char *text) {
        if (text)
                buffer_add_json(buffer, text, strlen(text));
        else
                buffer_add_text(buffer, "null");
}

char *buffer_take(Buffer *buffer) {
        char *text = TAKE(buffer->text);

        buffer_deinit(buffer);
        return text;
}
