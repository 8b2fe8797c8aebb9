/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "unit/bench.h"

/* Whoever others put into a session. */

/* A session that belongs to uid 1000. */
static uint64_t owned_session(Bench *bench, const char *id) {
        CLEANUP(spec_unrefp) Spec *spec = NULL;
        Intent intent = { .kind = INTENT_CREATE, .object = KIND_SESSION, .wait = true };

        assert_int_equal(spec_new(&spec), 0);
        spec->owner = 1000;
        intent.spec = spec;
        assert_int_equal(bench_intend(bench, intent), 0);
        bench_answer_id(bench, id);
        return bench_number(bench);
}

static void test_stranger(void **state) {
        Bench *bench = *state;
        uint64_t session = owned_session(bench, "s1");
        Sighting seen = bench_sighting("x1", "s1", MODE_SESSION);
        unsigned n_commits = bench->n_commits;
        const Row *row;

        seen.tag = (char *)"desk";
        seen.callback_url = (char *)"https://example.com/";
        seen.device_api_version = (char *)"V3";
        seen.permissions = PUBLISH_VIDEO;
        bench_look(bench, session, &seen, 1);
        row = bench_row_of(bench, KIND_PARTICIPANT, "x1");
        assert_non_null(row);
        assert_int_equal(row->number, 1);
        assert_int_equal(row->spec->owner, 1000);
        assert_int_equal(row->spec->lifetime, LIFETIME_PERSISTENT);
        assert_true(row->spec->stranger);
        assert_int_equal(row->spec->created_at, bench->now.realtime);
        assert_string_equal(spec_text(row->spec, SPEC_TAG), "desk");
        assert_string_equal(spec_text(row->spec, SPEC_CALLBACK_URL), "https://example.com/");
        assert_string_equal(spec_text(row->spec, SPEC_DEVICE_API_VERSION), "V3");
        assert_int_equal(row->spec->permissions, PUBLISH_VIDEO);
        assert_true(place_in_session(row->wanted, session));
        assert_int_equal(row->wanted->mode, MODE_SESSION);
        assert_true(place_equal(row->wanted, row->observed));
        assert_true(row_in_sync(row));
        assert_int_equal(row->synced_at, bench->now.realtime);
        assert_false(row->has_token);
        assert_int_equal(core_member_after(bench->core, session, 0)->number, row->number);
        assert_int_equal(core_status(bench->core).n_objects[KIND_PARTICIPANT], 1);
        assert_int_equal(bench->n_commits, n_commits + 1);
        assert_int_equal(bench->n_logs[LOG_EVENT_ADOPTED], 1);
        assert_int_equal(bench->n_logs[LOG_EVENT_DRIFT], 0);

        /* Once only. */
        bench_look(bench, session, &seen, 1);
        assert_int_equal(core_status(bench->core).n_objects[KIND_PARTICIPANT], 1);
        assert_int_equal(bench->n_commits, n_commits + 1);
        assert_int_equal(bench->n_logs[LOG_EVENT_ADOPTED], 1);
}

static void test_stranger_without_lists(void **state) {
        Bench *bench = *state;
        uint64_t session = owned_session(bench, "s1");
        Sighting seen = bench_sighting("x1", "s1", MODE_SESSION);
        Intent refresh = { .kind = INTENT_REFRESH, .object = KIND_SESSION, .number = session };
        const Row *row;

        bench_look(bench, session, NULL, 0);
        assert_int_equal(bench_intend(bench, refresh), 0);
        assert_int_equal(bench_operation(bench), OPERATION_LIST_PARTICIPANTS);
        bench_answer(bench, API_FORBIDDEN);
        assert_int_equal(bench_operation(bench), OPERATION_GET_SESSION);
        bench_answer_members(bench, "x1");
        assert_int_equal(bench_operation(bench), OPERATION_GET_PARTICIPANT);
        seen.tag = (char *)"desk";
        bench_answer_sightings(bench, &seen, 1);
        row = bench_row_of(bench, KIND_PARTICIPANT, "x1");
        assert_int_equal(row->spec->owner, 1000);
        assert_true(row->spec->stranger);
        assert_string_equal(spec_text(row->spec, SPEC_TAG), "desk");
        assert_true(place_in_session(row->wanted, session));
}

/* They hear one another, whoever stands in the list first; and one who is here has heard them by
 * their ids alone. */
static void test_strangers_hear_each_other(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t member = bench_participant(bench, "p1", session, MODE_NONE);
        Publisher second = { 0 }, first = { 0 }, unknown = { 0 };
        Sighting seen[3] = { bench_sighting("p1", "s1", MODE_PARTICIPANTS),
                             bench_sighting("x1", "s1", MODE_PARTICIPANTS),
                             bench_sighting("x2", "s1", MODE_PARTICIPANTS) };
        unsigned n_drifts;

        api_id_set(&first.id, "x1");
        api_id_set(&second.id, "x2");
        api_id_set(&unknown.id, "x3");
        seen[0].publishers = &second, seen[0].n_publishers = 1;
        seen[1].publishers = &second, seen[1].n_publishers = 1;
        seen[2].publishers = (Publisher[]){ first, unknown }, seen[2].n_publishers = 2;
        /* What is not known is kept, by its id. */
        bench_look(bench, session, seen, 1);
        assert_string_equal(
                api_id_text(&bench_row(bench, KIND_PARTICIPANT, member)->wanted->publishers[0].id),
                "x2");
        n_drifts = bench->n_logs[LOG_EVENT_DRIFT];

        bench_look(bench, session, seen, 3);
        assert_int_equal(core_status(bench->core).n_objects[KIND_PARTICIPANT], 3);
        assert_true(place_lists(bench_row_of(bench, KIND_PARTICIPANT, "x1")->wanted, 3));
        assert_true(place_lists(bench_row_of(bench, KIND_PARTICIPANT, "x2")->wanted, 2));
        assert_true(place_lists(bench_row(bench, KIND_PARTICIPANT, member)->wanted, 3));
        assert_int_equal(bench_row_of(bench, KIND_PARTICIPANT, "x2")->wanted->n_publishers, 2);
        /* That x2 has a number now is nothing that anybody has changed. */
        assert_int_equal(bench->n_logs[LOG_EVENT_DRIFT], n_drifts);
        assert_int_equal(bench->n_requests, 0);
}

static void test_elsewhere_is_none_of_ours(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        Sighting seen = bench_sighting("x1", "s2", MODE_NONE);

        bench_look(bench, session, &seen, 1);
        assert_null(bench_row_of(bench, KIND_PARTICIPANT, "x1"));
}

static void test_strangers_take_places(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t alone = bench_participant(bench, "p1", 0, MODE_NONE);
        Intent add = {
                .kind = INTENT_ADD, .object = KIND_PARTICIPANT, .number = alone, .session = session
        };
        Sighting seen[SESSION_MEMBERS_MAX];
        unsigned n_sent;

        for (unsigned i = 0; i < SESSION_MEMBERS_MAX; i++) {
                char id[8];

                snprintf(id, sizeof(id), "x%u", i);
                seen[i] = bench_sighting(id, "s1", MODE_NONE);
        }
        bench_look(bench, session, seen, SESSION_MEMBERS_MAX);
        n_sent = bench->n_sent;
        assert_int_equal(bench_intend(bench, add), OUTCOME_SESSION_FULL);
        assert_int_equal(bench->n_sent, n_sent);
}

/* Only a real 404 means gone; whoever is somewhere else stays. */
static void test_strangers_leave(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        Sighting seen[] = { bench_sighting("x1", "s1", MODE_NONE),
                            bench_sighting("x2", "s1", MODE_NONE) };

        bench_look(bench, session, seen, 2);
        bench_look(bench, session, NULL, 0);
        assert_int_equal(core_status(bench->core).n_objects[KIND_PARTICIPANT], 2);
        assert_int_equal(bench_operation(bench), OPERATION_GET_PARTICIPANT);
        bench_answer_seen(bench, api_id_text(&bench->requests[0].participant), NULL, MODE_NONE);
        assert_int_equal(bench_operation(bench), OPERATION_GET_PARTICIPANT);
        bench_answer(bench, API_NOT_FOUND);
        assert_null(bench_row_of(bench, KIND_PARTICIPANT, "x2"));
        assert_non_null(bench_row_of(bench, KIND_PARTICIPANT, "x1"));
        assert_null(bench_row_of(bench, KIND_PARTICIPANT, "x1")->wanted);
        assert_null(core_member_after(bench->core, session, 0));
}

/* An id that was deleted, or found gone, does not come back with a late list. */
static void test_tombstones(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t member = bench_participant(bench, "p1", session, MODE_NONE);
        Sighting seen = bench_sighting("p1", "s1", MODE_NONE);
        Intent delete = { .kind = INTENT_DELETE, .object = KIND_PARTICIPANT, .number = member };

        assert_int_equal(bench_intend(bench, delete), 0);
        bench_skip_reads(bench);
        assert_int_equal(bench_operation(bench), OPERATION_DELETE_PARTICIPANT);
        /* While the delete is under way it is the row that counts. */
        bench_answer(bench, API_OK);
        assert_null(bench_row(bench, KIND_PARTICIPANT, member));
        bench_skip_reads(bench);
        bench_look(bench, session, &seen, 1);
        assert_null(bench_row_of(bench, KIND_PARTICIPANT, "p1"));

        /* For a day. */
        bench->now.boottime += TOMBSTONE_USEC - 1;
        bench->now.realtime += TOMBSTONE_USEC - 1;
        bench_turn(bench);
        bench_skip_reads(bench);
        bench_look(bench, session, &seen, 1);
        assert_null(bench_row_of(bench, KIND_PARTICIPANT, "p1"));
        bench_pass(bench, 2);
        bench_look(bench, session, &seen, 1);
        assert_non_null(bench_row_of(bench, KIND_PARTICIPANT, "p1"));
}

/* Whoever sets the time does not bring it back. */
static void test_tombstones_and_the_time(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        uint64_t member = bench_participant(bench, "p1", session, MODE_NONE);
        Sighting seen = bench_sighting("p1", "s1", MODE_NONE);
        Intent delete = { .kind = INTENT_DELETE, .object = KIND_PARTICIPANT, .number = member };

        assert_int_equal(bench_intend(bench, delete), 0);
        bench_skip_reads(bench);
        bench_answer(bench, API_OK);
        bench->now.realtime += 3650 * TOMBSTONE_USEC;
        bench_turn(bench);
        bench_skip_reads(bench);
        bench_look(bench, session, &seen, 1);
        assert_null(bench_row_of(bench, KIND_PARTICIPANT, "p1"));
        bench->now.realtime -= 2 * 3650 * TOMBSTONE_USEC;
        bench_pass(bench, TOMBSTONE_USEC + 1);
        bench_skip_reads(bench);
        bench_look(bench, session, &seen, 1);
        assert_non_null(bench_row_of(bench, KIND_PARTICIPANT, "p1"));
}

static void test_tombstones_are_restored(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        Sighting seen[] = { bench_sighting("x1", "s1", MODE_NONE),
                            bench_sighting("x2", "s1", MODE_NONE),
                            bench_sighting("x3", "s1", MODE_NONE) };
        usec_t old = bench->now.realtime - TOMBSTONE_USEC - 1;

        assert_int_equal(core_restore_tombstone(bench->core, KIND_PARTICIPANT, &seen[0].id, old + 2,
                                                bench->now),
                         0);
        assert_int_equal(
                core_restore_tombstone(bench->core, KIND_PARTICIPANT, &seen[1].id, old, bench->now),
                0);
        assert_int_equal(
                core_restore_tombstone(bench->core, KIND_SESSION, &seen[2].id, old + 2, bench->now),
                0);
        bench_look(bench, session, seen, 3);
        assert_null(bench_row_of(bench, KIND_PARTICIPANT, "x1"));
        assert_non_null(bench_row_of(bench, KIND_PARTICIPANT, "x2"));
        assert_non_null(bench_row_of(bench, KIND_PARTICIPANT, "x3"));
}

/* Who is in a session that is on its way out is left alone. */
static void test_session_being_deleted(void **state) {
        Bench *bench = *state;
        uint64_t session = bench_session(bench, "s1");
        Sighting seen = bench_sighting("x1", "s1", MODE_NONE);
        Intent refresh = { .kind = INTENT_REFRESH, .object = KIND_SESSION, .number = session };
        Intent delete = { .kind = INTENT_DELETE, .object = KIND_SESSION, .number = session };

        bench_look(bench, session, NULL, 0);
        assert_int_equal(bench_intend(bench, refresh), 0);
        assert_int_equal(bench_operation(bench), OPERATION_LIST_PARTICIPANTS);
        assert_int_equal(bench_intend(bench, delete), 0);
        bench_answer_sightings(bench, &seen, 1);
        assert_null(bench_row_of(bench, KIND_PARTICIPANT, "x1"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_stranger),
                TEST(test_stranger_without_lists),
                TEST(test_strangers_hear_each_other),
                TEST(test_elsewhere_is_none_of_ours),
                TEST(test_strangers_take_places),
                TEST(test_strangers_leave),
                TEST(test_tombstones),
                TEST(test_tombstones_and_the_time),
                TEST(test_tombstones_are_restored),
                TEST(test_session_being_deleted),
        };

        return cmocka_run_group_tests_name("core-adopt", tests, NULL, NULL);
}
