/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/bench.h"

#include <stdio.h>

const CoreConfig bench_config = {
        .requests_max = 16,
        .requests_per_sec = 20,
        .request_burst = 40,
        .resync_interval_usec = 60 * USEC_PER_SEC,
        .retry_min_usec = 500 * USEC_PER_MSEC,
        .retry_max_usec = 300 * USEC_PER_SEC,
        .reply_timeout_usec = 10 * USEC_PER_SEC,
        .create_repeats = 2,
        .seed = 1,
};

int bench_setup(void **state) {
        Bench *bench = calloc(1, sizeof(*bench));

        bench->now = (Now){ .boottime = USEC_PER_HOUR, .realtime = 1000 * USEC_PER_HOUR };
        assert_int_equal(core_new(&bench->core, &bench_config), 0);
        assert_int_equal(core_start(bench->core, bench->now), 0);
        *state = bench;
        return 0;
}

int bench_teardown(void **state) {
        Bench *bench = *state;

        core_free(bench->core);
        free(bench);
        return 0;
}

static void bench_log(Bench *bench, const Log *log) {
        bench->n_logs[log->event]++;
        if (log->level > 6)
                return;
        bench->n_told[log->event]++;
        bench->told_level = log->level;
        bench->told_status = log->status;
        bench->told_attempt = log->attempt;
        bench->told_owner = log->owner;
        snprintf(bench->told_text, sizeof(bench->told_text), "%s", log->text);
}

static void bench_let_out(Bench *bench, const Effect *effect) {
        switch (effect->kind) {
        case EFFECT_REQUEST:
                assert_true(bench->n_requests < BENCH_REQUESTS_MAX);
                bench->requests[bench->n_requests++] = effect->request;
                bench->n_sent++;
                break;
        case EFFECT_REPLY:
                assert_true(bench->n_replies < BENCH_REQUESTS_MAX);
                bench->replies[bench->n_replies++] = effect->reply;
                break;
        case EFFECT_LOG:
                bench_log(bench, &effect->log);
                break;
        case _EFFECT_KIND_MAX:
                break;
        }
}

static bool bench_refuses(const Bench *bench, const Batch *batch) {
        switch (bench->room) {
        case BENCH_ROOM:
                break;
        case BENCH_RESERVE:
                return batch_needs_disk(batch) && !batch->vital;
        case BENCH_FULL:
                return batch_needs_disk(batch);
        }
        return false;
}

void bench_turn(Bench *bench) {
        Batch *batch;

        do {
                assert_int_equal(core_seal(bench->core, bench->now, &batch), 0);
                if (!batch)
                        return;
                if (bench_refuses(bench, batch)) {
                        bench->n_refused++;
                        assert_int_equal(core_refused(bench->core, batch, bench->now), 0);
                        continue;
                }
                bench->n_commits += batch_needs_disk(batch);
                if (batch->counters_changed)
                        bench->counters = batch->counters;
                assert_int_equal(core_committed(bench->core, batch, bench->now), 0);
                for (size_t i = 0; i < batch->n_effects; i++)
                        bench_let_out(bench, batch->effects + i);
                core_release(bench->core, batch);
        } while (core_deadline(bench->core, bench->now) <= bench->now.boottime);
}

void bench_start(Bench *bench) {
        assert_int_equal(core_start(bench->core, bench->now), 0);
        bench_turn(bench);
        if (bench->n_requests == 0)
                return;
        assert_int_equal(bench->n_requests, 1);
        assert_true(bench->requests[0].probe);
        bench_answer(bench, API_NOT_FOUND);
}

void bench_pass(Bench *bench, usec_t span) {
        bench->now.boottime += span;
        bench->now.realtime += span;
        bench_turn(bench);
}

int bench_take_in(Bench *bench, Intent intent, uint64_t *ret_number) {
        CLEANUP(spec_unrefp) Spec *spec = NULL;
        uint64_t number = 0;
        const char *reason = NULL;
        int r;

        assert_int_equal(spec_new(&spec), 0);
        if ((intent.kind == INTENT_CREATE || intent.kind == INTENT_ADOPT) && !intent.spec)
                intent.spec = spec;
        r = core_intend(bench->core, &intent, ++bench->last_ticket, bench->now, &number, &reason);
        assert_true(r <= 0 || reason);
        if (ret_number)
                *ret_number = number;
        return r;
}

int bench_intend(Bench *bench, Intent intent) {
        int r = bench_take_in(bench, intent, NULL);

        bench_turn(bench);
        return r;
}

uint64_t bench_number(const Bench *bench) {
        return bench->replies[bench->n_replies - 1].number;
}

Operation bench_operation(const Bench *bench) {
        return bench->n_requests > 0 ? bench->requests[0].operation : _OPERATION_MAX;
}

static void bench_take(Bench *bench, Answer *answer) {
        assert_true(bench->n_requests > 0);
        answer->serial = bench->requests[0].serial;
        answer->message = "as told";
        answer->request_id = "";
        bench->n_requests--;
        memmove(bench->requests, bench->requests + 1, bench->n_requests * sizeof(Request));
        assert_int_equal(core_answer(bench->core, answer, bench->now), 0);
        bench_turn(bench);
}

void bench_answer(Bench *bench, ApiOutcome outcome) {
        bench_take(bench, &(Answer){ .outcome = outcome });
}

void bench_answer_id(Bench *bench, const char *id) {
        Answer answer = { .outcome = API_OK };

        assert_true(api_id_set(&answer.id, id));
        bench_take(bench, &answer);
}

void bench_answer_session(Bench *bench, const char *id, const char *tag) {
        Answer answer = { .outcome = API_OK, .tag = tag };

        assert_true(api_id_set(&answer.id, id));
        bench_take(bench, &answer);
}

void bench_answer_seen(Bench *bench, const char *id, const char *session, Mode mode) {
        Sighting sighting = bench_sighting(id, session, mode);

        bench_answer_sightings(bench, &sighting, 1);
}

void bench_answer_sightings(Bench *bench, const Sighting *sightings, size_t n) {
        bench_take(bench, &(Answer){ .outcome = API_OK, .sightings = sightings, .n_sightings = n });
}

void bench_look(Bench *bench, uint64_t session, const Sighting *sightings, size_t n) {
        Intent refresh = { .kind = INTENT_REFRESH, .object = KIND_SESSION, .number = session };

        assert_int_equal(bench_intend(bench, refresh), 0);
        if (bench_operation(bench) == OPERATION_GET_SESSION) {
                bench_answer(bench, API_OK);
                assert_int_equal(bench_intend(bench, refresh), 0);
        }
        assert_int_equal(bench_operation(bench), OPERATION_LIST_PARTICIPANTS);
        bench_answer_sightings(bench, sightings, n);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
}

void bench_answer_members(Bench *bench, const char *ids) {
        Sighting sightings[SESSION_MEMBERS_MAX] = { 0 };
        Answer answer = { .outcome = API_OK, .sightings = sightings, .has_members = true };
        char *copy = strdup(ids), *rest = NULL;

        for (char *id = strtok_r(copy, " ", &rest); id; id = strtok_r(NULL, " ", &rest)) {
                assert_true(api_id_set(&sightings[answer.n_sightings].id, id));
                sightings[answer.n_sightings++].session = bench->requests[0].session;
        }
        free(copy);
        bench_take(bench, &answer);
}

static void bench_answer_list(Bench *bench) {
        const Row *session = core_find_id(bench->core, KIND_SESSION, &bench->requests[0].session);
        Sighting sightings[SESSION_MEMBERS_MAX] = { 0 };
        Answer answer = { .outcome = API_OK, .sightings = sightings };
        const Row *row = NULL;

        assert_non_null(session);
        while ((row = core_member_after(bench->core, session->number, row ? row->number : 0)))
                if (place_in_session(row->observed, session->number))
                        sightings[answer.n_sightings++] = (Sighting){ .id = row_id(row),
                                                                      .session = row_id(session),
                                                                      .mode = row->observed->mode };
        bench_take(bench, &answer);
}

void bench_skip_reads(Bench *bench) {
        for (;;) {
                switch (bench_operation(bench)) {
                case OPERATION_LIST_PARTICIPANTS:
                        bench_answer_list(bench);
                        break;
                case OPERATION_GET_SESSION:
                        bench_answer(bench, API_OK);
                        break;
                case OPERATION_GET_PARTICIPANT:
                        bench_answer_seen(bench, api_id_text(&bench->requests[0].participant), NULL,
                                          MODE_NONE);
                        break;
                default:
                        return;
                }
        }
}

Sighting bench_sighting(const char *id, const char *session, Mode mode) {
        Sighting seen = { .mode = mode };

        assert_true(api_id_set(&seen.id, id));
        if (session)
                assert_true(api_id_set(&seen.session, session));
        return seen;
}

const Row *bench_row_of(const Bench *bench, Kind kind, const char *text) {
        ApiId id;

        assert_true(api_id_set(&id, text));
        return core_find_id(bench->core, kind, &id);
}

int bench_reply(const Bench *bench, uint64_t ticket) {
        for (size_t i = 0; i < bench->n_replies; i++)
                if (bench->replies[i].ticket == ticket)
                        return (int)bench->replies[i].outcome;
        return -1;
}

const Row *bench_row(const Bench *bench, Kind kind, uint64_t number) {
        return core_find(bench->core, kind, number);
}

uint64_t bench_session(Bench *bench, const char *id) {
        Intent intent = { .kind = INTENT_CREATE, .object = KIND_SESSION, .wait = true };

        assert_int_equal(bench_intend(bench, intent), 0);
        assert_int_equal(bench_operation(bench), OPERATION_CREATE_SESSION);
        bench_answer_id(bench, id);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
        return bench_number(bench);
}

uint64_t bench_participant(Bench *bench, const char *id, uint64_t session, Mode mode) {
        Intent intent = { .kind = INTENT_CREATE,
                          .object = KIND_PARTICIPANT,
                          .session = session,
                          .mode = mode,
                          .wait = true };

        assert_int_equal(bench_intend(bench, intent), 0);
        assert_int_equal(bench_operation(bench), OPERATION_CREATE_PARTICIPANT);
        bench_answer_id(bench, id);
        if (session != 0) {
                assert_int_equal(bench_operation(bench), OPERATION_ADD_PARTICIPANT);
                bench_answer(bench, API_OK);
        }
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
        return bench_number(bench);
}
