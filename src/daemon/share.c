/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/share.h"

CoreConfig share_of_core(const Configuration *configuration) {
        return (CoreConfig){
                .requests_max = configuration->requests_max,
                .requests_per_sec = configuration->requests_per_sec,
                .request_burst = configuration->request_burst,
                .resync_interval_usec = configuration->resync_interval_usec,
                .retry_min_usec = configuration->retry_min_usec,
                .retry_max_usec = configuration->retry_max_usec,
                .reply_timeout_usec = configuration->reply_timeout_usec,
                .create_repeats = configuration->create_repeats,
                .enforce = configuration->drift_is_enforced,
        };
}

static const char *text_or_null(const char *text) {
        return *text != '\0' ? text : NULL;
}

ApiConfig share_of_api(const Configuration *configuration, const Credentials *credentials) {
        return (ApiConfig){
                .base_url = configuration->base_url,
                .account_id = configuration->account_id,
                .user = credentials ? credentials->user : NULL,
                .password = credentials ? credentials->password : NULL,
                .ca_file = text_or_null(configuration->ca_file),
                .proxy = text_or_null(configuration->proxy),
                .connect_timeout_usec = configuration->connect_timeout_usec,
                .request_timeout_usec = configuration->request_timeout_usec,
                .connections_max = configuration->requests_max,
        };
}

BusConfig share_of_bus(const Configuration *configuration, bool system) {
        return (BusConfig){
                .system = system,
                .version = PACKAGE_VERSION,
                .account_id = configuration->account_id,
                .base_url = configuration->base_url,
                .objects_max = configuration->managed_objects_max,
                .objects_per_user_max = configuration->objects_per_user_max,
                .pending_per_user_max = configuration->pending_per_user_max,
                .calls_per_user_max = configuration->calls_per_user_max,
        };
}
