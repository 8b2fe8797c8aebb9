/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulator/control.h"

#include <errno.h>

#include "base/text.h"
#include "simulator/route.h"
#include "simulator/view.h"

#define PREFIX "/_simulator/"

bool control_wants(const Request *request) {
        return strncmp(request->target, PREFIX, strlen(PREFIX)) == 0;
}

/* All objects of a kind, in the order of their creation. */
static void add_all(Buffer *buffer, const World *world, ObjectKind kind) {
        Object *object;
        bool first = true;

        TAILQ_FOREACH(object, &world->in_order, in_order) {
                if (object->kind != kind)
                        continue;
                if (!first)
                        buffer_add(buffer, ",", 1);
                first = false;
                if (kind == OBJECT_SESSION)
                        view_session(buffer, world, session_of(object), DETAIL_ALL);
                else
                        view_participant(buffer, world, participant_of(object), DETAIL_ALL);
        }
}

static void get_state(Simulator *simulator, const Request *request, const char *rest,
                      Reply *reply) {
        Buffer *body = &reply->answer.body;

        (void)request;
        (void)rest;
        reply->answer.status = 200;
        buffer_add_text(body, "{\"sessions\":[");
        add_all(body, simulator->world, OBJECT_SESSION);
        buffer_add_text(body, "],\"participants\":[");
        add_all(body, simulator->world, OBJECT_PARTICIPANT);
        buffer_add_text(body, "]}");
}

static bool parse_number(const char *text, uint64_t *ret) {
        char *end;
        unsigned long long value;

        if (text[0] < '0' || text[0] > '9')
                return false;
        errno = 0;
        value = strtoull(text, &end, 10);
        if (*end || errno)
                return false;

        *ret = value;
        return true;
}

static void get_requests(Simulator *simulator, const Request *request, const char *rest,
                         Reply *reply) {
        const char *query = strchr(request->target, '?');
        uint64_t after = 0;

        (void)rest;
        if (query && (strncmp(query, "?after=", strlen("?after=")) != 0 ||
                      !parse_number(query + strlen("?after="), &after))) {
                answer_fail(&reply->answer, 400, "the query must be after=SEQ");
                return;
        }

        reply->answer.status = 200;
        journal_view(simulator->journal, after, &reply->answer.body);
}

static void put_faults(Simulator *simulator, const Request *request, const char *rest,
                       Reply *reply) {
        const char *problem = faults_read(&simulator->faults, request->body, request->n_body);

        (void)rest;
        if (problem)
                answer_fail(&reply->answer, 400, problem);
        else
                reply->answer.status = 204;
}

static void put_down(Simulator *simulator, const Request *request, const char *rest, Reply *reply) {
        CLEANUP(json_unrefp) JsonObject *json = NULL;
        JsonObject *ms;

        (void)simulator;
        (void)rest;
        if (!json_read(request->body, request->n_body, &json) ||
            !json_object_is_type(json, json_type_object) ||
            !json_object_object_get_ex(json, "ms", &ms) ||
            !json_object_is_type(ms, json_type_int) || json_object_get_int64(ms) <= 0) {
                answer_fail(&reply->answer, 400, "the body must be {\"ms\":N}");
                return;
        }

        reply->answer.status = 204;
        reply->down_usec = json_object_get_uint64(ms) * USEC_PER_MSEC;
}

static void expire(Simulator *simulator, const Request *request, const char *rest, Reply *reply) {
        char id[ROUTE_ID_MAX + 1];
        Object *object;

        (void)request;
        route_decode(rest, strcspn(rest, "?#"), id);
        object = world_find(simulator->world, id);
        if (!object) {
                answer_fail(&reply->answer, 404, "no session or participant has this id");
                return;
        }

        world_remove(simulator->world, object);
        reply->answer.status = 204;
}

static const struct {
        const char *method, *name; /* a name that ends in a slash: something follows */
        void (*answer)(Simulator *simulator, const Request *request, const char *rest,
                       Reply *reply);
} requests[] = {
        { "GET", "state", get_state },   { "GET", "requests", get_requests },
        { "PUT", "faults", put_faults }, { "PUT", "down", put_down },
        { "POST", "expire/", expire },
};

/* Where in the target the rest begins; NULL where it does not begin with the name. */
static const char *match(const char *path, const char *name) {
        size_t n = strlen(name);

        if (strncmp(path, name, n) != 0)
                return NULL;
        return name[n - 1] == '/' || path[n] == '\0' || path[n] == '?' ? path + n : NULL;
}

void control_answer(Simulator *simulator, const Request *request, Reply *reply) {
        const char *path = request->target + strlen(PREFIX), *allow = NULL;

        for (size_t i = 0; i < ELEMENTSOF(requests); i++) {
                const char *rest = match(path, requests[i].name);

                if (!rest)
                        continue;
                allow = requests[i].method;
                if (streq(request->method, requests[i].method)) {
                        requests[i].answer(simulator, request, rest, reply);
                        return;
                }
        }
        answer_fail(&reply->answer, allow ? 405 : 404,
                    allow ? "method not allowed" : "no such request");
        reply->answer.allow = allow; /* a 405 must have it: RFC 9110, 15.5.6 */
}
