/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulator/simulator.h"

#include <errno.h>

#include "simulator/control.h"
#include "simulator/route.h"

int simulator_init(Simulator *simulator, const Settings *settings, uint64_t seed, Now now) {
        int r;

        *simulator = (Simulator){ .settings = settings, .started_at = now.boottime };
        random_seed(&simulator->random, seed);
        r = world_new(&simulator->world, settings, &simulator->random);
        if (r < 0)
                return r;
        r = journal_new(&simulator->journal);
        if (r < 0)
                return r;
        return service_init(&simulator->service, settings, simulator->world);
}

void simulator_deinit(Simulator *simulator) {
        service_deinit(&simulator->service);
        faults_deinit(&simulator->faults);
        state_file_closep(&simulator->state_file);
        journal_freep(&simulator->journal);
        world_freep(&simulator->world);
}

void reply_deinit(Reply *reply) {
        fault_unrefp(&reply->fault);
        answer_deinit(&reply->answer);
}

/* Return: the fault that the request meets, -ENOMEM. */
static int meet(Simulator *simulator, const Request *request, Fault **ret) {
        CLEANUP(freep) char *path = NULL;
        size_t n;
        const char *below = route_below_account(request->target, &n);
        Fault *fault;

        path = strndup(below, n);
        if (!path)
                return -ENOMEM;

        fault = faults_meet(&simulator->faults, request->method, path, &simulator->random);
        *ret = fault ? fault_ref(fault) : NULL;
        return 0;
}

static int answer_api(Simulator *simulator, const Request *request, Now now, Reply *reply) {
        bool carried_out = false;
        int r;

        r = meet(simulator, request, &reply->fault);
        if (r < 0)
                return r;

        if (!reply->fault || reply->fault->effect) {
                service_answer(&simulator->service, request, now, &reply->answer);
                carried_out = reply->answer.status < 300;
        }
        if (reply->fault)
                fault_shape(reply->fault, &reply->answer);
        reply->seq = journal_add(simulator->journal, request, now.boottime - simulator->started_at,
                                 reply->fault ? fault_name(reply->fault->kind) : NULL, carried_out);
        return 0;
}

/* Whoever waits for an answer must find what it says after a restart, too. */
static int keep(Simulator *simulator) {
        int r = 0;

        if (simulator->state_file && !TAILQ_EMPTY(&simulator->world->touched))
                r = state_file_save(simulator->state_file, simulator->world);
        world_settle(simulator->world);
        return r;
}

int simulator_answer(Simulator *simulator, const Request *request, Now now, Reply *ret) {
        CLEANUP(reply_deinit) Reply reply = { 0 };
        int r;

        random_uuid(&simulator->random, reply.answer.request_id);
        world_expire(simulator->world, now.realtime);
        if (control_wants(request))
                control_answer(simulator, request, &reply);
        else {
                r = answer_api(simulator, request, now, &reply);
                if (r < 0)
                        return r;
        }
        r = keep(simulator);
        if (r < 0)
                return r;

        *ret = reply;
        reply = (Reply){ 0 };
        return 0;
}

void simulator_answered(Simulator *simulator, const Reply *reply, unsigned status) {
        if (reply->seq > 0)
                journal_answered(simulator->journal, reply->seq, status);
}
