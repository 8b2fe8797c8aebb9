/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/internal.h"

#include <errno.h>

#define CACHE_LINE 64

/* Makes a place of what the API says. Publishers that are wanted members here become numbers, and
 * drop out when they leave; others keep their ids, so that nothing depends on the registry. */
static int place_new_seen(Core *core, const Sighting *sighting, uint64_t number, Place **ret) {
        CLEANUP(freep) Publisher *publishers = NULL;

        if (sighting->n_publishers > 0) {
                publishers = calloc(sighting->n_publishers, sizeof(*publishers));
                if (!publishers)
                        return -ENOMEM;
        }
        for (size_t i = 0; i < sighting->n_publishers; i++) {
                const Object *other = registry_find_id(&core->registry, KIND_PARTICIPANT,
                                                       &sighting->publishers[i].id);

                publishers[i] = sighting->publishers[i];
                if (!other || other->removed || !place_in_session(other->row.wanted, number))
                        continue;
                publishers[i].number = other->row.number;
                publishers[i].id = (ApiId){ 0 };
        }
        return place_new(ret, number, &sighting->session, sighting->mode, publishers,
                         sighting->n_publishers);
}

/* The place where a participant of @session (NULL: of none) was seen. That is nearly always the
 * session itself, and what was observed there before. */
static int place_of(Core *core, const Sighting *sighting, const Object *session, Place *observed,
                    Place **ret) {
        const Object *seen = session;
        uint64_t number;

        if (!api_id_is_known(&sighting->session)) {
                *ret = NULL;
                return 0;
        }
        if (!session || !row_id_is(&session->row, &sighting->session))
                seen = registry_find_id(&core->registry, KIND_SESSION, &sighting->session);
        number = seen && !seen->removed ? seen->row.number : 0;
        if (place_in_session(observed, number) && observed->mode == sighting->mode &&
            observed->n_publishers == 0 && sighting->n_publishers == 0) {
                *ret = place_ref(observed);
                return 0;
        }
        return place_new_seen(core, sighting, number, ret);
}

bool core_observation_counts(const Object *object, uint64_t serial) {
        return !object->removed && !object_change(object) && object->changed_seq < serial;
}

/* What was discarded is to be seen anew, once the change that is out has ended. */
static void observation_missed(Core *core, Object *object) {
        if (object_change(object))
                object->look_missed = true;
        else
                core_look_soon(core, object, LOOK_AFTER_CHANGE_USEC);
}

static void look_later(Core *core, Object *object, const Object *reader) {
        usec_t now = core->now.boottime;
        usec_t expires_at = object->row.expires_at;

        object->n_read_failed = 0;
        if (reader) {
                object->looked_for = false;
                object->look_at = USEC_NEVER;
                return;
        }
        /* Something has changed since this read was sent: it has not seen that. */
        if (object->looked_for)
                return;
        object->look_at = spread_next(now, core->config.resync_interval_usec,
                                      core->config.seed + object->row.number, &core->seed);
        if (expires_at > core->now.realtime)
                object->look_at =
                        usec_min(object->look_at, usec_add(now, expires_at - core->now.realtime));
}

/* Whether another look at an object decides nothing: as it is, it waits for others. */
static bool object_rests(const Object *object) {
        return object->look_at == USEC_NEVER && !object->must_read && row_in_sync(&object->row);
}

/* @reader: the session whose list answers for it. */
static int verified(Core *core, Object *object, const Object *reader) {
        bool rested = object_rests(object);
        int r;

        r = copy_note_read(core, object);
        if (r < 0)
                return r;
        object->row.synced_at = core->now.realtime;
        if (object->shown && object->shown != &object->row)
                object->shown->synced_at = core->now.realtime;
        object->must_read = false;
        look_later(core, object, reader);
        if (!rested || !object_rests(object))
                core_wake(core, object);
        return waiters_read(core, object, OUTCOME_DONE, NULL);
}

int core_verified(Core *core, Object *object) {
        return verified(core, object, core_reader(core, object));
}

/* A removal of ours that is not confirmed yet, and that would make a place in a session. */
static bool removal_pending(Core *core, const Place *wanted) {
        const Object *session = core_session(core, wanted->session);

        for (size_t i = 0; session && i < session->members.n; i++) {
                const Object *member = session->members.items[i];

                if (place_in_session(member->row.observed, wanted->session) &&
                    (member->row.gone || !place_in_session(member->row.wanted, wanted->session)))
                        return true;
        }
        return false;
}

/* A join was answered with 409, and this is where the participant really is. */
static int conflict_decide(Core *core, Object *object) {
        const char *elsewhere = "The participant is in another session.";
        const char *full = "The API did not let the participant in; the session is probably full.";
        const Place *observed = object->row.observed;
        const char *message = observed ? elsewhere : full;
        uint32_t sent_rev[_ASPECT_MAX] = { 0, object->row.goals[MEMBERSHIP].sent_rev, 0 };
        int r;

        object->join_conflict = false;
        if (!observed && object->row.wanted && removal_pending(core, object->row.wanted)) {
                /* Whoever waits may still see it done: it is that removal that is waited for. */
                return core_back_off(core, object, OUTCOME_CONFLICT, full);
        }
        r = core_log(core, LOG_EVENT_REFUSED, core_refusal_level(object), object, "%s", message);
        if (r < 0)
                return r;
        if (waiters_create_and_join(object))
                return core_uncreate(core, object, OUTCOME_CONFLICT, message);
        return core_roll_back(core, object, MEMBERSHIP, sent_rev, OUTCOME_CONFLICT, message);
}

/* A read says what a confirmation would have said. */
static int agree(Core *core, Object *object, Aspect aspect) {
        Goal *goal = object->row.goals + aspect;
        int r;

        r = core_touch(core, object);
        if (r < 0)
                return r;
        goal->agreed_rev = goal->wanted_rev;
        return core_clear_error(&object->row);
}

static int compare_membership(Core *core, Object *object, Place *seen) {
        int r;

        object->join_conflict = false;
        if (place_same_session(object->row.wanted, seen))
                return agree(core, object, MEMBERSHIP);

        /* Wanted nowhere, and now in a session that is not ours: our removal is done. */
        r = core_drift_adopt(core, object, seen);
        if (r >= 0)
                r = agree(core, object, SUBSCRIPTIONS);
        return r < 0 ? r : agree(core, object, MEMBERSHIP);
}

/* The subscriptions cannot be had any more: the participant is somewhere else. */
static int subscriptions_lost(Core *core, Object *object, Place *seen) {
        static const uint32_t all[_ASPECT_MAX] = { 0, 0, UINT32_MAX };
        static const char left[] = "The participant is not in that session any more.";
        int r;

        r = core_drift_adopt(core, object, seen);
        if (r >= 0)
                r = agree(core, object, SUBSCRIPTIONS);
        if (r >= 0)
                r = row_set_error(&object->row, OUTCOME_CONFLICT, left);
        return r < 0 ? r : waiters_fail(core, object, all, OUTCOME_CONFLICT, left);
}

/* The aspects that are open: what is seen may be just what is wanted, or decide a conflict. */
static int compare_open(Core *core, Object *object, Place *seen) {
        const Row *row = &object->row;
        int r;

        if (row_open(row, MEMBERSHIP)) {
                bool taken = !row->wanted && seen && seen->session == 0;

                if (!taken && !place_same_session(row->wanted, seen))
                        return object->join_conflict ? conflict_decide(core, object) : 0;
                r = compare_membership(core, object, seen);
                if (r < 0)
                        return r;
        }
        if (!row_open(row, SUBSCRIPTIONS))
                return 0;
        if (!place_same_session(row->wanted, seen))
                return core_drift_is_put_back(core, object, seen)
                               ? core_drift(core, object, seen)
                               : subscriptions_lost(core, object, seen);
        return place_equal(row->wanted, seen) ? agree(core, object, SUBSCRIPTIONS) : 0;
}

static int compare(Core *core, Object *object, Place *seen) {
        Row *row = &object->row;
        int r = 0;

        if (!place_equal(row->observed, seen))
                r = core_set_observed(core, object, seen);
        if (r < 0 || row->gone)
                return r;
        if (row_open(row, MEMBERSHIP) || row_open(row, SUBSCRIPTIONS))
                r = compare_open(core, object, seen);
        else if (!place_equal(row->wanted, seen))
                r = core_drift(core, object, seen);
        if (r >= 0 && row_in_sync(row) && row->n_failed > 0) {
                r = core_touch(core, object);
                row->n_failed = 0;
        }
        return r < 0 ? r : waiters_settle(core, object);
}

static int observe_participant(Core *core, Object *object, const Object *session,
                               const Sighting *sighting, uint64_t serial) {
        CLEANUP(place_unrefp) Place *seen = NULL;
        int r;

        if (!core_observation_counts(object, serial)) {
                observation_missed(core, object);
                return waiters_read(core, object, OUTCOME_DONE, NULL);
        }
        r = place_of(core, sighting, session, object->row.observed, &seen);
        if (r >= 0)
                r = compare(core, object, seen);
        if (r < 0)
                return r;
        /* Nearly always it is that session, which then need not be searched for. */
        if (session && !session->removed && !core->host.no_lists &&
            place_in_session(object->row.observed, session->row.number))
                return verified(core, object, session);
        return core_verified(core, object);
}

Object *core_listed(const Core *core, const Object *session, const ApiId *id) {
        const PackedId packed = packed_id_borrow(id);

        for (size_t i = 0; i < session->members.n; i++)
                if (packed_id_equal(&session->members.items[i]->row.id, &packed))
                        return session->members.items[i];
        return registry_find_id(&core->registry, KIND_PARTICIPANT, id);
}

int core_observe_adopted(Core *core, Object *object, const Object *session,
                         const Sighting *sighting) {
        CLEANUP(place_unrefp) Place *seen = NULL;
        int r;

        r = place_of(core, sighting, session, object->row.observed, &seen);
        if (r >= 0)
                r = core_set_wanted(core, object, seen);
        if (r >= 0)
                r = core_set_observed(core, object, seen);
        return r < 0 ? r : core_verified(core, object);
}

/* They lie anywhere in memory: all are on their way before the first is looked at. */
static void members_fetch(const Members *members) {
        for (size_t i = 0; i < members->n; i++)
                for (size_t at = 0; at < offsetof(Object, members); at += CACHE_LINE)
                        __builtin_prefetch((const char *)members->items[i] + at);
}

int core_observe_list(Core *core, Object *session, const Flight *flight, const Answer *answer) {
        int r;

        members_fetch(&session->members);
        r = core_adopt_strangers(core, session, flight, answer);
        for (size_t i = 0; r >= 0 && i < answer->n_sightings; i++) {
                const Sighting *sighting = answer->sightings + i;
                Object *object = core_listed(core, session, &sighting->id);

                if (!object)
                        continue;
                if (object->listed_by == (uint32_t)flight->serial) {
                        /* All who are in the list have a number by now. */
                        r = core_observe_adopted(core, object, session, sighting);
                        continue;
                }
                object->listed_by = (uint32_t)flight->serial;
                r = observe_participant(core, object, session, sighting, flight->serial);
        }
        if (r < 0)
                return r;
        core_observe_missing(core, session, flight);
        return 0;
}

void core_observe_missing(Core *core, Object *session, const Flight *flight) {
        for (size_t i = 0; i < session->members.n; i++) {
                Object *member = session->members.items[i];

                if (member->listed_by == (uint32_t)flight->serial ||
                    !place_in_session(member->row.observed, session->row.number) ||
                    !core_observation_counts(member, flight->serial))
                        continue;
                member->must_read = true;
                core_wake(core, member);
        }
}

/* Subscriptions alone: they are compared only where the participant is where it should be. */
static int observe_subscriptions(Core *core, Object *object, const Flight *flight,
                                 const Answer *answer) {
        Place *observed = object->row.observed;
        CLEANUP(place_unrefp) Place *seen = NULL;
        const Object *session;
        Sighting sighting;
        int r;

        if (!observed || answer->n_sightings == 0 ||
            !core_observation_counts(object, flight->serial))
                return 0;
        sighting = answer->sightings[0];
        if (observed->session == 0)
                return 0;
        session = registry_find(&core->registry, KIND_SESSION, observed->session);
        sighting.session = row_id(&session->row);
        r = place_of(core, &sighting, session, observed, &seen);
        return r < 0 ? r : compare(core, object, seen);
}

/* The counterpart at the API is not there any more. */
static int core_gone(Core *core, Object *object) {
        bool session = object->row.kind == KIND_SESSION;
        bool wanted = object->row.gone;
        int r;

        r = core_log(core, wanted ? LOG_EVENT_DELETED : LOG_EVENT_GONE, wanted ? 6 : 5, object,
                     "%s",
                     session ? "A session is not at the API any more."
                             : "A participant is not at the API any more.");
        if (r >= 0 && wanted)
                r = waiters_fail_all(core, object, OUTCOME_DONE, NULL);
        else if (r >= 0)
                r = waiters_fail_all(core, object,
                                     session ? OUTCOME_NO_SUCH_SESSION
                                             : OUTCOME_NO_SUCH_PARTICIPANT,
                                     "It is not at the API any more.");
        return r < 0 ? r : core_remove(core, object, true);
}

/* A change waits for a read that failed: it is its attempt that did. */
static int attempt_failed(Core *core, Object *object, Outcome outcome, const char *message) {
        int r;

        waiters_pass(core, object);
        r = core_touch(core, object);
        if (r < 0)
                return r;
        object->row.n_failed++;
        return row_set_error(&object->row, outcome, message);
}

/* The like of all that wait for the read of a session. */
static int attempts_failed(Core *core, Object *session, Outcome outcome, const char *message) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < session->members.n; i++)
                if (core_waits_for_session(core, session->members.items[i], session))
                        r = attempt_failed(core, session->members.items[i], outcome, message);
        return r;
}

static int read_failed(Core *core, Object *object, const Flight *flight, const Answer *answer) {
        const char *message = answer->outcome == API_OK
                                      ? "The API's answer does not say where it is."
                                      : answer->message;
        Outcome outcome = answer->outcome == API_UNAUTHORIZED || answer->outcome == API_FORBIDDEN
                                  ? outcome_of(answer->outcome)
                                  : OUTCOME_UNAVAILABLE;
        int r;

        object->n_read_failed++;
        object->look_at = core->now.boottime + backoff_delay(core->config.retry_min_usec,
                                                             core->config.retry_max_usec,
                                                             object->n_read_failed, &core->seed);
        r = waiters_read(core, object, outcome, message);
        copy_note_failed(core, object, answer->outcome);
        if (r < 0 || !(object->must_read || object->unread || row_open(&object->row, MEMBERSHIP)))
                return r;
        if (object_act(object) < 0)
                return -ENOMEM;
        object->activity->retry_at = object->look_at;
        waiters_pass(core, object);
        /* A periodic look is no attempt. */
        if (flight->step != STEP_READ)
                return 0;
        if (object->row.kind == KIND_SESSION)
                r = attempts_failed(core, object, outcome, message);
        return r < 0 || row_in_sync(&object->row) ? r
                                                  : attempt_failed(core, object, outcome, message);
}

static int missing(Core *core, Object *object, const Flight *flight) {
        Object *session;

        if (flight->operation != OPERATION_GET_SUBSCRIPTIONS)
                return core_gone(core, object);
        session = core_session(core, object->row.observed ? object->row.observed->session : 0);
        if (session)
                session->must_read = true, core_wake(core, session);
        object->must_read = true;
        return 0;
}

int core_observe_read(Core *core, Flight *flight, const Answer *answer) {
        Object *object = flight->object;
        bool blocked = object->must_read || object->unread;
        int r;

        if (object->removed)
                return 0;
        if (answer->outcome == API_NOT_FOUND)
                return missing(core, object, flight);
        if (answer->outcome == API_FORBIDDEN && flight->operation == OPERATION_LIST_PARTICIPANTS) {
                core_list_refused(core, object, flight);
                return 0;
        }
        if (answer->outcome != API_OK)
                return read_failed(core, object, flight, answer);

        switch (flight->operation) {
        case OPERATION_LIST_PARTICIPANTS:
                r = core_observe_list(core, object, flight, answer);
                break;
        case OPERATION_GET_SESSION:
                r = core_list_decide(core, object);
                if (r >= 0 && core->host.no_lists)
                        r = core_observe_members(core, object, flight, answer);
                break;
        case OPERATION_GET_PARTICIPANT:
                if (answer->n_sightings == 0)
                        return read_failed(core, object, flight, answer);
                return observe_participant(core, object, core_reader(core, object),
                                           answer->sightings, flight->serial);
        default:
                return observe_subscriptions(core, object, flight, answer);
        }
        if (r < 0)
                return r;
        r = core_verified(core, object);
        /* Its members waited for this read. */
        if (blocked)
                core_wake_session(core, object->row.number);
        return r;
}
