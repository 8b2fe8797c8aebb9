/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * bench-looks SESSIONS MEMBERS LOOKS
 *
 * What a timer costs in a registry of that size: the core alone, with a clock that jumps from one
 * deadline to the next. A session comes due, its list is asked for, answered with what is so, and
 * compared. Prints one line of JSON; the time is that of the core's own functions for one look, the
 * median.
 */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/shape.h"
#include "core/core.h"

#define REQUESTS_MAX 16

typedef struct Looker {
        Core *core;
        Now now;
        uint64_t n_members;
        Request requests[REQUESTS_MAX]; /* values only */
        size_t n_requests, n_looks;
        double seconds;
} Looker;

static void check(const char *what, int r) {
        if (r >= 0)
                return;
        (void)fprintf(stderr, "bench-looks: %s: %s\n", what, strerror(-r));
        exit(EXIT_FAILURE);
}

static double clock_seconds(void) {
        struct timespec time;

        (void)clock_gettime(CLOCK_MONOTONIC, &time);
        return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void looker_turn(Looker *looker) {
        double begin = clock_seconds();
        Batch *batch;

        for (;;) {
                check("seal", core_seal(looker->core, looker->now, &batch));
                if (!batch)
                        break;
                check("commit", core_committed(looker->core, batch, looker->now));
                for (size_t i = 0; i < batch->n_effects; i++)
                        if (batch->effects[i].kind == EFFECT_REQUEST)
                                looker->requests[looker->n_requests++] = batch->effects[i].request;
                core_release(looker->core, batch);
        }
        looker->seconds += clock_seconds() - begin;
}

/* As if all were well. Nothing is asked of the core for it: its memory stays as cold as it is. */
static void looker_answer(Looker *looker, const Request *request) {
        Sighting sightings[SESSION_MEMBERS_MAX] = { 0 };
        Answer answer = { .serial = request->serial,
                          .outcome = API_OK,
                          .status = 200,
                          .message = "",
                          .request_id = "",
                          .id = request->session,
                          .sightings = sightings,
                          .n_sightings = looker->n_members };
        char text[SHAPE_ID_SIZE];
        double begin;

        for (uint64_t i = 0; i < looker->n_members; i++) {
                uint64_t number = (request->number - 1) * looker->n_members + i + 1;

                api_id_set(&sightings[i].id, shape_id(text, 'p', number));
                sightings[i].session = request->session;
                sightings[i].mode = MODE_SESSION;
        }
        looker->n_looks += request->operation == OPERATION_LIST_PARTICIPANTS;
        begin = clock_seconds();
        check("answer", core_answer(looker->core, &answer, looker->now));
        looker->seconds += clock_seconds() - begin;
}

static int compare(const void *a, const void *b) {
        const double *x = a, *y = b;

        return (*x > *y) - (*x < *y);
}

/* To the next deadline, and through all that comes of it. */
static void looker_pass(Looker *looker) {
        usec_t deadline = core_deadline(looker->core, looker->now);

        if (deadline > looker->now.boottime) {
                looker->now.realtime += deadline - looker->now.boottime;
                looker->now.boottime = deadline;
        }
        looker_turn(looker);
        while (looker->n_requests > 0) {
                Request request = looker->requests[--looker->n_requests];

                looker_answer(looker, &request);
                looker_turn(looker);
        }
}

static void looker_fill(Looker *looker, Kind kind, uint64_t n) {
        for (uint64_t number = 1; number <= n; number++) {
                uint64_t session = kind == KIND_SESSION ? 0 : (number - 1) / looker->n_members + 1;
                Row row;

                check("row", shape_row(&row, kind, number, session, looker->now.realtime));
                check("restore", core_restore(looker->core, &row));
        }
}

int main(int argc, char *argv[]) {
        CoreConfig config = { .requests_max = REQUESTS_MAX,
                              .requests_per_sec = 100000,
                              .request_burst = 100000,
                              .resync_interval_usec = USEC_PER_HOUR,
                              .retry_min_usec = USEC_PER_SEC,
                              .retry_max_usec = USEC_PER_SEC,
                              .reply_timeout_usec = USEC_PER_SEC,
                              .seed = 1 };
        Looker looker = { .now = { USEC_PER_SEC, 1700000000 * USEC_PER_SEC } };
        size_t n_looks;
        uint64_t n_sessions;
        double *seconds;

        if (argc != 4)
                return EXIT_FAILURE;
        n_sessions = strtoull(argv[1], NULL, 10);
        looker.n_members = strtoull(argv[2], NULL, 10);
        n_looks = strtoull(argv[3], NULL, 10);
        seconds = calloc(n_looks, sizeof(double));
        if (!seconds || looker.n_members > SESSION_MEMBERS_MAX)
                return EXIT_FAILURE;

        check("core", core_new(&looker.core, &config));
        looker_fill(&looker, KIND_SESSION, n_sessions);
        looker_fill(&looker, KIND_PARTICIPANT, n_sessions * looker.n_members);
        check("start", core_start(looker.core, looker.now));
        while (looker.n_looks < n_sessions)
                looker_pass(&looker);

        for (size_t i = 0; i < n_looks; i++) {
                looker.n_looks = 0;
                looker.seconds = 0;
                while (looker.n_looks == 0)
                        looker_pass(&looker);
                seconds[i] = looker.seconds;
        }
        qsort(seconds, n_looks, sizeof(double), compare);
        (void)printf("{\"looks\": %zu, \"usec\": %.4f}\n", n_looks, seconds[n_looks / 2] * 1e6);
        free(seconds);
        core_free(looker.core);
        return EXIT_SUCCESS;
}
