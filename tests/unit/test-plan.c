/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/unit.h"

#include "core/plan.h"

#define THERE .has_id = true
#define JOINS THERE, .open[MEMBERSHIP] = true, .open[SUBSCRIPTIONS] = true

static const struct {
        const char *name;
        Facts facts;
        StepKind expect;
} cases[] = {
        { "wanted, not there", { .open[BEING] = true }, STEP_CREATE },
        { "the same, under way", { .open[BEING] = true, .in_flight = true }, STEP_WAIT },
        { "the same, too early", { .open[BEING] = true, .backing_off = true }, STEP_WAIT },
        { "never made, wanted gone", { .gone = true }, STEP_FORGET },
        { "the same, too early", { .gone = true, .backing_off = true }, STEP_FORGET },
        { "being made, wanted gone", { .gone = true, .in_flight = true }, STEP_WAIT },
        { "failed", { .failed = true }, STEP_WAIT },
        { "failed, wanted gone", { .failed = true, .gone = true }, STEP_FORGET },
        { "there, wanted gone", { THERE, .gone = true }, STEP_DELETE },
        { "there, wanted gone, being read", { THERE, .gone = true, .reading = true }, STEP_DELETE },
        { "at rest", { THERE }, STEP_WAIT },
        { "at rest, time to look", { THERE, .look = true }, STEP_LOOK },
        { "looking", { THERE, .look = true, .reading = true }, STEP_WAIT },
        { "no id, time to look", { .failed = true, .look = true }, STEP_WAIT },
        { "subscriptions to look at",
          { THERE, .look_subscriptions = true },
          STEP_LOOK_SUBSCRIPTIONS },
        { "join", { JOINS, .wish = WISH_READY }, STEP_JOIN },
        { "join, session not there", { JOINS, .wish = WISH_BLOCKED }, STEP_WAIT },
        { "blocked, time to look", { JOINS, .wish = WISH_BLOCKED, .look = true }, STEP_LOOK },
        { "failing, time to look",
          { JOINS, .wish = WISH_READY, .backing_off = true, .look = true },
          STEP_LOOK },
        { "join, not sure where", { JOINS, .wish = WISH_READY, .must_read = true }, STEP_READ },
        { "not sure, being read",
          { JOINS, .wish = WISH_READY, .must_read = true, .reading = true },
          STEP_WAIT },
        { "join again where it may be",
          { JOINS, .wish = WISH_READY, .whereabouts = WHEREABOUTS_SAME },
          STEP_JOIN },
        { "move: leave first",
          { JOINS, .wish = WISH_READY, .whereabouts = WHEREABOUTS_ELSEWHERE },
          STEP_LEAVE },
        { "move to where it is blocked: leave all the same",
          { JOINS, .wish = WISH_BLOCKED, .whereabouts = WHEREABOUTS_ELSEWHERE },
          STEP_LEAVE },
        { "leave",
          { JOINS, .wish = WISH_NOWHERE, .whereabouts = WHEREABOUTS_ELSEWHERE },
          STEP_LEAVE },
        { "leave, nothing known to leave", { JOINS, .wish = WISH_NOWHERE }, STEP_READ },
        { "subscribe",
          { THERE, .open[SUBSCRIPTIONS] = true, .wish = WISH_READY, .publishers_ready = true },
          STEP_SUBSCRIBE },
        { "subscribe, a publisher is missing",
          { THERE, .open[SUBSCRIPTIONS] = true, .wish = WISH_READY },
          STEP_WAIT },
        { "membership before subscriptions",
          { JOINS, .wish = WISH_READY, .publishers_ready = true },
          STEP_JOIN },
        { "of a copy: read before it is deleted",
          { JOINS, .gone = true, .unread = true, .must_read = true },
          STEP_READ },
        { "of a copy: others read it", { JOINS, .gone = true, .unread = true }, STEP_WAIT },
        { "of a copy, given up before it was made",
          { .gone = true, .unread = true, .open[BEING] = true },
          STEP_FORGET },
        { "delete before everything else",
          { JOINS, .gone = true, .must_read = true, .look = true, .wish = WISH_READY },
          STEP_DELETE },
};

static void test_cases(void **state) {
        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                StepKind step = plan_next(&cases[i].facts);

                if (step != cases[i].expect)
                        fail_msg("%s: %s instead of %s", cases[i].name, step_name(step),
                                 step_name(cases[i].expect));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cases),
        };

        return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
