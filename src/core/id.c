/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/id.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

bool api_id_is_prefix(const char *text) {
        size_t length = strlen(text);

        return length > 0 && length <= API_ID_MAX && strspn(text, alphabet) == length;
}

bool api_id_set(ApiId *id, const char *text) {
        if (!api_id_is_prefix(text))
                return false;
        memset(id, 0, sizeof(*id));
        memcpy(id->text, text, strlen(text));
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
