/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "base/text.h"
#include "ctl/job.h"
#include "ctl/memory.h"
#include "ctl/progress.h"
#include "proto/names.h"

/* So many are under way at once: the service bounds the calls of a user, a bus its matches. */
#define WINDOW 64

#define TICK_USEC       USEC_PER_SEC
#define FIRST_TICK_USEC (300 * USEC_PER_MSEC)

typedef struct Run {
        Ctl *ctl;
        Job *jobs;
        size_t n_jobs;
        usec_t deadline; /* CLOCK_MONOTONIC */
        bool lost;       /* the service left the bus */
        Progress progress;
} Run;

static int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Run *run = userdata;
        const char *name, *old, *new;

        (void)error;
        if (sd_bus_message_read(m, "sss", &name, &old, &new) >= 0 && old[0])
                run->lost = true;
        return 0;
}

static Job *first_waiting(const Run *run, size_t *ret_n_others) {
        Job *first = NULL;
        size_t n = 0;

        for (size_t i = 0; i < run->n_jobs; i++)
                if (!run->jobs[i].ended) {
                        if (!first)
                                first = &run->jobs[i];
                        n++;
                }
        *ret_n_others = n > 0 ? n - 1 : 0;
        return first;
}

static void start_some(Run *run) {
        size_t n = 0;

        for (size_t i = 0; i < run->n_jobs && n < WINDOW; i++) {
                Job *job = &run->jobs[i];

                if (!job->started)
                        job_start(job);
                n += !job->ended;
        }
}

/* True: there are facts that were just read, and signals of before may lie in front of them. */
static bool step_all(Run *run) {
        bool again = false;

        for (size_t i = 0; i < run->n_jobs; i++)
                again |= job_step(&run->jobs[i]);
        return again;
}

/* The time is over for one of those that wait still, or the service has left. */
static void give_up(Run *run, Job *job, bool late) {
        const char *why = LEFT_THE_BUS;
        CLEANUP(freep)
        char *label = job->object.number ? job_label(job)
                                         : format("the new %s", kind_names[job->object.kind].noun);

        /* A call without an answer may not even have been read. */
        if (late)
                why = job->replied ? "not in sync yet; convened goes on with it"
                                   : "convened has not answered yet; if it has accepted this, it "
                                     "goes on with it";
        job_end(job, failure_say(&run->ctl->options, late ? EXIT_NOT_IN_SYNC : EXIT_UNREACHABLE,
                                 late ? FAILURE_NOT_IN_SYNC : SD_BUS_ERROR_DISCONNECTED, "%s: %s",
                                 label, why));
}

/* Nothing more will be heard: says so for each. */
static void give_up_all(Run *run, bool late) {
        for (size_t i = 0; i < run->n_jobs; i++)
                if (!run->jobs[i].ended)
                        give_up(run, &run->jobs[i], late);
}

/*
 * Takes in all that has come. Nothing is judged before: a signal may be older than facts that were
 * read after it, and only at the end of the queue do the two agree again.
 */
static int drain(Run *run) {
        int r;

        do
                r = sd_bus_process(run->ctl->bus, NULL);
        while (r > 0);
        return r;
}

/* The terminal is for who asks, and who types. */
static bool somebody_is_asked(const Run *run) {
        for (size_t i = 0; i < run->n_jobs; i++)
                if (run->jobs[i].asked && !run->jobs[i].replied && !run->jobs[i].ended)
                        return true;
        return false;
}

/* Waits, with a line that says for what, until something comes or the line wants to be new. */
static int wait_once(Run *run, Job *first, size_t n_others) {
        usec_t now = progress_now(), tick = TICK_USEC;
        int r;

        if (now - run->progress.since < FIRST_TICK_USEC)
                tick = FIRST_TICK_USEC;
        if (!somebody_is_asked(run))
                progress_draw(&run->progress, first, n_others);
        r = sd_bus_wait(run->ctl->bus, usec_min(tick, usec_max(run->deadline, now) - now));
        progress_clear(&run->progress);
        return r == -EINTR ? 0 : r;
}

static void run_loop(Run *run) {
        int r = 0;

        for (;;) {
                size_t n_others;
                Job *first;

                if (r >= 0)
                        r = drain(run);
                start_some(run);
                if (step_all(run) && r >= 0)
                        continue;

                first = first_waiting(run, &n_others);
                if (!first)
                        return;
                if (r < 0 || run->lost) {
                        give_up_all(run, false);
                        return;
                }
                if (progress_now() >= run->deadline) {
                        give_up_all(run, true);
                        return;
                }
                r = wait_once(run, first, n_others);
        }
}

Exit jobs_run(Ctl *ctl, Job *jobs, size_t n_jobs) {
        usec_t now = progress_now();
        Run run = { ctl,    jobs,
                    n_jobs, usec_add(now, ctl->options.timeout_usec),
                    false,  { .ctl = ctl, .since = now } };
        sd_bus_slot *slot = NULL;
        int r;

        r = sd_bus_add_match(ctl->bus, &slot,
                             "type='signal',sender='org.freedesktop.DBus',"
                             "interface='org.freedesktop.DBus',member='NameOwnerChanged',"
                             "arg0='" CONVENED_BUS_NAME "'",
                             on_owner, &run);
        if (r < 0)
                return failure_say_bus(&ctl->options, NULL, r, NULL);

        run_loop(&run);
        sd_bus_slot_unref(slot);
        progress_deinit(&run.progress);
        for (size_t i = 0; i < n_jobs; i++)
                if (jobs[i].code != EXIT_DONE)
                        return jobs[i].code;
        return EXIT_DONE;
}
