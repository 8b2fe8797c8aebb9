/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The desktop apps as the bus knows them: each has a unique name for as long as it is connected,
 * and what it made to live as long as it does goes when it leaves, whether the daemon looks or not.
 */

#include "core/core.h"

#define APPS_MAX 4

typedef struct Apps {
        unsigned bus;             /* a reboot brings another one */
        unsigned names[APPS_MAX]; /* who is connected now: ":1.N" */
        unsigned last;
} Apps;

typedef struct Run Run;

void apps_init(Run *run);
/* Some of what is made goes with whoever made it. */
void apps_bind(Run *run, Spec **spec);
/* Now and then one leaves. */
void apps_turn(Run *run);
/* What a start finds out: who has left while the daemon was down. */
void apps_start(Run *run);
/* Whether whoever made it is still there, or need not be. */
bool apps_lives(const Run *run, const Spec *spec);
