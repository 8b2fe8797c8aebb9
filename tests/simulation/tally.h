/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What really happened in all runs together. A simulation in which nothing goes wrong proves
 * nothing, so the counts are printed and most of them have a floor. */

#include "core/core.h"
#include "simulation/faults.h"
#include "simulation/room.h"

typedef enum CrashKind {
        CRASH_AT_REST,      /* nothing on its way to the disk */
        CRASH_LOST,         /* a batch on its way, and not there afterwards */
        CRASH_KEPT,         /* a batch on its way, and durable, but nobody heard of it */
        CRASH_AMONG,        /* among the effects of a batch */
        CRASH_AFTER_POST,   /* right after a creation has left */
        CRASH_AFTER_ANSWER, /* an id has arrived; its batch is lost or kept */
        _CRASH_KIND_MAX,
} CrashKind;

typedef enum StrangerKind {
        STRANGER_KILL,
        STRANGER_REMOVE,
        STRANGER_MOVE,
        STRANGER_SUBSCRIBE,
        STRANGER_JOIN, /* a participant that is not in the registry */
        _STRANGER_KIND_MAX,
} StrangerKind;

/* What is answered, as far as the same answer means something else to it. */
typedef enum Question {
        QUESTION_CREATION,
        QUESTION_CHANGE,
        QUESTION_READ,
        QUESTION_LIST,
        QUESTION_PROBE,
        _QUESTION_MAX,
} Question;

/* So many seeds are enough for all states of the deciding function; there are that many in
 * ./check. */
#define SEEDS_FOR_STATES 5000

typedef struct Tally {
        unsigned n_seeds, n_failed;
        double hours;
        uint64_t steps;
        uint64_t intents[_INTENT_KIND_MAX], replies[_OUTCOME_MAX], refusals[_OUTCOME_MAX];
        uint64_t syncs, judged; /* intents whose first answer was known beforehand */
        uint64_t joined[2];     /* deletes that wait for nothing; 1: they are accepted at once */
        uint64_t outcomes[_API_OUTCOME_MAX], faults[_FAULT_MAX], weathers[_WEATHER_MAX];
        uint64_t answers[_QUESTION_MAX][_API_OUTCOME_MAX];
        uint64_t requests[_OPERATION_MAX];
        uint64_t batches, batches_to_disk, overlaps; /* events while a batch was on its way */
        uint64_t crashes[_CRASH_KIND_MAX], stops, reboots;
        uint64_t strangers[_STRANGER_KIND_MAX], expiries;
        uint64_t unknown_outcomes, repeats, repeated_answers, late_answers;
        uint64_t rooms[_ROOM_STATE_MAX], refused_batches[2], taken_back, held;
        uint64_t departures, missed_departures, bereaved;
        uint64_t reloads, put_back;
        uint64_t without_lists, met; /* runs at the API of 2020, and strangers met in them */
        uint64_t offline, cursed, takeovers, fallbacks, adoptions, asked_adoptions, withdrawals;
} Tally;

const char *reply_name(Outcome outcome);
const char *api_outcome_name(ApiOutcome outcome);
const char *intent_name(IntentKind kind);
const char *crash_name(CrashKind kind);

void tally_print(const Tally *tally);
/* Says on stdout what did not happen although it should have. Return: how much. */
unsigned tally_floors(const Tally *tally);
