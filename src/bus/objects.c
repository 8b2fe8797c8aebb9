/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Objects come and go with the core's rows: sd-bus finds them by path. */

#include "base/text.h"
#include "bus/internal.h"
#include "bus/path.h"
#include "proto/names.h"

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
