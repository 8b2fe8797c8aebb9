/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulation/case.h"

void case_fail(const Case *c, const char *invariant, const char *text) {
        run_fail(c->run, invariant, "%s: %s; before: %s", row_text(c->new), text,
                 c->old ? row_text(c->old) : "none");
}

bool case_was_denied(const Case *c) {
        const usec_t at = c->run->clients.unauthorized_at;

        return !c->run->life.credentials || (at != 0 && at + PATIENCE_USEC >= c->item->last_at);
}

/* A publisher that is no wanted member any more, if only for a moment, drops out of lists. */
static bool publisher_is_leaving(const Case *c, uint64_t number, const Place *place) {
        const Row *row = newest_row(c->run, c->batch, KIND_PARTICIPANT, number);
        const Item *item = clients_item(&c->run->clients, KIND_PARTICIPANT, number);

        if (item->refused_at != 0 && item->refused_at >= c->run->life.sealed_at)
                return true;
        /* One whose deletion or removal is withdrawn left for a moment: it stays out of lists. */
        if (item->deleted != 0 && !item->delete_acknowledged && case_was_denied(c))
                return true;
        /* Found elsewhere, and asked back since then. */
        if (row && place && !place_in_session(row->observed, place->session) &&
            item->read_at >= c->run->life.sealed_at && item->last_at >= item->read_at)
                return true;
        for (size_t i = item->n_wishes; i > 0; i--) {
                const Wish *wish = item->wishes + i - 1;

                if (wish->sequence <= c->run->life.sealed &&
                    (wish->acknowledged || !case_was_denied(c)))
                        break;
                if (!wish->anywhere && place && wish->session != place->session)
                        return true;
        }
        return !row || row->gone || row->failed || !place ||
               !place_in_session(row->wanted, place->session);
}

static const Publisher *place_publisher(const Place *place, uint64_t number) {
        for (size_t i = 0; i < place->n_publishers; i++)
                if (place->publishers[i].number == number)
                        return place->publishers + i;
        return NULL;
}

static bool wish_has(const Wish *wish, const Publisher *publisher) {
        for (size_t i = 0; i < wish->n_entries; i++)
                if (wish->entries[i].publisher == publisher->number)
                        return wish->entries[i].streams == world_streams(publisher);
        return false;
}

/* Whether somebody was asked to go elsewhere after @wish was asked for. */
static bool has_left_since(const Case *c, uint64_t number, const Wish *wish, uint64_t session) {
        const Item *item = clients_item(&c->run->clients, KIND_PARTICIPANT, number);

        for (size_t i = item->n_wishes; i > 0; i--) {
                const Wish *later = item->wishes + i - 1;

                if (later->sequence < wish->sequence)
                        break;
                if (!later->anywhere && later->session != session)
                        return true;
        }
        return false;
}

bool case_place_is_wished(const Case *c, const Place *place, const Wish *wish, bool back) {
        const bool somewhere = wish->session != 0 || wish->anywhere;

        if (!place || !somewhere)
                return !place && !somewhere;
        if (place->session != wish->session && !wish->anywhere)
                return false;
        if (wish->mode == MODE_SESSION || place->mode == MODE_SESSION)
                return wish->mode == place->mode;

        for (size_t i = 0; i < wish->n_entries; i++)
                if (!place_publisher(place, wish->entries[i].publisher) &&
                    !publisher_is_leaving(c, wish->entries[i].publisher, place) &&
                    !(back && has_left_since(c, wish->entries[i].publisher, wish, place->session)))
                        return false;
        for (size_t i = 0; i < place->n_publishers; i++)
                if (place->publishers[i].number != 0 && !wish_has(wish, place->publishers + i))
                        return false;
        return true;
}

bool case_is_asked_for(const Case *c) {
        const Item *item = c->item;

        for (size_t i = item->n_wishes; i > 0; i--) {
                if (item->wishes[i - 1].sequence <= c->run->life.sealed)
                        break;
                if (!case_place_is_wished(c, c->new->wanted, item->wishes + i - 1, false))
                        continue;
                if (c->new->wanted)
                        item->wishes[i - 1].session = c->new->wanted->session;
                return true;
        }
        return false;
}

bool case_is_without_leavers(const Case *c, const Place *old) {
        const Place *new = c->new->wanted;

        if (!old || !new || !place_same_session(old, new) || old->mode != MODE_PARTICIPANTS)
                return false;
        for (size_t i = 0; i < old->n_publishers; i++) {
                const uint64_t number = old->publishers[i].number;

                if (number != 0 && !place_lists(new, number) &&
                    !publisher_is_leaving(c, number, new))
                        return false;
        }
        return new->n_publishers < old->n_publishers &&
               (new->mode == MODE_PARTICIPANTS) == (new->n_publishers > 0) &&
               new->mode != MODE_SESSION;
}

static bool session_is_leaving(const Case *c, uint64_t number) {
        const Row *session = newest_row(c->run, c->batch, KIND_SESSION, number);

        return number != 0 && (!session || session->gone || session->failed);
}

bool case_is_without_session(const Case *c) {
        const Place *old = c->old ? c->old->wanted : NULL;

        if (c->new->wanted)
                return false;
        if (!old)
                return c->item->joins; /* created, and its session deleted in the same turn */
        return session_is_leaving(c, old->session);
}

static bool position_matches(const Case *c, const Position *ours, const Position *theirs) {
        if (ours->session != theirs->session ||
            (ours->heard.mode == MODE_SESSION) != (theirs->heard.mode == MODE_SESSION))
                return false;
        for (size_t i = 0; i < theirs->heard.n_entries; i++) {
                const Entry *entry = theirs->heard.entries + i;
                const Thing *thing =
                        world_thing(&c->run->world, KIND_PARTICIPANT, entry->participant);

                if (!entry_within(entry, &ours->heard) &&
                    !publisher_is_leaving(c, thing->number, c->new->wanted))
                        return false;
        }
        for (size_t i = 0; i < ours->heard.n_entries; i++)
                if (!entry_within(ours->heard.entries + i, &theirs->heard))
                        return false;
        return true;
}

bool case_is_taken_over(const Case *c) {
        const Thing *thing = c->thing;
        Position position;

        if (!thing || !place_position(c->run, c->batch, c->new->wanted, &position))
                return false;
        for (size_t i = thing->n_stays; i > 0; i--) {
                const Stay *stay = thing->stays + i - 1;
                const usec_t until = i < thing->n_stays ? stay[1].since : USEC_NEVER;

                if (until <= c->item->confirmed_at)
                        return false;
                if (position_matches(c, &position, &stay->position))
                        return true;
        }
        return false;
}

bool case_was_refused(const Case *c) {
        const Item *item = c->item;

        /* 404 and 409 count only after a read, however long it takes to get one. */
        if (item->doubted_at != 0 &&
            (item->read_at <= item->doubted_at || item->read_at >= c->run->life.sealed_at ||
             room_delayed(c->run)))
                return true;
        return item->refused_at != 0 && item->refused_at + PATIENCE_USEC >= item->last_at;
}

bool case_has_lost_its_session(const Case *c) {
        const Item *item = c->item;

        return item->joins && item->n_wishes > 0 && session_is_leaving(c, item->wishes[0].session);
}

/* Whether it was in a session, or in none, at some time after @since. */
static bool was_in(const Thing *participant, uint32_t session, usec_t since) {
        for (size_t i = participant->n_stays; i > 0; i--) {
                const usec_t until =
                        i < participant->n_stays ? participant->stays[i].since : USEC_NEVER;

                if (until <= since)
                        return false;
                if (participant->stays[i - 1].position.session == session)
                        return true;
        }
        return false;
}

/* The API had what was wanted, at least for a moment, after somebody had asked for it. Where the
 * session has changed, nothing but the membership can be looked at. */
static bool was_met(const Case *c) {
        const bool moved = !place_same_session(c->old->wanted, c->new->wanted);
        const usec_t since = moved ? c->item->joined_at : c->item->wished_at;
        Position position;

        if (since == 0)
                return true;
        place_position(c->run, c->batch, c->old->wanted, &position);
        for (size_t i = c->thing->n_stays; i > 0; i--) {
                const Stay *stay = c->thing->stays + i - 1;
                const usec_t until = i < c->thing->n_stays ? stay[1].since : USEC_NEVER;

                if (until <= since)
                        return false;
                if (stay->position.session != position.session)
                        continue;
                if (moved || position_matches(c, &position, &stay->position))
                        return true;
        }
        return false;
}

bool case_was_unmet(const Case *c) {
        const Row *old = c->old, *new = c->new;

        if (!old || !c->thing || new->gone || case_was_refused(c) || case_was_denied(c))
                return false;
        if (old->wanted && session_is_leaving(c, old->wanted->session))
                return false;
        if (!old->wanted && (!place_same_session(old->observed, new->wanted) ||
                             (new->wanted &&new->wanted->session == 0)))
                return false;
        return !was_met(c);
}

const Wish *case_accepted_wish(const Case *c) {
        const Item *item = c->item;

        if (item->joined_at == 0 || !c->thing)
                return NULL;
        for (size_t i = item->n_wishes; i > 0; i--) {
                const Wish *wish = item->wishes + i - 1;
                uint32_t handle;

                if (!wish->acknowledged || wish->anywhere)
                        continue;
                if (wish->maybe_moot || wish->at <= item->refused_at ||
                    session_is_leaving(c, wish->session))
                        return NULL;
                handle = place_handle(c->run, c->batch, KIND_SESSION, wish->session, NULL);
                return was_in(c->thing, handle, wish->at) ? NULL : wish;
        }
        return NULL;
}

bool case_may_be_sent(const Case *c) {
        const Network *network = &c->run->network;

        for (size_t i = 0; i < network->n_exchanges; i++) {
                const Exchange *exchange = network->exchanges + i;

                if (network_changes(exchange) && exchange->sent_at >= c->item->last_at &&
                    row_has_id(c->new) && row_id_is(c->new, &exchange->request.participant))
                        return true;
        }
        /* What was confirmed since has told what became of it. */
        return c->item->unknown_at != 0 && c->item->unknown_at >= c->item->last_at &&
               c->item->unknown_at >= c->item->confirmed_at;
}

bool case_is_accepted_again(const Case *c) {
        const Item *item = c->item;

        /* ... as is what the daemon has made of it since, of which there is no wish. */
        if (item->has_stood &&
            (place_equal(c->new->wanted, item->stood) || case_is_without_leavers(c, item->stood)))
                return true;
        for (size_t i = item->n_wishes; i > 0; i--) {
                const Wish *wish = item->wishes + i - 1;
                bool is_wished = case_place_is_wished(c, c->new->wanted, wish, true);

                if (is_wished && (wish->acknowledged || wish->sequence <= c->run->life.began))
                        return true;
                if (wish->acknowledged && !wish->maybe_moot)
                        return false;
        }
        return false;
}

/* Whether both stand for one thing at the API: somebody who is heard may have been adopted. */
static bool means_the_same(const Case *c) {
        Position before, after;

        return place_position(c->run, c->batch, c->old->wanted, &before) &&
               place_position(c->run, c->batch, c->new->wanted, &after) &&
               position_equal(&before, &after);
}

bool case_may_be_taken_over(const Case *c) {
        const Row *old = c->old;
        const Place *place = c->new->wanted;

        if (!c->run->config.enforce || c->run->clients.reloaded > c->run->life.sealed || !old ||
            case_was_refused(c) || room_delayed(c->run))
                return true;
        if ((old->wanted && old->wanted->session == 0) || (place && place->session == 0) ||
            means_the_same(c))
                return true;
        return !old->has_token && (!old->wanted || session_is_leaving(c, old->wanted->session) ||
                                   old->goals[SUBSCRIPTIONS].wanted_rev == 0);
}
