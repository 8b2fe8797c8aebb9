/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/http.h"

#include <assert.h>
#include <errno.h>
#include <sys/epoll.h>
#include <time.h>

#include "base/time.h"

struct Http {
        sd_event *event;
        sd_event_source *timer, *at_once;
        CURLM *multi;
        HttpHandler handler;
        unsigned n_transfers;
        bool dispatching;
};

/* One event may finish several transfers. */
static void http_drain(Http *http) {
        CURLMsg *message;
        int n_left;

        http->dispatching = true;
        while ((message = curl_multi_info_read(http->multi, &n_left))) {
                CURL *easy = message->easy_handle;
                CURLcode code = message->data.result;

                if (message->msg != CURLMSG_DONE)
                        continue;
                /* The message is gone with this. */
                http_remove(http, easy);
                http->handler(easy, code);
        }
        http->dispatching = false;
}

static void http_act(Http *http, curl_socket_t fd, int events) {
        int n_running;

        curl_multi_socket_action(http->multi, fd, events, &n_running);
        http_drain(http);
}

static int http_on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        int events = 0;

        (void)source;
        if (revents & EPOLLIN)
                events |= CURL_CSELECT_IN;
        if (revents & EPOLLOUT)
                events |= CURL_CSELECT_OUT;
        if (revents & (EPOLLERR | EPOLLHUP))
                events |= CURL_CSELECT_ERR;
        http_act(userdata, fd, events);
        return 0;
}

static int http_on_time(sd_event_source *source, uint64_t at, void *userdata) {
        (void)source;
        (void)at;
        http_act(userdata, CURL_SOCKET_TIMEOUT, 0);
        return 0;
}

static int http_on_once(sd_event_source *source, void *userdata) {
        (void)source;
        http_act(userdata, CURL_SOCKET_TIMEOUT, 0);
        return 0;
}

static uint32_t poll_events(int what) {
        switch (what) {
        case CURL_POLL_IN:
                return EPOLLIN;
        case CURL_POLL_OUT:
                return EPOLLOUT;
        case CURL_POLL_INOUT:
                return EPOLLIN | EPOLLOUT;
        default:
                return 0;
        }
}

/* A socket that can't be watched is not an end of everything, as libcurl would have it for a
 * negative return: its transfers run into their timeout. */
static int http_on_socket(CURL *easy, curl_socket_t fd, int what, void *userdata, void *assigned) {
        Http *http = userdata;
        sd_event_source *source = assigned;

        (void)easy;
        if (what == CURL_POLL_REMOVE) {
                sd_event_source_disable_unref(source);
                curl_multi_assign(http->multi, fd, NULL);
                return 0;
        }
        if (source) {
                sd_event_source_set_io_events(source, poll_events(what));
                return 0;
        }
        if (sd_event_add_io(http->event, &source, fd, poll_events(what), http_on_io, http) < 0)
                return 0;
        if (curl_multi_assign(http->multi, fd, source) != CURLM_OK)
                sd_event_source_disable_unref(source);
        return 0;
}

static int http_on_timer(CURLM *multi, long timeout_ms, void *userdata) {
        Http *http = userdata;

        (void)multi;
        /* Every transfer begins with "at once", which a timer makes a millisecond of. */
        sd_event_source_set_enabled(http->at_once,
                                    timeout_ms == 0 ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
        if (timeout_ms > 0)
                sd_event_source_set_time_relative(http->timer, (usec_t)timeout_ms * USEC_PER_MSEC);
        sd_event_source_set_enabled(http->timer, timeout_ms > 0 ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
        return 0;
}

static void http_set_limits(Http *http, unsigned connections_max) {
        CURLM *multi = http->multi;

        curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
        curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)connections_max);
        curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)connections_max);
        curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)connections_max);
}

int http_new(Http **ret, sd_event *event, unsigned connections_max, HttpHandler handler) {
        CLEANUP(http_freep) Http *http = calloc(1, sizeof(*http));
        int r;

        if (!http)
                return -ENOMEM;
        http->event = sd_event_ref(event);
        http->handler = handler;
        r = sd_event_add_time(event, &http->timer, CLOCK_MONOTONIC, USEC_NEVER, USEC_PER_MSEC,
                              http_on_time, http);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(http->timer, SD_EVENT_OFF);
        if (r < 0)
                return r;
        r = sd_event_add_defer(event, &http->at_once, http_on_once, http);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(http->at_once, SD_EVENT_OFF);
        if (r < 0)
                return r;

        http->multi = curl_multi_init();
        if (!http->multi)
                return -ENOMEM;
        curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, http_on_socket);
        curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
        curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, http_on_timer);
        curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
        http_set_limits(http, connections_max);
        *ret = TAKE(http);
        return 0;
}

Http *http_free(Http *http) {
        if (!http)
                return NULL;
        assert(http->n_transfers == 0);
        assert(!http->dispatching);
        /* Closing takes its sockets out of the event loop. */
        curl_multi_cleanup(http->multi);
        sd_event_source_disable_unref(http->timer);
        sd_event_source_disable_unref(http->at_once);
        sd_event_unref(http->event);
        free(http);
        return NULL;
}

int http_add(Http *http, CURL *easy) {
        if (curl_multi_add_handle(http->multi, easy) != CURLM_OK)
                return -ENOMEM;
        http->n_transfers++;
        return 0;
}

void http_remove(Http *http, CURL *easy) {
        curl_multi_remove_handle(http->multi, easy);
        http->n_transfers--;
}
