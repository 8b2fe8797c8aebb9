/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Ownership in three words: CLEANUP() on every owning local, TAKE() on the way out, and one
 * free function for each type that takes NULL and returns NULL.
 */

#include <stdlib.h>
#include <string.h>

/* Frees on leaving the scope; NULL stays NULL. */
#define CLEANUP(fn) __attribute__((__cleanup__(fn)))

#define DEFINE_CLEANUP(type, fn)                                                                   \
        static inline void fn##p(type **p) {                                                       \
                if (*p)                                                                            \
                        *p = fn(*p);                                                               \
        }

/* Hands the pointer on and leaves NULL behind, so that the cleanup has nothing to do. */
#define TAKE(p)                                                                                    \
        ({                                                                                         \
                __typeof__(p) *_p = &(p);                                                          \
                __typeof__(p) _v = *_p;                                                            \
                *_p = NULL;                                                                        \
                _v;                                                                                \
        })

#define ELEMENTSOF(array) (sizeof(array) / sizeof((array)[0]))

static inline void freep(void *p) {
        void **pointer = p;

        free(*pointer);
        *pointer = NULL;
}

/* Overwrites a secret before its memory is given back. Takes NULL, returns NULL. */
static inline char *secret_free(char *secret) {
        if (secret)
                explicit_bzero(secret, strlen(secret));
        free(secret);
        return NULL;
}

DEFINE_CLEANUP(char, secret_free);
