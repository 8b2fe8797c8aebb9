/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulator/delivery.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/clock.h"

#define HEAD_ESTIMATE     200 /* bytes, for an answer that has no body to be slow with */
#define CLOSE_FLAGS       (MHD_RF_HTTP_VERSION_1_0_ONLY | MHD_RF_HTTP_VERSION_1_0_RESPONSE)
#define PIECES_PER_SECOND 20

typedef struct MHD_Response Response;

static Response *response_unref(Response *response) {
        MHD_destroy_response(response);
        return NULL;
}

DEFINE_CLEANUP(Response, response_unref);

/* What the reader of a streamed body needs; lives as long as its response. */
typedef struct Stream {
        Exchange *exchange;
        Waiting *waiting;
} Stream;

usec_t delivery_wait(const Exchange *exchange) {
        const Fault *fault = exchange->reply.fault;

        switch (exchange_kind(exchange)) {
        case FAULT_HANG:
                return USEC_NEVER;
        case FAULT_LATENCY:
                return fault->ms * USEC_PER_MSEC;
        case FAULT_SLOW:
                return exchange->reply.answer.body.n > 0
                               ? 0
                               : HEAD_ESTIMATE * USEC_PER_SEC / fault->bytes_per_s;
        case FAULT_STATUS:
        case FAULT_REFUSE:
        case FAULT_RESET:
        case FAULT_REDIRECT:
        case FAULT_DROP:
        case FAULT_TRUNCATE:
        case FAULT_GARBAGE:
        case FAULT_HUGE:
        case FAULT_CHUNKED:
        case FAULT_CLOSE:
        case _FAULT_KIND_MAX:
                break;
        }
        return 0;
}

/* How many bytes may go now; 0 where the next piece has to wait, which is arranged. */
static size_t allowance(const Stream *stream, size_t max) {
        Exchange *exchange = stream->exchange;
        uint64_t rate, piece;
        usec_t now;

        if (exchange_kind(exchange) != FAULT_SLOW)
                return max;

        now = clock_now().boottime;
        if (now < exchange->next_at) {
                waiting_add(stream->waiting, exchange, exchange->next_at);
                return 0;
        }

        rate = exchange->reply.fault->bytes_per_s;
        piece = rate > PIECES_PER_SECOND ? rate / PIECES_PER_SECOND : 1;
        if (piece < max)
                max = (size_t)piece;
        exchange->next_at = now + max * USEC_PER_SEC / rate;
        return max;
}

/* The answer's body, and spaces behind it for as long as it is said to be. */
static ssize_t read_stream(void *userdata, uint64_t position, char *ret, size_t max) {
        Stream *stream = userdata;
        const Exchange *exchange = stream->exchange;
        const Buffer *body = &exchange->reply.answer.body;
        size_t n;

        if (exchange->phase == PHASE_ABORTED)
                return MHD_CONTENT_READER_END_WITH_ERROR;
        if (position >= exchange->n_cut)
                return exchange->n_cut < exchange->n_total ? MHD_CONTENT_READER_END_WITH_ERROR
                                                           : MHD_CONTENT_READER_END_OF_STREAM;

        if (max > exchange->n_cut - position)
                max = exchange->n_cut - (size_t)position;
        max = allowance(stream, max);
        n = position < body->n ? body->n - (size_t)position : 0;
        if (n > max)
                n = max;
        if (n > 0)
                memcpy(ret, body->text + position, n);
        memset(ret + n, ' ', max - n);
        return (ssize_t)max;
}

static Response *stream_response(Exchange *exchange, Waiting *waiting, bool known_size) {
        Stream *stream = malloc(sizeof(*stream));
        Response *response;

        if (!stream)
                return NULL;

        *stream = (Stream){ exchange, waiting };
        response = MHD_create_response_from_callback(
                known_size ? exchange->n_total : MHD_SIZE_UNKNOWN, 4096, read_stream, stream, free);
        if (!response)
                free(stream);
        return response;
}

/* The body is handed over: the exchange has none afterwards. */
static Response *whole_response(Exchange *exchange) {
        size_t n = exchange->reply.answer.body.n;
        char *text = buffer_take(&exchange->reply.answer.body);
        Response *response;

        if (!text)
                return MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);

        response = MHD_create_response_from_buffer(n, text, MHD_RESPMEM_MUST_FREE);
        if (!response)
                free(text);
        return response;
}

static Response *make_response(Exchange *exchange, Waiting *waiting) {
        const Buffer *body = &exchange->reply.answer.body;
        Response *response;

        exchange->n_total = exchange->n_cut = body->n;
        switch (exchange_kind(exchange)) {
        case FAULT_TRUNCATE:
                exchange->n_cut = body->n / 2;
                return stream_response(exchange, waiting, true);
        case FAULT_HUGE:
                if (exchange->reply.fault->bytes > body->n)
                        exchange->n_total = exchange->n_cut = exchange->reply.fault->bytes;
                return stream_response(exchange, waiting, true);
        case FAULT_SLOW:
                return body->n > 0 ? stream_response(exchange, waiting, true)
                                   : whole_response(exchange);
        case FAULT_CHUNKED:
        case FAULT_CLOSE:
                response = body->n > 0 ? stream_response(exchange, waiting, false)
                                       : whole_response(exchange);
                if (response && exchange_kind(exchange) == FAULT_CLOSE)
                        MHD_set_response_options(response, CLOSE_FLAGS, MHD_RO_END);
                return response;
        case FAULT_STATUS:
        case FAULT_REFUSE:
        case FAULT_RESET:
        case FAULT_HANG:
        case FAULT_REDIRECT:
        case FAULT_DROP:
        case FAULT_GARBAGE:
        case FAULT_LATENCY:
        case _FAULT_KIND_MAX:
                break;
        }
        return whole_response(exchange);
}

static void add_fault_headers(Response *response, const Fault *fault) {
        if (fault->retry_after)
                MHD_add_response_header(response, "Retry-After", fault->retry_after);
        if (fault->location)
                MHD_add_response_header(response, "Location", fault->location);
        if (!fault->headers)
                return;

        json_object_object_foreach(fault->headers, name, text)
                MHD_add_response_header(response, name, json_object_get_string(text));
}

static void add_headers(Response *response, const Reply *reply, bool has_body) {
        MHD_add_response_header(response, "x-amzn-RequestId", reply->answer.request_id);
        if (reply->answer.error_type)
                MHD_add_response_header(response, "x-amzn-ErrorType", reply->answer.error_type);
        if (reply->answer.allow)
                MHD_add_response_header(response, "Allow", reply->answer.allow);
        if (reply->fault)
                add_fault_headers(response, reply->fault);
        if (has_body && !MHD_get_response_header(response, "Content-Type"))
                MHD_add_response_header(response, "Content-Type", "application/json");
}

static enum MHD_Result answer(Exchange *exchange, Waiting *waiting) {
        bool has_body = exchange->reply.answer.body.n > 0;
        CLEANUP(response_unrefp) Response *response = make_response(exchange, waiting);

        if (!response)
                return MHD_NO;

        add_headers(response, &exchange->reply, has_body);
        exchange->status = exchange->reply.answer.status;
        return MHD_queue_response(exchange->connection, exchange->status, response);
}

static bool is_encrypted(const Exchange *exchange) {
        return MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_PROTOCOL) != NULL;
}

/* Breaks off an answer without a body in its head; inside TLS that is out of reach: before it. */
static enum MHD_Result cut_head(Exchange *exchange) {
        static const char head[] = "HTTP/1.1 204 No Content\r\nx-amzn-Requ";
        ssize_t n;

        if (is_encrypted(exchange))
                return MHD_NO;

        n = send(exchange_fd(exchange), head, strlen(head), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0)
                exchange->status = exchange->reply.answer.status;
        return MHD_NO;
}

/* Disconnecting a TCP socket resets it; a close would be preceded by libmicrohttpd's own FIN. */
static enum MHD_Result reset(const Exchange *exchange) {
        const struct sockaddr nowhere = { .sa_family = AF_UNSPEC };

        connect(exchange_fd(exchange), &nowhere, sizeof(nowhere));
        return MHD_NO;
}

enum MHD_Result delivery_send(Exchange *exchange, Waiting *waiting) {
        switch (exchange_kind(exchange)) {
        case FAULT_REFUSE:
        case FAULT_DROP:
        case FAULT_HANG:
                return MHD_NO;
        case FAULT_RESET:
                return reset(exchange);
        case FAULT_TRUNCATE:
                if (exchange->reply.answer.body.n == 0)
                        return cut_head(exchange);
                break;
        case FAULT_STATUS:
        case FAULT_REDIRECT:
        case FAULT_GARBAGE:
        case FAULT_SLOW:
        case FAULT_HUGE:
        case FAULT_LATENCY:
        case FAULT_CHUNKED:
        case FAULT_CLOSE:
        case _FAULT_KIND_MAX:
                break;
        }
        return answer(exchange, waiting);
}
