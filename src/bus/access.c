/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/access.h"

#include <bsd/sys/queue.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/text.h"

/* Enough for those who are busy at one time; each costs a match rule, of which the system bus
 * allows a connection 512. */
#define CALLERS_MAX 256

/* What is known of a unique name. Names are never used again while the bus runs. */
typedef struct Caller {
        TAILQ_ENTRY(Caller) link;
        Access *access;
        sd_bus_slot *departure;
        uint32_t uid;
        char name[];
} Caller;

struct Access {
        sd_bus *bus; /* borrowed: who owns the Access holds it */
        bool system;
        TAILQ_HEAD(Callers, Caller) callers; /* asked last comes first */
        unsigned n_callers;
};

typedef enum Rule { RULE_ANYBODY, RULE_OWNER_OF_ALL, RULE_OWNER_OF_ANY, RULE_ROOT } Rule;

static const Rule rules[_ACTION_MAX] = {
        [ACTION_READ] = RULE_ANYBODY,
        [ACTION_CREATE] = RULE_ANYBODY,
        [ACTION_CREATE_JOINED] = RULE_OWNER_OF_ALL,
        [ACTION_DELETE_SESSION] = RULE_OWNER_OF_ALL,
        [ACTION_DELETE_PARTICIPANT] = RULE_OWNER_OF_ALL,
        [ACTION_SUBSCRIBE] = RULE_OWNER_OF_ALL,
        [ACTION_GET_TOKEN] = RULE_OWNER_OF_ALL,
        /* Nobody pulls another's microphone into a call, or listens in. */
        [ACTION_ADD] = RULE_OWNER_OF_ALL,
        [ACTION_REMOVE] = RULE_OWNER_OF_ANY,
        [ACTION_RELOAD] = RULE_ROOT,
};

static Caller *caller_free(Caller *caller) {
        if (!caller)
                return NULL;
        if (caller->access) {
                TAILQ_REMOVE(&caller->access->callers, caller, link);
                caller->access->n_callers--;
        }
        sd_bus_slot_unref(caller->departure);
        free(caller);
        return NULL;
}

DEFINE_CLEANUP(Caller, caller_free);

int access_new(Access **ret, sd_bus *bus, bool system) {
        Access *access = calloc(1, sizeof(*access));

        if (!access)
                return -ENOMEM;
        access->bus = bus;
        access->system = system;
        TAILQ_INIT(&access->callers);

        *ret = access;
        return 0;
}

Access *access_free(Access *access) {
        Caller *caller, *next;

        if (!access)
                return NULL;
        TAILQ_FOREACH_SAFE(caller, &access->callers, link, next)
                caller_free(caller);
        free(access);
        return NULL;
}

static int on_departure(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        (void)message;
        (void)error;
        caller_free(userdata);
        return 0;
}

/* Without a callback of ours sd-bus would give up the whole connection when the bus refuses. */
static int on_watching(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        (void)error;
        if (sd_bus_message_is_method_error(message, NULL))
                caller_free(userdata);
        return 0;
}

static int caller_watch(Caller *caller, sd_bus *bus) {
        char match[512];
        int n;

        n = snprintf(match, sizeof(match),
                     "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                     "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='%s'",
                     caller->name);
        if (n < 0 || (size_t)n >= sizeof(match))
                return -E2BIG;
        return sd_bus_add_match_async(bus, &caller->departure, match, on_departure, on_watching,
                                      caller);
}

static Caller *access_find(Access *access, const char *name) {
        Caller *caller;

        TAILQ_FOREACH(caller, &access->callers, link)
                if (streq(caller->name, name))
                        break;
        if (caller) {
                TAILQ_REMOVE(&access->callers, caller, link);
                TAILQ_INSERT_HEAD(&access->callers, caller, link);
        }
        return caller;
}

static void access_keep(Access *access, Caller *caller) {
        if (access->n_callers == CALLERS_MAX)
                caller_free(TAILQ_LAST(&access->callers, Callers));
        caller->access = access;
        TAILQ_INSERT_HEAD(&access->callers, caller, link);
        access->n_callers++;
}

/* Blocks on the bus, and fails for a sender that has left it. */
static int sender_query(sd_bus_message *message, uint32_t *ret) {
        sd_bus_creds *creds = NULL;
        uid_t uid = (uid_t)-1;
        int r;

        r = sd_bus_query_sender_creds(message, SD_BUS_CREDS_EUID, &creds);
        if (r >= 0)
                r = sd_bus_creds_get_euid(creds, &uid);
        sd_bus_creds_unref(creds);
        if (r < 0 || uid == (uid_t)-1)
                return -EACCES;

        *ret = uid;
        return 0;
}

static int access_uid(Access *access, sd_bus_message *message, uint32_t *ret) {
        CLEANUP(caller_freep) Caller *caller = NULL;
        const char *name = sd_bus_message_get_sender(message);
        const Caller *known;
        int r;

        if (!name)
                return -EACCES;
        known = access_find(access, name);
        if (known) {
                *ret = known->uid;
                return 0;
        }

        caller = calloc(1, sizeof(*caller) + strlen(name) + 1);
        if (!caller)
                return -ENOMEM;
        strcpy(caller->name, name);
        /* Watched first: who leaves after the question has been answered is not missed. */
        r = caller_watch(caller, access->bus);
        if (r < 0)
                return r;
        r = sender_query(message, &caller->uid);
        if (r < 0)
                return r;

        *ret = caller->uid;
        access_keep(access, TAKE(caller));
        return 0;
}

static bool rule_allows(Rule rule, const Question *question, uint32_t uid) {
        unsigned n_owned = 0;

        for (unsigned i = 0; i < question->n_owners; i++)
                n_owned += question->owners[i] == uid;

        switch (rule) {
        case RULE_ANYBODY:
                return true;
        case RULE_OWNER_OF_ALL:
                return n_owned == question->n_owners;
        case RULE_OWNER_OF_ANY:
                return n_owned > 0;
        case RULE_ROOT:
                return uid == 0;
        }
        return false;
}

int access_ask(Access *access, sd_bus_message *message, const Question *question,
               AccessAnswer answer, void *userdata) {
        uint32_t uid;
        int r;

        (void)answer;
        (void)userdata;
        if (!access->system)
                return 1;
        r = access_uid(access, message, &uid);
        if (r < 0)
                return r;
        return uid == 0 || rule_allows(rules[question->action], question, uid) ? 1 : -EACCES;
}

int access_owner(Access *access, sd_bus_message *message, uint32_t *ret) {
        if (access->system)
                return access_uid(access, message, ret);
        *ret = getuid();
        return 0;
}
