/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* org.convened1.Participant: its methods, and its properties. */

#include "base/text.h"
#include "bus/call.h"
#include "bus/errors.h"
#include "bus/path.h"
#include "bus/words.h"
#include "proto/names.h"

static uint64_t session_number(const Row *row) {
        return row->wanted ? row->wanted->session : 0;
}

static const char *session_path(const Row *row, Path *ret) {
        uint64_t session = session_number(row);

        if (session == 0)
                return "/";
        *ret = path_of(KIND_SESSION, session);
        return ret->text;
}

static ApiId session_id(const Row *row, const Core *core) {
        const Row *session;

        if (!row->wanted)
                return (ApiId){ 0 };
        if (row->wanted->session == 0)
                return place_foreign(row->wanted);
        session = core_find(core, KIND_SESSION, row->wanted->session);
        return session ? row_id(session) : (ApiId){ 0 };
}

static Mode subscription_mode(const Row *row) {
        return row->wanted ? row->wanted->mode : MODE_NONE;
}

static int append_permissions(sd_bus_message *reply, const Row *row) {
        return sd_bus_message_append_strv(reply, (char **)permission_words(row->spec->permissions));
}

static int append_publisher(sd_bus_message *reply, const Publisher *publisher) {
        int r;

        r = sd_bus_message_open_container(reply, 'r', "oas");
        if (r >= 0)
                r = sd_bus_message_append(reply, "o",
                                          path_of(KIND_PARTICIPANT, publisher->number).text);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "s");
        for (size_t i = 0; r >= 0 && i < publisher->n_aliases; i++)
                r = sd_bus_message_append(reply, "s", publisher->aliases[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* Those that are not in the registry are kept and sent, but nobody here has a name for them. They
 * are sorted to the front. Returns how many these are. */
static size_t strangers(const Place *place) {
        size_t n = 0;

        while (place && n < place->n_publishers && place->publishers[n].number == 0)
                n++;
        return n;
}

static int append_publishers(sd_bus_message *reply, const Place *place) {
        int r;

        r = sd_bus_message_open_container(reply, 'a', "(oas)");
        for (size_t i = strangers(place); r >= 0 && place && i < place->n_publishers; i++)
                r = append_publisher(reply, place->publishers + i);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

DEFINE_STATIC_GETTER(get_callback_url,
                     sd_bus_message_append(reply, "s", spec_text(row->spec, SPEC_CALLBACK_URL)))
DEFINE_STATIC_GETTER(get_permissions, append_permissions(reply, row))
DEFINE_STATIC_GETTER(get_device_api_version,
                     sd_bus_message_append(reply, "s",
                                           spec_text(row->spec, SPEC_DEVICE_API_VERSION)))
DEFINE_STATIC_GETTER(get_session,
                     sd_bus_message_append(reply, "o", session_path(row, &(Path){ { 0 } })))
DEFINE_STATIC_GETTER(get_session_id,
                     sd_bus_message_append(reply, "s", session_id(row, target->bus->core).text))
DEFINE_STATIC_GETTER(get_mode, sd_bus_message_append(reply, "s", mode_word(subscription_mode(row))))
DEFINE_STATIC_GETTER(get_publishers, append_publishers(reply, row->wanted))

static bool equal_session(const Row *a, const Row *b) {
        return session_number(a) == session_number(b);
}

/* Of one place; that a session gets its id meanwhile is seen in signals.c. */
static bool equal_session_id(const Row *a, const Row *b) {
        return place_same_session(a->wanted, b->wanted);
}

static bool equal_mode(const Row *a, const Row *b) {
        return subscription_mode(a) == subscription_mode(b);
}

static bool equal_publisher(const Publisher *a, const Publisher *b) {
        if (a->number != b->number || a->n_aliases != b->n_aliases)
                return false;
        for (size_t i = 0; i < a->n_aliases; i++)
                if (!streq(a->aliases[i], b->aliases[i]))
                        return false;
        return true;
}

static bool equal_publishers(const Row *a, const Row *b) {
        size_t i = strangers(a->wanted), j = strangers(b->wanted);
        size_t n = a->wanted ? a->wanted->n_publishers - i : 0;
        size_t m = b->wanted ? b->wanted->n_publishers - j : 0;

        if (n != m)
                return false;
        for (; n > 0; n--)
                if (!equal_publisher(a->wanted->publishers + i++, b->wanted->publishers + j++))
                        return false;
        return true;
}

static int method_delete(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const Target *target = userdata;
        const Row *row = target->row;
        CLEANUP(call_freep) Call *call = NULL;
        int r;

        r = call_new(&call, target->bus, message);
        if (r < 0)
                return r;
        call->intent = (Intent){ .kind = INTENT_DELETE,
                                 .object = KIND_PARTICIPANT,
                                 .number = row->number };
        return call_mutate(TAKE(call), ARGUMENTS_CHANGE,
                           &(Question){ ACTION_DELETE_PARTICIPANT, { row->spec->owner }, 1 },
                           error);
}

static int method_set_subscriptions(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const Target *target = userdata;
        const Row *row = target->row;
        CLEANUP(call_freep) Call *call = NULL;
        int r;

        r = call_new(&call, target->bus, message);
        if (r < 0)
                return r;
        r = arguments_read_mode(message, &call->arguments, error);
        if (r < 0)
                return error_set_unread(error, "SubscriptionMode", r);
        r = arguments_read_publishers(message, &call->arguments, error);
        if (r < 0)
                return error_set_unread(error, "Publishers", r);
        r = call_take_subscriptions(call, error);
        if (r < 0)
                return r;
        call->intent.kind = INTENT_SUBSCRIBE;
        call->intent.object = KIND_PARTICIPANT;
        call->intent.number = row->number;
        return call_mutate(TAKE(call), ARGUMENTS_CHANGE,
                           &(Question){ ACTION_SUBSCRIBE, { row->spec->owner }, 1 }, error);
}

static int run_get_token(Call *call, sd_bus_error *error) {
        Bus *bus = call->bus;
        const Row *row = NULL;
        uint64_t ticket;
        uint32_t uid;
        int r;

        r = call_find_number(bus, KIND_PARTICIPANT, call->intent.number, &row, error);
        if (r < 0)
                return r;
        if (row_state(row) == STATE_DELETING)
                return error_set_outcome(error, OUTCOME_CONFLICT, "It is being deleted.");
        if (!row->has_token)
                return error_set_outcome(error, OUTCOME_NO_TOKEN,
                                         "There is no token: the participant is not created yet, "
                                         "or was not created here.");

        r = access_owner(bus->access, call->message, &uid);
        if (r >= 0)
                r = quota_check_calls(&bus->quota, uid, tickets_of(&bus->tickets, uid), error);
        if (r >= 0)
                r = tickets_add(&bus->tickets, call->message, TICKET_TOKEN, uid, &ticket);
        if (r < 0)
                return r;
        r = bus->hooks.read_token(row->number, ticket, bus->hooks.userdata);
        if (r >= 0)
                return 1;
        ticket_free(tickets_take(&bus->tickets, ticket));
        return error_set_outcome(error, OUTCOME_STORAGE_FAILED, "The token cannot be read.");
}

static int method_get_token(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const Target *target = userdata;
        Call *call;
        int r;

        r = call_new(&call, target->bus, message);
        if (r < 0)
                return r;
        call->intent.object = KIND_PARTICIPANT;
        call->intent.number = target->row->number;
        call->run = run_get_token;
        return call_start(call, &(Question){ ACTION_GET_TOKEN, { target->row->spec->owner }, 1 },
                          error);
}

static int method_refresh(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const Target *target = userdata;

        return call_refresh(target->bus, message, target->row, error);
}

static const sd_bus_vtable methods[] = {
        SD_BUS_METHOD_WITH_ARGS("Delete", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT,
                                method_delete, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS(
                "SetSubscriptions", SD_BUS_ARGS("s", mode, "a(oas)", publishers, "a{sv}", options),
                SD_BUS_NO_RESULT, method_set_subscriptions, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetToken", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", token),
                                method_get_token,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("Refresh", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_refresh,
                                SD_BUS_VTABLE_UNPRIVILEGED),
};

static const Property properties[] = {
        COMMON_PROPERTIES,
        PROPERTY_CONST("CallbackUrl", "s", get_callback_url),
        PROPERTY_CONST("PublishPermissions", "as", get_permissions),
        PROPERTY_CONST("DeviceApiVersion", "s", get_device_api_version),
        PROPERTY_SIGNALLED("Session", "o", get_session, equal_session),
        PROPERTY_SIGNALLED("SessionId", "s", get_session_id, equal_session_id),
        PROPERTY_SIGNALLED("SubscriptionMode", "s", get_mode, equal_mode),
        PROPERTY_SIGNALLED("Publishers", "a(oas)", get_publishers, equal_publishers),
};

const Interface participant_interface = {
        .name = CONVENED_PARTICIPANT,
        .properties = properties,
        .n_properties = ELEMENTSOF(properties),
        .methods = methods,
        .n_methods = ELEMENTSOF(methods),
};
