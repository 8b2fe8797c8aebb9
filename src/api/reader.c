/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/reader.h"

#include <errno.h>

#include "api/description.h"
#include "api/json.h"
#include "api/sighting.h"

void reading_deinit(Reading *reading) {
        free(reading->tag);
        secret_free(reading->token);
        sightings_free(reading->sightings, reading->n_sightings);
        *reading = (Reading){ 0 };
}

static bool id_read(ApiId *id, json_object *value) {
        const char *text = json_text(value);

        return text && api_id_set(id, text);
}

/* An id that must be the one that was asked for. */
static bool id_read_expected(ApiId *id, json_object *value, const ApiId *expected) {
        return id_read(id, value) && api_id_equal(id, expected);
}

/* Under one of two names, or not at all. */
static int session_read_members(Reading *reading, json_object *tree, const ApiId *session) {
        static const char *const names[] = { "participants", "participant_ids" };
        int r = 0;

        for (size_t i = 0; r == 0 && i < ELEMENTSOF(names); i++)
                r = sightings_read_members(&reading->sightings, &reading->n_sightings,
                                           json_member(tree, names[i]), session);
        reading->has_members = r > 0;
        return r;
}

static int session_read(Reading *reading, json_object *tree, const ApiId *expected) {
        json_object *id = json_member(tree, "id");
        int r;

        if (!expected)
                return id_read(&reading->id, id);
        if (!id_read_expected(&reading->id, id, expected))
                return 0;
        r = session_read_members(reading, tree, expected);
        return r < 0 ? r : description_read_tag(&reading->tag, json_member(tree, "tag"));
}

/* An id that has arrived is not lost for want of a token, nor for anything else in the answer:
 * membership and subscriptions of what was just created are not worth a look. */
static int created_participant_read(Reading *reading, json_object *tree) {
        const char *token = json_text(json_member(tree, "token"));

        if (!id_read(&reading->id, json_member(json_member(tree, "participant"), "id")))
                return 0;
        if (token && *token) {
                reading->token = strdup(token);
                if (!reading->token)
                        return -ENOMEM;
        }
        return 1;
}

static int sighting_read_one(Reading *reading, json_object *tree, const Question *question) {
        reading->sightings = calloc(1, sizeof(*reading->sightings));
        if (!reading->sightings)
                return -ENOMEM;
        reading->n_sightings = 1;

        if (question->operation == OPERATION_GET_SUBSCRIPTIONS) {
                reading->sightings->session = question->session;
                return sighting_read_subscriptions(reading->sightings, tree);
        }
        if (!id_read_expected(&reading->id, json_member(tree, "id"), &question->participant))
                return 0;
        return sighting_read(reading->sightings, tree);
}

static bool tree_is_nothing(json_object *tree) {
        if (json_object_is_type(tree, json_type_array))
                return json_object_array_length(tree) == 0;
        if (json_object_is_type(tree, json_type_object))
                return json_object_object_length(tree) == 0;
        return !tree;
}

static int sighting_read_listed(Sighting *sighting, json_object *tree, const ApiId *session) {
        int r;

        r = sighting_read(sighting, tree);
        /* It stands in the list of that session: so there it is, unless it says otherwise. */
        if (r > 0 && !api_id_is_known(&sighting->session))
                sighting->session = *session;
        return r;
}

static int list_add(Reading *reading, json_object *tree, const ApiId *session) {
        size_t n = reading->n_sightings;
        Sighting *sightings;

        if (n == READER_LIST_MAX)
                return 0;
        /* It need not be made longer: that is how many may be in a session. */
        if (n % SESSION_MEMBERS_MAX == 0) {
                sightings = reallocarray(reading->sightings, n + SESSION_MEMBERS_MAX,
                                         sizeof(*sightings));
                if (!sightings)
                        return -ENOMEM;
                reading->sightings = sightings;
        }
        reading->sightings[n] = (Sighting){ 0 };
        reading->n_sightings++;
        return sighting_read_listed(reading->sightings + n, tree, session);
}

/* What is no list may stand for an empty one. */
static int list_read_none(const char *text, size_t n) {
        CLEANUP(json_freep) json_object *tree = NULL;
        int r;

        r = json_parse(&tree, text, n, false);
        return r > 0 ? tree_is_nothing(tree) : r;
}

static int list_read(Reading *reading, const char *text, size_t n, const ApiId *session) {
        CLEANUP(json_list_close) JsonList list;
        int r;

        r = json_list_open(&list, text, n);
        if (r == 0)
                return list_read_none(text, n);
        while (r == 1) {
                CLEANUP(json_freep) json_object *tree = NULL;

                r = json_list_next(&list, &tree);
                if (r == 1)
                        r = list_add(reading, tree, session);
        }
        return r == JSON_LIST_END ? sightings_sort(reading->sightings, reading->n_sightings) : r;
}

static int tree_read(Reading *reading, json_object *tree, const Question *question) {
        switch (question->operation) {
        case OPERATION_CREATE_PARTICIPANT:
                return created_participant_read(reading, tree);
        case OPERATION_CREATE_SESSION:
                return session_read(reading, tree, NULL);
        case OPERATION_GET_SESSION:
                return session_read(reading, tree, &question->session);
        case OPERATION_GET_PARTICIPANT:
        case OPERATION_GET_SUBSCRIPTIONS:
                return sighting_read_one(reading, tree, question);
        case OPERATION_LIST_PARTICIPANTS:
        case OPERATION_DELETE_PARTICIPANT:
        case OPERATION_DELETE_SESSION:
        case OPERATION_ADD_PARTICIPANT:
        case OPERATION_REMOVE_PARTICIPANT:
        case OPERATION_UPDATE_SUBSCRIPTIONS:
        case _OPERATION_MAX:
                break;
        }
        return 1;
}

static int text_read(Reading *reading, const char *text, size_t n, const Question *question) {
        CLEANUP(json_freep) json_object *tree = NULL;
        bool secret = question->operation == OPERATION_CREATE_PARTICIPANT;
        int r;

        if (question->operation == OPERATION_LIST_PARTICIPANTS)
                return list_read(reading, text, n, &question->session);
        r = json_parse(&tree, text, n, secret);
        if (r > 0)
                r = tree_read(reading, tree, question);
        if (secret)
                json_scrub(tree);
        return r;
}

/* Whether a body matters at all: what is done is done, whatever the API says about it. */
static bool operation_has_answer(Operation operation) {
        switch (operation) {
        case OPERATION_CREATE_PARTICIPANT:
        case OPERATION_GET_PARTICIPANT:
        case OPERATION_CREATE_SESSION:
        case OPERATION_GET_SESSION:
        case OPERATION_LIST_PARTICIPANTS:
        case OPERATION_GET_SUBSCRIPTIONS:
                return true;
        case OPERATION_DELETE_PARTICIPANT:
        case OPERATION_DELETE_SESSION:
        case OPERATION_ADD_PARTICIPANT:
        case OPERATION_REMOVE_PARTICIPANT:
        case OPERATION_UPDATE_SUBSCRIPTIONS:
        case _OPERATION_MAX:
                break;
        }
        return false;
}

static bool operation_may_be_empty(Operation operation) {
        return operation == OPERATION_LIST_PARTICIPANTS || operation == OPERATION_GET_SUBSCRIPTIONS;
}

int reader_read(Reading *ret, const Question *question, unsigned status, const char *text,
                size_t n) {
        Reading reading = { 0 };
        int r = 1;

        if (status == 204 && operation_may_be_empty(question->operation))
                r = tree_read(&reading, NULL, question);
        else if (operation_has_answer(question->operation))
                r = text_read(&reading, text, n, question);

        if (r > 0)
                *ret = reading;
        else
                reading_deinit(&reading);
        return r;
}
