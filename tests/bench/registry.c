/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * bench-registry DIRECTORY BASE-URL ACCOUNT SESSIONS MEMBERS
 *
 * Makes a state directory of so many sessions with so many participants each, all in sync, with
 * the product's own store, in batches of many rows. Sessions have the numbers from 1 on; the
 * members of session S those after (S - 1) * MEMBERS.
 */

#include <stdlib.h>
#include <time.h>

#include "base/text.h"
#include "bench/shape.h"
#include "store/store.h"

#define ROWS_MAX 20000U

typedef struct Maker {
        Store *store;
        sd_event *event;
        BatchRow *rows;
        size_t n_rows;
        Counters counters;
        usec_t now_at;
        int error;
        bool committed;
} Maker;

__attribute__((noreturn)) static void give_up(const char *what, int error) {
        (void)fprintf(stderr, "bench-registry: %s: %s\n", what, strerror(-error));
        exit(EXIT_FAILURE);
}

static void check(const char *what, int r) {
        if (r < 0)
                give_up(what, r);
}

static void on_committed(const Batch *batch, int error, void *userdata) {
        Maker *maker = userdata;

        (void)batch;
        maker->committed = true;
        maker->error = error;
}

static void on_token(uint64_t ticket, int error, const char *token, void *userdata) {
        (void)ticket;
        (void)error;
        (void)token;
        (void)userdata;
}

static void maker_flush(Maker *maker) {
        Batch batch = { .sealed_at = maker->now_at,
                        .rows = maker->rows,
                        .n_rows = maker->n_rows,
                        .counters_changed = true,
                        .counters = maker->counters };

        maker->committed = false;
        check("commit", store_commit(maker->store, &batch));
        while (!maker->committed)
                check("event loop", sd_event_run(maker->event, UINT64_MAX));
        check("write", maker->error);
        while (maker->n_rows > 0)
                row_deinit(&maker->rows[--maker->n_rows].row);
}

static void maker_add(Maker *maker, Kind kind, uint64_t number, uint64_t session) {
        static char token[] = "eyJhbGciOiJIUzI1NiJ9.bench";
        BatchRow *item = maker->rows + maker->n_rows;

        *item = (BatchRow){ .to_disk = true, .token = kind == KIND_PARTICIPANT ? token : NULL };
        check("row", shape_row(&item->row, kind, number, session, maker->now_at));
        maker->counters.last_number[kind] = number;
        if (++maker->n_rows == ROWS_MAX)
                maker_flush(maker);
}

int main(int argc, char *argv[]) {
        static BatchRow rows[ROWS_MAX];
        Maker maker = { .rows = rows, .now_at = (usec_t)time(NULL) * USEC_PER_SEC };
        CLEANUP(freep) char *reason = NULL;
        uint64_t n_sessions, n_members;
        int r;

        if (argc != 6)
                return EXIT_FAILURE;
        n_sessions = strtoull(argv[4], NULL, 10);
        n_members = strtoull(argv[5], NULL, 10);

        StoreConfig config = { .directory = argv[1], .base_url = argv[2], .account_id = argv[3] };
        r = store_open(&maker.store, &config, (Now){ 0, maker.now_at }, &reason);
        if (r != 0)
                give_up(reason ? reason : "open", r);
        check("event loop", sd_event_new(&maker.event));
        check("attach", store_attach(maker.store, maker.event, on_committed, on_token, &maker));

        for (uint64_t session = 1; session <= n_sessions; session++)
                maker_add(&maker, KIND_SESSION, session, 0);
        for (uint64_t number = 1; number <= n_sessions * n_members; number++)
                maker_add(&maker, KIND_PARTICIPANT, number, (number - 1) / n_members + 1);
        maker_flush(&maker);

        store_close(maker.store);
        sd_event_unref(maker.event);
        return EXIT_SUCCESS;
}
