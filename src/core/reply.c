/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/internal.h"

#include <errno.h>

#include "base/text.h"

int core_effect(Core *core, Effect *effect) {
        if (core->n_effects == core->n_effects_allocated) {
                size_t wanted = core->n_effects_allocated ? 2 * core->n_effects_allocated : 16;
                Effect *effects = reallocarray(core->effects, wanted, sizeof(*effects));

                if (!effects) {
                        effect_deinit(effect);
                        return -ENOMEM;
                }
                core->effects = effects;
                core->n_effects_allocated = wanted;
        }
        core->effects[core->n_effects++] = *effect;
        *effect = (Effect){ 0 };
        return 0;
}

static void log_about(Log *log, const Object *object) {
        if (!object)
                return;
        log->kind = object->row.kind;
        log->number = object->row.number;
        log->id = row_id(&object->row);
        log->spec = spec_ref(object->row.spec);
}

int core_log(Core *core, LogEvent event, int level, const Object *object, const char *format, ...) {
        Effect effect = { .kind = EFFECT_LOG, .log = { .event = event, .level = level } };
        va_list arguments;
        int r;

        log_about(&effect.log, object);
        va_start(arguments, format);
        r = text_format_va(&effect.log.text, format, arguments);
        va_end(arguments);
        return r < 0 ? r : core_effect(core, &effect);
}

int core_log_answer(Core *core, LogEvent event, int level, const Flight *flight,
                    const Answer *answer, const char *text) {
        Effect effect = { .kind = EFFECT_LOG, .log = { .event = event, .level = level } };
        Log *log = &effect.log;

        log_about(log, flight->object);
        log->has_operation = true;
        log->operation = flight->operation;
        log->attempt = flight->attempt;
        log->status = answer->status;
        log->text = strdup(text);
        log->request_id = answer->request_id[0] ? strdup(answer->request_id) : NULL;
        if (!log->text || (answer->request_id[0] && !log->request_id)) {
                effect_deinit(&effect);
                return -ENOMEM;
        }
        return core_effect(core, &effect);
}

int core_log_failure(Core *core, LogEvent event, int level, const Flight *flight,
                     const Answer *answer) {
        CLEANUP(freep) char *text = NULL;
        int r;

        r = text_format(&text, "%s failed: %s", operation_name(flight->operation), answer->message);
        return r < 0 ? r : core_log_answer(core, event, level, flight, answer, text);
}

int core_reply(Core *core, uint64_t ticket, Outcome outcome, const Object *object,
               const char *message) {
        Effect effect = { .kind = EFFECT_REPLY,
                          .reply = { .ticket = ticket,
                                     .outcome = outcome,
                                     .kind = object->row.kind,
                                     .number = object->row.number } };

        if (outcome != OUTCOME_DONE) {
                effect.reply.message = strdup(message);
                if (!effect.reply.message)
                        return -ENOMEM;
        }
        return core_effect(core, &effect);
}

int waiter_new(Core *core, Object *object, IntentKind kind, uint64_t ticket, bool wait,
               Waiter **ret) {
        Waiter *waiter;

        if (object_act(object) < 0)
                return -ENOMEM;
        waiter = calloc(1, sizeof(*waiter));
        if (!waiter)
                return -ENOMEM;
        waiter->object = object;
        waiter->kind = kind;
        waiter->ticket = ticket;
        if (kind != INTENT_CREATE) { /* before which there was nothing */
                waiter->before.place = place_ref(object->row.wanted);
                for (Aspect aspect = 0; aspect < _ASPECT_MAX; aspect++)
                        waiter->before.rev[aspect] = object->row.goals[aspect].wanted_rev;
        }
        TAILQ_INSERT_TAIL(&object->activity->waiters, waiter, on_object);
        if (wait) {
                waiter->reply_by = usec_add(core->now.boottime, core->config.reply_timeout_usec);
                TAILQ_INSERT_TAIL(&core->waiters, waiter, on_clock);
        } else {
                TAILQ_INSERT_HEAD(&core->waiters, waiter, on_clock);
        }
        if (ret)
                *ret = waiter;
        return 0;
}

void waiter_free(Core *core, Waiter *waiter) {
        TAILQ_REMOVE(&waiter->object->activity->waiters, waiter, on_object);
        TAILQ_REMOVE(&core->waiters, waiter, on_clock);
        object_settle(waiter->object);
        place_unref(waiter->before.place);
        spec_unref(waiter->adopter);
        free(waiter);
}

/* Those that are to be answered with the next batch are as good as answered. */
static bool waiter_is_open(const Waiter *waiter) {
        return waiter->kind != INTENT_REFRESH && waiter->reply_by != 0;
}

static bool revs_exceed(const uint32_t revs[_ASPECT_MAX], const Stand *stand) {
        for (Aspect aspect = 0; aspect < _ASPECT_MAX; aspect++)
                if (revs[aspect] > stand->rev[aspect])
                        return true;
        return false;
}

/* Whether a client was told that something is accepted which came after @waiter, and so stands on
 * it; or will be told so with the next batch. */
static bool waiter_accepted_since(const Waiter *waiter) {
        const Waiter *later = waiter;

        if (revs_exceed(waiter->object->told_rev, &waiter->before))
                return true;
        while ((later = TAILQ_NEXT(later, on_object)))
                if (later->kind != INTENT_REFRESH && later->reply_by == 0)
                        return true;
        return false;
}

/* A call that comes to nothing never was: whoever came after it stands where it stood. That may be
 * one that was told so already, and is not durable. */
static void waiter_hand_down(Core *core, Waiter *waiter, Outcome outcome) {
        Undo *undo = undo_after(core, waiter);
        Waiter *next = TAILQ_NEXT(waiter, on_object);

        while (next && next->kind == INTENT_REFRESH)
                next = TAILQ_NEXT(next, on_object);
        if (waiter->kind == INTENT_REFRESH ||
            revs_exceed(undo ? undo->told_rev : waiter->object->told_rev, &waiter->before))
                return;
        if (outcome != OUTCOME_SUPERSEDED)
                waiter->before.fallen = true;
        if (next && (!undo || next->ticket < undo->ticket))
                stand_move(&next->before, &waiter->before);
        else if (undo)
                stand_move(&undo->stood, &waiter->before);
}

const Waiter *waiters_first_open(const Object *object) {
        const Waiter *waiter, *next;

        WAITERS_FOREACH(waiter, next, object)
                if (waiter_is_open(waiter) && !waiter_accepted_since(waiter))
                        return waiter;
        return NULL;
}

static int waiter_answer(Core *core, Waiter *waiter, Outcome outcome, const char *message) {
        int r;

        r = core_reply(core, waiter->ticket, outcome, waiter->object, message);
        if (outcome != OUTCOME_DONE)
                waiter_hand_down(core, waiter, outcome);
        waiter_free(core, waiter);
        return r;
}

/* The aspect that a call is about first of all. */
static Aspect waiter_aspect(const Waiter *waiter) {
        Aspect aspect = BEING;

        while (aspect < _ASPECT_MAX && waiter->rev[aspect] == 0)
                aspect++;
        return aspect;
}

static bool waiter_agreed(const Waiter *waiter) {
        const Goal *goals = waiter->object->row.goals;

        for (Aspect aspect = 0; aspect < _ASPECT_MAX; aspect++)
                if (goals[aspect].agreed_rev < waiter->rev[aspect])
                        return false;
        return true;
}

int waiters_settle(Core *core, Object *object) {
        Waiter *waiter, *next;
        int r = 0;

        WAITERS_FOREACH(waiter, next, object)
                if (r >= 0 && waiter->kind != INTENT_REFRESH && waiter_agreed(waiter))
                        r = waiter_answer(core, waiter, OUTCOME_DONE, NULL);
        return r;
}

static int waiter_pass(Core *core, Waiter *waiter) {
        if (waiter->kind == INTENT_REFRESH || waiter->kind == INTENT_ADOPT)
                return waiter_answer(core, waiter, OUTCOME_UNAVAILABLE,
                                     "The API could not be asked in time; try again later.");
        for (Aspect aspect = 0; aspect < _ASPECT_MAX; aspect++)
                if (waiter->object->told_rev[aspect] < waiter->rev[aspect])
                        waiter->object->told_rev[aspect] = waiter->rev[aspect];
        undo_keep_stand(core, waiter);
        return waiter_answer(core, waiter, OUTCOME_DONE, NULL);
}

/* Not before its batch is sealed: until then something else may become of it. */
static void waiter_hasten(Core *core, Waiter *waiter) {
        waiter->reply_by = 0;
        TAILQ_REMOVE(&core->waiters, waiter, on_clock);
        TAILQ_INSERT_HEAD(&core->waiters, waiter, on_clock);
}

void waiters_pass(Core *core, Object *object) {
        Waiter *waiter, *next;

        WAITERS_FOREACH(waiter, next, object)
                if (waiter->kind != INTENT_REFRESH)
                        waiter_hasten(core, waiter);
}

void waiters_pass_all(Core *core) {
        Waiter *waiter;

        TAILQ_FOREACH(waiter, &core->waiters, on_clock)
                waiter->reply_by = 0;
}

int waiters_expire(Core *core) {
        Waiter *waiter;
        int r = 0;

        while (r >= 0 && (waiter = TAILQ_FIRST(&core->waiters)) &&
               waiter->reply_by <= core->now.boottime) {
                Object *object = waiter->object;

                r = waiter_pass(core, waiter);
                if (object->provisional && !object_waiter(object))
                        core_adoption_free(core, object);
        }
        return r;
}

static bool waiter_within(const Waiter *waiter, const uint32_t limit[_ASPECT_MAX]) {
        if (waiter->kind == INTENT_REFRESH || waiter->kind == INTENT_CREATE ||
            waiter->kind == INTENT_DELETE)
                return false;
        for (Aspect aspect = 0; aspect < _ASPECT_MAX; aspect++)
                if (waiter->rev[aspect] != 0 && waiter->rev[aspect] <= limit[aspect])
                        return true;
        return false;
}

int waiters_fail(Core *core, Object *object, const uint32_t limit[_ASPECT_MAX], Outcome outcome,
                 const char *message) {
        Waiter *waiter, *next;
        int r = 0;

        WAITERS_FOREACH(waiter, next, object)
                if (r >= 0 && waiter_within(waiter, limit))
                        r = waiter_answer(core, waiter, outcome, message);
        return r;
}

void waiters_stand_on(Object *object, Aspect aspect) {
        Waiter *waiter, *next;

        WAITERS_FOREACH(waiter, next, object)
                waiter->before.rev[aspect] = object->row.goals[aspect].wanted_rev;
}

int waiters_fail_open(Core *core, Object *object, Outcome outcome, const char *message) {
        Waiter *waiter, *next;
        int r = 0;

        WAITERS_FOREACH(waiter, next, object)
                if (r >= 0 && waiter_is_open(waiter))
                        r = waiter_answer(core, waiter, outcome, message);
        return r;
}

int waiters_fail_session(Core *core, Object *object, uint64_t session) {
        Waiter *waiter, *next;
        int r = 0;

        WAITERS_FOREACH(waiter, next, object) {
                bool wants = waiter->kind == INTENT_ADD || waiter->kind == INTENT_SUBSCRIBE;

                if (r >= 0 && wants && waiter->session == session)
                        r = waiter_answer(core, waiter, OUTCOME_NO_SUCH_SESSION,
                                          "The session is gone.");
        }
        return r;
}

int waiters_fail_all(Core *core, Object *object, Outcome outcome, const char *message) {
        Waiter *waiter;
        int r = 0;

        while (r >= 0 && (waiter = object_waiter(object)))
                r = waiter_answer(core, waiter, outcome, message);
        return r;
}

int waiters_end(Core *core, Object *object, const Object *as, Outcome outcome,
                const char *message) {
        Waiter *waiter;
        int r = 0;

        while (r >= 0 && (waiter = object_waiter(object))) {
                r = core_reply(core, waiter->ticket, outcome, as, message);
                waiter_free(core, waiter);
        }
        return r;
}

bool waiters_have_adopter(const Object *object, const char *client_name) {
        const Waiter *waiter, *next;

        WAITERS_FOREACH(waiter, next, object)
                if (strcmp(spec_text(waiter->adopter, SPEC_CLIENT_NAME), client_name) == 0)
                        return true;
        return false;
}

int waiters_fail_adopters(Core *core, Object *object, const char *client_name, Outcome outcome,
                          const char *message) {
        Waiter *waiter, *next;
        int r = 0;

        WAITERS_FOREACH(waiter, next, object)
                if (r >= 0 &&
                    strcmp(spec_text(waiter->adopter, SPEC_CLIENT_NAME), client_name) == 0)
                        r = waiter_answer(core, waiter, outcome, message);
        return r;
}

int waiters_fail_creators(Core *core, Object *object, Outcome outcome, const char *message) {
        Waiter *waiter, *next;
        int r = 0;

        WAITERS_FOREACH(waiter, next, object)
                if (r >= 0 && waiter->kind == INTENT_CREATE)
                        r = waiter_answer(core, waiter, outcome, message);
        return r;
}

int waiters_read(Core *core, Object *object, Outcome outcome, const char *message) {
        Waiter *waiter, *next;
        int r = 0;

        WAITERS_FOREACH(waiter, next, object)
                if (r >= 0 && waiter->kind == INTENT_REFRESH)
                        r = waiter_answer(core, waiter, outcome, message);
        return r;
}

int waiters_supersede(Core *core, Object *object, Aspect aspect) {
        const Goal *goal = object->row.goals + aspect;
        Waiter *waiter, *next;
        int r = 0;

        WAITERS_FOREACH(waiter, next, object) {
                if (r < 0)
                        break;
                if (waiter->kind == INTENT_REFRESH)
                        continue;
                if (aspect != BEING &&
                    (waiter_aspect(waiter) != aspect || waiter->rev[aspect] <= goal->sent_rev))
                        continue;
                if (aspect == BEING && waiter->kind == INTENT_DELETE)
                        continue;
                r = waiter_answer(core, waiter, OUTCOME_SUPERSEDED,
                                  "A later intent for the same object replaced this one.");
        }
        return r;
}

bool waiters_have(const Object *object, IntentKind kind) {
        const Waiter *waiter, *next;

        WAITERS_FOREACH(waiter, next, object)
                if (waiter->kind == kind)
                        return true;
        return false;
}

bool waiters_create_and_join(const Object *object) {
        const Waiter *waiter, *next;

        WAITERS_FOREACH(waiter, next, object)
                if (waiter->kind == INTENT_CREATE && waiter->rev[MEMBERSHIP] != 0 &&
                    waiter->rev[MEMBERSHIP] == object->row.goals[MEMBERSHIP].wanted_rev)
                        return true;
        return false;
}
