/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A call for three, with C and sd-bus.
 *
 *     cc -o call-sd-bus call-sd-bus.c $(pkg-config --cflags --libs libsystemd)
 *     ./call-sd-bus [TAG]       Enter ends the call
 *
 * Creates a session and three participants who hear each other, shows what becomes of them, and
 * deletes them. convened may be restarted at any time meanwhile: what it has accepted it keeps, and
 * paths stay valid.
 */

#define _GNU_SOURCE /* asprintf */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#define NAME      "org.convened1"
#define ROOT      "/org/convened1"
#define N_OBJECTS 4 /* the session, and then its participants */

typedef struct Object {
        const char *kind; /* "Session" or "Participant" */
        const char *tag;
        char *path;
        char *shown; /* what we have shown of it last */
} Object;

typedef struct Client {
        sd_bus *bus;
        sd_event *event;
        bool enough; /* Enter was pressed */
        bool here;   /* convened is on the bus, as far as its signals have told */
        Object objects[N_OBJECTS];
} Client;

/* Sends and frees a call. -EAGAIN: convened is not there, or left before it had replied; -ENXIO:
 * there is no such object (any more). */
static int call(Client *client, sd_bus_message *message, sd_bus_message **ret_reply) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_call(client->bus, message, 0, &error, ret_reply);
        if (sd_bus_error_has_names(&error, SD_BUS_ERROR_SERVICE_UNKNOWN, SD_BUS_ERROR_NO_REPLY)) {
                client->here = false;
                r = -EAGAIN;
        } else if (sd_bus_error_has_name(&error, SD_BUS_ERROR_UNKNOWN_OBJECT))
                r = -ENXIO;
        else if (r < 0)
                fprintf(stderr, "%s\n", error.message ? error.message : strerror(-r));
        sd_bus_error_free(&error);
        sd_bus_message_unref(message);
        return r;
}

static int call_new(Client *client, sd_bus_message **ret, const char *path, const char *kind,
                    const char *method) {
        char interface[64];

        snprintf(interface, sizeof(interface), NAME ".%s", kind);
        return sd_bus_message_new_method_call(client->bus, ret, NAME, path, interface, method);
}

static int find(Client *client, const Object *object, const char *session, char **ret_path) {
        sd_bus_message *message, *reply;
        char method[32];
        const char *path;
        int r;

        snprintf(method, sizeof(method), "List%ss", object->kind);
        r = call_new(client, &message, ROOT, "Manager", method);
        if (r < 0)
                return r;
        /* what is after the number of entries is not looked at */
        sd_bus_message_append(message, "a{sv}", session ? 2 : 1, "Tag", "s", object->tag, "Session",
                              "o", session);
        sd_bus_message_append(message, "tu", (uint64_t)0, (uint32_t)1);
        r = call(client, message, &reply);
        if (r < 0)
                return r;

        sd_bus_message_enter_container(reply, 'a', "(oa{sv})");
        r = sd_bus_message_enter_container(reply, 'r', "oa{sv}");
        if (r > 0)
                r = sd_bus_message_read(reply, "o", &path);
        if (r > 0) {
                *ret_path = strdup(path);
                r = *ret_path ? 1 : -ENOMEM;
        }
        sd_bus_message_unref(reply);
        return r;
}

static int create(Client *client, const Object *object, const char *session, char **ret_path) {
        sd_bus_message *message, *reply;
        char method[32];
        const char *path;
        int r;

        snprintf(method, sizeof(method), "Create%s", object->kind);
        r = call_new(client, &message, ROOT, "Manager", method);
        if (r < 0)
                return r;
        /* "session": who hears everybody in it */
        sd_bus_message_append(message, "a{sv}", session ? 4 : 1, "Tag", "s", object->tag, "Session",
                              "o", session, "SubscriptionMode", "s", "session",
                              "PublishPermissions", "as", 1, "AUDIO");
        r = call(client, message, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "o", &path);
        if (r > 0) {
                *ret_path = strdup(path);
                r = *ret_path ? 0 : -ENOMEM;
        }
        sd_bus_message_unref(reply);
        return r;
}

/* Lets events happen until convened is there. */
static void await_service(Client *client) {
        while (!client->here && sd_event_run(client->event, UINT64_MAX) >= 0)
                ;
}

/* It looks before it creates. So nothing is created twice, whether a reply was lost because
 * convened was restarted, or this program was: the tag tells what is ours. */
static int find_or_create(Client *client, Object *object, const char *session) {
        int r;

        for (;;) {
                r = find(client, object, session, &object->path);
                if (r == 0)
                        r = create(client, object, session, &object->path);
                if (r != -EAGAIN)
                        return r;
                await_service(client);
        }
}

static int object_delete(Client *client, const Object *object) {
        sd_bus_message *message;
        int r;

        for (;;) {
                r = call_new(client, &message, object->path, object->kind, "Delete");
                if (r < 0)
                        return r;
                sd_bus_message_append(message, "a{sv}", 0);
                r = call(client, message, NULL);
                if (r == -ENXIO) /* gone already is as good */
                        return 0;
                if (r != -EAGAIN)
                        return r;
                await_service(client);
        }
}

/* Prints what there is to know about an object, when that has changed. */
static void show(Client *client, Object *object) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        char interface[64], *state = NULL, *line = NULL;
        int in_sync, r;

        snprintf(interface, sizeof(interface), NAME ".%s", object->kind);
        r = sd_bus_get_property_string(client->bus, NAME, object->path, interface, "State", &error,
                                       &state);
        if (r >= 0)
                r = sd_bus_get_property_trivial(client->bus, NAME, object->path, interface,
                                                "InSync", &error, 'b', &in_sync);
        if (r >= 0)
                r = asprintf(&line, "%s, %s", state, in_sync ? "in sync" : "not yet in sync");
        else if (sd_bus_error_has_name(&error, SD_BUS_ERROR_UNKNOWN_OBJECT))
                line = strdup("gone");

        if (line && (!object->shown || strcmp(object->shown, line) != 0)) {
                printf("%s: %s\n", object->tag, line);
                free(object->shown);
                object->shown = line;
        } else
                free(line);
        free(state);
        sd_bus_error_free(&error);
}

/* A signal says when to look. */
static int on_signal(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Client *client = userdata;
        const char *path = sd_bus_message_get_path(message);

        (void)error;
        /* InterfacesRemoved comes from the root, and names the object */
        if (sd_bus_message_has_signature(message, "oas"))
                sd_bus_message_read(message, "o", &path);

        for (Object *object = client->objects; object < client->objects + N_OBJECTS; object++)
                if (object->path && strcmp(object->path, path) == 0)
                        show(client, object);
        return 0;
}

/* After a restart we look at everything. */
static int on_name_owner_changed(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Client *client = userdata;
        const char *name, *old_owner, *new_owner;

        (void)error;
        if (sd_bus_message_read(message, "sss", &name, &old_owner, &new_owner) < 0)
                return 0;
        client->here = *new_owner;
        printf("convened is %s\n", client->here ? "there" : "away");

        for (Object *object = client->objects; object < client->objects + N_OBJECTS; object++)
                if (client->here && object->path)
                        show(client, object);
        return 0;
}

static int on_enter(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Client *client = userdata;

        (void)fd, (void)events;
        client->enough = true;
        return sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

static int client_init(Client *client) {
        int r;

        r = sd_event_default(&client->event);
        if (r >= 0)
                r = sd_bus_open_user(&client->bus);
        if (r >= 0)
                r = sd_bus_attach_event(client->bus, client->event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = sd_bus_add_match(client->bus, NULL,
                                     "type='signal',sender='" NAME "',path_namespace='" ROOT "'",
                                     on_signal, client);
        if (r >= 0)
                r = sd_bus_add_match(client->bus, NULL,
                                     "type='signal',sender='org.freedesktop.DBus',"
                                     "member='NameOwnerChanged',arg0='" NAME "'",
                                     on_name_owner_changed, client);
        return r;
}

static int run(Client *client) {
        const char *session = NULL;
        int r;

        for (Object *object = client->objects; object < client->objects + N_OBJECTS; object++) {
                r = find_or_create(client, object, session);
                if (r < 0)
                        return r;
                /* GetToken, on a participant, gives what its phone or browser joins the call
                 * with */
                session = client->objects[0].path;
                show(client, object);
        }

        r = sd_event_add_io(client->event, NULL, STDIN_FILENO, EPOLLIN, on_enter, client);
        while (r >= 0 && !client->enough)
                r = sd_event_run(client->event, UINT64_MAX);
        return r;
}

static int hang_up(Client *client) {
        int r = 0;

        for (int i = N_OBJECTS - 1; i >= 0 && r >= 0; i--)
                if (client->objects[i].path)
                        r = object_delete(client, &client->objects[i]);
        if (r >= 0)
                printf("cleaned up\n");
        return r;
}

int main(int argc, char **argv) {
        Client client = {
                .objects = {
                        { .kind = "Session", .tag = argc > 1 ? argv[1] : "standup" },
                        { .kind = "Participant", .tag = "alice" },
                        { .kind = "Participant", .tag = "bob" },
                        { .kind = "Participant", .tag = "carol" },
                },
        };
        int r;

        setlinebuf(stdout);
        r = client_init(&client);
        if (r >= 0)
                r = run(&client);
        if (r >= 0)
                r = hang_up(&client);
        if (r < 0)
                fprintf(stderr, "%s\n", strerror(-r));

        for (int i = 0; i < N_OBJECTS; i++) {
                free(client.objects[i].path);
                free(client.objects[i].shown);
        }
        sd_bus_flush_close_unref(client.bus);
        sd_event_unref(client.event);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
