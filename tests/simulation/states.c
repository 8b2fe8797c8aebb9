/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulation/states.h"

#include <stdio.h>

#include "core/plan.h"

StepKind __real_plan_next(const Facts *facts);
StepKind __wrap_plan_next(const Facts *facts);

static uint64_t counts[N_STATES];

static const char *const situation_names[_SITUATION_MAX] = {
        [SITUATION_NOT_MADE] = "not made",
        [SITUATION_FAILED] = "failed",
        [SITUATION_NEVER_WAS] = "never was",
        [SITUATION_TO_BE_DELETED] = "to be deleted",
        [SITUATION_UNSURE] = "unsure",
        [SITUATION_NOWHERE] = "nowhere",
        [SITUATION_TO_LEAVE] = "to leave",
        [SITUATION_TO_MOVE] = "to move",
        [SITUATION_TO_JOIN] = "to join",
        [SITUATION_TO_REJOIN] = "to rejoin",
        [SITUATION_NO_PLACE] = "no place",
        [SITUATION_TO_SUBSCRIBE] = "to subscribe",
        [SITUATION_NO_PUBLISHERS] = "no publishers",
        [SITUATION_NOT_TO_SUBSCRIBE] = "not to subscribe",
        [SITUATION_LOOK_SUBSCRIPTIONS] = "look at subscriptions",
        [SITUATION_LOOK] = "look",
        [SITUATION_REST] = "rest",
};

static const char *const hindrance_names[_HINDRANCE_MAX] = {
        [HINDRANCE_NONE] = "",
        [HINDRANCE_CHANGE] = ", changing",
        [HINDRANCE_BACKOFF] = ", backing off",
        [HINDRANCE_READ] = ", reading",
};

const char *state_name(unsigned state) {
        static char name[64];

        (void)snprintf(name, sizeof(name), "%s%s", situation_names[state / _HINDRANCE_MAX],
                       hindrance_names[state % _HINDRANCE_MAX]);
        return name;
}

bool state_is_met(unsigned state) {
        const Hindrance hindrance = state % _HINDRANCE_MAX;

        switch ((Situation)(state / _HINDRANCE_MAX)) {
        case SITUATION_NOT_MADE: /* nothing without an id can be read */
                return hindrance != HINDRANCE_READ;
        case SITUATION_FAILED: /* nor is anything tried */
                return hindrance == HINDRANCE_NONE;
        case SITUATION_NEVER_WAS: /* a new wish, such as a delete, waits for nothing */
                return hindrance == HINDRANCE_NONE || hindrance == HINDRANCE_CHANGE;
        case SITUATION_NOWHERE: /* where something is on its way, it is unsure */
                return hindrance != HINDRANCE_CHANGE;
        case SITUATION_LOOK_SUBSCRIPTIONS: /* a change has just been agreed on */
                return hindrance == HINDRANCE_NONE || hindrance == HINDRANCE_READ;
        case SITUATION_LOOK: /* whatever changes is not agreed on */
        case SITUATION_REST:
                return hindrance != HINDRANCE_CHANGE;
        case SITUATION_TO_BE_DELETED:
        case SITUATION_UNSURE:
        case SITUATION_TO_LEAVE:
        case SITUATION_TO_MOVE:
        case SITUATION_TO_JOIN:
        case SITUATION_TO_REJOIN:
        case SITUATION_NO_PLACE:
        case SITUATION_TO_SUBSCRIBE:
        case SITUATION_NO_PUBLISHERS:
        case SITUATION_NOT_TO_SUBSCRIBE:
        case _SITUATION_MAX:
                break;
        }
        return true;
}

uint64_t state_count(unsigned state) {
        return counts[state];
}

const char *situation_name(unsigned situation) {
        return situation_names[situation];
}

uint64_t situation_count(unsigned situation) {
        uint64_t n = 0;

        for (unsigned hindrance = 0; hindrance < _HINDRANCE_MAX; hindrance++)
                n += counts[situation * _HINDRANCE_MAX + hindrance];
        return n;
}

static Situation situation_of_membership(const Facts *facts) {
        if (facts->wish == WISH_NOWHERE)
                return facts->whereabouts == WHEREABOUTS_NOWHERE ? SITUATION_NOWHERE
                                                                 : SITUATION_TO_LEAVE;
        if (facts->whereabouts == WHEREABOUTS_ELSEWHERE)
                return SITUATION_TO_MOVE;
        if (facts->wish == WISH_BLOCKED)
                return SITUATION_NO_PLACE;
        return facts->whereabouts == WHEREABOUTS_SAME ? SITUATION_TO_REJOIN : SITUATION_TO_JOIN;
}

static Situation situation_at_rest(const Facts *facts) {
        if (facts->look_subscriptions)
                return SITUATION_LOOK_SUBSCRIPTIONS;
        return facts->look ? SITUATION_LOOK : SITUATION_REST;
}

static Situation situation_of(const Facts *facts) {
        if (!facts->has_id && facts->gone)
                return SITUATION_NEVER_WAS;
        if (!facts->has_id)
                return facts->failed ? SITUATION_FAILED : SITUATION_NOT_MADE;
        if (facts->gone)
                return SITUATION_TO_BE_DELETED;
        if (facts->must_read)
                return SITUATION_UNSURE;
        if (facts->open[MEMBERSHIP])
                return situation_of_membership(facts);
        if (!facts->open[SUBSCRIPTIONS])
                return situation_at_rest(facts);
        if (facts->wish != WISH_READY)
                return SITUATION_NOT_TO_SUBSCRIBE;
        return facts->publishers_ready ? SITUATION_TO_SUBSCRIBE : SITUATION_NO_PUBLISHERS;
}

static Hindrance hindrance_of(const Facts *facts) {
        if (facts->in_flight)
                return HINDRANCE_CHANGE;
        if (facts->backing_off)
                return HINDRANCE_BACKOFF;
        return facts->reading ? HINDRANCE_READ : HINDRANCE_NONE;
}

StepKind __wrap_plan_next(const Facts *facts) {
        counts[situation_of(facts) * _HINDRANCE_MAX + hindrance_of(facts)]++;
        return __real_plan_next(facts);
}
