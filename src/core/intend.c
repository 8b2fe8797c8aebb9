/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/internal.h"

#include <errno.h>

/* What is checked before anything is kept. Each returns 0 or an Outcome with a reason. */

static int refuse(const char **ret_reason, Outcome outcome, const char *reason) {
        *ret_reason = reason;
        return (int)outcome;
}

static int check_session(Core *core, uint64_t number, Object **ret, const char **ret_reason) {
        Object *session = registry_find(&core->registry, KIND_SESSION, number);

        if (!session || session->removed || !session->shown)
                return refuse(ret_reason, OUTCOME_NO_SUCH_SESSION, "There is no such session.");
        if (session->row.gone)
                return refuse(ret_reason, OUTCOME_CONFLICT, "The session is being deleted.");
        if (session->row.failed)
                return refuse(ret_reason, OUTCOME_CONFLICT, "The session could not be created.");
        *ret = session;
        return 0;
}

static int check_place(const Object *session, const char **ret_reason) {
        size_t n = 0;

        for (size_t i = 0; i < session->members.n; i++)
                n += place_in_session(session->members.items[i]->row.wanted, session->row.number);
        if (n >= SESSION_MEMBERS_MAX)
                return refuse(ret_reason, OUTCOME_SESSION_FULL,
                              "The session has 20 participants, which is all that the API allows.");
        return 0;
}

static int check_publishers(Core *core, const Intent *intent, uint64_t session,
                            const char **ret_reason) {
        for (size_t i = 0; i < intent->n_publishers; i++) {
                uint64_t number = intent->publishers[i].number;
                const Object *publisher = registry_find(&core->registry, KIND_PARTICIPANT, number);

                if (!publisher || publisher->removed || !publisher->shown)
                        return refuse(ret_reason, OUTCOME_NO_SUCH_PARTICIPANT,
                                      "A publisher is not in the registry.");
                if (number != intent->number &&
                    (publisher->row.gone || !place_in_session(publisher->row.wanted, session)))
                        return refuse(ret_reason, OUTCOME_INVALID,
                                      "Publishers: one of them is not in the same session.");
        }
        return 0;
}

static int check_object(Core *core, const Intent *intent, Object **ret, const char **ret_reason) {
        Object *object = registry_find(&core->registry, intent->object, intent->number);

        if (!object || object->removed || !object->shown)
                return intent->object == KIND_SESSION
                               ? refuse(ret_reason, OUTCOME_NO_SUCH_SESSION,
                                        "There is no such session.")
                               : refuse(ret_reason, OUTCOME_NO_SUCH_PARTICIPANT,
                                        "There is no such participant.");
        if (intent->kind != INTENT_DELETE && object->row.gone)
                return refuse(ret_reason, OUTCOME_CONFLICT, "It is being deleted.");
        if (intent->kind != INTENT_DELETE && object->row.failed)
                return refuse(ret_reason, OUTCOME_CONFLICT,
                              "It could not be created; all that can be done is to delete it.");
        *ret = object;
        return 0;
}

/* Whether there is a point in waiting for the API, or the answer is due once the row is durable. */
static bool worth_waiting(const Core *core, const Intent *intent) {
        if (!intent->wait || core->stopping)
                return false;
        /* A read is of no use but with its answer, which a slower API gives as well. */
        if (intent->kind == INTENT_REFRESH && host_open(core))
                return true;
        return core->host.state == API_STATE_UNKNOWN || core->host.state == API_STATE_ONLINE;
}

/* Notes who is owed an answer. It is to be called before anything is changed: a call that is
 * withdrawn goes back to what was wanted then. */
static int owe(Core *core, Object *object, const Intent *intent, uint64_t ticket, Waiter **ret) {
        int r;

        r = waiter_new(core, object, intent->kind, ticket, worth_waiting(core, intent), ret);
        if (r >= 0)
                (*ret)->session = intent->session;
        return r;
}

/* ... for the revisions that were just asked for. */
static void owe_revisions(Waiter *waiter, const bool asks[_ASPECT_MAX]) {
        for (Aspect aspect = 0; aspect < _ASPECT_MAX; aspect++)
                if (asks[aspect])
                        waiter->rev[aspect] = waiter->object->row.goals[aspect].wanted_rev;
}

/* A later intent is there for some aspects: those that wait for an unsent one hear of it. */
static int bump(Core *core, Object *object, const bool asks[_ASPECT_MAX]) {
        int r = 0;

        for (Aspect aspect = 0; aspect < _ASPECT_MAX; aspect++) {
                Goal *goal = object->row.goals + aspect;

                if (!asks[aspect])
                        continue;
                if (r >= 0)
                        r = waiters_supersede(core, object, aspect);
                /* Where an earlier one may have had its effect, only the API can say where it
                 * is. */
                if (aspect == MEMBERSHIP && goal->sent_rev > goal->agreed_rev)
                        object->must_read = true;
                /* ... and that decides nothing: the earlier one is not wanted any more. */
                if (aspect == MEMBERSHIP)
                        object->join_conflict = false;
                goal->wanted_rev++;
        }
        object_retry_at_once(object);
        object->row.n_failed = 0;
        return r < 0 ? r : row_set_error(&object->row, OUTCOME_DONE, NULL);
}

static int intend_create(Core *core, const Intent *intent, uint64_t ticket, uint64_t *ret_number,
                         const char **ret_reason) {
        const bool joins = intent->session != 0;
        const bool asks[_ASPECT_MAX] = { true, joins, joins };
        CLEANUP(place_unrefp) Place *place = NULL;
        Object *session, *object;
        Waiter *waiter;
        Row row = { .kind = intent->object };
        int r;

        if (joins) {
                r = check_session(core, intent->session, &session, ret_reason);
                if (r == 0)
                        r = check_place(session, ret_reason);
                if (r == 0)
                        r = check_publishers(core, intent, intent->session, ret_reason);
                if (r != 0)
                        return r;
                r = place_new(&place, intent->session, NULL, intent->mode, intent->publishers,
                              intent->n_publishers);
                if (r < 0)
                        return r;
        }

        row.number = ++core->counters.last_number[intent->object];
        row.spec = spec_ref(intent->spec);
        r = object_new(&object, &core->registry, &row);
        if (r < 0) {
                row_deinit(&row);
                return -ENOMEM;
        }
        r = core_touch(core, object);
        if (r >= 0 && joins)
                r = core_set_wanted(core, object, place);
        if (r >= 0)
                r = bump(core, object, asks);
        if (r >= 0)
                r = owe(core, object, intent, ticket, &waiter);
        if (r < 0)
                return r;
        owe_revisions(waiter, asks);
        *ret_number = object->row.number;
        return 0;
}

static const bool asks_being[_ASPECT_MAX] = { true, false, false };

int core_want_gone(Core *core, Object *object) {
        uint64_t session = object->row.wanted ? object->row.wanted->session : 0;
        int r;

        r = core_touch(core, object);
        if (r < 0)
                return r;
        object->row.gone = true;
        object->unsure = core->storage.intent; /* else nobody is there to be refused */
        r = waiters_read(core, object, OUTCOME_UNAVAILABLE, "It is being deleted.");
        if (r >= 0)
                r = bump(core, object, asks_being);
        if (r >= 0 && object->row.kind == KIND_PARTICIPANT)
                r = core_drop_publisher(core, object, session, false);
        return r < 0 ? r : core_set_wanted(core, object, NULL);
}

/* One of before may be on disk that the API has refused since. */
static bool delete_is_durable(const Object *object) {
        return object->shown->gone &&
               object->shown->goals[BEING].wanted_rev == object->row.goals[BEING].wanted_rev;
}

static int intend_delete(Core *core, Object *object, const Intent *intent, uint64_t ticket) {
        Waiter *waiter;
        int r;

        r = owe(core, object, intent, ticket, &waiter);
        if (r >= 0 && !object->row.gone)
                r = core_want_gone(core, object);
        else if (r >= 0 && !delete_is_durable(object))
                r = core_touch(core, object); /* what it joins may be taken back */
        if (r >= 0)
                owe_revisions(waiter, asks_being);
        return r;
}

bool core_join_delete(Core *core, Kind kind, uint64_t number, bool durable) {
        Object *object = registry_find(&core->registry, kind, number);

        if (core->stopping || storage_refuses(core, INTENT_DELETE) || !object || !object->shown)
                return false;
        if (object->removed) /* which nobody was told yet */
                return !durable;
        if (!object->row.gone || (durable && (object->unsure || !delete_is_durable(object))))
                return false;
        object->told_rev[BEING] = object->row.goals[BEING].wanted_rev;
        return true;
}

/* The common end of what changes a place: the new one, its revisions, and who waits for it. */
static int intend_place(Core *core, Object *object, const Intent *intent, uint64_t ticket,
                        Place *place) {
        const bool asks[_ASPECT_MAX] = { false, intent->kind != INTENT_SUBSCRIBE, true };
        uint64_t before = object->row.wanted ? object->row.wanted->session : 0;
        Waiter *waiter;
        int r;

        r = owe(core, object, intent, ticket, &waiter);
        if (r >= 0)
                r = core_touch(core, object);
        if (r >= 0 && !place_in_session(place, before))
                r = core_drop_publisher(core, object, before, false);
        if (r >= 0)
                r = core_set_wanted(core, object, place);
        if (r >= 0)
                r = bump(core, object, asks);
        if (r >= 0)
                owe_revisions(waiter, asks);
        return r;
}

static int intend_subscribe(Core *core, Object *object, const Intent *intent, uint64_t ticket,
                            const char **ret_reason) {
        CLEANUP(place_unrefp) Place *place = NULL;
        Intent subscribe = *intent;
        Object *session;
        int r;

        if (!object->row.wanted || object->row.wanted->session == 0)
                return refuse(ret_reason, OUTCOME_CONFLICT,
                              "The participant is in no session of the registry.");
        subscribe.kind = INTENT_SUBSCRIBE;
        subscribe.session = object->row.wanted->session;
        r = check_session(core, subscribe.session, &session, ret_reason);
        if (r == 0)
                r = check_publishers(core, &subscribe, subscribe.session, ret_reason);
        if (r != 0)
                return r;
        r = place_new(&place, subscribe.session, NULL, intent->mode, intent->publishers,
                      intent->n_publishers);
        return r < 0 ? r : intend_place(core, object, &subscribe, ticket, place);
}

/* It is wanted somewhere else. What can be done about it is for people. */
static int refuse_elsewhere(const Object *object, const char **ret_reason) {
        return refuse(ret_reason, OUTCOME_CONFLICT,
                      object->row.wanted->session != 0
                              ? "The participant is in another session; remove it there first."
                              : "The participant is in a session at the API that is not in the "
                                "registry, and that SessionId names. Adopt that session with "
                                "AdoptSession, and remove the participant there first.");
}

static int intend_add(Core *core, Object *object, const Intent *intent, uint64_t ticket,
                      const char **ret_reason) {
        CLEANUP(place_unrefp) Place *place = NULL;
        Object *session;
        int r;

        r = check_session(core, intent->session, &session, ret_reason);
        if (r != 0)
                return r;
        if (place_in_session(object->row.wanted, intent->session)) {
                if (intent->has_subscriptions)
                        return intend_subscribe(core, object, intent, ticket, ret_reason);
                return core_reply(core, ticket, OUTCOME_DONE, object, NULL);
        }
        if (object->row.wanted)
                return refuse_elsewhere(object, ret_reason);
        r = check_place(session, ret_reason);
        if (r == 0)
                r = check_publishers(core, intent, intent->session, ret_reason);
        if (r != 0)
                return r;
        r = place_new(&place, intent->session, NULL, intent->mode, intent->publishers,
                      intent->n_publishers);
        return r < 0 ? r : intend_place(core, object, intent, ticket, place);
}

static int intend_remove(Core *core, Object *object, const Intent *intent, uint64_t ticket,
                         const char **ret_reason) {
        Object *session;
        int r;

        r = check_session(core, intent->session, &session, ret_reason);
        if (r != 0)
                return r;
        if (!place_in_session(object->row.wanted, intent->session))
                return refuse(ret_reason, OUTCOME_CONFLICT,
                              "The participant is not in that session.");
        return intend_place(core, object, intent, ticket, NULL);
}

static int intend_refresh(Core *core, Object *object, const Intent *intent, uint64_t ticket,
                          const char **ret_reason) {
        Intent refresh = *intent;

        if (!row_has_id(&object->row))
                return refuse(ret_reason, OUTCOME_UNAVAILABLE,
                              "The API has not given it an id yet.");
        refresh.wait = true;
        if (!worth_waiting(core, &refresh))
                return refuse(ret_reason, OUTCOME_UNAVAILABLE,
                              "The API cannot be asked at the moment.");
        object->look_at = core->now.boottime;
        core_wake(core, object);
        return waiter_new(core, object, INTENT_REFRESH, ticket, true, NULL);
}

static int intend(Core *core, const Intent *intent, uint64_t ticket, uint64_t *ret_number,
                  const char **ret_reason) {
        Object *object;
        int r;

        if (core->stopping)
                return refuse(ret_reason, OUTCOME_UNAVAILABLE, "The daemon is shutting down.");
        if (core->host.state == API_STATE_UNAUTHORIZED && intent->kind != INTENT_DELETE)
                return refuse(ret_reason, OUTCOME_UNAUTHORIZED,
                              "There are no credentials, or the API refuses them.");
        if (storage_refuses(core, intent->kind))
                return refuse(ret_reason, OUTCOME_STORAGE_FAILED,
                              "The disk is full: it cannot be stored.");
        if (intent->kind == INTENT_CREATE)
                return intend_create(core, intent, ticket, ret_number, ret_reason);
        if (intent->kind == INTENT_ADOPT)
                return core_intend_adopt(core, intent, ticket, ret_number, ret_reason);

        r = check_object(core, intent, &object, ret_reason);
        if (r != 0)
                return r;
        switch (intent->kind) {
        case INTENT_DELETE:
                r = intend_delete(core, object, intent, ticket);
                break;
        case INTENT_ADD:
                r = intend_add(core, object, intent, ticket, ret_reason);
                break;
        case INTENT_REMOVE:
                r = intend_remove(core, object, intent, ticket, ret_reason);
                break;
        case INTENT_SUBSCRIBE:
                r = intend_subscribe(core, object, intent, ticket, ret_reason);
                break;
        case INTENT_REFRESH:
                r = intend_refresh(core, object, intent, ticket, ret_reason);
                break;
        case INTENT_CREATE:
        case INTENT_ADOPT:
        case _INTENT_KIND_MAX:
                break;
        }
        if (r == 0)
                *ret_number = intent->number;
        return r;
}

/* What is called, and clients still see though it has gone: that is not durable yet. */
static const Object *going(const Core *core, const Intent *intent, Outcome refusal) {
        const Object *object = registry_find(&core->registry, intent->object, intent->number);
        const bool told =
                refusal == OUTCOME_NO_SUCH_SESSION || refusal == OUTCOME_NO_SUCH_PARTICIPANT;

        return told && object && object->removed && object->shown ? object : NULL;
}

int core_intend(Core *core, const Intent *intent, uint64_t ticket, Now now, uint64_t *ret_number,
                const char **ret_reason) {
        Object *object;
        const Object *left;
        int r;

        core->now = now;
        *ret_number = 0;
        core->storage.intent = intent;
        core->storage.ticket = ticket;
        core->storage.call++;
        r = intend(core, intent, ticket, ret_number, ret_reason);
        core->storage.intent = NULL;
        left = r > 0 ? going(core, intent, (Outcome)r) : NULL;
        if (left) {
                *ret_number = intent->number;
                return core_reply(core, ticket, (Outcome)r, left, *ret_reason);
        }
        object = r == 0 ? registry_find(&core->registry, intent->object, *ret_number) : NULL;
        if (object)
                registry_count_pending(&core->registry, object);
        return r;
}
