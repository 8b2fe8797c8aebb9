/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Nothing in a row changes by itself. Each change between two durable images is held against what
 * clients asked for since the last seal, and against what the API was and said.
 */

#include <inttypes.h>

#include "base/text.h"
#include "simulation/case.h"

/* Somebody asked for it: from now on it must be met before it may be given up. */
static void note_wish(const Case *c) {
        if (!c->old || !place_same_session(c->old->wanted, c->new->wanted))
                c->item->joined_at = c->run->now;
        c->item->wished_at = c->run->now;
}

/* 401 and 403 refuse calls, not what was accepted before, and not what is sent. */
static void check_withdrawn(const Case *c) {
        const Wish *wish = case_accepted_wish(c);
        const uint64_t session = c->new->wanted ? c->new->wanted->session : 0;

        /* A delete that is refused has replaced what was accepted before it. */
        CHECK(c, "I2", !wish || c->old->gone || session == wish->session,
              "was accepted, and is withdrawn when credentials are refused");
        CHECK(c, "withdrawal", !case_may_be_sent(c), "may have been sent, and is withdrawn");
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
        if (case_is_without_leavers(c, new->observed))
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
        if (case_is_asked_for(c)) {
                note_wish(c);
                return;
        }
        if (c->old && case_is_without_leavers(c, c->old->wanted)) {
                c->item->wished_at = 0; /* not as it was asked for any more */
                item_stands(c->item, c->new->wanted);
                return;
        }
        if (case_is_without_session(c))
                return;
        /* Fallen back to what was seen last; seen otherwise since then, that may be put back. */
        if ((case_was_refused(c) || case_was_denied(c)) &&
            (place_equal(c->new->wanted, c->new->observed) ||
             (c->run->config.enforce && c->old && place_equal(c->new->wanted, c->old->observed)))) {
                if (!case_was_refused(c) && c->old &&
                    place_equal(c->old->observed, c->new->observed))
                        check_withdrawn(c);
                c->item->wished_at = c->item->joined_at = 0;
                c->run->tally->fallbacks++;
                return;
        }
        if (case_was_denied(c) && case_is_accepted_again(c)) {
                note_wish(c);
                c->run->tally->withdrawals++;
                return;
        }
        CHECK(c, "drift", case_is_taken_over(c),
              "wanted has changed, and nobody asked, and the API was not so since the last change");
        CHECK(c, "drift", case_may_be_taken_over(c), "was taken over, and is to be put back");
        CHECK(c, "drift", !case_was_unmet(c),
              "an unconfirmed intent was given up for what the API has");
        c->item->wished_at = c->item->joined_at = 0;
        c->run->tally->takeovers++;
}

static void check_being(const Case *c) {
        const Row *old = c->old, *new = c->new;
        const bool deleted = c->item->deleted > c->run->life.sealed;

        if (new->gone && !(old && old->gone))
                CHECK(c, "delete",
                      deleted || (c->item->joins &&
                                  (case_was_refused(c) || case_has_lost_its_session(c) ||
                                   (case_was_denied(c) && !c->item->acknowledged))),
                      "is to be deleted, and nobody asked for that");
        if (old && old->gone && !new->gone) {
                CHECK(c, "I5",
                      case_was_refused(c) || (room_delayed(c->run) && c->item->refused_at != 0) ||
                              (case_was_denied(c) && !c->item->delete_acknowledged),
                      "was deleted and is wanted again");
                c->item->delete_acknowledged = false;
                c->item->spared = c->item->deleted;
        }
        if (old && old->failed)
                CHECK(c, "I5", new->failed, "had failed for good and has not any more");
        if (new->failed && !(old && old->failed)) {
                const unsigned allowed = c->item->at_most_once ? 0 : c->run->config.create_repeats;

                CHECK(c, "I3", c->item->n_unknown > allowed || case_was_refused(c),
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
                      c->item->deleted > c->run->life.sealed || case_was_refused(c) ||
                      case_has_lost_its_session(c) ||
                      (case_was_denied(c) && !c->item->acknowledged),
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
                        case_place_is_wished(&c, row->wanted, wish, wish->sequence != sequence);

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
