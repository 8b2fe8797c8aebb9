/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* show-session and show-participant: everything about an object, for people or as JSON. */

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/text.h"
#include "ctl/describe.h"
#include "ctl/memory.h"
#include "ctl/pager.h"
#include "ctl/phrase.h"
#include "ctl/rows.h"
#include "ctl/sheet.h"
#include "ctl/verbs.h"

/* "3min ago; Tue 2022-11-15 10:04:05 CET" */
static char *point(usec_t at, usec_t now) {
        CLEANUP(freep) char *phrase = phrase_when(at, now);
        time_t seconds = (time_t)(at / USEC_PER_SEC);
        char stamp[64];
        struct tm tm;

        if (at == 0 || !localtime_r(&seconds, &tm) ||
            strftime(stamp, sizeof(stamp), "%a %Y-%m-%d %H:%M:%S %Z", &tm) == 0)
                return TAKE(phrase);
        return format("%s; %s", phrase, stamp);
}

/* A path as "3 \"desk\"", its tag looked up; only the number where that cannot be had. */
static char *named(Ctl *ctl, const char *path) {
        CLEANUP(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        CLEANUP(json_freep) json_object *facts = NULL;
        Object object;

        if (!object_from_path(path, &object))
                return must(strdup("none"));
        if (ctl_try_facts(ctl, path, kind_names[object.kind].interface, &error, &facts) < 0 ||
            !facts_text(facts, "Tag")[0])
                return format("%" PRIu64, object.number);
        return format("%" PRIu64 " \"%s\"", object.number, facts_text(facts, "Tag"));
}

static void show_head(const Ctl *ctl, const Object *object, json_object *facts) {
        const char *state = facts_text(facts, "State");
        Colour colour = describe_state_colour(state);
        CLEANUP(freep) char *label = object_label(object, facts_text(facts, "Tag"));

        sheet_head(&ctl->screen, colour, label);
        sheet_line("API id", describe_or_dash(facts_text(facts, "Id")));
        sheet_coloured(&ctl->screen, "State", state, colour);
        sheet_taken("In sync", describe_sync(facts, describe_now()));
        sheet_taken("Last error", describe_error(facts));
}

static void show_tail(const Ctl *ctl, json_object *facts, usec_t now) {
        sheet_taken("Owner", describe_owner(&ctl->options, facts_number(facts, "Owner")));
        sheet_line("Lifetime", facts_text(facts, "Lifetime"));
        sheet_taken("Created", point(facts_number(facts, "CreatedUSec"), now));
        sheet_taken("Verified", point(facts_number(facts, "SyncedUSec"), now));
}

typedef struct Members {
        const Screen *screen;
        size_t n;
} Members;

static bool member_row(const Object *object, json_object *facts, void *userdata) {
        CLEANUP(freep) char *receives = describe_subscription(facts);
        CLEANUP(freep) char *publishes = describe_publishing(facts);
        CLEANUP(freep) char *label = object_label(object, facts_text(facts, "Tag"));
        Members *members = userdata;

        sheet_folded(members->screen, members->n++ == 0 ? "Participants" : NULL,
                     format("%s: publishes %s, receives %s", label + strlen("participant "),
                            publishes, receives));
        return true;
}

static Exit show_session(Ctl *ctl, const Object *object, json_object *facts) {
        static const char *const fields[] = { "Tag", "PublishPermissions", "SubscriptionMode",
                                              "Publishers", NULL };
        const Filter filter = { .session = object->path, .fields = fields };
        usec_t now = describe_now(), expires_at = facts_number(facts, "ExpiresUSec");
        Members members = { .screen = &ctl->screen };
        Exit code;

        show_head(ctl, object, facts);
        code = rows_read(ctl, KIND_PARTICIPANT, &filter, 100, member_row, &members);
        if (code != EXIT_DONE)
                return code;
        if (members.n == 0)
                sheet_line("Participants", "none");
        sheet_taken("Expires", expires_at ? point(expires_at, now) : must(strdup("not known")));
        show_tail(ctl, facts, now);
        return EXIT_DONE;
}

static Exit show_participant(Ctl *ctl, const Object *object, json_object *facts) {
        const char *session_id = facts_text(facts, "SessionId");
        const char *session = facts_text(facts, "Session");

        show_head(ctl, object, facts);
        if (streq(session, "/") && session_id[0])
                sheet_taken("Session", format("not managed here (%s)", session_id));
        else
                sheet_taken("Session", named(ctl, session));
        sheet_folded(&ctl->screen, "Receives", describe_subscription(facts));
        sheet_taken("Publishes", describe_publishing(facts));
        sheet_line("Callback URL", describe_or_dash(facts_text(facts, "CallbackUrl")));
        sheet_line("Device API", facts_text(facts, "DeviceApiVersion"));
        show_tail(ctl, facts, describe_now());
        return EXIT_DONE;
}

static Exit show_one(Ctl *ctl, Kind kind, size_t i, json_object *all) {
        CLEANUP(json_freep) json_object *facts = NULL;
        Object object;
        Exit code = object_resolve(ctl, kind, ctl->words[i], &object);

        if (code == EXIT_DONE)
                code = object_facts(ctl, &object, &facts);
        if (code != EXIT_DONE)
                return code;

        if (ctl->options.json != JSON_SHORT)
                pager_open(&ctl->options);
        if (ctl->options.json != JSON_OFF) {
                json_object_array_add(all, TAKE(facts));
                return EXIT_DONE;
        }
        if (i > 0)
                putchar('\n');
        return kind == KIND_SESSION ? show_session(ctl, &object, facts)
                                    : show_participant(ctl, &object, facts);
}

/* One name: an object. Several: an array of them. */
static Exit show(Ctl *ctl, Kind kind) {
        CLEANUP(json_freep) json_object *all = must(json_object_new_array());

        for (size_t i = 0; i < ctl->n_words; i++) {
                Exit code = show_one(ctl, kind, i, all);

                if (code != EXIT_DONE)
                        return code;
        }
        if (ctl->options.json != JSON_OFF)
                value_print(&ctl->options,
                            ctl->n_words == 1 ? json_object_array_get_idx(all, 0) : all);
        return EXIT_DONE;
}

Exit verb_show_session(Ctl *ctl) {
        return show(ctl, KIND_SESSION);
}

Exit verb_show_participant(Ctl *ctl) {
        return show(ctl, KIND_PARTICIPANT);
}
