/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An id that the API gave. Opaque, compared byte by byte, [A-Za-z0-9_-]{1,64}. */

#include <stdbool.h>
#include <stdint.h>

#define API_ID_MAX 64

typedef struct ApiId {
        char text[API_ID_MAX + 1]; /* empty: not known */
} ApiId;

/**
 * api_id_set() - take an id from outside
 * @id:   set on success, untouched on failure
 * @text: what came in
 *
 * libcurl rewrites or passes on ".." and "%2e" in a path, so nothing but this alphabet may ever
 * come near one, from clients and from the API alike.
 *
 * Return: true, or false where the text is no id.
 */
bool api_id_set(ApiId *id, const char *text);

/* Whether a text is the beginning of an id that could exist, or a whole one. Not empty. */
bool api_id_is_prefix(const char *text);

/* The text of an id, borrowed; empty where it is not known. */
const char *api_id_text(const ApiId *id);

bool api_id_is_known(const ApiId *id);

/* Orders by bytes, as strcmp() does. */
int api_id_compare(const ApiId *a, const ApiId *b);

static inline bool api_id_equal(const ApiId *a, const ApiId *b) {
        return api_id_compare(a, b) == 0;
}

/*
 * The same in 16 bytes, as rows keep it: the API gives UUIDs, and there are as many as objects. Any
 * other id is a text apart. A UUID of RFC 9562's variant (section 4.1), in lower case, has the
 * upper bit of its ninth byte set; where that is not set, the first bytes are the text.
 */
typedef union PackedId {
        uint8_t uuid[16];
        struct {
                char *text;       /* NULL: not known */
                uint64_t no_uuid; /* 0 */
        };
} PackedId;

/* @packed is overwritten, and to be freed by packed_id_deinit(). Return: 0, -ENOMEM. */
int packed_id_set(PackedId *packed, const ApiId *id);
int packed_id_copy(PackedId *to, const PackedId *from);
void packed_id_deinit(PackedId *packed);

/* One that lives as long as @id does, and is not to be freed: to compare with. */
PackedId packed_id_borrow(const ApiId *id);

ApiId packed_id_unpack(const PackedId *packed);
bool packed_id_is_known(const PackedId *packed);
bool packed_id_equal(const PackedId *a, const PackedId *b);

/* Orders as api_id_compare() does. */
int packed_id_compare(const PackedId *a, const PackedId *b);
