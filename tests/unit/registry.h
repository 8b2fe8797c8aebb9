/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A core with objects in it, as if restored from disk. */

#include <stdio.h>

#include "core/core.h"
#include "unit/unit.h"

static const CoreConfig registry_config = {
        .requests_max = 16,
        .requests_per_sec = 1000,
        .request_burst = 1000,
        .resync_interval_usec = USEC_PER_HOUR,
        .retry_min_usec = 500 * USEC_PER_MSEC,
        .retry_max_usec = 300 * USEC_PER_SEC,
        .reply_timeout_usec = 10 * USEC_PER_SEC,
        .create_repeats = 2,
        .seed = 1,
};

typedef struct Entry {
        Kind kind;
        uint64_t number;
        const char *tag, *id; /* NULL: empty */
        uint32_t owner;
        bool failed, gone;
        uint64_t session;
        Mode mode;
        const Publisher *publishers;
        size_t n_publishers;
        bool open; /* its membership is not agreed yet */
} Entry;

static inline Row registry_row(const Entry *entry) {
        Row row = { .kind = entry->kind,
                    .number = entry->number,
                    .failed = entry->failed,
                    .gone = entry->gone };
        ApiId id = { 0 };

        assert_int_equal(spec_new(&row.spec), 0);
        assert_int_equal(spec_set_text(&row.spec, SPEC_TAG, entry->tag ? entry->tag : ""), 0);
        row.spec->owner = entry->owner;
        if (entry->id)
                assert_true(api_id_set(&id, entry->id));
        assert_int_equal(row_set_id(&row, &id), 0);
        if (entry->session != 0) {
                assert_int_equal(place_new(&row.wanted, entry->session, NULL, entry->mode,
                                           entry->publishers, entry->n_publishers),
                                 0);
                row.observed = place_ref(row.wanted);
        }
        row.goals[BEING] = (Goal){ 1, 1, entry->id && !entry->gone ? 1 : 0 };
        if (entry->open)
                row.goals[MEMBERSHIP] = (Goal){ 2, 1, 1 };
        return row;
}

static inline void registry_add(Core *core, const Entry *entry) {
        Row row = registry_row(entry);

        assert_int_equal(core_restore(core, &row), 0);
}
