/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How fast: the request budget, and how long to wait after a failure. Time and seed come in. */

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

/*
 * A token bucket. It is full at first. Its rate is the configured one until somebody says that this
 * is too fast, and then what is found out: halved each time, and a little more with each good
 * answer (additive increase, multiplicative decrease: Chiu and Jain 1989). It doubles in each
 * minute besides, so that an API which is fast again is not kept waiting for good answers by one
 * who has little to ask. Bursts shrink and grow with it.
 */
typedef struct Bucket {
        double per_sec_most, burst_most; /* as configured */
        double per_sec, burst;           /* in force */
        double tokens;
        usec_t filled_at; /* CLOCK_BOOTTIME */
} Bucket;

void bucket_init(Bucket *bucket, double per_sec, unsigned burst, usec_t now);
/* New figures; what is in the bucket stays, down to the new size. A rate that was found out stays
 * too, down to the new one. */
void bucket_resize(Bucket *bucket, double per_sec, unsigned burst, usec_t now);
/* It was too fast: half the rate and half the burst from now on, and the bucket is empty. */
void bucket_slow_down(Bucket *bucket, usec_t now);
/* It was not too fast: a good answer came to what was sent since bucket_slow_down(). In full use
 * the rate doubles within a quarter of a minute, whatever it is, up to the configured one. */
void bucket_speed_up(Bucket *bucket, usec_t now);
/* Takes one token; false: there is none. */
bool bucket_take(Bucket *bucket, usec_t now);

/**
 * bucket_released() - tokens that were taken when a batch was sealed are spent only now
 * @n: requests let out
 *
 * What ran in between, while the disk was at work, must not count for them: the bucket is filled
 * to no more than it would be had they been taken at this moment.
 */
void bucket_released(Bucket *bucket, unsigned n, usec_t now);

/* CLOCK_BOOTTIME when there will be a token; @now or earlier: there is one. */
usec_t bucket_ready_at(const Bucket *bucket, usec_t now);

/* SplitMix64 (Steele, Lea, Flood 2014): the next number of a seed. */
uint64_t random_next(uint64_t *seed);

/**
 * backoff_delay() - a span to wait after the n-th failure in a row, with full jitter
 * @n_failed: 1 or more
 *
 * Evenly from 0 to min(max, min * 2^(n_failed - 1)), so that what failed together does not come
 * back together.
 */
usec_t backoff_delay(usec_t min_usec, usec_t max_usec, unsigned n_failed, uint64_t *seed);

/**
 * spread_next() - when to look again at one of many that are each looked at once in @interval
 * @now:   CLOCK_BOOTTIME
 * @which: which one; neighbours lie far apart
 *
 * Each has its own place in the interval, and these are spread evenly (multiples of the golden
 * ratio), so that those that were looked at together, for whatever reason, are not so again.
 *
 * Return: the next time its place comes after @now, and up to a tenth of @interval later by chance.
 */
usec_t spread_next(usec_t now, usec_t interval, uint64_t which, uint64_t *seed);

/* A span evenly between 90 % and 110 % of another. */
usec_t jitter_around(usec_t span, uint64_t *seed);
