/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulator/server.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "simulator/delivery.h"

#define EVENTS_MAX   64
#define FILES_WANTED 65536
#define FILES_SPARED 64 /* for all that is not a connection */
#define BACKLOG      1024
#define IDLE_SEC     310 /* of API Gateway; libmicrohttpd overlooks a close in mid-request */

struct Server {
        Simulator *simulator;
        const ServerConfig *config;
        struct MHD_Daemon *daemon; /* NULL while nobody listens */
        Waiting waiting;
        int epoll_fd, signal_fd;
        int bound_fd; /* while nobody listens: keeps the port */
        uint64_t n_connections;
        usec_t down_usec; /* asked for: go down when this turn is over */
        usec_t up_at;
        bool stopped;
        int error;
};

/* Called for every request line, before it is taken apart: the target is still as it was sent. */
static void *on_request_line(void *userdata, const char *target,
                             struct MHD_Connection *connection) {
        (void)userdata;
        (void)connection;
        return exchange_new(target);
}

static void on_connection(void *userdata, struct MHD_Connection *connection, void **number,
                          enum MHD_ConnectionNotificationCode code) {
        Server *server = userdata;

        (void)connection;
        if (code == MHD_CONNECTION_NOTIFY_STARTED)
                *number = (void *)(uintptr_t)++server->n_connections;
}

static const char *header(const Exchange *exchange, const char *name) {
        return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

static int answer(Server *server, Exchange *exchange, const char *method) {
        const union MHD_ConnectionInfo *info =
                MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
        Request request = {
                .connection = (uintptr_t)info->socket_context,
                .method = method,
                .target = exchange->target,
                .authorization = header(exchange, "Authorization"),
                .user_agent = header(exchange, "User-Agent"),
                .body = exchange->body.text,
                .n_body = exchange->body.n,
                .too_large = exchange->too_large,
        };

        return simulator_answer(server->simulator, &request, clock_now(), &exchange->reply);
}

static enum MHD_Result send_reply(Server *server, Exchange *exchange) {
        enum MHD_Result result = delivery_send(exchange, &server->waiting);

        simulator_answered(server->simulator, &exchange->reply, exchange->status);
        return result;
}

/* The request is here as a whole: have it answered, now or later. */
static enum MHD_Result reply(Server *server, Exchange *exchange, const char *method) {
        usec_t wait;
        int r;

        if (exchange->body.failed)
                return MHD_NO;

        r = answer(server, exchange, method);
        if (r < 0) {
                server->error = r;
                server->stopped = true;
                return MHD_NO;
        }

        exchange->phase = PHASE_REPLIED;
        wait = delivery_wait(exchange);
        if (wait == 0)
                return send_reply(server, exchange);
        waiting_add(&server->waiting, exchange, usec_add(clock_now().boottime, wait));
        return MHD_YES;
}

static enum MHD_Result on_request(void *userdata, struct MHD_Connection *connection,
                                  const char *url, const char *method, const char *version,
                                  const char *upload, size_t *n_upload, void **request) {
        Server *server = userdata;
        Exchange *exchange = *request;

        (void)url;
        (void)version;
        if (!exchange)
                return MHD_NO;

        switch (exchange->phase) {
        case PHASE_HEAD:
                exchange->connection = connection;
                snprintf(exchange->method, sizeof(exchange->method), "%s", method);
                exchange->phase = PHASE_BODY;
                return MHD_YES;
        case PHASE_BODY:
                if (*n_upload == 0)
                        return reply(server, exchange, method);
                exchange_collect(exchange, upload, *n_upload);
                *n_upload = 0;
                return MHD_YES;
        case PHASE_REPLIED:
                return send_reply(server, exchange);
        case PHASE_ABORTED:
                break;
        }
        return MHD_NO;
}

static void log_request(const Exchange *exchange) {
        const Reply *reply = &exchange->reply;

        fprintf(stderr, "%" PRIu64 " %s %s %u%s%s\n", reply->seq, exchange->method,
                exchange->target, exchange->status, reply->fault ? " fault " : "",
                reply->fault ? fault_name(reply->fault->kind) : "");
}

static void on_completed(void *userdata, struct MHD_Connection *connection, void **request,
                         enum MHD_RequestTerminationCode code) {
        Server *server = userdata;
        Exchange *exchange = *request;

        (void)connection;
        (void)code;
        if (!exchange)
                return;

        if (server->config->verbose && exchange->reply.seq > 0)
                log_request(exchange);
        if (exchange->reply.down_usec > 0)
                server->down_usec = exchange->reply.down_usec;
        *request = exchange_free(exchange);
}

/* As many connections as this process may have open. */
static unsigned connection_limit(void) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return 1000;

        if (limit.rlim_cur < FILES_WANTED && limit.rlim_cur < limit.rlim_max) {
                limit.rlim_cur = limit.rlim_max < FILES_WANTED ? limit.rlim_max : FILES_WANTED;
                setrlimit(RLIMIT_NOFILE, &limit);
        }
        return limit.rlim_cur > 2 * FILES_SPARED ? (unsigned)limit.rlim_cur - FILES_SPARED
                                                 : FILES_SPARED;
}

static struct MHD_Daemon *start_daemon(Server *server, int fd) {
        const ServerConfig *config = server->config;
        const unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
        const struct MHD_OptionItem options[] = {
                { MHD_OPTION_LISTEN_SOCKET, fd, NULL },
                { MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_request_line, server },
                { MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, server },
                { MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, server },
                { MHD_OPTION_CONNECTION_LIMIT, connection_limit(), NULL },
                { MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SEC, NULL },
                { config->certificate ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0,
                  (void *)config->certificate },
                { MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)config->key },
                { MHD_OPTION_END, 0, NULL },
        };

        return MHD_start_daemon(config->certificate ? flags | MHD_USE_TLS : flags, 0, NULL, NULL,
                                on_request, server, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

static int poll_add(Server *server, int fd, void *tag) {
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = tag };

        return epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/* Listens at the bound socket, which is the daemon's from then on. */
static int go_up(Server *server) {
        const union MHD_DaemonInfo *info;

        if (listen(server->bound_fd, BACKLOG) < 0)
                return -errno;

        server->daemon = start_daemon(server, server->bound_fd);
        if (!server->daemon)
                return -EINVAL;
        server->bound_fd = -1;

        info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
        return poll_add(server, info->epoll_fd, &server->daemon);
}

/* Closes every connection. Suspended ones have to be woken, and to be seen awake, before. */
static void stop_daemon(Server *server) {
        if (!server->daemon)
                return;

        waiting_abort_all(&server->waiting);
        MHD_run(server->daemon);
        MHD_stop_daemon(server->daemon);
        server->daemon = NULL;
}

static int go_down(Server *server) {
        int fd;

        stop_daemon(server);
        fd = listener_bind(server->config->listener);
        if (fd < 0)
                return fd;

        server->bound_fd = fd;
        server->up_at = usec_add(clock_now().boottime, server->down_usec);
        server->down_usec = 0;
        return 0;
}

static int open_signals(void) {
        sigset_t set;
        int fd;

        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        sigprocmask(SIG_BLOCK, &set, NULL);
        signal(SIGPIPE, SIG_IGN);
        fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        return fd < 0 ? -errno : fd;
}

static int open_sources(Server *server) {
        server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        if (server->epoll_fd < 0)
                return -errno;
        waiting_init(&server->waiting, server->epoll_fd);

        server->signal_fd = open_signals();
        if (server->signal_fd < 0)
                return server->signal_fd;
        return poll_add(server, server->signal_fd, &server->signal_fd);
}

int server_new(Server **ret, Simulator *simulator, const ServerConfig *config) {
        CLEANUP(server_freep) Server *server = calloc(1, sizeof(*server));
        int r;

        if (!server)
                return -ENOMEM;

        server->simulator = simulator;
        server->config = config;
        server->epoll_fd = server->signal_fd = server->bound_fd = -1;
        r = open_sources(server);
        if (r < 0)
                return r;
        r = listener_bind(config->listener);
        if (r < 0)
                return r;
        server->bound_fd = r;
        r = go_up(server);
        if (r < 0)
                return r;

        *ret = TAKE(server);
        return 0;
}

Server *server_free(Server *server) {
        if (!server)
                return NULL;

        stop_daemon(server);
        closep(&server->bound_fd);
        closep(&server->signal_fd);
        closep(&server->epoll_fd);
        free(server);
        return NULL;
}

/* Rounded up: to wake too early would be to spin. */
static int timeout_ms(const Server *server, usec_t next_at, usec_t now) {
        MHD_UNSIGNED_LONG_LONG ms;
        usec_t wait = USEC_NEVER;

        if (!server->daemon)
                next_at = server->up_at;
        else if (MHD_get_timeout(server->daemon, &ms) == MHD_YES)
                wait = ms * USEC_PER_MSEC;
        if (next_at != USEC_NEVER)
                wait = usec_min(wait, next_at > now ? next_at - now : 0);
        if (wait == USEC_NEVER)
                return -1;
        return (int)usec_min((wait + USEC_PER_MSEC - 1) / USEC_PER_MSEC, 60 * 1000);
}

static void dispatch(Server *server, const struct epoll_event *event) {
        if (event->data.ptr == &server->signal_fd)
                server->stopped = true;
        else if (event->data.ptr != &server->daemon)
                waiting_abort(&server->waiting, event->data.ptr);
}

static int turn(Server *server) {
        usec_t now = clock_now().boottime;
        usec_t next_at = waiting_wake_due(&server->waiting, now);
        struct epoll_event events[EVENTS_MAX];
        int n;

        n = epoll_wait(server->epoll_fd, events, EVENTS_MAX, timeout_ms(server, next_at, now));
        if (n < 0)
                return errno == EINTR ? 0 : -errno;

        for (int i = 0; i < n; i++)
                dispatch(server, &events[i]);
        waiting_wake_due(&server->waiting, clock_now().boottime);
        if (server->daemon)
                MHD_run(server->daemon);
        if (server->down_usec > 0)
                return go_down(server);
        if (!server->daemon && server->up_at <= clock_now().boottime)
                return go_up(server);
        return 0;
}

int server_run(Server *server) {
        int r = 0;

        while (!server->stopped && r >= 0)
                r = turn(server);
        return r < 0 ? r : server->error;
}
