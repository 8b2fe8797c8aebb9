/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/internal.h"

#include <errno.h>

/* A change was confirmed: older observations do not count any more. */
static int change_confirmed(Core *core, Object *object) {
        int r;

        r = core_touch(core, object);
        if (r < 0)
                return r;
        object->row.n_failed = 0;
        object_retry_at_once(object);
        return core_clear_error(&object->row);
}

/* Repeats of hours must not fill the log: told are the 1st, 2nd, 4th, 8th ... in a row; and none
 * of those by which the whole API is found to be away, for that is told once. */
static int attempt_level(const Object *object, const Answer *answer) {
        unsigned attempt = object->row.n_failed + 1;

        if (answer->outcome == API_NOT_SENT || answer->outcome == API_THROTTLED ||
            answer->outcome == API_UNAUTHORIZED || answer->outcome == API_FORBIDDEN)
                return 7;
        return (attempt & (attempt - 1)) == 0 ? 6 : 7;
}

/* An attempt failed in a way that may pass. Whoever waits for it learns that it is accepted. */
static int change_failed(Core *core, Object *object, const Flight *flight, const Answer *answer) {
        int r;

        r = core_log_failure(core, LOG_EVENT_ATTEMPT_FAILED, attempt_level(object, answer), flight,
                             answer);
        if (r >= 0)
                r = core_back_off(core, object, OUTCOME_UNAVAILABLE, answer->message);
        if (r < 0)
                return r;
        /* The host's own pause is enough where it is the host that failed. */
        if (answer->outcome == API_NOT_SENT || answer->outcome == API_THROTTLED)
                object_retry_at_once(object);
        waiters_pass(core, object);
        return 0;
}

/* 401, 403: not processed. Calls still unanswered are refused; what was accepted before is kept. */
static int change_unauthorized(Core *core, Object *object, const Flight *flight,
                               const Answer *answer) {
        Outcome outcome = outcome_of(answer->outcome);
        int r;

        r = core_log_failure(core, LOG_EVENT_ATTEMPT_FAILED, attempt_level(object, answer), flight,
                             answer);
        if (r >= 0)
                r = core_touch(core, object);
        if (r < 0)
                return r;
        object->row.n_failed++;
        if (object_waiter(object))
                return core_withdraw_object(core, object, outcome, answer->message);
        return row_set_error(&object->row, outcome, answer->message);
}

/* The only place where it is counted. */
static int count_unknown(Core *core, Object *object) {
        int r;

        r = core_touch(core, object);
        if (r < 0)
                return r;
        object->row.attempt_open = false;
        object->row.n_unknown++;
        core->counters.suspected_orphans++;
        return 0;
}

int core_note_unknown(Core *core, Object *object, const char *text) {
        int r;

        r = count_unknown(core, object);
        if (r >= 0)
                r = core_log(core, LOG_EVENT_UNKNOWN_OUTCOME, 4, object, "%s", text);
        if (r >= 0)
                core->effects[core->n_effects - 1].log.attempt = object->row.n_unknown;
        return r;
}

static int note_unanswered(Core *core, Object *object, const Flight *flight, const Answer *answer) {
        int r;

        r = count_unknown(core, object);
        return r < 0 ? r
                     : core_log_answer(core, LOG_EVENT_UNKNOWN_OUTCOME, 4, flight, answer,
                                       "The outcome of a creation is unknown; what it made may be "
                                       "left at the API.");
}

static const char never_told[] = "The API never told what became of the creation.";

bool core_may_create(const Core *core, const Object *object) {
        const Row *row = &object->row;

        return row->n_unknown <= (row->spec->at_most_once ? 0 : core->config.create_repeats);
}

int core_give_up(Core *core, Object *object) {
        return core_fail(core, object, OUTCOME_UNKNOWN, never_told);
}

int core_unknown(Core *core, Object *object, const Flight *flight, const Answer *answer) {
        Row *row = &object->row;
        int r;

        r = flight ? note_unanswered(core, object, flight, answer)
                   : core_note_unknown(core, object,
                                       "A creation was under way when the last run ended, and its "
                                       "outcome is unknown; what it made may be left at the API.");
        if (r < 0)
                return r;

        if (row->gone && !object->unsure) {
                r = waiters_fail_all(core, object, OUTCOME_DONE, NULL);
                return r < 0 ? r : core_remove(core, object, false);
        }
        if (!core_may_create(core, object)) {
                row->n_failed++;
                return core_give_up(core, object);
        }
        r = core_back_off(core, object, OUTCOME_UNAVAILABLE, answer ? answer->message : never_told);
        if (r >= 0)
                waiters_pass(core, object);
        return r;
}

/* What was made is managed as another object: for this one it is as if nothing had been told. */
static int created_as_another(Core *core, Object *object, const Flight *flight,
                              const Answer *answer) {
        Answer unusable = *answer;

        unusable.message = "The API gave it the id that another object has.";
        return core_unknown(core, object, flight, &unusable);
}

static int created(Core *core, Object *object, const Flight *flight, const Answer *answer) {
        Row *row = &object->row;
        bool session = row->kind == KIND_SESSION;
        int r;

        r = change_confirmed(core, object);
        if (r < 0)
                return r;
        r = registry_set_id(&core->registry, object, &answer->id);
        if (r == -EEXIST)
                return created_as_another(core, object, flight, answer);
        if (r < 0)
                return r;

        r = core_adoption_settle(core, object);
        if (r < 0)
                return r;
        row->attempt_open = false;
        row->goals[BEING].agreed_rev = flight->sent_rev[BEING];
        if (session)
                row->expires_at = flight->sent_at + SESSION_LIFETIME_USEC;
        if (answer->token && !session) {
                object->activity->token = strdup(answer->token);
                if (!object->activity->token)
                        return -ENOMEM;
                row->has_token = true;
        }
        if (session)
                core_wake_session(core, row->number);
        if (!row->wanted)
                core_look_soon(core, object, LOOK_AFTER_CHANGE_USEC);
        return core_log_answer(core, LOG_EVENT_CREATED, 6, flight, answer,
                               session ? "A session was created." : "A participant was created.");
}

static int answer_create(Core *core, Object *object, Flight *flight, const Answer *answer) {
        int r;

        switch (answer->outcome) {
        case API_OK:
                if (!api_id_is_known(&answer->id))
                        return core_unknown(core, object, flight, answer);
                return created(core, object, flight, answer);
        case API_NO_ANSWER:
        case API_NOT_UNDERSTOOD:
        case API_BROKEN:
                return core_unknown(core, object, flight, answer);
        case API_NOT_SENT:
        case API_THROTTLED:
                r = core_touch(core, object);
                object->row.attempt_open = false;
                return r < 0 ? r : change_failed(core, object, flight, answer);
        case API_UNAUTHORIZED:
        case API_FORBIDDEN:
                r = core_touch(core, object);
                object->row.attempt_open = false;
                return r < 0 ? r : change_unauthorized(core, object, flight, answer);
        case API_REFUSED:
        case API_REDIRECTED:
        case API_NOT_FOUND:
        case API_CONFLICT:
        case _API_OUTCOME_MAX:
                break;
        }
        return core_refuse(core, object, flight, answer);
}

/* What was agreed meanwhile by other ways stays so. */
static void goal_agree(Goal *goal, uint32_t rev) {
        if (goal->agreed_rev < rev)
                goal->agreed_rev = rev;
}

static int changed(Core *core, Object *object, const Flight *flight, const Answer *answer) {
        bool session = object->row.kind == KIND_SESSION;
        Goal *goals = object->row.goals;
        Object *before = core_reader(core, object);
        int r;

        if (flight->step == STEP_DELETE) {
                r = waiters_fail_all(core, object, OUTCOME_DONE, NULL);
                if (r >= 0)
                        r = core_log_answer(core, LOG_EVENT_DELETED, 6, flight, answer,
                                            session ? "A session was deleted."
                                                    : "A participant was deleted.");
                return r < 0 ? r : core_remove(core, object, true);
        }

        r = change_confirmed(core, object);
        if (r < 0)
                return r;
        if (flight->sent && !core_session(core, flight->sent->session)) {
                /* The session went away meanwhile, and with it what was wanted there. */
                object->must_read = true;
                return 0;
        }
        r = core_set_observed(core, object, flight->sent);
        if (r < 0)
                return r;
        if (flight->step != STEP_SUBSCRIBE)
                object->must_read = false;
        if (flight->step == STEP_JOIN || (flight->step == STEP_LEAVE && flight->whole))
                goal_agree(goals + MEMBERSHIP, flight->sent_rev[MEMBERSHIP]);
        if (flight->whole)
                goal_agree(goals + SUBSCRIPTIONS, flight->sent_rev[SUBSCRIPTIONS]);
        object->look_subscriptions = flight->step == STEP_SUBSCRIBE;
        if (flight->step == STEP_SUBSCRIBE)
                return 0;
        if (before)
                core_look_soon(core, before, LOOK_AFTER_CHANGE_USEC);
        core_look_soon(core, object, LOOK_AFTER_CHANGE_USEC);
        return 0;
}

/* 404 on a path with two objects proves nothing about either: both are read, then it is decided. */
static int either_missing(Core *core, Object *object, const Flight *flight, const Answer *answer) {
        Object *session = core_session(core, flight->sent ? flight->sent->session : 0);
        int r;

        object->must_read = true;
        if (session) {
                session->must_read = true;
                core_wake(core, session);
        }
        if (object->row.n_failed > 0)
                return change_failed(core, object, flight, answer);
        r = core_touch(core, object);
        object->row.n_failed++;
        return r;
}

static int change_refused(Core *core, Object *object, const Flight *flight, const Answer *answer) {
        bool leaving = flight->step == STEP_DELETE || flight->step == STEP_LEAVE;

        if (answer->outcome == API_NOT_FOUND && leaving)
                return changed(core, object, flight, answer);
        if (answer->outcome == API_NOT_FOUND)
                return either_missing(core, object, flight, answer);
        if (answer->outcome == API_CONFLICT && flight->step == STEP_JOIN) {
                object->must_read = object->join_conflict = true;
                return 0;
        }
        return core_refuse(core, object, flight, answer);
}

static int answer_change(Core *core, Object *object, Flight *flight, const Answer *answer) {
        switch (answer->outcome) {
        case API_OK:
                return changed(core, object, flight, answer);
        case API_NOT_SENT:
        case API_NO_ANSWER:
        case API_NOT_UNDERSTOOD:
        case API_THROTTLED:
        case API_BROKEN:
                return change_failed(core, object, flight, answer);
        case API_UNAUTHORIZED:
        case API_FORBIDDEN:
                return change_unauthorized(core, object, flight, answer);
        case API_REFUSED:
        case API_REDIRECTED:
        case API_NOT_FOUND:
        case API_CONFLICT:
        case _API_OUTCOME_MAX:
                break;
        }
        return change_refused(core, object, flight, answer);
}

static int answer_object(Core *core, Flight *flight, const Answer *answer) {
        Object *object = flight->object;
        int r;

        if (object_change(object) == flight) {
                object->activity->change = NULL;
                if (object->removed)
                        return 0;
                object->changed_seq = core->last_serial;
                r = flight->step == STEP_CREATE ? answer_create(core, object, flight, answer)
                                                : answer_change(core, object, flight, answer);
                if (r >= 0)
                        r = waiters_settle(core, object);
                if (object->look_missed)
                        core_look_soon(core, object, LOOK_AFTER_CHANGE_USEC);
                object->look_missed = false;
        } else if (object->provisional) {
                return core_adoption_answer(core, object, flight, answer);
        } else {
                object->activity->read = NULL;
                r = core_observe_read(core, flight, answer);
        }
        core_wake(core, object);
        return r;
}

int core_withhold(Core *core, uint64_t serial) {
        Flight key = { .serial = serial };
        Flight *flight = RB_FIND(Flights, &core->flights, &key);
        Object *object = flight ? flight->object : NULL;
        int r = 0;

        if (!flight)
                return 0;
        if (core->host.probe == flight)
                host_probe_again(core);
        if (object && object_change(object) == flight)
                object->activity->change = NULL;
        else if (object)
                object->activity->read = NULL;
        if (object && flight->step == STEP_LOOK_SUBSCRIPTIONS)
                object->look_subscriptions = true;
        if (object && !object->removed && flight->step == STEP_CREATE) {
                r = core_touch(core, object);
                object->row.attempt_open = false;
        }
        if (object && object->provisional)
                object->look_at = core->now.boottime;
        if (object)
                core_wake(core, object);
        flight_free(core, flight);
        return r;
}

int core_answer(Core *core, const Answer *answer, Now now) {
        Flight key = { .serial = answer->serial };
        Flight *flight = RB_FIND(Flights, &core->flights, &key);
        int r = 0;

        if (!flight)
                return 0;
        core->now = now;
        /* What the API has not heard of, and a question, are as if they had never been. */
        if (answer->dropped && (answer->outcome == API_NOT_SENT || !step_is_change(flight->step)))
                return core_withhold(core, answer->serial);
        if (flight->object)
                r = answer_object(core, flight, answer);
        if (r >= 0)
                r = host_note(core, flight, answer);
        flight_free(core, flight);
        return r;
}
