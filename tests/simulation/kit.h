/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Memory for a test program: there is enough, or it ends. */

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"

/* Values of what can only fail for want of memory. */
#define MUST(expression)                                                                           \
        do {                                                                                       \
                if ((expression) < 0) {                                                            \
                        fputs("simulate: " #expression " failed\n", stderr);                       \
                        abort();                                                                   \
                }                                                                                  \
        } while (0)

/* Room for one more element behind @n of them; the array doubles. */
static inline void *kit_grow(void *array, size_t n, size_t size) {
        if ((n & (n - 1)) == 0)
                array = realloc(array, (n > 0 ? 2 * n : 1) * size);
        if (!array)
                abort();
        return array;
}

static inline void *kit_alloc(size_t n, size_t size) {
        void *memory = calloc(n > 0 ? n : 1, size);

        if (!memory)
                abort();
        return memory;
}
