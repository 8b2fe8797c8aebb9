/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The table of all keys: where a value goes, what it may be, and what it is by default. */

#include "daemon/configuration.h"

typedef struct Key Key;

/* Return: 0; REFUSED, with what would be right in @ret_right ("expected ..."); -ENOMEM. */
typedef int (*KeyParse)(const Key *key, const char *value, Configuration *configuration,
                        char **ret_right);

struct Key {
        const char *section, *name;
        KeyParse parse;
        size_t offset;   /* of the field in Configuration */
        double min, max; /* numbers; of spans, in seconds */
        const char *fallback;
};

/* The key of that name, NULL: there is none. */
const Key *key_find(const char *section, const char *name);
bool key_section_exists(const char *section);

/* Gives every field its default. Return: 0, -ENOMEM. */
int keys_set_defaults(Configuration *configuration);

/* An empty value is the default again. Return: as KeyParse. */
int key_set(const Key *key, const char *value, Configuration *configuration, char **ret_right);
