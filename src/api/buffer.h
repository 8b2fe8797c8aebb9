/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Bytes that arrive piece by piece, up to a bound. They may hold a secret: whatever memory is
 * given back was overwritten before. */

#include <stdbool.h>
#include <stddef.h>

typedef struct Buffer {
        char *data;
        size_t n, allocated;
} Buffer;

/* Return: 0, -E2BIG (more than @max in all; nothing appended), -ENOMEM. */
int buffer_append(Buffer *buffer, const void *data, size_t n, size_t max);

/* The bytes with a NUL behind them, borrowed; never NULL. */
static inline const char *buffer_text(const Buffer *buffer) {
        return buffer->data ? buffer->data : "";
}

/* For other bytes: overwrites those that are there, and keeps the memory unless it is large. */
void buffer_clear(Buffer *buffer);
void buffer_deinit(Buffer *buffer);
