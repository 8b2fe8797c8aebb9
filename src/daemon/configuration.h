/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The configuration: a file and its drop-ins. convened.conf(5) says what the keys mean. */

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/time.h"

typedef struct Configuration {
        char *base_url;         /* no slash at the end */
        bool base_url_is_clear; /* http://, to this machine */
        char *account_id;
        char *credentials_file; /* strings are never NULL; empty: none */
        char *ca_file;
        char *proxy;
        bool proxy_is_loopback;
        usec_t connect_timeout_usec, request_timeout_usec;
        unsigned requests_max;
        double requests_per_sec;
        unsigned request_burst;

        usec_t resync_interval_usec;
        usec_t retry_min_usec, retry_max_usec;
        unsigned create_repeats;
        bool drift_is_enforced;

        usec_t reply_timeout_usec;
        unsigned objects_per_user_max, pending_per_user_max, calls_per_user_max;
        unsigned managed_objects_max;
} Configuration;

/* Something in a file that is passed over; one sentence that names file and line. */
typedef void (*ConfigurationWarning)(const char *text);

/**
 * configuration_load() - defaults, the file, and its drop-ins
 * @path:       the drop-ins are convened.conf.d/ beside it, "*.conf" in the order of their names
 * @required:   whether the file itself must be there
 * @ret_reason: set where REFUSED is returned: file, line, key, and what would be right. No value
 *              stands in it, as it might be a secret at the wrong place
 *
 * Return: 0; REFUSED: it can't be used; -ENOMEM.
 */
int configuration_load(Configuration **ret, const char *path, bool required,
                       ConfigurationWarning warn, char **ret_reason);

/**
 * configuration_may_follow() - whether a daemon that runs may change over to another configuration
 * @path:       of the file, for people
 * @ret_reason: set where REFUSED is returned; no value stands in it
 *
 * The state, and all that runs on it, belongs to one BaseUrl and one AccountId.
 *
 * Return: 0; REFUSED; -ENOMEM.
 */
int configuration_may_follow(const Configuration *configuration, const Configuration *before,
                             const char *path, char **ret_reason);
Configuration *configuration_free(Configuration *configuration);

DEFINE_CLEANUP(Configuration, configuration_free);
