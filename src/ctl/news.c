/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "base/text.h"
#include "ctl/describe.h"
#include "ctl/memory.h"

/* Each says one property in words, or NULL for nothing worth a word. */
static char *say_text(const json_object *facts, const char *key) {
        return must(strdup(facts_text(facts, key)));
}

static char *say_in_sync(const json_object *facts, const char *key) {
        return must(strdup(facts_flag(facts, key) ? "in sync" : "not in sync"));
}

static char *say_id(const json_object *facts, const char *key) {
        const char *id = facts_text(facts, key);

        return id[0] ? format("API id %s", id) : NULL;
}

static char *say_session(const json_object *facts, const char *key) {
        CLEANUP(freep) char *number = describe_path(facts_text(facts, key));

        return streq(number, "-") ? format("in no session") : format("in session %s", number);
}

static char *say_mode(const json_object *facts, const char *key) {
        CLEANUP(freep) char *receives = NULL;

        /* Of a mode and a list that change together, the list says both. */
        if (streq(facts_text(facts, key), "participants") && !facts_have(facts, "Publishers"))
                return NULL;
        receives = describe_subscription(facts);
        return format("receives %s", receives);
}

static char *say_publishers(const json_object *facts, const char *key) {
        CLEANUP(freep) char *receives = NULL;

        if (facts_have(facts, "SubscriptionMode") || facts_length(facts, key) == 0)
                return NULL;
        receives = describe_publishers(facts);
        return format("receives %s", receives);
}

static char *say_participants(const json_object *facts, const char *key) {
        size_t n = facts_length(facts, key);

        return format("%zu participant%s", n, n == 1 ? "" : "s");
}

static char *say_attempts(const json_object *facts, const char *key) {
        uint64_t n = facts_number(facts, key);

        return n > 0 ? format("%" PRIu64 " failed", n) : NULL;
}

static char *say_error(const json_object *facts, const char *key) {
        (void)key;
        return describe_error(facts);
}

static char *say_api(const json_object *facts, const char *key) {
        return format("the API is %s", facts_text(facts, key));
}

static char *say_count(const json_object *facts, const char *key) {
        static const struct {
                const char *key, *one, *many;
        } nouns[] = {
                { "SessionCount", "session", "sessions" },
                { "ParticipantCount", "participant", "participants" },
                { "PendingCount", "pending", "pending" },
                { "SuspectedOrphans", "suspected orphan", "suspected orphans" },
        };

        for (size_t i = 0; i < ELEMENTSOF(nouns); i++)
                if (streq(key, nouns[i].key)) {
                        uint64_t n = facts_number(facts, key);

                        return format("%" PRIu64 " %s", n, n == 1 ? nouns[i].one : nouns[i].many);
                }
        return NULL;
}

/* What is news, in the order in which it is told. */
static const struct {
        const char *key;
        char *(*say)(const json_object *facts, const char *key);
} news[] = {
        { "ApiState", say_api },          { "State", say_text },
        { "InSync", say_in_sync },        { "Id", say_id },
        { "Session", say_session },       { "SubscriptionMode", say_mode },
        { "Publishers", say_publishers }, { "Participants", say_participants },
        { "Attempts", say_attempts },     { "LastError", say_error },
        { "SessionCount", say_count },    { "ParticipantCount", say_count },
        { "PendingCount", say_count },    { "SuspectedOrphans", say_count },
};

char *describe_news(const json_object *facts) {
        char *text = must(strdup(""));

        for (size_t i = 0; i < ELEMENTSOF(news); i++) {
                CLEANUP(freep) char *one = NULL;
                char *longer;

                if (!facts_have(facts, news[i].key))
                        continue;
                one = news[i].say(facts, news[i].key);
                if (!one)
                        continue;
                longer = format("%s%s%s", text, text[0] ? ", " : "", one);
                free(text);
                text = longer;
        }
        return text;
}
