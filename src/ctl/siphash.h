/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* SipHash-2-4, https://www.aumasson.jp/siphash/siphash.pdf: a short keyed hash of a text. */

#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY_BYTES 16

uint64_t siphash(const uint8_t key[static SIPHASH_KEY_BYTES], const void *data, size_t n_bytes);
