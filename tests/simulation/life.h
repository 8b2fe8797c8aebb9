/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The daemon: start, the turn of its loop, SIGTERM, and the many ways in which it can end. */

#include "simulation/run.h"

void life_start(Run *run);
/* The end of a turn: seal, commit, let out. May end in a crash. */
void life_turn(Run *run);
/* The batch on its way is durable, or the power is gone. */
void life_commit(Run *run);
/* A crash that was armed long enough, or a clean stop that may happen now. */
void life_strike(Run *run);
void life_stop(Run *run);
void life_end(Run *run);
/* Somebody gives it credentials, or takes them. */
void life_admin(Run *run);
