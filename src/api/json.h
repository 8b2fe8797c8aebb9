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

/* A list that is read value by value: there is a tree of one at a time, and the next one lies where
 * the last one was. */
typedef struct JsonList {
        json_tokener *tokener;
        const char *text;
        size_t n, at;
        size_t n_members; /* of objects, that are still to come */
        bool begun;
} JsonList;

/**
 * json_list_open() - begin to read a list, as strictly as json_parse() does
 * @list: to be closed, whatever comes back
 * @text: text[n] is a NUL; lives as long as the list is open
 *
 * Return: 1, 0 where it is no list or no JSON, as far as can be told without its values, -ENOMEM.
 */
int json_list_open(JsonList *list, const char *text, size_t n);

#define JSON_LIST_END 2

/* The next value, the caller's to free. Only the end tells that all of it was JSON. Return: 1,
 * JSON_LIST_END, 0 where it is no JSON. */
int json_list_next(JsonList *list, json_object **ret);
void json_list_close(JsonList *list);

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
