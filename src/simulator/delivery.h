/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Bringing a reply to its client, with the fault that it met. */

#include "simulator/waiting.h"

/**
 * delivery_wait() - whether a reply has to wait before anything of it goes out
 *
 * Return: for how long; 0: not at all; USEC_NEVER: it is never answered.
 */
usec_t delivery_wait(const Exchange *exchange);

/**
 * delivery_send() - answer, or close the connection, as the reply says
 * @waiting: for answers that trickle
 *
 * Return: what the handler of libmicrohttpd returns; MHD_NO closes the connection.
 */
enum MHD_Result delivery_send(Exchange *exchange, Waiting *waiting);
