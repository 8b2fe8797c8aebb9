/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An object's path is its kind and its number, and nothing else. */

#include <stdbool.h>
#include <stdint.h>

#include "core/row.h"

/* Large enough for "/org/convened1/participant/" and twenty digits, and for all other paths of
 * ours. */
#define PATH_SIZE 64

typedef struct Path {
        char text[PATH_SIZE];
} Path;

Path path_of(Kind kind, uint64_t number);

/**
 * path_parse() - the number in the path of an object
 * @kind: which kind is meant; another one's path is none
 * @ret:  at least 1; untouched on failure
 *
 * Strict: decimal, without a sign and without a leading zero, so that one object has one path.
 *
 * Return: true, or false where this is no such path.
 */
bool path_parse(const char *path, Kind kind, uint64_t *ret);

/* The path above all objects of a kind. */
const char *path_prefix(Kind kind);
