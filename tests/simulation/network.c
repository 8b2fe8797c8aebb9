/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulation/network.h"

#include <inttypes.h>

#include "simulation/invariants.h"
#include "simulation/kit.h"

/* RequestTimeoutSec: the client gives up, and the gateway does so a second earlier. */
#define TIMEOUT_USEC (30 * USEC_PER_SEC)

static void exchange_deinit(Exchange *exchange) {
        request_deinit(&exchange->request);
        page_deinit(&exchange->page);
}

void network_deinit(Network *network) {
        for (size_t i = 0; i < network->n_exchanges; i++)
                exchange_deinit(network->exchanges + i);
        free(network->exchanges);
        free(network->posts);
        *network = (Network){ 0 };
}

unsigned network_n_open(const Network *network, bool posts_only) {
        unsigned n = 0;

        for (size_t i = 0; i < network->n_exchanges; i++) {
                const Exchange *exchange = network->exchanges + i;

                if (!exchange->orphaned && !exchange->repeated &&
                    (!posts_only || exchange->post > 0))
                        n++;
        }
        return n;
}

static void request_copy(Request *to, const Request *from) {
        *to = *from;
        spec_ref(to->spec);
        to->publishers = kit_alloc(from->n_publishers, sizeof(Publisher));
        for (size_t i = 0; i < from->n_publishers; i++)
                MUST(publisher_copy(to->publishers + i, from->publishers + i));
}

static usec_t draw_latency(Run *run) {
        Random *random = &run->random;

        if (run->quiet || random_chance(random, 0.9))
                return random_between(random, 10 * USEC_PER_MSEC, 250 * USEC_PER_MSEC);
        if (random_chance(random, 0.8))
                return random_between(random, 200 * USEC_PER_MSEC, 4 * USEC_PER_SEC);
        return random_between(random, 4 * USEC_PER_SEC, TIMEOUT_USEC / 2 - USEC_PER_SEC);
}

/* Whether a request touches the object that the API fails for good. */
static bool request_is_cursed(const Run *run, const Request *request) {
        const ApiId *id =
                run->cursed_kind == KIND_SESSION ? &request->session : &request->participant;
        const Thing *thing = world_find(&run->world, run->cursed_kind, id);

        if (run->cursed == 0 || !run->quiet)
                return false;
        return thing && thing->number == run->cursed;
}

/* I12: a read and a change of it may be due, each after a pause that is half of the longest one on
 * the whole. */
static void count_cursed(Run *run, const Request *request) {
        const usec_t span = run->now - run->quiet_since;
        const usec_t allowed = 50 + 6 * span / run->config.retry_max_usec;

        if (request->kind != run->cursed_kind || request->number != run->cursed)
                return;
        if (++run->n_cursed > allowed)
                run_fail(run, "I12", "what always fails is tried %u times without a pause",
                         run->n_cursed);
}

/* Clients happen to be busy with what the credentials are about to be refused for. */
static void draw_flurry(Run *run, Exchange *exchange) {
        const bool denied =
                exchange->fault == FAULT_UNAUTHORIZED || exchange->fault == FAULT_FORBIDDEN;
        Clients *clients = &run->clients;

        if (!denied || exchange->request.kind != KIND_PARTICIPANT ||
            exchange->request.number == 0 || clients->next_at == USEC_NEVER)
                return;
        clients->focus = exchange->request.number;
        clients->left = 4;
        clients->next_at = run->now;
        exchange->answers_at += 5 * USEC_PER_SEC;
}

static void exchange_plan(Run *run, Exchange *exchange) {
        Random *random = &run->random;

        exchange->fault = sky_draw(&run->sky, random, &exchange->request, run->world.no_lists);
        if (request_is_cursed(run, &exchange->request)) {
                exchange->fault = FAULT_BROKEN;
                count_cursed(run, &exchange->request);
        }

        exchange->sent_at = run->now;
        exchange->arrives_at = run->now + draw_latency(run);
        exchange->answers_at = exchange->arrives_at + draw_latency(run);
        if (exchange->fault == FAULT_NOT_SENT)
                exchange->answers_at = run->now + random_between(random, 0, 5 * USEC_PER_SEC);
        if (exchange->fault == FAULT_LOST || exchange->fault == FAULT_LOST_DONE)
                exchange->answers_at = random_chance(random, 0.5) ? usec_add(run->now, TIMEOUT_USEC)
                                                                  : exchange->arrives_at + 1;
        if (!fault_lets_through(exchange->fault))
                exchange->arrives_at = USEC_NEVER;
        draw_flurry(run, exchange);
}

static size_t network_post(Run *run, const Request *request) {
        Network *network = &run->network;

        network->posts = kit_grow(network->posts, network->n_posts, sizeof(Post));
        network->posts[network->n_posts++] = (Post){
                .kind = request->kind,
                .number = request->number,
                .serial = request->serial,
                .life = run->life.ordinal,
        };
        return network->n_posts;
}

void network_send(Run *run, const Request *request) {
        Network *network = &run->network;
        Exchange exchange = { 0 };

        request_copy(&exchange.request, request);
        exchange_plan(run, &exchange);
        if (operation_is_create(request->operation))
                exchange.post = network_post(run, request);
        run->tally->requests[request->operation]++;
        TRACE(run, "  sent #%" PRIu64 " %s of %s %" PRIu64 " %s %s, attempt %u, will meet: %s",
              request->serial, operation_name(request->operation),
              request->kind == KIND_SESSION ? "session" : "participant", request->number,
              api_id_text(&request->session), api_id_text(&request->participant), request->attempt,
              fault_name(exchange.fault));

        network->exchanges = kit_grow(network->exchanges, network->n_exchanges, sizeof(Exchange));
        network->exchanges[network->n_exchanges++] = exchange;
}

static usec_t exchange_due(const Exchange *exchange) {
        return usec_min(exchange->arrives_at, exchange->answers_at);
}

usec_t network_deadline(const Network *network) {
        usec_t at = USEC_NEVER;

        for (size_t i = 0; i < network->n_exchanges; i++)
                at = usec_min(at, exchange_due(network->exchanges + i));
        return at;
}

/* Our own book of what a subscription at the API may be: only what somebody wanted. */
static void check_audible(Run *run, const Request *request) {
        const Thing *thing = world_find(&run->world, KIND_PARTICIPANT, &request->participant);

        if (thing && thing->alive && thing->number != 0 &&
            (request->operation == OPERATION_ADD_PARTICIPANT ||
             request->operation == OPERATION_UPDATE_SUBSCRIPTIONS))
                invariants_of_audible(run, thing);
}

/* The API does what it is asked to. */
static void exchange_arrive(Run *run, Exchange *exchange) {
        world_expire(&run->world, run->now);
        world_serve(&run->world, &exchange->request, run->now, &exchange->page);
        exchange->arrives_at = USEC_NEVER;
        exchange->carried_out_at = run->now;
        TRACE(run, "API: #%" PRIu64 " %s carried out: %u %s", exchange->request.serial,
              operation_name(exchange->request.operation), exchange->page.status,
              api_id_text(&exchange->page.id));

        if (exchange->page.created != 0) {
                Post *post = run->network.posts + exchange->post - 1;
                Thing *thing = world_thing(&run->world, post->kind, exchange->page.created);

                post->created = thing->handle;
                thing->attempt = exchange->post;
        }
        check_audible(run, &exchange->request);
}

/* The object that an exchange is about, by what the API knows and not by what the request says. */
static Item *exchange_item(Run *run, const Exchange *exchange) {
        const Request *request = &exchange->request;
        const Kind kind = api_id_is_known(&request->participant) ? KIND_PARTICIPANT : KIND_SESSION;
        const ApiId *id = kind == KIND_SESSION ? &request->session : &request->participant;
        const Thing *thing = world_find(&run->world, kind, id);

        if (exchange->post > 0)
                return clients_item(&run->clients, request->kind, request->number);
        return clients_item(&run->clients, kind, thing ? thing->number : 0);
}

static bool operation_changes(Operation operation) {
        switch (operation) {
        case OPERATION_CREATE_PARTICIPANT:
        case OPERATION_DELETE_PARTICIPANT:
        case OPERATION_CREATE_SESSION:
        case OPERATION_DELETE_SESSION:
        case OPERATION_ADD_PARTICIPANT:
        case OPERATION_REMOVE_PARTICIPANT:
        case OPERATION_UPDATE_SUBSCRIPTIONS:
                return true;
        case OPERATION_GET_PARTICIPANT:
        case OPERATION_GET_SESSION:
        case OPERATION_LIST_PARTICIPANTS:
        case OPERATION_GET_SUBSCRIPTIONS:
        case _OPERATION_MAX:
                break;
        }
        return false;
}

bool network_changes(const Exchange *exchange) {
        return !exchange->orphaned && !exchange->repeated &&
               operation_changes(exchange->request.operation);
}

static void book_post(Run *run, Post *post, Item *item, const Answer *answer) {
        switch (answer->outcome) {
        case API_OK:
                post->state = POST_CREATED;
                post->id = answer->id;
                return;
        case API_NO_ANSWER:
        case API_NOT_UNDERSTOOD:
        case API_BROKEN:
                post->state = POST_UNKNOWN;
                item->n_unknown++;
                run->n_unknown++;
                run->tally->unknown_outcomes++;
                return;
        case API_NOT_SENT:
        case API_THROTTLED:
        case API_REFUSED:
        case API_UNAUTHORIZED:
        case API_FORBIDDEN:
        case API_NOT_FOUND:
        case API_CONFLICT:
        case API_REDIRECTED:
        case _API_OUTCOME_MAX:
                break;
        }
        post->state = POST_VOID;
}

static bool outcome_is_refusal(ApiOutcome outcome) {
        return outcome == API_REFUSED || outcome == API_UNAUTHORIZED || outcome == API_FORBIDDEN ||
               outcome == API_NOT_FOUND || outcome == API_CONFLICT || outcome == API_REDIRECTED;
}

static bool outcome_is_denial(ApiOutcome outcome) {
        return outcome == API_UNAUTHORIZED || outcome == API_FORBIDDEN;
}

static bool outcome_is_unknown(ApiOutcome outcome) {
        return outcome == API_NO_ANSWER || outcome == API_NOT_UNDERSTOOD || outcome == API_BROKEN;
}

static Question question_of(const Request *request) {
        if (request->probe)
                return QUESTION_PROBE;
        if (operation_is_create(request->operation))
                return QUESTION_CREATION;
        if (operation_changes(request->operation))
                return QUESTION_CHANGE;
        return request->operation == OPERATION_LIST_PARTICIPANTS ? QUESTION_LIST : QUESTION_READ;
}

/* What the world knows that the daemon must know from now on. */
static void book_answer(Run *run, const Exchange *exchange, const Answer *answer) {
        Clients *clients = &run->clients;
        Item *item = exchange_item(run, exchange);
        const bool changes = operation_changes(exchange->request.operation);

        run->tally->outcomes[answer->outcome]++;
        run->tally->answers[question_of(&exchange->request)][answer->outcome]++;
        run->tally->faults[exchange->fault]++;
        if (exchange->post > 0)
                book_post(run, run->network.posts + exchange->post - 1, item, answer);
        if (answer->outcome != API_OK)
                clients->failed_at = run->now;
        if (outcome_is_refusal(answer->outcome) && !exchange->page.already)
                clients->refused_at = run->now;
        if (outcome_is_refusal(answer->outcome) && !exchange->page.already &&
            !outcome_is_denial(answer->outcome))
                item->refused_at = run->now;
        if (changes && outcome_is_unknown(answer->outcome))
                item->unknown_at = exchange->sent_at;
        if (changes && (answer->outcome == API_NOT_FOUND || answer->outcome == API_CONFLICT))
                item->doubted_at = run->now;
        if (traffic_is_denial(&exchange->request, answer->outcome))
                clients->unauthorized_at = run->now;
        if (changes && (answer->outcome == API_OK || answer->outcome == API_NOT_FOUND)) {
                item->confirmed_at = usec_max(item->confirmed_at, exchange->carried_out_at);
                item->told_at = run->now;
        }
        if (!changes && (answer->outcome == API_OK || answer->outcome == API_NOT_FOUND))
                item->read_at = run->now;
        if (answer->outcome == API_OK && api_id_is_known(&exchange->request.session)) {
                Thing *session = world_find(&run->world, KIND_SESSION, &exchange->request.session);

                if (session)
                        session->shown_at = run->now;
        }
        for (size_t i = 0; !answer->has_members && i < answer->n_sightings; i++) {
                Thing *thing = world_find(&run->world, KIND_PARTICIPANT, &answer->sightings[i].id);

                if (!thing)
                        continue;
                thing->shown_at = run->now;
                clients_item(clients, KIND_PARTICIPANT, thing->number)->read_at = run->now;
        }
        traffic_at_answer(run, &exchange->request, answer);
}

static void answer_init(Run *run, Answer *answer, Exchange *exchange, char *token, size_t size) {
        Random *random = &run->random;

        *answer = (Answer){
                .serial = exchange->request.serial,
                .status = exchange->page.status,
                .message = "what the API said",
                .request_id = random_chance(random, 0.5) ? "request-1" : "",
        };
        answer->outcome = fault_outcome(exchange->fault, random, &answer->status);
        answer->foreign = exchange->fault == FAULT_STRANGE_404;
        if (answer->outcome == API_THROTTLED &&
            (answer->status == 503 || random_chance(random, 0.7))) {
                static const usec_t spans[] = { 0, 2 * USEC_PER_SEC, 30 * USEC_PER_SEC,
                                                10 * USEC_PER_HOUR };

                answer->has_retry_after = true;
                answer->retry_after_usec = spans[random_below(random, ELEMENTSOF(spans))];
        }
        if (answer->outcome != API_OK)
                return;

        answer->id = exchange->page.id;
        answer->tag = exchange->page.tag;
        answer->sightings = exchange->page.sightings;
        answer->n_sightings = exchange->page.n_sightings;
        answer->has_members = exchange->page.has_members;
        snprintf(token, size, "token-of-%s", api_id_text(&exchange->page.id));
        if (exchange->request.operation == OPERATION_CREATE_PARTICIPANT &&
            random_chance(random, 0.98))
                answer->token = token;
}

/* An answer that the daemon has had already comes again, and says something else. */
static void deliver_again(Run *run, Exchange *exchange) {
        static const ApiOutcome outcomes[] = { API_NO_ANSWER, API_NOT_FOUND, API_REFUSED,
                                               API_NOT_SENT };
        const Answer answer = {
                .serial = exchange->request.serial,
                .outcome = outcomes[random_below(&run->random, ELEMENTSOF(outcomes))],
                .message = "this was said before",
                .request_id = "",
        };

        TRACE(run, "answered once more: #%" PRIu64, answer.serial);
        run->tally->repeated_answers++;
        MUST(core_answer(run->life.core, &answer, run_clock(run)));
}

static void deliver(Run *run, Exchange *exchange) {
        char token[API_ID_MAX + 16];
        Answer answer;

        answer_init(run, &answer, exchange, token, sizeof(token));
        TRACE(run, "answer to #%" PRIu64 " %s: %s, status %u%s", answer.serial,
              operation_name(exchange->request.operation), api_outcome_name(answer.outcome),
              answer.status, answer.has_retry_after ? ", Retry-After" : "");
        if (run->now - exchange->sent_at > 5 * USEC_PER_SEC)
                run->tally->late_answers++;
        book_answer(run, exchange, &answer);
        MUST(core_answer(run->life.core, &answer, run_clock(run)));
}

void network_turn(Run *run) {
        Network *network = &run->network;
        size_t next = 0;
        Exchange exchange;

        for (size_t i = 1; i < network->n_exchanges; i++)
                if (exchange_due(network->exchanges + i) < exchange_due(network->exchanges + next))
                        next = i;
        if (network->exchanges[next].arrives_at <= network->exchanges[next].answers_at) {
                exchange_arrive(run, network->exchanges + next);
                if (!network->exchanges[next].orphaned)
                        return;
        }

        exchange = network->exchanges[next];
        network->exchanges[next] = network->exchanges[--network->n_exchanges];
        if (exchange.orphaned) {
                exchange_deinit(&exchange);
                return;
        }
        if (exchange.repeated) {
                deliver_again(run, &exchange);
        } else {
                deliver(run, &exchange);
                if (!run->quiet && random_chance(&run->random, 0.01)) {
                        exchange.repeated = true;
                        exchange.answers_at =
                                run->now + random_between(&run->random, 0, USEC_PER_MIN);
                        network->exchanges[network->n_exchanges++] = exchange;
                        return;
                }
        }
        exchange_deinit(&exchange);
}

/* Its bytes are on their way: the API may carry it out although nobody is left to hear of it, a
 * creation even after the next start. */
static bool exchange_outlives(Run *run, Exchange *exchange) {
        if (exchange->arrives_at == USEC_NEVER || random_chance(&run->random, 0.5))
                return false;
        if (exchange->post == 0) {
                exchange_arrive(run, exchange);
                return false;
        }
        exchange->orphaned = true;
        exchange->answers_at = USEC_NEVER;
        return true;
}

void network_cut(Run *run) {
        Network *network = &run->network;
        size_t n = 0;

        for (size_t i = 0; i < network->n_exchanges; i++) {
                Exchange *exchange = network->exchanges + i;

                if (exchange->orphaned || exchange_outlives(run, exchange))
                        network->exchanges[n++] = *exchange;
                else
                        exchange_deinit(exchange);
        }
        network->n_exchanges = n;
}
