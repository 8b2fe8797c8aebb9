/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulator/waiting.h"

#include <sys/epoll.h>

static int compare_due(const Exchange *a, const Exchange *b) {
        if (a->due_at != b->due_at)
                return a->due_at < b->due_at ? -1 : 1;
        return a < b ? -1 : a > b;
}

RB_GENERATE_INTERNAL(WaitingTree, Exchange, by_due, compare_due, static __attribute__((__unused__)))

void waiting_init(Waiting *waiting, int epoll_fd) {
        RB_INIT(&waiting->tree);
        waiting->epoll_fd = epoll_fd;
}

static void watch(Waiting *waiting, Exchange *exchange) {
        struct epoll_event event = { .events = EPOLLRDHUP, .data.ptr = exchange };

        exchange->watched =
                epoll_ctl(waiting->epoll_fd, EPOLL_CTL_ADD, exchange_fd(exchange), &event) == 0;
}

void waiting_add(Waiting *waiting, Exchange *exchange, usec_t due_at) {
        exchange->due_at = due_at;
        exchange->waiting = true;
        RB_INSERT(WaitingTree, &waiting->tree, exchange);
        /* One that will be answered may have closed its own half, and still reads. */
        if (due_at == USEC_NEVER)
                watch(waiting, exchange);
        MHD_suspend_connection(exchange->connection);
}

static void wake(Waiting *waiting, Exchange *exchange) {
        RB_REMOVE(WaitingTree, &waiting->tree, exchange);
        exchange->waiting = false;
        if (exchange->watched)
                epoll_ctl(waiting->epoll_fd, EPOLL_CTL_DEL, exchange_fd(exchange), NULL);
        exchange->watched = false;
        MHD_resume_connection(exchange->connection);
}

void waiting_abort(Waiting *waiting, Exchange *exchange) {
        exchange->phase = PHASE_ABORTED;
        wake(waiting, exchange);
}

void waiting_abort_all(Waiting *waiting) {
        Exchange *exchange;

        while ((exchange = RB_MIN(WaitingTree, &waiting->tree)))
                waiting_abort(waiting, exchange);
}

usec_t waiting_wake_due(Waiting *waiting, usec_t now) {
        Exchange *exchange;

        while ((exchange = RB_MIN(WaitingTree, &waiting->tree)) && exchange->due_at <= now)
                wake(waiting, exchange);
        return exchange ? exchange->due_at : USEC_NEVER;
}
