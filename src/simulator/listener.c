/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulator/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/fd.h"

/* Splits at the last colon, and takes the brackets off. */
static bool split(char *text, const char **ret_host, const char **ret_port) {
        char *colon = strrchr(text, ':');
        size_t n;

        if (!colon || colon == text || colon[1] == '\0')
                return false;

        *colon = '\0';
        n = strlen(text);
        if (text[0] == '[' && text[n - 1] == ']') {
                text[n - 1] = '\0';
                text++;
        }
        *ret_host = text;
        *ret_port = colon + 1;
        return true;
}

const char *listener_parse(Listener *listener, const char *text) {
        const struct addrinfo hints = {
                .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
                .ai_socktype = SOCK_STREAM,
        };
        CLEANUP(freep) char *copy = strdup(text);
        struct addrinfo *found;
        const char *host, *port;
        int r;

        if (!copy)
                return "out of memory";
        if (!split(copy, &host, &port))
                return "must be ADDRESS:PORT";

        r = getaddrinfo(host, port, &hints, &found);
        if (r != 0)
                return gai_strerror(r);

        memcpy(&listener->address, found->ai_addr, found->ai_addrlen);
        listener->n_address = found->ai_addrlen;
        freeaddrinfo(found);
        return NULL;
}

int listener_bind(Listener *listener) {
        CLEANUP(closep) int fd = -1;
        int one = 1;

        fd = socket(listener->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0)
                return -errno;
        if (bind(fd, (const struct sockaddr *)&listener->address, listener->n_address) < 0)
                return -errno;
        if (getsockname(fd, (struct sockaddr *)&listener->address, &listener->n_address) < 0)
                return -errno;

        return TAKE_FD(fd);
}

void listener_print(const Listener *listener, size_t size, char ret[static size]) {
        bool v6 = listener->address.ss_family == AF_INET6;
        char host[NI_MAXHOST] = "?", port[NI_MAXSERV] = "?";

        getnameinfo((const struct sockaddr *)&listener->address, listener->n_address, host,
                    sizeof(host), port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
        snprintf(ret, size, v6 ? "[%s]:%s" : "%s:%s", host, port);
}
