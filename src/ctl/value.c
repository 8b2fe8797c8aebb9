/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/value.h"

#include <errno.h>
#include <stdio.h>

#include "ctl/memory.h"

static int text_read(sd_bus_message *m, char type, json_object **ret) {
        const char *text;
        int r = sd_bus_message_read_basic(m, type, &text);

        if (r < 0)
                return r;
        *ret = must(json_object_new_string(text));
        return 0;
}

static int flag_read(sd_bus_message *m, json_object **ret) {
        int flag, r = sd_bus_message_read_basic(m, SD_BUS_TYPE_BOOLEAN, &flag);

        if (r < 0)
                return r;
        *ret = must(json_object_new_boolean(flag));
        return 0;
}

static int number_read(sd_bus_message *m, char type, json_object **ret) {
        union {
                uint8_t y;
                int16_t n;
                uint16_t q;
                int32_t i;
                uint32_t u;
                int64_t x;
                uint64_t t;
                double d;
        } number;
        int r = sd_bus_message_read_basic(m, type, &number);

        if (r < 0)
                return r;

        switch (type) {
        case SD_BUS_TYPE_BYTE:
                *ret = must(json_object_new_uint64(number.y));
                return 0;
        case SD_BUS_TYPE_INT16:
                *ret = must(json_object_new_int64(number.n));
                return 0;
        case SD_BUS_TYPE_UINT16:
                *ret = must(json_object_new_uint64(number.q));
                return 0;
        case SD_BUS_TYPE_INT32:
                *ret = must(json_object_new_int64(number.i));
                return 0;
        case SD_BUS_TYPE_UINT32:
                *ret = must(json_object_new_uint64(number.u));
                return 0;
        case SD_BUS_TYPE_INT64:
                *ret = must(json_object_new_int64(number.x));
                return 0;
        case SD_BUS_TYPE_UINT64:
                *ret = must(json_object_new_uint64(number.t));
                return 0;
        default:
                *ret = must(json_object_new_double(number.d));
                return 0;
        }
}

static int dictionary_read(sd_bus_message *m, const char *contents, json_object **ret) {
        CLEANUP(json_freep) json_object *object = must(json_object_new_object());
        CLEANUP(freep) char *entry = must(strndup(contents + 1, strlen(contents) - 2));
        int r = sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, contents);

        if (r < 0)
                return r;

        while ((r = sd_bus_message_enter_container(m, SD_BUS_TYPE_DICT_ENTRY, entry)) > 0) {
                json_object *value;
                const char *key;

                r = sd_bus_message_read_basic(m, entry[0], &key);
                if (r < 0)
                        return r;
                r = value_read(m, &value);
                if (r < 0)
                        return r;
                json_object_object_add(object, key, value);
                r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;

        *ret = TAKE(object);
        return sd_bus_message_exit_container(m);
}

/* An array or a struct: one value after the other, to the end of it. */
static int sequence_read(sd_bus_message *m, char type, const char *contents, json_object **ret) {
        CLEANUP(json_freep) json_object *array = must(json_object_new_array());
        int r = sd_bus_message_enter_container(m, type, contents);

        if (r < 0)
                return r;

        while ((r = sd_bus_message_at_end(m, false)) == 0) {
                json_object *value;

                r = value_read(m, &value);
                if (r < 0)
                        return r;
                json_object_array_add(array, value);
        }
        if (r < 0)
                return r;

        *ret = TAKE(array);
        return sd_bus_message_exit_container(m);
}

static int variant_read(sd_bus_message *m, const char *contents, json_object **ret) {
        CLEANUP(json_freep) json_object *value = NULL;
        int r = sd_bus_message_enter_container(m, SD_BUS_TYPE_VARIANT, contents);

        if (r < 0)
                return r;
        r = value_read(m, &value);
        if (r < 0)
                return r;

        *ret = TAKE(value);
        return sd_bus_message_exit_container(m);
}

static bool is_dictionary(const char *contents) {
        return contents[0] == SD_BUS_TYPE_DICT_ENTRY_BEGIN &&
               (contents[1] == SD_BUS_TYPE_STRING || contents[1] == SD_BUS_TYPE_OBJECT_PATH);
}

int value_read(sd_bus_message *message, json_object **ret) {
        const char *contents;
        char type;
        int r = sd_bus_message_peek_type(message, &type, &contents);

        if (r < 0)
                return r;
        if (r == 0)
                return -ENXIO;

        switch (type) {
        case SD_BUS_TYPE_STRING:
        case SD_BUS_TYPE_OBJECT_PATH:
        case SD_BUS_TYPE_SIGNATURE:
                return text_read(message, type, ret);
        case SD_BUS_TYPE_BOOLEAN:
                return flag_read(message, ret);
        case SD_BUS_TYPE_VARIANT:
                return variant_read(message, contents, ret);
        case SD_BUS_TYPE_STRUCT:
                return sequence_read(message, type, contents, ret);
        case SD_BUS_TYPE_ARRAY:
                if (is_dictionary(contents))
                        return dictionary_read(message, contents, ret);
                return sequence_read(message, type, contents, ret);
        case SD_BUS_TYPE_UNIX_FD:
        case SD_BUS_TYPE_DICT_ENTRY:
                return -EOPNOTSUPP;
        default:
                return number_read(message, type, ret);
        }
}

static json_object *fact(const json_object *facts, const char *key) {
        json_object *value = NULL;

        json_object_object_get_ex(facts, key, &value);
        return value;
}

const char *facts_text(const json_object *facts, const char *key) {
        json_object *value = fact(facts, key);

        return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

uint64_t facts_number(const json_object *facts, const char *key) {
        return json_object_get_uint64(fact(facts, key));
}

bool facts_flag(const json_object *facts, const char *key) {
        return json_object_get_boolean(fact(facts, key));
}

size_t facts_length(const json_object *facts, const char *key) {
        json_object *value = fact(facts, key);

        return json_object_is_type(value, json_type_array) ? json_object_array_length(value) : 0;
}

json_object *facts_value_at(const json_object *facts, const char *key, size_t i) {
        return i < facts_length(facts, key) ? json_object_array_get_idx(fact(facts, key), i) : NULL;
}

const char *facts_text_at(const json_object *facts, const char *key, size_t i) {
        json_object *value = facts_value_at(facts, key, i);

        return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

bool facts_have(const json_object *facts, const char *key) {
        return json_object_object_get_ex(facts, key, NULL);
}

void facts_merge(json_object *facts, json_object *changes) {
        json_object_object_foreach(changes, key, value) {
                json_object_object_add(facts, key, json_object_get(value));
        }
}

int value_flags(const Options *options) {
        int flags = options->json == JSON_PRETTY ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED
                                                 : JSON_C_TO_STRING_PLAIN;

        return flags | JSON_C_TO_STRING_NOSLASHESCAPE;
}

void value_print(const Options *options, json_object *value) {
        puts(json_object_to_json_string_ext(value, value_flags(options)));
}
