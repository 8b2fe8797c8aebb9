/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Two ends of a bus without a bus: messages that one sends, the other receives. One thread pumps
 * both. */

#include <assert.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>

#include "base/cleanup.h"

typedef struct Pipe {
        sd_bus *server, *client;
} Pipe;

static inline Pipe pipe_open(void) {
        Pipe ends = { 0 };
        sd_id128_t id = { .bytes = { 1 } };
        int fds[2], r;

        r = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds);
        assert(r == 0);
        r = sd_bus_new(&ends.server);
        assert(r >= 0);
        r = sd_bus_set_fd(ends.server, fds[0], fds[0]);
        assert(r >= 0);
        r = sd_bus_set_server(ends.server, true, id);
        assert(r >= 0);
        r = sd_bus_start(ends.server);
        assert(r >= 0);

        r = sd_bus_new(&ends.client);
        assert(r >= 0);
        r = sd_bus_set_fd(ends.client, fds[1], fds[1]);
        assert(r >= 0);
        r = sd_bus_start(ends.client);
        assert(r >= 0);
        return ends;
}

/* Until neither end has anything left to do. */
static inline void pipe_pump(Pipe *ends) {
        int r = 1, q = 1;

        while (r > 0 || q > 0) {
                r = sd_bus_process(ends->server, NULL);
                q = sd_bus_process(ends->client, NULL);
                assert(r >= 0 && q >= 0);
        }
}

static inline void pipe_close(Pipe *ends) {
        sd_bus_close_unref(ends->client);
        sd_bus_close_unref(ends->server);
}
