/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/internal.h"

#include <errno.h>

Outcome outcome_of(ApiOutcome outcome) {
        switch (outcome) {
        case API_OK:
                return OUTCOME_DONE;
        case API_REFUSED:
        case API_REDIRECTED:
        case API_NOT_FOUND:
                return OUTCOME_REJECTED;
        case API_UNAUTHORIZED:
                return OUTCOME_UNAUTHORIZED;
        case API_FORBIDDEN:
                return OUTCOME_FORBIDDEN;
        case API_CONFLICT:
                return OUTCOME_CONFLICT;
        case API_NOT_SENT:
        case API_NO_ANSWER:
        case API_NOT_UNDERSTOOD:
        case API_THROTTLED:
        case API_BROKEN:
        case _API_OUTCOME_MAX:
                return OUTCOME_UNAVAILABLE;
        }
        return OUTCOME_UNAVAILABLE;
}

int core_uncreate(Core *core, Object *object, Outcome outcome, const char *message) {
        Goal *goals = object->row.goals;
        uint64_t session = object->row.wanted ? object->row.wanted->session : 0;
        int r;

        r = core_touch(core, object);
        if (r >= 0)
                r = core_drop_publisher(core, object, session, false);
        if (r >= 0)
                r = core_set_wanted(core, object, NULL);
        if (r >= 0)
                r = waiters_fail_all(core, object, outcome, message);
        if (r < 0)
                return r;

        object->row.gone = true;
        object_retry_at_once(object);
        for (Aspect aspect = 0; aspect < _ASPECT_MAX; aspect++)
                goals[aspect].wanted_rev++;
        return 0;
}

int core_place_left(Core *core, Place **ret, Place *from) {
        CLEANUP(place_unrefp) Place *place = NULL;
        size_t i = 0;

        if (from && (from->session == 0 || core_session(core, from->session)))
                place = place_ref(from);
        while (place && i < place->n_publishers) {
                uint64_t number = place->publishers[i].number;
                const Object *other =
                        number ? registry_find(&core->registry, KIND_PARTICIPANT, number) : NULL;
                Place *without;
                int r;

                if (number == 0 || (other && !other->removed &&
                                    place_in_session(other->row.wanted, place->session))) {
                        i++;
                        continue;
                }
                r = place_without(&without, place, number);
                if (r < 0)
                        return r;
                place_unref(place);
                place = without;
                i = 0;
        }
        *ret = TAKE(place);
        return 0;
}

int core_fall_back(Core *core, Object *object) {
        CLEANUP(place_unrefp) Place *place = NULL;
        Goal *goals = object->row.goals;
        uint64_t session = object->row.wanted ? object->row.wanted->session : 0;
        int r = 0;

        if (!place_same_session(object->row.wanted, object->row.observed))
                r = core_drop_publisher(core, object, session, false);
        if (r >= 0)
                r = core_place_left(core, &place, object->row.observed);
        if (r >= 0 && !place_equal(place, object->row.observed))
                r = core_set_observed(core, object, place);
        if (r >= 0)
                r = core_set_wanted(core, object, place);
        if (r < 0)
                return r;
        core_look_soon(core, object, LOOK_AFTER_CHANGE_USEC);
        for (Aspect aspect = MEMBERSHIP; aspect < _ASPECT_MAX; aspect++)
                goals[aspect].agreed_rev = goals[aspect].wanted_rev;
        object_retry_at_once(object);
        return 0;
}

int core_roll_back(Core *core, Object *object, Aspect aspect, const uint32_t sent_rev[_ASPECT_MAX],
                   Outcome outcome, const char *message) {
        uint32_t limit[_ASPECT_MAX] = { 0 };
        int r;

        r = core_touch(core, object);
        if (r < 0)
                return r;

        limit[aspect] = sent_rev[aspect];
        /* A later intent for the same aspect stays, and is driven. One for the subscriptions alone
         * falls with the membership that it stood on. */
        if (object->row.goals[aspect].wanted_rev <= sent_rev[aspect] &&
            (aspect == MEMBERSHIP ||
             place_same_session(object->row.wanted, object->row.observed))) {
                limit[SUBSCRIPTIONS] = UINT32_MAX;
                r = core_fall_back(core, object);
                if (r < 0)
                        return r;
        }
        r = row_set_error(&object->row, outcome, message);
        return r < 0 ? r : waiters_fail(core, object, limit, outcome, message);
}

static const char never_made[] = "It could not be created.";

int core_fail(Core *core, Object *object, Outcome outcome, const char *message) {
        uint64_t session = object->row.wanted ? object->row.wanted->session : 0;
        int r;

        r = core_touch(core, object);
        /* Where it is to go whoever waits for a delete waits on. */
        if (r >= 0 && !object->row.gone)
                r = waiters_fail_creators(core, object, outcome, message);
        if (r >= 0 && !object->row.gone)
                r = waiters_fail_all(core, object, OUTCOME_CONFLICT, never_made);
        if (r >= 0 && object->row.kind == KIND_SESSION)
                r = core_dissolve(core, object);
        if (r >= 0)
                r = core_drop_publisher(core, object, session, false);
        if (r >= 0)
                r = core_set_wanted(core, object, NULL);
        if (r < 0)
                return r;
        object->row.failed = true;
        object_retry_at_once(object);
        return row_set_error(&object->row, outcome, message);
}

int core_refuse_create(Core *core, Object *object, Outcome outcome, const char *message) {
        bool gone = object->row.gone;
        int r;

        r = core_touch(core, object);
        if (r < 0)
                return r;
        object->row.attempt_open = false;
        if (gone ? object->unsure : !waiters_have(object, INTENT_CREATE))
                return core_fail(core, object, outcome, message);
        if (gone)
                r = waiters_fail_all(core, object, OUTCOME_DONE, NULL);
        else
                r = waiters_fail_creators(core, object, outcome, message);
        if (r >= 0)
                r = waiters_fail_all(core, object,
                                     object->row.kind == KIND_SESSION ? OUTCOME_NO_SUCH_SESSION
                                                                      : OUTCOME_NO_SUCH_PARTICIPANT,
                                     never_made);
        return r < 0 ? r : core_remove(core, object, false);
}

static int refuse_delete(Core *core, Object *object, Outcome outcome, const char *message) {
        int r;

        r = core_touch(core, object);
        if (r >= 0)
                r = core_fall_back(core, object);
        if (r < 0)
                return r;
        object->row.gone = false;
        if (object->row.kind == KIND_SESSION)
                core_wake_session(core, object->row.number);
        object->row.goals[BEING].agreed_rev = object->row.goals[BEING].wanted_rev;
        r = row_set_error(&object->row, outcome, message);
        return r < 0 ? r : waiters_fail_all(core, object, outcome, message);
}

/* The API's own words, and the id by which its people find the request; NULL: no memory. */
static char *refusal_new(const Answer *answer) {
        static const char before[] = " (request ", after[] = ")";
        size_t n = strlen(answer->message) + strlen(answer->request_id);
        char *text = malloc(n + sizeof(before) + sizeof(after));

        if (!text)
                return NULL;
        char *end = stpcpy(text, answer->message);
        if (answer->request_id[0])
                stpcpy(stpcpy(stpcpy(end, before), answer->request_id), after);
        return text;
}

int core_refusal_level(const Object *object) {
        return !object_waiter(object) ? 4 : 6;
}

int core_refuse(Core *core, Object *object, const Flight *flight, const Answer *answer) {
        CLEANUP(freep) char *message = refusal_new(answer);
        Outcome outcome = outcome_of(answer->outcome);
        int r;

        if (!message)
                return -ENOMEM;
        r = core_touch(core, object);
        if (r < 0)
                return r;
        object->row.n_failed = 0;
        r = core_log_failure(core, LOG_EVENT_REFUSED, core_refusal_level(object), flight, answer);
        if (r < 0)
                return r;
        if (flight->step == STEP_CREATE)
                return core_refuse_create(core, object, outcome, message);
        if (flight->step == STEP_DELETE)
                return refuse_delete(core, object, outcome, message);
        if (object->row.gone)
                return 0; /* whatever it was, a delete has replaced it */
        if (waiters_create_and_join(object))
                return core_uncreate(core, object, outcome, message);
        return core_roll_back(core, object,
                              flight->step == STEP_SUBSCRIBE ? SUBSCRIPTIONS : MEMBERSHIP,
                              flight->sent_rev, outcome, message);
}
