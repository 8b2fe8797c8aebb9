/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The server: a loop around libmicrohttpd, with timers, signals, and times when nobody listens. */

#include "simulator/listener.h"
#include "simulator/simulator.h"

typedef struct Server Server;

/* What the server needs beside the simulator; all of it outlives the server. */
typedef struct ServerConfig {
        Listener *listener;
        const char *certificate, *key; /* PEM texts; NULL: no TLS */
        bool verbose;                  /* a line on stderr for each request to the API */
} ServerConfig;

/**
 * server_new() - listen, and answer as soon as server_run() runs
 *
 * SIGTERM and SIGINT are blocked from here on: they end server_run().
 *
 * Return: 0 or negative errno; -EINVAL: libmicrohttpd did not start, as with a certificate that
 * cannot be used.
 */
int server_new(Server **ret, Simulator *simulator, const ServerConfig *config);

/** server_run() - serve until a signal. Return: 0, or the negative errno that ended it. */
int server_run(Server *server);

Server *server_free(Server *server);

DEFINE_CLEANUP(Server, server_free);
