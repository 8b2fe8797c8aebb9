/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/memory.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static void memory_free(void *memory) {
        if (memory)
                explicit_bzero(memory, malloc_usable_size(memory));
        free(memory);
}

static void *memory_realloc(void *memory, size_t size) {
        size_t before = memory ? malloc_usable_size(memory) : 0;
        void *moved;

        if (size <= before)
                return memory;
        moved = malloc(size);
        if (!moved)
                return NULL;
        if (memory)
                memcpy(moved, memory, before);
        memory_free(memory);
        return moved;
}

CURLcode memory_init_curl(void) {
        return curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, memory_free, memory_realloc,
                                    strdup, calloc);
}
