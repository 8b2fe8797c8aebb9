/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The API: a request in, the answer out, and the world changed by it. In this order:
 * route, credentials, JSON and types, existence, conflicts.
 */

#include "simulator/message.h"
#include "simulator/world.h"

typedef struct Service {
        const Settings *settings;
        World *world;
        char *authorization; /* the header's value that is let in */
        double allowance;    /* requests that may still be made, where there is a limit */
        usec_t allowed_at;   /* when that was so, CLOCK_BOOTTIME; 0: never asked */
} Service;

/** service_init() - @settings and @world outlive it. Return: 0 or -ENOMEM. */
int service_init(Service *service, const Settings *settings, World *world);
void service_deinit(Service *service);

/**
 * service_answer() - carry out a request
 * @answer: request_id is filled in; the rest is filled in here
 *
 * What has expired is the caller's to end before. Out of memory becomes status 500.
 */
void service_answer(Service *service, const Request *request, Now now, Answer *answer);
