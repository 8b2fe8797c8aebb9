/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/bus.h"

#include <assert.h>
#include <errno.h>

#include "bus/internal.h"
#include "bus/path.h"
#include "proto/names.h"

int bus_fatal(Bus *bus, int error, const char *what) {
        bus->hooks.fail(error, what, bus->hooks.userdata);
        return error;
}

static sd_bus_slot **bus_slot(Bus *bus) {
        assert(bus->n_slots < SLOTS_MAX);
        return bus->slots + bus->n_slots++;
}

static int bus_export_kind(Bus *bus, Kind kind) {
        const char *prefix = path_prefix(kind);
        int r;

        r = interface_vtable(interface_of(kind), bus->vtables + kind);
        if (r < 0)
                return r;
        return sd_bus_add_fallback_vtable(bus->bus, bus_slot(bus), prefix, interface_of(kind)->name,
                                          bus->vtables[kind], object_find, bus);
}

static int bus_export(Bus *bus) {
        int r;

        r = sd_bus_add_object_manager(bus->bus, bus_slot(bus), CONVENED_PATH);
        if (r < 0)
                return r;
        /* The last one is asked first. */
        r = sd_bus_add_filter(bus->bus, bus_slot(bus), guard_properties, bus);
        if (r < 0)
                return r;
        r = sd_bus_add_filter(bus->bus, bus_slot(bus), object_get_all, bus);
        if (r < 0)
                return r;
        r = sd_bus_add_filter(bus->bus, bus_slot(bus), everything_read, bus);
        if (r < 0)
                return r;
        r = sd_bus_add_filter(bus->bus, bus_slot(bus), guard_path, bus);
        if (r < 0)
                return r;
        r = sd_bus_add_object_vtable(bus->bus, bus_slot(bus), CONVENED_PATH, CONVENED_MANAGER,
                                     manager_vtable, bus);
        if (r < 0)
                return r;
        r = sd_bus_add_object_vtable(bus->bus, bus_slot(bus), LOG_CONTROL_PATH, LOG_CONTROL,
                                     log_control_vtable, bus);
        for (Kind kind = 0; r >= 0 && kind < _KIND_MAX; kind++)
                r = bus_export_kind(bus, kind);
        return r;
}

void bus_configure(Bus *bus, const BusConfig *config) {
        bus->objects_max = config->objects_max;
        bus->quota = (Quota){ .enforced = config->system,
                              .objects_max = config->objects_per_user_max,
                              .pending_max = config->pending_per_user_max,
                              .calls_max = config->calls_per_user_max };
}

static int bus_keep(Bus *bus, const BusConfig *config) {
        bus_configure(bus, config);
        bus->version = strdup(config->version);
        bus->account_id = strdup(config->account_id);
        bus->base_url = strdup(config->base_url);
        return bus->version && bus->account_id && bus->base_url ? 0 : -ENOMEM;
}

static void on_departure(const char *name, void *userdata) {
        Bus *bus = userdata;

        bulk_forget(&bus->bulk, name);
}

int bus_new(Bus **ret, sd_bus *bus, Core *core, const BusConfig *config, const BusHooks *hooks) {
        CLEANUP(bus_freep) Bus *self = calloc(1, sizeof(*self));
        int r;

        if (!self)
                return -ENOMEM;
        self->bus = sd_bus_ref(bus);
        self->core = core;
        self->hooks = *hooks;
        self->deadline_at = USEC_NEVER;
        tickets_init(&self->tickets);
        bulk_init(&self->bulk);

        r = bus_keep(self, config);
        if (r < 0)
                return r;
        r = access_new(&self->access, bus, config->system, on_departure, self);
        if (r < 0)
                return r;
        r = clients_new(&self->clients, self);
        if (r < 0)
                return r;
        r = clients_restore(self->clients);
        if (r < 0)
                return r;
        r = bus_export(self);
        if (r < 0)
                return r;

        *ret = TAKE(self);
        return 0;
}

Bus *bus_free(Bus *bus) {
        if (!bus)
                return NULL;
        while (bus->n_slots > 0)
                sd_bus_slot_unref(bus->slots[--bus->n_slots]);
        for (Kind kind = 0; kind < _KIND_MAX; kind++)
                free(bus->vtables[kind]);
        tickets_deinit(&bus->tickets);
        bulk_deinit(&bus->bulk);
        clients_free(bus->clients);
        access_free(bus->access);
        free(bus->version);
        free(bus->account_id);
        free(bus->base_url);
        sd_bus_unref(bus->bus);
        free(bus);
        return NULL;
}

/* A bus that takes nothing from a connection does not see either that it was closed, before it has
 * something for it. */
static void ping_owner(sd_bus *bus) {
        sd_bus_message *ping = NULL;

        if (sd_bus_message_new_method_call(bus, &ping, CONVENED_BUS_NAME, CONVENED_PATH,
                                           "org.freedesktop.DBus.Peer", "Ping") >= 0)
                (void)sd_bus_call(bus, ping, USEC_PER_SEC, NULL, NULL);
        sd_bus_message_unref(ping);
}

int bus_request_name(Bus *bus) {
        int r;

        r = sd_bus_request_name(bus->bus, CONVENED_BUS_NAME, 0);
        if (r == -EEXIST) {
                ping_owner(bus->bus);
                r = sd_bus_request_name(bus->bus, CONVENED_BUS_NAME, 0);
        }
        if (r < 0)
                return r;
        bus->named = true;
        manager_tell(bus, &bus->told);
        return 0;
}
