/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The listening socket, which can go away and come back at the same address. */

#include <sys/socket.h>

typedef struct Listener {
        struct sockaddr_storage address;
        socklen_t n_address;
} Listener;

/**
 * listener_parse() - understand ADDRESS:PORT
 * @text: a numeric address or a name, IPv6 in brackets; port 0: any that is free
 *
 * Return: NULL, or what is wrong with it.
 */
const char *listener_parse(Listener *listener, const char *text);

/**
 * listener_bind() - take the address, without listening yet: connections are refused
 *
 * The port that was free is the listener's from now on. Return: the socket, or negative errno.
 */
int listener_bind(Listener *listener);

/** listener_print() - write the address as a URL has it: 127.0.0.1:8080, [::1]:8080. */
void listener_print(const Listener *listener, size_t size, char ret[static size]);
