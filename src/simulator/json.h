/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reading JSON strictly, on json-c. */

#include <json.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

typedef struct json_object JsonObject;

static inline JsonObject *json_unref(JsonObject *object) {
        json_object_put(object);
        return NULL;
}

DEFINE_CLEANUP(JsonObject, json_unref);

/**
 * json_read() - parse one JSON value
 * @text: need not end in NUL
 * @ret:  the value, which the caller owns; NULL for null, and for nothing but white space
 *
 * Strict: no trailing commas or comments, valid UTF-8, at most 16 levels, nothing behind the value.
 *
 * Return: true, or false where it is none. Out of memory counts as none.
 */
bool json_read(const char *text, size_t n, JsonObject **ret);

/** json_text() - the text of a JSON string; NULL for another type, and where a NUL stands in it. */
const char *json_text(JsonObject *value);
