/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulation/tally.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "simulation/states.h"

static const char *const outcome_names[_OUTCOME_MAX] = {
        [OUTCOME_DONE] = "done",
        [OUTCOME_NO_SUCH_SESSION] = "no-such-session",
        [OUTCOME_NO_SUCH_PARTICIPANT] = "no-such-participant",
        [OUTCOME_REJECTED] = "rejected",
        [OUTCOME_UNAUTHORIZED] = "unauthorized",
        [OUTCOME_FORBIDDEN] = "forbidden",
        [OUTCOME_CONFLICT] = "conflict",
        [OUTCOME_SESSION_FULL] = "session-full",
        [OUTCOME_SUPERSEDED] = "superseded",
        [OUTCOME_UNAVAILABLE] = "unavailable",
        [OUTCOME_UNKNOWN] = "unknown",
        [OUTCOME_NO_TOKEN] = "no-token",
        [OUTCOME_STORAGE_FAILED] = "storage-failed",
        [OUTCOME_INVALID] = "invalid",
};

static const char *const api_outcome_names[_API_OUTCOME_MAX] = {
        [API_OK] = "ok",
        [API_NOT_SENT] = "not-sent",
        [API_NO_ANSWER] = "no-answer",
        [API_NOT_UNDERSTOOD] = "not-understood",
        [API_THROTTLED] = "throttled",
        [API_BROKEN] = "broken",
        [API_REFUSED] = "refused",
        [API_UNAUTHORIZED] = "unauthorized",
        [API_FORBIDDEN] = "forbidden",
        [API_NOT_FOUND] = "not-found",
        [API_CONFLICT] = "conflict",
        [API_REDIRECTED] = "redirected",
};

static const char *const question_names[_QUESTION_MAX] = {
        [QUESTION_CREATION] = "creation", [QUESTION_CHANGE] = "change", [QUESTION_READ] = "read",
        [QUESTION_LIST] = "list",         [QUESTION_PROBE] = "probe",
};

static const char *const joined_names[] = { "unheard", "accepted" };

static const char *const intent_names[_INTENT_KIND_MAX] = {
        [INTENT_CREATE] = "create", [INTENT_DELETE] = "delete",       [INTENT_ADD] = "add",
        [INTENT_REMOVE] = "remove", [INTENT_SUBSCRIBE] = "subscribe", [INTENT_REFRESH] = "refresh",
        [INTENT_ADOPT] = "adopt",
};

static const char *const crash_names[_CRASH_KIND_MAX] = {
        [CRASH_AT_REST] = "at-rest",       [CRASH_LOST] = "batch-lost",
        [CRASH_KEPT] = "batch-kept",       [CRASH_AMONG] = "among-effects",
        [CRASH_AFTER_POST] = "after-post", [CRASH_AFTER_ANSWER] = "after-answer",
};

static const char *const stranger_names[_STRANGER_KIND_MAX] = {
        [STRANGER_KILL] = "delete",        [STRANGER_REMOVE] = "remove",
        [STRANGER_MOVE] = "move",          [STRANGER_SUBSCRIBE] = "subscribe",
        [STRANGER_JOIN] = "join-stranger",
};

static const char *const room_names[_ROOM_STATE_MAX] = {
        [ROOM_ENOUGH] = "enough",
        [ROOM_RESERVE] = "reserve",
        [ROOM_NONE] = "none",
};

const char *reply_name(Outcome outcome) {
        return outcome_names[outcome];
}

const char *api_outcome_name(ApiOutcome outcome) {
        return api_outcome_names[outcome];
}

const char *intent_name(IntentKind kind) {
        return intent_names[kind];
}

const char *crash_name(CrashKind kind) {
        return crash_names[kind];
}

static const char *fault_name_at(unsigned i) {
        return fault_name((Fault)i);
}

static const char *weather_name_at(unsigned i) {
        return weather_name((Weather)i);
}

static const char *operation_name_at(unsigned i) {
        return operation_name((Operation)i);
}

static void print_counts(const char *title, const uint64_t *counts, const char *const *names,
                         const char *(*name)(unsigned), unsigned n) {
        printf("%s:", title);
        for (unsigned i = 0; i < n; i++)
                printf(" %s %" PRIu64, names ? names[i] : name(i), counts[i]);
        printf("\n");
}

static void print_answers(const Tally *tally) {
        for (Question question = 0; question < _QUESTION_MAX; question++) {
                printf("answers to a %s:", question_names[question]);
                for (unsigned i = 0; i < _API_OUTCOME_MAX; i++)
                        printf(" %s %" PRIu64, api_outcome_names[i], tally->answers[question][i]);
                printf("\n");
        }
}

static void print_crashes(const Tally *tally) {
        uint64_t n = 0;

        for (unsigned i = 0; i < _CRASH_KIND_MAX; i++)
                n += tally->crashes[i];
        printf("crashes %" PRIu64 ", reboots %" PRIu64 " of these; clean stops %" PRIu64 "\n", n,
               tally->reboots, tally->stops);
        print_counts("crashes", tally->crashes, crash_names, NULL, _CRASH_KIND_MAX);
}

static void print_states(void) {
        unsigned n_met = 0, n = 0;

        for (unsigned state = 0; state < N_STATES; state++) {
                printf("%s %s %" PRIu64, state > 0 ? ";" : "states:", state_name(state),
                       state_count(state));
                n += state_is_met(state);
                n_met += state_is_met(state) && state_count(state) > 0;
        }
        printf("\nstates of the deciding function reached: %u of %u\n", n_met, n);
}

void tally_print(const Tally *tally) {
        const uint64_t posts = tally->requests[OPERATION_CREATE_PARTICIPANT] +
                               tally->requests[OPERATION_CREATE_SESSION];

        printf("steps %" PRIu64 ", batches %" PRIu64 " (%" PRIu64 " to disk), events while a "
               "batch was on its way %" PRIu64 "\n",
               tally->steps, tally->batches, tally->batches_to_disk, tally->overlaps);
        print_counts("intents", tally->intents, intent_names, NULL, _INTENT_KIND_MAX);
        printf("syncs %" PRIu64 ", intents whose first answer was foretold %" PRIu64 "\n",
               tally->syncs, tally->judged);
        print_counts("joined deletes", tally->joined, joined_names, NULL, ELEMENTSOF(joined_names));
        print_counts("replies", tally->replies, outcome_names, NULL, _OUTCOME_MAX);
        print_counts("refused at once", tally->refusals, outcome_names, NULL, _OUTCOME_MAX);
        print_counts("requests", tally->requests, NULL, operation_name_at, _OPERATION_MAX);
        print_counts("answers", tally->outcomes, api_outcome_names, NULL, _API_OUTCOME_MAX);
        print_answers(tally);
        print_counts("faults", tally->faults, NULL, fault_name_at, _FAULT_MAX);
        print_counts("weathers", tally->weathers, NULL, weather_name_at, _WEATHER_MAX);
        print_crashes(tally);
        print_counts("strangers at the API", tally->strangers, stranger_names, NULL,
                     _STRANGER_KIND_MAX);
        print_counts("room on the disk", tally->rooms, room_names, NULL, _ROOM_STATE_MAX);
        printf("batches without room %" PRIu64 ", vital ones without the reserve %" PRIu64
               ", calls taken back %" PRIu64 ", steps with something held %" PRIu64 "\n",
               tally->refused_batches[0], tally->refused_batches[1], tally->taken_back,
               tally->held);
        printf("POSTs %" PRIu64 ", unknown outcomes %" PRIu64 ", repeats after one %" PRIu64
               ", answers given twice %" PRIu64 ", expired %" PRIu64 "\n",
               posts, tally->unknown_outcomes, tally->repeats, tally->repeated_answers,
               tally->expiries);
        printf("apps that left the bus %" PRIu64 ", while the daemon was down %" PRIu64
               ", objects of theirs %" PRIu64 "\n",
               tally->departures, tally->missed_departures, tally->bereaved);
        printf("Drift= changed %" PRIu64 ", what others changed put back %" PRIu64 "\n",
               tally->reloads, tally->put_back);
        printf("runs at the API of 2020 %" PRIu64 ", strangers met in these %" PRIu64 "\n",
               tally->without_lists, tally->met);
        print_states();
        printf("offline %" PRIu64 " times, taken over %" PRIu64 ", adopted %" PRIu64 " (%" PRIu64
               " were asked for), fallen back %" PRIu64 ", withdrawn %" PRIu64
               ", runs with an object that always fails %" PRIu64 "\n",
               tally->offline, tally->takeovers, tally->adoptions, tally->asked_adoptions,
               tally->fallbacks, tally->withdrawals, tally->cursed);
}

static unsigned floor_of(const char *title, const uint64_t *counts, const char *const *names,
                         const char *(*name)(unsigned), unsigned n) {
        unsigned n_missing = 0;

        for (unsigned i = 0; i < n; i++)
                if (counts[i] == 0) {
                        printf("never happened: %s %s\n", title, names ? names[i] : name(i));
                        n_missing++;
                }
        return n_missing;
}

static unsigned room_floors(const Tally *tally) {
        static const char *const names[] = { "common batch", "vital batch", "call taken back",
                                             "held" };
        const uint64_t counts[] = { tally->refused_batches[0], tally->refused_batches[1],
                                    tally->taken_back, tally->held };

        return floor_of("room on the disk:", tally->rooms, room_names, NULL, _ROOM_STATE_MAX) +
               floor_of("without room:", counts, names, NULL, ELEMENTSOF(counts));
}

/* Whether there is such an answer to such a question. */
static bool answer_is_met(Question question, ApiOutcome outcome) {
        switch (question) {
        case QUESTION_CREATION: /* it names nothing that could be missing */
                return outcome != API_NOT_FOUND;
        case QUESTION_CHANGE: /* 204: there is nothing to understand */
                return outcome != API_NOT_UNDERSTOOD;
        case QUESTION_PROBE: /* what it asks for cannot exist */
                return outcome != API_OK && outcome != API_NOT_UNDERSTOOD;
        case QUESTION_READ:
        case QUESTION_LIST:
        case _QUESTION_MAX:
                break;
        }
        return true;
}

/* Each row of the table of answers, for each kind of request that it tells apart. */
static unsigned answer_floors(const Tally *tally) {
        unsigned n_missing = 0;

        for (Question question = 0; question < _QUESTION_MAX; question++)
                for (ApiOutcome outcome = 0; outcome < _API_OUTCOME_MAX; outcome++) {
                        if (!answer_is_met(question, outcome) || tally->answers[question][outcome])
                                continue;
                        printf("never happened: %s, answered with %s\n", question_names[question],
                               api_outcome_names[outcome]);
                        n_missing++;
                }
        return n_missing;
}

/* The rarest comes once in a few hundred seeds. */
static unsigned state_floors(unsigned n_seeds) {
        unsigned n_missing = 0;

        for (unsigned i = 0; i < _SITUATION_MAX; i++)
                if (situation_count(i) == 0) {
                        printf("never happened: state %s\n", situation_name(i));
                        n_missing++;
                }
        for (unsigned i = 0; n_seeds >= SEEDS_FOR_STATES && i < N_STATES; i++)
                if (state_is_met(i) && state_count(i) == 0) {
                        printf("never happened: state %s\n", state_name(i));
                        n_missing++;
                }
        return n_missing;
}

unsigned tally_floors(const Tally *tally) {
        static const char *const names[] = { "overlaps",
                                             "clean stops",
                                             "reboots",
                                             "unknown outcomes",
                                             "repeats",
                                             "answers twice",
                                             "expiries",
                                             "offline",
                                             "taken over",
                                             "fallen back",
                                             "cursed",
                                             "syncs",
                                             "foretold",
                                             "departures",
                                             "missed departures",
                                             "bereaved",
                                             "adopted",
                                             "reloads",
                                             "put back",
                                             "withdrawn",
                                             "asked for adoption",
                                             "2020",
                                             "strangers met in 2020" };
        const uint64_t counts[] = {
                tally->overlaps,         tally->stops,       tally->reboots,
                tally->unknown_outcomes, tally->repeats,     tally->repeated_answers,
                tally->expiries,         tally->offline,     tally->takeovers,
                tally->fallbacks,        tally->cursed,      tally->syncs,
                tally->judged,           tally->departures,  tally->missed_departures,
                tally->bereaved,         tally->adoptions,   tally->reloads,
                tally->put_back,         tally->withdrawals, tally->asked_adoptions,
                tally->without_lists,    tally->met
        };
        uint64_t replies[_OUTCOME_MAX];
        unsigned n_missing = 0;

        memcpy(replies, tally->replies, sizeof(replies));
        replies[OUTCOME_NO_TOKEN] = 1; /* not the core's */
        replies[OUTCOME_NO_SUCH_PARTICIPANT] += tally->refusals[OUTCOME_NO_SUCH_PARTICIPANT];
        replies[OUTCOME_SESSION_FULL] += tally->refusals[OUTCOME_SESSION_FULL];
        replies[OUTCOME_INVALID] += tally->refusals[OUTCOME_INVALID];

        n_missing += floor_of("", counts, names, NULL, ELEMENTSOF(counts));
        n_missing += floor_of("intent", tally->intents, intent_names, NULL, _INTENT_KIND_MAX);
        n_missing += floor_of("joined delete:", tally->joined, joined_names, NULL,
                              ELEMENTSOF(joined_names));
        n_missing += floor_of("reply", replies, outcome_names, NULL, _OUTCOME_MAX);
        n_missing += floor_of("answer", tally->outcomes, api_outcome_names, NULL, _API_OUTCOME_MAX);
        n_missing += floor_of("request", tally->requests, NULL, operation_name_at, _OPERATION_MAX);
        n_missing += answer_floors(tally);
        n_missing += state_floors(tally->n_seeds);
        n_missing += floor_of("fault", tally->faults, NULL, fault_name_at, _FAULT_MAX);
        n_missing += floor_of("weather", tally->weathers, NULL, weather_name_at, _WEATHER_MAX);
        n_missing += room_floors(tally);
        n_missing += floor_of("crash", tally->crashes, crash_names, NULL, _CRASH_KIND_MAX);
        n_missing +=
                floor_of("stranger", tally->strangers, stranger_names, NULL, _STRANGER_KIND_MAX);
        return n_missing;
}
