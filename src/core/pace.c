/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/pace.h"

/* What each good answer adds to a rate that was found out. */
#define STEP_PER_SEC 0.025

/* The time in which such a rate doubles by itself. */
#define DOUBLE_USEC USEC_PER_MIN

/* How often the configured rate is halved at most: six times. */
#define SLOWEST 64

/* As a fraction of 2^64. */
#define GOLDEN_RATIO UINT64_C(0x9e3779b97f4a7c15)

/* Sets the rate in force, within its bounds, and the burst that goes with it. */
static void bucket_set_rate(Bucket *bucket, double per_sec) {
        const double least = bucket->per_sec_most / SLOWEST;

        if (per_sec > bucket->per_sec_most)
                per_sec = bucket->per_sec_most;
        if (per_sec < least)
                per_sec = least;
        bucket->per_sec = per_sec;
        bucket->burst = bucket->burst_most * per_sec / bucket->per_sec_most;
        if (bucket->burst < 1)
                bucket->burst = 1;
        if (bucket->tokens > bucket->burst)
                bucket->tokens = bucket->burst;
}

/* With time a rate that was found out says less and less of the API of now. */
static void bucket_forget(Bucket *bucket, usec_t span) {
        while (span > 0 && bucket->per_sec < bucket->per_sec_most) {
                const usec_t step = usec_min(span, DOUBLE_USEC);

                bucket_set_rate(bucket, bucket->per_sec * (1 + (double)step / DOUBLE_USEC));
                span -= step;
        }
}

static void bucket_fill(Bucket *bucket, usec_t now) {
        if (now <= bucket->filled_at)
                return;
        bucket->tokens += (double)(now - bucket->filled_at) * bucket->per_sec / USEC_PER_SEC;
        if (bucket->tokens > bucket->burst)
                bucket->tokens = bucket->burst;
        bucket_forget(bucket, now - bucket->filled_at);
        bucket->filled_at = now;
}

void bucket_init(Bucket *bucket, double per_sec, unsigned burst, usec_t now) {
        *bucket = (Bucket){ .per_sec_most = per_sec,
                            .burst_most = burst,
                            .per_sec = per_sec,
                            .burst = burst,
                            .tokens = burst,
                            .filled_at = now };
}

void bucket_resize(Bucket *bucket, double per_sec, unsigned burst, usec_t now) {
        bool found_out = bucket->per_sec < bucket->per_sec_most;

        bucket_fill(bucket, now);
        bucket->per_sec_most = per_sec;
        bucket->burst_most = burst;
        bucket_set_rate(bucket, found_out ? bucket->per_sec : per_sec);
}

void bucket_slow_down(Bucket *bucket, usec_t now) {
        bucket_fill(bucket, now);
        bucket_set_rate(bucket, bucket->per_sec / 2);
        bucket->tokens = 0;
}

void bucket_speed_up(Bucket *bucket, usec_t now) {
        bucket_fill(bucket, now);
        bucket_set_rate(bucket, bucket->per_sec + STEP_PER_SEC);
}

bool bucket_take(Bucket *bucket, usec_t now) {
        bucket_fill(bucket, now);
        if (bucket->tokens < 1)
                return false;
        bucket->tokens -= 1;
        return true;
}

void bucket_released(Bucket *bucket, unsigned n, usec_t now) {
        double most = bucket->burst > n ? bucket->burst - n : 0;

        bucket_fill(bucket, now);
        if (bucket->tokens > most)
                bucket->tokens = most;
}

usec_t bucket_ready_at(const Bucket *bucket, usec_t now) {
        Bucket filled = *bucket;

        bucket_fill(&filled, now);
        if (filled.tokens >= 1)
                return now;
        return now + (usec_t)((1 - filled.tokens) * USEC_PER_SEC / filled.per_sec) + 1;
}

uint64_t random_next(uint64_t *seed) {
        uint64_t z = *seed += GOLDEN_RATIO;

        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        return z ^ z >> 31;
}

usec_t backoff_delay(usec_t min_usec, usec_t max_usec, unsigned n_failed, uint64_t *seed) {
        usec_t cap = min_usec;

        for (unsigned i = 1; i < n_failed && cap < max_usec; i++)
                cap *= 2;
        return random_next(seed) % (usec_min(cap, max_usec) + 1);
}

usec_t spread_next(usec_t now, usec_t interval, uint64_t which, uint64_t *seed) {
        const double place = (double)(which * GOLDEN_RATIO) / 0x1p64 * (double)interval;
        const usec_t since = (now + interval - (usec_t)place) % interval;

        return usec_add(now, interval - since + random_next(seed) % (interval / 10 + 1));
}

usec_t jitter_around(usec_t span, uint64_t *seed) {
        return span - span / 10 + random_next(seed) % (span / 5 + 1);
}
