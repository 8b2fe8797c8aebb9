/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/json.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/text.h"

static json_tokener *tokener_free(json_tokener *tokener) {
        json_tokener_free(tokener);
        return NULL;
}

DEFINE_CLEANUP(json_tokener, tokener_free);

typedef struct Shape {
        size_t n_members; /* of all objects */
        size_t n_values;  /* never less than there are */
        bool is_lax;      /* has what is no JSON, although json-c takes it when it is strict */
        bool is_ascii;
} Shape;

/* What a byte means between strings, and in one. */
enum { PLAIN, QUOTE, MEMBER, VALUE, LAX, CONTROL, ESCAPE, HIGH };

static const unsigned char meanings[256] = {
        [0 ... 31] = CONTROL, ['"'] = QUOTE, [':'] = MEMBER, [','] = VALUE,   ['['] = VALUE,
        ['{'] = VALUE,        ['N'] = LAX,   ['I'] = LAX,    ['\\'] = ESCAPE, [128 ... 255] = HIGH,
};

/* The position after a string whose opening quote is before @text. */
static const unsigned char *string_skip(const unsigned char *text, const unsigned char *end,
                                        Shape *shape) {
        for (; text < end; text++) {
                unsigned char meaning = meanings[*text];

                if (meaning == PLAIN)
                        continue;
                if (meaning == QUOTE)
                        return text + 1;
                if (meaning == ESCAPE)
                        text++;
                else if (meaning == CONTROL)
                        /* Refused by json-c itself from 0.17 on. */
                        shape->is_lax = true;
                else if (meaning == HIGH)
                        shape->is_ascii = false;
        }
        return end;
}

/* Counts what a text holds, should it be JSON. NaN, Infinity and NUL are not. */
static Shape text_shape(const char *begin, size_t n) {
        const unsigned char *text = (const unsigned char *)begin, *end = text + n;
        Shape shape = { .n_values = 1, .is_ascii = true };

        while (text < end) {
                unsigned char c = *text++;

                switch (meanings[c]) {
                case QUOTE:
                        text = string_skip(text, end, &shape);
                        break;
                case MEMBER:
                        shape.n_members++;
                        break;
                case VALUE:
                        shape.n_values++;
                        break;
                case LAX:
                        shape.is_lax = true;
                        break;
                case CONTROL:
                        shape.is_lax = shape.is_lax || c == 0;
                        break;
                case HIGH:
                        shape.is_ascii = false;
                        break;
                }
        }
        return shape;
}

static size_t tree_members(json_object *value) {
        size_t n = 0;

        switch (json_object_get_type(value)) {
        case json_type_object: { /* the macro begins with a declaration */
                json_object_object_foreach(value, key, member) {
                        (void)key;
                        n += 1 + tree_members(member);
                }
                break;
        }
        case json_type_array:
                for (size_t i = 0; i < json_object_array_length(value); i++)
                        n += tree_members(json_object_array_get_idx(value, i));
                break;
        default:
                break;
        }
        return n;
}

/* A string of @n spaces fills the tokener's own buffer: grown before a secret is read, so that no
 * smaller one is given back with it; overwritten after it. */
static int tokener_scrub(json_tokener *tokener, size_t n) {
        CLEANUP(freep) char *text = malloc(n + 3);

        if (!text)
                return -ENOMEM;
        memset(text, ' ', n + 2);
        text[0] = text[n + 1] = '"';
        text[n + 2] = 0;

        json_tokener_reset(tokener);
        json_object_put(json_tokener_parse_ex(tokener, text, (int)n + 3));
        json_tokener_reset(tokener);
        return 0;
}

static int text_parse(json_object **ret, json_tokener *tokener, const char *text, size_t n) {
        json_object *tree;

        /* With the NUL, so that a number at the end is known to be at its end. */
        tree = json_tokener_parse_ex(tokener, text, (int)n + 1);
        if (json_tokener_get_error(tokener) == json_tokener_success &&
            json_tokener_get_parse_end(tokener) >= n) {
                *ret = tree;
                return 1;
        }
        json_object_put(tree);
        return 0;
}

/* Whether a text can be JSON, before json-c, which lets more pass, has seen it. */
static bool shape_is_fit(const Shape *shape, const char *text, size_t n) {
        size_t n_points;

        if (n == 0 || n > INT_MAX - 3 || shape->n_values > JSON_VALUES_MAX || shape->is_lax)
                return false;
        /* json-c alone lets overlong forms pass. */
        return shape->is_ascii || text_code_points(text, &n_points);
}

int json_parse(json_object **ret, const char *text, size_t n, bool secret) {
        CLEANUP(tokener_freep) json_tokener *tokener = NULL;
        CLEANUP(json_freep) json_object *tree = NULL;
        Shape shape = text_shape(text, n);
        int r;

        if (!shape_is_fit(&shape, text, n))
                return 0;
        tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
        if (!tokener)
                return -ENOMEM;
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);

        r = secret ? tokener_scrub(tokener, n) : 0;
        if (r >= 0)
                r = text_parse(&tree, tokener, text, n);
        if (secret && r >= 0 && tokener_scrub(tokener, n) < 0)
                r = -ENOMEM;

        /* Of a key that stands twice json-c keeps the last, silently. */
        if (r > 0 && tree_members(tree) != shape.n_members)
                r = 0;
        if (r > 0)
                *ret = TAKE(tree);
        else if (secret)
                json_scrub(tree);
        return r;
}

/* The next byte that is no white space, 0: there is none. */
static char list_take(JsonList *list) {
        while (list->at < list->n) {
                char c = list->text[list->at++];

                if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
                        return c;
        }
        return 0;
}

int json_list_open(JsonList *list, const char *text, size_t n) {
        Shape shape = text_shape(text, n);

        *list = (JsonList){ .text = text, .n = n, .n_members = shape.n_members };
        if (!shape_is_fit(&shape, text, n) || list_take(list) != '[')
                return 0;
        list->tokener = json_tokener_new_ex(JSON_DEPTH_MAX - 1);
        if (!list->tokener)
                return -ENOMEM;
        /* The next comma trails. */
        json_tokener_set_flags(list->tokener,
                               JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
        return 1;
}

static int list_end(JsonList *list) {
        return list_take(list) == 0 && list->n_members == 0 ? JSON_LIST_END : 0;
}

int json_list_next(JsonList *list, json_object **ret) {
        const size_t before = list->at;
        char c = list_take(list);
        json_object *value;

        if (c == ']')
                return list_end(list);
        if (!list->begun)
                list->at = before;
        else if (c != ',')
                return 0;
        list->begun = true;

        json_tokener_reset(list->tokener);
        value = json_tokener_parse_ex(list->tokener, list->text + list->at,
                                      (int)(list->n - list->at) + 1);
        if (json_tokener_get_error(list->tokener) != json_tokener_success)
                return 0;
        list->at += json_tokener_get_parse_end(list->tokener);
        list->n_members -= tree_members(value);
        *ret = value;
        return 1;
}

void json_list_close(JsonList *list) {
        if (list->tokener)
                json_tokener_free(list->tokener);
        *list = (JsonList){ 0 };
}

json_object *json_member(json_object *object, const char *key) {
        json_object *member = NULL;

        if (!json_object_is_type(object, json_type_object) ||
            !json_object_object_get_ex(object, key, &member))
                return NULL;
        return member;
}

const char *json_text(json_object *value) {
        const char *text;

        if (!json_object_is_type(value, json_type_string))
                return NULL;
        text = json_object_get_string(value);
        return text && strlen(text) == (size_t)json_object_get_string_len(value) ? text : NULL;
}

void json_scrub(json_object *value) {
        if (json_object_is_type(value, json_type_string))
                explicit_bzero((char *)json_object_get_string(value),
                               (size_t)json_object_get_string_len(value));
        else if (json_object_is_type(value, json_type_object)) {
                json_object_object_foreach(value, key, member) {
                        (void)key;
                        json_scrub(member);
                }
        } else if (json_object_is_type(value, json_type_array)) {
                for (size_t i = 0; i < json_object_array_length(value); i++)
                        json_scrub(json_object_array_get_idx(value, i));
        }
}
