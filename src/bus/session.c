/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* org.convened1.Session: its methods, and its properties. */

#include "bus/call.h"
#include "bus/path.h"
#include "proto/names.h"

static int append_participants(sd_bus_message *reply, const Target *target) {
        const Core *core = target->bus->core;
        uint64_t session = target->row->number;
        int r;

        r = sd_bus_message_open_container(reply, 'a', "o");
        for (const Row *row = core_member_after(core, session, 0); r >= 0 && row;
             row = core_member_after(core, session, row->number))
                r = append_o(reply, path_of(KIND_PARTICIPANT, row->number).text);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

DEFINE_STATIC_GETTER(get_participants, append_participants(reply, target))
DEFINE_STATIC_GETTER(get_expires, append_t(reply, row->expires_at))

static bool equal_expires(const Row *a, const Row *b) {
        return a->expires_at == b->expires_at;
}

static int method_delete(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const Target *target = userdata;
        const Row *session = target->row;
        CLEANUP(call_freep) Call *call = NULL;
        int r;

        r = call_new(&call, target->bus, message);
        if (r < 0)
                return r;
        call->intent = (Intent){ .kind = INTENT_DELETE,
                                 .object = KIND_SESSION,
                                 .number = session->number };
        return call_mutate(TAKE(call), ARGUMENTS_CHANGE,
                           &(Question){ ACTION_DELETE_SESSION, { session->spec->owner }, 1 },
                           error);
}

/* What AddParticipant and RemoveParticipant have in common. */
static int method_member(sd_bus_message *message, const Target *target, IntentKind kind,
                         sd_bus_error *error) {
        const Row *session = target->row, *participant;
        unsigned accepted = ARGUMENTS_CHANGE;
        Action action = ACTION_REMOVE;
        CLEANUP(call_freep) Call *call = NULL;
        const char *path;
        int r;

        r = sd_bus_message_read(message, "o", &path);
        if (r < 0)
                return r;
        r = call_find(target->bus, KIND_PARTICIPANT, path, &participant, error);
        if (r < 0)
                return r;
        r = call_new(&call, target->bus, message);
        if (r < 0)
                return r;

        call->intent = (Intent){ .kind = kind,
                                 .object = KIND_PARTICIPANT,
                                 .number = participant->number,
                                 .session = session->number };
        if (kind == INTENT_ADD) {
                accepted |= ARGUMENTS_SUBSCRIPTIONS;
                action = ACTION_ADD;
        }
        return call_mutate(
                TAKE(call), accepted,
                &(Question){ action, { session->spec->owner, participant->spec->owner }, 2 },
                error);
}

static int method_add_participant(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return method_member(message, userdata, INTENT_ADD, error);
}

static int method_remove_participant(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return method_member(message, userdata, INTENT_REMOVE, error);
}

static int method_refresh(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const Target *target = userdata;

        return call_refresh(target->bus, message, target->row, error);
}

static const sd_bus_vtable methods[] = {
        SD_BUS_METHOD_WITH_ARGS("Delete", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT,
                                method_delete, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("AddParticipant", SD_BUS_ARGS("o", participant, "a{sv}", options),
                                SD_BUS_NO_RESULT, method_add_participant,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("RemoveParticipant",
                                SD_BUS_ARGS("o", participant, "a{sv}", options), SD_BUS_NO_RESULT,
                                method_remove_participant, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Refresh", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_refresh,
                                SD_BUS_VTABLE_UNPRIVILEGED),
};

static const Property properties[] = {
        COMMON_PROPERTIES,
        PROPERTY_SIGNALLED("Participants", "ao", get_participants, NULL),
        PROPERTY_SIGNALLED("ExpiresUSec", "t", get_expires, equal_expires),
};

const Interface session_interface = {
        .name = CONVENED_SESSION,
        .properties = properties,
        .n_properties = ELEMENTSOF(properties),
        .methods = methods,
        .n_methods = ELEMENTSOF(methods),
};
