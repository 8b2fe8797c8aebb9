/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a bus message holds, as JSON values; for tables, facts are read back from these. So a
 * property that a later service adds is shown by --json without a change here.
 */

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "base/cleanup.h"
#include "ctl/options.h"

/**
 * value_read() - read the next complete type of a message
 * @message: at that type
 * @ret:     the value, the caller's: a dictionary is an object, a struct or an array an array, a
 *           variant what it holds
 *
 * Return: 0; negative errno for a message that is not as its signature says, or of a type that this
 *         contract does not use.
 */
int value_read(sd_bus_message *message, json_object **ret);

/* Properties by name; what is missing, or of another type, is "", 0 and false. Borrowed. */
const char *facts_text(const json_object *facts, const char *key);
uint64_t facts_number(const json_object *facts, const char *key);
bool facts_flag(const json_object *facts, const char *key);

/* An array's length, and its texts; 0 and "" where there is none. */
size_t facts_length(const json_object *facts, const char *key);
const char *facts_text_at(const json_object *facts, const char *key, size_t i);

/* An array's entry; NULL where there is none. Borrowed. */
json_object *facts_value_at(const json_object *facts, const char *key, size_t i);

/* Whether there is such a property at all. */
bool facts_have(const json_object *facts, const char *key);

/* Puts what @changes holds over what @facts held. */
void facts_merge(json_object *facts, json_object *changes);

/* Writes one value as --json asked for, with a line break behind it. */
void value_print(const Options *options, json_object *value);

/* The flags for json-c that --json means. */
int value_flags(const Options *options);

static inline json_object *json_free(json_object *value) {
        json_object_put(value);
        return NULL;
}

DEFINE_CLEANUP(json_object, json_free);

static inline sd_bus_message *message_unref(sd_bus_message *message) {
        return sd_bus_message_unref(message);
}

DEFINE_CLEANUP(sd_bus_message, message_unref);
