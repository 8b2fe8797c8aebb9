/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulation/life.h"

#include <inttypes.h>

#include "simulation/invariants.h"
#include "simulation/kit.h"

/* A turn that seals more often than this has something that it can neither do nor leave. */
#define SEALS_MAX 1000

static void draw_crash(Run *run) {
        static const unsigned weights[_CRASH_KIND_MAX] = {
                [CRASH_AT_REST] = 1, [CRASH_LOST] = 3,       [CRASH_KEPT] = 3,
                [CRASH_AMONG] = 4,   [CRASH_AFTER_POST] = 3, [CRASH_AFTER_ANSWER] = 3,
        };
        Random *random = &run->random;

        run->crash = (CrashKind)random_weighed(random, weights, _CRASH_KIND_MAX);
        run->stops = random_chance(random, 0.15);
        run->crash_at = run->now + random_between(random, USEC_PER_MIN, 4 * USEC_PER_HOUR);
        if (run->quiet)
                run->crash_at = USEC_NEVER;
}

static void restore(Run *run) {
        const Table *disk = &run->disk.table;
        Life *life = &run->life;
        uint64_t number;

        core_restore_counters(life->core, &run->disk.counters);
        for (Kind kind = 0; kind < _KIND_MAX; kind++)
                for (size_t i = 0; i < disk->n_rows[kind]; i++) {
                        Row row;

                        row_copy_whole(&row, disk->rows[kind] + i);
                        MUST(core_restore(life->core, &row));
                }
        MUST(core_restore_end(life->core, &number));
        for (size_t i = 0; i < run->disk.n_tombstones; i++) {
                const Tombstone *tombstone = run->disk.tombstones + i;

                MUST(core_restore_tombstone(life->core, tombstone->kind, &tombstone->id,
                                            tombstone->removed_at, run_clock(run)));
        }
}

/* What a start makes of what the disk has: each open attempt is an unknown outcome. */
static void count_open_attempts(Run *run) {
        const Table *disk = &run->disk.table;

        run->n_unknown = run->disk.counters.suspected_orphans;
        for (Kind kind = 0; kind < _KIND_MAX; kind++)
                for (size_t i = 0; i < disk->n_rows[kind]; i++) {
                        const Row *row = disk->rows[kind] + i;
                        Item *item = clients_item(&run->clients, kind, row->number);

                        item->n_unknown = row->n_unknown + row->attempt_open;
                        run->n_unknown += row->attempt_open;
                        run->tally->unknown_outcomes += row->attempt_open;
                }
}

void life_start(Run *run) {
        Life *life = &run->life;

        life->ordinal++;
        if (life->reboots)
                run->booted_at = run->now -
                                 random_between(&run->random, 0, usec_min(run->now, USEC_PER_MIN));
        life->starts_at = life->durable_at = life->stop_by = life->admin_at = USEC_NEVER;
        life->began = life->sealed = life->durable = run->clients.last_sequence;
        life->sealed_at = life->durable_sealed_at = run->now;
        life->doomed = false;
        life->credentials = run->quiet || random_chance(&run->random, 0.95);
        if (!life->credentials)
                life->admin_at =
                        run->now + random_between(&run->random, USEC_PER_SEC, 20 * USEC_PER_MIN);
        TRACE(run, "the daemon starts, life %u%s", life->ordinal,
              life->credentials ? "" : ", without credentials");

        run->config.seed = random_next(&run->random);
        MUST(core_new(&life->core, &run->config));
        restore(run);
        table_deinit(&run->seen);
        table_copy(&run->seen, &run->disk.table);
        count_open_attempts(run);
        traffic_start(run);
        if (!life->credentials)
                core_set_credentials(life->core, false, run_clock(run));
        MUST(core_start(life->core, run_clock(run)));
        apps_start(run);
        life->reboots = false;
        invariants_of_view(run);
        if (run->crash_at == USEC_NEVER)
                draw_crash(run);
}

/* The process is gone, and all that was not durable with it. */
void life_end(Run *run) {
        Life *life = &run->life;

        network_cut(run);
        invariants_at_crash(run);
        clients_cut(run);
        if (life->batch)
                image_deinit(&life->image);
        life->batch = NULL;
        life->core = core_free(life->core);
        life->durable_at = life->stop_by = life->admin_at = USEC_NEVER;

        life->starts_at =
                run->now +
                random_between(&run->random, USEC_PER_SEC,
                               random_chance(&run->random, 0.9) ? USEC_PER_MIN : 2 * USEC_PER_HOUR);
        if (run->quiet)
                life->starts_at = run->now + USEC_PER_SEC;
        if (random_chance(&run->random, 0.2)) {
                life->reboots = true;
                run->tally->reboots++;
        }
        if (random_chance(&run->random, 0.1))
                run->clock_error = (int64_t)random_below(&run->random, 20 * USEC_PER_SEC) -
                                   (int64_t)(10 * USEC_PER_SEC);
}

static void crash(Run *run) {
        TRACE(run, "the daemon crashes: %s", crash_name(run->crash));
        run->tally->crashes[run->crash]++;
        run->crash_at = USEC_NEVER;
        life_end(run);
}

static bool crash_is_due(const Run *run, CrashKind kind) {
        return run->now >= run->crash_at && !run->stops && run->crash == kind && !run->quiet;
}

void life_stop(Run *run) {
        TRACE(run, "SIGTERM");
        core_stop(run->life.core);
        run->life.stop_by = run->now + 31 * USEC_PER_SEC;
        run->crash_at = USEC_NEVER;
        run->tally->stops++;
}

void life_strike(Run *run) {
        Life *life = &run->life;

        if (!life->core)
                return;
        if (life->stop_by != USEC_NEVER && !life->batch &&
            (run->now >= life->stop_by || network_n_open(&run->network, true) == 0)) {
                TRACE(run, "the daemon leaves");
                life_end(run);
        } else if (run->now >= run->crash_at && run->stops && !run->quiet) {
                life_stop(run);
        } else if (crash_is_due(run, CRASH_AT_REST) && !life->batch) {
                crash(run);
        }
}

void life_admin(Run *run) {
        Life *life = &run->life;

        TRACE(run, "somebody gives new credentials");
        life->admin_at = USEC_NEVER;
        life->credentials = true;
        core_set_credentials(life->core, true, run_clock(run));
}

/* Lets out one effect after the other. Return: whether the daemon is still there. */
static bool let_out_effects(Run *run, const Batch *batch) {
        const size_t last = crash_is_due(run, CRASH_AMONG) && batch->n_effects > 0
                                    ? random_below(&run->random, batch->n_effects + 1)
                                    : SIZE_MAX;

        for (size_t i = 0; i < batch->n_effects; i++) {
                const Effect *effect = batch->effects + i;

                if (i == last) {
                        crash(run);
                        return false;
                }
                switch (effect->kind) {
                case EFFECT_REQUEST:
                        invariants_at_request(run, &effect->request);
                        network_send(run, &effect->request);
                        if (operation_is_create(effect->request.operation) &&
                            crash_is_due(run, CRASH_AFTER_POST)) {
                                crash(run);
                                return false;
                        }
                        break;
                case EFFECT_REPLY:
                        clients_reply(run, &effect->reply);
                        break;
                case EFFECT_LOG:
                        TRACE(run, "  log: %s", effect->log.text ? effect->log.text : "");
                        break;
                case _EFFECT_KIND_MAX:
                        break;
                }
        }
        return true;
}

/* The batch is durable, or needed no disk. Return: whether the daemon is still there. */
static bool let_out(Run *run, Batch *batch) {
        Core *core = run->life.core;
        const bool changed = batch->n_rows > 0;

        MUST(core_committed(core, batch, run_clock(run)));
        invariants_at_commit(run, batch);
        if (!let_out_effects(run, batch))
                return false;
        clients_replied(run);
        core_release(core, batch);
        if (changed)
                invariants_of_view(run);
        return true;
}

static bool batch_brings_id(const Run *run, const Batch *batch) {
        for (size_t i = 0; i < batch->n_rows; i++) {
                const Row *row = &batch->rows[i].row;
                const Row *old = table_find(&run->disk.table, row->kind, row->number);

                if (row_has_id(row) && old && !row_has_id(old))
                        return true;
        }
        return false;
}

static void begin_commit(Run *run, Batch *batch) {
        Life *life = &run->life;
        Random *random = &run->random;
        usec_t span = random_between(random, USEC_PER_MSEC, 15 * USEC_PER_MSEC);

        if (run->slow_disk && random_chance(random, 0.3))
                span = random_between(random, 15 * USEC_PER_MSEC, run->commit_max_usec);
        span = usec_max(span, room_commit_usec(run));
        life->batch = batch;
        image_take(&life->image, batch);
        life->durable_at = run->now + span;
        life->doomed = crash_is_due(run, CRASH_LOST) || crash_is_due(run, CRASH_KEPT) ||
                       (crash_is_due(run, CRASH_AFTER_ANSWER) && batch_brings_id(run, batch));
        run->tally->batches_to_disk++;
}

void life_turn(Run *run) {
        Life *life = &run->life;
        unsigned n = 0;

        while (life->core && !life->batch && !run->failed) {
                Batch *batch = NULL;

                MUST(core_seal(life->core, run_clock(run), &batch));
                if (!batch)
                        return;
                run->tally->batches++;
                TRACE(run, "  sealed %zu rows, %zu effects%s", batch->n_rows, batch->n_effects,
                      batch_needs_disk(batch) ? ", to disk" : "");
                invariants_at_seal(run, batch);
                if (batch_needs_disk(batch))
                        begin_commit(run, batch);
                else if (!let_out(run, batch))
                        return;
                if (++n > SEALS_MAX)
                        run_fail(run, "I11", "seals again and again");
        }
}

static void refuse_batch(Run *run) {
        Life *life = &run->life;

        if (!image_is_of(&life->image, life->batch))
                run_fail(run, "I2", "the batch has changed on its way to the disk");
        image_deinit(&life->image);
        room_refuse(run);
        life->batch = NULL;
        life->durable_at = USEC_NEVER;
}

static void write_batch(Run *run) {
        Life *life = &run->life;
        Network *network = &run->network;

        if (!image_is_of(&life->image, life->batch))
                run_fail(run, "I2", "the batch has changed on its way to the disk");
        disk_write(&run->disk, &life->image);
        run->written_at = life->sealed_at;
        traffic_at_write(run, life->batch);
        for (size_t i = 0; i < network->n_posts; i++)
                network->posts[i].durable |= network->posts[i].sealed;
        invariants_of_ids(run);
}

void life_commit(Run *run) {
        Life *life = &run->life;
        Batch *batch = life->batch;
        const bool is_kept = run->crash == CRASH_KEPT ||
                             (run->crash == CRASH_AFTER_ANSWER && random_chance(&run->random, 0.5));

        if (!life->doomed && room_refuses(run, batch)) {
                refuse_batch(run);
                return;
        }
        if (life->doomed && !is_kept) {
                TRACE(run, "the batch is lost");
                crash(run);
                return;
        }
        write_batch(run);
        TRACE(run, "  the batch is durable");
        if (life->doomed) {
                crash(run);
                return;
        }
        image_deinit(&life->image);
        life->batch = NULL;
        life->durable_at = USEC_NEVER;
        let_out(run, batch);
}
