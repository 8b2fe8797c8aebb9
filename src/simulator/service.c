/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulator/service.h"

#include <errno.h>
#include <strings.h>

#include "base/text.h"
#include "simulator/base64.h"
#include "simulator/body.h"
#include "simulator/membership.h"
#include "simulator/route.h"
#include "simulator/view.h"

#define BASIC "Basic "

/* One request on its way through the rules. */
typedef struct Call {
        const Settings *settings;
        World *world;
        Route route;
        JsonObject *json; /* the body; NULL for none */
        usec_t now;       /* CLOCK_REALTIME */
        Session *session; /* those that the path names, once they are looked up */
        Participant *participant;
        Answer *answer;
} Call;

int service_init(Service *service, const Settings *settings, World *world) {
        Buffer authorization = { 0 };

        buffer_add_text(&authorization, BASIC);
        base64_add(&authorization, settings->credentials, strlen(settings->credentials));
        if (authorization.failed) {
                buffer_deinit(&authorization);
                return -ENOMEM;
        }

        *service = (Service){ .settings = settings, .world = world };
        service->authorization = buffer_take(&authorization);
        return 0;
}

void service_deinit(Service *service) {
        secret_freep(&service->authorization);
}

static void create_session(Call *call) {
        Session *session;
        const char *tag = NULL;
        const char *problem = body_read_session(call->json, &tag);

        if (problem)
                answer_fail(call->answer, 400, problem);
        else if (world_add_session(call->world, tag, call->now, &session) < 0)
                answer_fail(call->answer, 500, NULL);
        else
                view_session(&call->answer->body, call->world, session, DETAIL_API);
}

static void show_created(Call *call, const Participant *participant) {
        Buffer *body = &call->answer->body;

        buffer_add_text(body, "{\"participant\":");
        view_participant(body, call->world, participant, DETAIL_API);
        buffer_add_text(body, ",\"token\":");
        buffer_add_json_text(body, participant->token);
        buffer_add(body, "}", 1);
}

static void create_participant(Call *call) {
        char invented[UUID_LENGTH + 1];
        NewParticipant new = { 0 };
        Participant *participant;
        const char *problem = body_read_participant(call->json, call->settings->generation, &new);

        if (problem) {
                answer_fail(call->answer, 400, problem);
                return;
        }

        if (!new.tag && call->settings->invent_tags) {
                random_uuid(call->world->random, invented);
                new.tag = invented;
        }
        if (world_add_participant(call->world, &new, call->now, &participant) < 0)
                answer_fail(call->answer, 500, NULL);
        else
                show_created(call, participant);
}

static void get_session(Call *call) {
        view_session(&call->answer->body, call->world, call->session, DETAIL_API);
}

static void get_participant(Call *call) {
        view_participant(&call->answer->body, call->world, call->participant, DETAIL_API);
}

static void delete_session(Call *call) {
        world_remove(call->world, &call->session->object);
}

static void delete_participant(Call *call) {
        world_remove(call->world, &call->participant->object);
}

static void list_members(Call *call) {
        if (call->session->n_members == 0 && call->settings->empty_as_204)
                call->answer->status = 204;
        else
                view_members(&call->answer->body, call->world, call->session);
}

static void refuse(Call *call, Outcome outcome) {
        switch (outcome) {
        case OUTCOME_DONE:
                break;
        case OUTCOME_NOT_MEMBER:
                answer_fail(call->answer, 404, "participant is not in this session");
                break;
        case OUTCOME_ELSEWHERE:
                answer_fail(call->answer, 409, "participant is in another session");
                break;
        case OUTCOME_FULL:
                answer_fail(call->answer, 409, "session is full");
                break;
        }
}

/* Operations 8 and 11 take the same body. */
static bool read_subscriptions(Call *call, Subscriptions **ret) {
        const char *session_id = NULL;
        const char *problem = body_read_subscriptions(call->json, &session_id, ret);

        if (!problem && session_id && !call->settings->any_session_id &&
            !streq(session_id, call->route.session_id))
                problem = "sessionId is not that of the path";
        if (problem)
                answer_fail(call->answer, 400, problem);
        return !problem;
}

static void remove_member(Call *call) {
        refuse(call, membership_leave(call->world, call->session, call->participant));
}

static void get_subscriptions(Call *call) {
        const Participant *participant = call->participant;
        bool member = participant->session == call->session;
        bool hears = participant->heard == call->session;

        if (!member && !call->settings->lenient_subscriptions)
                refuse(call, OUTCOME_NOT_MEMBER);
        else if (hears)
                view_subscriptions(&call->answer->body, participant);
        else if (call->settings->empty_as_204)
                call->answer->status = 204;
        else
                buffer_add_text(&call->answer->body, "{}");
}

/* Looks up what the path names; 404 where it is not there. */
static bool look_up(Call *call) {
        const Route *route = &call->route;
        bool wants_session = false, wants_participant = false;

        switch (route->operation) {
        case OPERATION_UNKNOWN:
        case OPERATION_CREATE_PARTICIPANT:
        case OPERATION_CREATE_SESSION:
        case _OPERATION_MAX:
                break;
        case OPERATION_GET_PARTICIPANT:
        case OPERATION_DELETE_PARTICIPANT:
                wants_participant = true;
                break;
        case OPERATION_GET_SESSION:
        case OPERATION_DELETE_SESSION:
        case OPERATION_LIST_MEMBERS:
                wants_session = true;
                break;
        case OPERATION_ADD_MEMBER:
        case OPERATION_REMOVE_MEMBER:
        case OPERATION_GET_SUBSCRIPTIONS:
        case OPERATION_SET_SUBSCRIPTIONS:
                wants_session = wants_participant = true;
                break;
        }

        if (wants_session)
                call->session = world_find_session(call->world, route->session_id);
        if (wants_participant)
                call->participant = world_find_participant(call->world, route->participant_id);
        if (wants_session && !call->session)
                answer_fail(call->answer, 404, "session not found");
        else if (wants_participant && !call->participant)
                answer_fail(call->answer, 404, "participant not found");
        else
                return true;
        return false;
}

static void change_member(Call *call,
                          Outcome (*change)(World *, Session *, Participant *, Subscriptions **)) {
        CLEANUP(subscriptions_freep) Subscriptions *subscriptions = NULL;

        if (read_subscriptions(call, &subscriptions) && look_up(call))
                refuse(call, change(call->world, call->session, call->participant, &subscriptions));
}

static void add_member(Call *call) {
        change_member(call, membership_join);
}

static void set_subscriptions(Call *call) {
        change_member(call, membership_subscribe);
}

/* What each operation does, and how it answers when nothing was wrong. */
static const struct {
        void (*carry_out)(Call *call);
        unsigned status;
        bool has_body; /* of JSON: read, and looked at before anything is looked up */
        bool looks_up; /* what the path names is there when it is carried out */
} operations[_OPERATION_MAX] = {
        [OPERATION_CREATE_PARTICIPANT] = { create_participant, 200, true, false },
        [OPERATION_GET_PARTICIPANT] = { get_participant, 200, false, true },
        [OPERATION_DELETE_PARTICIPANT] = { delete_participant, 204, false, true },
        [OPERATION_CREATE_SESSION] = { create_session, 200, true, false },
        [OPERATION_GET_SESSION] = { get_session, 200, false, true },
        [OPERATION_DELETE_SESSION] = { delete_session, 204, false, true },
        [OPERATION_LIST_MEMBERS] = { list_members, 200, false, true },
        [OPERATION_ADD_MEMBER] = { add_member, 204, true, false },
        [OPERATION_REMOVE_MEMBER] = { remove_member, 204, false, true },
        [OPERATION_GET_SUBSCRIPTIONS] = { get_subscriptions, 200, false, true },
        [OPERATION_SET_SUBSCRIPTIONS] = { set_subscriptions, 204, true, false },
};

/* The scheme's name knows no case (RFC 7617); user and password do. */
static bool authorized(const Service *service, const Request *request, const Route *route) {
        const char *given = request->authorization;
        size_t n = strlen(BASIC);

        return given && strncasecmp(given, BASIC, n) == 0 &&
               streq(given + n, service->authorization + n) &&
               streq(route->account, service->settings->account);
}

/* A bucket that holds the requests of one second, and begins full. */
static bool within_limit(Service *service, usec_t now) {
        double limit = service->settings->requests_per_sec;
        double full = limit > 1 ? limit : 1;

        if (limit <= 0)
                return true;

        if (service->allowed_at == 0)
                service->allowance = full;
        else
                service->allowance += limit * (double)(now - service->allowed_at) / USEC_PER_SEC;
        if (service->allowance > full)
                service->allowance = full;
        service->allowed_at = now;
        if (service->allowance < 1)
                return false;

        service->allowance -= 1;
        return true;
}

static void carry_out(Call *call, const Request *request) {
        CLEANUP(json_unrefp) JsonObject *json = NULL;
        Operation operation = call->route.operation;

        if (operations[operation].has_body && !json_read(request->body, request->n_body, &json)) {
                answer_fail(call->answer, 400, "the body is not JSON");
                return;
        }

        call->json = json;
        call->answer->status = operations[operation].status;
        if (!operations[operation].looks_up || look_up(call))
                operations[operation].carry_out(call);
        if (call->answer->body.failed)
                answer_fail(call->answer, 500, NULL);
}

void service_answer(Service *service, const Request *request, Now now, Answer *answer) {
        Call call = {
                .settings = service->settings,
                .world = service->world,
                .route =
                        route_find(request->method, request->target, service->settings->generation),
                .now = now.realtime,
                .answer = answer,
        };

        if (call.route.operation == OPERATION_UNKNOWN)
                answer_fail(answer, 403, NULL);
        else if (!authorized(service, request, &call.route))
                answer_fail(answer, 401, NULL);
        else if (!within_limit(service, now.boottime))
                answer_fail(answer, 429, NULL);
        else if (request->too_large)
                answer_fail(answer, 413, NULL);
        else
                carry_out(&call, request);
}
