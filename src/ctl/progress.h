/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The line that says what a person is waiting for. Drawn on standard error, on a terminal only. */

#include "ctl/job.h"

typedef struct Progress {
        Ctl *ctl;
        usec_t since; /* CLOCK_MONOTONIC */
        bool drawn;
        char *api_state; /* owned; NULL: not known */
} Progress;

void progress_deinit(Progress *progress);

/**
 * progress_text() - what is being waited for, and why it takes time
 * @job:       the one that is talked about
 * @api_state: the manager's ApiState, or NULL
 * @n_others:  how many jobs wait besides
 * @now:       CLOCK_REALTIME
 *
 * Pure. Return: fresh memory.
 */
char *progress_text(const Job *job, const char *api_state, size_t n_others, usec_t now);

/* Reads what no signal tells (when the next attempt is) and draws. Nothing in the first moment. */
void progress_draw(Progress *progress, Job *job, size_t n_others);

/* Takes the line away, so that something else can be written. */
void progress_clear(Progress *progress);

/* CLOCK_MONOTONIC, now. */
usec_t progress_now(void);
