/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulator/random.h"

#include <inttypes.h>
#include <stdio.h>

void random_seed(Random *random, uint64_t seed) {
        random->state = seed;
}

uint64_t random_next(Random *random) {
        uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return z ^ (z >> 31);
}

uint64_t random_below(Random *random, uint64_t n) {
        return random_next(random) % n;
}

double random_unit(Random *random) {
        return (double)(random_next(random) >> 11) / (double)(UINT64_C(1) << 53);
}

void random_uuid(Random *random, char ret[static UUID_LENGTH + 1]) {
        uint64_t high = (random_next(random) & ~UINT64_C(0xf000)) | UINT64_C(0x4000);
        uint64_t low = (random_next(random) & ~(UINT64_C(3) << 62)) | UINT64_C(2) << 62;

        snprintf(ret, UUID_LENGTH + 1,
                 "%08" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%012" PRIx64, high >> 32,
                 (high >> 16) & 0xffff, high & 0xffff, low >> 48, low & UINT64_C(0xffffffffffff));
}
