/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/internal.h"

#include <errno.h>

static int flight_compare(const Flight *a, const Flight *b) {
        return (a->serial > b->serial) - (a->serial < b->serial);
}

RB_GENERATE(Flights, Flight, by_serial, flight_compare);

int flight_new(Core *core, Object *object, StepKind step, Operation operation, Flight **ret) {
        Flight *flight;

        if (object && object_act(object) < 0)
                return -ENOMEM;
        flight = calloc(1, sizeof(*flight));
        if (!flight)
                return -ENOMEM;
        *flight = (Flight){ .serial = ++core->last_serial,
                            .operation = operation,
                            .step = step,
                            .object = object,
                            .sent_at = core->now.realtime };
        RB_INSERT(Flights, &core->flights, flight);
        core->n_flights++;
        if (operation_is_create(operation))
                core->n_posts++;
        if (object && step_is_change(step))
                object->activity->change = flight;
        else if (object)
                object->activity->read = flight;
        *ret = flight;
        return 0;
}

Flight *flight_free(Core *core, Flight *flight) {
        RB_REMOVE(Flights, &core->flights, flight);
        core->n_flights--;
        if (operation_is_create(flight->operation))
                core->n_posts--;
        place_unref(flight->sent);
        free(flight);
        return NULL;
}

/* How many are observed in a session, or on their way there, and whether one of them is to
 * leave. */
static bool session_has_place(const Object *session) {
        size_t n = 0;
        bool leaving = false;

        for (size_t i = 0; i < session->members.n; i++) {
                const Object *member = session->members.items[i];
                const Flight *change = object_change(member);
                bool joining = change && change->step == STEP_JOIN &&
                               place_in_session(change->sent, session->row.number);

                if (!joining && !place_in_session(member->row.observed, session->row.number))
                        continue;
                n++;
                if (!place_in_session(member->row.wanted, session->row.number) || member->row.gone)
                        leaving = true;
        }
        return n < SESSION_MEMBERS_MAX || !leaving;
}

static Wish object_wish(const Core *core, const Object *object) {
        const Place *wanted = object->row.wanted;
        const Object *session;

        if (!wanted)
                return WISH_NOWHERE;
        session = core_session(core, wanted->session);
        if (!session || session->row.gone || session->must_read || session->unread ||
            !row_has_id(&session->row))
                return WISH_BLOCKED;
        if (place_same_session(wanted, object->row.observed) || session_has_place(session))
                return WISH_READY;
        return WISH_BLOCKED;
}

static Whereabouts object_whereabouts(const Object *object) {
        const Place *wanted = object->row.wanted, *observed = object->row.observed;

        if (!observed)
                return WHEREABOUTS_NOWHERE;
        if (place_same_session(wanted, observed))
                return WHEREABOUTS_SAME;
        /* Nobody is pulled out of a session that is not ours: a 409, or a read, decides about
         * it. */
        return observed->session == 0 ? WHEREABOUTS_NOWHERE : WHEREABOUTS_ELSEWHERE;
}

const Object *publisher_awaited(const Core *core, const Place *wanted, size_t i) {
        const Object *other;

        if (wanted->publishers[i].number == 0)
                return NULL;
        other = registry_find(&core->registry, KIND_PARTICIPANT, wanted->publishers[i].number);
        /* One that is not wanted there any more is not worth waiting for. */
        if (!other || !place_same_session(other->row.wanted, wanted) ||
            place_same_session(other->row.observed, wanted))
                return NULL;
        return other;
}

static bool publishers_ready(const Core *core, const Object *object) {
        const Place *wanted = object->row.wanted;

        for (size_t i = 0; wanted && i < wanted->n_publishers; i++)
                if (publisher_awaited(core, wanted, i))
                        return false;
        return true;
}

/* Whether the session that something is wanted in is to be read first: without it nobody is in it,
 * and whoever is read before would seem to have left. */
static bool session_comes_first(const Core *core, const Object *object) {
        const Row *row = &object->row;
        const Object *session = row->wanted ? core_session(core, row->wanted->session) : NULL;

        return session && session->must_read && !session->row.gone &&
               (row_open(row, MEMBERSHIP) || row_open(row, SUBSCRIPTIONS));
}

static bool read_is_due(const Core *core, const Object *object) {
        if (object->unread)
                return object->must_read || !core_reader(core, object);
        return object->must_read && !session_comes_first(core, object);
}

Facts object_facts(const Core *core, const Object *object) {
        const Row *row = &object->row;
        usec_t now = core->now.boottime;
        Facts facts = { .has_id = row_has_id(row),
                        .gone = row->gone,
                        .failed = row->failed,
                        .in_flight = object_change(object),
                        .backing_off = object_retry_at(object) > now,
                        .reading = object_read(object),
                        .unread = object->unread,
                        .must_read = read_is_due(core, object),
                        .look = object->look_at <= now,
                        .look_subscriptions = object->look_subscriptions && row->observed };

        for (Aspect aspect = 0; aspect < _ASPECT_MAX; aspect++)
                facts.open[aspect] = row_open(row, aspect);
        if (row->kind == KIND_PARTICIPANT &&
            (facts.open[MEMBERSHIP] || facts.open[SUBSCRIPTIONS])) {
                facts.wish = object_wish(core, object);
                facts.whereabouts = object_whereabouts(object);
                facts.publishers_ready = publishers_ready(core, object);
        }
        return facts;
}

static StepKind core_plan(const Core *core, const Object *object) {
        const Facts facts = object_facts(core, object);

        return object->removed ? STEP_WAIT : plan_next(&facts);
}

static Operation step_operation(const Core *core, const Object *object, StepKind step) {
        bool session = object->row.kind == KIND_SESSION;

        switch (step) {
        case STEP_CREATE:
                return session ? OPERATION_CREATE_SESSION : OPERATION_CREATE_PARTICIPANT;
        case STEP_DELETE:
                return session ? OPERATION_DELETE_SESSION : OPERATION_DELETE_PARTICIPANT;
        case STEP_LEAVE:
                return OPERATION_REMOVE_PARTICIPANT;
        case STEP_JOIN:
                return OPERATION_ADD_PARTICIPANT;
        case STEP_SUBSCRIBE:
                return OPERATION_UPDATE_SUBSCRIPTIONS;
        case STEP_LOOK_SUBSCRIPTIONS:
                return OPERATION_GET_SUBSCRIPTIONS;
        case STEP_READ:
        case STEP_LOOK:
        case STEP_WAIT:
        case STEP_FORGET:
        case _STEP_MAX:
                break;
        }
        if (!session)
                return OPERATION_GET_PARTICIPANT;
        if (!core_has_list(core, object))
                return OPERATION_GET_SESSION;
        if (object->provisional)
                return object->listing ? OPERATION_LIST_PARTICIPANTS : OPERATION_GET_SESSION;
        /* A session that has just been made has nobody in it: it is enough to see that it is
         * there. Who asks for a look means those, too, whom others have put into it. */
        return object->row.synced_at == 0 && object->members.n == 0 && !object->unread &&
                               !waiters_have(object, INTENT_REFRESH)
                       ? OPERATION_GET_SESSION
                       : OPERATION_LIST_PARTICIPANTS;
}

/* What a join or a subscription sends: all that is wanted, or the bare membership where publishers
 * are not there yet. */
static int flight_fill(Core *core, Flight *flight) {
        Row *row = &flight->object->row;
        int r;

        for (Aspect aspect = 0; aspect < _ASPECT_MAX; aspect++)
                flight->sent_rev[aspect] = row->goals[aspect].wanted_rev;
        if (flight->step == STEP_JOIN && !publishers_ready(core, flight->object)) {
                const ApiId foreign = place_foreign(row->wanted);

                r = place_new(&flight->sent, row->wanted->session, &foreign, MODE_NONE, NULL, 0);
                if (r < 0)
                        return r;
        } else if (flight->step == STEP_JOIN || flight->step == STEP_SUBSCRIBE) {
                flight->sent = place_ref(row->wanted);
        }
        flight->whole = place_equal(flight->sent, row->wanted);
        flight->attempt = row->n_failed + 1;

        if (flight->step == STEP_CREATE || flight->step == STEP_DELETE)
                row->goals[BEING].sent_rev = row->goals[BEING].wanted_rev;
        if (flight->step == STEP_JOIN || flight->step == STEP_LEAVE)
                row->goals[MEMBERSHIP].sent_rev = row->goals[MEMBERSHIP].wanted_rev;
        if (flight->step == STEP_SUBSCRIBE || (flight->step == STEP_JOIN && flight->whole))
                row->goals[SUBSCRIPTIONS].sent_rev = row->goals[SUBSCRIPTIONS].wanted_rev;
        return 0;
}

static ApiId session_id(Core *core, const Place *place) {
        const Object *session;

        if (place->session == 0)
                return place_foreign(place);
        session = registry_find(&core->registry, KIND_SESSION, place->session);
        return row_id(&session->row);
}

static int request_publishers(Core *core, Request *request, const Place *sent) {
        if (sent->n_publishers == 0)
                return 0;
        request->publishers = calloc(sent->n_publishers, sizeof(Publisher));
        if (!request->publishers)
                return -ENOMEM;
        for (size_t i = 0; i < sent->n_publishers; i++) {
                const Publisher *from = sent->publishers + i;
                Publisher *publisher = request->publishers + request->n_publishers;
                const Object *other = NULL;

                if (from->number != 0)
                        other = registry_find(&core->registry, KIND_PARTICIPANT, from->number);
                if (from->number != 0 && (!other || !row_has_id(&other->row)))
                        continue;
                if (publisher_copy(publisher, from) < 0)
                        return -ENOMEM;
                request->n_publishers++;
                publisher->number = 0;
                if (other)
                        publisher->id = row_id(&other->row);
        }
        if (request->n_publishers == 0)
                request->mode = MODE_NONE; /* never everybody */
        return 0;
}

static int request_fill(Core *core, Request *request, const Flight *flight) {
        const Row *row = &flight->object->row;
        const Place *place = flight->sent;

        *request = (Request){ .serial = flight->serial,
                              .operation = flight->operation,
                              .kind = row->kind,
                              .number = row->number,
                              .attempt = flight->attempt };
        if (row->kind == KIND_SESSION)
                request->session = row_id(row);
        else
                request->participant = row_id(row);
        if (flight->step == STEP_CREATE)
                request->spec = spec_ref(row->spec);
        if (flight->step == STEP_LEAVE || flight->step == STEP_LOOK_SUBSCRIPTIONS)
                request->session = session_id(core, row->observed);
        if (!place)
                return 0;
        request->session = session_id(core, place);
        request->mode = place->mode;
        return request_publishers(core, request, place);
}

static int object_start(Core *core, Object *object, StepKind step) {
        Effect effect = { .kind = EFFECT_REQUEST };
        Flight *flight;
        int r;

        if (step == STEP_CREATE) {
                r = core_touch(core, object);
                if (r < 0)
                        return r;
                object->row.attempt_open = true;
        }
        r = flight_new(core, object, step, step_operation(core, object, step), &flight);
        if (r < 0)
                return r;
        r = flight_fill(core, flight);
        if (r >= 0)
                r = request_fill(core, &effect.request, flight);
        if (r < 0) {
                effect_deinit(&effect);
                return r;
        }

        if (step == STEP_LOOK_SUBSCRIPTIONS)
                object->look_subscriptions = false;
        if (step == STEP_LOOK || step == STEP_READ) {
                object->look_at = USEC_NEVER;
                object->looked_for = false;
        }
        return core_effect(core, &effect);
}

/* Whether somebody waits for it, or for one who is to join it once it is made. */
static bool is_waited_for(const Object *object, StepKind step) {
        if (object_waiter(object))
                return true;
        if (object->row.kind != KIND_SESSION || step != STEP_CREATE)
                return false;
        for (size_t i = 0; i < object->members.n; i++)
                if (object_waiter(object->members.items[i]))
                        return true;
        return false;
}

static Priority object_priority(const Object *object, StepKind step) {
        if (is_waited_for(object, step))
                return PRIORITY_CALLER;
        if (step_is_change(step) || step == STEP_READ)
                return PRIORITY_INTENT;
        return object->looked_for || step == STEP_LOOK_SUBSCRIPTIONS ? PRIORITY_REREAD
                                                                     : PRIORITY_LOOK;
}

void core_unready(Core *core, Object *object) {
        if (object->ready)
                TAILQ_REMOVE(&core->ready[object->priority], object->activity, on_ready);
        object->ready = false;
}

static int object_enqueue(Core *core, Object *object, Priority priority) {
        if (object_act(object) < 0)
                return -ENOMEM;
        core_unready(core, object);
        object->ready = true;
        object->priority = priority;
        TAILQ_INSERT_TAIL(&core->ready[priority], object->activity, on_ready);
        return 0;
}

static void core_set_timer(Core *core, Object *object) {
        usec_t now = core->now.boottime, due = USEC_NEVER;

        if (object_retry_at(object) > now)
                due = object_retry_at(object);
        else
                object_retry_at_once(object);
        if (object->look_at > now)
                due = usec_min(due, object->look_at);
        registry_set_due(&core->registry, object, due);
}

/* Whoever has an id, nobody who answers for it and nothing in flight is to be looked at some
 * time. */
static void object_look(Core *core, Object *object) {
        if (object->look_at == USEC_NEVER && row_has_id(&object->row) && !object_read(object) &&
            !object_change(object) && !object->provisional && !core_reader(core, object))
                object->look_at = usec_add(core->now.boottime, LOOK_AFTER_CHANGE_USEC);
}

static int object_decide(Core *core, Object *object) {
        StepKind step = core_plan(core, object);
        Priority priority;

        object_look(core, object);
        core_set_timer(core, object);
        if (step == STEP_FORGET && object->unsure)
                step = STEP_WAIT;
        if (step == STEP_FORGET) {
                int r = waiters_fail_all(core, object, OUTCOME_DONE, NULL);

                return r < 0 ? r : core_remove(core, object, false);
        }
        if (step == STEP_WAIT) {
                core_unready(core, object);
                return 0;
        }

        priority = object_priority(object, step);
        if (object->ready && object->priority == priority)
                return 0;
        return object_enqueue(core, object, priority);
}

static int core_decide(Core *core) {
        Object *object;

        while ((object = STAILQ_FIRST(&core->woken))) {
                int r;

                STAILQ_REMOVE_HEAD(&core->woken, on_woken);
                object->woken = false;
                if (object->removed)
                        continue;
                r = object_decide(core, object);
                if (r < 0)
                        return r;
                object_settle(object);
        }
        return 0;
}

static Object *ready_first(Core *core) {
        for (Priority priority = 0; priority < PRIORITY_HELD; priority++)
                if (!TAILQ_EMPTY(&core->ready[priority]))
                        return TAILQ_FIRST(&core->ready[priority])->object;
        return NULL;
}

/* Those that were set aside are decided anew. */
static void wake_all(Core *core, Priority priority) {
        Activity *activity;

        while ((activity = TAILQ_FIRST(&core->ready[priority]))) {
                Object *object = activity->object;

                core_unready(core, object);
                core_wake(core, object);
        }
}

int core_drive(Core *core) {
        Object *object;
        int r;

        if (storage_wakes(core))
                wake_all(core, PRIORITY_HELD);
        if (host_may_create(core))
                wake_all(core, PRIORITY_CREATION);
        if (core->n_awaited == 0)
                wake_all(core, PRIORITY_COPY);

        r = core_decide(core);
        while (r >= 0 && host_open(core) && core->n_flights < core->config.requests_max &&
               (object = ready_first(core))) {
                StepKind step = core_plan(core, object);

                if (step == STEP_WAIT || step == STEP_FORGET) {
                        core_unready(core, object);
                        object_settle(object);
                        continue;
                }
                if (storage_bars(core, object, step)) {
                        r = object_enqueue(core, object, PRIORITY_HELD);
                        continue;
                }
                /* A second creation into an API that may be hanging would be a second orphan. */
                if (step == STEP_CREATE && !host_may_create(core)) {
                        r = object_enqueue(core, object, PRIORITY_CREATION);
                        continue;
                }
                /* CreateRepeats= may be another since its last attempt. */
                if (step == STEP_CREATE && !core_may_create(core, object)) {
                        core_unready(core, object);
                        r = core_give_up(core, object);
                        continue;
                }
                if (step_is_change(step) && copy_holds(core, object)) {
                        r = object_enqueue(core, object, PRIORITY_COPY);
                        continue;
                }
                if (!bucket_take(&core->bucket, core->now.boottime))
                        break;
                core_unready(core, object);
                r = object_start(core, object, step);
                /* What started may have left the object with a timer, or another with a place. */
                core_wake(core, object);
                if (r >= 0)
                        r = core_decide(core);
        }
        return r;
}
