/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of the bus share. Nobody outside of bus/ includes this. */

#include "bus/access.h"
#include "bus/bulk.h"
#include "bus/client.h"
#include "bus/properties.h"
#include "bus/quota.h"
#include "bus/ticket.h"

/* The manager's properties as clients heard of them last. */
typedef struct Told {
        ApiState api_state;
        uint32_t counts[4];
} Told;

/* How what is said gets out. */
typedef struct Outlet {
        int n_waiting;   /* bytes that the bus had not taken when it was last looked at */
        usec_t stuck_at; /* CLOCK_MONOTONIC: too late for the next of them to be taken */
        usec_t look_at;  /* CLOCK_BOOTTIME: when that may be so */
} Outlet;

#define SLOTS_MAX 12

struct Bus {
        sd_bus *bus;
        Core *core;
        Access *access;
        Clients *clients;
        BusHooks hooks;
        char *version, *account_id, *base_url;
        unsigned objects_max;
        Quota quota;

        sd_bus_slot *slots[SLOTS_MAX];
        unsigned n_slots;
        sd_bus_vtable *vtables[_KIND_MAX];
        Target target; /* sd-bus asks for an object and uses it at once: one is enough */

        Tickets tickets;
        Bulk bulk;
        Outlet outlet;
        bool named;
        Told told;
        usec_t counts_at;   /* CLOCK_BOOTTIME: not to be signalled again before */
        usec_t deadline_at; /* CLOCK_BOOTTIME */
};

/* The core gave up at @what: has the process end. Returns @error. */
int bus_fatal(Bus *bus, int error, const char *what);

/* --- objects.c: what sd-bus calls to find and to list objects; userdata is the Bus --- */

int object_find(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret,
                sd_bus_error *error);
/* A filter that answers Properties.GetAll of our interfaces, and leaves all else to sd-bus. */
int object_get_all(sd_bus_message *call, void *userdata, sd_bus_error *error);

/* --- everything.c: a filter that answers GetManagedObjects, and Introspect of the parents --- */

int everything_read(sd_bus_message *call, void *userdata, sd_bus_error *error);

/* --- guard.c: filters that refuse what sd-bus would take --- */

int guard_path(sd_bus_message *message, void *userdata, sd_bus_error *error);
int guard_properties(sd_bus_message *message, void *userdata, sd_bus_error *error);

/* --- outlet.c --- */

/* CLOCK_BOOTTIME when bus_is_stuck() wants to be asked; USEC_NEVER: nothing waits. */
usec_t outlet_deadline(const Outlet *outlet);

/* --- manager.c --- */

extern const sd_bus_vtable manager_vtable[];

/* --- log-control.c --- */

extern const sd_bus_vtable log_control_vtable[];

/* --- status.c --- */

/* What the manager's properties say now. */
void manager_tell(const Bus *bus, Told *ret);
