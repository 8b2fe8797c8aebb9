/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/unit.h"

#include "ctl/memory.h"
#include "proto/names.h"

#define SYSTEMD         "org.freedesktop.systemd1"
#define SYSTEMD_SERVICE SYSTEMD ".Service"

/* It is no more than a word beside: nobody waits long for it. */
#define PATIENCE_USEC USEC_PER_SEC

static sd_bus_message *question(Ctl *ctl, const char *destination, const char *path,
                                const char *interface, const char *member) {
        sd_bus_message *call;

        must_bus(sd_bus_message_new_method_call(ctl->bus, &call, destination, path, interface,
                                                member));
        must_bus(sd_bus_message_set_auto_start(call, false));
        return call;
}

static bool answered(Ctl *ctl, sd_bus_message *call, sd_bus_message **ret) {
        return sd_bus_call(ctl->bus, call, PATIENCE_USEC, NULL, ret) >= 0;
}

static bool service_pid(Ctl *ctl, uint32_t *ret) {
        CLEANUP(message_unrefp) sd_bus_message *reply = NULL;
        CLEANUP(message_unrefp)
        sd_bus_message *call = question(ctl, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                        "org.freedesktop.DBus", "GetConnectionUnixProcessID");

        must_bus(sd_bus_message_append(call, "s", CONVENED_BUS_NAME));
        return answered(ctl, call, &reply) && sd_bus_message_read(reply, "u", ret) > 0;
}

static char *unit_of(Ctl *ctl, uint32_t pid) {
        CLEANUP(message_unrefp) sd_bus_message *reply = NULL;
        CLEANUP(message_unrefp)
        sd_bus_message *call = question(ctl, SYSTEMD, "/org/freedesktop/systemd1",
                                        SYSTEMD ".Manager", "GetUnitByPID");
        const char *path;

        must_bus(sd_bus_message_append(call, "u", pid));
        if (!answered(ctl, call, &reply) || sd_bus_message_read(reply, "o", &path) <= 0)
                return NULL;
        return must(strdup(path));
}

static bool unit_get(Ctl *ctl, const char *unit, const char *property, sd_bus_message **ret) {
        CLEANUP(message_unrefp)
        sd_bus_message *call =
                question(ctl, SYSTEMD, unit, "org.freedesktop.DBus.Properties", "Get");

        must_bus(sd_bus_message_append(call, "ss", SYSTEMD_SERVICE, property));
        return answered(ctl, call, ret);
}

/* Who started it by hand sits in another's unit, which has its own to tell. */
static bool unit_runs(Ctl *ctl, const char *unit, uint32_t pid) {
        CLEANUP(message_unrefp) sd_bus_message *reply = NULL;
        uint32_t main_pid;

        return unit_get(ctl, unit, "MainPID", &reply) &&
               sd_bus_message_read(reply, "v", "u", &main_pid) > 0 && main_pid == pid;
}

char *unit_status(Ctl *ctl) {
        CLEANUP(message_unrefp) sd_bus_message *reply = NULL;
        CLEANUP(freep) char *unit = NULL;
        const char *text;
        uint32_t pid;

        if (!service_pid(ctl, &pid))
                return NULL;
        unit = unit_of(ctl, pid);
        if (!unit || !unit_runs(ctl, unit, pid) || !unit_get(ctl, unit, "StatusText", &reply) ||
            sd_bus_message_read(reply, "v", "s", &text) <= 0 || !text[0])
                return NULL;
        return must(strdup(text));
}
