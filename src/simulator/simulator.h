/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The whole of it without the network: each request goes through here and leaves as a reply, which
 * says what to answer and which fault to do to it.
 */

#include "simulator/fault.h"
#include "simulator/journal.h"
#include "simulator/message.h"
#include "simulator/service.h"
#include "simulator/state-file.h"
#include "simulator/world.h"

typedef struct Simulator {
        const Settings *settings;
        Random random;
        World *world;
        Service service;
        Faults faults;
        Journal *journal;
        StateFile *state_file; /* NULL: nothing survives */
        usec_t started_at;     /* CLOCK_BOOTTIME */
} Simulator;

typedef struct Reply {
        Answer answer;
        Fault *fault;     /* owned; NULL for none */
        uint64_t seq;     /* in the journal; 0: not there */
        usec_t down_usec; /* not 0: once this is answered, nobody listens for so long */
} Reply;

/** simulator_init() - @settings outlive it. Return: 0 or -ENOMEM. */
int simulator_init(Simulator *simulator, const Settings *settings, uint64_t seed, Now now);
void simulator_deinit(Simulator *simulator);

/**
 * simulator_answer() - take a request, whether it is for the API or for the test interface
 * @ret: the caller frees it with reply_deinit(), and says simulator_answered() when an answer went
 *
 * Return: 0, or negative errno: the state file cannot be written, and what was done will be lost.
 */
int simulator_answer(Simulator *simulator, const Request *request, Now now, Reply *ret);

/** simulator_answered() - note that a reply went out, with that status. */
void simulator_answered(Simulator *simulator, const Reply *reply, unsigned status);

void reply_deinit(Reply *reply);
