/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Nothing in a row changes by itself. Each change between two durable images is held against what
 * clients asked for since the last seal, and against what the API was and said.
 */

#include <inttypes.h>

#include "base/text.h"
#include "simulation/invariants.h"

/* A change, and what is needed to judge it. */
typedef struct Case {
        Run *run;
        const Batch *batch;
        const Row *old, *new; /* old NULL: it is new */
        Item *item;
        const Thing *thing; /* NULL: it has no id */
        bool removed, adopted;
} Case;

#define CHECK(c, invariant, condition, ...)                                                        \
        do {                                                                                       \
                if (!(condition))                                                                  \
                        case_fail(c, invariant, __VA_ARGS__);                                      \
        } while (0)

static void case_fail(const Case *c, const char *invariant, const char *text) {
        run_fail(c->run, invariant, "%s: %s; before: %s", row_text(c->new), text,
                 c->old ? row_text(c->old) : "none");
}

/* The credentials were refused since then: calls without a reply are, and what they asked for may
 * be withdrawn. */
static bool was_denied(const Case *c) {
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
        if (item->deleted != 0 && !item->delete_acknowledged && was_denied(c))
                return true;
        for (size_t i = item->n_wishes; i > 0; i--) {
                const Wish *wish = item->wishes + i - 1;

                if (wish->sequence <= c->run->life.sealed && (wish->acknowledged || !was_denied(c)))
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

/* @back: whether it is gone back to; then those are missing who have left since, too. */
static bool place_is_wished(const Case *c, const Place *place, const Wish *wish, bool back) {
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

/* Somebody asked for it, and no seal has seen that yet. */
static bool is_asked_for(const Case *c) {
        const Item *item = c->item;

        for (size_t i = item->n_wishes; i > 0; i--) {
                if (item->wishes[i - 1].sequence <= c->run->life.sealed)
                        break;
                if (!place_is_wished(c, c->new->wanted, item->wishes + i - 1, false))
                        continue;
                if (c->new->wanted)
                        item->wishes[i - 1].session = c->new->wanted->session;
                return true;
        }
        return false;
}

/* The same session, and publishers missing that have left. */
static bool is_without_leavers(const Case *c, const Place *old) {
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

static bool is_without_session(const Case *c) {
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

/* The API was like this at some time after the last change that it confirmed to us. */
static bool is_taken_over(const Case *c) {
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

/* A change of it was refused for good since the last intent. */
static bool was_refused(const Case *c) {
        const Item *item = c->item;

        /* 404 and 409 count only after a read, however long it takes to get one. */
        if (item->doubted_at != 0 &&
            (item->read_at <= item->doubted_at || item->read_at >= c->run->life.sealed_at))
                return true;
        return item->refused_at != 0 && item->refused_at + PATIENCE_USEC >= item->last_at;
}

/* Created to be in a session that is no more: the creation as a whole has failed. */
static bool has_lost_its_session(const Case *c) {
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

/* An intent that nobody has seen fulfilled or refused. Out of the session that was meant is out,
 * wherever it went. */
static bool was_unmet(const Case *c) {
        const Row *old = c->old, *new = c->new;

        if (!old || !c->thing || new->gone || was_refused(c) || was_denied(c))
                return false;
        if (old->wanted && session_is_leaving(c, old->wanted->session))
                return false;
        if (!old->wanted && (!place_same_session(old->observed, new->wanted) ||
                             (new->wanted &&new->wanted->session == 0)))
                return false;
        return !was_met(c);
}

/* Somebody asked for it: from now on it must be met before it may be given up. */
static void note_wish(const Case *c) {
        if (!c->old || !place_same_session(c->old->wanted, c->new->wanted))
                c->item->joined_at = c->run->now;
        c->item->wished_at = c->run->now;
}

/* The last intent that somebody was told is accepted, and that has not come true; NULL: none. */
static const Wish *accepted_wish(const Case *c) {
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

/* Whether a change may be at the API that was sent after the last intent. */
static bool may_be_sent(const Case *c) {
        const Network *network = &c->run->network;

        for (size_t i = 0; i < network->n_exchanges; i++) {
                const Exchange *exchange = network->exchanges + i;

                if (network_changes(exchange) && exchange->sent_at >= c->item->last_at &&
                    row_has_id(c->new) && row_id_is(c->new, &exchange->request.participant))
                        return true;
        }
        return c->item->unknown_at != 0 && c->item->unknown_at >= c->item->last_at;
}

/* 401 and 403 refuse calls, not what was accepted before, and not what is sent. */
static void check_withdrawn(const Case *c) {
        const Wish *wish = accepted_wish(c);
        const uint64_t session = c->new->wanted ? c->new->wanted->session : 0;

        /* A delete that is refused has replaced what was accepted before it. */
        CHECK(c, "I2", !wish || c->old->gone || session == wish->session,
              "was accepted, and is withdrawn when credentials are refused");
        CHECK(c, "withdrawal", !may_be_sent(c), "may have been sent, and is withdrawn");
}

/* What was asked for by calls that were refused is taken back, and what was accepted before is to
 * be driven again: the last of it, which nothing that was accepted later has replaced. What a
 * restart found on disk is as good as accepted. */
static bool is_accepted_again(const Case *c) {
        const Item *item = c->item;

        /* ... as is what the daemon has made of it since, of which there is no wish. */
        if (item->has_stood &&
            (place_equal(c->new->wanted, item->stood) || is_without_leavers(c, item->stood)))
                return true;
        for (size_t i = item->n_wishes; i > 0; i--) {
                const Wish *wish = item->wishes + i - 1;
                bool is_wished = place_is_wished(c, c->new->wanted, wish, true);

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

/* With Drift=enforce what users wanted is put back: not what others made and nobody here has
 * placed, and not out of, or back into, a session that is not ours. */
static bool may_be_taken_over(const Case *c) {
        const Row *old = c->old;
        const Place *place = c->new->wanted;

        if (!c->run->config.enforce || c->run->clients.reloaded > c->run->life.sealed || !old ||
            was_refused(c) || room_delayed(c->run))
                return true;
        if ((old->wanted && old->wanted->session == 0) || (place && place->session == 0) ||
            means_the_same(c))
                return true;
        return !old->has_token && (!old->wanted || session_is_leaving(c, old->wanted->session) ||
                                   old->goals[SUBSCRIPTIONS].wanted_rev == 0);
}

/* What the daemon wants by itself, of what somebody had wanted. */
static void item_stands(Item *item, Place *place) {
        place_unref(item->stood);
        item->stood = place_ref(place);
        item->has_stood = true;
}

/* The same is wanted anew, nobody has asked, and it is not done yet: the daemon puts it back. */
static void check_put_back(const Case *c) {
        const Row *old = c->old, *new = c->new;
        usec_t *at = c->item->put_back_at;

        if (!old || room_delayed(c->run) || !place_equal(old->wanted, new->wanted) || old->gone ||
            new->gone || new->failed || c->item->last > c->run->life.sealed ||
            c->run->clients.unauthorized_at >= c->run->life.sealed_at ||
            !row_open(new, SUBSCRIPTIONS) || row_open(old, SUBSCRIPTIONS) ||
            old->goals[SUBSCRIPTIONS].wanted_rev == new->goals[SUBSCRIPTIONS].wanted_rev)
                return;
        /* Taken over, but for whom it heard and who has left since. */
        if (is_without_leavers(c, new->observed))
                return;
        CHECK(c, "drift", c->run->config.enforce || c->run->clients.reloaded > c->run->life.sealed,
              "is put back, and nobody wants that");
        /* An intent of a client does not wait, and takes with it what does. */
        if (c->item->last_at >= at[1])
                at[1] = 0;
        CHECK(c, "drift", at[1] == 0 || c->run->now - at[1] >= c->run->config.resync_interval_usec,
              "is put back too often");
        at[1] = at[0], at[0] = c->run->now;
        item_stands(c->item, new->wanted);
        c->run->tally->put_back++;
}

static void check_wanted(const Case *c) {
        if (c->old && place_equal(c->old->wanted, c->new->wanted))
                return;
        if ((!c->old && !c->new->wanted && !c->item->joins) || c->removed)
                return;
        if ((c->new->gone || c->new->failed) && !c->new->wanted)
                return;
        if (is_asked_for(c)) {
                note_wish(c);
                return;
        }
        if (c->old && is_without_leavers(c, c->old->wanted)) {
                c->item->wished_at = 0; /* not as it was asked for any more */
                item_stands(c->item, c->new->wanted);
                return;
        }
        if (is_without_session(c))
                return;
        if ((was_refused(c) || was_denied(c)) && place_equal(c->new->wanted, c->new->observed)) {
                if (!was_refused(c) && c->old && place_equal(c->old->observed, c->new->observed))
                        check_withdrawn(c);
                c->item->wished_at = c->item->joined_at = 0;
                c->run->tally->fallbacks++;
                return;
        }
        if (was_denied(c) && is_accepted_again(c)) {
                note_wish(c);
                c->run->tally->withdrawals++;
                return;
        }
        CHECK(c, "drift", is_taken_over(c),
              "wanted has changed, and nobody asked, and the API was not so since the last change");
        CHECK(c, "drift", may_be_taken_over(c), "was taken over, and is to be put back");
        CHECK(c, "drift", !was_unmet(c), "an unconfirmed intent was given up for what the API has");
        c->item->wished_at = c->item->joined_at = 0;
        c->run->tally->takeovers++;
}

static void check_being(const Case *c) {
        const Row *old = c->old, *new = c->new;
        const bool deleted = c->item->deleted > c->run->life.sealed;

        if (new->gone && !(old && old->gone))
                CHECK(c, "delete",
                      deleted || (c->item->joins && (was_refused(c) || has_lost_its_session(c) ||
                                                     (was_denied(c) && !c->item->acknowledged))),
                      "is to be deleted, and nobody asked for that");
        if (old && old->gone && !new->gone) {
                CHECK(c, "I5",
                      was_refused(c) || (room_delayed(c->run) && c->item->refused_at != 0) ||
                              (was_denied(c) && !c->item->delete_acknowledged),
                      "was deleted and is wanted again");
                c->item->delete_acknowledged = false;
                c->item->spared = c->item->deleted;
        }
        if (old && old->failed)
                CHECK(c, "I5", new->failed, "had failed for good and has not any more");
        if (new->failed && !(old && old->failed)) {
                const unsigned allowed = c->item->at_most_once ? 0 : c->run->config.create_repeats;

                CHECK(c, "I3", c->item->n_unknown > allowed || was_refused(c),
                      "has failed for good without a reason");
        }
}

static const Post *post_of(const Case *c, PostState state) {
        const Network *network = &c->run->network;

        for (size_t i = network->n_posts; i > 0; i--) {
                const Post *post = network->posts + i - 1;

                if (post->life == c->run->life.ordinal && post->kind == c->new->kind &&
                    post->number == c->new->number && post->state == state)
                        return post;
        }
        return NULL;
}

static void check_id(const Case *c) {
        const Row *old = c->old, *new = c->new;
        const Post *post = post_of(c, POST_CREATED);

        if (old && row_has_id(old)) {
                CHECK(c, "I2", packed_id_equal(&old->id, &new->id), "the id has changed");
                return;
        }
        if (c->adopted)
                return;
        if (!row_has_id(new)) {
                CHECK(c, "I1", !post || c->removed, "an id has arrived and is not in the batch");
                return;
        }
        CHECK(c, "I4", post && row_id_is(new, &post->id), "an id that nobody gave it");
        CHECK(c, "I5", !disk_buried(&c->run->disk, new->kind, &post->id),
              "an id with a tombstone is back");
}

static void check_fixed(const Case *c) {
        const Row *old = c->old, *new = c->new;

        CHECK(c, "I7", new->spec->owner == c->item->owner, "the owner has changed");
        CHECK(c, "I7", streq(spec_text(new->spec, SPEC_TAG), c->item->tag), "the tag has changed");
        if (!old) {
                CHECK(c, "I5", c->item->known && !c->item->removed, "it comes from nowhere");
                CHECK(c, "I5", c->adopted || c->item->created > c->run->life.sealed,
                      "it comes too late");
                return;
        }
        CHECK(c, "I7", spec_equal(old->spec, new->spec), "what is fixed has changed");
        for (Aspect aspect = 0; aspect < _ASPECT_MAX; aspect++) {
                const Goal *before = old->goals + aspect, *after = new->goals + aspect;

                CHECK(c, "revisions", after->wanted_rev >= before->wanted_rev,
                      "a wanted revision has fallen");
                CHECK(c, "revisions", after->agreed_rev >= before->agreed_rev,
                      "an agreed revision has fallen");
                CHECK(c, "revisions", after->agreed_rev <= after->wanted_rev,
                      "more is agreed than was wanted");
        }
}

static void check_removed(const Case *c, const BatchRow *change) {
        const Row *row = c->old ? c->old : c->new;

        if (row_has_id(c->new)) {
                CHECK(c, "I1", c->thing && !c->thing->alive, "is removed, and lives at the API");
                CHECK(c, "I5", change->tombstone, "is removed without a tombstone");
                return;
        }
        CHECK(c, "I1", !post_of(c, POST_OUT), "is removed while its creation is under way");
        CHECK(c, "I1", !post_of(c, POST_CREATED), "is removed, and its id had arrived");
        CHECK(c, "delete",
              (!c->old && c->item->taken_back) || row->gone ||
                      c->item->deleted > c->run->life.sealed || was_refused(c) ||
                      has_lost_its_session(c) || (was_denied(c) && !c->item->acknowledged),
              "is removed without a reason");
}

static void check_on_disk(const Case *c, const BatchRow *change) {
        if (!change->to_disk)
                CHECK(c, "I2",
                      !change->removed ? c->old && row_equal_on_disk(c->old, c->new) : !c->old,
                      "changes, and is not written");
        if (c->new->has_token && !(c->old && c->old->has_token))
                CHECK(c, "I2", change->token, "has a token that is not written");
}

void reasons_check_withdrawn(Run *run, const Row *row, uint64_t sequence) {
        const Case c = {
                .run = run,
                .new = row,
                .item = clients_item(&run->clients, row->kind, row->number),
        };
        bool is_wanted = false;

        if (row->gone || c.item->last > sequence || place_equal(row->wanted, row->observed))
                return;
        if (c.item->has_stood && place_equal(row->wanted, c.item->stood))
                return;
        for (size_t i = 0; i < c.item->n_wishes; i++) {
                const Wish *wish = c.item->wishes + i;
                const bool is_wished =
                        place_is_wished(&c, row->wanted, wish, wish->sequence != sequence);

                if (is_wished && (wish->acknowledged || wish->sequence <= run->life.began))
                        return;
                if (wish->sequence == sequence)
                        is_wanted = is_wished;
        }
        CHECK(&c, "withdrawal", !is_wanted, "was refused, and is to be driven all the same");
}

void reasons_check(Run *run, const Batch *batch, const BatchRow *change) {
        const Row *row = &change->row;
        Case c = {
                .run = run,
                .batch = batch,
                .old = table_find(&run->disk.table, row->kind, row->number),
                .new = row,
                .item = clients_item(&run->clients, row->kind, row->number),
                .thing = world_find_row(&run->world, row),
                .removed = change->removed,
        };

        c.adopted = !c.old && !c.item->known && adoption_is_good(run, batch, row);
        check_fixed(&c);
        check_id(&c);
        CHECK(&c, "I3", row->n_unknown == c.item->n_unknown || change->removed,
              "its unknown outcomes are miscounted");
        check_on_disk(&c, change);
        if (change->removed) {
                check_removed(&c, change);
                return;
        }
        CHECK(&c, "storage", !c.item->taken_back, "was taken back, and is there");
        check_being(&c);
        check_put_back(&c);
        check_wanted(&c);
        if (row->kind == KIND_SESSION)
                CHECK(&c, "I4", !row->wanted && !row->observed, "a session that is in a session");
}
