/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulation/clients.h"

#include <inttypes.h>

#include "simulation/invariants.h"
#include "simulation/kit.h"

/* An intent with all that it borrows. */
typedef struct Asked {
        Intent intent;
        Wish wish;
        bool moves; /* the wish counts */
        Publisher publishers[WISH_MAX];
        char *aliases[WISH_MAX][STREAMS];
} Asked;

static void item_deinit(Item *item) {
        place_unref(item->stood);
        free(item->wishes);
        *item = (Item){ 0 };
}

void clients_deinit(Clients *clients) {
        for (Kind kind = 0; kind < _KIND_MAX; kind++) {
                for (size_t i = 0; i < clients->n_items[kind]; i++)
                        item_deinit(clients->items[kind] + i);
                free(clients->items[kind]);
        }
        free(clients->calls);
        free(clients->denied);
        *clients = (Clients){ 0 };
}

Item *clients_item(Clients *clients, Kind kind, uint64_t number) {
        while (clients->n_items[kind] <= number) {
                clients->items[kind] =
                        kit_grow(clients->items[kind], clients->n_items[kind], sizeof(Item));
                clients->items[kind][clients->n_items[kind]++] = (Item){ 0 };
        }
        return clients->items[kind] + number;
}

/* Any row, mostly one that exists; 0 where there is none at all. */
static uint64_t pick(Run *run, Kind kind) {
        const Table *seen = &run->seen;

        if (seen->n_rows[kind] == 0 || random_chance(&run->random, 0.02))
                return random_below(&run->random, 40);
        return seen->rows[kind][random_below(&run->random, seen->n_rows[kind])].number;
}

/* The participant that a flurry is about, mostly. */
static uint64_t pick_participant(Run *run) {
        Clients *clients = &run->clients;

        if (random_chance(&run->random, 0.3) ||
            !table_find(&run->seen, KIND_PARTICIPANT, clients->focus))
                clients->focus = pick(run, KIND_PARTICIPANT);
        return clients->focus;
}

static const Place *place_of(const Run *run, uint64_t participant) {
        const Row *row = table_find(&run->seen, KIND_PARTICIPANT, participant);

        return row ? row->wanted : NULL;
}

/* One that could be in a list: in that session, or, to be refused, not. */
static uint64_t pick_publisher(Run *run, uint64_t session) {
        const Table *seen = &run->seen;
        const size_t n = seen->n_rows[KIND_PARTICIPANT];
        const size_t from = n > 0 ? random_below(&run->random, n) : 0;

        if (random_chance(&run->random, 0.02))
                return pick(run, KIND_PARTICIPANT);
        for (size_t i = 0; i < n; i++) {
                const Row *row = seen->rows[KIND_PARTICIPANT] + (from + i) % n;

                if (place_in_session(row->wanted, session))
                        return row->number;
        }
        return 0;
}

static bool wish_names(const Wish *wish, uint64_t publisher) {
        for (size_t i = 0; i < wish->n_entries; i++)
                if (wish->entries[i].publisher == publisher)
                        return true;
        return false;
}

static void ask_to_hear(Run *run, Asked *asked) {
        Random *random = &run->random;
        Intent *intent = &asked->intent;
        Wish *wish = &asked->wish;

        wish->mode = (Mode)random_below(random, _MODE_MAX);
        for (uint64_t n = random_below(random, 4) + 1; wish->mode == MODE_PARTICIPANTS && n > 0;
             n--) {
                const uint64_t number = pick_publisher(run, intent->session);
                const size_t i = wish->n_entries;

                if (number == 0 || number == intent->number || wish_names(wish, number))
                        continue;
                wish->entries[i].publisher = asked->publishers[i].number = number;
                if (random_chance(random, 0.4))
                        wish->entries[i].streams = (unsigned)random_below(random, 1U << STREAMS);
                asked->publishers[i].aliases = asked->aliases[i];
                for (unsigned j = 0; j < STREAMS; j++)
                        if (wish->entries[i].streams & (1U << j))
                                asked->aliases[i][asked->publishers[i].n_aliases++] =
                                        (char *)(uintptr_t)world_stream(j);
                wish->n_entries++;
        }
        if (wish->mode == MODE_PARTICIPANTS && wish->n_entries == 0)
                wish->mode = MODE_NONE;
        wish->session = intent->session;
        asked->moves = true;

        intent->has_subscriptions = true;
        intent->mode = wish->mode;
        intent->publishers = asked->publishers;
        intent->n_publishers = wish->n_entries;
}

static void ask_create(Run *run, Asked *asked) {
        Random *random = &run->random;
        Spec *spec = NULL;
        char tag[24];

        asked->intent.object = run->seen.n_rows[KIND_SESSION] >= run->clients.n_sessions_max ||
                                               random_chance(random, 0.6)
                                       ? KIND_PARTICIPANT
                                       : KIND_SESSION;
        snprintf(tag, sizeof(tag), "tag-%u", (unsigned)random_below(random, 1000));
        MUST(spec_new(&spec));
        MUST(spec_set_text(&spec, SPEC_TAG, tag));
        MUST(spec_set_text(&spec, SPEC_DEVICE_API_VERSION, "V3"));
        spec->owner = 1000 + (uint32_t)random_below(random, 3);
        spec->created_at = run_clock(run).realtime;
        spec->permissions = (unsigned)random_below(random, 4);
        spec->at_most_once = random_chance(random, 0.15);
        apps_bind(run, &spec);
        asked->intent.spec = spec;

        if (asked->intent.object == KIND_SESSION || random_chance(random, 0.5))
                return;
        asked->intent.session = pick(run, KIND_SESSION);
        if (asked->intent.session == 0)
                return;
        if (random_chance(random, 0.7))
                ask_to_hear(run, asked);
        asked->wish.session = asked->intent.session;
        asked->moves = true;
}

static void ask_change(Run *run, Asked *asked, IntentKind kind) {
        Intent *intent = &asked->intent;
        const Place *place;

        intent->object = KIND_PARTICIPANT;
        intent->number = pick_participant(run);
        place = place_of(run, intent->number);
        intent->session = place && place->session != 0 && random_chance(&run->random, 0.95)
                                  ? place->session
                                  : pick(run, KIND_SESSION);
        asked->moves = true;
        if (kind == INTENT_SUBSCRIBE) {
                ask_to_hear(run, asked);
                /* It names no session: it is about the one where the participant is wanted. */
                intent->session = 0;
                intent->has_subscriptions = false;
                asked->wish.session = place ? place->session : 0;
                asked->wish.anywhere = true;
        }
        if (kind == INTENT_ADD) {
                if (random_chance(&run->random, 0.2))
                        intent->session = pick(run, KIND_SESSION);
                asked->wish.session = intent->session;
                if (random_chance(&run->random, 0.7))
                        ask_to_hear(run, asked);
        }
}

static IntentKind draw_kind(Run *run) {
        static const unsigned few[_INTENT_KIND_MAX] = {
                [INTENT_CREATE] = 60, [INTENT_DELETE] = 3,     [INTENT_ADD] = 12,
                [INTENT_REMOVE] = 6,  [INTENT_SUBSCRIBE] = 12, [INTENT_REFRESH] = 4,
                [INTENT_ADOPT] = 4,
        };
        static const unsigned many[_INTENT_KIND_MAX] = {
                [INTENT_CREATE] = 0, [INTENT_DELETE] = 10,    [INTENT_ADD] = 26,
                [INTENT_REMOVE] = 8, [INTENT_SUBSCRIBE] = 24, [INTENT_REFRESH] = 4,
                [INTENT_ADOPT] = 1,
        };
        static const unsigned usual[_INTENT_KIND_MAX] = {
                [INTENT_CREATE] = 16, [INTENT_DELETE] = 8,     [INTENT_ADD] = 26,
                [INTENT_REMOVE] = 8,  [INTENT_SUBSCRIBE] = 24, [INTENT_REFRESH] = 4,
                [INTENT_ADOPT] = 3,
        };
        static const unsigned crowd[_INTENT_KIND_MAX] = {
                [INTENT_CREATE] = 16, [INTENT_DELETE] = 1,     [INTENT_ADD] = 60,
                [INTENT_REMOVE] = 2,  [INTENT_SUBSCRIBE] = 10, [INTENT_REFRESH] = 1,
                [INTENT_ADOPT] = 1,
        };
        const size_t n = run->seen.n_rows[KIND_SESSION] + run->seen.n_rows[KIND_PARTICIPANT];
        const unsigned *weights = run->clients.crowd ? crowd : usual;

        if (n < run->clients.n_objects_max / 3)
                weights = few;
        if (n >= run->clients.n_objects_max &&
            (!run->clients.crowd || random_chance(&run->random, 0.1)))
                weights = many;
        return (IntentKind)random_weighed(&run->random, weights, _INTENT_KIND_MAX);
}

static void ask_init(Run *run, Asked *asked) {
        Random *random = &run->random;
        const IntentKind kind = run->clients.told ? INTENT_ADOPT : draw_kind(run);

        asked->intent.kind = kind;
        asked->intent.wait = random_chance(random, 0.6);
        switch (kind) {
        case INTENT_CREATE:
                ask_create(run, asked);
                break;
        case INTENT_DELETE:
        case INTENT_REFRESH:
                asked->intent.object = random_chance(random, 0.3) ? KIND_SESSION : KIND_PARTICIPANT;
                asked->intent.number = asked->intent.object == KIND_SESSION
                                               ? pick(run, KIND_SESSION)
                                               : pick_participant(run);
                break;
        case INTENT_ADD:
        case INTENT_REMOVE:
        case INTENT_SUBSCRIBE:
                ask_change(run, asked, kind);
                break;
        case INTENT_ADOPT:
                adoptions_ask(run, &asked->intent);
                break;
        case _INTENT_KIND_MAX:
                break;
        }
        if (kind == INTENT_REMOVE)
                asked->wish = (Wish){ 0 };
}

static void item_wish(Item *item, const Wish *wish, uint64_t sequence, usec_t now) {
        item->wishes = kit_grow(item->wishes, item->n_wishes, sizeof(Wish));
        item->wishes[item->n_wishes] = *wish;
        item->wishes[item->n_wishes].at = now;
        item->wishes[item->n_wishes++].sequence = sequence;
}

static void book_creation(Run *run, Item *item, const Asked *asked, uint64_t number) {
        const Spec *spec = asked->intent.spec;

        if (item->known || number <= run->disk.counters.last_number[asked->intent.object])
                run_fail(run, "I5", "number %" PRIu64 " is given a second time", number);
        item->known = true;
        item->joins = asked->intent.session != 0;
        item->owner = spec->owner;
        item->at_most_once = spec->at_most_once;
        item->created = run->clients.last_sequence;
        snprintf(item->tag, sizeof(item->tag), "%s", spec_text(spec, SPEC_TAG));
        snprintf(item->app, sizeof(item->app), "%s", spec_text(spec, SPEC_CLIENT_NAME));
}

static void book_intent(Run *run, const Asked *asked, uint64_t number) {
        Clients *clients = &run->clients;
        const Intent *intent = &asked->intent;
        Item *item = clients_item(clients, intent->object, number);
        const uint64_t deleted = item->deleted;
        const usec_t last_at = item->last_at;

        clients->last_sequence++;
        if (intent->kind == INTENT_CREATE)
                book_creation(run, item, asked, number);
        if (intent->kind == INTENT_DELETE)
                item->deleted = clients->last_sequence;
        if (intent->kind != INTENT_REFRESH && intent->kind != INTENT_ADOPT) {
                item->last = clients->last_sequence;
                item->last_at = run->now;
        }
        if (asked->moves)
                item_wish(item, &asked->wish, clients->last_sequence, run->now);

        clients->calls = kit_grow(clients->calls, clients->n_calls, sizeof(Call));
        clients->calls[clients->n_calls++] = (Call){
                .ticket = clients->last_ticket,
                .sequence = clients->last_sequence,
                .kind = intent->kind,
                .object = intent->object,
                .number = number,
                .session = intent->session != 0 ? intent->session : asked->wish.session,
                .wait = intent->wait,
                .at_once = intent->kind == INTENT_ADD && !intent->has_subscriptions,
                .issued_at = run->now,
                .last_at = last_at,
                .deleted = deleted,
                .id = intent->id,
        };
        if (intent->kind == INTENT_ADOPT)
                adoptions_book(clients->calls + clients->n_calls - 1, intent->spec);
}

void clients_ask_fresh(Run *run) {
        Intent intent = { .kind = INTENT_CREATE, .object = KIND_SESSION, .wait = true };
        CLEANUP(spec_unrefp) Spec *spec = NULL;
        Clients *clients = &run->clients;
        const char *reason = NULL;
        Asked asked;

        if (clients->fresh != 0) {
                const Row *row = table_find(&run->disk.table, KIND_SESSION, clients->fresh);

                run->fresh_at = USEC_NEVER;
                if (!row || !row_has_id(row))
                        run_fail(run, "I12", "a session is not created in time");
                return;
        }
        MUST(spec_new(&spec));
        MUST(spec_set_text(&spec, SPEC_TAG, "fresh"));
        intent.spec = spec;
        run->fresh_at = run->now + FRESH_USEC;
        TRACE(run, "a last session");
        if (core_intend(run->life.core, &intent, ++clients->last_ticket, run_clock(run),
                        &clients->fresh, &reason) != 0) {
                run_fail(run, "I12", "a session is refused: %s", reason);
                return;
        }
        asked = (Asked){ .intent = intent };
        book_intent(run, &asked, clients->fresh);
}

static void judge_first_answer(Run *run, unsigned expected, int r, const Intent *intent) {
        run->tally->judged++;
        if ((expected & (1U << r)) == 0)
                run_fail(run, "cases",
                         "%s of %s %" PRIu64 " (session %" PRIu64
                         "): the first answer is %s, which the contract has not (mask %x)",
                         intent_name(intent->kind),
                         intent->object == KIND_SESSION ? "session" : "participant", intent->number,
                         intent->session, r == 0 ? "taken" : reply_name((Outcome)r), expected);
}

/* Some who delete want no answer, or one at once; then there is no call that waits. */
static bool join_delete(Run *run, const Intent *intent) {
        Random *random = &run->random;
        bool durable;
        const Row *row;

        if (intent->kind != INTENT_DELETE || intent->wait || random_chance(random, 0.5))
                return false;
        durable = random_chance(random, 0.5);
        if (!core_join_delete(run->life.core, intent->object, intent->number, durable))
                return false;
        TRACE(run, "delete %s %" PRIu64 ": joined%s",
              intent->object == KIND_SESSION ? "session" : "participant", intent->number,
              durable ? ", accepted" : "");
        run->tally->joined[durable]++;
        if (!durable)
                return true;
        clients_item(&run->clients, intent->object, intent->number)->delete_acknowledged = true;
        row = table_find(&run->disk.table, intent->object, intent->number);
        if (row && !row->gone)
                run_fail(run, "I2", "a delete is acknowledged and not on disk");
        return true;
}

static void ask(Run *run, bool at_rest) {
        const char *reason = NULL;
        Asked asked = { 0 };
        unsigned expected;
        uint64_t number;
        int r;

        ask_init(run, &asked);
        number = asked.intent.number;
        expected = oracle_expect(run, &asked.intent);
        if (join_delete(run, &asked.intent)) {
                if (at_rest)
                        judge_first_answer(run, expected, 0, &asked.intent);
                return;
        }
        r = core_intend(run->life.core, &asked.intent, ++run->clients.last_ticket, run_clock(run),
                        &number, &reason);
        MUST(r);
        TRACE(run,
              "intent %" PRIu64 ": %s %s %" PRIu64 " session %" PRIu64 " mode %d of %zu%s%s: %s",
              run->clients.last_ticket, intent_name(asked.intent.kind),
              asked.intent.object == KIND_SESSION ? "session" : "participant", number,
              asked.intent.session, (int)asked.intent.mode, asked.intent.n_publishers,
              asked.intent.wait ? " wait" : "",
              asked.intent.spec && asked.intent.spec->at_most_once ? " at-most-once" : "",
              r == 0 ? "taken" : reply_name((Outcome)r));

        run->tally->intents[asked.intent.kind]++;
        if (r == 0)
                book_intent(run, &asked, number);
        else
                run->tally->refusals[r]++;
        if (r > 0 && !reason)
                run_fail(run, "cases", "refused without a reason");
        if (at_rest)
                judge_first_answer(run, expected, r, &asked.intent);
        spec_unref(asked.intent.spec);
}

/* Somebody changes his mind about drift. */
static void reload(Run *run) {
        run->config.enforce = !run->config.enforce;
        run->clients.reloaded = ++run->clients.last_sequence;
        run->tally->reloads++;
        TRACE(run, "Reload: Drift=%s", run->config.enforce ? "enforce" : "adopt");
        core_configure(run->life.core, &run->config, run_clock(run));
}

void clients_turn(Run *run) {
        Clients *clients = &run->clients;
        Random *random = &run->random;
        bool at_rest = !run->life.batch;

        if (clients->left == 0)
                clients->left = 1 + (unsigned)random_below(random, 6);
        do {
                ask(run, at_rest);
                at_rest = false; /* what was taken in is not to be seen yet */
        } while (--clients->left > 0 && random_chance(random, 0.3));
        apps_turn(run);
        if (random_chance(random, 0.01)) {
                TRACE(run, "Sync");
                core_sync(run->life.core, run_clock(run));
                run->tally->syncs++;
        }

        if (random_chance(random, 0.01))
                reload(run);

        if (clients->left > 0)
                clients->next_at = run->now + random_between(random, 0, 3 * USEC_PER_SEC);
        else
                clients->next_at = run->now + random_between(random, 0, 2 * clients->pause_usec);
}

static void item_cut(Run *run, Item *item) {
        item->put_back_at[0] = item->put_back_at[1] = 0;
        /* What was asked for last is lost; what was asked for before is not known any more. */
        if (item->wished_at > run->written_at)
                item->wished_at = item->joined_at = 0;
}

void clients_cut(Run *run) {
        Clients *clients = &run->clients;

        clients->n_calls = 0;
        clients->n_denied = 0;
        for (uint64_t i = 0; i < clients->n_items[KIND_PARTICIPANT]; i++)
                item_cut(run, clients->items[KIND_PARTICIPANT] + i);
        for (Kind kind = 0; kind < _KIND_MAX; kind++)
                for (uint64_t i = run->disk.counters.last_number[kind] + 1;
                     i < clients->n_items[kind]; i++)
                        item_deinit(clients->items[kind] + i);
        for (Kind kind = 0; kind < _KIND_MAX; kind++)
                world_forget(&run->world, kind, run->disk.counters.last_number[kind]);
}
