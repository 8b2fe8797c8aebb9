/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which name servers there are, as resolv.conf(5) says. The C library reads that file again by
 * itself; what libcurl has looked up before, and a pause of ours, it cannot know of.
 */

#include <systemd/sd-event.h>

#include "base/cleanup.h"

typedef struct Resolver Resolver;

typedef void (*ResolverHandler)(void *userdata);

/* Where the folder of the file cannot be watched, nothing is heard. Return: 0, negative errno. */
int resolver_new(Resolver **ret, sd_event *event, ResolverHandler handler, void *userdata);
Resolver *resolver_free(Resolver *resolver);

DEFINE_CLEANUP(Resolver, resolver_free);
