/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/internal.h"

/* Nothing of an aspect was sent since some revision, and what is wanted now is what was agreed
 * then: there is nothing to be driven. */
static void goal_go_back(Goal *goal, uint32_t before_rev, bool there) {
        bool agreed = there && goal->agreed_rev >= before_rev && goal->sent_rev <= before_rev;

        if (goal->wanted_rev == before_rev)
                return;
        goal->wanted_rev++;
        if (agreed)
                goal->agreed_rev = goal->wanted_rev;
}

int core_go_back(Core *core, Object *object, const Stand *stand) {
        CLEANUP(place_unrefp) Place *place = NULL;
        Row *row = &object->row;
        Goal *goals = row->goals;
        uint64_t session = row->wanted ? row->wanted->session : 0;
        int r;

        r = core_place_left(core, &place, stand->place);
        if (r >= 0 && !place_in_session(place, session))
                r = core_drop_publisher(core, object, session, false);
        if (r >= 0)
                r = core_set_wanted(core, object, place);
        if (r < 0)
                return r;
        goal_go_back(goals + MEMBERSHIP, stand->rev[MEMBERSHIP],
                     place_same_session(place, row->observed));
        goal_go_back(goals + SUBSCRIPTIONS, stand->rev[SUBSCRIPTIONS],
                     place_equal(place, row->observed));
        if (goals[MEMBERSHIP].sent_rev > goals[MEMBERSHIP].agreed_rev)
                object->must_read = true;
        object_retry_at_once(object);
        return 0;
}

/* Where nothing was open before @first, what the API has is what is wanted. */
static int withdraw_place(Core *core, Object *object, const Waiter *first) {
        const Goal *goals = object->row.goals;

        for (Aspect aspect = MEMBERSHIP; aspect < _ASPECT_MAX; aspect++)
                if (goals[aspect].agreed_rev < first->before.rev[aspect])
                        return core_go_back(core, object, &first->before);
        return core_fall_back(core, object);
}

static int withdraw_delete(Core *core, Object *object, const Waiter *first) {
        Goal *being = object->row.goals + BEING;
        int r;

        /* It was accepted from somebody else, and @first has joined it. */
        if (first->before.rev[BEING] == being->wanted_rev)
                return 0;
        r = withdraw_place(core, object, first);
        if (r < 0)
                return r;
        object->row.gone = false;
        if (object->row.kind == KIND_SESSION)
                core_wake_session(core, object->row.number);
        being->agreed_rev = being->wanted_rev;
        return 0;
}

static int withdraw_create(Core *core, Object *object, Outcome outcome, const char *message) {
        return row_has_id(&object->row) ? core_uncreate(core, object, outcome, message)
                                        : core_refuse_create(core, object, outcome, message);
}

int core_withdraw_object(Core *core, Object *object, Outcome outcome, const char *message) {
        const Waiter *first;
        int r;

        if (object->provisional)
                return core_adoption_fail(core, object, outcome, message);
        r = waiters_read(core, object, outcome, message);
        if (r < 0)
                return r;
        first = waiters_first_open(object);
        if (first && first->kind == INTENT_CREATE)
                return withdraw_create(core, object, outcome, message);
        /* A creation that may still be on its way is not to be taken back: the id is awaited. */
        if (object->row.gone && !row_has_id(&object->row))
                return waiters_fail_all(core, object, OUTCOME_DONE, NULL);
        if (first) {
                r = core_touch(core, object);
                if (r >= 0)
                        r = object->row.gone ? withdraw_delete(core, object, first)
                                             : withdraw_place(core, object, first);
                if (r >= 0)
                        r = row_set_error(&object->row, outcome, message);
        }
        return r < 0 ? r : waiters_fail_open(core, object, outcome, message);
}

int core_withdraw(Core *core, Outcome outcome, const char *message) {
        Waiter *waiter = TAILQ_FIRST(&core->waiters);

        while (waiter) {
                Object *object = waiter->object;
                int r;

                if (object_change(object) || waiter->reply_by == 0) {
                        waiter = TAILQ_NEXT(waiter, on_clock);
                        continue;
                }
                r = core_withdraw_object(core, object, outcome, message);
                if (r < 0)
                        return r;
                waiter = TAILQ_FIRST(&core->waiters);
        }
        return 0;
}
