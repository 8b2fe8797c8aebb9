/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One reader for the dictionaries that all methods take, driven by one table of keys. What can be
 * judged without the registry is judged here, before anything else: unknown and repeated keys,
 * types, bounds. The error is InvalidArgs and names the key.
 */

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "core/row.h"

/* The keys, in the order of the table in arguments.c. */
typedef enum Argument {
        ARGUMENT_TAG,
        ARGUMENT_LIFETIME,
        ARGUMENT_WAIT,
        ARGUMENT_AT_MOST_ONCE,
        ARGUMENT_CALLBACK_URL,
        ARGUMENT_PUBLISH_PERMISSIONS,
        ARGUMENT_DEVICE_API_VERSION,
        ARGUMENT_SESSION,
        ARGUMENT_SUBSCRIPTION_MODE,
        ARGUMENT_PUBLISHERS,
        ARGUMENT_STATE,
        ARGUMENT_OWNER,
        ARGUMENT_IN_SYNC,
        ARGUMENT_ID_PREFIX,
        ARGUMENT_FIELDS,
        _ARGUMENT_MAX,
} Argument;

/* More than any interface has properties; nothing is listed twice. */
#define ARGUMENT_FIELDS_MAX 32

#define ARGUMENT_BIT(argument) (1U << (argument))

#define ARGUMENTS_SUBSCRIPTIONS                                                                    \
        (ARGUMENT_BIT(ARGUMENT_SUBSCRIPTION_MODE) | ARGUMENT_BIT(ARGUMENT_PUBLISHERS))

#define ARGUMENTS_CREATE_SESSION                                                                   \
        (ARGUMENT_BIT(ARGUMENT_TAG) | ARGUMENT_BIT(ARGUMENT_LIFETIME) |                            \
         ARGUMENT_BIT(ARGUMENT_WAIT) | ARGUMENT_BIT(ARGUMENT_AT_MOST_ONCE))

#define ARGUMENTS_CREATE_PARTICIPANT                                                               \
        (ARGUMENTS_CREATE_SESSION | ARGUMENTS_SUBSCRIPTIONS |                                      \
         ARGUMENT_BIT(ARGUMENT_CALLBACK_URL) | ARGUMENT_BIT(ARGUMENT_PUBLISH_PERMISSIONS) |        \
         ARGUMENT_BIT(ARGUMENT_DEVICE_API_VERSION) | ARGUMENT_BIT(ARGUMENT_SESSION))

#define ARGUMENTS_ADOPT (ARGUMENT_BIT(ARGUMENT_LIFETIME) | ARGUMENT_BIT(ARGUMENT_WAIT))

#define ARGUMENTS_CHANGE ARGUMENT_BIT(ARGUMENT_WAIT)

#define ARGUMENTS_LIST_SESSIONS                                                                    \
        (ARGUMENT_BIT(ARGUMENT_TAG) | ARGUMENT_BIT(ARGUMENT_STATE) |                               \
         ARGUMENT_BIT(ARGUMENT_OWNER) | ARGUMENT_BIT(ARGUMENT_IN_SYNC) |                           \
         ARGUMENT_BIT(ARGUMENT_ID_PREFIX) | ARGUMENT_BIT(ARGUMENT_FIELDS))

#define ARGUMENTS_LIST_PARTICIPANTS (ARGUMENTS_LIST_SESSIONS | ARGUMENT_BIT(ARGUMENT_SESSION))

/* Strings are borrowed from the message; everything else is owned. */
typedef struct Arguments {
        unsigned given; /* ARGUMENT_BIT() of each key that was there */
        const char *tag, *callback_url, *device_api_version, *id_prefix;
        Lifetime lifetime;
        bool wait, at_most_once, in_sync;
        unsigned permissions;
        State state;
        uint32_t owner;
        uint64_t session; /* 0: "/" */
        Mode mode;
        Publisher *publishers; /* by number; whether these exist is not known here */
        size_t n_publishers;
        const char
                *fields[ARGUMENT_FIELDS_MAX + 1]; /* end in NULL; which there are, list.c knows */
} Arguments;

/* Defaults for what will not be given. */
void arguments_init(Arguments *arguments);
void arguments_deinit(Arguments *arguments);

/**
 * arguments_read() - take in an a{sv}
 * @message:   the dictionary is what comes next in it
 * @accepted:  ARGUMENT_BIT() of the keys that this method takes
 * @arguments: what is read is added; after a failure it is good for arguments_deinit() only
 *
 * Return: 0 or positive, or a negative errno with @error set where the caller is to blame.
 */
int arguments_read(sd_bus_message *message, unsigned accepted, Arguments *arguments,
                   sd_bus_error *error);

/* The like for subscriptions that stand outside of a dictionary. */
int arguments_read_mode(sd_bus_message *message, Arguments *arguments, sd_bus_error *error);
int arguments_read_publishers(sd_bus_message *message, Arguments *arguments, sd_bus_error *error);

/**
 * arguments_settle_subscriptions() - mode and publishers must fit together
 *
 * Fills in a missing mode. Return: 0, or a negative errno with @error set.
 */
int arguments_settle_subscriptions(Arguments *arguments, sd_bus_error *error);

static inline bool arguments_have(const Arguments *arguments, Argument argument) {
        return arguments->given & ARGUMENT_BIT(argument);
}
