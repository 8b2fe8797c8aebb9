/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What clients ask for. */

#include "core/core.h"

static inline Intent intent_create(Kind kind, bool wait) {
        return (Intent){ .kind = INTENT_CREATE, .object = kind, .wait = wait };
}

static inline Intent intent_change(IntentKind kind, uint64_t participant, uint64_t session,
                                   bool wait) {
        return (Intent){ .kind = kind,
                         .object = KIND_PARTICIPANT,
                         .number = participant,
                         .session = session,
                         .wait = wait };
}

static inline Intent intent_delete(Kind kind, uint64_t number, bool wait) {
        return (Intent){ .kind = INTENT_DELETE, .object = kind, .number = number, .wait = wait };
}

static inline Intent intent_refresh(Kind kind, uint64_t number) {
        return (Intent){ .kind = INTENT_REFRESH, .object = kind, .number = number };
}

/* These wait for the API. */

static inline Intent intent_add(uint64_t participant, uint64_t session, Mode mode) {
        Intent intent = intent_change(INTENT_ADD, participant, session, true);

        intent.mode = mode;
        return intent;
}

static inline Intent intent_remove(uint64_t participant, uint64_t session) {
        return intent_change(INTENT_REMOVE, participant, session, true);
}

static inline Intent intent_subscribe(uint64_t participant, Mode mode) {
        Intent intent = intent_change(INTENT_SUBSCRIBE, participant, 0, true);

        intent.mode = mode;
        return intent;
}
