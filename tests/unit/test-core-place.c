/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/bench.h"
#include "unit/intents.h"
#include "unit/registry.h"

#include <stdio.h>

/* Membership and subscriptions: the table of cases, in its order. */

static void test_join(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t participant = bench_participant(bench, "p1", 0, MODE_NONE);

        assert_int_equal(bench_intend(bench, intent_add(participant, session, MODE_SESSION)), 0);
        assert_int_equal(bench_operation(bench), OPERATION_ADD_PARTICIPANT);
        assert_int_equal(bench->requests[0].mode, MODE_SESSION);
        assert_false(row_in_sync(bench_row(bench, KIND_PARTICIPANT, participant)));
        bench_answer(bench, API_OK);
        assert_true(row_in_sync(bench_row(bench, KIND_PARTICIPANT, participant)));
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
        assert_int_equal(core_member_after(bench->core, session, 0)->number, participant);
        assert_null(core_member_after(bench->core, session, participant));

        /* Where it is already: nothing is asked of the API without keys. */
        unsigned n_sent = bench->n_sent;
        assert_int_equal(bench_intend(bench, intent_add(participant, session, MODE_NONE)), 0);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
        assert_int_equal(bench->n_sent, n_sent);
        assert_int_equal(bench_row(bench, KIND_PARTICIPANT, participant)->wanted->mode,
                         MODE_SESSION);
}

static void test_conflicts(void **state) {
        Bench *bench = *state;
        uint64_t one = bench_session(bench, "s1"), two = bench_session(bench, "s2");
        uint64_t member = bench_participant(bench, "p1", one, MODE_NONE);
        uint64_t alone = bench_participant(bench, "p2", 0, MODE_NONE);
        unsigned n_sent = bench->n_sent;

        assert_int_equal(bench_intend(bench, intent_add(member, two, MODE_NONE)), OUTCOME_CONFLICT);
        assert_int_equal(bench_intend(bench, intent_remove(alone, one)), OUTCOME_CONFLICT);
        assert_int_equal(bench_intend(bench, intent_subscribe(alone, MODE_SESSION)),
                         OUTCOME_CONFLICT);
        assert_int_equal(bench_intend(bench, intent_add(alone, 99, MODE_NONE)),
                         OUTCOME_NO_SUCH_SESSION);
        assert_int_equal(bench_intend(bench, intent_add(99, one, MODE_NONE)),
                         OUTCOME_NO_SUCH_PARTICIPANT);
        assert_int_equal(bench->n_sent, n_sent);
        assert_int_equal(bench->n_replies, 4);
}

static void test_full(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        Intent intent = { .kind = INTENT_CREATE, .object = KIND_PARTICIPANT, .session = session };

        for (unsigned i = 0; i < SESSION_MEMBERS_MAX; i++)
                assert_int_equal(bench_intend(bench, intent), 0);
        assert_int_equal(bench_intend(bench, intent), OUTCOME_SESSION_FULL);
        assert_int_equal(bench_intend(bench, intent_remove(1, session)), 0);
        assert_int_equal(bench_intend(bench, intent), 0);
}

static void test_publishers(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t one = bench_participant(bench, "p1", session, MODE_NONE);
        uint64_t two = bench_participant(bench, "p2", session, MODE_NONE);
        uint64_t alone = bench_participant(bench, "p3", 0, MODE_NONE);
        Publisher publisher = { .number = two };
        Intent intent = intent_subscribe(one, MODE_PARTICIPANTS);

        intent.publishers = &publisher;
        intent.n_publishers = 1;
        assert_int_equal(bench_intend(bench, intent), 0);
        bench_skip_reads(bench);
        assert_int_equal(bench_operation(bench), OPERATION_UPDATE_SUBSCRIPTIONS);
        assert_int_equal(bench->requests[0].n_publishers, 1);
        bench_answer(bench, API_OK);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
        assert_int_equal(bench_operation(bench), OPERATION_GET_SUBSCRIPTIONS);
        bench_answer(bench, API_NO_ANSWER);

        publisher.number = alone;
        assert_int_equal(bench_intend(bench, intent), OUTCOME_INVALID);
        publisher.number = 99;
        assert_int_equal(bench_intend(bench, intent), OUTCOME_NO_SUCH_PARTICIPANT);

        /* The last publisher leaves: nothing is heard any more, and never everybody. */
        assert_int_equal(bench_intend(bench, intent_remove(two, session)), 0);
        assert_int_equal(bench_row(bench, KIND_PARTICIPANT, one)->wanted->mode, MODE_NONE);
        assert_false(row_in_sync(bench_row(bench, KIND_PARTICIPANT, one)));
}

/* Who is heard comes first: whoever hears joins meanwhile, and hears nobody. */
static void test_publisher_first(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t heard = bench_participant(bench, "p1", 0, MODE_NONE);
        uint64_t hearing = bench_participant(bench, "p2", 0, MODE_NONE);
        const Publisher publisher = { .number = heard };
        Intent intent = intent_add(hearing, session, MODE_PARTICIPANTS);

        intent.publishers = &publisher;
        intent.n_publishers = 1;
        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, intent_add(heard, session, MODE_NONE)), 0);
        assert_int_equal(bench_intend(bench, intent), 0);
        assert_int_equal(bench->n_requests, 2);
        assert_int_equal(bench->requests[1].operation, OPERATION_ADD_PARTICIPANT);
        assert_int_equal(bench->requests[1].mode, MODE_NONE);
        assert_int_equal(bench->requests[1].n_publishers, 0);

        const Request first = bench->requests[0];
        bench->requests[0] = bench->requests[1];
        bench->requests[1] = first;
        bench_answer(bench, API_OK);
        for (size_t i = 0; i < bench->n_requests; i++)
                assert_int_not_equal(bench->requests[i].operation, OPERATION_UPDATE_SUBSCRIPTIONS);
        assert_int_equal(bench->requests[0].number, heard);
        bench_answer(bench, API_OK);
        bench_skip_reads(bench);
        assert_int_equal(bench_operation(bench), OPERATION_UPDATE_SUBSCRIPTIONS);
        assert_int_equal(bench->requests[0].number, hearing);
        assert_int_equal(bench->requests[0].n_publishers, 1);
}

/* Who is to leave a full session goes before who needs that place. */
static void test_removal_first(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t joining = bench_participant(bench, "p1", 0, MODE_NONE);
        Sighting seen[SESSION_MEMBERS_MAX];
        char id[8];

        for (unsigned i = 0; i < SESSION_MEMBERS_MAX; i++) {
                (void)snprintf(id, sizeof(id), "x%u", i);
                seen[i] = bench_sighting(id, "s1", MODE_NONE);
        }
        bench_look(bench, session, seen, SESSION_MEMBERS_MAX);
        bench_skip_reads(bench);
        uint64_t leaving = bench_row_of(bench, KIND_PARTICIPANT, "x7")->number;

        assert_int_equal(bench_intend(bench, intent_remove(leaving, session)), 0);
        assert_int_equal(bench_operation(bench), OPERATION_REMOVE_PARTICIPANT);
        assert_int_equal(bench_intend(bench, intent_add(joining, session, MODE_NONE)), 0);
        assert_int_equal(bench->n_requests, 1);
        bench_answer(bench, API_OK);
        assert_int_equal(bench_operation(bench), OPERATION_ADD_PARTICIPANT);
        assert_int_equal(bench->requests[0].number, joining);
}

static void test_refused_membership(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        Intent intent = {
                .kind = INTENT_CREATE, .object = KIND_PARTICIPANT, .session = session, .wait = true
        };

        /* The creator waits: an error, and the participant is deleted again. */
        assert_int_equal(bench_intend(bench, intent), 0);
        bench_answer_id(bench, "p1");
        bench_answer(bench, API_REFUSED);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_REJECTED);
        assert_int_equal(row_state(bench_row(bench, KIND_PARTICIPANT, 1)), STATE_DELETING);
        assert_int_equal(bench_operation(bench), OPERATION_DELETE_PARTICIPANT);
        bench_answer(bench, API_OK);
        assert_null(bench_row(bench, KIND_PARTICIPANT, 1));

        /* The reply has gone: it stays, in no session, and says why. */
        intent.wait = false;
        assert_int_equal(bench_intend(bench, intent), 0);
        bench_answer_id(bench, "p2");
        bench_answer(bench, API_REFUSED);
        const Row *row = bench_row(bench, KIND_PARTICIPANT, 2);
        assert_int_equal(row_state(row), STATE_ACTIVE);
        assert_null(row->wanted);
        assert_int_equal(row->last_error, OUTCOME_REJECTED);
}

/* Each change is looked at once it is confirmed, though a list that was sent before comes after. */
static void test_change_under_a_look(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t member = bench_participant(bench, "p1", session, MODE_NONE);
        uint64_t joins = bench_participant(bench, "p2", 0, MODE_NONE);
        Sighting sightings[] = { bench_sighting("p1", "s1", MODE_NONE),
                                 bench_sighting("p2", "s1", MODE_NONE) };
        Intent refresh = { .kind = INTENT_REFRESH, .object = KIND_SESSION, .number = session };
        Request list;

        bench_pass(bench, USEC_PER_SEC);
        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, refresh), 0);
        assert_int_equal(bench_operation(bench), OPERATION_LIST_PARTICIPANTS);
        assert_int_equal(bench_intend(bench, intent_add(joins, session, MODE_NONE)), 0);
        list = bench->requests[0];
        bench->requests[0] = bench->requests[1];
        bench->requests[1] = list;
        bench_answer(bench, API_OK);
        assert_int_equal(bench->n_requests, 1);
        bench_answer_sightings(bench, sightings, 1);
        assert_int_equal(bench_reply(bench, bench->last_ticket - 1), OUTCOME_DONE);
        bench_pass(bench, USEC_PER_SEC);
        assert_int_equal(bench->n_requests, 1);
        assert_int_equal(bench_operation(bench), OPERATION_LIST_PARTICIPANTS);
        bench_answer_sightings(bench, sightings, 2);
        assert_int_equal(bench_row(bench, KIND_PARTICIPANT, joins)->synced_at,
                         bench_row(bench, KIND_PARTICIPANT, member)->synced_at);

        /* A Refresh meanwhile shares the read that is out, and asks for no other. */
        bench_pass(bench, USEC_PER_SEC);
        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, refresh), 0);
        assert_int_equal(bench_intend(bench, refresh), 0);
        bench_answer_sightings(bench, sightings, 2);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
        bench_pass(bench, USEC_PER_SEC);
        assert_int_equal(bench->n_requests, 0);
}

static void test_superseded(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t member = bench_participant(bench, "p1", session, MODE_NONE);
        uint64_t ticket;

        assert_int_equal(bench_intend(bench, intent_subscribe(member, MODE_SESSION)), 0);
        ticket = bench->last_ticket;
        assert_int_equal(bench_operation(bench), OPERATION_UPDATE_SUBSCRIPTIONS);
        assert_int_equal(bench_intend(bench, intent_subscribe(member, MODE_NONE)), 0);
        assert_int_equal(bench_intend(bench, intent_subscribe(member, MODE_SESSION)), 0);
        assert_int_equal(bench_reply(bench, ticket), -1);
        assert_int_equal(bench_reply(bench, ticket + 1), OUTCOME_SUPERSEDED);
        bench_answer(bench, API_OK);
        assert_int_equal(bench_reply(bench, ticket), OUTCOME_DONE);
        assert_int_equal(bench_reply(bench, ticket + 2), -1);
        assert_int_equal(bench_operation(bench), OPERATION_UPDATE_SUBSCRIPTIONS);
        bench_answer(bench, API_OK);
        assert_int_equal(bench_reply(bench, ticket + 2), OUTCOME_DONE);
}

static void test_join_conflict(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t participant = bench_participant(bench, "p1", 0, MODE_NONE);

        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, intent_add(participant, session, MODE_NONE)), 0);
        bench_answer(bench, API_CONFLICT);
        assert_int_equal(bench_operation(bench), OPERATION_GET_PARTICIPANT);
        bench_answer_seen(bench, "p1", "s1", MODE_NONE);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);

        participant = bench_participant(bench, "p2", 0, MODE_NONE);
        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, intent_add(participant, session, MODE_NONE)), 0);
        bench_answer(bench, API_CONFLICT);
        bench_answer_seen(bench, "p2", "elsewhere", MODE_NONE);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_CONFLICT);
        const Row *row = bench_row(bench, KIND_PARTICIPANT, participant);
        assert_true(row_in_sync(row));
        assert_int_equal(row->wanted->session, 0);
        assert_string_equal(place_foreign(row->wanted).text, "elsewhere");
        assert_int_equal(row->last_error, OUTCOME_CONFLICT);
}

/* A 409 is decided by a read; where something else is wanted by then it decides nothing. */
static void test_join_conflict_and_removal(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t participant = bench_participant(bench, "p1", 0, MODE_NONE);
        uint64_t ticket;

        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, intent_add(participant, session, MODE_NONE)), 0);
        ticket = bench->last_ticket;
        assert_int_equal(bench_operation(bench), OPERATION_ADD_PARTICIPANT);
        bench_answer(bench, API_CONFLICT);
        assert_int_equal(bench_operation(bench), OPERATION_GET_PARTICIPANT);
        assert_int_equal(bench_intend(bench, intent_remove(participant, session)), 0);
        bench_answer_seen(bench, "p1", "s1", MODE_NONE);
        assert_int_equal(bench_reply(bench, ticket), -1);
        assert_int_equal(bench_operation(bench), OPERATION_REMOVE_PARTICIPANT);
        bench_answer(bench, API_OK);
        assert_int_equal(bench_reply(bench, ticket), OUTCOME_DONE);
        assert_int_equal(bench_reply(bench, ticket + 1), OUTCOME_DONE);
}

static void test_drift(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t member = bench_participant(bench, "p1", session, MODE_SESSION);
        Intent refresh = {
                .kind = INTENT_REFRESH, .object = KIND_PARTICIPANT, .number = member, .wait = true
        };

        assert_int_equal(bench_intend(bench, refresh), 0);
        bench_answer_seen(bench, "p1", NULL, MODE_NONE);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
        assert_null(bench_row(bench, KIND_PARTICIPANT, member)->wanted);
        assert_true(row_in_sync(bench_row(bench, KIND_PARTICIPANT, member)));
        assert_int_equal(bench->n_logs[LOG_EVENT_DRIFT], 1);
        assert_null(core_member_after(bench->core, session, 0));
}

/* An observation that is older than the last confirmed change does not count. */
static void test_old_observation(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t participant = bench_participant(bench, "p1", 0, MODE_NONE);
        Intent refresh = { .kind = INTENT_REFRESH,
                           .object = KIND_PARTICIPANT,
                           .number = participant,
                           .wait = true };

        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, refresh), 0);
        assert_int_equal(bench_intend(bench, intent_add(participant, session, MODE_SESSION)), 0);
        assert_int_equal(bench->n_requests, 2);
        Request read = bench->requests[0];
        bench->requests[0] = bench->requests[1];
        bench->requests[1] = read;
        bench_answer(bench, API_OK);
        bench_answer_seen(bench, "p1", NULL, MODE_NONE);
        assert_int_equal(bench_row(bench, KIND_PARTICIPANT, participant)->wanted->session, session);
        assert_int_equal(bench->n_logs[LOG_EVENT_DRIFT], 0);
}

/* What a discarded read would have shown is looked for again. */
static void test_discarded_read(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t participant = bench_participant(bench, "p1", 0, MODE_NONE);
        Intent add = intent_add(participant, session, MODE_NONE);

        Intent refresh = add;

        refresh.kind = INTENT_REFRESH;
        bench_pass(bench, USEC_PER_SEC);
        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, refresh), 0);
        assert_int_equal(bench_operation(bench), OPERATION_GET_PARTICIPANT);
        assert_int_equal(bench_intend(bench, add), 0);
        bench_answer_seen(bench, "p1", NULL, MODE_NONE); /* while the join is out */
        assert_int_equal(bench_operation(bench), OPERATION_ADD_PARTICIPANT);
        bench_answer(bench, API_REFUSED);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_REJECTED);
        assert_int_equal(bench->n_requests, 0);
        bench_pass(bench, USEC_PER_SEC);
        assert_int_equal(bench_operation(bench), OPERATION_GET_PARTICIPANT);
}

/* Of equal places one is kept, and it lives as long as anybody who points to it. */
static void test_shared_places(void **state) {
        const Entry entries[] = {
                { KIND_SESSION, 1, .id = "s1" },
                { KIND_PARTICIPANT, 1, .id = "p1", .session = 1, .mode = MODE_SESSION },
                { KIND_PARTICIPANT, 2, .id = "p2", .session = 1, .mode = MODE_SESSION },
                { KIND_PARTICIPANT, 3, .id = "p3", .session = 1, .mode = MODE_NONE },
        };
        const Row *one, *two, *three;
        Core *core;

        (void)state;
        assert_int_equal(core_new(&core, &registry_config), 0);
        for (size_t i = 0; i < ELEMENTSOF(entries); i++)
                registry_add(core, entries + i);
        one = core_find(core, KIND_PARTICIPANT, 1);
        two = core_find(core, KIND_PARTICIPANT, 2);
        three = core_find(core, KIND_PARTICIPANT, 3);
        assert_ptr_equal(one->wanted, one->observed);
        assert_ptr_equal(one->wanted, two->wanted);
        assert_int_equal(one->wanted->n_refs, 4);
        assert_ptr_not_equal(two->wanted, three->wanted);
        assert_int_equal(three->wanted->mode, MODE_NONE);
        core_free(core);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_join),
                TEST(test_conflicts),
                TEST(test_full),
                TEST(test_publishers),
                TEST(test_publisher_first),
                TEST(test_removal_first),
                TEST(test_refused_membership),
                TEST(test_change_under_a_look),
                TEST(test_superseded),
                TEST(test_join_conflict),
                TEST(test_join_conflict_and_removal),
                TEST(test_drift),
                TEST(test_old_observation),
                TEST(test_discarded_read),
                cmocka_unit_test(test_shared_places),
        };

        return cmocka_run_group_tests_name("core-place", tests, NULL, NULL);
}
