/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A question to polkit: may the owner of a unique name do this? It is asked without waiting, and
 * whatever is not a clear yes is a refusal: no polkit on the bus, an action that it does not know,
 * no answer in time. See the reference of org.freedesktop.PolicyKit1.Authority.
 */

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "base/cleanup.h"

typedef enum PolkitVerdict {
        POLKIT_NO,
        POLKIT_YES,
        POLKIT_CHALLENGE, /* yes for somebody who may be asked for a password; not this one */
} PolkitVerdict;

/* May the owner of a unique name do this? */
typedef struct PolkitRequest {
        const char *name;
        const char *action; /* id of a polkit action */
        bool interactive;   /* somebody may be asked for a password; then polkit has two minutes,
                             * else five seconds */
} PolkitRequest;

typedef struct PolkitQuestion PolkitQuestion;

/* Called at most once, from the loop, never from inside polkit_ask(); the question may be freed in
 * it. */
typedef void (*PolkitAnswer)(PolkitVerdict verdict, void *userdata);

/**
 * polkit_ask() - send a question
 * @bus: outlives the question
 *
 * Return: 0, or a negative errno.
 */
int polkit_ask(PolkitQuestion **ret, sd_bus *bus, const PolkitRequest *request, PolkitAnswer answer,
               void *userdata);

/* Where no answer has come, none will, and polkit is told to stop asking anybody. */
PolkitQuestion *polkit_question_free(PolkitQuestion *question);

DEFINE_CLEANUP(PolkitQuestion, polkit_question_free);
