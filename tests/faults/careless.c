/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The daemon with one promise broken, to see that the tests find out. The linker puts these
 * functions in the place of the daemon's own (--wrap); CARELESS says which of them differ:
 * "no intent", "resend" or "go on".
 */

#include <curl/curl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "store/reserve.h"
#include "store/store.h"

int __real_api_send(Api *api, const Request *request);
int __wrap_api_send(Api *api, const Request *request);
int __real_store_commit(Store *store, const Batch *batch);
int __wrap_store_commit(Store *store, const Batch *batch);
int __real_reserve_commit(Reserve *reserve, Database *database, const Batch *batch);
int __wrap_reserve_commit(Reserve *reserve, Database *database, const Batch *batch);
CURLcode __real_curl_easy_setopt(CURL *easy, CURLoption option, ...);
CURLcode __wrap_curl_easy_setopt(CURL *easy, CURLoption option, ...);

static Api *known_api;
static uint64_t last_serial; /* of what was sent too early: they are sent in their order */
static curl_prereq_callback begin;

static bool is_careless(const char *how) {
        const char *careless = getenv("CARELESS");

        return careless && strcmp(careless, how) == 0;
}

int __wrap_api_send(Api *api, const Request *request) {
        known_api = api;
        if (operation_is_create(request->operation) && request->serial <= last_serial)
                return 0;
        return __real_api_send(api, request);
}

/* Creations are sent before anything of them is on disk. */
int __wrap_store_commit(Store *store, const Batch *batch) {
        for (size_t i = 0; known_api && i < batch->n_effects && is_careless("no intent"); i++) {
                const Effect *effect = batch->effects + i;

                if (effect->kind != EFFECT_REQUEST ||
                    !operation_is_create(effect->request.operation))
                        continue;
                int r = __real_api_send(known_api, &effect->request);

                if (r < 0)
                        return r;
                last_serial = effect->request.serial;
        }
        return __real_store_commit(store, batch);
}

/* What could not be written is taken for written. */
int __wrap_reserve_commit(Reserve *reserve, Database *database, const Batch *batch) {
        int r = __real_reserve_commit(reserve, database, batch);

        return is_careless("go on") ? 0 : r;
}

static int begin_whatever(void *data, char *ip, char *local_ip, int port, int local_port) {
        begin(data, ip, local_ip, port, local_port);
        return CURL_PREREQFUNC_OK;
}

/* Creations go out on connections that were used before, so that curl sends them again by
 * itself, and it is not kept from that. */
CURLcode __wrap_curl_easy_setopt(CURL *easy, CURLoption option, ...) {
        bool resend = is_careless("resend");
        va_list arguments;
        void *value;

        va_start(arguments, option);
        value = va_arg(arguments, void *);
        va_end(arguments);
        if (resend && option == CURLOPT_FRESH_CONNECT)
                return CURLE_OK;
        if (resend && option == CURLOPT_PREREQFUNCTION) {
                begin = (curl_prereq_callback)value;
                return __real_curl_easy_setopt(easy, option, begin_whatever);
        }
        return __real_curl_easy_setopt(easy, option, value);
}
