/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/siphash.h"

static uint64_t little_endian(const uint8_t *bytes, size_t n) {
        uint64_t word = 0;

        for (size_t i = 0; i < n; i++)
                word |= (uint64_t)bytes[i] << (8 * i);
        return word;
}

static uint64_t rotate(uint64_t word, unsigned by) {
        return word << by | word >> (64 - by);
}

static void rounds(uint64_t v[static 4], unsigned n) {
        while (n-- > 0) {
                v[0] += v[1];
                v[2] += v[3];
                v[1] = rotate(v[1], 13) ^ v[0];
                v[3] = rotate(v[3], 16) ^ v[2];
                v[0] = rotate(v[0], 32);
                v[2] += v[1];
                v[0] += v[3];
                v[1] = rotate(v[1], 17) ^ v[2];
                v[3] = rotate(v[3], 21) ^ v[0];
                v[2] = rotate(v[2], 32);
        }
}

static void absorb(uint64_t v[static 4], uint64_t word) {
        v[3] ^= word;
        rounds(v, 2);
        v[0] ^= word;
}

uint64_t siphash(const uint8_t key[static SIPHASH_KEY_BYTES], const void *data, size_t n_bytes) {
        const uint64_t k0 = little_endian(key, 8), k1 = little_endian(key + 8, 8);
        /* "somepseudorandomlygeneratedbytes" */
        uint64_t v[4] = { k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
                          k1 ^ 0x7465646279746573 };
        const uint8_t *bytes = data;
        size_t rest = n_bytes;

        for (; rest >= 8; rest -= 8, bytes += 8)
                absorb(v, little_endian(bytes, 8));
        absorb(v, (uint64_t)n_bytes << 56 | little_endian(bytes, rest));
        v[2] ^= 0xff;
        rounds(v, 4);
        return v[0] ^ v[1] ^ v[2] ^ v[3];
}
