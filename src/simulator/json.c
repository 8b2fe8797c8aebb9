/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulator/json.h"

#include <limits.h>

#define DEPTH_MAX       16
#define OUTSIDE_STRINGS "{}[]:,\" \t\r\n+-.0123456789eEtrufalsn"

typedef struct json_tokener Tokener;

static Tokener *tokener_free(Tokener *tokener) {
        json_tokener_free(tokener);
        return NULL;
}

DEFINE_CLEANUP(Tokener, tokener_free);

static bool is_blank(const char *text, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (!memchr(" \t\r\n", text[i], 4))
                        return false;
        return true;
}

/*
 * Whether a byte stands where JSON has none of its kind (RFC 8259): json-c 0.16 lets pass 'names',
 * NaN, Infinity, and control characters in strings, even when it is strict.
 */
static bool has_stray_bytes(const char *text, size_t n) {
        bool quoted = false;

        for (size_t i = 0; i < n; i++) {
                if (quoted && (unsigned char)text[i] < 0x20)
                        return true;
                if (!quoted && !memchr(OUTSIDE_STRINGS, text[i], strlen(OUTSIDE_STRINGS)))
                        return true;
                if (quoted && text[i] == '\\')
                        i++;
                else if (text[i] == '"')
                        quoted = !quoted;
        }
        return false;
}

bool json_read(const char *text, size_t n, JsonObject **ret) {
        CLEANUP(tokener_freep) Tokener *tokener = NULL;
        JsonObject *value;

        if (is_blank(text, n)) {
                *ret = NULL;
                return true;
        }
        if (n >= INT_MAX || has_stray_bytes(text, n))
                return false;

        tokener = json_tokener_new_ex(DEPTH_MAX);
        if (!tokener)
                return false;

        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
        value = json_tokener_parse_ex(tokener, text, (int)n);
        /* A number or a word may go on, as far as json-c knows: the end has to be told. */
        if (json_tokener_get_error(tokener) == json_tokener_continue)
                value = json_tokener_parse_ex(tokener, "", 1);
        else if (json_tokener_get_parse_end(tokener) != n) {
                json_object_put(value);
                return false;
        }
        if (json_tokener_get_error(tokener) != json_tokener_success)
                return false;

        *ret = value;
        return true;
}

const char *json_text(JsonObject *value) {
        const char *text;

        if (!json_object_is_type(value, json_type_string))
                return NULL;

        text = json_object_get_string(value);
        return strlen(text) == (size_t)json_object_get_string_len(value) ? text : NULL;
}
