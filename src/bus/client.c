/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/client.h"

#include <bsd/sys/queue.h>
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/text.h"
#include "bus/internal.h"

/* Each costs a match rule, of which the system bus allows a connection 512; access.c has 256. */
#define CLIENTS_MAX 200

/* Of each user with a quota, so that no one of them has all the places. */
#define CLIENTS_PER_USER_MAX 50

typedef struct Client {
        TAILQ_ENTRY(Client) link;
        Clients *clients;
        sd_bus_slot *departure;
        uint32_t uid;
        char name[];
} Client;

struct Clients {
        Bus *owner;
        sd_bus *bus;
        Core *core;
        char *bus_id; /* NULL: not asked for yet */
        TAILQ_HEAD(, Client) list;
        unsigned n;
};

static Client *client_free(Client *client) {
        if (!client)
                return NULL;
        if (client->clients) {
                TAILQ_REMOVE(&client->clients->list, client, link);
                client->clients->n--;
        }
        sd_bus_slot_unref(client->departure);
        free(client);
        return NULL;
}

DEFINE_CLEANUP(Client, client_free);

int clients_new(Clients **ret, Bus *bus) {
        Clients *clients = calloc(1, sizeof(*clients));

        if (!clients)
                return -ENOMEM;
        clients->owner = bus;
        clients->bus = bus->bus;
        clients->core = bus->core;
        TAILQ_INIT(&clients->list);
        *ret = clients;
        return 0;
}

Clients *clients_free(Clients *clients) {
        Client *client, *next;

        if (!clients)
                return NULL;
        TAILQ_FOREACH_SAFE(client, &clients->list, link, next)
                client_free(client);
        free(clients->bus_id);
        free(clients);
        return NULL;
}

/* What stays the same as long as the bus runs. (sd_bus_get_bus_id() gives the id of the socket's
 * server, which two buses may share.) */
static int bus_id_get(Clients *clients, const char **ret) {
        sd_bus_message *reply = NULL;
        const char *id;
        int r = 0;

        if (!clients->bus_id) {
                r = sd_bus_call_method(clients->bus, "org.freedesktop.DBus",
                                       "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetId",
                                       NULL, &reply, NULL);
                if (r >= 0)
                        r = sd_bus_message_read(reply, "s", &id);
                if (r >= 0) {
                        clients->bus_id = strdup(id);
                        r = clients->bus_id ? 0 : -ENOMEM;
                }
                sd_bus_message_unref(reply);
        }
        *ret = clients->bus_id;
        return r;
}

static int clients_leave(Clients *clients, const char *name) {
        int r = core_client_left(clients->core, name, clock_now());

        return r < 0 ? bus_fatal(clients->owner, r, "Take in that a client has left") : r;
}

static int on_departure(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        CLEANUP(client_freep) Client *client = userdata;

        (void)message;
        (void)error;
        (void)clients_leave(client->clients, client->name);
        return 0;
}

static Client *clients_find(const Clients *clients, const char *name) {
        Client *client;

        TAILQ_FOREACH(client, &clients->list, link)
                if (streq(client->name, name))
                        return client;
        return NULL;
}

static bool clients_have_room(const Clients *clients, uint32_t uid) {
        const Client *client;
        unsigned n = 0;

        if (clients->n >= CLIENTS_MAX)
                return false;
        if (!quota_binds(&clients->owner->quota, uid))
                return true;
        TAILQ_FOREACH(client, &clients->list, link)
                n += client->uid == uid;
        return n < CLIENTS_PER_USER_MAX;
}

/* Those whose objects have all gone are followed until there is no room for another. */
static bool clients_make_room(Clients *clients, uint32_t uid) {
        Client *client, *next;

        if (clients_have_room(clients, uid))
                return true;
        TAILQ_FOREACH_SAFE(client, &clients->list, link, next)
                if (!core_client_has(clients->core, client->name))
                        client_free(client);
        return clients_have_room(clients, uid);
}

static int client_watch(Client *client, sd_bus *bus) {
        char match[512];
        int n;

        n = snprintf(match, sizeof(match),
                     "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                     "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='%s',arg2=''",
                     client->name);
        if (n < 0 || (size_t)n >= sizeof(match))
                return -E2BIG;
        return sd_bus_add_match(bus, &client->departure, match, on_departure, client);
}

/* Return: 0; -ENXIO: it has left; another negative errno. */
static int clients_follow(Clients *clients, const char *name, uint32_t uid) {
        CLEANUP(client_freep) Client *client = NULL;
        int r;

        client = calloc(1, sizeof(*client) + strlen(name) + 1);
        if (!client)
                return -ENOMEM;
        strcpy(client->name, name);
        client->uid = uid;

        /* Watched first: who leaves after the question has been answered is not missed. */
        r = client_watch(client, clients->bus);
        if (r < 0)
                return r;
        r = sd_bus_get_name_creds(clients->bus, name, 0, NULL);
        if (r < 0)
                return r;

        client->clients = clients;
        TAILQ_INSERT_HEAD(&clients->list, client, link);
        clients->n++;
        TAKE(client);
        return 0;
}

static int clients_restore_one(Clients *clients, const Spec *spec) {
        const char *bus_id;
        int r;

        r = bus_id_get(clients, &bus_id);
        if (r < 0)
                return r;
        r = streq(spec_text(spec, SPEC_CLIENT_BUS), bus_id)
                    ? clients_follow(clients, spec_text(spec, SPEC_CLIENT_NAME), spec->owner)
                    : -ENXIO;
        return r == -ENXIO ? clients_leave(clients, spec_text(spec, SPEC_CLIENT_NAME)) : r;
}

int clients_restore(Clients *clients) {
        const Row *row = core_client_after(clients->core, NULL);
        int r = 0;

        for (; r >= 0 && row;
             row = core_client_after(clients->core, spec_text(row->spec, SPEC_CLIENT_NAME)))
                r = clients_restore_one(clients, row->spec);
        return r;
}

static int clients_full(const Clients *clients, sd_bus_error *error) {
        bool all = clients->n >= CLIENTS_MAX;

        return sd_bus_error_setf(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
                                 "%d clients%s have objects of Lifetime=client already; use "
                                 "\"persistent\", or try again when one has left.",
                                 all ? CLIENTS_MAX : CLIENTS_PER_USER_MAX,
                                 all ? "" : " of this user");
}

int clients_bind(Clients *clients, sd_bus_message *message, Spec **spec, sd_bus_error *error) {
        const char *name = sd_bus_message_get_sender(message), *bus_id;
        int r = 0;

        if (!name)
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS,
                                        "Lifetime=client is for clients on a message bus.");
        if (!clients_find(clients, name)) {
                if (!clients_make_room(clients, (*spec)->owner))
                        return clients_full(clients, error);
                r = clients_follow(clients, name, (*spec)->owner);
        }
        if (r == -ENXIO)
                return sd_bus_error_set(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER,
                                        "The caller has left the bus; nothing was created.");
        if (r >= 0)
                r = bus_id_get(clients, &bus_id);
        if (r >= 0)
                r = spec_set_text(spec, SPEC_CLIENT_BUS, bus_id);
        return r < 0 ? r : spec_set_text(spec, SPEC_CLIENT_NAME, name);
}
