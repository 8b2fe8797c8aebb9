/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/internal.h"

#include <errno.h>

int core_touch(Core *core, Object *object) {
        if (core->storage.intent && undo_note(core, object) < 0)
                return -ENOMEM;
        if (object_act(object) < 0)
                return -ENOMEM;
        if (object->shown == &object->row) {
                CLEANUP(row_freep) Row *shown = calloc(1, sizeof(*shown));

                if (!shown || row_copy(shown, &object->row) < 0)
                        return -ENOMEM;
                object->shown = TAKE(shown);
        }
        if (!object->touched) {
                object->touched = true;
                TAILQ_INSERT_TAIL(&core->touched, object->activity, on_touched);
        }
        core_wake(core, object);
        return 0;
}

void core_wake(Core *core, Object *object) {
        if (object->woken || object->removed)
                return;
        object->woken = true;
        STAILQ_INSERT_TAIL(&core->woken, object, on_woken);
}

Object *core_session(const Core *core, uint64_t number) {
        Object *session = number ? registry_find(&core->registry, KIND_SESSION, number) : NULL;

        return session && !session->removed ? session : NULL;
}

void core_wake_session(Core *core, uint64_t session) {
        Object *object = core_session(core, session);

        if (!object)
                return;
        core_wake(core, object);
        for (size_t i = 0; i < object->members.n; i++)
                core_wake(core, object->members.items[i]);
}

/* Keeps the list of a session's members true after a place was exchanged. */
static int members_update(Core *core, Object *object, const Place *before) {
        const Place *places[] = { before, object->row.wanted, object->row.observed };

        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                uint64_t number = places[i] ? places[i]->session : 0;
                Object *session = core_session(core, number);

                if (!session)
                        continue;
                core_wake_session(core, number);
                if (session_set_member(session, object,
                                       place_in_session(object->row.wanted, number) ||
                                               place_in_session(object->row.observed, number)) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int place_exchange(Core *core, Object *object, Place **place, Place *now) {
        CLEANUP(place_unrefp) Place *before = NULL;
        int r;

        r = core_touch(core, object);
        if (r < 0)
                return r;
        before = *place;
        *place = place_ref(now);
        return members_update(core, object, before);
}

int core_set_wanted(Core *core, Object *object, Place *wanted) {
        return place_exchange(core, object, &object->row.wanted, wanted);
}

int core_set_observed(Core *core, Object *object, Place *observed) {
        return place_exchange(core, object, &object->row.observed, observed);
}

static int place_drop(Core *core, Object *member, uint64_t publisher,
                      int (*set)(Core *, Object *, Place *), const Place *place) {
        CLEANUP(place_unrefp) Place *without = NULL;
        int r;

        if (!place_lists(place, publisher))
                return 0;
        r = place_without(&without, place, publisher);
        return r < 0 ? r : set(core, member, without);
}

int core_drop_publisher(Core *core, Object *publisher, uint64_t session, bool drifted) {
        Object *object = core_session(core, session);
        uint64_t number = publisher->row.number;

        for (size_t i = 0; object && i < object->members.n; i++) {
                Object *member = object->members.items[i];
                Row *row = &member->row;
                bool settled = (drifted || member->unread) && !row_open(row, SUBSCRIPTIONS);
                int r;

                if (member == publisher || !place_in_session(row->wanted, session) ||
                    !place_lists(row->wanted, number))
                        continue;
                r = place_drop(core, member, number, core_set_wanted, row->wanted);
                if (r >= 0 && settled)
                        r = place_drop(core, member, number, core_set_observed, row->observed);
                if (r < 0)
                        return r;
                if (settled)
                        core_look_soon(core, member, LOOK_AFTER_CHANGE_USEC);
                else
                        row->goals[SUBSCRIPTIONS].wanted_rev++;
        }
        return 0;
}

Object *core_reader(const Core *core, const Object *object) {
        const Place *place = object->row.observed;

        if (object->row.kind == KIND_SESSION || !place || core->host.no_lists)
                return NULL;
        return core_session(core, place->session);
}

void core_look_soon(Core *core, Object *object, usec_t delay) {
        Object *reader = core_reader(core, object) ?: object;

        if (!row_has_id(&reader->row) || reader->removed)
                return;
        reader->looked_for = true;
        reader->look_at = usec_min(reader->look_at, usec_add(core->now.boottime, delay));
        core_wake(core, reader);
}

int core_back_off(Core *core, Object *object, Outcome outcome, const char *message) {
        int r;

        r = core_touch(core, object);
        if (r < 0)
                return r;
        object->row.n_failed++;
        object->activity->retry_at =
                core->now.boottime + backoff_delay(core->config.retry_min_usec,
                                                   core->config.retry_max_usec,
                                                   object->row.n_failed, &core->seed);
        return row_set_error(&object->row, outcome, message);
}

static const char session_gone[] = "The session is gone.";

int core_release_member(Core *core, Object *member, uint64_t session) {
        /* Asked before the goals move on: a waiter is known by the revision that it made. */
        const bool awaited = waiters_create_and_join(member);
        Goal *goals = member->row.goals;
        int r;

        if (place_in_session(member->row.observed, session)) {
                r = core_set_observed(core, member, NULL);
                if (r < 0)
                        return r;
                member->must_read = true;
        }
        if (!place_in_session(member->row.wanted, session))
                return 0;

        r = core_set_wanted(core, member, NULL);
        if (r >= 0)
                r = waiters_fail_session(core, member, session);
        if (r < 0)
                return r;
        for (Aspect aspect = MEMBERSHIP; aspect < _ASPECT_MAX; aspect++) {
                goals[aspect].wanted_rev++;
                /* A change that is out tells more than the session's end does, and what was to be
                 * left for this session is still to be left. */
                if (!object_change(member) && !member->row.observed)
                        goals[aspect].agreed_rev = goals[aspect].wanted_rev;
        }
        member->must_read = true;
        return awaited ? core_uncreate(core, member, OUTCOME_NO_SUCH_SESSION, session_gone) : 0;
}

/* What was wanted there, and was not confirmed yet, is a change that has failed. */
static int part(Core *core, Object *member, uint64_t session) {
        const Row *row = &member->row;
        const bool failed = place_in_session(row->wanted, session) && !row->gone &&
                            (row_open(row, MEMBERSHIP) || row_open(row, SUBSCRIPTIONS));
        int r = core_release_member(core, member, session);

        return r < 0 || !failed || member->removed
                       ? r
                       : row_set_error(&member->row, OUTCOME_NO_SUCH_SESSION, session_gone);
}

int core_clear_error(Row *row) {
        /* Whatever is confirmed now was sent before, or is but that it is nowhere. */
        if (row->last_error == OUTCOME_NO_SUCH_SESSION)
                return 0;
        return row_set_error(row, OUTCOME_DONE, NULL);
}

int core_dissolve(Core *core, Object *session) {
        while (session->members.n > 0) {
                Object *member = session->members.items[session->members.n - 1];
                int r = part(core, member, session->row.number);

                if (r >= 0)
                        r = session_set_member(session, member, false);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* What was decided up to now may still tell of it. */
static int bury(Core *core, const Row *row) {
        Tombstone tombstone = { .kind = row->kind,
                                .id = row_id(row),
                                .forget_at = usec_add(core->now.boottime, TOMBSTONE_USEC),
                                .serial = core->last_serial };

        return row_has_id(row) ? tombstones_put(&core->tombstones, &tombstone) : 0;
}

int core_remove(Core *core, Object *object, bool tombstone) {
        int r;

        r = core_touch(core, object);
        if (r < 0)
                return r;
        if (object->row.kind == KIND_SESSION) {
                r = core_dissolve(core, object);
        } else {
                uint64_t session = object->row.wanted ? object->row.wanted->session : 0;

                r = core_drop_publisher(core, object, session, false);
                if (r >= 0)
                        r = core_set_wanted(core, object, NULL);
                if (r >= 0)
                        r = core_set_observed(core, object, NULL);
        }
        if (r >= 0 && tombstone)
                r = bury(core, &object->row);
        if (r >= 0)
                r = copy_note_read(core, object);
        if (r < 0)
                return r;

        object->removed = true;
        object->tombstone = tombstone;
        registry_set_due(&core->registry, object, USEC_NEVER);
        core_unready(core, object);
        return 0;
}
