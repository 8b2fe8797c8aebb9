/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * bench-echo NUMBER
 * bench-echo --instead
 *
 * The yardstick of calls: asks convened once for a session and the page that follows it, then
 * answers the same calls, about any session, with those bytes, as org.convened1.Echo. There is no
 * cheaper way to build them with sd-bus than one sd_bus_message_append() for a session.
 *
 * With --instead it has the name of a convened that is not there, looks at no argument, and has an
 * answer to every call: what makes an object gets a path, GetAll all properties of a session, and
 * everything else an error.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>

#include "bench/shape.h"
#include "proto/names.h"

#define ECHO_NAME  CONVENED_BUS_NAME ".Echo"
#define PAGE_SIZE_ 100

typedef struct Values {
        char path[64], id[65], tag[64], state[16], lifetime[16];
        uint64_t number, next_attempt, created, synced, expires;
        uint32_t attempts, owner;
        int in_sync;
} Values;

static Values page[PAGE_SIZE_];

static void check(const char *what, int r) {
        if (r >= 0)
                return;
        (void)fprintf(stderr, "bench-echo: %s: %s\n", what, strerror(-r));
        exit(EXIT_FAILURE);
}

#define DICTIONARY "a{sv}"
#define PROPERTIES(v)                                                                              \
        14, "Number", "t", (v)->number, "Id", "s", (v)->id, "Tag", "s", (v)->tag, "State", "s",    \
                (v)->state, "InSync", "b", (v)->in_sync, "LastError", "(ss)", "", "", "Attempts",  \
                "u", (v)->attempts, "NextAttemptUSec", "t", (v)->next_attempt, "Owner", "u",       \
                (v)->owner, "Lifetime", "s", (v)->lifetime, "CreatedUSec", "t", (v)->created,      \
                "SyncedUSec", "t", (v)->synced, "Participants", "ao", 0, "ExpiresUSec", "t",       \
                (v)->expires

static int method_get_session(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        (void)userdata;
        (void)error;
        return sd_bus_reply_method_return(call, "o", page[0].path);
}

static int method_list(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        sd_bus_message *reply = NULL;
        int r;

        (void)userdata;
        (void)error;
        r = sd_bus_message_new_method_return(call, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(oa{sv})");
        for (unsigned i = 0; r >= 0 && i < PAGE_SIZE_; i++)
                r = sd_bus_message_append(reply, "(oa{sv})", page[i].path, PROPERTIES(page + i));
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "t", page[PAGE_SIZE_ - 1].number);
        if (r >= 0)
                r = sd_bus_message_send(reply);
        sd_bus_message_unref(reply);
        return r;
}

static int on_get_all(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        (void)userdata;
        (void)error;
        if (!sd_bus_message_is_method_call(call, "org.freedesktop.DBus.Properties", "GetAll"))
                return 0;
        return sd_bus_reply_method_return(call, DICTIONARY, PROPERTIES(page));
}

static int on_any(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        int r;

        if (!sd_bus_message_is_method_call(call, NULL, NULL))
                return 0;
        if (sd_bus_message_is_method_call(call, CONVENED_MANAGER, "CreateSession"))
                return sd_bus_reply_method_return(call, "o", CONVENED_PATH_SESSION "/1");
        if (sd_bus_message_is_method_call(call, CONVENED_MANAGER, "CreateParticipant"))
                return sd_bus_reply_method_return(call, "o", CONVENED_PATH_PARTICIPANT "/1");
        r = on_get_all(call, userdata, error);
        return r != 0 ? r : sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS, "An echo is empty.");
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("GetSession", "s", "o", method_get_session, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("ListSessions", "a{sv}tu", "a(oa{sv})t", method_list,
                      SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

/* The properties come in the order of PROPERTIES: that of the daemon's table. */
static void read_values(sd_bus_message *message, Values *v) {
        const char *path, *id, *tag, *state, *lifetime, *error, *text;

        check("row", sd_bus_message_enter_container(message, 'r', "oa{sv}"));
        check("path", sd_bus_message_read(message, "o", &path));
        check("properties",
              sd_bus_message_read(message, DICTIONARY, 14, &text, "t", &v->number, &text, "s", &id,
                                  &text, "s", &tag, &text, "s", &state, &text, "b", &v->in_sync,
                                  &text, "(ss)", &error, &error, &text, "u", &v->attempts, &text,
                                  "t", &v->next_attempt, &text, "u", &v->owner, &text, "s",
                                  &lifetime, &text, "t", &v->created, &text, "t", &v->synced, &text,
                                  "ao", 0, &text, "t", &v->expires));
        check("row", sd_bus_message_exit_container(message));
        (void)snprintf(v->path, sizeof(v->path), "%s", path);
        (void)snprintf(v->id, sizeof(v->id), "%s", id);
        (void)snprintf(v->tag, sizeof(v->tag), "%s", tag);
        (void)snprintf(v->state, sizeof(v->state), "%s", state);
        (void)snprintf(v->lifetime, sizeof(v->lifetime), "%s", lifetime);
}

/* Takes over what convened says of the session with this number, and of those that follow it. */
static void read_page(sd_bus *bus, uint64_t number) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;

        check("ListSessions", sd_bus_call_method(bus, CONVENED_BUS_NAME, CONVENED_PATH,
                                                 CONVENED_MANAGER, "ListSessions", &error, &reply,
                                                 "a{sv}tu", 0, number - 1, PAGE_SIZE_));
        check("page", sd_bus_message_enter_container(reply, 'a', "(oa{sv})"));
        for (unsigned i = 0; i < PAGE_SIZE_; i++)
                read_values(reply, page + i);
        sd_bus_message_unref(reply);
}

static void serve_beside(sd_bus *bus, uint64_t number) {
        read_page(bus, number);
        check("manager",
              sd_bus_add_object_vtable(bus, NULL, CONVENED_PATH, CONVENED_MANAGER, vtable, NULL));
        check("sessions", sd_bus_add_fallback(bus, NULL, CONVENED_PATH_SESSION, on_get_all, NULL));
        check("name", sd_bus_request_name(bus, ECHO_NAME, 0));
}

static void serve_instead(sd_bus *bus) {
        check("filter", sd_bus_add_filter(bus, NULL, on_any, NULL));
        check("name", sd_bus_request_name(bus, CONVENED_BUS_NAME, 0));
}

int main(int argc, char *argv[]) {
        sd_bus *bus = NULL;
        int r;

        check("bus", sd_bus_open_system(&bus));
        if (argc > 1 && strcmp(argv[1], "--instead") == 0)
                serve_instead(bus);
        else
                serve_beside(bus, argc > 1 ? strtoull(argv[1], NULL, 10) : 1);
        (void)puts("ready");
        (void)fflush(stdout);
        while ((r = sd_bus_process(bus, NULL)) >= 0)
                if (r == 0)
                        check("wait", sd_bus_wait(bus, UINT64_MAX));
        return EXIT_FAILURE;
}
