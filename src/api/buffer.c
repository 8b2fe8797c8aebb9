/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_FIRST 1024

/* A list of 20 participants has 10,000 bytes. */
#define BUFFER_KEPT_MAX 65536

static int buffer_grow(Buffer *buffer, size_t need) {
        size_t allocated = buffer->allocated > 0 ? buffer->allocated : BUFFER_FIRST;
        Buffer larger = { .n = buffer->n };

        while (allocated < need)
                allocated *= 2;
        if (allocated == buffer->allocated)
                return 0;

        /* Not realloc(): that would leave the bytes behind where they were. */
        larger.data = malloc(allocated);
        if (!larger.data)
                return -ENOMEM;
        larger.allocated = allocated;
        memcpy(larger.data, buffer_text(buffer), buffer->n);
        buffer_deinit(buffer);
        *buffer = larger;
        return 0;
}

int buffer_append(Buffer *buffer, const void *data, size_t n, size_t max) {
        int r;

        if (n > max || buffer->n > max - n)
                return -E2BIG;
        r = buffer_grow(buffer, buffer->n + n + 1);
        if (r < 0)
                return r;
        memcpy(buffer->data + buffer->n, data, n);
        buffer->n += n;
        buffer->data[buffer->n] = 0;
        return 0;
}

void buffer_clear(Buffer *buffer) {
        if (buffer->allocated > BUFFER_KEPT_MAX) {
                buffer_deinit(buffer);
                return;
        }
        if (buffer->n > 0)
                explicit_bzero(buffer->data, buffer->n);
        buffer->n = 0;
}

void buffer_deinit(Buffer *buffer) {
        if (buffer->data)
                explicit_bzero(buffer->data, buffer->allocated);
        free(buffer->data);
        *buffer = (Buffer){ 0 };
}
