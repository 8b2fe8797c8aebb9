/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * org.freedesktop.LogControl1, so that "systemctl service-log-level" works. See the manual page of
 * that name. Without SD_BUS_VTABLE_UNPRIVILEGED sd-bus lets only root and our own uid set anything.
 */

#include "base/level.h"
#include "bus/errors.h"
#include "bus/internal.h"

#define DEFINE_LOG_GETTER(name, value)                                                             \
        static DECLARE_GETTER(name);                                                               \
        static DECLARE_GETTER(name) {                                                              \
                const Bus *service = userdata;                                                     \
                                                                                                   \
                (void)bus;                                                                         \
                (void)path;                                                                        \
                (void)interface;                                                                   \
                (void)property;                                                                    \
                (void)error;                                                                       \
                (void)service;                                                                     \
                return sd_bus_message_append(reply, "s", value);                                   \
        }

DEFINE_LOG_GETTER(get_level, level_name(service->hooks.get_log_level(service->hooks.userdata)))
DEFINE_LOG_GETTER(get_target, service->hooks.get_log_target(service->hooks.userdata))
DEFINE_LOG_GETTER(get_identifier, "convened")

static int set_level(sd_bus *bus, const char *path, const char *interface, const char *property,
                     sd_bus_message *value, void *userdata, sd_bus_error *error) {
        const Bus *service = userdata;
        const char *text;
        int level, r;

        (void)bus;
        (void)path;
        (void)interface;
        r = sd_bus_message_read(value, "s", &text);
        if (r < 0)
                return r;
        if (!level_parse(&level, text))
                return error_set_argument(error, property,
                                          "expected emerg, alert, crit, err, warning, notice, "
                                          "info or debug");

        service->hooks.set_log_level(level, service->hooks.userdata);
        return 0;
}

static int set_target(sd_bus *bus, const char *path, const char *interface, const char *property,
                      sd_bus_message *value, void *userdata, sd_bus_error *error) {
        const Bus *service = userdata;
        const char *text;
        int r;

        (void)bus;
        (void)path;
        (void)interface;
        r = sd_bus_message_read(value, "s", &text);
        if (r < 0)
                return r;
        if (!service->hooks.set_log_target(text, service->hooks.userdata))
                return error_set_argument(error, property,
                                          "expected console, journal, null or auto");

        return 0;
}

const sd_bus_vtable log_control_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_WRITABLE_PROPERTY("LogLevel", "s", get_level, set_level, 0, 0),
        SD_BUS_WRITABLE_PROPERTY("LogTarget", "s", get_target, set_target, 0, 0),
        SD_BUS_PROPERTY("SyslogIdentifier", "s", get_identifier, 0, 0),
        SD_BUS_VTABLE_END,
};
