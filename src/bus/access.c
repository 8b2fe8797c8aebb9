/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/access.h"

#include <bsd/sys/queue.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "bus/polkit.h"

/* Enough for those who are busy at one time; each costs a match rule, of which the system bus
 * allows a connection 512. */
#define CALLERS_MAX 256

/* So many connections a bus allows one user. */
#define GONE_MAX 256

#define ASKINGS_PER_USER_MAX 32U

/* To answer a question costs polkit 1.5 ms of CPU and the bus a dozen calls: who has been refused
 * something is refused it for so long again, and polkit is not asked. */
#define REFUSAL_USEC USEC_PER_SEC

/* What polkit can let somebody do. */
typedef enum Right { RIGHT_MANAGE_OTHERS, RIGHT_READ_TOKENS, RIGHT_RELOAD, _RIGHT_MAX } Right;

typedef struct Refusal {
        const sd_bus_error *error;
        usec_t until; /* CLOCK_BOOTTIME */
} Refusal;

/* What is known of a unique name. Names are never used again while the bus runs. */
typedef struct Caller {
        TAILQ_ENTRY(Caller) link;
        Access *access;
        sd_bus_slot *departure;
        TAILQ_HEAD(Askings, Asking) askings;
        Refusal refusals[_RIGHT_MAX][2]; /* 1: where somebody may be asked for a password */
        uint32_t uid;
        char name[];
} Caller;

/* What polkit has been asked about a caller. It lasts no longer than the caller. */
typedef struct Asking {
        TAILQ_ENTRY(Asking) link;
        Caller *caller;
        PolkitQuestion *question;
        Right right;
        bool interactive;
        AccessAnswer answer;
        void *userdata;
} Asking;

struct Access {
        sd_bus *bus; /* borrowed: who owns the Access holds it */
        bool system;
        AccessDeparture departure;
        void *userdata;
        TAILQ_HEAD(Callers, Caller) callers; /* asked last comes first */
        unsigned n_callers;
        char *gone[GONE_MAX]; /* who had left the bus before they were known; a ring */
        unsigned n_gone;
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

/* What polkit is asked for where the table says no; of what everybody may it never is. */
static const Right rights[_ACTION_MAX] = {
        [ACTION_CREATE_JOINED] = RIGHT_MANAGE_OTHERS,
        [ACTION_DELETE_SESSION] = RIGHT_MANAGE_OTHERS,
        [ACTION_DELETE_PARTICIPANT] = RIGHT_MANAGE_OTHERS,
        [ACTION_SUBSCRIBE] = RIGHT_MANAGE_OTHERS,
        [ACTION_GET_TOKEN] = RIGHT_READ_TOKENS,
        [ACTION_ADD] = RIGHT_MANAGE_OTHERS,
        [ACTION_REMOVE] = RIGHT_MANAGE_OTHERS,
        [ACTION_RELOAD] = RIGHT_RELOAD,
};

static const char *const polkit_actions[_RIGHT_MAX] = {
        [RIGHT_MANAGE_OTHERS] = "org.convened1.manage-others",
        [RIGHT_READ_TOKENS] = "org.convened1.read-tokens",
        [RIGHT_RELOAD] = "org.convened1.reload",
};

const char *access_polkit_action(Action action) {
        return polkit_actions[rights[action]];
}

static const sd_bus_error denied =
        SD_BUS_ERROR_MAKE_CONST(SD_BUS_ERROR_ACCESS_DENIED,
                                "This is for the owner of the object, for root, and for those whom "
                                "polkit allows it.");
static const sd_bus_error challenged =
        SD_BUS_ERROR_MAKE_CONST(SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                                "This needs a password, and the caller does not let its user be "
                                "asked for one.");

static void asking_end(Asking *asking, const sd_bus_error *refusal) {
        TAILQ_REMOVE(&asking->caller->askings, asking, link);
        polkit_question_free(asking->question);
        asking->answer(asking->userdata, refusal);
        free(asking);
}

static Caller *caller_free(Caller *caller) {
        Asking *asking;

        if (!caller)
                return NULL;
        while ((asking = TAILQ_FIRST(&caller->askings)))
                asking_end(asking, &denied);
        if (caller->access) {
                TAILQ_REMOVE(&caller->access->callers, caller, link);
                caller->access->n_callers--;
        }
        sd_bus_slot_unref(caller->departure);
        free(caller);
        return NULL;
}

DEFINE_CLEANUP(Caller, caller_free);

int access_new(Access **ret, sd_bus *bus, bool system, AccessDeparture departure, void *userdata) {
        Access *access = calloc(1, sizeof(*access));

        if (!access)
                return -ENOMEM;
        access->bus = bus;
        access->system = system;
        access->departure = departure;
        access->userdata = userdata;
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
        for (unsigned i = 0; i < GONE_MAX; i++)
                free(access->gone[i]);
        free(access);
        return NULL;
}

static int on_departure(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Caller *caller = userdata;
        const Access *access = caller->access;

        (void)message;
        (void)error;
        if (access)
                access->departure(caller->name, access->userdata);
        caller_free(caller);
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

/* The one that has not been asked about for longest, and that polkit is not asked about. */
static void access_make_room(Access *access) {
        Caller *caller = TAILQ_LAST(&access->callers, Callers);

        while (caller && !TAILQ_EMPTY(&caller->askings))
                caller = TAILQ_PREV(caller, Callers, link);
        caller_free(caller);
}

static void access_keep(Access *access, Caller *caller) {
        if (access->n_callers >= CALLERS_MAX)
                access_make_room(access);
        caller->access = access;
        TAILQ_INSERT_HEAD(&access->callers, caller, link);
        access->n_callers++;
}

static bool access_knows_gone(const Access *access, const char *name) {
        for (unsigned i = 0; i < GONE_MAX && access->gone[i]; i++)
                if (streq(access->gone[i], name))
                        return true;
        return false;
}

/* Who calls a hundred times and leaves would else have the bus asked a hundred times, while all
 * others wait. Where there is no memory for it, it is. */
static void access_note_gone(Access *access, const char *name) {
        char **place = access->gone + access->n_gone++ % GONE_MAX;

        free(*place);
        *place = strdup(name);
}

/* Blocks on the bus. Return: 0, -ENXIO: the sender has left it, -EACCES. */
static int sender_query(sd_bus_message *message, uint32_t *ret) {
        sd_bus_creds *creds = NULL;
        uid_t uid = (uid_t)-1;
        int r;

        r = sd_bus_query_sender_creds(message, SD_BUS_CREDS_EUID, &creds);
        if (r >= 0)
                r = sd_bus_creds_get_euid(creds, &uid);
        sd_bus_creds_unref(creds);
        if (r < 0 || uid == (uid_t)-1)
                return r == -ENXIO ? r : -EACCES;

        *ret = uid;
        return 0;
}

static int access_caller(Access *access, sd_bus_message *message, Caller **ret) {
        CLEANUP(caller_freep) Caller *caller = NULL;
        const char *name = sd_bus_message_get_sender(message);
        int r;

        if (!name)
                return -EACCES;
        *ret = access_find(access, name);
        if (*ret)
                return 0;
        if (access_knows_gone(access, name))
                return -EACCES;

        caller = calloc(1, sizeof(*caller) + strlen(name) + 1);
        if (!caller)
                return -ENOMEM;
        TAILQ_INIT(&caller->askings);
        strcpy(caller->name, name);
        /* Watched first: who leaves after the question has been answered is not missed. */
        r = caller_watch(caller, access->bus);
        if (r < 0)
                return r;
        r = sender_query(message, &caller->uid);
        if (r == -ENXIO)
                access_note_gone(access, name);
        if (r < 0)
                return -EACCES;

        *ret = caller;
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

/* What polkit allows it may allow without a password from now on. */
static void caller_note(Caller *caller, Right right, bool interactive,
                        const sd_bus_error *refusal) {
        Refusal *refusals = caller->refusals[right];

        if (refusal)
                refusals[interactive] =
                        (Refusal){ refusal, usec_add(clock_now().boottime, REFUSAL_USEC) };
        else
                refusals[0] = refusals[1] = (Refusal){ 0 };
}

static void on_verdict(PolkitVerdict verdict, void *userdata) {
        Asking *asking = userdata;
        const sd_bus_error *refusal = NULL;

        switch (verdict) {
        case POLKIT_YES:
                break;
        case POLKIT_NO:
                refusal = &denied;
                break;
        case POLKIT_CHALLENGE:
                refusal = &challenged;
                break;
        }
        caller_note(asking->caller, asking->right, asking->interactive, refusal);
        asking_end(asking, refusal);
}

static int caller_ask_polkit(Caller *caller, Right right, bool interactive, AccessAnswer answer,
                             void *userdata) {
        CLEANUP(freep) Asking *asking = calloc(1, sizeof(*asking));
        const PolkitRequest request = {
                .name = caller->name,
                .action = polkit_actions[right],
                .interactive = interactive,
        };
        int r;

        if (!asking)
                return -ENOMEM;
        asking->caller = caller;
        asking->right = right;
        asking->interactive = interactive;
        asking->answer = answer;
        asking->userdata = userdata;
        r = polkit_ask(&asking->question, caller->access->bus, &request, on_verdict, asking);
        if (r < 0)
                return r;

        TAILQ_INSERT_TAIL(&caller->askings, asking, link);
        TAKE(asking);
        return 0;
}

/* A bus allows one user so many connections; each may keep a person at a desk busy with a
 * password. */
static bool may_ask_polkit(const Access *access, uint32_t uid) {
        const Caller *caller;
        const Asking *asking;
        unsigned n = 0;

        TAILQ_FOREACH(caller, &access->callers, link)
                if (caller->uid == uid)
                        TAILQ_FOREACH(asking, &caller->askings, link)
                                n++;
        return n < ASKINGS_PER_USER_MAX;
}

int access_ask(Access *access, sd_bus_message *message, const Question *question,
               AccessAnswer answer, void *userdata, sd_bus_error *error) {
        bool interactive = sd_bus_message_get_allow_interactive_authorization(message) > 0;
        Right right = rights[question->action];
        const Refusal *refusal;
        Caller *caller;
        int r;

        if (!access->system)
                return 1;
        r = access_caller(access, message, &caller);
        if (r < 0)
                return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED,
                                        "Nobody can tell any more who has called.");
        if (caller->uid == 0 || rule_allows(rules[question->action], question, caller->uid))
                return 1;
        refusal = &caller->refusals[right][interactive];
        if (clock_now().boottime < refusal->until)
                return sd_bus_error_copy(error, refusal->error);
        if (!may_ask_polkit(access, caller->uid))
                return sd_bus_error_setf(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
                                         "polkit is asked about %u calls of this user already.",
                                         ASKINGS_PER_USER_MAX);
        return caller_ask_polkit(caller, right, interactive, answer, userdata);
}

int access_owner(Access *access, sd_bus_message *message, uint32_t *ret) {
        Caller *caller;
        int r;

        if (!access->system) {
                *ret = getuid();
                return 0;
        }
        r = access_caller(access, message, &caller);
        if (r < 0)
                return r;
        *ret = caller->uid;
        return 0;
}
