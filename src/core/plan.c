/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/plan.h"

static StepKind plan_membership(const Facts *facts) {
        if (facts->wish == WISH_NOWHERE)
                /* Nothing is known to leave; only the API can say that this is so. */
                return facts->whereabouts == WHEREABOUTS_NOWHERE ? STEP_READ : STEP_LEAVE;
        if (facts->whereabouts == WHEREABOUTS_ELSEWHERE)
                return STEP_LEAVE;
        return facts->wish == WISH_READY ? STEP_JOIN : STEP_WAIT;
}

static StepKind plan_change(const Facts *facts) {
        if (!facts->has_id)
                return facts->gone ? STEP_FORGET : facts->failed ? STEP_WAIT : STEP_CREATE;
        if (facts->unread)
                return facts->must_read ? STEP_READ : STEP_WAIT;
        if (facts->gone)
                return STEP_DELETE;
        if (facts->must_read)
                return STEP_READ;
        if (facts->open[MEMBERSHIP])
                return plan_membership(facts);
        if (facts->open[SUBSCRIPTIONS] && facts->wish == WISH_READY && facts->publishers_ready)
                return STEP_SUBSCRIBE;
        return STEP_WAIT;
}

StepKind plan_next(const Facts *facts) {
        StepKind step;

        if (facts->in_flight)
                return STEP_WAIT;

        step = plan_change(facts);
        if (facts->backing_off && step != STEP_FORGET)
                step = STEP_WAIT;
        if (step == STEP_READ && facts->reading)
                return STEP_WAIT;
        if (step != STEP_WAIT || facts->reading || !facts->has_id)
                return step;
        if (facts->look_subscriptions)
                return STEP_LOOK_SUBSCRIPTIONS;
        return facts->look ? STEP_LOOK : STEP_WAIT;
}

const char *step_name(StepKind step) {
        static const char *const names[] = {
                [STEP_WAIT] = "wait",     [STEP_FORGET] = "forget",
                [STEP_CREATE] = "create", [STEP_DELETE] = "delete",
                [STEP_READ] = "read",     [STEP_LEAVE] = "leave",
                [STEP_JOIN] = "join",     [STEP_SUBSCRIBE] = "subscribe",
                [STEP_LOOK] = "look",     [STEP_LOOK_SUBSCRIPTIONS] = "look at subscriptions",
        };

        return names[step];
}

bool step_is_change(StepKind step) {
        switch (step) {
        case STEP_CREATE:
        case STEP_DELETE:
        case STEP_LEAVE:
        case STEP_JOIN:
        case STEP_SUBSCRIBE:
                return true;
        case STEP_WAIT:
        case STEP_FORGET:
        case STEP_READ:
        case STEP_LOOK:
        case STEP_LOOK_SUBSCRIPTIONS:
        case _STEP_MAX:
                return false;
        }
        return false;
}
