/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulator/exchange.h"

Exchange *exchange_new(const char *target) {
        Exchange *exchange = calloc(1, sizeof(*exchange));

        if (!exchange)
                return NULL;

        exchange->target = strdup(target);
        return exchange->target ? exchange : exchange_free(exchange);
}

Exchange *exchange_free(Exchange *exchange) {
        if (!exchange)
                return NULL;

        reply_deinit(&exchange->reply);
        buffer_deinit(&exchange->body);
        free(exchange->target);
        free(exchange);
        return NULL;
}

void exchange_collect(Exchange *exchange, const char *bytes, size_t n) {
        if (n > BODY_MAX - exchange->body.n) {
                exchange->too_large = true;
                buffer_deinit(&exchange->body);
        }
        if (!exchange->too_large)
                buffer_add(&exchange->body, bytes, n);
}

int exchange_fd(const Exchange *exchange) {
        return MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CONNECTION_FD)
                ->connect_fd;
}

FaultKind exchange_kind(const Exchange *exchange) {
        return exchange->reply.fault ? exchange->reply.fault->kind : _FAULT_KIND_MAX;
}
