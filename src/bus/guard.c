/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What sd-bus would take from anybody, and should not. */

#include <errno.h>

#include "base/text.h"
#include "bus/errors.h"
#include "bus/internal.h"
#include "bus/path.h"

/* D-Bus Specification, "Message Protocol": no name is longer. */
#define NAME_BYTES_MAX 255

/* sd-bus looks for what there is at each of the paths above that of a call, and takes each of them
 * in whole: for 64 KB that go 32,000 deep nobody else would be served for half a second. */
int guard_path(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const char *path = sd_bus_message_get_path(message);

        (void)userdata;
        if (sd_bus_message_is_method_call(message, NULL, NULL) <= 0 ||
            strnlen(path, PATH_SIZE) < PATH_SIZE)
                return 0;
        /* Whoever is asked whether it is there says so, by whatever path. */
        if (sd_bus_message_is_method_call(message, "org.freedesktop.DBus.Peer", NULL) > 0)
                return 0;
        return sd_bus_error_setf(error, SD_BUS_ERROR_UNKNOWN_OBJECT,
                                 "No object has a path that is as long as that which begins with "
                                 "%.*s.",
                                 error_echo(path), path);
}

static const struct {
        const char *member, *signature;
} calls[] = { { "Get", "ss" }, { "GetAll", "s" }, { "Set", "ssv" } };

/* sd-bus passes over what follows the arguments that it reads. Properties are looked at often, so
 * that this is no list of what is wrong, but of what is right. */
static int check_signature(sd_bus_message *message, sd_bus_error *error) {
        const char *member = sd_bus_message_get_member(message);

        for (size_t i = 0; i < ELEMENTSOF(calls); i++)
                if (streq(member, calls[i].member) &&
                    sd_bus_message_has_signature(message, calls[i].signature) <= 0)
                        return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                                                 "%s has the arguments \"%s\".", member,
                                                 calls[i].signature);
        return 0;
}

/* Reads a name. Return: 0; positive: it can be none; negative errno: there is no text. */
static int read_name(sd_bus_message *message) {
        const char *name;
        int r;

        r = sd_bus_message_read_basic(message, 's', &name);
        if (r == -EBADMSG)
                return 1;
        return r < 0 ? r : strlen(name) > NAME_BYTES_MAX;
}

/* sd-bus repeats in its error what interface and property it does not know: 30 MB of name are 30 MB
 * of answer, three times as much of memory, and with a few that nobody reads the bus takes nothing
 * more from us. */
int guard_properties(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        int r, wrong;

        (void)userdata;
        if (sd_bus_message_is_method_call(message, "org.freedesktop.DBus.Properties", NULL) <= 0)
                return 0;
        r = check_signature(message, error);
        if (r < 0)
                return r;

        wrong = read_name(message);
        if (wrong > 0)
                r = sd_bus_error_setf(error, SD_BUS_ERROR_UNKNOWN_INTERFACE,
                                      "The name of an interface has at most %d bytes of ASCII.",
                                      NAME_BYTES_MAX);
        else if (wrong == 0 && read_name(message) > 0)
                r = sd_bus_error_setf(error, SD_BUS_ERROR_UNKNOWN_PROPERTY,
                                      "The name of a property has at most %d bytes of ASCII.",
                                      NAME_BYTES_MAX);
        (void)sd_bus_message_rewind(message, true);
        return r;
}
