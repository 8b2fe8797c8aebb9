/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Objects come and go with the core's rows: sd-bus finds them by path, and lists them. */

#include <errno.h>

#include "base/text.h"
#include "bus/internal.h"
#include "bus/list.h"
#include "bus/path.h"
#include "proto/names.h"

/* Members of the system bus may send us 32 MiB and no more; so may we. The rest is for the names
 * of what row_weight() does not count. */
#define MANAGED_BYTES_MAX (16U << 20)

int object_find(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret,
                sd_bus_error *error) {
        Bus *self = userdata;
        const Row *row;
        uint64_t number;
        Kind kind;

        (void)bus;
        (void)error;
        kind = streq(interface, session_interface.name) ? KIND_SESSION : KIND_PARTICIPANT;
        if (!path_parse(path, kind, &number))
                return 0;
        row = core_find(self->core, kind, number);
        if (!row)
                return 0;

        self->target = (Target){ self, row };
        *ret = &self->target;
        return 1;
}

/* The interface that a call of GetAll names where it is ours, else NULL. */
static const Interface *call_interface(sd_bus_message *call) {
        const char *name;

        if (!sd_bus_message_is_method_call(call, "org.freedesktop.DBus.Properties", "GetAll") ||
            sd_bus_message_has_signature(call, "s") <= 0 ||
            sd_bus_message_read(call, "s", &name) < 0)
                return NULL;
        if (streq(name, session_interface.name))
                return &session_interface;
        return streq(name, participant_interface.name) ? &participant_interface : NULL;
}

/* sd-bus would do the same by looking each property up by name, and the object more than once: that
 * takes half as long again. A filter, since a callback for the paths would make them known objects
 * to sd-bus, whether there is one or not. */
int object_get_all(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        const Interface *interface = call_interface(call);
        sd_bus_message *reply = NULL;
        void *target;
        int r;

        if (!interface || object_find(sd_bus_message_get_bus(call), sd_bus_message_get_path(call),
                                      interface->name, userdata, &target, error) == 0) {
                (void)sd_bus_message_rewind(call, true);
                return 0;
        }

        r = sd_bus_message_new_method_return(call, &reply);
        if (r >= 0)
                r = interface_append(interface, interface_all(interface), target, reply);
        if (r >= 0)
                r = sd_bus_message_send(reply);
        sd_bus_message_unref(reply);
        return r < 0 ? r : 1;
}

static size_t objects_count(const Bus *bus) {
        CoreStatus status = core_status(bus->core);

        return (size_t)status.n_objects[KIND_SESSION] + status.n_objects[KIND_PARTICIPANT];
}

static bool objects_fit(const Bus *bus) {
        size_t n_bytes = 0;

        if (objects_count(bus) > bus->objects_max)
                return false;
        for (Kind kind = 0; kind < _KIND_MAX; kind++)
                for (const Row *row = core_after(bus->core, kind, 0); row;
                     row = core_after(bus->core, kind, row->number))
                        n_bytes += row_weight(row);
        return n_bytes <= MANAGED_BYTES_MAX;
}

static int paths_list(const Bus *bus, Kind kind, char ***ret) {
        size_t n = 0, n_max = core_status(bus->core).n_objects[kind];
        char **paths = calloc(n_max + 1, sizeof(char *));
        const Row *row = core_after(bus->core, kind, 0);

        if (!paths)
                return -ENOMEM;
        for (; row && n < n_max; row = core_after(bus->core, kind, row->number)) {
                paths[n] = strdup(path_of(kind, row->number).text);
                if (!paths[n])
                        goto fail;
                n++;
        }

        *ret = paths;
        return 0;

fail:
        while (n > 0)
                free(paths[--n]);
        free(paths);
        return -ENOMEM;
}

/* Serves GetManagedObjects and Introspect. A refusal of the former can be said only here. */
static int objects_enumerate(Bus *bus, Kind kind, char ***ret, sd_bus_error *error) {
        sd_bus_message *call = sd_bus_get_current_message(bus->bus);

        if (objects_fit(bus))
                return paths_list(bus, kind, ret);
        if (call && sd_bus_message_is_method_call(call, "org.freedesktop.DBus.ObjectManager",
                                                  "GetManagedObjects"))
                return sd_bus_error_setf(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
                                         "There are too many objects for one answer; call "
                                         "ListSessions and ListParticipants of %s instead.",
                                         CONVENED_MANAGER);
        *ret = NULL;
        return 0;
}

/* The prefix that sd-bus passes is that of the question, not that of the enumerator. */
int sessions_enumerate(sd_bus *bus, const char *prefix, void *userdata, char ***ret,
                       sd_bus_error *error) {
        (void)bus;
        (void)prefix;
        return objects_enumerate(userdata, KIND_SESSION, ret, error);
}

int participants_enumerate(sd_bus *bus, const char *prefix, void *userdata, char ***ret,
                           sd_bus_error *error) {
        (void)bus;
        (void)prefix;
        return objects_enumerate(userdata, KIND_PARTICIPANT, ret, error);
}
