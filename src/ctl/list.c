/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* list-sessions and list-participants. */

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "ctl/describe.h"
#include "ctl/memory.h"
#include "ctl/pager.h"
#include "ctl/phrase.h"
#include "ctl/rows.h"
#include "ctl/table.h"
#include "ctl/verbs.h"

#define PAGE 1000

static const Column session_columns[] = {
        { "NUMBER", true, 0, false },    { "ID", false, 9, true },
        { "TAG", false, 6, false },      { "STATE", false, 0, false },
        { "IN SYNC", false, 10, false }, { "MEMBERS", true, 0, false },
        { "OWNER", false, 5, false },    { "CREATED", false, 8, false },
};

static const char *const session_fields[] = {
        "Id",    "Tag",      "State",           "InSync",      "Participants",
        "Owner", "Attempts", "NextAttemptUSec", "CreatedUSec", NULL
};

static const Column participant_columns[] = {
        { "NUMBER", true, 0, false },    { "ID", false, 8, true },
        { "TAG", false, 5, false },      { "STATE", false, 0, false },
        { "IN SYNC", false, 10, false }, { "SESSION", true, 0, false },
        { "RECEIVES", false, 8, false }, { "PUBLISHES", false, 7, false },
        { "OWNER", false, 5, false },
};

static const char *const participant_fields[] = { "Id",
                                                  "Tag",
                                                  "State",
                                                  "InSync",
                                                  "Session",
                                                  "Owner",
                                                  "Attempts",
                                                  "NextAttemptUSec",
                                                  "SubscriptionMode",
                                                  "Publishers",
                                                  "PublishPermissions",
                                                  NULL };

typedef struct Listing {
        Ctl *ctl;
        Table *table;
        usec_t now;
        size_t n_rows;
} Listing;

/* Adds a cell and gives its text back to the heap. */
static void add(Table *table, char *text, Colour colour) {
        table_add(table, text, colour);
        free(text);
}

static void add_common(Listing *listing, const Object *object, json_object *facts) {
        const char *state = facts_text(facts, "State");
        Colour sync = facts_flag(facts, "InSync") ? COLOUR_NONE : COLOUR_WAIT;

        add(listing->table, format("%" PRIu64, object->number), COLOUR_NONE);
        table_add(listing->table, describe_or_dash(facts_text(facts, "Id")), COLOUR_NONE);
        table_add(listing->table, describe_or_dash(facts_text(facts, "Tag")), COLOUR_NONE);
        table_add(listing->table, state, describe_state_colour(state));
        add(listing->table, describe_sync_briefly(facts, listing->now), sync);
}

static bool session_row(const Object *object, json_object *facts, void *userdata) {
        Listing *listing = userdata;
        Table *table = listing->table;

        add_common(listing, object, facts);
        add(table, format("%zu", facts_length(facts, "Participants")), COLOUR_NONE);
        add(table, describe_owner(&listing->ctl->options, facts_number(facts, "Owner")),
            COLOUR_NONE);
        add(table, phrase_when(facts_number(facts, "CreatedUSec"), listing->now), COLOUR_NONE);
        return true;
}

static bool participant_row(const Object *object, json_object *facts, void *userdata) {
        Listing *listing = userdata;
        Table *table = listing->table;

        add_common(listing, object, facts);
        add(table, describe_path(facts_text(facts, "Session")), COLOUR_NONE);
        add(table, describe_subscription(facts), COLOUR_NONE);
        add(table, describe_publishing(facts), COLOUR_NONE);
        add(table, describe_owner(&listing->ctl->options, facts_number(facts, "Owner")),
            COLOUR_NONE);
        return true;
}

/* Rows are written as they come, so that a long list needs no more memory than a page. */
static bool json_row(const Object *object, json_object *facts, void *userdata) {
        Listing *listing = userdata;
        const Options *options = &listing->ctl->options;
        bool pretty = options->json == JSON_PRETTY;
        const char *text = json_object_to_json_string_ext(facts, value_flags(options));

        (void)object;
        if (listing->n_rows == 0 && pretty)
                pager_open(options);
        putchar(listing->n_rows++ > 0 ? ',' : '[');
        if (pretty)
                fputs("\n  ", stdout);
        for (; *text; text++) {
                putchar(*text);
                if (*text == '\n')
                        fputs("  ", stdout);
        }
        /* Nobody may read any more, and there may be a million rows. */
        return !ferror(stdout);
}

static Exit list_json(Ctl *ctl, Kind kind, const Filter *filter) {
        Listing listing = { .ctl = ctl };
        Exit code;

        code = rows_read(ctl, kind, filter, PAGE, json_row, &listing);
        if (listing.n_rows > 0)
                puts(ctl->options.json == JSON_PRETTY ? "\n]" : "]");
        else if (code == EXIT_DONE)
                puts("[]"); /* not after a failure: it would say that there are none */
        return code;
}

static Exit list_table(Ctl *ctl, Kind kind, Filter *filter) {
        static const struct {
                const Column *columns;
                size_t n_columns;
                const char *const *fields;
                RowHandler row;
        } kinds[_KIND_MAX] = {
                [KIND_SESSION] = { session_columns, ELEMENTSOF(session_columns), session_fields,
                                   session_row },
                [KIND_PARTICIPANT] = { participant_columns, ELEMENTSOF(participant_columns),
                                       participant_fields, participant_row },
        };
        CLEANUP(table_freep) Table *table = table_new(kinds[kind].columns, kinds[kind].n_columns);
        Listing listing = { .ctl = ctl, .table = table, .now = describe_now() };
        const Options *options = &ctl->options;
        size_t n;
        Exit code;

        filter->fields = kinds[kind].fields;
        code = rows_read(ctl, kind, filter, PAGE, kinds[kind].row, &listing);
        if (code != EXIT_DONE)
                return code;

        pager_open(options);
        n = table_rows(table);
        if (n > 0)
                table_print(table, stdout, &ctl->screen, !options->no_legend,
                            options->full ? 0 : ctl->screen.columns);
        if (!options->no_legend)
                printf("%s%zu %s%s.\n", n > 0 ? "\n" : "", n, kind_names[kind].noun,
                       n == 1 ? "" : "s");
        return EXIT_DONE;
}

static Exit list(Ctl *ctl, Kind kind, Filter *filter) {
        if (ctl->n_words > 0)
                filter->tag = ctl->words[0];
        return ctl->options.json == JSON_OFF ? list_table(ctl, kind, filter)
                                             : list_json(ctl, kind, filter);
}

Exit verb_list_sessions(Ctl *ctl) {
        Filter filter = { 0 };

        return list(ctl, KIND_SESSION, &filter);
}

Exit verb_list_participants(Ctl *ctl) {
        CLEANUP(json_freep) json_object *facts = NULL;
        Filter filter = { 0 };
        Object session;
        Exit code;

        if (ctl->options.session) {
                code = object_resolve(ctl, KIND_SESSION, ctl->options.session, &session);
                /* A number is taken on trust; an empty list would not tell it from a wrong one. */
                if (code == EXIT_DONE)
                        code = object_facts(ctl, &session, &facts);
                if (code != EXIT_DONE)
                        return code;
                filter.session = session.path;
        }
        return list(ctl, KIND_PARTICIPANT, &filter);
}
