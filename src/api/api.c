/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/api.h"

#include <errno.h>

#include "api/memory.h"
#include "api/report.h"

struct Api {
        sd_event *event;
        sd_event_source *reaper; /* once there is an origin to free, in a turn of its own */
        Origin *origin;
        LIST_HEAD(, Origin) retired;
        ApiAnswerHandler handler;
        void *userdata;
};

static void api_drop(Api *api, Exchange *exchange) {
        Answer answer = { .serial = exchange->serial,
                          .outcome = exchange_is_sent(exchange) ? API_NO_ANSWER : API_NOT_SENT,
                          .dropped = true,
                          .message = "The connection was left for a new one",
                          .request_id = "" };

        http_remove(exchange->origin->http, exchange->easy);
        exchange->is_running = false;
        api->handler(&answer, api->userdata);
        exchange_free(exchange);
}

/* All but what only waiting can tell of. */
static void api_drop_all(Api *api, Origin *origin) {
        Exchange *exchange = LIST_FIRST(&origin->exchanges);

        while (exchange) {
                Exchange *next = LIST_NEXT(exchange, link);

                if (!operation_is_create(exchange->question.operation) ||
                    !exchange_is_sent(exchange))
                        api_drop(api, exchange);
                exchange = next;
        }
}

static int api_on_reap(sd_event_source *source, void *userdata) {
        Api *api = userdata;
        Origin *origin = LIST_FIRST(&api->retired);

        (void)source;
        while (origin) {
                Origin *next = LIST_NEXT(origin, link);

                if (origin->dropped)
                        api_drop_all(api, origin);
                if (LIST_EMPTY(&origin->exchanges)) {
                        LIST_REMOVE(origin, link);
                        origin_free(origin);
                }
                origin = next;
        }
        return 0;
}

/* Not at once: the pool may be in the middle of telling us about its transfers. */
static void api_reap_later(Api *api) {
        sd_event_source_set_enabled(api->reaper, SD_EVENT_ONESHOT);
}

static void api_on_end(CURL *easy, CURLcode code) {
        Exchange *exchange = exchange_take(easy);
        Api *api = exchange->userdata;
        Report report;

        report_fill(&report, exchange, code);
        api->handler(&report.answer, api->userdata);
        report_deinit(&report);

        if (exchange->origin != api->origin)
                api_reap_later(api);
        exchange_end(exchange);
}

int api_configure(Api *api, const ApiConfig *config) {
        Origin *origin;
        int r;

        r = origin_new(&origin, api->event, config, api_on_end);
        if (r < 0)
                return r;
        if (api->origin) {
                LIST_INSERT_HEAD(&api->retired, api->origin, link);
                api_reap_later(api);
        }
        api->origin = origin;
        return 0;
}

int api_renew(Api *api) {
        ApiConfig config = origin_config(api->origin);
        Origin *before = api->origin;
        int r;

        r = api_configure(api, &config);
        if (r < 0)
                return r;
        before->dropped = true;
        return 0;
}

int api_new(Api **ret, sd_event *event, const ApiConfig *config, ApiAnswerHandler handler,
            void *userdata) {
        CLEANUP(api_freep) Api *api = NULL;
        int r;

        if (memory_init_curl() != CURLE_OK)
                return -ENOMEM;
        api = calloc(1, sizeof(*api));
        if (!api) {
                curl_global_cleanup();
                return -ENOMEM;
        }
        LIST_INIT(&api->retired);
        api->event = sd_event_ref(event);
        api->handler = handler;
        api->userdata = userdata;
        r = sd_event_add_defer(event, &api->reaper, api_on_reap, api);
        if (r >= 0)
                r = sd_event_source_set_enabled(api->reaper, SD_EVENT_OFF);
        if (r >= 0)
                r = api_configure(api, config);
        if (r < 0)
                return r;

        *ret = TAKE(api);
        return 0;
}

Api *api_free(Api *api) {
        if (!api)
                return NULL;
        while (!LIST_EMPTY(&api->retired)) {
                Origin *origin = LIST_FIRST(&api->retired);

                LIST_REMOVE(origin, link);
                origin_free(origin);
        }
        origin_free(api->origin);
        sd_event_source_disable_unref(api->reaper);
        sd_event_unref(api->event);
        free(api);
        curl_global_cleanup();
        return NULL;
}

int api_send(Api *api, const Request *request) {
        Exchange *exchange;

        if (!api->origin->user)
                return -ENOKEY;
        return exchange_new(&exchange, api->origin, request, api);
}
