/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Texts that nearly every Spec has, kept once. Nobody writes into a text. */
static char text_none[] = "", text_v3[] = "V3";
static char *const common_texts[] = { text_none, text_v3 };

static char *text_common(const char *text) {
        for (size_t i = 0; i < ELEMENTSOF(common_texts); i++)
                if (strcmp(common_texts[i], text) == 0)
                        return common_texts[i];
        return NULL;
}

static void text_free(char *text) {
        for (size_t i = 0; i < ELEMENTSOF(common_texts); i++)
                if (text == common_texts[i])
                        return;
        free(text);
}

int spec_set_text(char **field, const char *text) {
        char *copy = text_common(text) ?: strdup(text);

        if (!copy)
                return -ENOMEM;
        text_free(*field);
        *field = copy;
        return 0;
}

int spec_new(Spec **ret) {
        CLEANUP(spec_unrefp) Spec *spec = calloc(1, sizeof(*spec));

        if (!spec)
                return -ENOMEM;
        spec->n_refs = 1;

        char **const fields[] = { &spec->tag, &spec->callback_url, &spec->device_api_version,
                                  &spec->client_bus, &spec->client_name };
        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                if (spec_set_text(fields[i], "") < 0)
                        return -ENOMEM;

        *ret = TAKE(spec);
        return 0;
}

/* Where a text goes when its Spec is packed; @end moves on. */
static char *text_move(char *text, char **end) {
        char *place = *end;

        if (text_common(text))
                return text;
        *end = stpcpy(place, text) + 1;
        return place;
}

void spec_pack(Spec **spec) {
        Spec *from = *spec, *to;
        char *end;

        if (from->packed || from->n_refs > 1)
                return;

        char *const texts[] = { from->tag, from->callback_url, from->device_api_version,
                                from->client_bus, from->client_name };
        size_t size = sizeof(*to);

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                size += text_common(texts[i]) ? 0 : strlen(texts[i]) + 1;
        to = malloc(size);
        if (!to)
                return;

        *to = *from;
        end = (char *)(to + 1);
        to->packed = true;
        to->tag = text_move(from->tag, &end);
        to->callback_url = text_move(from->callback_url, &end);
        to->device_api_version = text_move(from->device_api_version, &end);
        to->client_bus = text_move(from->client_bus, &end);
        to->client_name = text_move(from->client_name, &end);
        spec_unref(from);
        *spec = to;
}

Spec *spec_ref(Spec *spec) {
        if (spec)
                spec->n_refs++;
        return spec;
}

Spec *spec_unref(Spec *spec) {
        if (!spec || --spec->n_refs > 0)
                return NULL;
        if (!spec->packed) {
                text_free(spec->tag);
                text_free(spec->callback_url);
                text_free(spec->device_api_version);
                text_free(spec->client_bus);
                text_free(spec->client_name);
        }
        free(spec);
        return NULL;
}
