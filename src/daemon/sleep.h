/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * When the machine goes to sleep and wakes up, as logind says (org.freedesktop.login1(5),
 * "Inhibitor Locks"). A delay lock is held all the time that the machine is awake:
 *
 *     awake ──PrepareForSleep(true)──▶ .prepare, then sleep_ready() or a bound: the lock is let go
 *       ▲                                                  │
 *       └── .wake ◀──PrepareForSleep(false)── asleep ◀─────┘
 *
 * Without logind, or without a system bus, nothing of this happens; when logind comes, so does the
 * lock.
 */

#include <stdbool.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "base/cleanup.h"

typedef struct Sleep Sleep;

typedef struct SleepHooks {
        void (*prepare)(void *userdata); /* the machine is about to sleep */
        void (*wake)(void *userdata);    /* it has slept, or does not sleep after all */
        void *userdata;
} SleepHooks;

/**
 * sleep_new() - listen to logind, and have it wait for us
 *
 * On a connection to the system bus of its own, for the lock is a file descriptor, which the one
 * that clients talk on does not take. It is made anew where it breaks; where there is no system
 * bus, none is waited for.
 *
 * Return: 0, or a negative errno.
 */
int sleep_new(Sleep **ret, sd_event *event, const SleepHooks *hooks);
Sleep *sleep_free(Sleep *sleep);

/* Whether .prepare was called, and neither sleep_ready() since then nor .wake. */
bool sleep_is_waiting(const Sleep *sleep);

/* All is done, and the machine may sleep. */
void sleep_ready(Sleep *sleep);

/* Somebody else has noticed that the machine is awake again: .wake is not called for it. */
void sleep_woke(Sleep *sleep);

DEFINE_CLEANUP(Sleep, sleep_free);
