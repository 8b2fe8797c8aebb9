/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/internal.h"

#include <errno.h>

static const char disk_full[] =
        "The disk is full: it could not be stored, and nothing was changed.";

int undo_note(Core *core, Object *object) {
        const Storage *storage = &core->storage;
        const Undo *last = TAILQ_LAST(&core->storage.open, Undos);
        Undo *undo;

        for (const Undo *i = last; i && i->call == storage->call; i = TAILQ_PREV(i, Undos, undos))
                if (i->object == object)
                        return 0;
        undo = calloc(1, sizeof(*undo));
        if (!undo)
                return -ENOMEM;
        if (row_copy(&undo->before, &object->row) < 0) {
                free(undo);
                return -ENOMEM;
        }
        undo->object = object;
        memcpy(undo->told_rev, object->told_rev, sizeof(undo->told_rev));
        undo->call = storage->call;
        undo->named = !last || last->call != storage->call;
        undo->kind = storage->intent->kind;
        undo->wait = storage->intent->wait;
        undo->ticket = storage->ticket;
        TAILQ_INSERT_TAIL(&core->storage.open, undo, undos);
        return 0;
}

void undos_free(struct Undos *undos) {
        Undo *undo;

        while ((undo = TAILQ_FIRST(undos))) {
                TAILQ_REMOVE(undos, undo, undos);
                row_deinit(&undo->before);
                place_unref(undo->stood.place);
                free(undo);
        }
}

static void goal_restore(Goal *goal, const Goal *before) {
        /* What was agreed since may be of a revision that is taken back. */
        if (goal->agreed_rev > before->wanted_rev)
                goal->agreed_rev = before->agreed_rev;
        if (goal->sent_rev > before->wanted_rev)
                goal->sent_rev = before->sent_rev;
        goal->wanted_rev = before->wanted_rev;
}

static int undo_one(Core *core, const Undo *undo) {
        const bool deleted = undo->named && undo->kind == INTENT_DELETE;
        Object *object = undo->object;
        Row *row = &object->row;
        int r;

        if (object->removed)
                return 0;
        if (undo->named && undo->kind == INTENT_CREATE)
                return core_remove(core, object, false);
        /* It goes, whatever was wanted besides: the API refused what it was created for, or the
         * client has left that it belongs to. */
        if (row->gone && !(deleted && object->unsure))
                return 0;

        r = core_touch(core, object);
        if (r >= 0 && row->failed == undo->before.failed)
                r = core_set_wanted(core, object, undo->before.wanted);
        if (r < 0)
                return r;
        row->gone = undo->before.gone;
        object->unsure = object->unsure && row->gone;
        for (Aspect aspect = 0; aspect < _ASPECT_MAX; aspect++) {
                goal_restore(row->goals + aspect, undo->before.goals + aspect);
                if (object->told_rev[aspect] > row->goals[aspect].wanted_rev)
                        object->told_rev[aspect] = undo->told_rev[aspect];
        }
        if (row->kind == KIND_SESSION)
                core_wake_session(core, row->number);
        if (row->n_failed > 0 || row->last_error != OUTCOME_DONE)
                return 0;
        row->n_failed = undo->before.n_failed;
        return row_set_error(row, undo->before.last_error, undo->before.last_message);
}

/* What was wanted before may be there no more: the session, or one of the publishers. */
static int undo_settle(Core *core, const Undo *undo) {
        CLEANUP(place_unrefp) Place *place = NULL;
        Object *object = undo->object;
        Row *row = &object->row;
        const Object *session;
        int r = 0;

        if (undo->stood.fallen && !object->removed && !row->gone)
                r = core_go_back(core, object, &undo->stood);
        if (r < 0 || object->removed || !row->wanted)
                return r;
        session = core_session(core, row->wanted->session);
        if (row->wanted->session != 0 && (!session || session->row.failed))
                return core_release_member(core, object, row->wanted->session);

        r = core_place_left(core, &place, row->wanted);
        if (r >= 0 && !place_equal(place, row->wanted)) {
                r = core_set_wanted(core, object, place);
                row->goals[SUBSCRIPTIONS].wanted_rev++;
        }
        /* Looked at while another place was wanted, it was not compared. */
        if (!row_open(row, MEMBERSHIP) && !row_open(row, SUBSCRIPTIONS) &&
            !place_equal(row->wanted, row->observed))
                core_look_soon(core, object, LOOK_AFTER_CHANGE_USEC);
        return r;
}

static Waiter *undo_waiter(const Undo *undo) {
        Waiter *waiter, *next;

        WAITERS_FOREACH(waiter, next, undo->object)
                if (waiter->ticket == undo->ticket)
                        return waiter;
        return NULL;
}

static void undo_take_stand(Undo *undo, Waiter *waiter) {
        undo->has_stood = true;
        stand_move(&undo->stood, &waiter->before);
}

void undo_keep_stand(Core *core, Waiter *waiter) {
        Undo *undo;

        TAILQ_FOREACH_REVERSE(undo, &core->storage.open, Undos, undos)
        if (undo->named && undo->ticket == waiter->ticket) {
                undo_take_stand(undo, waiter);
                return;
        }
}

static Undo *undos_after(struct Undos *undos, const Waiter *waiter) {
        Undo *undo;

        TAILQ_FOREACH(undo, undos, undos)
                if (undo->has_stood && undo->object == waiter->object &&
                    undo->ticket > waiter->ticket)
                        return undo;
        return NULL;
}

Undo *undo_after(Core *core, const Waiter *waiter) {
        return undos_after(&core->storage.sealed, waiter)
                       ?: undos_after(&core->storage.open, waiter);
}

static void undo_forget_waiter(Core *core, Undo *undo) {
        Waiter *waiter = undo_waiter(undo);

        if (!waiter)
                return;
        undo_take_stand(undo, waiter);
        waiter_free(core, waiter);
}

/* A call that comes to nothing never was: the next one of that object stands where it stood. */
static void undo_hand_down(Undo *undo) {
        Undo *next = undo;

        if (!undo->has_stood)
                return;
        while ((next = TAILQ_NEXT(next, undos)))
                if (next->named && next->object == undo->object && next->has_stood)
                        break;
        if (!next)
                return;
        place_unref(next->stood.place);
        next->stood = undo->stood;
        place_ref(next->stood.place);
}

/* Those calls that it had superseded stay so, and it stands where they stood. */
static void undo_restore_stand(Undo *undo) {
        Waiter *waiter = undo_waiter(undo);

        if (waiter && undo->has_stood)
                stand_move(&waiter->before, &undo->stood);
}

/* Gives up what had been said to those calls, and has been told to nobody. */
static void replies_take_back(Core *core, const struct Undos *undos) {
        size_t n = 0;

        for (size_t i = 0; i < core->n_effects; i++) {
                Effect *effect = core->effects + i;
                const Undo *undo = NULL;

                if (effect->kind == EFFECT_REPLY)
                        TAILQ_FOREACH(undo, undos, undos)
                                if (undo->named && undo->ticket == effect->reply.ticket)
                                        break;
                if (undo)
                        effect_deinit(effect);
                else
                        core->effects[n++] = *effect;
        }
        core->n_effects = n;
}

/* The API has said that it is gone; but that is not durable either. */
static int delete_was_done(Core *core, const Undo *undo, const Intent *intent) {
        int r;

        core->storage.intent = intent;
        core->storage.ticket = undo->ticket;
        core->storage.call++;
        r = undo_note(core, undo->object);
        core->storage.intent = NULL;
        return r < 0 ? r : core_reply(core, undo->ticket, OUTCOME_DONE, undo->object, NULL);
}

static int delete_again(Core *core, Undo *undo) {
        const Row *row = &undo->object->row;
        const Intent intent = { .kind = INTENT_DELETE,
                                .object = row->kind,
                                .number = row->number,
                                .wait = undo->wait };
        const char *reason = NULL;
        uint64_t number;
        int r;

        if (undo->object->removed)
                return delete_was_done(core, undo, &intent);
        r = core_intend(core, &intent, undo->ticket, core->now, &number, &reason);
        if (r == 0)
                undo_restore_stand(undo);
        return r <= 0 ? r : core_reply(core, undo->ticket, (Outcome)r, undo->object, reason);
}

/* Where the later call is taken back, the earlier one stands, durable since before. */
static void superseded_stand(Core *core) {
        for (size_t i = 0; i < core->n_effects; i++) {
                Reply *reply = &core->effects[i].reply;
                Object *object;

                if (core->effects[i].kind != EFFECT_REPLY || reply->outcome != OUTCOME_SUPERSEDED)
                        continue;
                object = registry_find(&core->registry, reply->kind, reply->number);
                if (!object || object->removed || object->row.gone || object->row.failed)
                        continue;
                for (Aspect aspect = 0; aspect < _ASPECT_MAX; aspect++)
                        object->told_rev[aspect] = object->row.goals[aspect].wanted_rev;
                reply->outcome = OUTCOME_DONE;
                free(reply->message);
                reply->message = NULL;
        }
}

static int undo_answer(Core *core, Undo *undo, bool deletes) {
        const Object *object = undo->object;

        if (!undo->named)
                return 0;
        /* What it has joined has become durable meanwhile, and was not refused since. */
        if (undo->kind == INTENT_DELETE && object->row.gone && object->shown->gone)
                return core_reply(core, undo->ticket, OUTCOME_DONE, undo->object, NULL);
        if (undo->kind == INTENT_DELETE && !deletes)
                return delete_again(core, undo);
        return core_reply(core, undo->ticket, OUTCOME_STORAGE_FAILED, undo->object, disk_full);
}

int undo_calls(Core *core, bool deletes) {
        struct Undos undos = TAILQ_HEAD_INITIALIZER(undos);
        Undo *undo;
        int r = 0;

        TAILQ_CONCAT(&undos, &core->storage.sealed, undos);
        TAILQ_CONCAT(&undos, &core->storage.open, undos);
        TAILQ_FOREACH_REVERSE(undo, &undos, Undos, undos)
        if (r >= 0)
                r = undo_one(core, undo);
        TAILQ_FOREACH(undo, &undos, undos)
                if (undo->named)
                        undo_forget_waiter(core, undo);
        TAILQ_FOREACH(undo, &undos, undos)
                undo_hand_down(undo);
        TAILQ_FOREACH(undo, &undos, undos)
                if (r >= 0)
                        r = undo_settle(core, undo);
        replies_take_back(core, &undos);
        TAILQ_FOREACH(undo, &undos, undos)
                registry_count_pending(&core->registry, undo->object);
        TAILQ_FOREACH(undo, &undos, undos)
                if (r >= 0)
                        r = undo_answer(core, undo, deletes);
        superseded_stand(core);
        undos_free(&undos);
        return r;
}
