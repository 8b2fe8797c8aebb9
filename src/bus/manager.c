/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* org.convened1.Manager: its methods, and its properties. */

#include <errno.h>

#include "base/clock.h"
#include "base/text.h"
#include "bus/call.h"
#include "bus/errors.h"
#include "bus/list.h"
#include "bus/path.h"
#include "bus/words.h"
#include "proto/names.h"

#define DEFINE_MANAGER_GETTER(name, ...)                                                           \
        static DECLARE_GETTER(name);                                                               \
        static DECLARE_GETTER(name) {                                                              \
                const Bus *manager = userdata;                                                     \
                                                                                                   \
                (void)bus;                                                                         \
                (void)path;                                                                        \
                (void)interface;                                                                   \
                (void)property;                                                                    \
                (void)error;                                                                       \
                return sd_bus_message_append(reply, __VA_ARGS__);                                  \
        }

static uint32_t count_now(const Bus *bus, unsigned i) {
        Told now;

        manager_tell(bus, &now);
        return now.counts[i];
}

DEFINE_MANAGER_GETTER(get_version, "s", manager->version)
DEFINE_MANAGER_GETTER(get_account_id, "s", manager->account_id)
DEFINE_MANAGER_GETTER(get_base_url, "s", manager->base_url)
DEFINE_MANAGER_GETTER(get_api_state, "s", api_state_word(core_status(manager->core).api_state))
DEFINE_MANAGER_GETTER(get_last_contact, "t", core_status(manager->core).last_contact_at)
DEFINE_MANAGER_GETTER(get_session_count, "u", count_now(manager, 0))
DEFINE_MANAGER_GETTER(get_participant_count, "u", count_now(manager, 1))
DEFINE_MANAGER_GETTER(get_pending_count, "u", count_now(manager, 2))
DEFINE_MANAGER_GETTER(get_suspected_orphans, "u", count_now(manager, 3))

static int spec_fill(Spec **spec, const Arguments *arguments, Kind kind) {
        int r;

        (*spec)->lifetime = arguments->lifetime;
        (*spec)->at_most_once = arguments->at_most_once;
        r = spec_set_text(spec, SPEC_TAG, arguments->tag);
        if (r < 0 || kind == KIND_SESSION)
                return r;

        (*spec)->permissions = arguments->permissions;
        r = spec_set_text(spec, SPEC_CALLBACK_URL, arguments->callback_url);
        return r < 0 ? r
                     : spec_set_text(spec, SPEC_DEVICE_API_VERSION, arguments->device_api_version);
}

/* The owner is known only once access has been granted. */
static int spec_own(Spec **spec, Call *call, sd_bus_error *error) {
        int r;

        r = access_owner(call->bus->access, call->message, &(*spec)->owner);
        if (r < 0)
                return r;
        (*spec)->created_at = clock_now().realtime;
        return (*spec)->lifetime == LIFETIME_CLIENT
                       ? clients_bind(call->bus->clients, call->message, spec, error)
                       : 0;
}

static int run_create(Call *call, sd_bus_error *error) {
        CLEANUP(spec_unrefp) Spec *spec = NULL;
        int r;

        r = spec_new(&spec);
        if (r < 0)
                return r;
        r = spec_fill(&spec, &call->arguments, call->intent.object);
        if (r >= 0)
                r = spec_own(&spec, call, error);
        if (r < 0)
                return r;
        call->intent.spec = TAKE(spec);
        return call_intend(call, error);
}

static int method_create_session(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        CLEANUP(call_freep) Call *call = NULL;
        int r;

        r = call_new(&call, userdata, message);
        if (r < 0)
                return r;
        r = arguments_read(message, ARGUMENTS_CREATE_SESSION, &call->arguments, error);
        if (r < 0)
                return r;
        call->intent = (Intent){ .kind = INTENT_CREATE,
                                 .object = KIND_SESSION,
                                 .wait = call->arguments.wait };
        call->run = run_create;
        return call_start(TAKE(call), &(Question){ .action = ACTION_CREATE }, error);
}

/* To join a session in the same intent. */
static int join_take(Call *call, Question *question, sd_bus_error *error) {
        const Arguments *arguments = &call->arguments;
        const Row *session;
        int r;

        if (!arguments_have(arguments, ARGUMENT_SESSION)) {
                if (arguments->given & ARGUMENTS_SUBSCRIPTIONS)
                        return error_set_argument(error, "Session",
                                                  "is missing: there are no subscriptions without");
                return 0;
        }
        if (arguments->session == 0)
                return error_set_no_such(error, OUTCOME_NO_SUCH_SESSION, "/");
        r = call_find_number(call->bus, KIND_SESSION, arguments->session, &session, error);
        if (r < 0)
                return r;

        call->intent.session = session->number;
        *question = (Question){ ACTION_CREATE_JOINED, { session->spec->owner }, 1 };
        return call_take_subscriptions(call, error);
}

static int method_create_participant(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Question question = { .action = ACTION_CREATE };
        CLEANUP(call_freep) Call *call = NULL;
        int r;

        r = call_new(&call, userdata, message);
        if (r < 0)
                return r;
        r = arguments_read(message, ARGUMENTS_CREATE_PARTICIPANT, &call->arguments, error);
        if (r < 0)
                return r;
        call->intent = (Intent){ .kind = INTENT_CREATE,
                                 .object = KIND_PARTICIPANT,
                                 .wait = call->arguments.wait };
        r = join_take(call, &question, error);
        if (r < 0)
                return r;
        call->run = run_create;
        return call_start(TAKE(call), &question, error);
}

static int id_read(sd_bus_message *message, ApiId *id, sd_bus_error *error) {
        const char *text;
        int r;

        r = sd_bus_message_read_basic(message, 's', &text);
        if (r < 0)
                return error_set_unread(error, "id", r);
        if (!api_id_set(id, text))
                return error_set_argument(error, "id",
                                          "an id of the API has 1 to %d letters, "
                                          "digits, hyphens and underscores",
                                          API_ID_MAX);
        return 0;
}

/* How it was made, the API will tell. */
static int run_adopt(Call *call, sd_bus_error *error) {
        CLEANUP(spec_unrefp) Spec *spec = NULL;
        int r;

        r = spec_new(&spec);
        if (r < 0)
                return r;
        spec->lifetime = call->arguments.lifetime;
        r = spec_own(&spec, call, error);
        if (r < 0)
                return r;
        call->intent.spec = TAKE(spec);
        return call_intend(call, error);
}

static int method_adopt(sd_bus_message *message, Bus *bus, Kind kind, sd_bus_error *error) {
        CLEANUP(call_freep) Call *call = NULL;
        int r;

        r = call_new(&call, bus, message);
        if (r < 0)
                return r;
        call->intent = (Intent){ .kind = INTENT_ADOPT, .object = kind, .wait = true };
        r = id_read(message, &call->intent.id, error);
        if (r >= 0)
                r = arguments_read(message, ARGUMENTS_ADOPT, &call->arguments, error);
        if (r < 0)
                return r;
        call->run = run_adopt;
        return call_start(TAKE(call), &(Question){ .action = ACTION_CREATE }, error);
}

static int method_adopt_session(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return method_adopt(message, userdata, KIND_SESSION, error);
}

static int method_adopt_participant(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return method_adopt(message, userdata, KIND_PARTICIPANT, error);
}

/* Reading is for everybody: nobody is asked, and nothing is kept. */
static int method_get(sd_bus_message *message, Bus *bus, Kind kind, sd_bus_error *error) {
        const Row *row;
        ApiId id;
        int r;

        r = id_read(message, &id, error);
        if (r < 0)
                return r;
        row = core_find_id(bus->core, kind, &id);
        if (!row)
                return error_set_outcome(error,
                                         kind == KIND_SESSION ? OUTCOME_NO_SUCH_SESSION
                                                              : OUTCOME_NO_SUCH_PARTICIPANT,
                                         "There is none with that id.");
        return sd_bus_reply_method_return(message, "o", path_of(kind, row->number).text);
}

static int method_get_session(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return method_get(message, userdata, KIND_SESSION, error);
}

static int method_get_participant(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return method_get(message, userdata, KIND_PARTICIPANT, error);
}

static int list_answer(Call *call, sd_bus_error *error) {
        sd_bus_message *reply = NULL;
        Query query = { call->kind, &call->arguments, call->fields, call->after, call->limit };
        int r;

        (void)error;
        r = sd_bus_message_new_method_return(call->message, &reply);
        if (r >= 0)
                r = list_append(call->bus, &query, reply);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return r < 0 ? r : 1;
}

static int run_list(Call *call, sd_bus_error *error) {
        return bulk_read(call, list_answer, error);
}

static int page_read(Call *call, sd_bus_error *error) {
        int r;

        r = sd_bus_message_read(call->message, "tu", &call->after, &call->limit);
        if (r < 0)
                return r;
        if (call->limit > LIST_LIMIT_MAX)
                return error_set_argument(error, "limit", "a page has at most %d rows",
                                          LIST_LIMIT_MAX);
        if (call->limit == 0)
                call->limit = LIST_LIMIT_DEFAULT;
        return 0;
}

static int method_list(sd_bus_message *message, Bus *bus, Kind kind, sd_bus_error *error) {
        unsigned accepted =
                kind == KIND_SESSION ? ARGUMENTS_LIST_SESSIONS : ARGUMENTS_LIST_PARTICIPANTS;
        CLEANUP(call_freep) Call *call = NULL;
        const Row *session;
        int r;

        r = call_new(&call, bus, message);
        if (r < 0)
                return r;
        r = arguments_read(message, accepted, &call->arguments, error);
        if (r < 0)
                return r;
        r = list_fields(kind, &call->arguments, &call->fields, error);
        if (r < 0)
                return r;
        r = page_read(call, error);
        if (r < 0)
                return r;
        if (call->arguments.session != 0) {
                r = call_find_number(bus, KIND_SESSION, call->arguments.session, &session, error);
                if (r < 0)
                        return r;
        }
        call->kind = kind;
        call->run = run_list;
        return call_start(TAKE(call), &(Question){ .action = ACTION_READ }, error);
}

static int method_list_sessions(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return method_list(message, userdata, KIND_SESSION, error);
}

static int method_list_participants(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return method_list(message, userdata, KIND_PARTICIPANT, error);
}

static int run_sync(Call *call, sd_bus_error *error) {
        (void)error;
        core_sync(call->bus->core, clock_now());
        return sd_bus_reply_method_return(call->message, NULL);
}

static int method_sync(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Call *call;
        int r;

        r = call_new(&call, userdata, message);
        if (r < 0)
                return r;
        call->run = run_sync;
        return call_start(call, &(Question){ .action = ACTION_READ }, error);
}

/* In the reason stands the name of a file, and not every name is text. */
static int error_set_content(sd_bus_error *error, const char *reason) {
        size_t n_code_points;

        return sd_bus_error_set(error, DBUS_ERROR_INVALID_FILE_CONTENT,
                                text_code_points(reason, &n_code_points)
                                        ? reason
                                        : "It can't be used; the daemon's log says why.");
}

static int run_reload(Call *call, sd_bus_error *error) {
        CLEANUP(freep) char *reason = NULL;
        Bus *bus = call->bus;
        int r;

        r = bus->hooks.reload(&reason, bus->hooks.userdata);
        if (r != 0)
                return r < 0 ? r : error_set_content(error, reason);

        return sd_bus_reply_method_return(call->message, NULL);
}

static int method_reload(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Call *call;
        int r;

        r = call_new(&call, userdata, message);
        if (r < 0)
                return r;
        call->run = run_reload;
        return call_start(call, &(Question){ .action = ACTION_RELOAD }, error);
}

#define LIST_ARGS   SD_BUS_ARGS("a{sv}", filter, "t", after, "u", limit)
#define LIST_RESULT SD_BUS_RESULT("a(oa{sv})", rows, "t", next)

#define COUNT(name, get) SD_BUS_PROPERTY(name, "u", get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)

const sd_bus_vtable manager_vtable[] = {
        SD_BUS_VTABLE_START(0),

        SD_BUS_METHOD_WITH_ARGS("CreateSession", SD_BUS_ARGS("a{sv}", properties),
                                SD_BUS_RESULT("o", session), method_create_session,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("CreateParticipant", SD_BUS_ARGS("a{sv}", properties),
                                SD_BUS_RESULT("o", participant), method_create_participant,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("AdoptSession", SD_BUS_ARGS("s", id, "a{sv}", options),
                                SD_BUS_RESULT("o", session), method_adopt_session,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("AdoptParticipant", SD_BUS_ARGS("s", id, "a{sv}", options),
                                SD_BUS_RESULT("o", participant), method_adopt_participant,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetSession", SD_BUS_ARGS("s", id), SD_BUS_RESULT("o", session),
                                method_get_session, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetParticipant", SD_BUS_ARGS("s", id),
                                SD_BUS_RESULT("o", participant), method_get_participant,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListSessions", LIST_ARGS, LIST_RESULT, method_list_sessions,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListParticipants", LIST_ARGS, LIST_RESULT,
                                method_list_participants, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Sync", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_sync,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_reload,
                                SD_BUS_VTABLE_UNPRIVILEGED),

        SD_BUS_PROPERTY("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("AccountId", "s", get_account_id, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("BaseUrl", "s", get_base_url, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("ApiState", "s", get_api_state, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("LastContactUSec", "t", get_last_contact, 0, 0),
        COUNT("SessionCount", get_session_count),
        COUNT("ParticipantCount", get_participant_count),
        COUNT("PendingCount", get_pending_count),
        COUNT("SuspectedOrphans", get_suspected_orphans),

        SD_BUS_VTABLE_END,
};
