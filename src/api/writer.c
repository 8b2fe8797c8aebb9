/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/writer.h"

#include <errno.h>

#include "api/json.h"

/* Takes @value, NULL too: that is memory that ran out. */
static int object_put(json_object *object, const char *key, json_object *value) {
        CLEANUP(json_freep) json_object *owned = value;

        if (!owned || json_object_object_add(object, key, owned) < 0)
                return -ENOMEM;
        TAKE(owned);
        return 0;
}

static int array_put(json_object *array, json_object *value) {
        CLEANUP(json_freep) json_object *owned = value;

        if (!owned || json_object_array_add(array, owned) < 0)
                return -ENOMEM;
        TAKE(owned);
        return 0;
}

/* Puts an empty array into @object, and lends it. */
static int object_put_array(json_object **ret, json_object *object, const char *key) {
        json_object *array = json_object_new_array();
        int r;

        r = object_put(object, key, array);
        if (r >= 0)
                *ret = array;
        return r;
}

static int object_put_text(json_object *object, const char *key, const char *text) {
        if (!text || !*text)
                return 0;
        return object_put(object, key, json_object_new_string(text));
}

static int permissions_put(json_object *body, unsigned permissions) {
        json_object *array;
        int r;

        /* Always sent: what the API takes for the default is not documented. */
        r = object_put_array(&array, body, "publishPermissions");
        if (r >= 0 && permissions & PUBLISH_AUDIO)
                r = array_put(array, json_object_new_string("AUDIO"));
        if (r >= 0 && permissions & PUBLISH_VIDEO)
                r = array_put(array, json_object_new_string("VIDEO"));
        return r;
}

static int participant_put(json_object *body, const Spec *spec) {
        int r;

        r = permissions_put(body, spec->permissions);
        if (r >= 0)
                r = object_put_text(body, "tag", spec_text(spec, SPEC_TAG));
        if (r >= 0)
                r = object_put_text(body, "callbackUrl", spec_text(spec, SPEC_CALLBACK_URL));
        if (r >= 0)
                r = object_put_text(body, "deviceApiVersion",
                                    spec_text(spec, SPEC_DEVICE_API_VERSION));
        return r;
}

static int publisher_put(json_object *array, const Publisher *publisher) {
        json_object *entry = json_object_new_object(), *aliases;
        int r;

        r = array_put(array, entry);
        if (r >= 0)
                r = object_put_text(entry, "participantId", api_id_text(&publisher->id));
        if (r < 0 || publisher->n_aliases == 0)
                return r;

        r = object_put_array(&aliases, entry, "streamAliases");
        for (size_t i = 0; r >= 0 && i < publisher->n_aliases; i++)
                r = array_put(aliases, json_object_new_string(publisher->aliases[i]));
        return r;
}

static int publishers_put(json_object *body, const Request *request) {
        json_object *array;
        int r;

        /* An empty list beside anything may mean everybody; {} means nobody. */
        if (request->n_publishers == 0)
                return 0;
        r = object_put_array(&array, body, "participants");
        for (size_t i = 0; r >= 0 && i < request->n_publishers; i++)
                r = publisher_put(array, request->publishers + i);
        return r;
}

static int subscriptions_put(json_object *body, const Request *request) {
        switch (request->mode) {
        case MODE_SESSION:
                return object_put_text(body, "sessionId", api_id_text(&request->session));
        case MODE_PARTICIPANTS:
                return publishers_put(body, request);
        case MODE_NONE:
        case _MODE_MAX:
                break;
        }
        return 0;
}

static int body_fill(json_object *body, const Request *request) {
        switch (request->operation) {
        case OPERATION_CREATE_PARTICIPANT:
                return participant_put(body, request->spec);
        case OPERATION_CREATE_SESSION:
                return object_put_text(body, "tag", spec_text(request->spec, SPEC_TAG));
        case OPERATION_ADD_PARTICIPANT:
        case OPERATION_UPDATE_SUBSCRIPTIONS:
                return subscriptions_put(body, request);
        case OPERATION_GET_PARTICIPANT:
        case OPERATION_DELETE_PARTICIPANT:
        case OPERATION_GET_SESSION:
        case OPERATION_DELETE_SESSION:
        case OPERATION_LIST_PARTICIPANTS:
        case OPERATION_REMOVE_PARTICIPANT:
        case OPERATION_GET_SUBSCRIPTIONS:
        case _OPERATION_MAX:
                break;
        }
        return 0;
}

int writer_body(char **ret, const Request *request) {
        CLEANUP(json_freep) json_object *body = json_object_new_object();
        const char *text;
        char *copy;
        int r;

        if (!body)
                return -ENOMEM;
        r = body_fill(body, request);
        if (r < 0)
                return r;

        text = json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN |
                                                            JSON_C_TO_STRING_NOSLASHESCAPE);
        copy = text ? strdup(text) : NULL;
        if (!copy)
                return -ENOMEM;
        *ret = copy;
        return 0;
}
