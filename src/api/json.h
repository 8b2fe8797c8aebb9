/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* JSON from a stranger: read strictly, within bounds, or not at all. Over json-c. */

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

/* A whole answer of the API nests 6 deep: list, participant, subscriptions, list, publisher,
 * list. */
#define JSON_DEPTH_MAX 16

/* Bounds what a tree can cost: json-c takes up to 800 bytes for a value of three. 20 participants
 * who listen to 20 publishers with 32 streams each are 14,000 values. */
#define JSON_VALUES_MAX 65536

/**
 * json_parse() - a tree from text
 * @ret:     set on success only; NULL stands for null, as everywhere in json-c
 * @text:    text[n] is a NUL
 * @secret:  leave no copy in memory given back; json_scrub() has to do the same for the tree
 *
 * One value as RFC 8259 has it, in valid UTF-8, with no key twice in any object.
 *
 * Return: 1, 0 where that does not hold, -ENOMEM.
 */
int json_parse(json_object **ret, const char *text, size_t n, bool secret);

/* A member of an object; NULL where there is none, it is null, or @object is no object. */
json_object *json_member(json_object *object, const char *key);

/* The text of a string without a NUL in it, borrowed; NULL for everything else. */
const char *json_text(json_object *value);

/* Overwrites every string of a tree. */
void json_scrub(json_object *value);

static inline json_object *json_free(json_object *value) {
        json_object_put(value);
        return NULL;
}

DEFINE_CLEANUP(json_object, json_free);
