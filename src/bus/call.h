/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A method call on its way: its arguments are read and checked, then access is asked, then it is
 * carried out. Everything that it needs later is in here, because the answer about access may come
 * when the handler has long returned.
 */

#include "bus/arguments.h"
#include "bus/internal.h"

typedef struct Call Call;

/* Return: positive, or a negative errno with or without @error set. */
typedef int (*CallRun)(Call *call, sd_bus_error *error);

struct Call {
        Bus *bus;
        sd_bus_message *message;
        Arguments arguments;
        Intent intent;
        Action action;   /* that access was asked about */
        Kind kind;       /* of what is to be listed */
        uint32_t fields; /* as list_fields() has them */
        uint64_t after;
        uint32_t limit;
        CallRun run;
};

/* Return: 0, -ENOMEM. */
int call_new(Call **ret, Bus *bus, sd_bus_message *message);
Call *call_free(Call *call);

/* What a call holds goes over into a new one, which outlives the handler's; that is left empty.
 * Return: 0, -ENOMEM. */
int call_move(Call **ret, Call *call);

/* Runs a call that no handler waits for any more: errors are answered from here. Consumes it. */
void call_run(Call *call);

/**
 * call_start() - ask whether the caller may, and run
 * @call: consumed
 *
 * Return: what a handler of sd-bus is to return.
 */
int call_start(Call *call, const Question *question, sd_bus_error *error);

/* A .run: hands .intent to the core; the answer comes with bus_reply(). */
int call_intend(Call *call, sd_bus_error *error);

/**
 * call_mutate() - the way of nearly all methods that change an object
 * @call: consumed. The remaining argument is an a{sv} with these @accepted keys.
 */
int call_mutate(Call *call, unsigned accepted, const Question *question, sd_bus_error *error);

/* Reads an object anew; the reply comes after it. */
int call_refresh(Bus *bus, sd_bus_message *message, const Row *row, sd_bus_error *error);

/* Takes the publishers and the mode out of the arguments into the intent, once these are known to
 * fit together and to exist. */
int call_take_subscriptions(Call *call, sd_bus_error *error);

/* The last durable image of the object at a path. Return: 0, or a negative errno, @error set. */
int call_find(Bus *bus, Kind kind, const char *path, const Row **ret, sd_bus_error *error);
int call_find_number(Bus *bus, Kind kind, uint64_t number, const Row **ret, sd_bus_error *error);

DEFINE_CLEANUP(Call, call_free);
