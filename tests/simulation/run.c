/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulation/run.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "simulation/invariants.h"
#include "simulation/life.h"
#include "simulation/strangers.h"

/* When a run begins, on CLOCK_REALTIME. */
#define EPOCH_USEC (1754000000 * USEC_PER_SEC)

/* Nothing sensible needs as many events for an hour. */
#define STEPS_PER_HOUR_MAX 50000

Now run_clock(const Run *run) {
        return (Now){
                .boottime = run->now - run->booted_at,
                .realtime = EPOCH_USEC + run->now + (usec_t)run->clock_error,
        };
}

void run_trace(const Run *run, const char *format, ...) {
        va_list arguments;

        printf("%3" PRIu64 ":%02" PRIu64 ":%02" PRIu64 ".%06" PRIu64 " ", run->now / USEC_PER_HOUR,
               run->now / USEC_PER_MIN % 60, run->now / USEC_PER_SEC % 60, run->now % USEC_PER_SEC);
        va_start(arguments, format);
        vprintf(format, arguments);
        va_end(arguments);
        printf("\n");
}

void run_fail(Run *run, const char *invariant, const char *format, ...) {
        Failure *failure = &run->failure;
        va_list arguments;

        if (run->failed)
                return;
        run->failed = true;
        snprintf(failure->invariant, sizeof(failure->invariant), "%s", invariant);
        va_start(arguments, format);
        vsnprintf(failure->text, sizeof(failure->text), format, arguments);
        va_end(arguments);
        failure->step = run->step;
        failure->at = run->now;
        TRACE(run, "FAILED %s: %s", failure->invariant, failure->text);
}

static void draw_config(Run *run) {
        Random *random = &run->random;

        run->config = (CoreConfig){
                .requests_max = (unsigned)random_between(random, 1, 16),
                .requests_per_sec = (double)random_between(random, 2, 20),
                .request_burst = (unsigned)random_between(random, 2, 40),
                .resync_interval_usec = random_between(random, 10, 20) * USEC_PER_MIN,
                .retry_min_usec = USEC_PER_SEC / 2,
                .retry_max_usec = random_between(random, 1, 5) * USEC_PER_MIN,
                .reply_timeout_usec = random_between(random, 1, 20) * USEC_PER_SEC,
                .create_repeats = (unsigned)random_below(random, 4),
                .enforce = random_chance(random, 0.3),
        };
}

static void draw_habits(Run *run) {
        Random *random = &run->random;
        Clients *clients = &run->clients;

        clients->n_objects_max = (unsigned)random_between(random, 4, 24);
        clients->n_sessions_max = (unsigned)random_between(random, 1, 6);
        clients->pause_usec = random_between(random, 4, 12) * USEC_PER_MIN;
        if (random_chance(random, 0.05)) {
                clients->crowd = true;
                clients->n_objects_max = 32;
                clients->n_sessions_max = 1;
                clients->pause_usec = 2 * USEC_PER_MIN;
        }
        if (random_chance(random, 0.03))
                clients->pause_usec = 20 * USEC_PER_SEC;
        run->sky.fault_rate = (double)random_below(random, 10) / 100;
        run->sky.changes_at = random_between(random, USEC_PER_MIN, 3 * USEC_PER_HOUR);
        run->slow_disk = random_chance(random, 0.5);
        run->commit_max_usec = USEC_PER_SEC / 2 * random_between(random, 1, 10);
        run->strangers_at = random_between(random, 0, USEC_PER_HOUR);
        run->strangers_join = random_chance(random, 0.5);
        run->world.keeps_entries = random_chance(random, 0.3);
        run->world.no_lists = random_chance(random, 0.2);
        run->tally->without_lists += run->world.no_lists;
        run->world.joins_once = random_chance(random, 0.3);
        run->crash_at = USEC_NEVER;
}

/* How long it may take until all agree: promised by I6, and what each term needs beside it. */
static usec_t settling_usec(const Run *run, bool with_drift) {
        const usec_t requests = (usec_t)(2.0 * 30 / run->config.requests_per_sec * USEC_PER_SEC);

        /* To be seen takes an interval; what was put back lately waits for another. */
        return requests + run->config.retry_max_usec + 90 * USEC_PER_SEC +
               (with_drift ? run->config.resync_interval_usec * 9 / 4 : 0);
}

static void run_init(Run *run, uint64_t seed, unsigned hours, bool verbose, Tally *tally) {
        *run = (Run){ .seed = seed, .verbose = verbose, .tally = tally };
        run->life.durable_at = run->life.stop_by = run->life.admin_at = USEC_NEVER;
        random_start(&run->random, seed);
        world_init(&run->world, random_next(&run->random));
        apps_init(run);
        run->booted_at = 0;
        draw_config(run);
        draw_habits(run);
        room_start(run);
        run->judged_at = hours * USEC_PER_HOUR;
        run->quiet_at = run->judged_at - settling_usec(run, true);
        run->fresh_at = run->settled_at = USEC_NEVER;
        run->ends_at = run->judged_at + run->config.resync_interval_usec * 5 / 4 + USEC_PER_MIN;
}

static void run_deinit(Run *run) {
        if (run->life.batch)
                image_deinit(&run->life.image);
        core_free(run->life.core);
        network_deinit(&run->network);
        clients_deinit(&run->clients);
        table_deinit(&run->seen);
        table_deinit(&run->open);
        disk_deinit(&run->disk);
        world_deinit(&run->world);
}

/* Faults, crashes and others end. What is left must come to rest. */
static void begin_quiet(Run *run) {
        Random *random = &run->random;
        const Table *seen = &run->seen;
        const Kind kind = random_chance(random, 0.2) ? KIND_SESSION : KIND_PARTICIPANT;

        run->quiet = true;
        run->quiet_since = run->now;
        run->settled_at = run->now + settling_usec(run, false);
        agreement_note_open(run);
        run->slow_disk = false;
        room_settle(run);
        run->sky = (Sky){ .changes_at = USEC_NEVER };
        run->strangers_at = run->clients.next_at = run->crash_at = USEC_NEVER;
        run->world.never_expires = true;
        run->quiet_at = USEC_NEVER;
        run->fresh_at = run->judged_at - 2 * FRESH_USEC;
        if (run->life.core && !run->life.credentials)
                run->life.admin_at = run->now;
        if (!run->life.core)
                run->life.starts_at = usec_min(run->life.starts_at, run->now + USEC_PER_SEC);
        if (random_chance(random, 0.3) && seen->n_rows[kind] > 0) {
                run->cursed_kind = kind;
                run->cursed = seen->rows[kind][random_below(random, seen->n_rows[kind])].number;
                run->tally->cursed++;
        }
        TRACE(run, "all is quiet now%s", run->cursed ? ", but for one object" : "");
}

typedef enum Turn {
        TURN_NETWORK,
        TURN_COMMIT,
        TURN_CORE,
        TURN_START,
        TURN_CLIENTS,
        TURN_STRANGERS,
        TURN_SKY,
        TURN_ROOM,
        TURN_ADMIN,
        TURN_STRIKE,
        TURN_QUIET,
        TURN_SETTLED,
        TURN_FRESH,
        TURN_JUDGE,
        TURN_END,
        _TURN_MAX,
} Turn;

static usec_t core_due(const Run *run) {
        const Now now = run_clock(run);
        usec_t at;

        if (!run->life.core || run->life.batch)
                return USEC_NEVER;
        at = core_deadline(run->life.core, now);
        return at == USEC_NEVER ? USEC_NEVER : usec_max(run->booted_at + at, run->now);
}

static Turn next_turn(const Run *run, usec_t *ret_at) {
        const Life *life = &run->life;
        const bool is_up = life->core && life->stop_by == USEC_NEVER;
        const usec_t at[_TURN_MAX] = {
                [TURN_NETWORK] = network_deadline(&run->network),
                [TURN_COMMIT] = life->durable_at,
                [TURN_CORE] = core_due(run),
                [TURN_START] = life->starts_at,
                [TURN_CLIENTS] = is_up ? run->clients.next_at : USEC_NEVER,
                [TURN_STRANGERS] = run->strangers_at,
                [TURN_SKY] = run->sky.changes_at,
                [TURN_ROOM] = run->room.changes_at,
                [TURN_ADMIN] = life->admin_at,
                [TURN_STRIKE] = life->stop_by,
                [TURN_QUIET] = run->quiet_at,
                [TURN_SETTLED] = run->settled_at,
                [TURN_FRESH] = run->fresh_at,
                [TURN_JUDGE] = run->judged_at,
                [TURN_END] = run->ends_at,
        };
        Turn next = 0;

        for (Turn turn = 1; turn < _TURN_MAX; turn++)
                if (at[turn] < at[next])
                        next = turn;
        *ret_at = at[next];
        return next;
}

/* Somebody looks after refused credentials, sooner or later; or the rare probe finds out. */
static void watch_state(Run *run) {
        const CoreStatus status = core_status(run->life.core);
        const ApiState state = status.api_state;

        run->tally->held += status.disk_held;
        if (status.disk_full)
                run->room.refused_at = run->clients.troubled_at = run->now;
        if (state != API_STATE_ONLINE)
                run->clients.troubled_at = run->now;
        if (state == run->budget.last_state)
                return;
        TRACE(run, "  ApiState is %d", (int)state);
        run->budget.last_state = state;
        if (state == API_STATE_OFFLINE)
                run->tally->offline++;
        if (state == API_STATE_UNAUTHORIZED && run->life.admin_at == USEC_NEVER &&
            random_chance(&run->random, 0.4))
                run->life.admin_at = run->now + random_between(&run->random, 0, 10 * USEC_PER_MIN);
}

static void take_turn(Run *run, Turn turn) {
        switch (turn) {
        case TURN_NETWORK:
                network_turn(run);
                break;
        case TURN_COMMIT:
                life_commit(run);
                break;
        case TURN_START:
                life_start(run);
                break;
        case TURN_CLIENTS:
                clients_turn(run);
                break;
        case TURN_STRANGERS:
                strangers_turn(run);
                break;
        case TURN_SKY:
                sky_turn(&run->sky, &run->random, run->now);
                run->tally->weathers[run->sky.weather]++;
                TRACE(run, "weather: %s", weather_name(run->sky.weather));
                break;
        case TURN_ROOM:
                room_turn(run);
                break;
        case TURN_ADMIN:
                life_admin(run);
                break;
        case TURN_QUIET:
                begin_quiet(run);
                break;
        case TURN_SETTLED:
                run->settled_at = USEC_NEVER;
                agreement_check_open(run);
                break;
        case TURN_FRESH:
                clients_ask_fresh(run);
                break;
        case TURN_JUDGE:
        case TURN_END:
                agreement_check(run);
                run->judged_at = USEC_NEVER;
                break;
        case TURN_CORE:
        case TURN_STRIKE:
        case _TURN_MAX:
                break;
        }
}

static void run_step(Run *run, Turn turn) {
        if (run->life.batch && turn != TURN_COMMIT)
                run->tally->overlaps++;
        if (run->budget.last_state != API_STATE_ONLINE)
                run->clients.troubled_at = run->now;
        take_turn(run, turn);
        life_strike(run);
        life_turn(run);
        life_strike(run);
        if (run->life.core && !run->failed) {
                traffic_at_step(run);
                watch_state(run);
                invariants_of_calls(run);
        }
}

bool run_seed(uint64_t seed, unsigned hours, bool verbose, Tally *tally, Failure *ret_failure) {
        const uint64_t steps_max = (uint64_t)hours * STEPS_PER_HOUR_MAX;
        Turn turn = TURN_START;
        Run run;

        run_init(&run, seed, hours, verbose, tally);
        while (!run.failed && turn != TURN_END) {
                usec_t at;

                turn = next_turn(&run, &at);
                run.now = usec_max(run.now, at);
                run.step++;
                run_step(&run, turn);
                if (run.step > steps_max)
                        run_fail(&run, "I11", "spins: %" PRIu64 " events are too many", run.step);
        }

        tally->steps += run.step;
        tally->expiries += run.world.n_expired;
        tally->hours += (double)run.now / USEC_PER_HOUR;
        *ret_failure = run.failure;
        run_deinit(&run);
        return !run.failed;
}
