/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/publish.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "ctl/memory.h"

static const struct {
        const char *word, *permission;
} permissions[PUBLISH_MAX] = { { "audio", "AUDIO" }, { "video", "VIDEO" } };

static const char *permission_find(const char *word, size_t length) {
        for (size_t i = 0; i < PUBLISH_MAX; i++)
                if (strlen(permissions[i].word) == length &&
                    strncmp(word, permissions[i].word, length) == 0)
                        return permissions[i].permission;
        return NULL;
}

char *publish_parse(const char *list, const char *ret[static PUBLISH_MAX + 1]) {
        const char *word = list;
        size_t n = 0;

        ret[0] = NULL;
        if (streq(list, "") || streq(list, "none"))
                return NULL;

        for (;;) {
                size_t length = strcspn(word, ",");
                const char *permission = permission_find(word, length);

                if (!permission)
                        return format("--publish= takes audio and video, not \"%.*s\"", (int)length,
                                      word);
                for (size_t i = 0; i < n; i++)
                        if (ret[i] == permission)
                                return format("--publish= has \"%.*s\" twice", (int)length, word);
                ret[n++] = permission;
                ret[n] = NULL;
                if (!word[length])
                        return NULL;
                word += length + 1;
        }
}
