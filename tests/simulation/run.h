/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One run: one seed, one world, one disk, many lives of the daemon. Everything that happens is an
 * event at a point of the run's own time; after each one the daemon seals, as its loop would, and
 * the invariants are looked at.
 */

#include "core/core.h"
#include "simulation/apps.h"
#include "simulation/clients.h"
#include "simulation/disk.h"
#include "simulation/faults.h"
#include "simulation/network.h"
#include "simulation/room.h"
#include "simulation/tally.h"
#include "simulation/world.h"

/* The daemon between its start and its end. */
typedef struct Life {
        Core *core; /* NULL: it is down */
        unsigned ordinal;
        Batch *batch; /* on its way to the disk */
        Image image;
        usec_t durable_at;
        usec_t starts_at; /* while it is down */
        usec_t stop_by;   /* after SIGTERM; USEC_NEVER: none came */
        bool credentials; /* usable ones are there */
        usec_t admin_at;  /* somebody looks after the credentials */
        uint64_t began;   /* the last sequence before it */
        uint64_t sealed;  /* intents that a seal has seen: of this sequence and before */
        usec_t sealed_at;
        uint64_t durable; /* as sealed, of the seal before: what is refused now comes after it */
        usec_t durable_sealed_at;
        bool reboots; /* CLOCK_BOOTTIME begins anew */
        bool doomed;  /* the batch on its way will be the last one */
} Life;

/* What the request budget allows, counted on our own. */
typedef struct Budget {
        double tokens;
        usec_t filled_at;
        usec_t not_before; /* Retry-After */
        bool goes_on;      /* ... of a life before this one */
        uint64_t probe;    /* serial of the one that may be out while offline */
        ApiState last_state;
        ApiOutcome answer; /* in this step; _API_OUTCOME_MAX: none */
        bool to_probe;     /* ... and what it was an answer to */
} Budget;

/* Until when the API wants quiet, CLOCK_REALTIME: a start goes on with what is durable of it. */
typedef struct Pause {
        usec_t asked, sealed, durable;
} Pause;

typedef struct Failure {
        char invariant[16];
        char text[1200];
        uint64_t step;
        usec_t at;
} Failure;

typedef struct Run {
        uint64_t seed;
        bool verbose, failed;
        Tally *tally;
        Random random;
        uint64_t step;
        usec_t now, booted_at, quiet_at, settled_at, fresh_at, judged_at, ends_at;
        int64_t clock_error; /* of CLOCK_REALTIME, microseconds */

        CoreConfig config;
        World world;
        Sky sky;
        Network network;
        Disk disk;
        Room room;
        Table seen; /* what signals have told */
        Clients clients;
        Apps apps;
        Life life;
        Budget budget;
        Pause pause;
        usec_t written_at;  /* when the last batch that is durable was sealed */
        uint64_t n_unknown; /* unknown outcomes that there were: SuspectedOrphans must say so */

        CrashKind crash;
        usec_t crash_at; /* armed from then on */
        bool stops;      /* it will be SIGTERM instead */
        usec_t strangers_at;
        bool strangers_join, slow_disk;
        usec_t commit_max_usec;
        Kind cursed_kind;
        uint64_t cursed;   /* number of an object that the API fails for good; 0: none */
        unsigned n_cursed; /* requests for it */
        usec_t quiet_since;
        Table open; /* what was not in sync then */
        bool quiet;
        Failure failure;
} Run;

/* Lives through @hours of @seed. Return: whether all invariants held; else @ret_failure says. */
bool run_seed(uint64_t seed, unsigned hours, bool verbose, Tally *tally, Failure *ret_failure);

Now run_clock(const Run *run);
void run_fail(Run *run, const char *invariant, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
void run_trace(const Run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define TRACE(run, ...)                                                                            \
        do {                                                                                       \
                if ((run)->verbose)                                                                \
                        run_trace(run, __VA_ARGS__);                                               \
        } while (0)
