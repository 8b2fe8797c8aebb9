/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What somebody else has made comes into the registry: whoever is met in the list of a session, at
 * once, and what a client names by its id, once the API has shown it.
 *
 *     intend ─▶ read ─┬─ participant ──────────────────────▶ a row like any other
 *                     └─ session ─▶ list its participants ─▶ rows, all in one batch
 *
 * Until then it is an object apart: in no index, without a number, never durable and never shown.
 * It is there as long as somebody waits for it, and it is asked for once. Where the API tells no
 * more than the ids of a session's members (members.c), whoever is met there is such an object too.
 */

#include "core/internal.h"

#include <errno.h>
#include <inttypes.h>

/* What is fixed of one that belongs to whom @like belongs to, and that the API shows like this. */
static int spec_seen(Spec **ret, const Sighting *sighting, const Spec *like, Lifetime lifetime) {
        CLEANUP(spec_unrefp) Spec *spec = NULL;
        int r;

        r = spec_new(&spec);
        if (r < 0)
                return r;
        spec->owner = like->owner;
        spec->created_at = like->created_at;
        spec->lifetime = lifetime;
        spec->stranger = like->stranger;
        spec->permissions = sighting->permissions;
        r = spec_set_text(&spec, SPEC_TAG, sighting->tag ?: "");
        if (r >= 0)
                r = spec_set_text(&spec, SPEC_CALLBACK_URL, sighting->callback_url ?: "");
        if (r >= 0)
                r = spec_set_text(&spec, SPEC_DEVICE_API_VERSION,
                                  sighting->device_api_version ?: "");
        if (r >= 0 && lifetime == LIFETIME_CLIENT)
                r = spec_set_text(&spec, SPEC_CLIENT_BUS, spec_text(like, SPEC_CLIENT_BUS));
        if (r >= 0 && lifetime == LIFETIME_CLIENT)
                r = spec_set_text(&spec, SPEC_CLIENT_NAME, spec_text(like, SPEC_CLIENT_NAME));
        if (r >= 0)
                *ret = TAKE(spec);
        return r;
}

/* Whether a session came in with this very list. */
static bool came_with(const Object *session, const Flight *flight) {
        return session->listed_by == (uint32_t)flight->serial;
}

static int spec_of_member(Spec **ret, const Core *core, const Object *session,
                          const Sighting *sighting, bool with_session) {
        const Spec *like = session->row.spec;
        int r;

        r = spec_seen(ret, sighting, like, with_session ? like->lifetime : LIFETIME_PERSISTENT);
        if (r < 0)
                return r;
        (*ret)->created_at = core->now.realtime;
        (*ret)->stranger = !with_session;
        return 0;
}

/* The API has shown what had a tombstone, and was asked for it later. */
static void revive(Core *core, Object *object) {
        const ApiId id = row_id(&object->row);
        Tombstone *tombstone = tombstones_find(&core->tombstones, object->row.kind, &id);

        if (!tombstone)
                return;
        tombstones_drop(&core->tombstones, tombstone);
        object->revived = true;
}

static int log_member(Core *core, const Object *object, const Object *session, bool with_session) {
        return core_log(core, LOG_EVENT_ADOPTED, with_session ? 6 : 5, object,
                        with_session ? "A participant was adopted with session %" PRIu64 "."
                                     : "A participant that somebody else put into session %" PRIu64
                                       " was adopted.",
                        session->row.number);
}

/* A member of @session, in whose list it was seen. What it hears is not known before all of the
 * list is. */
static int adopt_member(Core *core, Object *session, const Sighting *sighting,
                        const Flight *flight) {
        const bool with_session = came_with(session, flight);
        CLEANUP(place_unrefp) Place *place = NULL;
        Row row = { .kind = KIND_PARTICIPANT, .goals[BEING] = { 1, 1, 1 } };
        Object *object;
        int r;

        r = spec_of_member(&row.spec, core, session, sighting, with_session);
        if (r >= 0)
                r = row_set_id(&row, &sighting->id);
        if (r >= 0)
                r = place_new(&place, session->row.number, NULL, MODE_NONE, NULL, 0);
        if (r >= 0) {
                row.number = ++core->counters.last_number[KIND_PARTICIPANT];
                r = object_new(&object, &core->registry, &row);
        }
        if (r < 0) {
                row_deinit(&row);
                return r;
        }
        object->changed_seq = flight->serial;
        object->listed_by = (uint32_t)flight->serial;
        revive(core, object);
        r = core_touch(core, object);
        if (r >= 0)
                r = core_set_wanted(core, object, place);
        if (r >= 0)
                r = core_set_observed(core, object, place);
        if (r >= 0)
                r = core_adoption_settle(core, object);
        return r < 0 ? r : log_member(core, object, session, with_session);
}

/* One that nobody here knows, and that is not the echo of one who has gone. */
static bool is_stranger(const Core *core, const Object *session, const Sighting *sighting,
                        const Flight *flight) {
        const Tombstone *tombstone;

        if (!row_id_is(&session->row, &sighting->session) ||
            core_listed(core, session, &sighting->id))
                return false;
        tombstone = tombstones_find(&core->tombstones, KIND_PARTICIPANT, &sighting->id);
        /* Who takes back a session takes back who is in it. */
        return !tombstone || (came_with(session, flight) && tombstone->serial < flight->serial);
}

int core_adopt_strangers(Core *core, Object *session, const Flight *flight, const Answer *answer) {
        int r = 0;

        for (size_t i = 0; r >= 0 && !session->row.gone && i < answer->n_sightings; i++)
                if (is_stranger(core, session, answer->sightings + i, flight))
                        r = adopt_member(core, session, answer->sightings + i, flight);
        return r;
}

/* What is asked for counts for its owner's quota, as what is created does before it is durable. */
static int owner_add(Core *core, const Spec *spec) {
        return owners_add(&core->registry.owners, spec->owner, spec->stranger);
}

static void owner_remove(Core *core, const Spec *spec) {
        owners_remove(&core->registry.owners, spec->owner, spec->stranger, false);
}

static void adopting_remove(Core *core, Object *object) {
        by_id_remove(&core->adopting[object->row.kind], object);
        owner_remove(core, object->row.spec);
}

Object *core_adoption_free(Core *core, Object *object) {
        if (object_read(object))
                object_read(object)->object = NULL;
        core_unready(core, object);
        if (object->woken)
                STAILQ_REMOVE(&core->woken, object, Object, on_woken);
        adopting_remove(core, object);
        return object_free_apart(object);
}

void core_adoptions_deinit(Core *core) {
        for (Kind kind = 0; kind < _KIND_MAX; kind++) {
                Object *object;

                while ((object = index_get(&core->adopting[kind], (IndexPosition){ 0 })))
                        core_adoption_free(core, object);
                index_deinit(&core->adopting[kind]);
        }
}

static int refuse(const char **ret_reason, Outcome outcome, const char *reason) {
        *ret_reason = reason;
        return (int)outcome;
}

static const char being_deleted[] = "It is being deleted.";

/* Asks for it as soon as the budget allows. */
static void adoption_read(Core *core, Object *object) {
        object->look_at = core->now.boottime;
        core_wake(core, object);
}

/* The row is moved from, also on failure. */
static int adoption_new(Core *core, Row *row, const ApiId *id, Object **ret) {
        int r;

        r = row_set_id(row, id);
        if (r >= 0)
                r = object_new_apart(ret, row);
        if (r < 0) {
                row_deinit(row);
                return r;
        }
        r = owner_add(core, (*ret)->row.spec);
        if (r >= 0) {
                r = by_id_insert(&core->adopting[(*ret)->row.kind], *ret);
                if (r < 0)
                        owner_remove(core, (*ret)->row.spec);
        }
        if (r < 0) {
                *ret = object_free_apart(*ret);
                return r;
        }
        (*ret)->provisional = true;
        adoption_read(core, *ret);
        return 0;
}

int core_adopt_met(Core *core, Object *session, const ApiId *id, const Flight *flight) {
        const bool with_session = came_with(session, flight);
        Row row = { .kind = KIND_PARTICIPANT };
        Object *object;
        int r;

        if (by_id_find(&core->adopting[KIND_PARTICIPANT], id))
                return 0;
        if (!with_session && tombstones_find(&core->tombstones, KIND_PARTICIPANT, id))
                return 0;
        /* What else is fixed of it will be seen. */
        r = spec_of_member(&row.spec, core, session, &(Sighting){ 0 }, with_session);
        if (r >= 0)
                r = adoption_new(core, &row, id, &object);
        if (r < 0)
                return r;
        object->met = true;
        object->met_with_session = with_session;
        object->looked_for = true;
        return 0;
}

int core_intend_adopt(Core *core, const Intent *intent, uint64_t ticket, uint64_t *ret_number,
                      const char **ret_reason) {
        Waiter *waiter;
        Object *object = registry_find_id(&core->registry, intent->object, &intent->id);
        int r;

        if (object && !object->removed) {
                if (object->row.gone)
                        return refuse(ret_reason, OUTCOME_CONFLICT, being_deleted);
                *ret_number = object->row.number;
                return core_reply(core, ticket, OUTCOME_DONE, object, NULL);
        }
        if (core->host.state != API_STATE_UNKNOWN && core->host.state != API_STATE_ONLINE &&
            !host_open(core))
                return refuse(ret_reason, OUTCOME_UNAVAILABLE,
                              "The API cannot be asked at the moment.");
        object = by_id_find(&core->adopting[intent->object], &intent->id);
        if (object && object->met) {
                /* From now on somebody asks for it. */
                if (owner_add(core, intent->spec) < 0)
                        return -ENOMEM;
                owner_remove(core, object->row.spec);
                object->met = object->met_with_session = false;
                spec_unref(object->row.spec);
                object->row.spec = spec_ref(intent->spec);
        } else if (!object) {
                Row row = { .kind = intent->object, .spec = spec_ref(intent->spec) };

                r = adoption_new(core, &row, &intent->id, &object);
                if (r < 0)
                        return r;
        }
        *ret_number = 0;
        r = waiter_new(core, object, INTENT_ADOPT, ticket, true, &waiter);
        if (r >= 0)
                waiter->adopter = spec_ref(intent->spec);
        return r;
}

int core_adoption_fail(Core *core, Object *object, Outcome outcome, const char *message) {
        int r = waiters_fail_all(core, object, outcome, message);

        core_adoption_free(core, object);
        return r;
}

int core_adoption_settle(Core *core, const Object *here) {
        const ApiId id = row_id(&here->row);
        Object *object = by_id_find(&core->adopting[here->row.kind], &id);
        int r;

        if (!object)
                return 0;
        r = here->row.gone ? waiters_end(core, object, here, OUTCOME_CONFLICT, being_deleted)
                           : waiters_end(core, object, here, OUTCOME_DONE, NULL);
        core_adoption_free(core, object);
        return r;
}

static int adoptions_leave(Core *core, Index *adopting, const char *client_name) {
        IndexPosition at = { 0 };
        Object *object;

        while ((object = index_get(adopting, at))) {
                ApiId id = row_id(&object->row);
                int r;

                r = waiters_fail_adopters(core, object, client_name, OUTCOME_UNAVAILABLE,
                                          "The client that it was to live as long as has left.");
                if (r < 0)
                        return r;
                at = index_next(adopting, at);
                if (object->met || object_waiter(object))
                        continue;
                core_adoption_free(core, object);
                at = by_id_from(adopting, &id);
        }
        return 0;
}

int core_adoptions_leave(Core *core, const char *client_name) {
        int r = 0;

        for (Kind kind = 0; kind < _KIND_MAX && r >= 0; kind++)
                r = adoptions_leave(core, &core->adopting[kind], client_name);
        return r;
}

bool core_adoptions_have(const Core *core, const char *client_name) {
        for (Kind kind = 0; kind < _KIND_MAX; kind++) {
                const Index *adopting = &core->adopting[kind];
                IndexPosition at = { 0 };
                const Object *object;

                for (; (object = index_get(adopting, at)); at = index_next(adopting, at))
                        if (waiters_have_adopter(object, client_name))
                                return true;
        }
        return false;
}

/* It is in the registry from now on; nobody sees it before that is durable. What would have come in
 * by another way meanwhile would have settled it. */
static int adoption_enter(Core *core, Object *object, const Flight *flight, const Object *session) {
        Row *row = &object->row;
        int r;

        adopting_remove(core, object);
        object->provisional = object->listing = false;
        object->look_at = USEC_NEVER;
        object->changed_seq = flight->serial;
        row->number = ++core->counters.last_number[row->kind];
        row->goals[BEING] = (Goal){ 1, 1, 1 };
        r = registry_enter(&core->registry, object);
        if (r < 0)
                return -ENOMEM;
        revive(core, object);
        r = core_touch(core, object);
        if (r < 0)
                return r;
        if (session)
                return log_member(core, object, session, object->met_with_session);
        return core_log(core, LOG_EVENT_ADOPTED, 6, object,
                        row->kind == KIND_SESSION ? "A session was adopted."
                                                  : "A participant was adopted.");
}

/* What is known of how it was made; the rest is as the first of those wants it who still wait. */
static int adoption_describe(Core *core, Object *object, const Sighting *sighting) {
        const Waiter *first = object_waiter(object);
        const Spec *like = first ? first->adopter : object->row.spec;
        CLEANUP(spec_unrefp) Spec *spec = NULL;
        int r;

        r = spec_seen(&spec, sighting, like, like->lifetime);
        if (r >= 0)
                r = owner_add(core, spec);
        if (r < 0)
                return r;
        owner_remove(core, object->row.spec);
        spec_unref(object->row.spec);
        object->row.spec = TAKE(spec);
        return 0;
}

static int adoption_participant(Core *core, Object *object, const Flight *flight,
                                const Sighting *sighting) {
        const Object *session =
                object->met ? registry_find_id(&core->registry, KIND_SESSION, &sighting->session)
                            : NULL;
        int r;

        r = adoption_describe(core, object, sighting);
        if (r >= 0)
                r = adoption_enter(core, object, flight, session);
        if (r >= 0)
                r = waiters_fail_all(core, object, OUTCOME_DONE, NULL);
        return r < 0 ? r : core_observe_adopted(core, object, NULL, sighting);
}

static int adoption_session(Core *core, Object *object, const Flight *flight,
                            const Answer *answer) {
        int r;

        if (flight->operation == OPERATION_GET_SESSION) {
                r = core_list_decide(core, object);
                if (r >= 0)
                        r = adoption_describe(core, object,
                                              &(Sighting){ .tag = (char *)answer->tag });
                if (r < 0)
                        return r;
        }
        if (flight->operation == OPERATION_GET_SESSION && core_has_list(core, object)) {
                object->listing = true;
                adoption_read(core, object);
                return 0;
        }
        r = adoption_describe(core, object,
                              &(Sighting){ .tag = (char *)spec_text(object->row.spec, SPEC_TAG) });
        if (r >= 0)
                r = adoption_enter(core, object, flight, NULL);
        if (r < 0)
                return r;
        object->listed_by = (uint32_t)flight->serial;
        r = flight->operation == OPERATION_GET_SESSION
                    ? core_observe_members(core, object, flight, answer)
                    : core_observe_list(core, object, flight, answer);
        if (r >= 0)
                r = waiters_fail_all(core, object, OUTCOME_DONE, NULL);
        return r < 0 ? r : core_verified(core, object);
}

static int adoption_refused(Core *core, Object *object, const Answer *answer) {
        const bool session = object->row.kind == KIND_SESSION;
        const bool denied = answer->outcome == API_UNAUTHORIZED || answer->outcome == API_FORBIDDEN;

        if (answer->outcome != API_NOT_FOUND)
                return core_adoption_fail(
                        core, object, denied ? outcome_of(answer->outcome) : OUTCOME_UNAVAILABLE,
                        answer->message);
        return core_adoption_fail(core, object,
                                  session ? OUTCOME_NO_SUCH_SESSION : OUTCOME_NO_SUCH_PARTICIPANT,
                                  session ? "There is no session with that id at the API."
                                          : "There is no participant with that id at the API.");
}

/* Whether it is in a session of those whom it is to belong to. If it has moved to another one of
 * ours, it is met there. */
static bool is_met_still(const Core *core, const Object *object, const Answer *answer) {
        const Sighting *sighting = answer->sightings;
        const Object *session;

        if (answer->n_sightings == 0)
                return false;
        session = registry_find_id(&core->registry, KIND_SESSION, &sighting->session);
        return session && !session->removed && !session->row.gone &&
               session->row.spec->owner == object->row.spec->owner;
}

int core_adoption_answer(Core *core, Object *object, Flight *flight, const Answer *answer) {
        object->activity->read = NULL;
        flight->object = NULL;
        if (answer->outcome == API_FORBIDDEN && flight->operation == OPERATION_LIST_PARTICIPANTS) {
                core_list_refused(core, object, flight);
                return 0;
        }
        if (answer->outcome != API_OK)
                return adoption_refused(core, object, answer);
        if (object->met && !is_met_still(core, object, answer)) {
                core_adoption_free(core, object);
                return 0;
        }
        if (object->row.kind == KIND_SESSION)
                return adoption_session(core, object, flight, answer);
        if (answer->n_sightings == 0)
                return core_adoption_fail(core, object, OUTCOME_UNAVAILABLE, answer->message);
        return adoption_participant(core, object, flight, answer->sightings);
}
