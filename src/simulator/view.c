/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulator/view.h"

/* Writes the comma between two elements, and nothing before the first. */
static void separate(Buffer *buffer, bool *first) {
        if (!*first)
                buffer_add(buffer, ",", 1);
        *first = false;
}

static void add_id(Buffer *buffer, const Object *object) {
        buffer_printf(buffer, "\"%s\"", object->id);
}

static void add_tag(Buffer *buffer, const char *tag) {
        if (!tag)
                return;

        buffer_add_text(buffer, ",\"tag\":");
        buffer_add_json_text(buffer, tag);
}

/* Seconds since the epoch. */
static void add_expiry(Buffer *buffer, const Object *object) {
        buffer_printf(buffer, ",\"expires\":%.6f", (double)object->expires_at / USEC_PER_SEC);
}

static void add_member_ids(Buffer *buffer, const Session *session) {
        const Participant *participant;
        bool first = true;

        buffer_add(buffer, "[", 1);
        TAILQ_FOREACH(participant, &session->members, in_members) {
                separate(buffer, &first);
                add_id(buffer, &participant->object);
        }
        buffer_add(buffer, "]", 1);
}

void view_session(Buffer *buffer, const World *world, const Session *session, Detail detail) {
        buffer_add_text(buffer, "{\"id\":");
        add_id(buffer, &session->object);
        add_tag(buffer, session->tag);
        if (world->settings->generation == GENERATION_2020 || detail == DETAIL_ALL) {
                buffer_add_text(buffer, ",\"participants\":");
                add_member_ids(buffer, session);
        }
        if (world->settings->member_ids) {
                buffer_add_text(buffer, ",\"participant_ids\":");
                add_member_ids(buffer, session);
        }
        if (detail == DETAIL_ALL)
                add_expiry(buffer, &session->object);
        buffer_add(buffer, "}", 1);
}

static void add_permissions(Buffer *buffer, const World *world, unsigned permissions) {
        static const struct {
                unsigned permission;
                const char *text;
        } words[] = { { PERMISSION_AUDIO, "\"AUDIO\"" }, { PERMISSION_VIDEO, "\"VIDEO\"" } };
        size_t from = world->settings->shuffle ? random_below(world->random, ELEMENTSOF(words)) : 0;
        bool first = true;

        buffer_add_text(buffer, ",\"publishPermissions\":[");
        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                size_t k = (from + i) % ELEMENTSOF(words);

                if (!(permissions & words[k].permission))
                        continue;
                separate(buffer, &first);
                buffer_add_text(buffer, words[k].text);
        }
        buffer_add(buffer, "]", 1);
}

static void add_publisher(Buffer *buffer, const Publisher *publisher) {
        bool first = true;

        buffer_add_text(buffer, "{\"participantId\":");
        buffer_add_json_text(buffer, publisher->id);
        if (publisher->n_aliases > 0) {
                buffer_add_text(buffer, ",\"streamAliases\":[");
                for (size_t i = 0; i < publisher->n_aliases; i++) {
                        separate(buffer, &first);
                        buffer_add_json_text(buffer, publisher->aliases[i]);
                }
                buffer_add(buffer, "]", 1);
        }
        buffer_add(buffer, "}", 1);
}

void view_subscriptions(Buffer *buffer, const Participant *participant) {
        const Subscriptions *subscriptions = participant->subscriptions;
        bool first = true;

        if (!subscriptions) {
                buffer_add_text(buffer, "{}");
                return;
        }

        buffer_add_text(buffer, "{\"sessionId\":");
        add_id(buffer, &participant->heard->object);
        if (subscriptions->n_publishers > 0) {
                buffer_add_text(buffer, ",\"participants\":[");
                for (size_t i = 0; i < subscriptions->n_publishers; i++) {
                        separate(buffer, &first);
                        add_publisher(buffer, &subscriptions->publishers[i]);
                }
                buffer_add(buffer, "]", 1);
        }
        buffer_add(buffer, "}", 1);
}

void view_participant(Buffer *buffer, const World *world, const Participant *participant,
                      Detail detail) {
        bool echo = !world->settings->no_callback_echo;

        buffer_add_text(buffer, "{\"id\":");
        add_id(buffer, &participant->object);
        buffer_add_text(buffer, ",\"callbackUrl\":");
        buffer_add_json_text(buffer, echo ? participant->callback_url : NULL);
        add_permissions(buffer, world, participant->permissions);
        buffer_add_text(buffer, ",\"sessions\":[");
        if (participant->session)
                add_id(buffer, &participant->session->object);
        buffer_add_text(buffer, "],\"subscriptions\":");
        view_subscriptions(buffer, participant);
        add_tag(buffer, participant->tag);
        buffer_printf(buffer, ",\"deviceApiVersion\":\"V%u\"", participant->device_api_version);
        if (detail == DETAIL_ALL) {
                buffer_add_text(buffer, ",\"token\":");
                buffer_add_json_text(buffer, participant->token);
                add_expiry(buffer, &participant->object);
        }
        buffer_add(buffer, "}", 1);
}

/* Fisher and Yates, in place. */
static void shuffle(const Participant **members, size_t n, Random *random) {
        for (size_t i = n; i > 1; i--) {
                size_t k = random_below(random, i);
                const Participant *other = members[k];

                members[k] = members[i - 1];
                members[i - 1] = other;
        }
}

void view_members(Buffer *buffer, const World *world, const Session *session) {
        const Participant *members[MEMBERS_MAX], *participant;
        size_t n = 0;

        TAILQ_FOREACH(participant, &session->members, in_members)
                members[n++] = participant;
        if (world->settings->shuffle)
                shuffle(members, n, world->random);

        buffer_add(buffer, "[", 1);
        for (size_t i = 0; i < n; i++) {
                if (i > 0)
                        buffer_add(buffer, ",", 1);
                view_participant(buffer, world, members[i], DETAIL_API);
        }
        buffer_add(buffer, "]", 1);
}
