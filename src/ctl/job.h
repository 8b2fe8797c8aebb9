/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A change and its end: the call goes out, and then the object is watched until it is in sync,
 * refused or gone. The watch begins before the call, so that nothing falls between the two.
 */

#include "ctl/object.h"

/* What is said of a change that was accepted, or may have been, when the service leaves the bus. */
#define LEFT_THE_BUS "convened left the bus; what it has accepted goes on when it is back"

typedef enum JobGoal {
        JOB_IN_SYNC, /* the API has confirmed all that is wanted of the object */
        JOB_GONE,    /* the object is no more */
} JobGoal;

/* What job_judge() concludes. */
typedef enum Verdict {
        VERDICT_WAIT,
        VERDICT_DONE,
        VERDICT_REFUSED,   /* LastError says why */
        VERDICT_GONE,      /* somebody deleted it, or the API has lost it */
        VERDICT_OVERTAKEN, /* it is in sync, but not where this change wanted it */
        _VERDICT_MAX,
} Verdict;

typedef struct Job {
        /* What is asked. */
        JobGoal goal;
        Object object;        /* number 0: a creating call tells it */
        sd_bus_message *call; /* owned */
        char *doing;          /* "cannot delete session 3", for failures; owned */
        const char *session;  /* where the participant has to be in the end; NULL: anywhere */

        /* What is known. */
        json_object *facts; /* NULL: not read yet */
        bool replied, gone;
        bool refused; /* LastError was set after the call */

        /* How it ended. */
        bool asked; /* somebody types a password, or has */
        bool started, ended;
        Exit code;

        Ctl *ctl;
        sd_bus_slot *reply_slot, *changed_slot, *removed_slot;
} Job;

/* Gives back what jobs own, not the array. Takes NULL. */
void jobs_deinit(Job *jobs, size_t n_jobs);

/* Pure: what the facts of a job amount to. */
Verdict job_judge(const Job *job);

/* Begins the watch where the object is known, and sends the call; a failure ends the job. */
void job_start(Job *job);

/*
 * Looks at what has come in since; said and ended where there is a verdict, or with --no-wait.
 * Return: whether the object was read for the first time; then the signals in the queue come first.
 */
bool job_step(Job *job);

/* Ends the job with a code that has been said. */
void job_end(Job *job, Exit code);

/* What to call the object, with its tag as far as it is known. Fresh memory. */
char *job_label(const Job *job);

/**
 * jobs_run() - send the calls and wait for their ends
 *
 * With --no-wait an answer is an end. Each failure is said as it happens; the others go on.
 *
 * Return: EXIT_DONE, or the first failure's code.
 */
Exit jobs_run(Ctl *ctl, Job *jobs, size_t n_jobs);
