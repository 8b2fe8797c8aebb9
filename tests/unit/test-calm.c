/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/unit.h"

#include "daemon/calm.h"

/* How soon something is done about a network that changes. */

static const usec_t begin = 100 * USEC_PER_HOUR;

static void test_soon(void **state) {
        Calm calm;
        usec_t due;

        (void)state;
        calm_init(&calm);
        assert_false(calm_pass(&calm, begin));
        for (uint64_t chance = 0; chance < 1000000; chance += 9999) {
                calm_init(&calm);
                due = calm_note(&calm, begin, chance);
                assert_true(due >= begin + 200 * USEC_PER_MSEC);
                assert_true(due <= begin + 700 * USEC_PER_MSEC);
        }
        assert_false(calm_pass(&calm, due - 1));
        assert_true(calm_pass(&calm, due));
        assert_false(calm_pass(&calm, due + 1));
}

/* Not all machines at one moment. */
static void test_jitter(void **state) {
        Calm one, two;

        (void)state;
        calm_init(&one);
        calm_init(&two);
        assert_int_not_equal(calm_note(&one, begin, 1), calm_note(&two, begin, 400000));
}

/* What is noted while something is to be done neither hastens nor delays it. */
static void test_burst(void **state) {
        Calm calm;
        usec_t due;

        (void)state;
        calm_init(&calm);
        due = calm_note(&calm, begin, 300000);
        for (usec_t at = begin; at < due; at += USEC_PER_MSEC)
                assert_int_equal(calm_note(&calm, at, at), due);
}

/* How often it is acted upon in a span, where something changes every 100 ms. */
static unsigned flap(Calm *calm, usec_t *now, usec_t span) {
        const usec_t end = *now + span;
        unsigned n = 0;

        for (; *now < end; *now += 100 * USEC_PER_MSEC) {
                calm_note(calm, *now, *now);
                n += calm_pass(calm, *now);
        }
        return n;
}

static void test_flapping(void **state) {
        usec_t now = begin;
        unsigned n;
        Calm calm;

        (void)state;
        calm_init(&calm);
        n = flap(&calm, &now, USEC_PER_MIN);
        assert_in_range(n, 4, 7);
        flap(&calm, &now, 2 * USEC_PER_MIN);
        n = flap(&calm, &now, USEC_PER_HOUR);
        assert_in_range(n, 59, 61);

        /* Once it was quiet for long enough all is as before. */
        calm_pass(&calm, now + USEC_PER_MIN);
        now += 4 * USEC_PER_MIN;
        assert_true(calm_note(&calm, now, 0) <= now + 700 * USEC_PER_MSEC);
}

/* From one network into another: twice within seconds, and soon both times. */
static void test_twice(void **state) {
        Calm calm;
        usec_t due;

        (void)state;
        calm_init(&calm);
        due = calm_note(&calm, begin, 500000);
        assert_true(calm_pass(&calm, due));
        assert_true(calm_note(&calm, due + USEC_PER_SEC, 500000) <= due + 2 * USEC_PER_SEC);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_soon),  cmocka_unit_test(test_jitter),
                cmocka_unit_test(test_burst), cmocka_unit_test(test_flapping),
                cmocka_unit_test(test_twice),
        };

        return cmocka_run_group_tests_name("calm", tests, NULL, NULL);
}
