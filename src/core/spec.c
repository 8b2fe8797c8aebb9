/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/spec.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

int spec_new(Spec **ret) {
        Spec *spec = calloc(1, offsetof(Spec, texts) + _SPEC_TEXT_MAX);

        if (!spec)
                return -ENOMEM;
        spec->n_refs = 1;
        *ret = spec;
        return 0;
}

/* Where a text ends and the next one begins; after the last one that is the end of the Spec. */
static const char *text_end(const char *text) {
        return text + strlen(text) + 1;
}

const char *spec_text(const Spec *spec, SpecText which) {
        const char *text = spec->texts;

        for (SpecText before = 0; before < which; before++)
                text = text_end(text);
        return text;
}

static size_t spec_size(const Spec *spec) {
        return (size_t)(spec_text(spec, _SPEC_TEXT_MAX) - (const char *)spec);
}

int spec_set_text(Spec **spec, SpecText which, const char *text) {
        Spec *from = *spec, *to;
        const char *old = spec_text(from, which), *rest = text_end(old);
        size_t before = (size_t)(old - (const char *)from), n = strlen(text) + 1;
        size_t after = spec_size(from) - (size_t)(rest - (const char *)from);

        assert(from->n_refs == 1);
        to = malloc(before + n + after);
        if (!to)
                return -ENOMEM;
        memcpy(to, from, before);
        memcpy((char *)to + before, text, n);
        memcpy((char *)to + before + n, rest, after);
        free(from);
        *spec = to;
        return 0;
}

int spec_copy(Spec **ret, const Spec *from) {
        size_t size = spec_size(from);
        Spec *copy = malloc(size);

        if (!copy)
                return -ENOMEM;
        memcpy(copy, from, size);
        copy->n_refs = 1;
        *ret = copy;
        return 0;
}

Spec *spec_ref(Spec *spec) {
        if (spec)
                spec->n_refs++;
        return spec;
}

Spec *spec_unref(Spec *spec) {
        if (spec && --spec->n_refs == 0)
                free(spec);
        return NULL;
}
