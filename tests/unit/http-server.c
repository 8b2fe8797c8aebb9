/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/http-server.h"

#include <arpa/inet.h>
#include <bsd/sys/queue.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX 65536

static void must(bool done) {
        if (!done)
                abort();
}

typedef struct Connection {
        LIST_ENTRY(Connection) link;
        HttpServer *server;
        sd_event_source *source;
        unsigned number;
        char request[REQUEST_MAX + 1];
        size_t n_request;
        const char *out; /* what is still to be said */
        size_t n_out;
        bool close;
} Connection;

struct HttpServer {
        sd_event *event;
        sd_event_source *source;
        LIST_HEAD(, Connection) connections;
        HttpServerHandler handler;
        void *userdata;
        unsigned port, n_accepted, n_open;
        bool eager;
};

static void connection_free(Connection *connection) {
        LIST_REMOVE(connection, link);
        connection->server->n_open--;
        sd_event_source_disable_unref(connection->source);
        free(connection);
}

/* The size of the first whole request that has arrived, 0: not yet. */
static size_t request_size(const Connection *connection) {
        const char *end = strstr(connection->request, "\r\n\r\n"), *length;
        size_t size;

        if (connection->server->eager)
                return connection->n_request;
        if (!end)
                return 0;
        length = strcasestr(connection->request, "\r\nContent-Length:");
        size = (size_t)(end + 4 - connection->request);
        if (length && length < end)
                size += strtoul(length + 17, NULL, 10);
        return connection->n_request >= size ? size : 0;
}

static void connection_handle(Connection *connection, size_t size) {
        char following = connection->request[size];
        Reply reply = { 0 };

        connection->request[size] = 0;
        connection->server->handler(connection->request, connection->number, &reply,
                                    connection->server->userdata);
        connection->request[size] = following;
        connection->n_request -= size;
        memmove(connection->request, connection->request + size, connection->n_request + 1);

        connection->out = reply.text;
        connection->n_out = reply.n > 0 ? reply.n : reply.text ? strlen(reply.text) : 0;
        connection->close = reply.close;
}

/* False: the connection is over. */
static bool connection_read(Connection *connection) {
        ssize_t n = read(sd_event_source_get_io_fd(connection->source),
                         connection->request + connection->n_request,
                         REQUEST_MAX - connection->n_request);
        size_t size;

        if (n <= 0)
                return n < 0 && errno == EAGAIN;
        connection->n_request += (size_t)n;
        connection->request[connection->n_request] = 0;
        size = request_size(connection);
        if (size > 0)
                connection_handle(connection, size);
        return true;
}

static bool connection_write(Connection *connection) {
        while (connection->n_out > 0) {
                ssize_t n = send(sd_event_source_get_io_fd(connection->source), connection->out,
                                 connection->n_out, MSG_NOSIGNAL);

                if (n < 0)
                        return errno == EAGAIN;
                connection->out += n;
                connection->n_out -= (size_t)n;
        }
        return !connection->close;
}

static int connection_on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Connection *connection = userdata;

        (void)fd;
        if ((revents & (EPOLLIN | EPOLLHUP | EPOLLERR) && !connection_read(connection)) ||
            !connection_write(connection)) {
                connection_free(connection);
                return 0;
        }
        sd_event_source_set_io_events(source, connection->n_out > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
        return 0;
}

static int server_on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        HttpServer *server = userdata;
        int accepted = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        Connection *connection;

        (void)source;
        (void)revents;
        if (accepted < 0)
                return 0;
        connection = calloc(1, sizeof(*connection));
        must(connection);
        connection->server = server;
        connection->number = ++server->n_accepted;
        server->n_open++;
        LIST_INSERT_HEAD(&server->connections, connection, link);
        must(sd_event_add_io(server->event, &connection->source, accepted, EPOLLIN,
                             connection_on_io, connection) >= 0);
        sd_event_source_set_io_fd_own(connection->source, true);
        return 0;
}

HttpServer *http_server_new(sd_event *event, bool eager, HttpServerHandler handler,
                            void *userdata) {
        HttpServer *server = calloc(1, sizeof(*server));
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(address);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        must(server && fd >= 0);
        server->event = sd_event_ref(event);
        server->eager = eager;
        server->handler = handler;
        server->userdata = userdata;
        LIST_INIT(&server->connections);
        must(bind(fd, (struct sockaddr *)&address, size) == 0 && listen(fd, 16) == 0);
        must(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
        server->port = ntohs(address.sin_port);
        must(sd_event_add_io(event, &server->source, fd, EPOLLIN, server_on_io, server) >= 0);
        sd_event_source_set_io_fd_own(server->source, true);
        return server;
}

HttpServer *http_server_free(HttpServer *server) {
        if (!server)
                return NULL;
        while (!LIST_EMPTY(&server->connections))
                connection_free(LIST_FIRST(&server->connections));
        sd_event_source_disable_unref(server->source);
        sd_event_unref(server->event);
        free(server);
        return NULL;
}

unsigned http_server_port(const HttpServer *server) {
        return server->port;
}

unsigned http_server_n_open(const HttpServer *server) {
        return server->n_open;
}
