/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulator/body.h"

#include <strings.h>

#include "base/text.h"

#define TAG_MAX 50 /* code points, says the documentation */

static const char NOT_AN_OBJECT[] = "the body must be a JSON object";
static const char NO_MEMORY[] = "out of memory";

static bool is_object(JsonObject *json) {
        return !json || json_object_is_type(json, json_type_object);
}

/* A field's value; NULL where it is missing or null. */
static JsonObject *field(JsonObject *json, const char *name) {
        return json ? json_object_object_get(json, name) : NULL;
}

static bool read_text(JsonObject *json, const char *name, const char **ret) {
        JsonObject *value = field(json, name);

        *ret = value ? json_text(value) : NULL;
        return !value || *ret;
}

static const char *read_tag(JsonObject *json, const char **ret) {
        size_t n = 0;

        if (!read_text(json, "tag", ret))
                return "tag must be a string";
        if (*ret && (!text_code_points(*ret, &n) || n > TAG_MAX))
                return "tag must have at most 50 characters";
        return NULL;
}

const char *body_read_session(JsonObject *json, const char **ret_tag) {
        return is_object(json) ? read_tag(json, ret_tag) : NOT_AN_OBJECT;
}

static unsigned permission_from_text(const char *text) {
        if (text && streq(text, "AUDIO"))
                return PERMISSION_AUDIO;
        if (text && streq(text, "VIDEO"))
                return PERMISSION_VIDEO;
        return 0;
}

static const char *read_permissions(JsonObject *json, unsigned *ret) {
        JsonObject *array = field(json, "publishPermissions");

        *ret = 0;
        if (!array)
                return NULL;
        if (!json_object_is_type(array, json_type_array))
                return "publishPermissions must be an array";

        for (size_t i = 0; i < json_object_array_length(array); i++) {
                unsigned permission =
                        permission_from_text(json_text(json_object_array_get_idx(array, i)));

                if (!permission)
                        return "publishPermissions must be of AUDIO and VIDEO";
                if (*ret & permission)
                        return "publishPermissions must be unique";
                *ret |= permission;
        }
        return NULL;
}

static const char *read_version(JsonObject *json, Generation generation, unsigned *ret) {
        const char *text;

        if (!read_text(json, "deviceApiVersion", &text))
                return "deviceApiVersion must be a string";

        *ret = 3;
        if (!text || strcasecmp(text, "V3") == 0)
                return NULL;
        *ret = 2;
        if (generation == GENERATION_2020 && strcasecmp(text, "V2") == 0)
                return NULL;
        return generation == GENERATION_2020 ? "deviceApiVersion must be V2 or V3"
                                             : "deviceApiVersion must be V3";
}

const char *body_read_participant(JsonObject *json, Generation generation, NewParticipant *ret) {
        const char *problem;

        if (!is_object(json))
                return NOT_AN_OBJECT;
        if (!read_text(json, "callbackUrl", &ret->callback_url))
                return "callbackUrl must be a string";

        problem = read_tag(json, &ret->tag);
        if (!problem)
                problem = read_permissions(json, &ret->permissions);
        if (!problem)
                problem = read_version(json, generation, &ret->device_api_version);
        return problem;
}

static int compare_texts(const void *a, const void *b) {
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorts a list of borrowed strings and looks for two that are the same. */
static bool has_repeats(const char **texts, size_t n) {
        qsort(texts, n, sizeof(*texts), compare_texts);
        for (size_t i = 1; i < n; i++)
                if (streq(texts[i - 1], texts[i]))
                        return true;
        return false;
}

static const char *check_aliases(const Publisher *publisher) {
        CLEANUP(freep) const char **texts = calloc(publisher->n_aliases + 1, sizeof(*texts));

        if (!texts)
                return NO_MEMORY;
        for (size_t i = 0; i < publisher->n_aliases; i++)
                texts[i] = publisher->aliases[i];
        return has_repeats(texts, publisher->n_aliases) ? "streamAliases must be unique" : NULL;
}

static const char *read_aliases(JsonObject *json, Publisher *publisher) {
        JsonObject *array = field(json, "streamAliases");
        size_t n;

        if (!array)
                return NULL;
        if (!json_object_is_type(array, json_type_array))
                return "streamAliases must be an array";

        n = json_object_array_length(array);
        publisher->aliases = calloc(n + 1, sizeof(char *));
        if (!publisher->aliases)
                return NO_MEMORY;

        for (size_t i = 0; i < n; i++) {
                const char *alias = json_text(json_object_array_get_idx(array, i));

                if (!alias)
                        return "streamAliases must be strings";
                publisher->aliases[i] = strdup(alias);
                if (!publisher->aliases[i])
                        return NO_MEMORY;
                publisher->n_aliases = i + 1;
        }
        return check_aliases(publisher);
}

static const char *read_publisher(JsonObject *json, Publisher *publisher) {
        const char *id;

        if (!json || !json_object_is_type(json, json_type_object))
                return "participants must be objects";
        if (!read_text(json, "participantId", &id) || !id || !*id)
                return "participantId must be a string, and not empty";

        publisher->id = strdup(id);
        return publisher->id ? read_aliases(json, publisher) : NO_MEMORY;
}

static const char *check_publishers(const Subscriptions *subscriptions) {
        CLEANUP(freep)
        const char **texts = calloc(subscriptions->n_publishers + 1, sizeof(*texts));

        if (!texts)
                return NO_MEMORY;
        for (size_t i = 0; i < subscriptions->n_publishers; i++)
                texts[i] = subscriptions->publishers[i].id;
        return has_repeats(texts, subscriptions->n_publishers) ? "participantId must be unique"
                                                               : NULL;
}

static const char *read_publishers(JsonObject *array, Subscriptions *subscriptions) {
        size_t n = json_object_array_length(array);

        subscriptions->publishers = calloc(n + 1, sizeof(Publisher));
        if (!subscriptions->publishers)
                return NO_MEMORY;

        for (size_t i = 0; i < n; i++) {
                const char *problem;

                subscriptions->n_publishers = i + 1;
                problem = read_publisher(json_object_array_get_idx(array, i),
                                         &subscriptions->publishers[i]);
                if (problem)
                        return problem;
        }
        return check_publishers(subscriptions);
}

const char *body_read_subscriptions(JsonObject *json, const char **ret_session_id,
                                    Subscriptions **ret) {
        CLEANUP(subscriptions_freep) Subscriptions *subscriptions = NULL;
        JsonObject *array;
        const char *problem = NULL;

        if (!is_object(json))
                return NOT_AN_OBJECT;
        if (!read_text(json, "sessionId", ret_session_id))
                return "sessionId must be a string";
        array = field(json, "participants");
        if (array && !json_object_is_type(array, json_type_array))
                return "participants must be an array";

        /* A list wins over the session; an empty one is no list. */
        if (array && json_object_array_length(array) == 0)
                array = NULL;
        if (array || *ret_session_id) {
                subscriptions = calloc(1, sizeof(*subscriptions));
                if (!subscriptions)
                        return NO_MEMORY;
        }
        if (array)
                problem = read_publishers(array, subscriptions);
        if (!problem)
                *ret = TAKE(subscriptions);
        return problem;
}
