/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/bench.h"

/* Refused credentials take calls back that are still unanswered, and nothing else. */

/* A participant in no session that two sessions could take; adding it to the second was accepted,
 * and is under way. */
typedef struct Scene {
        uint64_t one, two, participant;
} Scene;

static Intent intent(const Scene *scene, IntentKind kind, bool wait) {
        return (Intent){ .kind = kind,
                         .object = KIND_PARTICIPANT,
                         .number = scene->participant,
                         .session = scene->two,
                         .wait = wait };
}

static Scene scene_new(Bench *bench) {
        Scene scene = { .one = bench_session(bench, "s1"), .two = bench_session(bench, "s2") };

        scene.participant = bench_participant(bench, "p1", 0, MODE_NONE);
        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, intent(&scene, INTENT_ADD, false)), 0);
        assert_int_equal(bench_operation(bench), OPERATION_ADD_PARTICIPANT);
        return scene;
}

static const Row *row_of(const Bench *bench, const Scene *scene) {
        return bench_row(bench, KIND_PARTICIPANT, scene->participant);
}

/* The accepted intent is what is wanted, and what is sent once the credentials are good. */
static void assert_accepted(Bench *bench, const Scene *scene) {
        const Row *row = row_of(bench, scene);

        assert_false(row->gone);
        assert_false(row_in_sync(row));
        assert_true(place_in_session(row->wanted, scene->two));
        assert_int_equal(row->wanted->mode, MODE_NONE);

        while (bench_operation(bench) != OPERATION_ADD_PARTICIPANT) {
                if (bench->n_requests == 0)
                        bench_pass(bench, bench_config.retry_max_usec);
                else if (bench_operation(bench) == OPERATION_GET_PARTICIPANT)
                        bench_answer_seen(bench, "p1", NULL, MODE_NONE);
                else /* a probe, or a look at a session that has nobody in it */
                        bench_answer(bench, bench->requests[0].number ? API_OK : API_NOT_FOUND);
        }
        assert_int_equal(bench_operation(bench), OPERATION_ADD_PARTICIPANT);
        bench_answer(bench, API_OK);
        assert_true(row_in_sync(row_of(bench, scene)));
}

static void test_subscribe(void **state) {
        Bench *bench = *state;
        Scene scene = scene_new(bench);
        Intent subscribe = intent(&scene, INTENT_SUBSCRIBE, true);

        subscribe.mode = MODE_SESSION;
        assert_int_equal(bench_intend(bench, subscribe), 0);
        assert_int_equal(row_of(bench, &scene)->wanted->mode, MODE_SESSION);
        bench_answer(bench, API_UNAUTHORIZED);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_UNAUTHORIZED);
        assert_accepted(bench, &scene);
}

static void test_remove(void **state) {
        Bench *bench = *state;
        Scene scene = scene_new(bench);

        assert_int_equal(bench_intend(bench, intent(&scene, INTENT_REMOVE, true)), 0);
        assert_null(row_of(bench, &scene)->wanted);
        bench_answer(bench, API_FORBIDDEN);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_FORBIDDEN);
        assert_accepted(bench, &scene);
}

static void test_delete(void **state) {
        Bench *bench = *state;
        Scene scene = scene_new(bench);

        assert_int_equal(bench_intend(bench, intent(&scene, INTENT_DELETE, true)), 0);
        assert_true(row_of(bench, &scene)->gone);
        bench_answer(bench, API_UNAUTHORIZED);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_UNAUTHORIZED);
        assert_accepted(bench, &scene);
}

/* A call that was superseded by another unanswered one is no place to go back to. */
static void test_superseded(void **state) {
        Bench *bench = *state;
        Scene scene = scene_new(bench);
        Intent add = intent(&scene, INTENT_ADD, true);
        uint64_t remove;

        assert_int_equal(bench_intend(bench, intent(&scene, INTENT_REMOVE, true)), 0);
        remove = bench->last_ticket;
        add.session = scene.one;
        assert_int_equal(bench_intend(bench, add), 0);
        assert_int_equal(bench_reply(bench, remove), OUTCOME_SUPERSEDED);
        assert_true(place_in_session(row_of(bench, &scene)->wanted, scene.one));
        bench_answer(bench, API_UNAUTHORIZED);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_UNAUTHORIZED);
        assert_accepted(bench, &scene);
}

/* Who joins a delete and waits for nothing leaves nothing, and the delete stands from then on. */
static void test_delete_joined(void **state) {
        Bench *bench = *state;
        Scene scene = scene_new(bench);
        const uint64_t number = scene.participant;
        size_t n_replies = bench->n_replies;

        assert_false(core_join_delete(bench->core, KIND_PARTICIPANT, number, false));
        assert_int_equal(bench_take_in(bench, intent(&scene, INTENT_DELETE, true), NULL), 0);
        assert_false(core_join_delete(bench->core, KIND_PARTICIPANT, number, true));
        bench_turn(bench);
        assert_true(core_join_delete(bench->core, KIND_PARTICIPANT, number, true));
        bench_turn(bench);
        assert_int_equal(bench->n_replies, n_replies);

        bench_answer(bench, API_UNAUTHORIZED);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_UNAUTHORIZED);
        assert_true(row_of(bench, &scene)->gone);
        core_stop(bench->core);
        assert_false(core_join_delete(bench->core, KIND_PARTICIPANT, number, true));
}

/* The like before it is durable, which is no matter to who wants no answer. */
static void test_delete_joined_early(void **state) {
        Bench *bench = *state;
        Scene scene = scene_new(bench);
        const uint64_t number = scene.participant;

        assert_int_equal(bench_take_in(bench, intent(&scene, INTENT_DELETE, true), NULL), 0);
        assert_true(core_join_delete(bench->core, KIND_PARTICIPANT, number, false));
        bench_turn(bench);
        bench_answer(bench, API_UNAUTHORIZED);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_UNAUTHORIZED);
        assert_true(row_of(bench, &scene)->gone);
}

/* What was accepted after a call that is refused stands on it, and is kept; what came later
 * goes. */
static void test_accepted_later(void **state) {
        Bench *bench = *state;
        Scene scene = { .two = bench_session(bench, "s2") };
        Intent subscribe;
        uint64_t add;

        scene.participant = bench_participant(bench, "p1", 0, MODE_NONE);
        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, intent(&scene, INTENT_ADD, true)), 0);
        add = bench->last_ticket;
        subscribe = intent(&scene, INTENT_SUBSCRIBE, false);
        subscribe.mode = MODE_SESSION;
        assert_int_equal(bench_intend(bench, subscribe), 0);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_DONE);
        assert_int_equal(bench_intend(bench, intent(&scene, INTENT_SUBSCRIBE, true)), 0);
        bench_answer(bench, API_UNAUTHORIZED);
        assert_int_equal(bench_reply(bench, add), OUTCOME_UNAUTHORIZED);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_UNAUTHORIZED);
        assert_true(place_in_session(row_of(bench, &scene)->wanted, scene.two));
        assert_int_equal(row_of(bench, &scene)->wanted->mode, MODE_SESSION);
        assert_false(row_in_sync(row_of(bench, &scene)));
}

/* Where nothing was accepted before, what the API has is wanted, and there is nothing to do. */
static void test_nothing_accepted(void **state) {
        Bench *bench = *state;
        Scene scene = { .two = bench_session(bench, "s1") };

        scene.participant = bench_participant(bench, "p1", 0, MODE_NONE);
        bench_skip_reads(bench);
        assert_int_equal(bench_intend(bench, intent(&scene, INTENT_ADD, true)), 0);
        bench_answer(bench, API_UNAUTHORIZED);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_UNAUTHORIZED);
        assert_null(row_of(bench, &scene)->wanted);
        assert_true(row_in_sync(row_of(bench, &scene)));
}

/* A delete that may have been carried out is not taken back in the same turn. */
static void test_delete_may_be_done(void **state) {
        Bench *bench = *state;
        uint64_t one = bench_session(bench, "s1"), two = bench_session(bench, "s2");
        Intent delete = { .kind = INTENT_DELETE, .object = KIND_SESSION, .wait = true };
        Answer answer = { .message = "what the API said", .request_id = "" };

        bench_skip_reads(bench);
        delete.number = one;
        assert_int_equal(bench_intend(bench, delete), 0);
        delete.number = two;
        assert_int_equal(bench_intend(bench, delete), 0);
        assert_int_equal(bench->n_requests, 2);
        for (unsigned i = 0; i < 2; i++) {
                answer.serial = bench->requests[i].serial;
                answer.outcome = i == 0 ? API_BROKEN : API_UNAUTHORIZED;
                assert_int_equal(core_answer(bench->core, &answer, bench->now), 0);
        }
        bench->n_requests = 0;
        bench_turn(bench);
        assert_int_equal(bench_reply(bench, bench->last_ticket - 1), OUTCOME_DONE);
        assert_int_equal(row_state(bench_row(bench, KIND_SESSION, one)), STATE_DELETING);
        assert_int_equal(bench_reply(bench, bench->last_ticket), OUTCOME_UNAUTHORIZED);
        assert_int_equal(row_state(bench_row(bench, KIND_SESSION, two)), STATE_ACTIVE);
}

/* Whom it heard and who has left since, asked for by somebody in the same turn, is not in the list
 * that is gone back to, even if he has come again. */
static void test_publisher_left(void **state) {
        Bench *bench = *state;
        Scene scene = { .two = bench_session(bench, "s2") };
        uint64_t leaves = bench_participant(bench, "p2", scene.two, MODE_NONE);
        uint64_t stays = bench_participant(bench, "p3", scene.two, MODE_NONE);
        const Publisher publishers[] = { { .number = leaves }, { .number = stays } };
        Intent subscribe, other = { .object = KIND_PARTICIPANT, .number = leaves };
        Answer answer = { .outcome = API_UNAUTHORIZED, .message = "", .request_id = "" };
        const Place *wanted;

        scene.participant = bench_participant(bench, "p1", scene.two, MODE_NONE);
        subscribe = intent(&scene, INTENT_SUBSCRIBE, false);
        subscribe.mode = MODE_PARTICIPANTS;
        subscribe.publishers = publishers;
        subscribe.n_publishers = ELEMENTSOF(publishers);
        assert_int_equal(bench_intend(bench, subscribe), 0);
        bench_answer(bench, API_OK);
        bench_skip_reads(bench);
        assert_true(row_in_sync(row_of(bench, &scene)));

        other.session = scene.two;
        other.kind = INTENT_REMOVE;
        assert_int_equal(bench_take_in(bench, other, NULL), 0);
        assert_int_equal(bench_intend(bench, intent(&scene, INTENT_REMOVE, true)), 0);
        assert_null(row_of(bench, &scene)->wanted);
        other.kind = INTENT_ADD;
        assert_int_equal(bench_intend(bench, other), 0);
        for (size_t i = 0; i < bench->n_requests; i++)
                if (bench->requests[i].operation == OPERATION_REMOVE_PARTICIPANT &&
                    bench->requests[i].number == scene.participant)
                        answer.serial = bench->requests[i].serial;
        assert_int_equal(core_answer(bench->core, &answer, bench->now), 0);
        bench_turn(bench);
        assert_int_equal(bench_reply(bench, bench->last_ticket - 1), OUTCOME_UNAUTHORIZED);
        wanted = row_of(bench, &scene)->wanted;
        assert_true(place_in_session(wanted, scene.two));
        assert_int_equal(wanted->n_publishers, 1);
        assert_int_equal(wanted->publishers[0].number, stays);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_subscribe),
                TEST(test_remove),
                TEST(test_delete),
                TEST(test_delete_joined),
                TEST(test_delete_joined_early),
                TEST(test_superseded),
                TEST(test_accepted_later),
                TEST(test_nothing_accepted),
                TEST(test_delete_may_be_done),
                TEST(test_publisher_left),
        };

        return cmocka_run_group_tests_name("core-withdraw", tests, NULL, NULL);
}
