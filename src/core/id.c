/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/id.h"

#include <string.h>

static bool alphabet_has(char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
               c == '-' || c == '_';
}

/* How long an id, or the beginning of one, a text is; 0: it is neither. */
static size_t id_length(const char *text) {
        size_t n = 0;

        while (n <= API_ID_MAX && alphabet_has(text[n]))
                n++;
        return n <= API_ID_MAX && !text[n] ? n : 0;
}

bool api_id_is_prefix(const char *text) {
        return id_length(text) > 0;
}

bool api_id_set(ApiId *id, const char *text) {
        size_t n = id_length(text);

        if (n == 0)
                return false;
        memcpy(id->text, text, n);
        memset(id->text + n, 0, sizeof(id->text) - n);
        return true;
}

const char *api_id_text(const ApiId *id) {
        return id->text;
}

bool api_id_is_known(const ApiId *id) {
        return id->text[0] != 0;
}

int api_id_compare(const ApiId *a, const ApiId *b) {
        return strcmp(a->text, b->text);
}
