/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/describe.h"

#include <inttypes.h>
#include <pwd.h>

#include "base/clock.h"
#include "base/text.h"
#include "ctl/memory.h"
#include "ctl/phrase.h"
#include "proto/names.h"

usec_t describe_now(void) {
        return clock_read(CLOCK_REALTIME);
}

const char *describe_or_dash(const char *text) {
        return text[0] ? text : "-";
}

char *describe_next(const json_object *facts, usec_t now) {
        usec_t next_at = facts_number(facts, "NextAttemptUSec");

        /* What is due at any moment was so when the service was asked. */
        return next_at == 0 ? NULL : phrase_when(usec_max(next_at, now + 1), now);
}

char *describe_accepted(const json_object *facts, usec_t now) {
        usec_t created_at = facts_number(facts, "CreatedUSec");
        bool waits = streq(facts_text(facts, "State"), "pending");

        return waits && created_at > 0 ? phrase_when(usec_min(created_at, now), now) : NULL;
}

char *describe_sync(const json_object *facts, usec_t now) {
        CLEANUP(freep) char *next = NULL;
        uint64_t attempts = facts_number(facts, "Attempts");

        if (facts_flag(facts, "InSync"))
                return must(strdup("yes"));

        next = describe_next(facts, now);
        if (attempts == 0)
                return format("no%s%s", next ? ", next " : "", next ? next : "");
        return format("no, %" PRIu64 " failed%s%s", attempts, next ? ", next " : "",
                      next ? next : "");
}

char *describe_sync_briefly(const json_object *facts, usec_t now) {
        CLEANUP(freep) char *next = describe_next(facts, now);

        if (!next || facts_flag(facts, "InSync"))
                return describe_sync(facts, now);
        return format("no, %s", next);
}

char *describe_path(const char *path) {
        Object object;

        if (!object_from_path(path, &object))
                return must(strdup("-"));
        return format("%" PRIu64, object.number);
}

/* Appends @more to a list of items and gives back the longer list. */
static char *list_add(char *list, const char *separator, const char *more) {
        char *longer = format("%s%s%s", list, list[0] ? separator : "", more);

        free(list);
        return longer;
}

/* One (oas): "2" or "2:cam:mic". */
static char *publisher_text(json_object *publisher) {
        json_object *aliases, *path;
        char *text;

        if (!json_object_is_type(publisher, json_type_array))
                return must(strdup("?"));

        path = json_object_array_get_idx(publisher, 0);
        aliases = json_object_array_get_idx(publisher, 1);
        text = describe_path(path ? json_object_get_string(path) : "");
        for (size_t i = 0;
             json_object_is_type(aliases, json_type_array) && i < json_object_array_length(aliases);
             i++)
                text = list_add(text, ":",
                                json_object_get_string(json_object_array_get_idx(aliases, i)));
        return text;
}

char *describe_publishers(const json_object *facts) {
        char *text = must(strdup(""));

        for (size_t i = 0; i < facts_length(facts, "Publishers"); i++) {
                CLEANUP(freep) char *one = publisher_text(facts_value_at(facts, "Publishers", i));

                text = list_add(text, ", ", one);
        }
        /* Publishers that the registry does not know are kept and not shown. */
        return text[0] ? text : list_add(text, "", "participants");
}

char *describe_subscription(const json_object *facts) {
        const char *mode = facts_text(facts, "SubscriptionMode");

        return streq(mode, "participants") ? describe_publishers(facts)
                                           : must(strdup(describe_or_dash(mode)));
}

char *describe_publishing(const json_object *facts) {
        char *text = must(strdup(""));

        for (size_t i = 0; i < facts_length(facts, "PublishPermissions"); i++) {
                const char *one = facts_text_at(facts, "PublishPermissions", i);

                one = streq(one, "AUDIO") ? "audio" : streq(one, "VIDEO") ? "video" : one;
                text = list_add(text, ", ", one);
        }
        return text[0] ? text : list_add(text, "", "none");
}

char *describe_owner(const Options *options, uint64_t uid) {
        struct passwd *entry = options->redact ? NULL : getpwuid((uid_t)uid);

        return entry ? must(strdup(entry->pw_name)) : format("%" PRIu64, uid);
}

char *describe_error(const json_object *facts) {
        const char *name = facts_text_at(facts, "LastError", 0);
        const char *message = facts_text_at(facts, "LastError", 1);
        size_t length = strlen(CONVENED_ERROR_PREFIX);

        if (!name[0])
                return NULL;
        if (strncmp(name, CONVENED_ERROR_PREFIX, length) == 0)
                name += length;
        return message[0] ? format("%s: %s", name, message) : must(strdup(name));
}

Colour describe_state_colour(const char *state) {
        static const struct {
                const char *state;
                Colour colour;
        } colours[] = {
                { "active", COLOUR_GOOD },      { "pending", COLOUR_WAIT },
                { "deleting", COLOUR_FAINT },   { "failed", COLOUR_BAD },
                { "online", COLOUR_GOOD },      { "throttled", COLOUR_WAIT },
                { "unauthorized", COLOUR_BAD }, { "offline", COLOUR_BAD },
        };

        for (size_t i = 0; i < ELEMENTSOF(colours); i++)
                if (streq(state, colours[i].state))
                        return colours[i].colour;
        return COLOUR_NONE;
}
