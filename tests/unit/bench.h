/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A core on a bench: a clock that stands still, and whatever the last turns let out. */

#include "unit/unit.h"

#include "core/core.h"

#define BENCH_REQUESTS_MAX 64

/* What the disk of a bench has room for. */
typedef enum BenchRoom { BENCH_ROOM, BENCH_RESERVE, BENCH_FULL } BenchRoom;

typedef struct Bench {
        Core *core;
        Now now;
        uint64_t last_ticket;
        Counters counters; /* durable */
        BenchRoom room;
        unsigned n_refused; /* batches */

        Reply replies[BENCH_REQUESTS_MAX]; /* in the order in which they went out; no messages */
        size_t n_replies;
        Request requests[BENCH_REQUESTS_MAX]; /* unanswered, in order; values only */
        size_t n_requests;
        unsigned n_sent, n_commits, n_logs[_LOG_EVENT_MAX];
        unsigned n_told[_LOG_EVENT_MAX]; /* of these, at the default level or louder */
        int told_level;                  /* the last of them */
        unsigned told_status, told_attempt;
        uint32_t told_owner; /* where it is about a user */
        char told_text[200];
} Bench;

extern const CoreConfig bench_config;

/* cmocka's fixtures: *state becomes a Bench. */
int bench_setup(void **state);
int bench_teardown(void **state);

/* Seals and commits until nothing is left to do at this moment. */
void bench_turn(Bench *bench);
/* Starts a core that was restored. With anything in it the API is asked first, and is there. */
void bench_start(Bench *bench);
/* Lets time pass, and turns. */
void bench_pass(Bench *bench, usec_t span);

/* Hands an intent in, with a plain Spec where it needs one and has none. Returns the outcome; the
 * ticket is bench->last_ticket; @ret_number may be NULL. */
int bench_take_in(Bench *bench, Intent intent, uint64_t *ret_number);
/* ... and turns. */
int bench_intend(Bench *bench, Intent intent);
uint64_t bench_number(const Bench *bench);

/* The operation of the oldest unanswered request, _OPERATION_MAX: none. */
Operation bench_operation(const Bench *bench);
/* Answers the oldest unanswered request, and turns. */
void bench_answer(Bench *bench, ApiOutcome outcome);
void bench_answer_id(Bench *bench, const char *id);
/* A read of a session; @tag NULL: it has none. */
void bench_answer_session(Bench *bench, const char *id, const char *tag);
/* A read of a participant, or of its subscriptions; @session NULL: in none. */
void bench_answer_seen(Bench *bench, const char *id, const char *session, Mode mode);
/* A read of a session's participants, or of one of them. */
void bench_answer_sightings(Bench *bench, const Sighting *sightings, size_t n);
/* Has a session's participants read, and says that there are these. */
void bench_look(Bench *bench, uint64_t session, const Sighting *sightings, size_t n);
/* A read of a session that tells who is in it, as in 2020; ids with a blank between. */
void bench_answer_members(Bench *bench, const char *ids);
/* Answers whatever reads are out as if all were well (a session: its members as wanted). */
void bench_skip_reads(Bench *bench);

/* What the API says of a participant, without more; @session NULL: in none. */
Sighting bench_sighting(const char *id, const char *session, Mode mode);

/* What became of a ticket; -1: it is still waiting. */
int bench_reply(const Bench *bench, uint64_t ticket);
const Row *bench_row(const Bench *bench, Kind kind, uint64_t number);
const Row *bench_row_of(const Bench *bench, Kind kind, const char *id);

/* A session, or a participant in @session (0: none), confirmed by the API; the number. */
uint64_t bench_session(Bench *bench, const char *id);
uint64_t bench_participant(Bench *bench, const char *id, uint64_t session, Mode mode);
