/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/bench.h"

/* The API of 2020: there is no list of a session's participants. */

typedef struct Place2020 {
        uint64_t session, member;
} Place2020;

static void look(Bench *bench, Kind kind, uint64_t number) {
        Intent refresh = { .kind = INTENT_REFRESH, .object = kind, .number = number, .wait = true };

        assert_int_equal(bench_intend(bench, refresh), 0);
}

/* A session s1 that has been read once, with a participant p1 in it, and nothing out. */
static Place2020 set_out(Bench *bench) {
        Place2020 place = { .session = bench_session(bench, "s1") };

        place.member = bench_participant(bench, "p1", place.session, MODE_SESSION);
        bench_pass(bench, USEC_PER_SEC);
        bench_skip_reads(bench);
        assert_int_equal(bench->n_requests, 0);
        return place;
}

static ApiState api_state(const Bench *bench) {
        return core_status(bench->core).api_state;
}

/* The list is refused, and the session can be read: there is no such route. */
static void find_out(Bench *bench, uint64_t session, const char *members) {
        look(bench, KIND_SESSION, session);
        assert_int_equal(bench_operation(bench), OPERATION_LIST_PARTICIPANTS);
        bench_answer(bench, API_FORBIDDEN);
        assert_int_equal(api_state(bench), API_STATE_ONLINE);
        assert_int_equal(bench_reply(bench, bench->last_ticket), -1);
        assert_int_equal(bench_operation(bench), OPERATION_GET_SESSION);
        assert_int_equal(bench->n_requests, 1);
        bench_answer_members(bench, members);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
        assert_int_equal(api_state(bench), API_STATE_ONLINE);
}

static void test_no_such_route(void **state) {
        Bench *bench = *state;
        Place2020 place = set_out(bench);
        usec_t synced_at = bench_row(bench, KIND_PARTICIPANT, place.member)->synced_at;

        bench_pass(bench, USEC_PER_SEC);
        find_out(bench, place.session, "p1");
        /* The session was read, and its member was not: it is read by itself. */
        assert_int_equal(bench_row(bench, KIND_SESSION, place.session)->synced_at,
                         bench->now.realtime);
        assert_int_equal(bench_row(bench, KIND_PARTICIPANT, place.member)->synced_at, synced_at);
        assert_int_equal(bench_operation(bench), OPERATION_GET_PARTICIPANT);
        bench_answer_seen(bench, "p1", "s1", MODE_NONE);
        assert_int_equal(bench_row(bench, KIND_PARTICIPANT, place.member)->wanted->mode, MODE_NONE);
        assert_int_equal(bench_row(bench, KIND_PARTICIPANT, place.member)->synced_at,
                         bench->now.realtime);
        assert_int_equal(bench->n_requests, 0);

        /* It is known from now on. */
        look(bench, KIND_SESSION, place.session);
        assert_int_equal(bench_operation(bench), OPERATION_GET_SESSION);
}

/* Each is looked at once in an interval: the session, and its member. */
static void test_looks(void **state) {
        Bench *bench = *state;
        Place2020 place = set_out(bench);
        unsigned n_sessions = 0, n_participants = 0;

        find_out(bench, place.session, "p1");
        bench_answer_seen(bench, "p1", "s1", MODE_SESSION);
        for (unsigned i = 0; i < 6000; i++) {
                const Operation operation = bench_operation(bench);

                n_sessions += operation == OPERATION_GET_SESSION;
                n_participants += operation == OPERATION_GET_PARTICIPANT;
                assert_int_not_equal(operation, OPERATION_LIST_PARTICIPANTS);
                if (operation == OPERATION_GET_SESSION)
                        bench_answer_members(bench, "p1");
                else if (operation == OPERATION_GET_PARTICIPANT)
                        bench_answer_seen(bench, "p1", "s1", MODE_SESSION);
                bench_pass(bench, USEC_PER_SEC / 10);
        }
        assert_in_range(n_sessions, 8, 12);
        assert_in_range(n_participants, 8, 12);
}

static const ApiOutcome denials[] = { API_FORBIDDEN, API_UNAUTHORIZED };

/* The session is refused as well: so it is the credentials, and nothing is learnt of lists. */
static void test_credentials(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(denials); i++) {
                Bench *bench;
                Place2020 place;

                assert_int_equal(bench_setup(state), 0);
                bench = *state;
                place = set_out(bench);
                look(bench, KIND_SESSION, place.session);
                bench_answer(bench, API_FORBIDDEN);
                assert_int_equal(bench_operation(bench), OPERATION_GET_SESSION);
                bench_answer(bench, denials[i]);
                assert_int_equal(api_state(bench), API_STATE_UNAUTHORIZED);
                assert_int_equal(bench_reply(bench, bench->last_ticket),
                                 i == 0 ? OUTCOME_FORBIDDEN : OUTCOME_UNAUTHORIZED);

                /* The rare probe passes. */
                bench_pass(bench, 2 * bench_config.retry_max_usec);
                assert_int_equal(bench->requests[0].number, 0);
                bench_answer(bench, API_NOT_FOUND);
                assert_int_equal(api_state(bench), API_STATE_ONLINE);
                assert_int_equal(bench_operation(bench), OPERATION_LIST_PARTICIPANTS);
                bench_teardown(state);
        }
}

/* A 401 on the list needs no second opinion. */
static void test_unauthorized(void **state) {
        Bench *bench = *state;
        Place2020 place = set_out(bench);

        look(bench, KIND_SESSION, place.session);
        bench_answer(bench, API_UNAUTHORIZED);
        assert_int_equal(api_state(bench), API_STATE_UNAUTHORIZED);
}

static void test_session_is_gone(void **state) {
        Bench *bench = *state;
        Place2020 place = set_out(bench);

        look(bench, KIND_SESSION, place.session);
        bench_answer(bench, API_FORBIDDEN);
        bench_answer(bench, API_NOT_FOUND);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_NO_SUCH_SESSION);
        assert_null(bench_row(bench, KIND_SESSION, place.session));
        assert_int_equal(api_state(bench), API_STATE_ONLINE);
}

/* Until Reload: then it is found out anew, and what was asked before says nothing. */
static void test_reload(void **state) {
        Bench *bench = *state;
        Place2020 place = set_out(bench);

        find_out(bench, place.session, "p1");
        bench_answer_seen(bench, "p1", "s1", MODE_SESSION);
        core_configure(bench->core, &bench_config, bench->now);
        look(bench, KIND_SESSION, place.session);
        assert_int_equal(bench_operation(bench), OPERATION_LIST_PARTICIPANTS);
        core_configure(bench->core, &bench_config, bench->now);
        bench_answer(bench, API_FORBIDDEN);
        assert_int_equal(bench_operation(bench), OPERATION_LIST_PARTICIPANTS);
        bench_answer(bench, API_FORBIDDEN);
        assert_int_equal(bench_operation(bench), OPERATION_GET_SESSION);

        /* The session tells of the API of now, its list was refused by that of before. */
        core_configure(bench->core, &bench_config, bench->now);
        bench_answer_members(bench, "p1");
        look(bench, KIND_SESSION, place.session);
        assert_int_equal(bench_operation(bench), OPERATION_LIST_PARTICIPANTS);
}

/* A member that the session does not tell of is read before anything is concluded, at once. */
static void test_missing(void **state) {
        Bench *bench = *state;
        Place2020 place = set_out(bench);

        find_out(bench, place.session, "p1");
        bench_answer_seen(bench, "p1", "s1", MODE_SESSION);
        /* Nothing is said of who is in it. */
        bench_pass(bench, bench_config.resync_interval_usec / 100);
        look(bench, KIND_SESSION, place.session);
        bench_answer(bench, API_OK);
        assert_int_equal(bench->n_requests, 0);

        /* The periodic looks: when it is the session's turn, it is not the member's. */
        while (bench_operation(bench) != OPERATION_GET_SESSION) {
                if (bench_operation(bench) == OPERATION_GET_PARTICIPANT)
                        bench_answer_seen(bench, "p1", "s1", MODE_SESSION);
                bench_pass(bench, USEC_PER_SEC / 10);
        }
        assert_int_equal(bench->n_requests, 1);
        bench_answer_members(bench, "");
        assert_int_equal(bench_operation(bench), OPERATION_GET_PARTICIPANT);
        assert_true(place_in_session(bench_row(bench, KIND_PARTICIPANT, place.member)->wanted,
                                     place.session));
        bench_answer_seen(bench, "p1", NULL, MODE_NONE);
        assert_null(bench_row(bench, KIND_PARTICIPANT, place.member)->wanted);
}

/* One of ours that somebody has put there. */
static void test_moved_in(void **state) {
        Bench *bench = *state;
        Place2020 place = set_out(bench);
        uint64_t other = bench_participant(bench, "p2", 0, MODE_NONE);

        bench_pass(bench, USEC_PER_SEC);
        bench_skip_reads(bench);
        find_out(bench, place.session, "p1 p2");
        while (bench_operation(bench) == OPERATION_GET_PARTICIPANT)
                bench_answer_seen(bench, api_id_text(&bench->requests[0].participant), "s1",
                                  MODE_NONE);
        assert_true(
                place_in_session(bench_row(bench, KIND_PARTICIPANT, other)->wanted, place.session));
}

/* The read of a stranger p9, seen in @session. Returns its row. */
static const Row *show_stranger(Bench *bench, const char *session) {
        Sighting sighting = bench_sighting("p9", session, MODE_SESSION);
        char tag[] = "stranger";

        while (strcmp(api_id_text(&bench->requests[0].participant), "p9") != 0)
                bench_answer_seen(bench, "p1", "s1", MODE_SESSION);
        assert_int_equal(bench_operation(bench), OPERATION_GET_PARTICIPANT);
        assert_int_equal(bench->requests[0].number, 0);
        sighting.tag = tag;
        bench_answer_sightings(bench, &sighting, 1);
        return core_find_id(bench->core, KIND_PARTICIPANT, &sighting.id);
}

static void test_stranger(void **state) {
        Bench *bench = *state;
        Place2020 place = set_out(bench);
        const Row *row;

        find_out(bench, place.session, "p1 p9");
        assert_int_equal(core_status(bench->core).n_objects[KIND_PARTICIPANT], 1);
        row = show_stranger(bench, "s1");
        assert_non_null(row);
        assert_true(place_in_session(row->wanted, place.session));
        assert_int_equal(row->wanted->mode, MODE_SESSION);
        assert_string_equal(spec_text(row->spec, SPEC_TAG), "stranger");
        assert_true(row_in_sync(row));
        assert_int_equal(bench->n_logs[LOG_EVENT_ADOPTED], 1);

        /* It is known from now on, and asked for no more often than others. */
        while (bench->n_requests > 0)
                bench_answer_seen(bench, api_id_text(&bench->requests[0].participant), "s1",
                                  MODE_SESSION);
        bench_pass(bench, 2 * bench_config.resync_interval_usec);
        while (bench_operation(bench) == OPERATION_GET_PARTICIPANT)
                bench_answer_seen(bench, api_id_text(&bench->requests[0].participant), "s1",
                                  MODE_SESSION);
        bench_answer_members(bench, "p1 p9");
        assert_int_equal(core_status(bench->core).n_objects[KIND_PARTICIPANT], 2);
        assert_int_equal(bench->n_logs[LOG_EVENT_ADOPTED], 1);
}

/* It had left when it was read; or it is not there any more. */
static void test_stranger_has_left(void **state) {
        Bench *bench = *state;
        Place2020 place = set_out(bench);

        find_out(bench, place.session, "p1 p9");
        assert_null(show_stranger(bench, NULL));
        bench_pass(bench, 2 * bench_config.resync_interval_usec);
        while (bench_operation(bench) == OPERATION_GET_PARTICIPANT)
                bench_answer_seen(bench, "p1", "s1", MODE_SESSION);
        bench_answer_members(bench, "p1 p9");
        while (strcmp(api_id_text(&bench->requests[0].participant), "p9") != 0)
                bench_answer_seen(bench, "p1", "s1", MODE_SESSION);
        bench_answer(bench, API_NOT_FOUND);
        assert_int_equal(bench->n_logs[LOG_EVENT_ADOPTED], 0);
        assert_int_equal(core_status(bench->core).n_objects[KIND_PARTICIPANT], 1);
}

/* What was deleted does not come back. */
static void test_tombstone(void **state) {
        Bench *bench = *state;
        Place2020 place = set_out(bench);
        Intent delete = { .kind = INTENT_DELETE,
                          .object = KIND_PARTICIPANT,
                          .number = place.member,
                          .wait = true };

        assert_int_equal(bench_intend(bench, delete), 0);
        assert_int_equal(bench_operation(bench), OPERATION_DELETE_PARTICIPANT);
        bench_answer(bench, API_OK);
        find_out(bench, place.session, "p1");
        assert_int_equal(bench->n_requests, 0);
}

/* A session that a client asks for comes in with its members, one after the other. */
static void test_adoption(void **state) {
        Bench *bench = *state;
        Intent adopt = { .kind = INTENT_ADOPT, .object = KIND_SESSION, .wait = true };
        const Row *row;
        ApiId id;

        assert_true(api_id_set(&adopt.id, "s1") && api_id_set(&id, "p9"));
        assert_int_equal(bench_intend(bench, adopt), 0);
        assert_int_equal(bench_operation(bench), OPERATION_GET_SESSION);
        bench_answer_members(bench, "p9");
        assert_int_equal(bench_operation(bench), OPERATION_LIST_PARTICIPANTS);
        bench_answer(bench, API_FORBIDDEN);
        assert_int_equal(bench_operation(bench), OPERATION_GET_SESSION);
        bench_answer_members(bench, "p9");
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
        assert_non_null(core_find_id(bench->core, KIND_SESSION, &adopt.id));
        row = show_stranger(bench, "s1");
        assert_non_null(row);
        assert_true(place_in_session(row->wanted, bench_number(bench)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_no_such_route),
                TEST(test_looks),
                cmocka_unit_test(test_credentials),
                TEST(test_unauthorized),
                TEST(test_session_is_gone),
                TEST(test_reload),
                TEST(test_missing),
                TEST(test_moved_in),
                TEST(test_stranger),
                TEST(test_stranger_has_left),
                TEST(test_tombstone),
                TEST(test_adoption),
        };

        return cmocka_run_group_tests_name("members", tests, NULL, NULL);
}
