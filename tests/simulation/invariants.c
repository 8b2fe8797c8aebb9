/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulation/invariants.h"

#include <inttypes.h>

#include "base/text.h"
#include "simulation/kit.h"

const Row *newest_row(const Run *run, const Batch *batch, Kind kind, uint64_t number) {
        for (size_t i = 0; batch && i < batch->n_rows; i++) {
                const BatchRow *change = batch->rows + i;

                if (change->row.kind == kind && change->row.number == number)
                        return change->removed ? NULL : &change->row;
        }
        return table_find(&run->disk.table, kind, number);
}

static void check_counters(Run *run, const Batch *batch) {
        const Counters *before = &run->disk.counters;
        const Counters *after = batch->counters_changed ? &batch->counters : before;
        uint64_t n_logged = 0;

        /* What is counted waits for the disk, with all that tells of it. */
        if (core_status(run->life.core).disk_held)
                return;
        if (after->suspected_orphans != run->n_unknown)
                run_fail(run, "I3", "SuspectedOrphans will be %" PRIu64 ", there were %" PRIu64,
                         after->suspected_orphans, run->n_unknown);
        for (Kind kind = 0; kind < _KIND_MAX; kind++)
                if (after->last_number[kind] < before->last_number[kind])
                        run_fail(run, "I5", "the last number has fallen");

        for (size_t i = 0; i < batch->n_effects; i++)
                if (batch->effects[i].kind == EFFECT_LOG &&
                    batch->effects[i].log.event == LOG_EVENT_UNKNOWN_OUTCOME)
                        n_logged++;
        if (n_logged != run->n_unknown - before->suspected_orphans)
                run_fail(run, "I3", "%" PRIu64 " unknown outcomes logged, there were %" PRIu64,
                         n_logged, run->n_unknown - before->suspected_orphans);
}

static void check_numbers(Run *run, const Batch *batch) {
        const Counters *counters = batch->counters_changed ? &batch->counters : &run->disk.counters;

        for (size_t i = 0; i < batch->n_rows; i++) {
                const Row *row = &batch->rows[i].row;

                if (row->number > counters->last_number[row->kind] &&
                    (batch->rows[i].to_disk || !batch->rows[i].removed))
                        run_fail(run, "I5", "number %" PRIu64 " is above the last one",
                                 row->number);
                for (size_t j = 0; j < i; j++)
                        if (batch->rows[j].row.kind == row->kind &&
                            batch->rows[j].row.number == row->number)
                                run_fail(run, "I4", "number %" PRIu64 " is twice in a batch",
                                         row->number);
        }
}

void invariants_at_seal(Run *run, const Batch *batch) {
        Network *network = &run->network;

        for (size_t i = 0; i < batch->n_rows; i++) {
                TRACE(run, "    %s%s", row_text(&batch->rows[i].row),
                      batch->rows[i].removed ? ", removed" : "");
                reasons_check(run, batch, batch->rows + i);
        }
        check_counters(run, batch);
        check_numbers(run, batch);
        traffic_at_seal(run, batch);

        /* What had arrived by now is in this batch, or it is lost. */
        for (size_t i = 0; i < network->n_posts; i++)
                if (network->posts[i].state != POST_OUT)
                        network->posts[i].sealed = true;
        /* What is held is to be seen still. */
        if (core_status(run->life.core).disk_held)
                return;
        run->life.durable = run->life.sealed;
        run->life.durable_sealed_at = run->life.sealed_at;
        run->life.sealed = run->clients.last_sequence;
        run->life.sealed_at = run->now;
}

static bool text_same(const char *a, const char *b) {
        return a && b ? streq(a, b) : a == b;
}

/* All that a signal tells: SyncedUSec moves in silence. */
static bool row_shown_equal(const Row *a, const Row *b) {
        return row_equal_on_disk(a, b) && spec_equal(a->spec, b->spec) &&
               a->last_error == b->last_error && text_same(a->last_message, b->last_message) &&
               a->n_failed == b->n_failed;
}

/* A number for the members of a session, so that two moments can be compared. */
static uint64_t members_sum(const Table *table, uint64_t session) {
        uint64_t sum = 0;

        for (size_t i = 0; i < table->n_rows[KIND_PARTICIPANT]; i++) {
                const Row *row = table->rows[KIND_PARTICIPANT] + i;

                if (place_in_session(row->wanted, session))
                        sum += UINT64_C(1) << 40 | row->number * row->number;
        }
        return sum;
}

static bool members_are_told(const Batch *batch, uint64_t session) {
        for (size_t i = 0; i < batch->n_rows; i++)
                if (batch->rows[i].row.kind == KIND_SESSION && batch->rows[i].row.number == session)
                        return batch->rows[i].members_changed || !batch->rows[i].before ||
                               batch->rows[i].removed;
        for (size_t i = 0; i < batch->n_sessions; i++)
                if (batch->sessions[i] == session)
                        return true;
        return false;
}

/* @before: a sum for each session that is seen now. */
static void check_members(Run *run, const Batch *batch, const uint64_t *before) {
        const Table *seen = &run->seen;

        for (size_t i = 0; i < seen->n_rows[KIND_SESSION]; i++) {
                const uint64_t number = seen->rows[KIND_SESSION][i].number;
                const bool changed = members_sum(seen, number) != before[i];
                bool listed = false;

                for (size_t j = 0; j < batch->n_sessions; j++)
                        listed |= batch->sessions[j] == number;
                if (changed && !members_are_told(batch, number))
                        run_fail(run, "signals", "the members of session %" PRIu64 " change unseen",
                                 number);
                if (listed && !changed)
                        run_fail(run, "signals",
                                 "session %" PRIu64 " is signalled and has the same members",
                                 number);
        }
}

static void check_before(Run *run, const BatchRow *change) {
        const Row *seen = table_find(&run->seen, change->row.kind, change->row.number);

        if (!change->before != !seen)
                run_fail(run, "signals", "%d/%" PRIu64 ": %s", (int)change->row.kind,
                         change->row.number,
                         seen ? "was seen before and is signalled as new"
                              : "was never seen and is signalled as changed");
        else if (seen && !row_shown_equal(change->before, seen))
                run_fail(run, "signals",
                         "%d/%" PRIu64 ": before is not what was seen: Attempts %u, not %u",
                         (int)change->row.kind, change->row.number, change->before->n_failed,
                         seen->n_failed);
}

static void see_rows(Run *run, const Batch *batch, Kind kind) {
        for (size_t i = 0; i < batch->n_rows; i++) {
                const BatchRow *change = batch->rows + i;

                if (change->row.kind != kind)
                        continue;
                if (!change->removed) {
                        table_put(&run->seen, &change->row);
                        continue;
                }
                table_drop(&run->seen, kind, change->row.number);
                clients_item(&run->clients, kind, change->row.number)->removed = true;
        }
}

void invariants_at_commit(Run *run, const Batch *batch) {
        const Table *seen = &run->seen;
        CLEANUP(freep) uint64_t *sums = NULL;

        for (size_t i = 0; i < batch->n_rows; i++)
                check_before(run, batch->rows + i);

        see_rows(run, batch, KIND_SESSION);
        sums = kit_alloc(seen->n_rows[KIND_SESSION], sizeof(uint64_t));
        for (size_t i = 0; i < seen->n_rows[KIND_SESSION]; i++)
                sums[i] = members_sum(seen, seen->rows[KIND_SESSION][i].number);
        see_rows(run, batch, KIND_PARTICIPANT);
        check_members(run, batch, sums);
}

/* Nothing is shown that is not on disk, or that no signal has told. */
static bool check_image(Run *run, const Row *shown) {
        const Row *stored = table_find(&run->disk.table, shown->kind, shown->number);
        const Row *told = table_find(&run->seen, shown->kind, shown->number);

        if (!stored || !row_equal_on_disk(shown, stored))
                run_fail(run, "I2", "%d/%" PRIu64 " is shown otherwise than it is on disk",
                         (int)shown->kind, shown->number);
        if (!told || !row_shown_equal(shown, told))
                run_fail(run, "signals",
                         "%d/%" PRIu64
                         " is shown otherwise than was signalled: Attempts %u, not %u",
                         (int)shown->kind, shown->number, shown->n_failed,
                         told ? told->n_failed : 0);
        return !run->failed;
}

/* All rows that the core shows are the ones that signals told of and that the disk has. */
static size_t check_shown(Run *run, Kind kind) {
        const Row *shown = NULL;
        size_t n = 0, n_open = 0;

        for (uint64_t after = 0; (shown = core_after(run->life.core, kind, after)); n++) {
                after = shown->number;
                if (!check_image(run, shown))
                        return 0;
                if (!row_in_sync(shown))
                        n_open++;
        }
        if (n != run->disk.table.n_rows[kind] || n != run->seen.n_rows[kind])
                run_fail(run, "I2", "%zu rows are shown, %zu are on disk, %zu were told of", n,
                         run->disk.table.n_rows[kind], run->seen.n_rows[kind]);
        return n_open;
}

/* One row, found in all the ways in which it can be. */
static void check_found(Run *run, Kind kind) {
        const Core *core = run->life.core;
        const size_t n = run->seen.n_rows[kind];
        const Row *row = n > 0 ? run->seen.rows[kind] + random_below(&run->random, n) : NULL;
        const Row *found;
        ApiId id;

        if (!row)
                return;
        found = core_find(core, kind, row->number);
        if (!found || found->number != row->number)
                run_fail(run, "I2", "%d/%" PRIu64 " is not found", (int)kind, row->number);
        found = core_tag_after(core, kind, spec_text(row->spec, SPEC_TAG), row->number - 1);
        if (!found || found->number != row->number)
                run_fail(run, "I2", "%d/%" PRIu64 " is not found by its tag", (int)kind,
                         row->number);
        if (!row_has_id(row))
                return;
        id = row_id(row);
        found = core_find_id(core, kind, &id);
        if (!found || found->number != row->number)
                run_fail(run, "I2", "%d/%" PRIu64 " is not found by its id", (int)kind,
                         row->number);
        found = core_prefix_after(core, kind, id.text, NULL);
        if (!found || found->number != row->number)
                run_fail(run, "I2", "%d/%" PRIu64 " is not found by a prefix", (int)kind,
                         row->number);
}

static void check_member_lists(Run *run) {
        const Table *seen = &run->seen;

        for (size_t i = 0; i < seen->n_rows[KIND_SESSION]; i++) {
                const uint64_t session = seen->rows[KIND_SESSION][i].number;
                const Row *member;
                uint64_t sum = 0;

                for (uint64_t after = 0;
                     (member = core_member_after(run->life.core, session, after));
                     after = member->number)
                        sum += UINT64_C(1) << 40 | member->number * member->number;
                if (sum != members_sum(seen, session))
                        run_fail(run, "I2", "the members of session %" PRIu64 " are not as shown",
                                 session);
        }
}

/* Who is listed is a wanted member of the same session: one that leaves drops out of lists. */
static void check_lists(Run *run, const Row *row) {
        const Place *place = row->wanted;

        if (!place)
                return;
        if (place->session != 0 && !table_find(&run->seen, KIND_SESSION, place->session))
                run_fail(run, "lists", "%s: its session is not there", row_text(row));
        for (size_t i = 0; i < place->n_publishers; i++) {
                const uint64_t number = place->publishers[i].number;
                const Row *other = table_find(&run->seen, KIND_PARTICIPANT, number);

                if (number != 0 &&
                    (!other || other->gone || !place_in_session(other->wanted, place->session)))
                        run_fail(run, "lists", "%s: it is to hear one that has left",
                                 row_text(row));
        }
}

void invariants_of_view(Run *run) {
        const CoreStatus status = core_status(run->life.core);
        size_t n_open = 0;

        for (Kind kind = 0; kind < _KIND_MAX; kind++) {
                n_open += check_shown(run, kind);
                check_found(run, kind);
                if (status.n_objects[kind] != run->seen.n_rows[kind])
                        run_fail(run, "I2", "%u objects are counted, there are %zu",
                                 status.n_objects[kind], run->seen.n_rows[kind]);
        }
        check_member_lists(run);
        for (size_t i = 0; i < run->seen.n_rows[KIND_PARTICIPANT]; i++)
                check_lists(run, run->seen.rows[KIND_PARTICIPANT] + i);
        if (status.n_pending != n_open)
                run_fail(run, "I2", "PendingCount is %u, %zu are not in sync", status.n_pending,
                         n_open);
        if (status.suspected_orphans != run->disk.counters.suspected_orphans)
                run_fail(run, "I3", "SuspectedOrphans is shown as %" PRIu64 ", on disk %" PRIu64,
                         status.suspected_orphans, run->disk.counters.suspected_orphans);
        if (status.n_in_flight != network_n_open(&run->network, false) ||
            status.n_posts != network_n_open(&run->network, true))
                run_fail(run, "I11", "%u requests (%u POSTs) are counted, %u (%u) are out",
                         status.n_in_flight, status.n_posts, network_n_open(&run->network, false),
                         network_n_open(&run->network, true));
}

/* I1 and I4, over the whole disk. */
void invariants_of_ids(Run *run) {
        const Network *network = &run->network;
        const Table *disk = &run->disk.table;

        for (size_t i = 0; i < network->n_posts; i++) {
                const Post *post = network->posts + i;
                const Thing *thing = world_thing(&run->world, post->kind, post->created);
                const Row *row;

                if (!thing || !thing->alive || post->state != POST_CREATED || !post->durable)
                        continue;
                row = table_find(disk, post->kind, post->number);
                if (!row || !row_id_is(row, &thing->id))
                        run_fail(run, "I1", "%s lives at the API and is not on disk",
                                 api_id_text(&thing->id));
        }
        for (Kind kind = 0; kind < _KIND_MAX; kind++)
                for (size_t i = 0; i < disk->n_rows[kind]; i++) {
                        const Row *row = disk->rows[kind] + i;
                        const ApiId id = row_id(row);

                        if (row_has_id(row) && table_find_id(disk, kind, &id) != row)
                                run_fail(run, "I4", "%s stands in two rows", id.text);
                        if (row->has_token && kind == KIND_PARTICIPANT &&
                            !disk_token(&run->disk, row->number))
                                run_fail(run, "I2", "%s has a token that is not on disk", id.text);
                }
}

void invariants_of_calls(Run *run) {
        const usec_t patience =
                run->config.reply_timeout_usec + 2 * run->commit_max_usec + USEC_PER_SEC;

        for (size_t i = 0; i < run->clients.n_calls; i++) {
                const Call *call = run->clients.calls + i;
                const usec_t since = usec_max(call->issued_at, run->room.refused_at);

                if (run->now - since > patience)
                        run_fail(run, "I10",
                                 "ticket %" PRIu64 " (%s of %d/%" PRIu64
                                 ") has had no reply for %.1f s",
                                 call->ticket, intent_name(call->kind), (int)call->object,
                                 call->number, (double)(run->now - call->issued_at) / USEC_PER_SEC);
        }
}

/* A POST leaves: the intent and the attempt are on disk, and no promise is broken by it. */
static void check_post(Run *run, const Request *request) {
        const Row *row = table_find(&run->disk.table, request->kind, request->number);
        const Item *item = clients_item(&run->clients, request->kind, request->number);
        const unsigned allowed = item->at_most_once ? 0 : run->config.create_repeats;

        if (!row || !row->attempt_open || row->gone || row->failed || row_has_id(row))
                run_fail(run, "I2", "a POST for %d/%" PRIu64 " without a durable attempt",
                         (int)request->kind, request->number);
        else if (!request->spec || !spec_equal(request->spec, row->spec))
                run_fail(run, "I2", "a POST says something else than the row");
        if (item->deleted > run->life.began)
                run_fail(run, "I5", "a POST for %d/%" PRIu64 ", which is deleted",
                         (int)request->kind, request->number);
        if (item->n_unknown > allowed)
                run_fail(run, "I3", "a POST for %d/%" PRIu64 " after %u unknown outcomes",
                         (int)request->kind, request->number, item->n_unknown);
        if (item->n_unknown > 0)
                run->tally->repeats++;

        for (size_t i = 0; i < run->network.n_posts; i++) {
                const Post *post = run->network.posts + i;

                if (post->kind == request->kind && post->number == request->number &&
                    (post->state == POST_OUT || post->state == POST_CREATED))
                        run_fail(run, "I3", "a second POST for %d/%" PRIu64, (int)request->kind,
                                 request->number);
        }
}

/* Whether a body holds nothing that the row does not want. */
static bool request_is_wanted(Run *run, const Request *request, const Row *row) {
        const Thing *session = world_find(&run->world, KIND_SESSION, &request->session);
        Position wanted;

        /* A publisher without an id is no reason to wait with the rest. */
        place_position(run, NULL, row->wanted, &wanted);
        if (row->gone || !session || wanted.session != session->handle)
                return false;
        if (request->mode == MODE_SESSION)
                return wanted.heard.mode == MODE_SESSION && request->n_publishers == 0;
        if ((request->mode == MODE_PARTICIPANTS) != (request->n_publishers > 0))
                return false;
        for (size_t i = 0; i < request->n_publishers; i++) {
                const Publisher *publisher = request->publishers + i;
                const Thing *thing = world_find(&run->world, KIND_PARTICIPANT, &publisher->id);
                const Entry entry = { .participant = thing ? thing->handle : 0,
                                      .streams = world_streams(publisher) };

                if (!entry_within(&entry, &wanted.heard))
                        return false;
        }
        return true;
}

static bool removal_is_wanted(Run *run, const Request *request, const Row *row) {
        const Thing *session = world_find(&run->world, KIND_SESSION, &request->session);
        Position wanted;

        /* Nobody is pulled out of a session that is not ours. */
        if (session && session->number == 0 && !row->gone)
                return false;
        place_position(run, NULL, row->wanted, &wanted);
        return row->gone || !session || wanted.session != session->handle;
}

void invariants_at_request(Run *run, const Request *request) {
        const Kind kind = api_id_is_known(&request->participant) ? KIND_PARTICIPANT : KIND_SESSION;
        const Row *row =
                table_find_id(&run->disk.table, kind,
                              kind == KIND_SESSION ? &request->session : &request->participant);
        bool is_wanted = true;

        switch (request->operation) {
        case OPERATION_CREATE_PARTICIPANT:
        case OPERATION_CREATE_SESSION:
                check_post(run, request);
                break;
        case OPERATION_DELETE_PARTICIPANT:
        case OPERATION_DELETE_SESSION:
                is_wanted = row && row->gone;
                break;
        case OPERATION_ADD_PARTICIPANT:
        case OPERATION_UPDATE_SUBSCRIPTIONS:
                is_wanted = row && request_is_wanted(run, request, row);
                break;
        case OPERATION_REMOVE_PARTICIPANT:
                is_wanted = row && removal_is_wanted(run, request, row);
                break;
        case OPERATION_GET_PARTICIPANT:
        case OPERATION_GET_SESSION:
        case OPERATION_LIST_PARTICIPANTS:
        case OPERATION_GET_SUBSCRIPTIONS:
        case _OPERATION_MAX:
                break;
        }
        if (!is_wanted)
                run_fail(run, "I2", "%s of %s %s is not what is wanted on disk",
                         operation_name(request->operation), api_id_text(&request->session),
                         api_id_text(&request->participant));
}

/* Whether a stranger ever put that entry, or all of the session, into the ears of @thing. */
static bool stranger_let_hear(const Thing *thing, uint32_t session, const Entry *entry) {
        for (size_t i = 0; i < thing->n_stays; i++) {
                const Stay *stay = thing->stays + i;

                if (stay->by_stranger && stay->position.session == session &&
                    (entry ? entry_within(entry, &stay->position.heard)
                           : stay->position.heard.mode == MODE_SESSION))
                        return true;
        }
        return false;
}

static bool wish_lets_hear(const Run *run, const Wish *wish, const Entry *entry) {
        const Thing *thing = world_thing(&run->world, KIND_PARTICIPANT, entry->participant);

        for (size_t i = 0; i < wish->n_entries; i++)
                if (wish->entries[i].publisher == thing->number && thing->number != 0)
                        return wish->entries[i].streams == 0 ||
                               (entry->streams != 0 &&
                                (entry->streams & ~wish->entries[i].streams) == 0);
        return false;
}

/* Whether one wish, with what strangers have added, holds all that is heard. */
static bool wish_holds(const Run *run, const Wish *wish, const Thing *thing) {
        const Position *position = thing_position(thing);
        const Thing *session = world_thing(&run->world, KIND_SESSION, position->session);

        if (wish->session != session->number)
                return false;
        if (wish->mode == MODE_SESSION)
                return true;
        if (position->heard.mode == MODE_SESSION)
                return false;
        for (size_t i = 0; i < position->heard.n_entries; i++) {
                const Entry *entry = position->heard.entries + i;

                if (!wish_lets_hear(run, wish, entry) &&
                    !stranger_let_hear(thing, position->session, entry))
                        return false;
        }
        return true;
}

void invariants_of_audible(Run *run, const Thing *thing) {
        const Item *item = clients_item(&run->clients, KIND_PARTICIPANT, thing->number);
        const Position *position = thing_position(thing);
        const Wish nothing = { .session = 0 };
        Wish strangers = nothing;

        if (position->session == 0 || position->heard.mode == MODE_NONE)
                return;
        for (size_t i = 0; i < item->n_wishes; i++)
                if (wish_holds(run, item->wishes + i, thing))
                        return;
        if (position->heard.mode == MODE_SESSION &&
            stranger_let_hear(thing, position->session, NULL))
                return;
        strangers.session = world_thing(&run->world, KIND_SESSION, position->session)->number;
        if (position->heard.mode == MODE_PARTICIPANTS && wish_holds(run, &strangers, thing))
                return;
        run_fail(run, "I13", "%s hears more than anybody wanted: mode %d of %zu",
                 api_id_text(&thing->id), (int)position->heard.mode, position->heard.n_entries);
}

void invariants_at_crash(Run *run) {
        Network *network = &run->network;

        /* Every creation that left, and whose end is not on disk, has its attempt there. */
        for (size_t i = 0; i < network->n_posts; i++) {
                Post *post = network->posts + i;
                const Row *row;

                if (post->durable || post->life != run->life.ordinal)
                        continue;
                row = table_find(&run->disk.table, post->kind, post->number);
                if (!row || !row->attempt_open)
                        run_fail(run, "I1",
                                 "the daemon ends, and POST #%" PRIu64 " for %d/%" PRIu64
                                 " has neither an end nor an attempt on disk",
                                 post->serial, (int)post->kind, post->number);
                post->state = POST_UNKNOWN;
                post->durable = true;
        }
}
