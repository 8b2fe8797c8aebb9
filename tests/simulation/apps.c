/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulation/invariants.h"

#include <stdio.h>

#include "base/text.h"
#include "simulation/kit.h"

static const char *app_name(unsigned number) {
        static char text[16];

        snprintf(text, sizeof(text), ":1.%u", number);
        return text;
}

static const char *bus_name(unsigned number) {
        static char text[16];

        snprintf(text, sizeof(text), "bus-%u", number);
        return text;
}

void apps_init(Run *run) {
        for (unsigned i = 0; i < APPS_MAX; i++)
                run->apps.names[i] = ++run->apps.last;
}

void apps_bind(Run *run, Spec **spec) {
        if (!random_chance(&run->random, 0.2))
                return;
        (*spec)->lifetime = LIFETIME_CLIENT;
        MUST(spec_set_text(spec, SPEC_CLIENT_BUS, bus_name(run->apps.bus)));
        MUST(spec_set_text(spec, SPEC_CLIENT_NAME,
                           app_name(run->apps.names[random_below(&run->random, APPS_MAX)])));
}

bool apps_lives(const Run *run, const Spec *spec) {
        if (spec->lifetime != LIFETIME_CLIENT)
                return true;
        for (unsigned i = 0; i < APPS_MAX; i++)
                if (streq(spec_text(spec, SPEC_CLIENT_NAME), app_name(run->apps.names[i])))
                        return streq(spec_text(spec, SPEC_CLIENT_BUS), bus_name(run->apps.bus));
        return false;
}

/* Whoever hears of it deletes what the app has made, in the eyes of those who look at the rows. */
static void book_departure(Run *run, const char *name) {
        Clients *clients = &run->clients;

        adoptions_depart(run, name);
        clients->last_sequence++;
        for (Kind kind = 0; kind < _KIND_MAX; kind++)
                for (uint64_t i = 0; i < clients->n_items[kind]; i++) {
                        Item *item = clients->items[kind] + i;

                        if (!item->known || item->removed || !streq(item->app, name))
                                continue;
                        item->bereaved = item->deleted = item->last = clients->last_sequence;
                        item->last_at = run->now;
                        run->tally->bereaved++;
                }
}

static void tell(Run *run, const char *name) {
        TRACE(run, "%s has left the bus", name);
        book_departure(run, name);
        MUST(core_client_left(run->life.core, name, run_clock(run)));
}

void apps_turn(Run *run) {
        unsigned *name = run->apps.names + random_below(&run->random, APPS_MAX);

        if (!random_chance(&run->random, 0.04))
                return;
        run->tally->departures++;
        tell(run, app_name(*name));
        *name = ++run->apps.last;
}

void apps_start(Run *run) {
        const Row *row;

        for (unsigned i = 0; i < APPS_MAX; i++)
                if (!run->quiet && random_chance(&run->random, 0.2))
                        run->apps.names[i] = ++run->apps.last;
        if (run->life.reboots)
                run->apps.bus++;
        for (row = core_client_after(run->life.core, NULL); row;
             row = core_client_after(run->life.core, spec_text(row->spec, SPEC_CLIENT_NAME)))
                if (!apps_lives(run, row->spec)) {
                        run->tally->missed_departures++;
                        tell(run, spec_text(row->spec, SPEC_CLIENT_NAME));
                }
}
