/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The one source of chance: ids, tokens, shuffles, faults follow from its seed. Makes no
 * secrets. */

#include <stddef.h>
#include <stdint.h>

#define UUID_LENGTH 36

typedef struct Random {
        uint64_t state;
} Random;

/** random_seed() - begin the sequence that belongs to a seed. */
void random_seed(Random *random, uint64_t seed);

/** random_next() - the next 64 bits (splitmix64). */
uint64_t random_next(Random *random);

/** random_below() - a number from 0 to n - 1; n is at least 1. */
uint64_t random_below(Random *random, uint64_t n);

/** random_unit() - a number from 0 up to, but not, 1. */
double random_unit(Random *random);

/** random_uuid() - a UUID of version 4 in lower case (RFC 4122, section 4.4), with its NUL. */
void random_uuid(Random *random, char ret[static UUID_LENGTH + 1]);
