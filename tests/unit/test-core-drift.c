/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/bench.h"

/* Drift=enforce: what somebody else changes at the API is put back. */

static void enforce(Bench *bench, bool enforced) {
        CoreConfig config = bench_config;

        config.enforce = enforced;
        core_configure(bench->core, &config, bench->now);
}

static int setup(void **state) {
        int r = bench_setup(state);

        enforce(*state, true);
        return r;
}

/* A look at one participant, which sees it in @session (NULL: in none). */
static void see(Bench *bench, uint64_t number, const char *id, const char *session, Mode mode) {
        Intent refresh = {
                .kind = INTENT_REFRESH, .object = KIND_PARTICIPANT, .number = number, .wait = true
        };

        assert_int_equal(bench_intend(bench, refresh), 0);
        assert_int_equal(bench_operation(bench), OPERATION_GET_PARTICIPANT);
        bench_answer_seen(bench, id, session, mode);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
}

/* What is out now, with a place in @session, is carried out. */
static void carry_out(Bench *bench, Operation operation, const char *session) {
        assert_int_equal(bench_operation(bench), operation);
        assert_string_equal(api_id_text(&bench->requests[0].session), session);
        bench_answer(bench, API_OK);
}

static bool is_at(const Bench *bench, uint64_t number, uint64_t session, Mode mode) {
        const Row *row = bench_row(bench, KIND_PARTICIPANT, number);

        return place_in_session(row->wanted, session) && row->wanted->mode == mode;
}

static void assert_put_back(const Bench *bench, uint64_t number, uint64_t session, Mode mode) {
        const Row *row = bench_row(bench, KIND_PARTICIPANT, number);

        assert_true(row_in_sync(row));
        assert_true(place_equal(row->wanted, row->observed));
        assert_true(is_at(bench, number, session, mode));
        assert_int_equal(row->last_error, OUTCOME_DONE);
}

static void test_membership(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t member = bench_participant(bench, "p1", session, MODE_SESSION);

        see(bench, member, "p1", NULL, MODE_NONE);
        assert_false(row_in_sync(bench_row(bench, KIND_PARTICIPANT, member)));
        assert_true(is_at(bench, member, session, MODE_SESSION));
        assert_int_equal(bench->requests[0].mode, MODE_SESSION);
        carry_out(bench, OPERATION_ADD_PARTICIPANT, "s1");
        assert_put_back(bench, member, session, MODE_SESSION);
        assert_int_equal(bench->n_logs[LOG_EVENT_DRIFT], 1);
}

static void test_moved(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t member = bench_participant(bench, "p1", session, MODE_NONE);

        bench_session(bench, "s2");
        see(bench, member, "p1", "s2", MODE_SESSION);
        carry_out(bench, OPERATION_REMOVE_PARTICIPANT, "s2");
        carry_out(bench, OPERATION_ADD_PARTICIPANT, "s1");
        assert_put_back(bench, member, session, MODE_NONE);
}

static void test_subscriptions(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t member = bench_participant(bench, "p1", session, MODE_NONE);

        see(bench, member, "p1", "s1", MODE_SESSION);
        assert_int_equal(bench->requests[0].mode, MODE_NONE);
        carry_out(bench, OPERATION_UPDATE_SUBSCRIPTIONS, "s1");
        assert_put_back(bench, member, session, MODE_NONE);
}

/* Nobody is pulled out of a session that is not ours. */
static void test_foreign_session(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t member = bench_participant(bench, "p1", session, MODE_NONE);
        const Row *row;
        unsigned n_sent;

        see(bench, member, "p1", "elsewhere", MODE_NONE);
        n_sent = bench->n_sent;
        row = bench_row(bench, KIND_PARTICIPANT, member);
        assert_true(row_in_sync(row));
        assert_string_equal(place_foreign(row->wanted).text, "elsewhere");

        /* Nor is anybody put back there: no user here has ever wanted that. */
        see(bench, member, "p1", NULL, MODE_NONE);
        assert_int_equal(bench->n_sent, n_sent + 1);
        assert_null(bench_row(bench, KIND_PARTICIPANT, member)->wanted);
}

static uint64_t create_outside(Bench *bench, const char *id, const char *token) {
        Intent intent = { .kind = INTENT_CREATE, .object = KIND_PARTICIPANT, .wait = true };
        Answer answer = { .outcome = API_OK, .message = "", .request_id = "", .token = token };

        assert_int_equal(bench_intend(bench, intent), 0);
        assert_true(api_id_set(&answer.id, id));
        answer.serial = bench->requests[--bench->n_requests].serial;
        assert_int_equal(core_answer(bench->core, &answer, bench->now), 0);
        bench_turn(bench);
        return bench_number(bench);
}

/* Created here and put nowhere: that is where it is wanted. */
static void test_nowhere(void **state) {
        Bench *bench = *state;
        uint64_t participant;

        bench_session(bench, "s1");
        bench_pass(bench, USEC_PER_SEC);
        bench_skip_reads(bench);
        participant = create_outside(bench, "p1", "token");
        see(bench, participant, "p1", "s1", MODE_NONE);
        carry_out(bench, OPERATION_REMOVE_PARTICIPANT, "s1");
        assert_null(bench_row(bench, KIND_PARTICIPANT, participant)->wanted);
        assert_null(bench_row(bench, KIND_PARTICIPANT, participant)->observed);
}

/* One that others have made, and that nobody here has placed, goes where its makers want it. */
static void test_stranger(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1"), stranger;
        Sighting sighting = { .mode = MODE_NONE };
        unsigned n_sent;

        assert_true(api_id_set(&sighting.id, "p2") && api_id_set(&sighting.session, "s1"));
        bench_look(bench, session, &sighting, 1);
        assert_non_null(core_find_id(bench->core, KIND_PARTICIPANT, &sighting.id));
        stranger = core_find_id(bench->core, KIND_PARTICIPANT, &sighting.id)->number;
        see(bench, stranger, "p2", "s1", MODE_SESSION);
        n_sent = bench->n_sent;
        assert_true(is_at(bench, stranger, session, MODE_SESSION));
        see(bench, stranger, "p2", NULL, MODE_NONE);
        assert_int_equal(bench->n_sent, n_sent + 1);
        assert_null(bench_row(bench, KIND_PARTICIPANT, stranger)->wanted);
}

/* For so long, each look sees the same. Returns how many changes were sent. */
static unsigned insist(Bench *bench, usec_t span, const char *session, ApiOutcome change) {
        const usec_t until = bench->now.boottime + span;
        Sighting sighting = { .mode = MODE_NONE };
        unsigned n = 0;

        assert_true(api_id_set(&sighting.id, "p1"));
        if (session)
                assert_true(api_id_set(&sighting.session, session));
        while (bench->now.boottime < until) {
                const Operation operation = bench_operation(bench);

                switch (operation) {
                case OPERATION_GET_PARTICIPANT:
                        bench_answer_sightings(bench, &sighting, 1);
                        break;
                case OPERATION_LIST_PARTICIPANTS:
                        bench_answer_sightings(bench, &sighting, session ? 1 : 0);
                        break;
                case OPERATION_GET_SUBSCRIPTIONS:
                        bench_answer_seen(bench, "p1", session, MODE_NONE);
                        break;
                case OPERATION_GET_SESSION:
                        bench_answer(bench, API_OK);
                        break;
                case _OPERATION_MAX:
                        bench_pass(bench, USEC_PER_SEC / 10);
                        break;
                default:
                        n++;
                        bench_answer(bench, change);
                }
        }
        return n;
}

/* Two who want different things change it once in a resync interval, not more often. */
static void test_fight(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        const usec_t interval = bench_config.resync_interval_usec;
        unsigned n;

        bench_participant(bench, "p1", session, MODE_SESSION);
        n = insist(bench, 10 * interval, NULL, API_OK);
        assert_in_range(n, 8, 11);
        n = insist(bench, 10 * interval, "s1", API_OK); /* the subscriptions */
        assert_in_range(n, 8, 11);
}

static const struct {
        const char *name, *seen; /* the session that it is seen in */
        ApiOutcome refusal;
        Outcome error;
} refusals[] = {
        { "a join, by 400", NULL, API_REFUSED, OUTCOME_REJECTED },
        { "a join, by 409: full", NULL, API_CONFLICT, OUTCOME_CONFLICT },
        { "subscriptions, by 400", "s1", API_REFUSED, OUTCOME_REJECTED },
};

/* Refused for good: what is there is taken over, with the reason, and that is the end of it. */
static void test_refused(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(refusals); i++) {
                Bench *bench;
                uint64_t session, member;
                const Row *row;

                assert_int_equal(setup(state), 0);
                bench = *state;
                session = bench_session(bench, "s1");
                member = bench_participant(bench, "p1", session, MODE_SESSION);
                assert_int_equal(insist(bench, 20 * bench_config.resync_interval_usec,
                                        refusals[i].seen, refusals[i].refusal),
                                 1);
                row = bench_row(bench, KIND_PARTICIPANT, member);
                assert_true(row_in_sync(row));
                assert_int_equal(row->last_error, refusals[i].error);
                if (refusals[i].seen)
                        assert_true(is_at(bench, member, session, MODE_NONE));
                else
                        assert_null(row->wanted);
                bench_teardown(state);
        }
}

/* A later intent of a user does not wait for the pace of putting back. */
static void test_intent_goes_first(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t member = bench_participant(bench, "p1", session, MODE_NONE);
        Intent subscribe = { .kind = INTENT_SUBSCRIBE,
                             .object = KIND_PARTICIPANT,
                             .number = member,
                             .mode = MODE_SESSION,
                             .wait = true };

        see(bench, member, "p1", "s1", MODE_SESSION);
        carry_out(bench, OPERATION_UPDATE_SUBSCRIPTIONS, "s1");
        /* The look after it sees that somebody was faster. */
        assert_int_equal(bench_operation(bench), OPERATION_GET_SUBSCRIPTIONS);
        bench_answer_seen(bench, "p1", "s1", MODE_SESSION);
        assert_int_equal(bench->n_requests, 0);
        assert_false(row_in_sync(bench_row(bench, KIND_PARTICIPANT, member)));
        assert_int_equal(bench_intend(bench, subscribe), 0);
        carry_out(bench, OPERATION_UPDATE_SUBSCRIPTIONS, "s1");
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
        assert_put_back(bench, member, session, MODE_SESSION);
}

/* However often that happens: no more than an interval is waited for. */
static void test_intents_make_no_debt(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t member = bench_participant(bench, "p1", session, MODE_SESSION);
        Intent subscribe = { .kind = INTENT_SUBSCRIBE,
                             .object = KIND_PARTICIPANT,
                             .number = member,
                             .mode = MODE_SESSION,
                             .wait = true };

        see(bench, member, "p1", "s1", MODE_NONE);
        for (unsigned i = 0; i < 10; i++) {
                assert_int_equal(bench_intend(bench, subscribe), 0);
                carry_out(bench, OPERATION_UPDATE_SUBSCRIPTIONS, "s1");
                if (bench_operation(bench) == OPERATION_UPDATE_SUBSCRIPTIONS)
                        carry_out(bench, OPERATION_UPDATE_SUBSCRIPTIONS, "s1");
                assert_int_equal(bench_operation(bench), OPERATION_GET_SUBSCRIPTIONS);
                bench_answer_seen(bench, "p1", "s1", MODE_NONE);
        }
        assert_false(row_in_sync(bench_row(bench, KIND_PARTICIPANT, member)));
        assert_in_range(insist(bench, 3 * bench_config.resync_interval_usec, "s1", API_OK), 1, 4);
}

/* What waits for its turn waits no longer when more is found to be put back. */
static void test_more_to_put_back(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t member = bench_participant(bench, "p1", session, MODE_SESSION);
        const usec_t interval = bench_config.resync_interval_usec;

        see(bench, member, "p1", "s1", MODE_NONE);
        carry_out(bench, OPERATION_UPDATE_SUBSCRIPTIONS, "s1");
        bench_answer_seen(bench, "p1", "s1", MODE_NONE);
        bench_pass(bench, interval / 2);
        assert_int_equal(insist(bench, interval / 4, NULL, API_OK), 0);
        see(bench, member, "p1", NULL, MODE_NONE);
        assert_false(row_in_sync(bench_row(bench, KIND_PARTICIPANT, member)));
        assert_int_equal(insist(bench, interval * 2 / 5, NULL, API_OK), 1);
}

/* It was found outside while new subscriptions waited: both are put right. */
static void test_subscriptions_of_one_who_is_out(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t member = bench_participant(bench, "p1", session, MODE_NONE);
        Intent subscribe = { .kind = INTENT_SUBSCRIBE,
                             .object = KIND_PARTICIPANT,
                             .number = member,
                             .mode = MODE_SESSION,
                             .wait = true };

        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, subscribe), 0);
        bench_answer(bench, API_NOT_FOUND);
        while (bench_operation(bench) != OPERATION_ADD_PARTICIPANT) {
                if (bench_operation(bench) == OPERATION_GET_PARTICIPANT)
                        bench_answer_seen(bench, "p1", NULL, MODE_NONE);
                else
                        bench_answer_sightings(bench, NULL, 0);
        }
        carry_out(bench, OPERATION_ADD_PARTICIPANT, "s1");
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
        assert_put_back(bench, member, session, MODE_SESSION);
}

static void test_switched_by_reload(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t member = bench_participant(bench, "p1", session, MODE_SESSION);

        enforce(bench, false);
        see(bench, member, "p1", "s1", MODE_NONE);
        assert_put_back(bench, member, session, MODE_NONE);
        enforce(bench, true);
        see(bench, member, "p1", "s1", MODE_SESSION);
        assert_false(row_in_sync(bench_row(bench, KIND_PARTICIPANT, member)));
        carry_out(bench, OPERATION_UPDATE_SUBSCRIPTIONS, "s1");
        assert_put_back(bench, member, session, MODE_NONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, bench_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_membership),
                TEST(test_moved),
                TEST(test_subscriptions),
                TEST(test_foreign_session),
                TEST(test_nowhere),
                TEST(test_stranger),
                TEST(test_fight),
                cmocka_unit_test(test_refused),
                TEST(test_intent_goes_first),
                TEST(test_intents_make_no_debt),
                TEST(test_more_to_put_back),
                TEST(test_subscriptions_of_one_who_is_out),
                TEST(test_switched_by_reload),
        };

        return cmocka_run_group_tests_name("drift", tests, NULL, NULL);
}
