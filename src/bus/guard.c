/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What sd-bus would take from anybody, and should not. */

#include <string.h>

#include "bus/internal.h"

/* D-Bus Specification, "Message Protocol": no name is longer. */
#define NAME_BYTES_MAX 255

/* sd-bus repeats in its error what interface and property it does not know: 30 MB of name are 30 MB
 * of answer, three times as much of memory, and with a few that nobody reads the bus takes nothing
 * more from us. */
int guard_names(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const char *interface, *property;
        int r = 0;

        (void)userdata;
        if (sd_bus_message_is_method_call(message, "org.freedesktop.DBus.Properties", NULL) <= 0)
                return 0;
        if (sd_bus_message_read_basic(message, 's', &interface) > 0) {
                if (strlen(interface) > NAME_BYTES_MAX)
                        r = sd_bus_error_setf(error, SD_BUS_ERROR_UNKNOWN_INTERFACE,
                                              "The name of an interface has at most %d bytes.",
                                              NAME_BYTES_MAX);
                else if (sd_bus_message_read_basic(message, 's', &property) > 0 &&
                         strlen(property) > NAME_BYTES_MAX)
                        r = sd_bus_error_setf(error, SD_BUS_ERROR_UNKNOWN_PROPERTY,
                                              "The name of a property has at most %d bytes.",
                                              NAME_BYTES_MAX);
        }
        (void)sd_bus_message_rewind(message, true);
        return r;
}
