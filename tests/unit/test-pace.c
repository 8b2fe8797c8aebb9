/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/unit.h"

#include "core/pace.h"

static void test_bucket(void **state) {
        Bucket bucket;
        usec_t now = USEC_PER_HOUR;

        (void)state;
        bucket_init(&bucket, 20, 40, now);
        for (unsigned i = 0; i < 40; i++)
                assert_true(bucket_take(&bucket, now));
        assert_false(bucket_take(&bucket, now));

        usec_t at = bucket_ready_at(&bucket, now);
        assert_in_range(at, now + USEC_PER_SEC / 20, now + USEC_PER_SEC / 20 + 2);
        assert_false(bucket_take(&bucket, at - 10));
        assert_true(bucket_take(&bucket, at));

        /* An hour fills it to the brim and no further. */
        now = at + USEC_PER_HOUR;
        for (unsigned i = 0; i < 40; i++)
                assert_true(bucket_take(&bucket, now));
        assert_false(bucket_take(&bucket, now));
}

/* What is let out late counts as spent late: a slow disk does not make the burst twice as large. */
static void test_bucket_released(void **state) {
        Bucket bucket;
        usec_t now = USEC_PER_HOUR;
        unsigned n = 0;

        (void)state;
        bucket_init(&bucket, 20, 40, now);
        for (unsigned i = 0; i < 30; i++)
                assert_true(bucket_take(&bucket, now));
        now += 10 * USEC_PER_SEC;
        bucket_released(&bucket, 30, now);
        while (bucket_take(&bucket, now))
                n++;
        assert_int_equal(n, 10);
}

/* Half of it each time that it was too fast, but not down to nothing; and never more than
 * before. */
static void test_bucket_slow_down(void **state) {
        Bucket bucket;
        usec_t now = USEC_PER_HOUR;

        (void)state;
        bucket_init(&bucket, 20, 40, now);
        bucket_slow_down(&bucket, now);
        assert_true(bucket.per_sec == 10 && bucket.burst == 20);
        assert_false(bucket_take(&bucket, now));
        assert_true(bucket_take(&bucket, now + USEC_PER_SEC / 10));

        now += USEC_PER_HOUR;
        for (unsigned i = 0; i < 20; i++)
                assert_true(bucket_take(&bucket, now));
        assert_false(bucket_take(&bucket, now));

        for (unsigned i = 0; i < 100; i++)
                bucket_slow_down(&bucket, now);
        assert_true(bucket.per_sec == 20.0 / 64 && bucket.burst == 1);
        bucket_released(&bucket, 3, now);
        assert_in_range(bucket_ready_at(&bucket, now), now, now + 64 * USEC_PER_SEC / 20 + 2);

        for (unsigned i = 0; i < 10000; i++)
                bucket_speed_up(&bucket, now);
        assert_true(bucket.per_sec == 20 && bucket.burst == 40);
}

/* In full use it takes a quarter of a minute to twice the rate, at any rate. */
static void test_bucket_speed_up(void **state) {
        static const double rates[] = { 640, 20, 2 };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(rates); i++) {
                usec_t begin = USEC_PER_HOUR, now = begin;
                Bucket bucket;

                bucket_init(&bucket, rates[i], 40, now);
                bucket_slow_down(&bucket, now);
                while (bucket.per_sec < rates[i]) {
                        now = bucket_ready_at(&bucket, now);
                        assert_true(bucket_take(&bucket, now));
                        bucket_speed_up(&bucket, now);
                }
                assert_in_range(now - begin, 15 * USEC_PER_SEC, 18 * USEC_PER_SEC);
        }
}

/* ... and a minute where there is nothing to ask. */
static void test_bucket_forget(void **state) {
        usec_t now = USEC_PER_HOUR;
        Bucket bucket;

        (void)state;
        bucket_init(&bucket, 20, 40, now);
        for (unsigned i = 0; i < 4; i++)
                bucket_slow_down(&bucket, now);
        for (double per_sec = 20.0 / 16; per_sec < 20; per_sec *= 2) {
                assert_true(bucket.per_sec == per_sec);
                now += USEC_PER_MIN;
                assert_true(bucket_take(&bucket, now));
        }
        assert_true(bucket.per_sec == 20);
        bucket_slow_down(&bucket, now);
        assert_true(bucket_take(&bucket, now + USEC_PER_HOUR));
        assert_true(bucket.per_sec == 20 && bucket.burst == 40);
}

static void test_bucket_resize(void **state) {
        Bucket bucket;
        usec_t now = USEC_PER_HOUR;

        (void)state;
        bucket_init(&bucket, 20, 40, now);
        bucket_resize(&bucket, 30, 60, now);
        assert_true(bucket.per_sec == 30 && bucket.burst == 60);

        /* What was found out is true of a larger figure too, and no reason to exceed a smaller
         * one. */
        bucket_slow_down(&bucket, now);
        bucket_resize(&bucket, 60, 60, now);
        assert_true(bucket.per_sec == 15 && bucket.burst == 15);
        bucket_resize(&bucket, 10, 5, now);
        assert_true(bucket.per_sec == 10 && bucket.burst == 5);
}

static void test_backoff(void **state) {
        static const struct {
                const char *name;
                unsigned n_failed;
                usec_t most;
        } cases[] = {
                { "first", 1, 500 * USEC_PER_MSEC },
                { "second", 2, USEC_PER_SEC },
                { "fifth", 5, 8 * USEC_PER_SEC },
                { "no further than the most", 20, 300 * USEC_PER_SEC },
                { "however long", UINT32_MAX, 300 * USEC_PER_SEC },
        };
        uint64_t seed = 1;

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                usec_t most = 0, least = USEC_NEVER;

                for (unsigned j = 0; j < 1000; j++) {
                        usec_t delay = backoff_delay(500 * USEC_PER_MSEC, 300 * USEC_PER_SEC,
                                                     cases[i].n_failed, &seed);

                        most = usec_max(most, delay);
                        least = usec_min(least, delay);
                }
                CASE(cases[i].name, most <= cases[i].most);
                CASE(cases[i].name, most > cases[i].most * 9 / 10);
                CASE(cases[i].name, least < cases[i].most / 10);
        }
}

/* Looked at all at once, they are looked at evenly over the time that follows, and every time
 * after. */
static void test_spread(void **state) {
        enum { N = 200, PARTS = 10 };
        const usec_t interval = USEC_PER_MIN, begin = 12345 * USEC_PER_SEC;
        uint64_t seed = 1;
        usec_t at[N];

        (void)state;
        for (unsigned i = 0; i < N; i++)
                at[i] = begin;
        for (unsigned turn = 0; turn < 20; turn++) {
                unsigned n[PARTS] = { 0 };

                for (unsigned i = 0; i < N; i++) {
                        usec_t next = spread_next(at[i], interval, 1000 + i, &seed);

                        assert_true(next > at[i] && next <= at[i] + interval * 11 / 10);
                        if (turn > 0)
                                assert_true(next >= at[i] + interval * 9 / 10);
                        at[i] = next;
                        n[next % interval * PARTS / interval]++;
                }
                for (unsigned i = 0; i < PARTS; i++)
                        assert_in_range(n[i], N / PARTS / 2, N / PARTS * 2);
        }
        /* Soon after the machine began to run, too. */
        assert_in_range(spread_next(0, interval, 1, &seed), 1, interval * 11 / 10);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_bucket),           cmocka_unit_test(test_bucket_released),
                cmocka_unit_test(test_bucket_slow_down), cmocka_unit_test(test_bucket_speed_up),
                cmocka_unit_test(test_bucket_forget),    cmocka_unit_test(test_bucket_resize),
                cmocka_unit_test(test_backoff),          cmocka_unit_test(test_spread),
        };

        return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
