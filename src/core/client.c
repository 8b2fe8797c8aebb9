/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/internal.h"

#include <errno.h>
#include <inttypes.h>

/* Objects that live as long as the client of the bus that made them. */

/* How many deletions of one kind a turn takes from each client that has left. */
#define LEAVE_PER_TURN 256

/* A client that has left, while its objects are being marked for deletion. */
struct Departure {
        TAILQ_ENTRY(Departure) link;
        uint64_t below[_KIND_MAX]; /* still to be done: the objects with smaller numbers */
        char name[];
};

static int bond_order(const Bond *bond, const char *name, Kind kind, uint64_t number) {
        const Row *row = &bond->object->row;
        int order = strcmp(spec_text(row->spec, SPEC_CLIENT_NAME), name);

        order = order ?: (int)row->kind - (int)kind;
        return order ?: (row->number > number) - (row->number < number);
}

static int bond_compare(const Bond *a, const Bond *b) {
        const Row *row = &b->object->row;

        return bond_order(a, spec_text(row->spec, SPEC_CLIENT_NAME), row->kind, row->number);
}

RB_GENERATE(ByClient, Bond, by_client, bond_compare);

/* The last one before a place in the order, NULL: there is none. */
static Bond *bond_before(const Registry *registry, const char *name, Kind kind, uint64_t number) {
        Bond *bond = RB_ROOT((struct ByClient *)&registry->by_client), *found = NULL;

        while (bond) {
                bool before = bond_order(bond, name, kind, number) < 0;

                if (before)
                        found = bond;
                bond = before ? RB_RIGHT(bond, by_client) : RB_LEFT(bond, by_client);
        }
        return found;
}

int registry_bind(Registry *registry, Object *object) {
        Bond *bond;

        if (object->row.spec->lifetime != LIFETIME_CLIENT)
                return 0;
        bond = calloc(1, sizeof(*bond));
        if (!bond)
                return -ENOMEM;
        bond->object = object;
        RB_INSERT(ByClient, &registry->by_client, bond);
        return 0;
}

void registry_unbind(Registry *registry, Object *object) {
        Bond key = { .object = object }, *bond;

        if (object->row.spec->lifetime != LIFETIME_CLIENT)
                return;
        bond = RB_FIND(ByClient, &registry->by_client, &key);
        RB_REMOVE(ByClient, &registry->by_client, bond);
        free(bond);
}

const Row *core_client_after(const Core *core, const char *after) {
        const struct ByClient *tree = &core->registry.by_client;
        const Bond *last = after ? bond_before(&core->registry, after, _KIND_MAX, 0) : NULL;
        const Bond *bond = last ? RB_NEXT(ByClient, tree, (Bond *)last)
                                : RB_MIN(ByClient, (struct ByClient *)tree);

        return bond ? &bond->object->row : NULL;
}

/* One of a client's, NULL: it has none. */
static const Bond *client_bond(const Core *core, const char *name) {
        const Bond *bond = bond_before(&core->registry, name, _KIND_MAX, 0);

        return bond && strcmp(spec_text(bond->object->row.spec, SPEC_CLIENT_NAME), name) == 0
                       ? bond
                       : NULL;
}

bool core_client_has(const Core *core, const char *name) {
        return client_bond(core, name) || core_adoptions_have(core, name);
}

static int object_bereave(Core *core, Object *object) {
        int r = 0;

        if (object->removed)
                return 0;
        if (!object->row.gone)
                r = core_want_gone(core, object);
        if (object->unsure)
                core_wake(core, object); /* it waited for its delete to be durable */
        object->unsure = false;
        /* Whoever else waits for it: nothing but the API's word takes it back. */
        object->told_rev[BEING] = object->row.goals[BEING].wanted_rev;
        return r;
}

/* The newest first: what is not durable yet must not become it, however much there is. */
static int depart_some(Core *core, Departure *departure, Kind kind) {
        unsigned n = 0;

        while (n < LEAVE_PER_TURN && departure->below[kind] > 0) {
                const Bond *bond =
                        bond_before(&core->registry, departure->name, kind, departure->below[kind]);
                Object *object = bond ? bond->object : NULL;
                int r;

                if (!object || object->row.kind != kind ||
                    strcmp(spec_text(object->row.spec, SPEC_CLIENT_NAME), departure->name) != 0) {
                        departure->below[kind] = 0;
                        return 0;
                }
                departure->below[kind] = object->row.number;
                n += object->shown != NULL;
                r = object_bereave(core, object);
                if (r < 0)
                        return r;
        }
        return 0;
}

static void departure_free(Core *core, Departure *departure) {
        TAILQ_REMOVE(&core->departures, departure, link);
        free(departure);
}

/* Marks what belongs to a client that has left, and is done with it once there is no more. */
static int departure_take_some(Core *core, Departure *departure) {
        bool done = true;

        for (Kind kind = 0; kind < _KIND_MAX; kind++) {
                int r = depart_some(core, departure, kind);

                if (r < 0)
                        return r;
                done = done && departure->below[kind] == 0;
        }
        if (done)
                departure_free(core, departure);
        return 0;
}

/* The log line that was added last is about this user. */
static void log_owner(Core *core, uint32_t owner) {
        Log *log = &core->effects[core->n_effects - 1].log;

        log->has_owner = true;
        log->owner = owner;
}

/* Who comes and leaves again and again would fill the log. */
static int client_tell(Core *core, const char *name, uint32_t owner) {
        const bool tell = telling_may(&core->leaving, core->now.boottime);
        int r;

        if (tell)
                telling_has_told(&core->leaving, core->now.boottime);
        else
                core->leaving.n_untold++;
        core->last_left = owner;
        r = core_log(core, LOG_EVENT_CLIENT_LEFT, tell ? 6 : 7, NULL,
                     "The client %s has left the bus; its objects of Lifetime=client are "
                     "deleted.",
                     name);
        if (r >= 0)
                log_owner(core, owner);
        return r;
}

int departures_tell_late(Core *core) {
        const unsigned n = core->leaving.n_untold;
        int r;

        if (telling_due(&core->leaving) > core->now.boottime)
                return 0;
        telling_has_told(&core->leaving, core->now.boottime);
        r = core_log(core, LOG_EVENT_CLIENT_LEFT, 6, NULL,
                     "Clients have left the bus so often that %u were not told, the last of user "
                     "%" PRIu32 "; their objects of Lifetime=client are deleted.",
                     n, core->last_left);
        if (r >= 0)
                log_owner(core, core->last_left);
        return r;
}

int core_client_left(Core *core, const char *name, Now now) {
        Departure *departure;
        const Bond *bond;
        int r;

        core->now = now;
        r = core_adoptions_leave(core, name);
        bond = client_bond(core, name);
        if (r < 0 || !bond)
                return r;
        departure = calloc(1, sizeof(*departure) + strlen(name) + 1);
        if (!departure)
                return -ENOMEM;
        strcpy(departure->name, name);
        for (Kind kind = 0; kind < _KIND_MAX; kind++)
                departure->below[kind] = UINT64_MAX;
        TAILQ_INSERT_TAIL(&core->departures, departure, link);
        r = client_tell(core, name, bond->object->row.spec->owner);
        /* At once, so that a creation which is on its way to the disk is not let out. */
        return r < 0 ? r : departure_take_some(core, departure);
}

int departures_take(Core *core) {
        Departure *departure, *next;
        int r = 0;

        TAILQ_FOREACH_SAFE(departure, &core->departures, link, next)
                if (r >= 0)
                        r = departure_take_some(core, departure);
        return r;
}

void departures_deinit(Core *core) {
        Departure *departure, *next;

        TAILQ_FOREACH_SAFE(departure, &core->departures, link, next)
                departure_free(core, departure);
}
