/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/shape.h"

#include <errno.h>

/* The texts of a participant have about 300 bytes, with its session's id and its properties'. */
static int shape_participant(Row *row, uint64_t session) {
        char text[96];
        int r;

        row->spec->permissions = PUBLISH_AUDIO | PUBLISH_VIDEO;
        (void)snprintf(text, sizeof(text),
                       "https://phones.example.com/callbacks/webrtc/desk?number=%07llu",
                       (unsigned long long)row->number);
        r = spec_set_text(&row->spec, SPEC_CALLBACK_URL, text);
        if (r >= 0)
                r = spec_set_text(&row->spec, SPEC_DEVICE_API_VERSION, "V3");
        if (r >= 0)
                r = place_new(&row->wanted, session, NULL, MODE_SESSION, NULL, 0);
        if (r < 0)
                return r;

        row->observed = place_ref(row->wanted);
        row->goals[MEMBERSHIP] = row->goals[SUBSCRIPTIONS] = (Goal){ 1, 1, 1 };
        return 0;
}

int shape_row(Row *row, Kind kind, uint64_t number, uint64_t session, usec_t now_at) {
        char text[96];
        ApiId id;
        int r;

        *row = (Row){
                .kind = kind, .number = number, .synced_at = now_at, .goals = { { 1, 1, 1 } }
        };
        r = spec_new(&row->spec);
        if (r < 0)
                return r;
        row->spec->created_at = now_at;
        (void)snprintf(text, sizeof(text), "%s of the reception %07llu",
                       kind == KIND_SESSION ? "call" : "desk", (unsigned long long)number);
        r = spec_set_text(&row->spec, SPEC_TAG, text);
        if (r < 0)
                return r;
        api_id_set(&id, shape_id(text, kind == KIND_SESSION ? 's' : 'p', number));
        r = row_set_id(row, &id);
        if (r < 0)
                return r;
        if (kind == KIND_PARTICIPANT)
                return shape_participant(row, session);
        row->expires_at = now_at + 8 * USEC_PER_HOUR;
        return 0;
}
