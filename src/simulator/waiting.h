/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Exchanges that wait: for their time, or for ever. Their connections are suspended, so that they
 * hold up nobody else; libmicrohttpd asks again for each one that is woken.
 */

#include "simulator/exchange.h"

typedef RB_HEAD(WaitingTree, Exchange) WaitingTree;

typedef struct Waiting {
        WaitingTree tree;
        int epoll_fd; /* borrowed: where a watched socket tells that its client has gone */
} Waiting;

void waiting_init(Waiting *waiting, int epoll_fd);

/**
 * waiting_add() - suspend an exchange
 * @due_at: CLOCK_BOOTTIME; USEC_NEVER: until its client goes; it is watched for that
 *
 * Called from within a callback of libmicrohttpd for this very connection.
 */
void waiting_add(Waiting *waiting, Exchange *exchange, usec_t due_at);

/** waiting_abort() - wake one that will not be answered any more. */
void waiting_abort(Waiting *waiting, Exchange *exchange);

/** waiting_abort_all() - the same for all. */
void waiting_abort_all(Waiting *waiting);

/** waiting_wake_due() - wake those whose time has come. Return: when the next is due. */
usec_t waiting_wake_due(Waiting *waiting, usec_t now);
