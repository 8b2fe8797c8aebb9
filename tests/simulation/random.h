/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Everything that happens in a run is drawn from here, so that a seed is a run. The generator is
 * xoshiro256**, its state filled by splitmix64 (Blackman and Vigna, both in the public domain).
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

typedef struct Random {
        uint64_t state[4];
} Random;

static inline uint64_t random_mix(uint64_t *state) {
        uint64_t z = *state += 0x9e3779b97f4a7c15;

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
}

static inline void random_start(Random *random, uint64_t seed) {
        for (unsigned i = 0; i < 4; i++)
                random->state[i] = random_mix(&seed);
}

static inline uint64_t random_turn(uint64_t x, unsigned n) {
        return (x << n) | (x >> (64 - n));
}

static inline uint64_t random_next(Random *random) {
        uint64_t *s = random->state;
        const uint64_t result = random_turn(s[1] * 5, 7) * 9, t = s[1] << 17;

        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = random_turn(s[3], 45);
        return result;
}

/* 0 to @n - 1; @n is not 0. The bias of the remainder does not matter here. */
static inline uint64_t random_below(Random *random, uint64_t n) {
        return random_next(random) % n;
}

static inline bool random_chance(Random *random, double probability) {
        return (double)(random_next(random) >> 11) * 0x1.0p-53 < probability;
}

/* From @from to @to, both included. */
static inline usec_t random_between(Random *random, usec_t from, usec_t to) {
        return from + random_below(random, to - from + 1);
}

/* Index into weights, drawn in their proportion; not all of them are 0. */
static inline unsigned random_weighed(Random *random, const unsigned *weights, unsigned n) {
        unsigned sum = 0, i = 0;

        for (unsigned j = 0; j < n; j++)
                sum += weights[j];
        for (unsigned x = (unsigned)random_below(random, sum); x >= weights[i]; i++)
                x -= weights[i];
        return i;
}
