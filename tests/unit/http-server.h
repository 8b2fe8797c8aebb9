/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An HTTP server in the test's own event loop, which says whatever a test wants said. */

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

typedef struct HttpServer HttpServer;

typedef struct Reply {
        const char *text; /* sent as it is; NULL: nothing is said */
        size_t n;         /* 0: as far as a NUL */
        bool close;       /* once it has been said */
} Reply;

/* Takes a request, head and body as they came, over the n-th connection (from 1), and fills in what
 * is said to it. What it points to must live as long as the server. */
typedef void (*HttpServerHandler)(const char *request, unsigned connection, Reply *reply,
                                  void *userdata);

/* Listens on a free port of the loopback address. With @eager the first bytes are a request. */
HttpServer *http_server_new(sd_event *event, bool eager, HttpServerHandler handler, void *userdata);
HttpServer *http_server_free(HttpServer *server);

unsigned http_server_port(const HttpServer *server);
unsigned http_server_n_open(const HttpServer *server);
