/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a reply claims, held against what is durable and against what the API did. */

#include <inttypes.h>
#include <stdio.h>

#include "simulation/invariants.h"
#include "simulation/kit.h"

static const char *call_text(const Call *call) {
        static char text[160];

        snprintf(text, sizeof(text),
                 "ticket %" PRIu64 " (%s%s of %s %" PRIu64 ", session %" PRIu64 ")", call->ticket,
                 intent_name(call->kind), call->wait ? " wait" : "",
                 call->object == KIND_SESSION ? "session" : "participant", call->number,
                 call->session);
        return text;
}

/* Whether a session is no more, or is about to be. */
static bool session_is_leaving(const Run *run, uint64_t session) {
        const Row *row = table_find(&run->disk.table, KIND_SESSION, session);

        return !row || row->gone || row->failed;
}

/* I2: what was acknowledged is on disk, unless something later has replaced it. */
static void check_durable(Run *run, const Call *call, const Item *item) {
        const Row *row = table_find(&run->disk.table, call->object, call->number);
        bool is_there = true;

        if (call->at_once || item->last > call->sequence)
                return;
        /* It was to be said with a batch that found no room, and the API has refused it since. */
        if (item->refused_at >= call->issued_at && run->room.refused_at >= call->issued_at)
                return;
        switch (call->kind) {
        case INTENT_CREATE:
                is_there = row != NULL || item->removed;
                break;
        case INTENT_DELETE:
                is_there = !row || row->gone;
                break;
        case INTENT_SUBSCRIBE:
                is_there = !row || row->wanted || session_is_leaving(run, call->session);
                break;
        case INTENT_ADD:
                is_there = !row || place_in_session(row->wanted, call->session) ||
                           session_is_leaving(run, call->session);
                break;
        case INTENT_REMOVE:
                is_there = !row || !place_in_session(row->wanted, call->session);
                break;
        case INTENT_REFRESH:
        case INTENT_ADOPT:
        case _INTENT_KIND_MAX:
                break;
        }
        if (!is_there)
                run_fail(run, "I2", "%s is acknowledged and not on disk", call_text(call));
}

/* The API has said yes to it. Later the daemon may have found more to do by itself. */
static bool is_confirmed(const Run *run, const Call *call, const Item *item) {
        const Row *row = table_find(&run->disk.table, call->object, call->number);

        if (!row || (call->kind != INTENT_CREATE && item->told_at >= call->issued_at))
                return true;
        if (call->kind == INTENT_CREATE && call->session != 0 && row->observed)
                return true;
        if (call->kind == INTENT_CREATE)
                return row_has_id(row) && (call->session == 0 || row_in_sync(row));
        return !row->gone && !row_open(row, MEMBERSHIP) && !row_open(row, SUBSCRIPTIONS);
}

/* Success for one who waits needs the API's word, or a reason not to wait any longer. */
static void check_early(Run *run, const Call *call, const Item *item) {
        const Clients *clients = &run->clients;

        if (!call->wait || call->at_once || run->life.stop_by != USEC_NEVER ||
            is_confirmed(run, call, item) || item->last > call->sequence)
                return;
        if (clients->failed_at >= call->issued_at || clients->troubled_at >= call->issued_at)
                return;
        if (run->now - call->issued_at < run->config.reply_timeout_usec)
                run_fail(run, "replies", "%s: success, not confirmed, and nothing has failed",
                         call_text(call));
}

static void check_refreshed(Run *run, const Call *call, const Item *item) {
        if (item->read_at < call->issued_at)
                run_fail(run, "replies", "%s: success, and it was not looked at since",
                         call_text(call));
}

/* From now on it may not be withdrawn any more. */
static void acknowledge(Item *item, const Call *call) {
        if (call->kind == INTENT_CREATE)
                item->acknowledged = true;
        if (call->kind == INTENT_DELETE)
                item->delete_acknowledged = true;
        for (size_t i = item->n_wishes; i > 0 && item->wishes[i - 1].sequence >= call->sequence;
             i--)
                if (item->wishes[i - 1].sequence == call->sequence) {
                        item->wishes[i - 1].acknowledged = true;
                        item->wishes[i - 1].maybe_moot = call->at_once;
                }
}

/* What is refused for the credentials' sake leaves nothing behind. */
static void check_withdrawn(Run *run, const Call *call) {
        const Row *row = table_find(&run->disk.table, call->object, call->number);

        if (row && row->kind == KIND_PARTICIPANT && call->kind != INTENT_REFRESH &&
            call->kind != INTENT_CREATE)
                reasons_check_withdrawn(run, row, call->sequence);
}

static void check_done(Run *run, const Call *call, Item *item) {
        acknowledge(item, call);
        if (call->kind == INTENT_REFRESH) {
                check_refreshed(run, call, item);
                return;
        }
        check_durable(run, call, item);
        check_early(run, call, item);
}

/* Somebody else has taken it out of the session in which it was to hear something, or it never came
 * to be. */
static bool has_lost_its_place(const Run *run, const Call *call) {
        const Row *row = table_find(&run->disk.table, KIND_PARTICIPANT, call->number);

        if (!row || row->failed)
                return true;
        return (call->kind == INTENT_SUBSCRIBE || call->kind == INTENT_ADD) &&
               !place_in_session(row->wanted, call->session);
}

/* Nothing stands of it that an earlier call could be told of. */
static bool is_leaving(const Run *run, const Call *call) {
        const Row *row = table_find(&run->disk.table, call->object, call->number);

        return !row || row->gone || row->failed;
}

/* Whether an error has grounds. */
static bool has_grounds(const Run *run, const Call *call, const Item *item, Outcome outcome) {
        const Clients *clients = &run->clients;

        switch (outcome) {
        case OUTCOME_NO_SUCH_SESSION:
                return call->object == KIND_SESSION
                               ? !table_find(&run->disk.table, KIND_SESSION, call->number)
                               : session_is_leaving(run, call->session) ||
                                         (call->kind == INTENT_SUBSCRIBE &&
                                          has_lost_its_place(run, call));
        case OUTCOME_NO_SUCH_PARTICIPANT:
                return call->object == KIND_PARTICIPANT &&
                       !table_find(&run->disk.table, KIND_PARTICIPANT, call->number);
        case OUTCOME_CONFLICT:
                /* It had lost its place, also where a later call has given it back. */
                if (has_lost_its_place(run, call) ||
                    (call->kind == INTENT_SUBSCRIBE && item->last > call->sequence))
                        return true;
                /* fall through */
        case OUTCOME_REJECTED:
        case OUTCOME_SESSION_FULL:
                return clients->refused_at != 0 &&
                       clients->refused_at + PATIENCE_USEC >= call->issued_at;
        case OUTCOME_UNAUTHORIZED:
        case OUTCOME_FORBIDDEN:
                return clients->unauthorized_at >= call->issued_at || !run->life.credentials;
        case OUTCOME_SUPERSEDED:
                return item->last > call->sequence ||
                       (item->undone > call->sequence && is_leaving(run, call));
        case OUTCOME_UNAVAILABLE:
                return call->kind == INTENT_REFRESH;
        case OUTCOME_UNKNOWN:
                return item->n_unknown > 0;
        case OUTCOME_DONE:
                return true;
        case OUTCOME_STORAGE_FAILED:
                /* A delete that was durable may have been refused, and asked for anew. */
                return call->taken_back ||
                       (call->kind == INTENT_DELETE && core_status(run->life.core).disk_held);
        case OUTCOME_NO_TOKEN:
        case OUTCOME_INVALID:
        case _OUTCOME_MAX:
                break;
        }
        return false;
}

/* Where it had gone before it was called, nothing of the call was to be stored. */
static bool had_gone(const Run *run, const Call *call, Outcome outcome) {
        const Outcome gone = call->object == KIND_SESSION ? OUTCOME_NO_SUCH_SESSION
                                                          : OUTCOME_NO_SUCH_PARTICIPANT;

        return outcome == gone && !table_find(&run->disk.table, call->object, call->number);
}

static void note_denied(Clients *clients, const Call *call) {
        clients->denied = kit_grow(clients->denied, clients->n_denied, sizeof(Call));
        clients->denied[clients->n_denied++] = *call;
}

void clients_reply(Run *run, const Reply *reply) {
        Clients *clients = &run->clients;
        Item *item;
        Call call;
        size_t i = 0;

        while (i < clients->n_calls && clients->calls[i].ticket != reply->ticket)
                i++;
        if (i == clients->n_calls) {
                run_fail(run, "I10", "ticket %" PRIu64 " is answered and is not open",
                         reply->ticket);
                return;
        }
        call = clients->calls[i];
        item = clients_item(clients, call.object, call.number);
        clients->calls[i] = clients->calls[--clients->n_calls];
        run->tally->replies[reply->outcome]++;
        TRACE(run, "  reply to %s: %s (%s)", call_text(&call), reply_name(reply->outcome),
              reply->message ? reply->message : "");

        if (call.kind == INTENT_ADOPT)
                adoptions_reply(run, &call, reply);
        else if (reply->kind != call.object || reply->number != call.number)
                run_fail(run, "I10", "%s is answered for %d/%" PRIu64, call_text(&call),
                         (int)reply->kind, reply->number);
        else if ((reply->outcome == OUTCOME_DONE) != !reply->message)
                run_fail(run, "I10", "%s: a message belongs to an error", call_text(&call));
        else if (call.taken_back && !call.at_once && reply->outcome != OUTCOME_STORAGE_FAILED &&
                 !had_gone(run, &call, reply->outcome))
                run_fail(run, "replies", "%s: %s, and it is not durable", call_text(&call),
                         reply_name(reply->outcome));
        else if (!has_grounds(run, &call, item, reply->outcome))
                run_fail(run, "replies", "%s: %s has no grounds", call_text(&call),
                         reply_name(reply->outcome));
        else if (reply->outcome == OUTCOME_DONE)
                check_done(run, &call, item);
        else if (reply->outcome == OUTCOME_UNAUTHORIZED || reply->outcome == OUTCOME_FORBIDDEN)
                note_denied(clients, &call);
}

/* What is accepted may be said behind what is refused. */
void clients_replied(Run *run) {
        Clients *clients = &run->clients;

        for (size_t i = 0; i < clients->n_denied; i++)
                check_withdrawn(run, clients->denied + i);
        clients->n_denied = 0;
}
