/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Base 64 in its two alphabets (RFC 4648): with padding for HTTP, without for tokens. */

#include "simulator/buffer.h"

/** base64_add() - append bytes in the alphabet of section 4, padded. */
void base64_add(Buffer *buffer, const void *bytes, size_t n);

/** base64url_add() - append bytes in the alphabet of section 5, not padded. */
void base64url_add(Buffer *buffer, const void *bytes, size_t n);
