/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* I11: the request budget, counted with a token bucket of our own. */

#include <inttypes.h>

#include "simulation/invariants.h"

void traffic_start(Run *run) {
        const usec_t now = run_clock(run).realtime;
        const usec_t until = usec_min(run->pause.durable, now + run->config.retry_max_usec);

        run->budget = (Budget){
                .tokens = run->config.request_burst,
                .filled_at = run->now,
                .not_before = until > now ? run->now + (until - now) : 0,
                .goes_on = until + USEC_PER_SEC > now, /* stored is the second that it ends in */
                .last_state = API_STATE_UNKNOWN,
                .answer = _API_OUTCOME_MAX,
        };
        run->pause.asked = run->pause.sealed = until;
}

/* While the disk is full it is left out. */
void traffic_at_write(Run *run, const Batch *batch) {
        if (!batch->vital)
                run->pause.durable = run->pause.sealed;
}

static void check_tokens(Run *run, size_t n) {
        Budget *budget = &run->budget;
        const double earned = (double)(run->now - budget->filled_at) / USEC_PER_SEC *
                              run->config.requests_per_sec;

        budget->tokens += earned;
        if (budget->tokens > run->config.request_burst)
                budget->tokens = run->config.request_burst;
        budget->filled_at = run->now;
        budget->tokens -= (double)n;
        if (budget->tokens < -0.01)
                run_fail(run, "I11", "%zu requests at once: %.2f more than the budget has", n,
                         -budget->tokens);
}

static bool probe_is_out(const Run *run) {
        for (size_t i = 0; i < run->network.n_exchanges; i++)
                if (!run->network.exchanges[i].repeated && !run->network.exchanges[i].orphaned &&
                    run->network.exchanges[i].request.serial == run->budget.probe)
                        return true;
        return false;
}

/* While nothing but a probe may go out. */
static void check_probe(Run *run, const Request *request, size_t n) {
        switch (request->operation) {
        case OPERATION_GET_PARTICIPANT:
        case OPERATION_GET_SESSION:
        case OPERATION_LIST_PARTICIPANTS:
        case OPERATION_GET_SUBSCRIPTIONS:
                break;
        case OPERATION_CREATE_PARTICIPANT:
        case OPERATION_DELETE_PARTICIPANT:
        case OPERATION_CREATE_SESSION:
        case OPERATION_DELETE_SESSION:
        case OPERATION_ADD_PARTICIPANT:
        case OPERATION_REMOVE_PARTICIPANT:
        case OPERATION_UPDATE_SUBSCRIPTIONS:
        case _OPERATION_MAX:
                run_fail(run, "I11", "%s while the API is offline or refuses the credentials",
                         operation_name(request->operation));
                return;
        }
        if (n > 1 || (run->budget.probe != 0 && probe_is_out(run)))
                run_fail(run, "I11", "a second probe while the first is out");
        run->budget.probe = request->serial;
}

static void check_request(Run *run, const Request *request, size_t n, ApiState state) {
        if (!run->life.credentials)
                run_fail(run, "I11", "%s without credentials", operation_name(request->operation));
        if (run->life.stop_by != USEC_NEVER)
                run_fail(run, "I11", "%s after SIGTERM", operation_name(request->operation));
        if (run->now < run->budget.not_before)
                run_fail(run, "I11", "%s %.1f s before the end of Retry-After",
                         operation_name(request->operation),
                         (double)(run->budget.not_before - run->now) / USEC_PER_SEC);
        if (state == API_STATE_OFFLINE || state == API_STATE_UNAUTHORIZED)
                check_probe(run, request, n);
}

void traffic_at_seal(Run *run, const Batch *batch) {
        const ApiState state = core_status(run->life.core).api_state;
        const unsigned n_open = network_n_open(&run->network, false);
        size_t n = 0;

        run->pause.sealed = run->pause.asked;
        for (size_t i = 0; i < batch->n_effects; i++)
                if (batch->effects[i].kind == EFFECT_REQUEST)
                        n++;
        if (n == 0)
                return;

        check_tokens(run, n);
        if (n_open + n > run->config.requests_max)
                run_fail(run, "I11", "%zu requests in flight, %u allowed", n_open + n,
                         run->config.requests_max);
        for (size_t i = 0; i < batch->n_effects; i++)
                if (batch->effects[i].kind == EFFECT_REQUEST)
                        check_request(run, &batch->effects[i].request, n, state);
}

static bool answer_is_denial(ApiOutcome outcome) {
        return outcome == API_UNAUTHORIZED || outcome == API_FORBIDDEN;
}

/* 403 on the list of a session's participants may mean that the API has none: the session tells. */
static bool is_missing_list(const Request *request, ApiOutcome outcome) {
        return request->operation == OPERATION_LIST_PARTICIPANTS && outcome == API_FORBIDDEN;
}

bool traffic_is_denial(const Request *request, ApiOutcome outcome) {
        return answer_is_denial(outcome) && !is_missing_list(request, outcome);
}

void traffic_at_answer(Run *run, const Request *request, const Answer *answer) {
        usec_t span = answer->retry_after_usec;

        run->budget.answer = answer->outcome;
        if (is_missing_list(request, answer->outcome))
                run->budget.answer = _API_OUTCOME_MAX;
        /* Something in front of the API answers; to a probe that is as good as nothing. */
        if (answer->foreign)
                run->budget.answer = request->probe ? API_NO_ANSWER : _API_OUTCOME_MAX;
        run->budget.to_probe = request->probe;

        if (answer->outcome != API_THROTTLED || !answer->has_retry_after)
                return;
        span = usec_max(span, USEC_PER_SEC);
        span = usec_min(span, run->config.retry_max_usec);
        run->budget.not_before = usec_max(run->budget.not_before, run->now + span);
        run->pause.asked = run_clock(run).realtime + (run->budget.not_before - run->now);
}

static bool answer_is_good(ApiOutcome outcome) {
        return outcome == API_OK || outcome == API_REFUSED || outcome == API_NOT_FOUND ||
               outcome == API_CONFLICT;
}

/* Whether the answer of this step may bring the API into that state. */
static bool state_has_grounds(const Run *run, ApiState state) {
        const Budget *budget = &run->budget;

        switch (state) {
        case API_STATE_UNKNOWN:
                return run->life.credentials && budget->last_state == API_STATE_UNAUTHORIZED;
        case API_STATE_ONLINE:
                return answer_is_good(budget->answer) &&
                       (budget->to_probe || budget->last_state != API_STATE_UNAUTHORIZED);
        case API_STATE_THROTTLED:
                return (budget->answer == API_THROTTLED &&
                        budget->last_state != API_STATE_UNAUTHORIZED) ||
                       (budget->goes_on && budget->last_state == API_STATE_UNKNOWN);
        case API_STATE_OFFLINE:
                /* Refused credentials are never taken for an API that is away. */
                if (budget->last_state == API_STATE_UNAUTHORIZED)
                        return false;
                /* One object that fails proves nothing; a probe that fails likewise does. */
                return budget->answer == API_NOT_SENT || budget->answer == API_REDIRECTED ||
                       (budget->to_probe && !answer_is_good(budget->answer));
        case API_STATE_UNAUTHORIZED:
                return answer_is_denial(budget->answer) || !run->life.credentials;
        case _API_STATE_MAX:
                break;
        }
        return false;
}

void traffic_at_step(Run *run) {
        const ApiState state = core_status(run->life.core).api_state;
        Budget *budget = &run->budget;

        if (state != budget->last_state && !state_has_grounds(run, state))
                run_fail(run, "I11", "ApiState goes from %d to %d without a reason",
                         (int)budget->last_state, (int)state);
        if (answer_is_denial(budget->answer) && state != API_STATE_UNAUTHORIZED)
                run_fail(run, "I11", "the credentials are refused, and ApiState is %d", (int)state);
        if (budget->answer == API_THROTTLED && state == API_STATE_ONLINE)
                run_fail(run, "I11", "the API asks for patience, and is taken for online");
        budget->answer = _API_OUTCOME_MAX;
}
