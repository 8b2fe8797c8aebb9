/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Bulk reads: calls that are answered with many objects (ListSessions, ListParticipants,
 * GetManagedObjects, and Introspect of the objects' parents). One takes as long as hundreds of
 * others, so those of users with a quota wait for a turn of the loop each, one of each user, in the
 * order in which they came: whoever asks for more at a time is refused, and slows nobody.
 */

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

typedef struct Call Call;
typedef struct BulkRead BulkRead;

typedef struct Bulk {
        TAILQ_HEAD(BulkReads, BulkRead) reads; /* the next one first */
} Bulk;

void bulk_init(Bulk *bulk);
/* Forgets all; the bus tells callers when the connection is closed. */
void bulk_deinit(Bulk *bulk);

/**
 * bulk_read() - a .run of calls: answer now, or when its turn has come
 * @call:   access has been granted; what it holds is taken where it has to wait
 * @answer: a .run that does it; nothing that was found before it may be kept for it
 *
 * Return: positive, or a negative errno with or without @error set.
 */
int bulk_read(Call *call, int (*answer)(Call *, sd_bus_error *), sd_bus_error *error);

/* A caller has left the bus: what it asked for is in nobody's way any more. */
void bulk_forget(Bulk *bulk, const char *name);
