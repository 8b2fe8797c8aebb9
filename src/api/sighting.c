/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/sighting.h"

#include <errno.h>

#include "api/description.h"
#include "api/reader.h"

static void sighting_deinit(Sighting *sighting) {
        publishers_free(sighting->publishers, sighting->n_publishers);
        free(sighting->tag);
        free(sighting->callback_url);
        free(sighting->device_api_version);
}

Sighting *sightings_free(Sighting *sightings, size_t n) {
        for (size_t i = 0; sightings && i < n; i++)
                sighting_deinit(sightings + i);
        free(sightings);
        return NULL;
}

static int sighting_compare(const void *a, const void *b) {
        const Sighting *left = a, *right = b;

        return api_id_compare(&left->id, &right->id);
}

int sightings_sort(Sighting *sightings, size_t n) {
        if (n > 1)
                qsort(sightings, n, sizeof(*sightings), sighting_compare);
        for (size_t i = 1; i < n; i++)
                if (sighting_compare(sightings + i - 1, sightings + i) == 0)
                        return 0;
        return 1;
}

int sightings_read_members(Sighting **ret, size_t *ret_n, json_object *list, const ApiId *session) {
        Sighting *sightings;
        size_t n, i;

        if (!json_object_is_type(list, json_type_array))
                return 0;
        n = json_object_array_length(list);
        if (n > READER_LIST_MAX)
                return 0;
        sightings = calloc(n + 1, sizeof(*sightings));
        if (!sightings)
                return -ENOMEM;
        for (i = 0; i < n; i++) {
                const char *text = json_text(json_object_array_get_idx(list, i));

                if (!text || !api_id_set(&sightings[i].id, text))
                        break;
                sightings[i].session = *session;
        }
        if (i < n || !sightings_sort(sightings, n)) {
                free(sightings);
                return 0;
        }
        *ret = sightings;
        *ret_n = n;
        return 1;
}

static int publisher_compare(const void *a, const void *b) {
        const Publisher *left = a, *right = b;

        return api_id_compare(&left->id, &right->id);
}

static int text_compare(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorts, and drops what stands there again. */
static void aliases_normalize(Publisher *publisher) {
        size_t n = 0;

        if (publisher->n_aliases == 0)
                return;
        qsort(publisher->aliases, publisher->n_aliases, sizeof(char *), text_compare);
        for (size_t i = 1; i < publisher->n_aliases; i++) {
                if (strcmp(publisher->aliases[n], publisher->aliases[i]) == 0)
                        free(publisher->aliases[i]);
                else
                        publisher->aliases[++n] = publisher->aliases[i];
        }
        publisher->n_aliases = n + 1;
}

/* Whether a value may stand for a list: one, or nothing, which is an empty one. */
static bool list_length(json_object *value, size_t *ret) {
        if (value && !json_object_is_type(value, json_type_array))
                return false;
        *ret = value ? json_object_array_length(value) : 0;
        return *ret <= READER_LIST_MAX;
}

static int aliases_read(Publisher *publisher, json_object *list) {
        size_t n;

        if (!list_length(list, &n))
                return 0;
        if (n == 0)
                return 1;
        publisher->aliases = calloc(n, sizeof(char *));
        if (!publisher->aliases)
                return -ENOMEM;

        for (size_t i = 0; i < n; i++) {
                const char *text = json_text(json_object_array_get_idx(list, i));

                if (!text || !*text)
                        return 0;
                publisher->aliases[i] = strdup(text);
                if (!publisher->aliases[i])
                        return -ENOMEM;
                publisher->n_aliases++;
        }
        aliases_normalize(publisher);
        return 1;
}

/* An object, or, as in pages of 2020, the bare id. */
static int publisher_read(Publisher *publisher, json_object *value) {
        bool bare = json_object_is_type(value, json_type_string);
        const char *text = json_text(bare ? value : json_member(value, "participantId"));

        if (!text || !api_id_set(&publisher->id, text))
                return 0;
        return bare ? 1 : aliases_read(publisher, json_member(value, "streamAliases"));
}

static int publishers_read(Sighting *sighting, json_object *list, size_t n) {
        int r = 1;

        sighting->publishers = calloc(n, sizeof(*sighting->publishers));
        if (!sighting->publishers)
                return -ENOMEM;
        for (size_t i = 0; r > 0 && i < n; i++)
                r = publisher_read(&sighting->publishers[sighting->n_publishers++],
                                   json_object_array_get_idx(list, i));
        if (r <= 0)
                return r;

        qsort(sighting->publishers, n, sizeof(*sighting->publishers), publisher_compare);
        for (size_t i = 1; i < n; i++)
                if (publisher_compare(sighting->publishers + i - 1, sighting->publishers + i) == 0)
                        return 0;
        return 1;
}

/* Nothing: null, {} or, as seen for an empty answer, []. */
static bool value_is_nothing(json_object *value) {
        return !value || (json_object_is_type(value, json_type_array) &&
                          json_object_array_length(value) == 0);
}

int sighting_read_subscriptions(Sighting *sighting, json_object *subscriptions) {
        json_object *session = json_member(subscriptions, "sessionId");
        json_object *list = json_member(subscriptions, "participants");
        const char *text = json_text(session);
        ApiId id;
        size_t n;

        sighting->mode = MODE_NONE;
        if (value_is_nothing(subscriptions))
                return 1;
        if (!json_object_is_type(subscriptions, json_type_object) || !list_length(list, &n))
                return 0;
        if (session && !(text && api_id_set(&id, text)))
                return 0;

        /* A list that is not empty overrides the session's id beside it. */
        if (n > 0) {
                sighting->mode = MODE_PARTICIPANTS;
                return publishers_read(sighting, list, n);
        }
        if (session)
                sighting->mode = MODE_SESSION;
        return 1;
}

/* None or one; the API says that there are no more. */
static int sessions_read(ApiId *session, json_object *list) {
        const char *text;
        size_t n;

        if (!list_length(list, &n) || n > 1)
                return 0;
        if (n == 0)
                return 1;
        text = json_text(json_object_array_get_idx(list, 0));
        return text && api_id_set(session, text);
}

int sighting_read(Sighting *sighting, json_object *participant) {
        const char *id = json_text(json_member(participant, "id"));
        int r;

        if (!id || !api_id_set(&sighting->id, id) ||
            !sessions_read(&sighting->session, json_member(participant, "sessions")))
                return 0;
        r = sighting_read_subscriptions(sighting, json_member(participant, "subscriptions"));
        return r > 0 ? description_read(sighting, participant) : r;
}
