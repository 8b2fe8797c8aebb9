/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/quota.h"

static int exceeded(sd_bus_error *error, const char *key, unsigned max, const char *what) {
        return sd_bus_error_setf(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
                                 "%s: this user has %u %s already.", key, max, what);
}

bool quota_binds(const Quota *quota, uint32_t uid) {
        return quota->enforced && uid != 0;
}

bool quota_lets_wait(const Quota *quota, uint32_t uid, unsigned n_calls) {
        return !quota_binds(quota, uid) || n_calls < quota->calls_max;
}

int quota_check_calls(const Quota *quota, uint32_t uid, unsigned n_calls, sd_bus_error *error) {
        if (quota_lets_wait(quota, uid, n_calls))
                return 0;
        return exceeded(error, "MaxCallsPerUser", quota->calls_max, "calls without an answer");
}

/* Whether it makes an object. */
static bool makes(IntentKind kind) {
        return kind == INTENT_CREATE || kind == INTENT_ADOPT;
}

int quota_check(const Quota *quota, const Core *core, uint32_t uid, IntentKind kind,
                unsigned n_calls, sd_bus_error *error) {
        OwnerCounts counts;

        if (!quota_binds(quota, uid) || kind == INTENT_DELETE)
                return 0;
        if (kind == INTENT_REFRESH)
                return quota_check_calls(quota, uid, n_calls, error);

        counts = core_owner_counts(core, uid);
        if (makes(kind) && counts.n_objects >= quota->objects_max)
                return exceeded(error, "MaxObjectsPerUser", quota->objects_max, "objects");
        if (counts.n_pending >= quota->pending_max)
                return exceeded(error, "MaxPendingPerUser", quota->pending_max,
                                "objects that are not in sync");
        return quota_check_calls(quota, uid, n_calls, error);
}
