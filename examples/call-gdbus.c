/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A call for three, with C and GDBus (of GLib).
 *
 *     cc -o call-gdbus call-gdbus.c $(pkg-config --cflags --libs gio-2.0)
 *     ./call-gdbus [TAG]       Enter ends the call
 *
 * Creates a session and three participants who hear each other, shows what becomes of them, and
 * deletes them. convened may be restarted at any time meanwhile: what it has accepted it keeps, and
 * paths stay valid.
 */

#include <gio/gio.h>
#include <glib-unix.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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
        GDBusConnection *bus;
        gboolean enough; /* Enter was pressed */
        gboolean here;   /* convened is on the bus, as far as we have been told */
        Object objects[N_OBJECTS];
} Client;

static GVariant *call(Client *client, const char *path, const char *interface, const char *method,
                      GVariant *arguments, GError **error) {
        return g_dbus_connection_call_sync(client->bus, NAME, path, interface, method, arguments,
                                           NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, error);
}

/* When that was the error: takes it, lets events happen until convened is there, and returns TRUE.
 * What was called has to bear being repeated. */
static gboolean await_service(Client *client, GError **error) {
        if (!g_error_matches(*error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN) &&
            !g_error_matches(*error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY))
                return FALSE;
        g_clear_error(error);
        client->here = FALSE;
        while (!client->here)
                g_main_context_iteration(NULL, TRUE);
        return TRUE;
}

/* The path of what bears this tag; NULL where there is none, or with an error. */
static char *find(Client *client, const Object *object, const char *session, GError **error) {
        g_autofree char *method = g_strdup_printf("List%ss", object->kind);
        g_autoptr(GVariant) reply = NULL;
        g_autoptr(GVariantIter) rows = NULL;
        GVariantBuilder filter = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);
        char *path = NULL;

        g_variant_builder_add(&filter, "{sv}", "Tag", g_variant_new_string(object->tag));
        if (session)
                g_variant_builder_add(&filter, "{sv}", "Session",
                                      g_variant_new_object_path(session));
        reply = call(client, ROOT, NAME ".Manager", method,
                     g_variant_new("(a{sv}tu)", &filter, (guint64)0, 1), error);
        if (!reply)
                return NULL;
        g_variant_get(reply, "(a(oa{sv})t)", &rows, NULL);
        g_variant_iter_next(rows, "(o@a{sv})", &path, NULL);
        return path;
}

static char *create(Client *client, const Object *object, const char *session, GError **error) {
        g_autofree char *method = g_strdup_printf("Create%s", object->kind);
        g_autoptr(GVariant) reply = NULL;
        GVariantBuilder properties = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);
        char *path = NULL;

        g_variant_builder_add(&properties, "{sv}", "Tag", g_variant_new_string(object->tag));
        if (session) {
                const char *audio[] = { "AUDIO", NULL };

                g_variant_builder_add(&properties, "{sv}", "Session",
                                      g_variant_new_object_path(session));
                g_variant_builder_add(&properties, "{sv}", "PublishPermissions",
                                      g_variant_new_strv(audio, -1));
                /* hears everybody in it */
                g_variant_builder_add(&properties, "{sv}", "SubscriptionMode",
                                      g_variant_new_string("session"));
        }
        reply = call(client, ROOT, NAME ".Manager", method, g_variant_new("(a{sv})", &properties),
                     error);
        if (reply)
                g_variant_get(reply, "(o)", &path);
        return path;
}

/* It looks before it creates. So nothing is created twice, whether a reply was lost because
 * convened was restarted, or this program was: the tag tells what is ours. */
static gboolean find_or_create(Client *client, Object *object, const char *session,
                               GError **error) {
        do {
                object->path = find(client, object, session, error);
                if (!object->path && !*error)
                        object->path = create(client, object, session, error);
        } while (!object->path && await_service(client, error));
        return object->path != NULL;
}

static gboolean object_delete(Client *client, const Object *object, GError **error) {
        g_autofree char *interface = g_strconcat(NAME ".", object->kind, NULL);
        GVariant *reply;

        do
                reply = call(client, object->path, interface, "Delete",
                             g_variant_new("(a{sv})", NULL), error);
        while (!reply && await_service(client, error));

        if (g_error_matches(*error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT))
                g_clear_error(error); /* gone already is as good */
        g_clear_pointer(&reply, g_variant_unref);
        return !*error;
}

/* Prints what there is to know about an object, when that has changed. */
static void show(Client *client, Object *object) {
        g_autofree char *interface = g_strconcat(NAME ".", object->kind, NULL);
        g_autofree char *line = NULL;
        g_autoptr(GVariant) reply = NULL;
        g_autoptr(GError) error = NULL;

        reply = call(client, object->path, "org.freedesktop.DBus.Properties", "GetAll",
                     g_variant_new("(s)", interface), &error);
        if (reply) {
                g_autoptr(GVariant) values = g_variant_get_child_value(reply, 0);
                const char *state = "";
                gboolean in_sync = FALSE;

                g_variant_lookup(values, "State", "&s", &state);
                g_variant_lookup(values, "InSync", "b", &in_sync);
                line = g_strdup_printf("%s, %s", state, in_sync ? "in sync" : "not yet in sync");
        } else if (g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT))
                line = g_strdup("gone");

        if (!line || g_strcmp0(object->shown, line) == 0)
                return;
        g_print("%s: %s\n", object->tag, line);
        g_free(object->shown);
        object->shown = g_steal_pointer(&line);
}

/* A signal says when to look. */
static void on_signal(GDBusConnection *bus, const char *sender, const char *path,
                      const char *interface, const char *signal, GVariant *arguments,
                      gpointer userdata) {
        Client *client = userdata;

        (void)bus, (void)sender, (void)interface;
        /* it comes from the root, and names the object */
        if (g_str_equal(signal, "InterfacesRemoved"))
                g_variant_get(arguments, "(&oas)", &path, NULL);
        for (Object *object = client->objects; object < client->objects + N_OBJECTS; object++)
                if (g_strcmp0(object->path, path) == 0)
                        show(client, object);
}

/* After a restart we look at everything. */
static void on_appeared(GDBusConnection *bus, const char *name, const char *owner,
                        gpointer userdata) {
        Client *client = userdata;

        (void)bus, (void)name, (void)owner;
        client->here = TRUE;
        g_print("convened is there\n");
        for (Object *object = client->objects; object < client->objects + N_OBJECTS; object++)
                if (object->path)
                        show(client, object);
}

static void on_vanished(GDBusConnection *bus, const char *name, gpointer userdata) {
        (void)bus, (void)name, (void)userdata;
        g_print("convened is away\n");
}

static gboolean on_enter(int fd, GIOCondition condition, gpointer userdata) {
        Client *client = userdata;

        (void)fd, (void)condition;
        client->enough = TRUE;
        return G_SOURCE_REMOVE;
}

static gboolean run(Client *client, GError **error) {
        const char *session = NULL;

        for (Object *object = client->objects; object < client->objects + N_OBJECTS; object++) {
                if (!find_or_create(client, object, session, error))
                        return FALSE;
                /* GetToken, on a participant, gives what its phone or browser joins the call
                 * with */
                session = client->objects[0].path;
                show(client, object);
        }

        g_unix_fd_add(STDIN_FILENO, G_IO_IN | G_IO_HUP, on_enter, client);
        while (!client->enough)
                g_main_context_iteration(NULL, TRUE);

        for (int i = N_OBJECTS - 1; i >= 0; i--)
                if (!object_delete(client, &client->objects[i], error))
                        return FALSE;
        g_print("cleaned up\n");
        return TRUE;
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
        g_autoptr(GError) error = NULL;
        guint watch, subscription;

        setlinebuf(stdout);
        client.bus = g_bus_get_sync(G_BUS_TYPE_SESSION, NULL, &error);
        if (!client.bus) {
                g_printerr("%s\n", error->message);
                return EXIT_FAILURE;
        }
        subscription = g_dbus_connection_signal_subscribe(client.bus, NAME, NULL, NULL, NULL, NULL,
                                                          G_DBUS_SIGNAL_FLAGS_NONE, on_signal,
                                                          &client, NULL);
        watch = g_bus_watch_name_on_connection(client.bus, NAME, G_BUS_NAME_WATCHER_FLAGS_NONE,
                                               on_appeared, on_vanished, &client, NULL);

        if (!run(&client, &error))
                g_printerr("%s\n", error->message);

        g_bus_unwatch_name(watch);
        g_dbus_connection_signal_unsubscribe(client.bus, subscription);
        for (int i = 0; i < N_OBJECTS; i++) {
                g_free(client.objects[i].path);
                g_free(client.objects[i].shown);
        }
        g_object_unref(client.bus);
        return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
