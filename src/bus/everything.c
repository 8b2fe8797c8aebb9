/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* All objects in one answer, as long as there are few enough: GetManagedObjects, and Introspect of
 * the paths above them. sd-bus would look up each property of each object by its name, and keep
 * everybody waiting meanwhile; where these are answered here they can wait for their turn. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "bus/call.h"
#include "bus/list.h"
#include "bus/path.h"
#include "proto/names.h"

/* Members of the system bus may send us 32 MiB and no more; so may we. The rest is for the names
 * of what row_weight() does not count. */
#define MANAGED_BYTES_MAX (16U << 20)

static bool objects_are_few(const Bus *bus) {
        CoreStatus status = core_status(bus->core);

        return (size_t)status.n_objects[KIND_SESSION] + status.n_objects[KIND_PARTICIPANT] <=
               bus->objects_max;
}

static bool objects_fit(const Bus *bus) {
        size_t n_bytes = 0;

        if (!objects_are_few(bus))
                return false;
        for (Kind kind = 0; kind < _KIND_MAX; kind++)
                for (const Row *row = core_after(bus->core, kind, 0); row;
                     row = core_after(bus->core, kind, row->number))
                        n_bytes += row_weight(row);
        return n_bytes <= MANAGED_BYTES_MAX;
}

static int too_many(sd_bus_error *error) {
        return sd_bus_error_setf(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
                                 "There are too many objects for one answer; call ListSessions and "
                                 "ListParticipants of %s instead.",
                                 CONVENED_MANAGER);
}

/* One of the interfaces of an object, without its properties. */
static int interface_open(sd_bus_message *reply, const char *name) {
        int r;

        r = sd_bus_message_open_container(reply, 'e', "sa{sv}");
        return r < 0 ? r : append_s(reply, name);
}

/* Those that sd-bus gives to every object have no properties. */
static int standard_append(sd_bus_message *reply) {
        static const char *const names[] = { "org.freedesktop.DBus.Peer",
                                             "org.freedesktop.DBus.Introspectable",
                                             "org.freedesktop.DBus.Properties" };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(names); i++) {
                r = interface_open(reply, names[i]);
                if (r >= 0)
                        r = sd_bus_message_append(reply, "a{sv}", 0);
                if (r >= 0)
                        r = sd_bus_message_close_container(reply);
        }
        return r;
}

static int object_append(Bus *bus, const Row *row, sd_bus_message *reply) {
        const Interface *interface = interface_of(row->kind);
        int r;

        r = sd_bus_message_open_container(reply, 'e', "oa{sa{sv}}");
        if (r >= 0)
                r = append_o(reply, path_of(row->kind, row->number).text);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "{sa{sv}}");
        if (r >= 0)
                r = standard_append(reply);
        if (r >= 0)
                r = interface_open(reply, interface->name);
        if (r >= 0)
                r = interface_append(interface, interface_all(interface), &(Target){ bus, row },
                                     reply);
        for (unsigned depth = 0; r >= 0 && depth < 3; depth++)
                r = sd_bus_message_close_container(reply);
        return r;
}

static int objects_append(Bus *bus, sd_bus_message *reply) {
        int r;

        r = sd_bus_message_open_container(reply, 'a', "{oa{sa{sv}}}");
        for (Kind kind = 0; kind < _KIND_MAX; kind++)
                for (const Row *row = core_after(bus->core, kind, 0); r >= 0 && row;
                     row = core_after(bus->core, kind, row->number))
                        r = object_append(bus, row, reply);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int managed_answer(Call *call, sd_bus_error *error) {
        sd_bus_message *reply = NULL;
        int r;

        if (!objects_fit(call->bus))
                return too_many(error);
        r = sd_bus_message_new_method_return(call->message, &reply);
        if (r >= 0)
                r = objects_append(call->bus, reply);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return r < 0 ? r : 1;
}

static int run_managed(Call *call, sd_bus_error *error) {
        /* Refused before it takes a place: else clients with too much to read in this way would
         * wait for their turn to be told so. */
        if (!objects_are_few(call->bus))
                return too_many(error);
        return bulk_read(call, managed_answer, error);
}

/* What sd-bus says of paths that are there only for those below them. */
#define INTROSPECTION_BEGIN                                                                        \
        "<!DOCTYPE node PUBLIC \"-//freedesktop//DTD D-BUS Object Introspection 1.0//EN\"\n"       \
        "\"https://www.freedesktop.org/standards/dbus/1.0/introspect.dtd\">\n"                     \
        "<node>\n"                                                                                 \
        " <interface name=\"org.freedesktop.DBus.Peer\">\n"                                        \
        "  <method name=\"Ping\"/>\n"                                                              \
        "  <method name=\"GetMachineId\">\n"                                                       \
        "   <arg type=\"s\" name=\"machine_uuid\" direction=\"out\"/>\n"                           \
        "  </method>\n"                                                                            \
        " </interface>\n"                                                                          \
        " <interface name=\"org.freedesktop.DBus.Introspectable\">\n"                              \
        "  <method name=\"Introspect\">\n"                                                         \
        "   <arg name=\"xml_data\" type=\"s\" direction=\"out\"/>\n"                               \
        "  </method>\n"                                                                            \
        " </interface>\n"                                                                          \
        " <interface name=\"org.freedesktop.DBus.Properties\">\n"                                  \
        "  <method name=\"Get\">\n"                                                                \
        "   <arg name=\"interface_name\" direction=\"in\" type=\"s\"/>\n"                          \
        "   <arg name=\"property_name\" direction=\"in\" type=\"s\"/>\n"                           \
        "   <arg name=\"value\" direction=\"out\" type=\"v\"/>\n"                                  \
        "  </method>\n"                                                                            \
        "  <method name=\"GetAll\">\n"                                                             \
        "   <arg name=\"interface_name\" direction=\"in\" type=\"s\"/>\n"                          \
        "   <arg name=\"props\" direction=\"out\" type=\"a{sv}\"/>\n"                              \
        "  </method>\n"                                                                            \
        "  <method name=\"Set\">\n"                                                                \
        "   <arg name=\"interface_name\" direction=\"in\" type=\"s\"/>\n"                          \
        "   <arg name=\"property_name\" direction=\"in\" type=\"s\"/>\n"                           \
        "   <arg name=\"value\" direction=\"in\" type=\"v\"/>\n"                                   \
        "  </method>\n"                                                                            \
        "  <signal name=\"PropertiesChanged\">\n"                                                  \
        "   <arg type=\"s\" name=\"interface_name\"/>\n"                                           \
        "   <arg type=\"a{sv}\" name=\"changed_properties\"/>\n"                                   \
        "   <arg type=\"as\" name=\"invalidated_properties\"/>\n"                                  \
        "  </signal>\n"                                                                            \
        " </interface>\n"
#define INTROSPECTION_END "</node>\n"

static int children_answer(Call *call, sd_bus_error *error) {
        CLEANUP(freep) char *text = NULL;
        size_t n;
        FILE *file = open_memstream(&text, &n);

        (void)error;
        if (!file)
                return -ENOMEM;
        (void)fputs(INTROSPECTION_BEGIN, file);
        if (objects_are_few(call->bus))
                for (const Row *row = core_after(call->bus->core, call->kind, 0); row;
                     row = core_after(call->bus->core, call->kind, row->number))
                        (void)fprintf(file, " <node name=\"%" PRIu64 "\"/>\n", row->number);
        (void)fputs(INTROSPECTION_END, file);
        if (fclose(file) != 0)
                return -ENOMEM;
        return sd_bus_reply_method_return(call->message, "s", text);
}

static int run_children(Call *call, sd_bus_error *error) {
        return bulk_read(call, children_answer, error);
}

static bool is_call(sd_bus_message *message, const char *interface, const char *member) {
        return sd_bus_message_is_method_call(message, interface, member) > 0 &&
               sd_bus_message_has_signature(message, "") > 0;
}

/* What @message asks for, as a .run; NULL: something else. */
static CallRun everything_asked(sd_bus_message *message, Kind *ret) {
        const char *path = sd_bus_message_get_path(message);

        if (is_call(message, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects"))
                return streq(path, CONVENED_PATH) ? run_managed : NULL;
        if (is_call(message, "org.freedesktop.DBus.Introspectable", "Introspect"))
                for (*ret = 0; *ret < _KIND_MAX; (*ret)++)
                        if (streq(path, path_prefix(*ret)))
                                return run_children;
        return NULL;
}

int everything_read(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Kind kind = KIND_SESSION;
        CallRun run = everything_asked(message, &kind);
        Call *call;
        int r;

        if (!run)
                return 0;
        r = call_new(&call, userdata, message);
        if (r < 0)
                return r;
        call->kind = kind;
        call->run = run;
        return call_start(call, &(Question){ .action = ACTION_READ }, error);
}
