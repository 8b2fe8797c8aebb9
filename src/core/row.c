/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/row.h"

#include <errno.h>

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
