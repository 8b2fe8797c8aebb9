/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The D-Bus service: what clients call, see and hear. It decides nothing: a call becomes an intent
 * of the core, and what is shown is the core's last durable image.
 *
 *     call ─▶ arguments ─▶ access ─▶ core_intend() ─▶ ... commit ... ─▶ bus_emit() ─▶ bus_reply()
 *
 * Nothing is signalled, and no change is answered with success, from inside a method handler.
 */

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "core/core.h"

typedef struct Bus Bus;

/* Strings are copied. */
typedef struct BusConfig {
        bool system; /* several users, who have rights of their own */
        const char *version, *account_id, *base_url;
        unsigned objects_max; /* GetManagedObjects answers for up to so many */

        /* Quotas of every uid but 0 on the system bus: objects, objects that are not in sync, and
         * calls without an answer. */
        unsigned objects_per_user_max, pending_per_user_max, calls_per_user_max;
} BusConfig;

/* What polkit has let somebody do with what is another's. All borrowed. */
typedef struct Allowance {
        const char *action, *method;      /* polkit's, and what is called */
        uint32_t uid;                     /* who calls */
        const Row *session, *participant; /* that it is about; NULL: none */
} Allowance;

typedef struct BusHooks {
        /* Begins to read the token of a participant; bus_token() brings it, later and exactly once.
         * Return: 0, or a negative errno, and bus_token() must not be called. */
        int (*read_token)(uint64_t participant, uint64_t ticket, void *userdata);

        /* Reads the configuration again. Return: 0; positive: it can't be used, and *ret_reason, to
         * be freed, says why; negative errno. */
        int (*reload)(char **ret_reason, void *userdata);

        /* The log, for org.freedesktop.LogControl1; levels as in syslog(3). */
        int (*get_log_level)(void *userdata);
        void (*set_log_level)(int level, void *userdata);
        const char *(*get_log_target)(void *userdata);
        bool (*set_log_target)(const char *target, void *userdata); /* false: there is none such */

        /* For the log. Called before anything is done of it. */
        void (*allowed)(const Allowance *allowance, void *userdata);

        /* Memory ran out while the core or the bus was at @what: the process should end, so that a
         * restart reads what the disk has. */
        void (*fail)(int error, const char *what, void *userdata);

        void *userdata;
} BusHooks;

/**
 * bus_new() - export every object, and see who has left the bus since the last run
 * @bus:  connected, and attached to the loop before it runs; a reference is taken
 * @core: borrowed, restored and started; it must outlive the Bus
 *
 * Return: 0, or a negative errno.
 */
int bus_new(Bus **ret, sd_bus *bus, Core *core, const BusConfig *config, const BusHooks *hooks);
Bus *bus_free(Bus *bus);

/* New limits from now on. The rest of the configuration is for as long as the Bus lives, and passed
 * over here. */
void bus_configure(Bus *bus, const BusConfig *config);

/**
 * bus_request_name() - become org.convened1, synchronously
 *
 * To be called once everything is restored. No signal goes out before it has succeeded.
 *
 * Return: 0, -EEXIST where another process owns the name, another negative errno.
 */
int bus_request_name(Bus *bus);

/**
 * bus_emit() - tell clients of a committed batch
 * @batch: after core_committed() and before core_release(), so that what was removed is still found
 *
 * Objects that come are told before what changes, and what changes before objects that go; an
 * object has at most one PropertiesChanged in a batch.
 *
 * Return: 0, or the first negative errno; the other signals are tried all the same.
 */
int bus_emit(Bus *bus, const Batch *batch);

/* Answers the bulk read that waits longest, if the bus has taken all that was said before. Once a
 * turn. Return: whether there was one. */
bool bus_read_next(Bus *bus);

/* Whether bus_read_next() has one to answer: then the loop must not sleep. */
bool bus_has_read(const Bus *bus);

/* Answers one method call. A ticket that is not known is ignored. Return: 0, negative errno. */
int bus_reply(Bus *bus, const Reply *reply);

/**
 * bus_token() - what BusHooks.read_token asked for has been read
 * @error: 0, or a negative errno
 * @token: a secret, borrowed; NULL: there is none
 */
void bus_token(Bus *bus, uint64_t ticket, int error, const char *token);

/**
 * bus_emit_status() - tell what changed of the manager's properties since they were last told
 *
 * ApiState at once, the counts at most once in 100 ms; bus_deadline() says when to come back.
 *
 * Return: 0, or a negative errno.
 */
int bus_emit_status(Bus *bus, Now now);

/**
 * bus_is_stuck() - whether for ten seconds the bus has taken nothing, although there was something
 *
 * To be asked in each turn. Some client does not read what it is sent, and the bus has as much of
 * ours for it as it keeps: nobody gets an answer any more. Only a new connection helps. @awake is
 * CLOCK_MONOTONIC: while the machine sleeps nobody reads.
 */
bool bus_is_stuck(Bus *bus, Now now, usec_t awake);

/* CLOCK_BOOTTIME when bus_emit_status() or bus_is_stuck() wants to be called again; USEC_NEVER:
 * nothing is owed. */
usec_t bus_deadline(const Bus *bus);

DEFINE_CLEANUP(Bus, bus_free);
