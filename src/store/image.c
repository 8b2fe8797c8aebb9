/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/image.h"

#include <errno.h>

const char *const image_columns[] = {
        "kind",
        "number",
        "api_id",
        "gone",
        "failed",
        "attempt_open",
        "has_token",
        "n_unknown",
        "owner",
        "lifetime",
        "created_at",
        "permissions",
        "at_most_once",
        "tag",
        "callback_url",
        "device_api_version",
        "client_bus",
        "client_name",
        "wanted_mode",
        "wanted_session",
        "wanted_foreign",
        "observed_mode",
        "observed_session",
        "observed_foreign",
        "being_wanted",
        "being_agreed",
        "membership_wanted",
        "membership_agreed",
        "subscriptions_wanted",
        "subscriptions_agreed",
        "expires_at",
        "last_error",
        "last_message",
        "synced_at",
        "n_failed",
        "stranger",
};
const size_t image_n_columns = ELEMENTSOF(image_columns);

const char *kind_word(Kind kind) {
        return kind == KIND_SESSION ? "session" : "participant";
}

const Place *image_side(const Row *row, Side side) {
        return side == SIDE_WANTED ? row->wanted : row->observed;
}

static void bind_spec(Binder *binder, const Spec *spec) {
        bind_number(binder, spec->owner);
        bind_number(binder, spec->lifetime);
        bind_bits(binder, spec->created_at);
        bind_number(binder, spec->permissions);
        bind_number(binder, spec->at_most_once);
        bind_text(binder, spec_text(spec, SPEC_TAG));
        bind_text(binder, spec_text(spec, SPEC_CALLBACK_URL));
        bind_text(binder, spec_text(spec, SPEC_DEVICE_API_VERSION));
        bind_text(binder, spec_text(spec, SPEC_CLIENT_BUS));
        bind_text(binder, spec_text(spec, SPEC_CLIENT_NAME));
}

static void bind_place(Binder *binder, const Place *place) {
        ApiId foreign;

        if (!place) {
                for (unsigned i = 0; i < 3; i++)
                        bind_null(binder);
                return;
        }
        bind_number(binder, place->mode);
        bind_number(binder, place->session);
        foreign = place_foreign(place);
        bind_id(binder, &foreign);
}

void image_bind(Binder *binder, const Row *row) {
        const ApiId id = row_id(row);

        bind_number(binder, row->kind);
        bind_number(binder, row->number);
        bind_id(binder, &id);
        bind_number(binder, row->gone);
        bind_number(binder, row->failed);
        bind_number(binder, row->attempt_open);
        bind_number(binder, row->has_token);
        bind_number(binder, row->n_unknown);
        bind_spec(binder, row->spec);
        for (Side side = 0; side < _SIDE_MAX; side++)
                bind_place(binder, image_side(row, side));
        for (Aspect aspect = 0; aspect < _ASPECT_MAX; aspect++) {
                bind_number(binder, row->goals[aspect].wanted_rev);
                bind_number(binder, row->goals[aspect].agreed_rev);
        }
        bind_bits(binder, row->expires_at);
        bind_number(binder, row->last_error);
        bind_text(binder, row->last_message);
        bind_bits(binder, row->synced_at);
        bind_number(binder, row->n_failed);
        bind_number(binder, row->spec->stranger);
}

static void read_spec_text(Reader *reader, Spec **spec, SpecText which) {
        const char *text = read_text(reader);

        /* spec_new() has put an empty one there. */
        if (text && text[0] && spec_set_text(spec, which, text) < 0)
                reader->no_memory = true;
}

static void read_spec(Reader *reader, Row *row) {
        Spec *spec;

        if (spec_new(&row->spec) < 0) {
                reader->no_memory = true;
                read_skip(reader, 10);
                return;
        }
        spec = row->spec;
        spec->owner = (uint32_t)read_number(reader, UINT32_MAX);
        spec->lifetime = (Lifetime)read_number(reader, _LIFETIME_MAX - 1);
        spec->created_at = read_bits(reader);
        spec->permissions = (unsigned)read_number(reader, PUBLISH_AUDIO | PUBLISH_VIDEO);
        spec->at_most_once = read_bool(reader);
        read_spec_text(reader, &row->spec, SPEC_TAG);
        read_spec_text(reader, &row->spec, SPEC_CALLBACK_URL);
        read_spec_text(reader, &row->spec, SPEC_DEVICE_API_VERSION);
        read_spec_text(reader, &row->spec, SPEC_CLIENT_BUS);
        read_spec_text(reader, &row->spec, SPEC_CLIENT_NAME);
}

static Place *read_place(Reader *reader, Kind kind, const Listed *listed) {
        Place *place = NULL;
        uint64_t session;
        ApiId foreign;
        Mode mode;
        int mode_column = reader->index;

        if (read_is_null(reader)) {
                if (listed->n_publishers > 0)
                        reader_wrong(reader, mode_column);
                read_skip(reader, 3);
                return NULL;
        }
        mode = (Mode)read_number(reader, _MODE_MAX - 1);
        session = read_number(reader, INT64_MAX);
        read_id(reader, &foreign);

        /* A list that was lost, or belongs to nothing, must not pass for what somebody wanted. */
        if ((mode == MODE_PARTICIPANTS) != (listed->n_publishers > 0))
                reader_wrong(reader, mode_column);
        if (kind != KIND_PARTICIPANT || (session == 0 && !api_id_is_known(&foreign)))
                reader_wrong(reader, mode_column + 1);
        if (place_new(&place, session, &foreign, mode, listed->publishers, listed->n_publishers) <
            0)
                reader->no_memory = true;
        return place;
}

/* At rest both are the same, and cost nothing twice. */
static void share_place(Row *row) {
        if (row->wanted && place_equal(row->wanted, row->observed)) {
                place_unref(row->observed);
                row->observed = place_ref(row->wanted);
        }
}

static void read_goals(Reader *reader, Row *row) {
        for (Aspect aspect = 0; aspect < _ASPECT_MAX; aspect++) {
                Goal *goal = row->goals + aspect;

                goal->wanted_rev = (uint32_t)read_number(reader, UINT32_MAX);
                goal->agreed_rev = (uint32_t)read_number(reader, UINT32_MAX);
                goal->sent_rev = goal->agreed_rev;
        }
}

static void read_last_message(Reader *reader, Row *row) {
        const char *message = read_text_or_null(reader);

        if (!message)
                return;
        row->last_message = strdup(message);
        if (!row->last_message)
                reader->no_memory = true;
}

static void read_row_id(Reader *reader, Row *row) {
        ApiId id;

        read_id(reader, &id);
        if (row_set_id(row, &id) < 0)
                reader->no_memory = true;
}

static void read_row(Reader *reader, const Listed *listed, Row *row) {
        row->kind = (Kind)read_number(reader, _KIND_MAX - 1);
        row->number = read_number(reader, INT64_MAX);
        read_row_id(reader, row);
        row->gone = read_bool(reader);
        row->failed = read_bool(reader);
        row->attempt_open = read_bool(reader);
        row->has_token = read_bool(reader);
        row->n_unknown = (uint8_t)read_number(reader, UINT8_MAX);
        read_spec(reader, row);
        row->wanted = read_place(reader, row->kind, listed + SIDE_WANTED);
        row->observed = read_place(reader, row->kind, listed + SIDE_OBSERVED);
        share_place(row);
        read_goals(reader, row);
        row->expires_at = read_bits(reader);
        row->last_error = (Outcome)read_number(reader, _OUTCOME_MAX - 1);
        read_last_message(reader, row);
        row->synced_at = read_bits(reader);
        row->n_failed = (uint32_t)read_number(reader, UINT32_MAX);
        if (row->spec)
                row->spec->stranger = read_bool(reader);
}

int image_read(Database *database, sqlite3_stmt *statement, const Listed listed[_SIDE_MAX],
               Row *ret) {
        Reader columns = reader(statement);
        Row row = { 0 };
        int r;

        read_row(&columns, listed, &row);
        r = reader_result(&columns, database, kind_word(row.kind), row.number);
        if (r != 0) {
                row_deinit(&row);
                return r;
        }
        *ret = row;
        return 0;
}
