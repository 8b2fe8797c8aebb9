/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a registry made for measuring looks like. bench.py knows these forms too. */

#include <stdint.h>
#include <stdio.h>

#include "core/row.h"

#define SHAPE_ID_SIZE 37

/* An id as the API gives them: 36 letters, and neighbours in number are none in order, as with the
 * random ids of the API. @what is 's' or 'p'. */
static inline const char *shape_id(char text[SHAPE_ID_SIZE], char what, uint64_t number) {
        (void)snprintf(text, SHAPE_ID_SIZE, "%08x-be4c-4000-8000-%012llx",
                       (uint32_t)(number * 2654435761U) ^ (what == 's' ? 0U : 0x9a471000U),
                       (unsigned long long)(number & 0xffffffffffffU));
        return text;
}

/* A row in sync; a participant is in @session and hears all there. It is overwritten, also on
 * failure, and the caller's to deinit. @now_at is CLOCK_REALTIME. Return: 0, -ENOMEM. */
int shape_row(Row *row, Kind kind, uint64_t number, uint64_t session, usec_t now_at);
