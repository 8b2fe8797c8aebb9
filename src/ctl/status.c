/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* status: what a person wants to know, and what is wrong. */

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "ctl/describe.h"
#include "ctl/memory.h"
#include "ctl/pager.h"
#include "ctl/phrase.h"
#include "ctl/rows.h"
#include "ctl/sheet.h"
#include "ctl/unit.h"
#include "ctl/verbs.h"
#include "proto/names.h"

#define TROUBLES_SHOWN 10

/* What each state of the API means for who reads it. */
static const char *state_meaning(const char *state) {
        static const struct {
                const char *state, *meaning;
        } meanings[] = {
                { "unknown", "no answer yet" },
                { "online", "answering" },
                { "throttled", "it asks us to slow down; changes are kept, and follow" },
                { "offline", "unreachable, or failing; changes are kept, and follow" },
                { "unauthorized", "it refuses the credentials, or there are none" },
        };

        for (size_t i = 0; i < ELEMENTSOF(meanings); i++)
                if (streq(state, meanings[i].state))
                        return meanings[i].meaning;
        return "";
}

/* Objects that are not in sync, as lines below one title. */
typedef struct Troubles {
        const Ctl *ctl;
        size_t n;
        usec_t now;
} Troubles;

static bool trouble_row(const Object *object, json_object *facts, void *userdata) {
        CLEANUP(freep) char *label = object_label(object, facts_text(facts, "Tag"));
        CLEANUP(freep) char *error = describe_error(facts), *next = NULL, *since = NULL;
        Troubles *troubles = userdata;

        if (troubles->n == TROUBLES_SHOWN)
                return false;

        since = describe_accepted(facts, troubles->now);
        next = describe_next(facts, troubles->now);
        sheet_cut(&troubles->ctl->screen, troubles->ctl->options.full,
                  troubles->n++ == 0 ? "Not in sync" : NULL,
                  format("%s: %s%s%s%s%s%s%s", label, facts_text(facts, "State"),
                         since ? ", accepted " : "", since ? since : "",
                         next ? ", next attempt " : "", next ? next : "", error ? "; " : "",
                         error ? error : ""));
        return true;
}

static Exit show_troubles(Ctl *ctl, uint64_t n_pending) {
        static const char *const fields[] = { "Tag",       "State",           "CreatedUSec",
                                              "LastError", "NextAttemptUSec", NULL };
        const Filter filter = { .out_of_sync = true, .fields = fields };
        Troubles troubles = { .ctl = ctl, .now = describe_now() };
        Exit code = EXIT_DONE;

        for (Kind kind = 0; kind < _KIND_MAX && code == EXIT_DONE; kind++)
                code = rows_read(ctl, kind, &filter, TROUBLES_SHOWN + 1, trouble_row, &troubles);
        if (code == EXIT_DONE && troubles.n == TROUBLES_SHOWN && n_pending > troubles.n)
                sheet_taken(NULL, format("and %" PRIu64 " more", n_pending - troubles.n));
        return code;
}

static Exit show_status(Ctl *ctl, json_object *facts) {
        const char *state = facts_text(facts, "ApiState");
        uint64_t n_pending = facts_number(facts, "PendingCount");
        uint64_t n_orphans = facts_number(facts, "SuspectedOrphans");
        CLEANUP(freep)
        char *bus = options_bus(&ctl->options);
        CLEANUP(freep)
        char *head = format("convened %s on the %s", facts_text(facts, "Version"), bus);
        CLEANUP(freep) char *api = format("%s: %s", state, state_meaning(state));
        CLEANUP(freep) char *status = unit_status(ctl);

        sheet_head(&ctl->screen, describe_state_colour(state), head);
        if (status)
                sheet_folded(&ctl->screen, "Status", TAKE(status));
        sheet_coloured(&ctl->screen, "API", api, describe_state_colour(state));
        if (streq(state, "unauthorized"))
                sheet_line(NULL,
                           "mend what CredentialsFile= names, or /etc/credstore/convened.api");
        sheet_taken("Last contact",
                    phrase_when(facts_number(facts, "LastContactUSec"), describe_now()));
        sheet_line("Base URL", facts_text(facts, "BaseUrl"));
        sheet_line("Account", describe_or_dash(facts_text(facts, "AccountId")));
        sheet_taken("Sessions", format("%" PRIu64, facts_number(facts, "SessionCount")));
        sheet_taken("Participants", format("%" PRIu64, facts_number(facts, "ParticipantCount")));
        sheet_taken("Pending", format("%" PRIu64, n_pending));
        if (n_orphans > 0)
                sheet_taken("Orphans",
                            format("%" PRIu64
                                   " suspected: creations whose outcome the API never told",
                                   n_orphans));
        return n_pending > 0 ? show_troubles(ctl, n_pending) : EXIT_DONE;
}

Exit verb_status(Ctl *ctl) {
        CLEANUP(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        CLEANUP(json_freep) json_object *facts = NULL;
        int r = ctl_try_facts(ctl, CONVENED_PATH, CONVENED_MANAGER, &error, &facts);

        if (r < 0)
                return failure_say_bus(&ctl->options, &error, r, NULL);
        if (ctl->options.json != JSON_SHORT)
                pager_open(&ctl->options);
        if (ctl->options.json == JSON_OFF)
                return show_status(ctl, facts);
        value_print(&ctl->options, facts);
        return EXIT_DONE;
}
