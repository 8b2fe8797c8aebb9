/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of cases of the D-Bus contract, read once more and independently. */

#include "simulation/run.h"

#define BIT(outcome) (1U << (outcome))
#define TAKEN        BIT(OUTCOME_DONE)

/* Anything: the contract is silent. */
#define SILENT (BIT(_OUTCOME_MAX) - 1)

/* An object that can be changed. 0: yes. */
static unsigned expect_object(const Run *run, Kind kind, uint64_t number) {
        const Row *row = table_find(&run->seen, kind, number);

        if (!row)
                return kind == KIND_SESSION ? BIT(OUTCOME_NO_SUCH_SESSION)
                                            : BIT(OUTCOME_NO_SUCH_PARTICIPANT);
        if (row->gone)
                return BIT(OUTCOME_CONFLICT);
        if (row->failed)
                return BIT(OUTCOME_CONFLICT) | BIT(OUTCOME_UNAVAILABLE) |
                       BIT(OUTCOME_NO_SUCH_SESSION) | BIT(OUTCOME_NO_SUCH_PARTICIPANT);
        return 0;
}

static unsigned expect_publishers(const Run *run, const Intent *intent, uint64_t session) {
        unsigned expected = 0;

        for (size_t i = 0; i < intent->n_publishers; i++) {
                const uint64_t number = intent->publishers[i].number;
                const Row *row = table_find(&run->seen, KIND_PARTICIPANT, number);

                if (!row)
                        expected |= BIT(OUTCOME_NO_SUCH_PARTICIPANT);
                else if (row->gone || row->failed)
                        expected |= BIT(OUTCOME_INVALID) | BIT(OUTCOME_CONFLICT) | TAKEN;
                else if (!place_in_session(row->wanted, session))
                        expected |= BIT(OUTCOME_INVALID);
        }
        return expected;
}

static size_t n_wanted_members(const Run *run, uint64_t session) {
        size_t n = 0;

        for (size_t i = 0; i < run->seen.n_rows[KIND_PARTICIPANT]; i++)
                if (place_in_session(run->seen.rows[KIND_PARTICIPANT][i].wanted, session))
                        n++;
        return n;
}

/* A new membership. */
static unsigned expect_joining(const Run *run, const Intent *intent) {
        unsigned expected = expect_object(run, KIND_SESSION, intent->session);

        if (expected)
                return expected;
        if (n_wanted_members(run, intent->session) >= SESSION_MEMBERS_MAX)
                expected |= BIT(OUTCOME_SESSION_FULL);
        return expected | expect_publishers(run, intent, intent->session);
}

static unsigned expect_change(const Run *run, const Intent *intent) {
        const Row *row = table_find(&run->seen, KIND_PARTICIPANT, intent->number);
        unsigned expected = expect_object(run, KIND_PARTICIPANT, intent->number);

        if (!row || expected)
                return expected | expect_object(run, KIND_SESSION, intent->session);
        /* Both are methods of the session; one that is being deleted has none but Delete. */
        expected = expect_object(run, KIND_SESSION, intent->session);
        if (place_in_session(row->wanted, intent->session))
                return intent->kind == INTENT_REMOVE
                               ? expected
                               : expected | expect_publishers(run, intent, intent->session);
        if (intent->kind == INTENT_REMOVE)
                return expected | BIT(OUTCOME_CONFLICT);
        expected = expect_joining(run, intent);
        if (row->wanted)
                expected |= BIT(OUTCOME_CONFLICT);
        return expected;
}

static unsigned expect_subscribe(const Run *run, const Intent *intent) {
        const Row *row = table_find(&run->seen, KIND_PARTICIPANT, intent->number);
        unsigned expected = expect_object(run, KIND_PARTICIPANT, intent->number);

        if (!row || expected)
                return expected;
        if (!row->wanted)
                return BIT(OUTCOME_CONFLICT) | expect_publishers(run, intent, 0);
        if (row->wanted->session == 0)
                return SILENT;
        if (expect_object(run, KIND_SESSION, row->wanted->session))
                return SILENT;
        return expect_publishers(run, intent, row->wanted->session);
}

static unsigned expect_adopt(const Run *run, const Intent *intent) {
        const Row *row = table_find_id(&run->seen, intent->object, &intent->id);
        const ApiState state = core_status(run->life.core).api_state;

        if (row)
                return row->gone ? BIT(OUTCOME_CONFLICT) : 0;
        /* Throttled again and again it can be asked between the pauses. */
        if (state == API_STATE_THROTTLED)
                return BIT(OUTCOME_UNAVAILABLE) | TAKEN;
        return state == API_STATE_OFFLINE ? BIT(OUTCOME_UNAVAILABLE) : 0;
}

static unsigned expect_any(const Run *run, const Intent *intent) {
        switch (intent->kind) {
        case INTENT_CREATE:
                return intent->session == 0 ? 0 : expect_joining(run, intent);
        case INTENT_DELETE:
                return table_find(&run->seen, intent->object, intent->number)
                               ? 0
                               : expect_object(run, intent->object, intent->number);
        case INTENT_ADD:
        case INTENT_REMOVE:
                return expect_change(run, intent);
        case INTENT_SUBSCRIBE:
                return expect_subscribe(run, intent);
        case INTENT_REFRESH:
                return expect_object(run, intent->object, intent->number);
        case INTENT_ADOPT:
                return expect_adopt(run, intent);
        case _INTENT_KIND_MAX:
                break;
        }
        return 0;
}

unsigned oracle_expect(const Run *run, const Intent *intent) {
        const CoreStatus status = core_status(run->life.core);
        unsigned expected = expect_any(run, intent);

        if (expected == 0)
                expected = TAKEN;
        /* Without an id there is nothing to ask the API for; that may be said now or in a reply. */
        if (intent->kind == INTENT_REFRESH && status.disk_held)
                return ~0U; /* it may be gone, and nobody can be told yet */
        if (intent->kind == INTENT_REFRESH)
                return expected | BIT(OUTCOME_UNAVAILABLE) | BIT(OUTCOME_UNAUTHORIZED) |
                       BIT(OUTCOME_FORBIDDEN);
        if (status.api_state == API_STATE_UNAUTHORIZED && intent->kind != INTENT_DELETE)
                return (expected & ~TAKEN) | BIT(OUTCOME_UNAUTHORIZED) | BIT(OUTCOME_FORBIDDEN);
        if (status.disk_full && (intent->kind != INTENT_DELETE || status.disk_held))
                return BIT(OUTCOME_STORAGE_FAILED);
        return expected;
}
