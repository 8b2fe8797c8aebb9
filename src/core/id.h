/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An id that the API gave. Opaque, compared byte by byte, [A-Za-z0-9_-]{1,64}. */

#include <stdbool.h>

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
