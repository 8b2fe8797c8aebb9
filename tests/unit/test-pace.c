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

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_bucket),
                cmocka_unit_test(test_bucket_released),
                cmocka_unit_test(test_backoff),
        };

        return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
