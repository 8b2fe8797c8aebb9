/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/origin.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "api/exchange.h"
#include "base/text.h"

static CURLU *url_free(CURLU *url) {
        curl_url_cleanup(url);
        return NULL;
}

DEFINE_CLEANUP(CURLU, url_free);

static char *curl_string_free(char *text) {
        curl_free(text);
        return NULL;
}

DEFINE_CLEANUP(char, curl_string_free);

static bool url_has(CURLU *url, CURLUPart part) {
        CLEANUP(curl_string_freep) char *text = NULL;

        return curl_url_get(url, part, &text, 0) == CURLUE_OK;
}

/* An absolute http or https URL that is a place and nothing else. */
static int url_check(const char *text, bool *ret_secure) {
        CLEANUP(url_freep) CURLU *url = curl_url();
        CLEANUP(curl_string_freep) char *scheme = NULL;

        if (!url)
                return -ENOMEM;
        if (curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK ||
            curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
                return -EINVAL;
        if (url_has(url, CURLUPART_USER) || url_has(url, CURLUPART_PASSWORD) ||
            url_has(url, CURLUPART_QUERY) || url_has(url, CURLUPART_FRAGMENT))
                return -EINVAL;
        if (!streq(scheme, "https") && !streq(scheme, "http"))
                return -EINVAL;

        *ret_secure = streq(scheme, "https");
        return 0;
}

static int base64_new(char **ret, const unsigned char *data, size_t n) {
        static const char digits[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        char *text = calloc(1, (n + 2) / 3 * 4 + 1), *end = text;

        if (!text)
                return -ENOMEM;
        for (size_t i = 0; i < n; i += 3) {
                unsigned bits = data[i] << 16U;

                bits |= i + 1 < n ? data[i + 1] << 8U : 0;
                bits |= i + 2 < n ? data[i + 2] : 0;
                *end++ = digits[bits >> 18U];
                *end++ = digits[bits >> 12U & 63U];
                *end++ = i + 1 < n ? digits[bits >> 6U & 63U] : '=';
                *end++ = i + 2 < n ? digits[bits & 63U] : '=';
        }
        *ret = text;
        return 0;
}

static int copy_text(char **ret, const char *text) {
        char *copy = NULL;

        if (text) {
                copy = strdup(text);
                if (!copy)
                        return -ENOMEM;
        }
        *ret = copy;
        return 0;
}

static int origin_set_credentials(Origin *origin, const ApiConfig *config) {
        CLEANUP(secret_freep) char *both = NULL;
        int r;

        if (!config->user || !config->password)
                return 0;
        r = copy_text(&origin->user, config->user);
        if (r >= 0)
                r = copy_text(&origin->password, config->password);
        if (r < 0)
                return r;
        if (asprintf(&both, "%s:%s", config->user, config->password) < 0) {
                both = NULL;
                return -ENOMEM;
        }
        return base64_new(&origin->basic, (const unsigned char *)both, strlen(both));
}

static int origin_set_base(Origin *origin, const char *base) {
        int r;

        r = url_check(base, &origin->secure);
        if (r < 0)
                return r;
        r = copy_text(&origin->base, base);
        if (r < 0)
                return r;
        for (size_t n = strlen(origin->base); n > 0 && origin->base[n - 1] == '/'; n--)
                origin->base[n - 1] = 0;
        return 0;
}

/* Rounded up: what is not zero stays so. Zero would be libcurl's own default. */
static int timeout_set(long *ret, usec_t timeout_usec) {
        usec_t timeout_ms = timeout_usec / USEC_PER_MSEC + (timeout_usec % USEC_PER_MSEC > 0);

        if (timeout_usec == 0)
                return -EINVAL;
        *ret = (long)usec_min(timeout_ms, INT_MAX);
        return 0;
}

static int header_add(struct curl_slist **list, const char *header) {
        struct curl_slist *longer = curl_slist_append(*list, header);

        if (!longer)
                return -ENOMEM;
        *list = longer;
        return 0;
}

static int origin_set_headers(Origin *origin) {
        int r;

        r = header_add(&origin->headers, "Accept: application/json");
        if (r >= 0)
                r = header_add(&origin->body_headers, "Accept: application/json");
        if (r >= 0)
                r = header_add(&origin->body_headers, "Content-Type: application/json");
        /* After a 417 libcurl would send the request again. */
        if (r >= 0)
                r = header_add(&origin->body_headers, "Expect:");
        return r;
}

static int origin_set_bounds(Origin *origin, const ApiConfig *config) {
        int r;

        if (config->connections_max == 0 || config->connections_max > INT_MAX)
                return -EINVAL;
        r = timeout_set(&origin->connect_timeout_ms, config->connect_timeout_usec);
        if (r < 0)
                return r;
        return timeout_set(&origin->request_timeout_ms, config->request_timeout_usec);
}

static int origin_set(Origin *origin, const ApiConfig *config) {
        int r;

        if (!config->account_id || !api_id_is_prefix(config->account_id) || !config->base_url)
                return -EINVAL;
        r = origin_set_bounds(origin, config);
        if (r >= 0)
                r = origin_set_base(origin, config->base_url);
        if (r >= 0)
                r = origin_set_credentials(origin, config);
        if (r >= 0)
                r = copy_text(&origin->account, config->account_id);
        if (r >= 0)
                r = copy_text(&origin->ca_file, config->ca_file);
        if (r >= 0)
                r = copy_text(&origin->proxy, config->proxy);
        if (r >= 0)
                r = origin_set_headers(origin);
        return r;
}

int origin_new(Origin **ret, sd_event *event, const ApiConfig *config, HttpHandler handler) {
        CLEANUP(origin_freep) Origin *origin = calloc(1, sizeof(*origin));
        int r;

        if (!origin)
                return -ENOMEM;
        LIST_INIT(&origin->exchanges);
        LIST_INIT(&origin->idle);
        r = origin_set(origin, config);
        if (r < 0)
                return r;
        origin->connections_max = config->connections_max;
        r = http_new(&origin->http, event, config->connections_max, handler);
        if (r < 0)
                return r;
        *ret = TAKE(origin);
        return 0;
}

ApiConfig origin_config(const Origin *origin) {
        return (ApiConfig){
                .base_url = origin->base,
                .account_id = origin->account,
                .user = origin->user,
                .password = origin->password,
                .ca_file = origin->ca_file,
                .proxy = origin->proxy,
                .connect_timeout_usec = (usec_t)origin->connect_timeout_ms * USEC_PER_MSEC,
                .request_timeout_usec = (usec_t)origin->request_timeout_ms * USEC_PER_MSEC,
                .connections_max = origin->connections_max,
        };
}

Origin *origin_free(Origin *origin) {
        if (!origin)
                return NULL;
        while (!LIST_EMPTY(&origin->exchanges))
                exchange_free(LIST_FIRST(&origin->exchanges));
        while (!LIST_EMPTY(&origin->idle))
                exchange_free(LIST_FIRST(&origin->idle));
        http_free(origin->http);
        curl_slist_free_all(origin->headers);
        curl_slist_free_all(origin->body_headers);
        free(origin->base);
        free(origin->account);
        secret_free(origin->user);
        secret_free(origin->password);
        secret_free(origin->basic);
        free(origin->ca_file);
        secret_free(origin->proxy);
        free(origin);
        return NULL;
}

static bool text_holds(const char *text, const char *secret) {
        return secret && *secret && strstr(text, secret);
}

bool origin_is_told_by(const Origin *origin, const char *text) {
        return text_holds(text, origin->password) || text_holds(text, origin->basic);
}
