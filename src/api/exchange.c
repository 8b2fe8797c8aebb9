/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/exchange.h"

#include <errno.h>

#include "api/endpoint.h"
#include "api/writer.h"

static size_t exchange_on_body(char *data, size_t size, size_t n, void *userdata) {
        Exchange *exchange = userdata;

        if (buffer_append(&exchange->answer, data, size * n, EXCHANGE_BODY_MAX) < 0) {
                exchange->is_cut = true;
                return 0;
        }
        return size * n;
}

static size_t exchange_on_header(char *data, size_t size, size_t n, void *userdata) {
        Exchange *exchange = userdata;

        /* Line by line. libcurl takes a head for whole when the connection ends in it. */
        if (size * n >= 5 && memcmp(data, "HTTP/", 5) == 0)
                exchange->is_head_whole = false;
        else if (size * n > 0 && (*data == '\r' || *data == '\n'))
                exchange->is_head_whole = true;

        exchange->n_header_bytes += size * n;
        if (exchange->n_header_bytes > EXCHANGE_HEADER_MAX) {
                exchange->is_cut = true;
                return 0;
        }
        return size * n;
}

/* The connection is there, TLS and all, and the request is about to go out. */
static int exchange_on_begin(void *userdata, char *address, char *local_address, int port,
                             int local_port) {
        Exchange *exchange = userdata;
        long n_connects = 0;

        (void)address;
        (void)local_address;
        (void)port;
        (void)local_port;
        if (exchange->is_begun &&
            (operation_is_create(exchange->question.operation) || exchange_is_sent(exchange))) {
                exchange->is_repeated = true;
                return CURL_PREREQFUNC_ABORT;
        }
        curl_easy_getinfo(exchange->easy, CURLINFO_NUM_CONNECTS, &n_connects);
        exchange->is_first = n_connects > 0;
        exchange->is_begun = true;
        curl_easy_getinfo(exchange->easy, CURLINFO_REQUEST_SIZE, &exchange->n_before);
        return CURL_PREREQFUNC_OK;
}

bool exchange_is_sent(const Exchange *exchange) {
        bool refused = exchange->is_repeated && exchange->is_first;
        long n = 0;

        curl_easy_getinfo(exchange->easy, CURLINFO_REQUEST_SIZE, &n);
        return exchange->is_begun && n > exchange->n_before && !refused;
}

static void set_method(CURL *easy, Method method) {
        switch (method) {
        case METHOD_GET:
                curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
                break;
        case METHOD_DELETE:
                curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "DELETE");
                break;
        case METHOD_PUT:
                curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "PUT");
                break;
        case METHOD_POST:
        case _METHOD_MAX:
                break;
        }
}

static int set_body(Exchange *exchange, const Request *request) {
        int r;

        r = writer_body(&exchange->body, request);
        if (r < 0)
                return r;
        curl_easy_setopt(exchange->easy, CURLOPT_POSTFIELDSIZE, (long)strlen(exchange->body));
        curl_easy_setopt(exchange->easy, CURLOPT_POSTFIELDS, exchange->body);
        return 0;
}

/* What may be neither left to libcurl's defaults nor to the environment. */
static void set_bounds(CURL *easy, const Origin *origin) {
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
        curl_easy_setopt(easy, CURLOPT_PROXY, origin->proxy ? origin->proxy : "");
        curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
        curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, origin->connect_timeout_ms);
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, origin->request_timeout_ms);
        /* A resolver that hangs is left to its thread; else libcurl would wait for it here. */
        curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
}

static int set_tls(CURL *easy, const Origin *origin) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
        curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
        if (!origin->secure) {
                curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
                return 0;
        }

        curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
        curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
        if (!origin->ca_file)
                return 0;
        /* Instead of the system's, not beside them. */
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
        return curl_easy_setopt(easy, CURLOPT_CAINFO, origin->ca_file) == CURLE_OK ? 0 : -ENOMEM;
}

static int set_identity(CURL *easy, const Origin *origin) {
        curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        if (curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") ||
            curl_easy_setopt(easy, CURLOPT_USERAGENT, PACKAGE_NAME "/" PACKAGE_VERSION) ||
            curl_easy_setopt(easy, CURLOPT_USERNAME, origin->user) ||
            curl_easy_setopt(easy, CURLOPT_PASSWORD, origin->password))
                return -ENOMEM;
        return 0;
}

static void set_callbacks(Exchange *exchange) {
        CURL *easy = exchange->easy;

        curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange);
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->error);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, exchange_on_body);
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
        curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, exchange_on_header);
        curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
        curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, exchange_on_begin);
        curl_easy_setopt(easy, CURLOPT_PREREQDATA, exchange);
}

static int set_url(CURL *easy, const Origin *origin, const Request *request) {
        CLEANUP(freep) char *url = NULL;
        int r;

        r = endpoint_url(&url, origin->base, origin->account, request);
        if (r < 0)
                return r;
        return curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK ? 0 : -ENOMEM;
}

/* All that is the same for every request by that method at that origin. */
static int exchange_prepare(Exchange *exchange, Method method) {
        const Origin *origin = exchange->origin;
        CURL *easy = exchange->easy;
        int r;

        r = set_identity(easy, origin);
        if (r >= 0)
                r = set_tls(easy, origin);
        if (r < 0)
                return r;

        set_method(easy, method);
        set_bounds(easy, origin);
        set_callbacks(exchange);
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER,
                         method_has_body(method) ? origin->body_headers : origin->headers);
        /* Creations are the only POSTs. */
        curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, (long)(method == METHOD_POST));
        return 0;
}

static int exchange_make(Exchange **ret, Origin *origin, Method method) {
        CLEANUP(exchange_freep) Exchange *exchange = calloc(1, sizeof(*exchange));
        int r;

        if (!exchange)
                return -ENOMEM;
        exchange->origin = origin;
        LIST_INSERT_HEAD(&origin->exchanges, exchange, link);
        exchange->easy = curl_easy_init();
        if (!exchange->easy)
                return -ENOMEM;
        r = exchange_prepare(exchange, method);
        if (r < 0)
                return r;

        *ret = TAKE(exchange);
        return 0;
}

static Exchange *exchange_reuse(Origin *origin) {
        Exchange *exchange = LIST_FIRST(&origin->idle);

        LIST_REMOVE(exchange, link);
        LIST_INSERT_HEAD(&origin->exchanges, exchange, link);
        return exchange;
}

static int exchange_ask(Exchange *exchange, const Request *request) {
        int r;

        exchange->serial = request->serial;
        exchange->question = (Question){ .operation = request->operation,
                                         .session = request->session,
                                         .participant = request->participant };
        r = set_url(exchange->easy, exchange->origin, request);
        if (r >= 0 && method_has_body(endpoint_method(request->operation)))
                r = set_body(exchange, request);
        return r;
}

int exchange_new(Exchange **ret, Origin *origin, const Request *request, void *userdata) {
        CLEANUP(exchange_freep) Exchange *exchange = NULL;
        Method method = endpoint_method(request->operation);
        int r;

        if (method == METHOD_GET && !LIST_EMPTY(&origin->idle)) {
                exchange = exchange_reuse(origin);
        } else {
                r = exchange_make(&exchange, origin, method);
                if (r < 0)
                        return r;
        }
        exchange->userdata = userdata;
        r = exchange_ask(exchange, request);
        if (r < 0)
                return r;
        r = http_add(origin->http, exchange->easy);
        if (r < 0)
                return r;
        exchange->is_running = true;

        *ret = TAKE(exchange);
        return 0;
}

Exchange *exchange_take(CURL *easy) {
        char *private = NULL;
        Exchange *exchange;

        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
        exchange = (Exchange *)private;
        exchange->is_running = false;
        return exchange;
}

Exchange *exchange_free(Exchange *exchange) {
        if (!exchange)
                return NULL;
        LIST_REMOVE(exchange, link);
        if (exchange->is_running)
                http_remove(exchange->origin->http, exchange->easy);
        curl_easy_cleanup(exchange->easy);
        buffer_deinit(&exchange->answer);
        free(exchange->body);
        free(exchange);
        return NULL;
}

void exchange_end(Exchange *exchange) {
        Origin *origin = exchange->origin;
        CURL *easy = exchange->easy;

        if (endpoint_method(exchange->question.operation) != METHOD_GET) {
                exchange_free(exchange);
                return;
        }
        LIST_REMOVE(exchange, link);
        buffer_clear(&exchange->answer);
        *exchange = (Exchange){ .origin = origin, .easy = easy, .answer = exchange->answer };
        LIST_INSERT_HEAD(&origin->idle, exchange, link);
}
