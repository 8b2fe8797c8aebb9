/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/row.h"

#include <errno.h>

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

int row_copy(Row *to, const Row *from) {
        Row copy = *from;

        if (from->last_message) {
                copy.last_message = strdup(from->last_message);
                if (!copy.last_message)
                        return -ENOMEM;
        }
        if (packed_id_copy(&copy.id, &from->id) < 0) {
                free(copy.last_message);
                return -ENOMEM;
        }
        spec_ref(copy.spec);
        place_ref(copy.wanted);
        place_ref(copy.observed);
        *to = copy;
        return 0;
}

void row_deinit(Row *row) {
        spec_unref(row->spec);
        place_unref(row->wanted);
        place_unref(row->observed);
        free(row->last_message);
        packed_id_deinit(&row->id);
        *row = (Row){ 0 };
}

Row *row_free(Row *row) {
        if (row)
                row_deinit(row);
        free(row);
        return NULL;
}

int row_set_error(Row *row, Outcome outcome, const char *message) {
        char *copy = NULL;

        if (outcome != OUTCOME_DONE) {
                copy = strdup(message);
                if (!copy)
                        return -ENOMEM;
        }
        free(row->last_message);
        row->last_message = copy;
        row->last_error = outcome;
        return 0;
}

int row_set_id(Row *row, const ApiId *id) {
        PackedId packed;

        if (packed_id_set(&packed, id) < 0)
                return -ENOMEM;
        packed_id_deinit(&row->id);
        row->id = packed;
        return 0;
}

ApiId row_id(const Row *row) {
        return packed_id_unpack(&row->id);
}

bool row_has_id(const Row *row) {
        return packed_id_is_known(&row->id);
}

bool row_id_is(const Row *row, const ApiId *id) {
        PackedId packed = packed_id_borrow(id);

        return packed_id_equal(&row->id, &packed);
}

bool row_equal_on_disk(const Row *a, const Row *b) {
        for (Aspect aspect = 0; aspect < _ASPECT_MAX; aspect++)
                if (a->goals[aspect].wanted_rev != b->goals[aspect].wanted_rev ||
                    a->goals[aspect].agreed_rev != b->goals[aspect].agreed_rev)
                        return false;

        return a->kind == b->kind && a->number == b->number && packed_id_equal(&a->id, &b->id) &&
               a->gone == b->gone && a->failed == b->failed && a->attempt_open == b->attempt_open &&
               a->has_token == b->has_token && a->n_unknown == b->n_unknown &&
               place_equal(a->wanted, b->wanted) && place_equal(a->observed, b->observed) &&
               (a->spec == b->spec || a->spec->lifetime == b->spec->lifetime) &&
               a->expires_at == b->expires_at;
}

State row_state(const Row *row) {
        if (row->gone)
                return STATE_DELETING;
        if (row->failed)
                return STATE_FAILED;
        return row_has_id(row) ? STATE_ACTIVE : STATE_PENDING;
}

bool row_in_sync(const Row *row) {
        for (Aspect aspect = 0; aspect < _ASPECT_MAX; aspect++)
                if (row_open(row, aspect))
                        return false;
        return row_state(row) == STATE_ACTIVE;
}
