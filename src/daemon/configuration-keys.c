/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/configuration-keys.h"

#include <errno.h>

#include "base/text.h"
#include "core/id.h"
#include "daemon/refusal.h"
#include "daemon/value.h"

static void *key_field(const Key *key, Configuration *configuration) {
        return (char *)configuration + key->offset;
}

static int text_replace(char **field, const char *value) {
        char *copy = strdup(value);

        if (!copy)
                return -ENOMEM;

        free(*field);
        *field = copy;
        return 0;
}

static int parse_number(const Key *key, const char *value, Configuration *configuration,
                        char **ret_right) {
        unsigned *field = key_field(key, configuration);
        unsigned number;

        if (!value_number(&number, value) || number < key->min || number > key->max)
                return refusal(ret_right, "expected a whole number from %.0f to %.0f", key->min,
                               key->max);

        *field = number;
        return 0;
}

static int parse_decimal(const Key *key, const char *value, Configuration *configuration,
                         char **ret_right) {
        double *field = key_field(key, configuration);
        double number;

        if (!value_decimal(&number, value) || number < key->min || number > key->max)
                return refusal(ret_right, "expected a number from %g to %.0f, such as 20 or 0.5",
                               key->min, key->max);

        *field = number;
        return 0;
}

static int parse_span(const Key *key, const char *value, Configuration *configuration,
                      char **ret_right) {
        usec_t *field = key_field(key, configuration);
        double usec_per_sec = (double)USEC_PER_SEC;
        usec_t span;

        if (!value_span(&span, value) || (double)span < key->min * usec_per_sec ||
            (double)span > key->max * usec_per_sec)
                return refusal(ret_right,
                               "expected a time from %g to %.0f seconds, such as 5, 0.5 or 2min",
                               key->min, key->max);

        *field = span;
        return 0;
}

static int parse_base_url(const Key *key, const char *value, Configuration *configuration,
                          char **ret_right) {
        CLEANUP(freep) char *url = NULL;
        bool loopback = false, clear;
        int r;

        (void)key;
        r = value_url(&url, value, &loopback);
        if (r < 0)
                return r;

        clear = r == 0 && strncmp(url, "http://", 7) == 0;
        if (r == REFUSED || (!clear && strncmp(url, "https://", 8) != 0))
                return refusal(ret_right, "expected https://HOST[:PORT][/PATH], without user, "
                                          "query or fragment");
        if (clear && !loopback)
                return refusal(ret_right, "http:// is taken only for a loopback address such as "
                                          "127.0.0.1, as it would send the password in the clear; "
                                          "use https://");

        free(configuration->base_url);
        configuration->base_url = TAKE(url);
        configuration->base_url_is_clear = clear;
        return 0;
}

static int parse_proxy(const Key *key, const char *value, Configuration *configuration,
                       char **ret_right) {
        static const char *const schemes[] = { "http://", "https://", "socks5://", "socks5h://" };
        CLEANUP(freep) char *url = NULL;
        bool loopback = false;
        int r;

        (void)key;
        if (*value == '\0') {
                configuration->proxy_is_loopback = false;
                return text_replace(&configuration->proxy, value);
        }

        r = value_url(&url, value, &loopback);
        if (r < 0)
                return r;

        for (size_t i = 0; r == 0 && i < ELEMENTSOF(schemes); i++) {
                if (strncmp(url, schemes[i], strlen(schemes[i])) != 0)
                        continue;
                free(configuration->proxy);
                configuration->proxy = TAKE(url);
                configuration->proxy_is_loopback = loopback;
                return 0;
        }
        return refusal(ret_right, "expected SCHEME://HOST[:PORT] with http, https, socks5 or "
                                  "socks5h as SCHEME and no user in it");
}

static int parse_account_id(const Key *key, const char *value, Configuration *configuration,
                            char **ret_right) {
        ApiId id;

        if (*value != '\0' && !api_id_set(&id, value))
                return refusal(ret_right, "expected the number of the Bandwidth account (1 to 64 "
                                          "letters, digits, '-' or '_')");

        return text_replace(key_field(key, configuration), value);
}

static int parse_path(const Key *key, const char *value, Configuration *configuration,
                      char **ret_right) {
        if (*value != '\0' && (*value != '/' || text_has_controls(value)))
                return refusal(ret_right, "expected an absolute path");

        return text_replace(key_field(key, configuration), value);
}

static int parse_drift(const Key *key, const char *value, Configuration *configuration,
                       char **ret_right) {
        (void)key;
        if (!streq(value, "adopt") && !streq(value, "enforce"))
                return refusal(ret_right, "expected \"adopt\" or \"enforce\"");

        configuration->drift_is_enforced = streq(value, "enforce");
        return 0;
}

#define FIELD(name) offsetof(Configuration, name)

/* Fewer than a file per request would be left of LimitNOFILE=1024 with more than 256 requests. A
 * reply of GetManagedObjects must stay below 32 MiB, with 3 KiB for an object. */
static const Key keys[] = {
        { "Api", "BaseUrl", parse_base_url, 0, 0, 0, "https://api.webrtc.bandwidth.com/v1" },
        { "Api", "AccountId", parse_account_id, FIELD(account_id), 0, 0, "" },
        { "Api", "CredentialsFile", parse_path, FIELD(credentials_file), 0, 0, "" },
        { "Api", "CAFile", parse_path, FIELD(ca_file), 0, 0, "" },
        { "Api", "ConnectTimeoutSec", parse_span, FIELD(connect_timeout_usec), 0.01, 300, "5" },
        { "Api", "RequestTimeoutSec", parse_span, FIELD(request_timeout_usec), 0.01, 600, "30" },
        { "Api", "Proxy", parse_proxy, 0, 0, 0, "" },
        { "Api", "MaxConcurrentRequests", parse_number, FIELD(requests_max), 1, 256, "16" },
        { "Api", "RequestsPerSec", parse_decimal, FIELD(requests_per_sec), 0.01, 100000, "20" },
        { "Api", "RequestBurst", parse_number, FIELD(request_burst), 1, 100000, "40" },

        { "Reconcile", "ResyncIntervalSec", parse_span, FIELD(resync_interval_usec), 0.1, 86400,
          "60" },
        { "Reconcile", "RetryMinSec", parse_span, FIELD(retry_min_usec), 0.001, 86400, "0.5" },
        { "Reconcile", "RetryMaxSec", parse_span, FIELD(retry_max_usec), 0.001, 86400, "300" },
        { "Reconcile", "CreateRepeats", parse_number, FIELD(create_repeats), 0, 100, "2" },
        { "Reconcile", "Drift", parse_drift, 0, 0, 0, "adopt" },

        { "Bus", "ReplyTimeoutSec", parse_span, FIELD(reply_timeout_usec), 1, 20, "10" },
        { "Bus", "MaxObjectsPerUser", parse_number, FIELD(objects_per_user_max), 1, 10000000,
          "100000" },
        { "Bus", "MaxPendingPerUser", parse_number, FIELD(pending_per_user_max), 1, 10000000,
          "1000" },
        { "Bus", "MaxCallsPerUser", parse_number, FIELD(calls_per_user_max), 1, 100000, "256" },
        { "Bus", "MaxManagedObjects", parse_number, FIELD(managed_objects_max), 0, 10000, "4096" },
};

const Key *key_find(const char *section, const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                if (streq(keys[i].section, section) && streq(keys[i].name, name))
                        return &keys[i];
        }
        return NULL;
}

bool key_section_exists(const char *section) {
        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                if (streq(keys[i].section, section))
                        return true;
        }
        return false;
}

int key_set(const Key *key, const char *value, Configuration *configuration, char **ret_right) {
        return key->parse(key, *value == '\0' ? key->fallback : value, configuration, ret_right);
}

int keys_set_defaults(Configuration *configuration) {
        CLEANUP(freep) char *right = NULL;

        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                int r = key_set(&keys[i], "", configuration, &right);

                if (r != 0)
                        return r;
        }
        return 0;
}
