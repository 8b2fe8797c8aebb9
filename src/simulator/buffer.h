/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Text that grows, and the JSON that is written into it. A failed allocation sticks: what follows
 * is dropped, and whoever uses the text looks at .failed once, at the end.
 */

#include <stdbool.h>
#include <stddef.h>

typedef struct Buffer {
        char *text; /* ends in NUL as soon as anything was added; NULL before */
        size_t n, capacity;
        bool failed;
} Buffer;

/** buffer_deinit() - free the text; the buffer is empty afterwards and can be used again. */
void buffer_deinit(Buffer *buffer);

/** buffer_add() - append bytes. */
void buffer_add(Buffer *buffer, const char *bytes, size_t n);

/** buffer_add_text() - append a string. */
void buffer_add_text(Buffer *buffer, const char *text);

/** buffer_printf() - append what printf() would print. */
void buffer_printf(Buffer *buffer, const char *format, ...)
        __attribute__((__format__(printf, 2, 3)));

/**
 * buffer_add_json() - append bytes as a JSON string, with its quotes
 *
 * Bytes that are not UTF-8 become U+FFFD, each one, so that the result is always valid JSON.
 */
void buffer_add_json(Buffer *buffer, const char *bytes, size_t n);

/** buffer_add_json_text() - the same for a string; NULL becomes the JSON word null. */
void buffer_add_json_text(Buffer *buffer, const char *text);

/** buffer_take() - hand the text over to the caller, who frees it; empty afterwards. */
char *buffer_take(Buffer *buffer);
