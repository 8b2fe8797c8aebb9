/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/call.h"

#include <errno.h>

#include "base/clock.h"
#include "bus/errors.h"
#include "bus/path.h"

int call_new(Call **ret, Bus *bus, sd_bus_message *message) {
        Call *call = calloc(1, sizeof(*call));

        if (!call)
                return -ENOMEM;
        call->bus = bus;
        call->message = sd_bus_message_ref(message);
        arguments_init(&call->arguments);

        *ret = call;
        return 0;
}

Call *call_free(Call *call) {
        if (!call)
                return NULL;
        arguments_deinit(&call->arguments);
        spec_unref(call->intent.spec);
        sd_bus_message_unref(call->message);
        free(call);
        return NULL;
}

int call_move(Call **ret, Call *call) {
        Call *moved = malloc(sizeof(*moved));

        if (!moved)
                return -ENOMEM;
        *moved = *call;
        *call = (Call){ 0 };

        *ret = moved;
        return 0;
}

void call_run(Call *call) {
        /* What the call holds may have gone over into another one. */
        sd_bus_message *message = sd_bus_message_ref(call->message);
        sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = call->run(call, &error);
        if (r < 0)
                (void)sd_bus_reply_method_errno(message, r, &error);
        sd_bus_error_free(&error);
        sd_bus_message_unref(message);
        call_free(call);
}

static const Row *call_row(const Call *call, Kind kind, uint64_t number) {
        return number == 0 ? NULL : core_find(call->bus->core, kind, number);
}

/* Who does something with what is another's leaves a trace. To read the configuration again, which
 * is told anyway, is about no object. */
static void call_tell(const Call *call) {
        const Intent *intent = &call->intent;
        const bool of_session = intent->object == KIND_SESSION;
        const BusHooks *hooks = &call->bus->hooks;
        Allowance allowance = {
                .action = access_polkit_action(call->action),
                .method = sd_bus_message_get_member(call->message),
                .session =
                        call_row(call, KIND_SESSION, of_session ? intent->number : intent->session),
                .participant = call_row(call, KIND_PARTICIPANT, of_session ? 0 : intent->number),
        };

        if ((allowance.session || allowance.participant) &&
            access_owner(call->bus->access, call->message, &allowance.uid) >= 0)
                hooks->allowed(&allowance, hooks->userdata);
}

/* Nobody waits in a handler any more. Polkit was asked. */
static void call_answered(void *userdata, const sd_bus_error *refusal) {
        CLEANUP(call_freep) Call *call = userdata;

        if (refusal) {
                (void)sd_bus_reply_method_error(call->message, refusal);
                return;
        }
        call_tell(call);
        call_run(TAKE(call));
}

int call_start(Call *call, const Question *question, sd_bus_error *error) {
        CLEANUP(call_freep) Call *own = call;
        int r;

        call->action = question->action;
        r = access_ask(call->bus->access, call->message, question, call_answered, call, error);
        if (r < 0)
                return r;
        if (r == 0) {
                own = NULL;
                return 1;
        }
        return call->run(call, error);
}

/* To adopt what is here already makes nothing. */
static IntentKind quota_kind(const Call *call) {
        const Intent *intent = &call->intent;

        return intent->kind == INTENT_ADOPT &&
                               core_find_id(call->bus->core, intent->object, &intent->id)
                       ? INTENT_REFRESH
                       : intent->kind;
}

/* Whether whoever deletes wants no answer. Of other calls each is kept and counted all the same. */
static bool is_silent(const Call *call) {
        return call->intent.kind == INTENT_DELETE &&
               sd_bus_message_get_expect_reply(call->message) == 0;
}

/* Deleting is never refused by a quota. That it takes no room without a bound either, nobody waits
 * for the API who is beyond the quota, or who wants no answer, and nothing is kept of those who
 * join a delete that is under way. Returns whether all is done. */
static bool delete_joins(Call *call, uint32_t uid) {
        const Bus *bus = call->bus;
        Intent *intent = &call->intent;

        if (intent->kind != INTENT_DELETE)
                return false;
        if (is_silent(call) || !quota_lets_wait(&bus->quota, uid, tickets_of(&bus->tickets, uid)))
                intent->wait = false;
        return !intent->wait &&
               core_join_delete(bus->core, intent->object, intent->number, !is_silent(call));
}

/* A ticket, if there is a quota for it. */
static int call_admit(Call *call, uint32_t uid, uint64_t *ret, sd_bus_error *error) {
        bool creates = call->intent.kind == INTENT_CREATE || call->intent.kind == INTENT_ADOPT;
        TicketKind kind = creates ? TICKET_CREATION : TICKET_PLAIN;
        Bus *bus = call->bus;
        int r;

        if (is_silent(call)) {
                *ret = tickets_pass(&bus->tickets);
                return 0;
        }
        r = quota_check(&bus->quota, bus->core, uid, quota_kind(call),
                        tickets_of(&bus->tickets, uid), error);
        return r < 0 ? r : tickets_add(&bus->tickets, call->message, kind, uid, ret);
}

int call_intend(Call *call, sd_bus_error *error) {
        uint64_t ticket, number;
        const char *reason = "";
        uint32_t uid;
        int r;

        r = access_owner(call->bus->access, call->message, &uid);
        if (r < 0)
                return r;
        if (delete_joins(call, uid)) {
                r = sd_bus_reply_method_return(call->message, NULL);
                return r < 0 ? r : 1;
        }
        r = call_admit(call, uid, &ticket, error);
        if (r < 0)
                return r;
        r = core_intend(call->bus->core, &call->intent, ticket, clock_now(), &number, &reason);
        if (r == 0)
                return 1;

        ticket_free(tickets_take(&call->bus->tickets, ticket));
        if (r < 0)
                return bus_fatal(call->bus, r, "Take a call in");
        return error_set_outcome(error, (Outcome)r, reason);
}

int call_mutate(Call *call, unsigned accepted, const Question *question, sd_bus_error *error) {
        CLEANUP(call_freep) Call *own = call;
        int r;

        r = arguments_read(call->message, accepted, &call->arguments, error);
        if (r < 0)
                return r;
        if (accepted & ARGUMENTS_SUBSCRIPTIONS) {
                r = call_take_subscriptions(call, error);
                if (r < 0)
                        return r;
        }
        call->intent.wait = call->arguments.wait;
        call->run = call_intend;
        return call_start(TAKE(own), question, error);
}

int call_refresh(Bus *bus, sd_bus_message *message, const Row *row, sd_bus_error *error) {
        Call *call;
        int r;

        r = call_new(&call, bus, message);
        if (r < 0)
                return r;
        call->intent = (Intent){
                .kind = INTENT_REFRESH, .object = row->kind, .number = row->number, .wait = true
        };
        call->run = call_intend;
        return call_start(call, &(Question){ .action = ACTION_READ }, error);
}

int call_take_subscriptions(Call *call, sd_bus_error *error) {
        Arguments *arguments = &call->arguments;
        const Row *row;
        int r;

        r = arguments_settle_subscriptions(arguments, error);
        if (r < 0)
                return r;
        for (size_t i = 0; i < arguments->n_publishers; i++) {
                r = call_find_number(call->bus, KIND_PARTICIPANT, arguments->publishers[i].number,
                                     &row, error);
                if (r < 0)
                        return r;
        }

        call->intent.has_subscriptions = arguments->given & ARGUMENTS_SUBSCRIPTIONS;
        call->intent.mode = arguments->mode;
        call->intent.publishers = arguments->publishers;
        call->intent.n_publishers = arguments->n_publishers;
        return 0;
}

static int no_such(Kind kind, const char *path, sd_bus_error *error) {
        return error_set_no_such(
                error, kind == KIND_SESSION ? OUTCOME_NO_SUCH_SESSION : OUTCOME_NO_SUCH_PARTICIPANT,
                path);
}

int call_find_number(Bus *bus, Kind kind, uint64_t number, const Row **ret, sd_bus_error *error) {
        const Row *row = core_find(bus->core, kind, number);

        if (!row)
                return no_such(kind, path_of(kind, number).text, error);

        *ret = row;
        return 0;
}

int call_find(Bus *bus, Kind kind, const char *path, const Row **ret, sd_bus_error *error) {
        uint64_t number;

        if (!path_parse(path, kind, &number))
                return no_such(kind, path, error);
        return call_find_number(bus, kind, number, ret, error);
}
