/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The wiring: one loop, and what stands around the core in it. What enters is a call on the core;
 * after each dispatched event a turn seals a batch, has it made durable, and only then lets it out.
 *
 *     event ─▶ core ─▶ daemon_turn(): seal ─▶ store ─▶ daemon_release(): bus, api, journal
 */

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "api/api.h"
#include "bus/bus.h"
#include "core/core.h"
#include "daemon/configuration.h"
#include "daemon/credentials.h"
#include "daemon/disk.h"
#include "daemon/notify.h"
#include "daemon/options.h"
#include "daemon/status.h"
#include "daemon/world.h"
#include "store/store.h"

typedef struct Daemon {
        const Options *options;
        Configuration *configuration; /* in force */
        sd_event *event;
        sd_bus *connection;
        sd_event_source *timer;
        Notify *notify;
        Core *core;
        Store *store;
        Api *api;
        Bus *bus;
        Batch *batch;     /* on its way to the disk, borrowed from the core; NULL: none */
        usec_t batch_at;  /* CLOCK_BOOTTIME: since when */
        usec_t bulk_usec; /* how long the last turn's bulk read took; 0: it had none */
        Status status;
        Disk disk;
        World world;
        bool stopping;
        usec_t extend_at; /* CLOCK_BOOTTIME: when more time is asked for to stop */
        bool bus_lost;    /* nobody is there to be told anything */
        int exit_status;
} Daemon;

/**
 * daemon_new() - restore the registry, export it, and take the bus name
 * @options:       borrowed for as long as the daemon lives
 * @configuration: consumed
 * @credentials:   copied; NULL: none that are usable
 * @ret_reason:    NULL; set where anything but 0 is returned and there is memory for it
 *
 * Return: 0; REFUSED: the state can't be used; negative errno.
 */
int daemon_new(Daemon **ret, const Options *options, Configuration *configuration,
               const Credentials *credentials, char **ret_reason);
Daemon *daemon_free(Daemon *daemon);

/* Runs until a signal, or until nothing can go on. Return: an exit status. */
int daemon_run(Daemon *daemon);

/**
 * daemon_reload() - read the configuration and the credentials again
 * @ret_reason: set where REFUSED is returned
 *
 * All is taken over, or nothing. The service manager is told, and what came of it is logged.
 *
 * Return: 0; REFUSED: one of them can't be used; negative errno.
 */
int daemon_reload(Daemon *daemon, char **ret_reason);

/* Logs what is broken for good and ends the loop. A restart has all that was promised. */
void daemon_fail(Daemon *daemon, int error, const char *what);

/*
 * turn.c
 */

/* Serves the calls that have arrived, a millisecond long, and one bulk read. The loop gives out one
 * in a turn, and to ask it for the next costs half as much as to answer one. */
void daemon_serve(Daemon *daemon);

/* The end of a turn of the loop, to be called after each dispatched event. */
void daemon_turn(Daemon *daemon);

/* Lets out a batch that is durable, or that needs no disk. Return: 0, or a negative errno, and it
 * has been logged. */
int daemon_release(Daemon *daemon, Batch *batch);

DEFINE_CLEANUP(Daemon, daemon_free);
