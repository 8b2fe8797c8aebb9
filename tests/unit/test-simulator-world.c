/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/unit.h"

#include "simulator/membership.h"

#define N_MANY 200000

typedef struct Fixture {
        Settings settings;
        Random random;
        World *world;
} Fixture;

static void fixture_init(Fixture *fixture, bool lenient) {
        *fixture = (Fixture){
                .settings = {
                        .account = "1",
                        .session_lifetime_usec = 90,
                        .participant_lifetime_usec = 50,
                        .lenient_subscriptions = lenient,
                },
        };
        random_seed(&fixture->random, 1);
        assert_int_equal(world_new(&fixture->world, &fixture->settings, &fixture->random), 0);
}

static void fixture_deinit(Fixture *fixture) {
        world_freep(&fixture->world);
}

static Session *add_session(Fixture *fixture, usec_t now) {
        Session *session = NULL;

        assert_int_equal(world_add_session(fixture->world, "tag", now, &session), 0);
        return session;
}

static Participant *add_participant(Fixture *fixture, usec_t now) {
        const NewParticipant new = { .callback_url = "http://x/", .device_api_version = 3 };
        Participant *participant = NULL;

        assert_int_equal(world_add_participant(fixture->world, &new, now, &participant), 0);
        return participant;
}

/* Those who are listed, or, for none, everyone. */
static Subscriptions *hearing(const Participant *publisher) {
        Subscriptions *subscriptions = calloc(1, sizeof(*subscriptions));

        assert_non_null(subscriptions);
        if (publisher) {
                subscriptions->n_publishers = 1;
                subscriptions->publishers = calloc(1, sizeof(Publisher));
                subscriptions->publishers[0].id = strdup(publisher->object.id);
        }
        return subscriptions;
}

static Outcome join(Fixture *fixture, Session *session, Participant *participant,
                    Subscriptions *subscriptions) {
        Outcome outcome = membership_join(fixture->world, session, participant, &subscriptions);

        subscriptions_free(subscriptions);
        return outcome;
}

static void test_expiry(void **state) {
        CLEANUP(fixture_deinit) Fixture fixture;
        Session *session;
        Participant *participant;

        (void)state;
        fixture_init(&fixture, false);
        session = add_session(&fixture, 1000);
        participant = add_participant(&fixture, 1030);
        assert_int_equal(join(&fixture, session, participant, hearing(NULL)), OUTCOME_DONE);

        world_expire(fixture.world, 1079);
        assert_ptr_equal(participant->session, session);
        world_expire(fixture.world, 1080);
        assert_int_equal(session->n_members, 0);
        assert_true(TAILQ_EMPTY(&session->subscribers));
        assert_true(participant->object.gone);
        world_settle(fixture.world);
        world_expire(fixture.world, 1089);
        assert_non_null(world_find_session(fixture.world, session->object.id));
        world_expire(fixture.world, 1090);
        assert_true(TAILQ_EMPTY(&fixture.world->in_order));
}

static void test_session_that_ends_lets_its_members_go(void **state) {
        CLEANUP(fixture_deinit) Fixture fixture;
        Session *session;
        Participant *participant;

        (void)state;
        fixture_init(&fixture, false);
        session = add_session(&fixture, 0);
        participant = add_participant(&fixture, 0);
        join(&fixture, session, participant, hearing(NULL));
        world_remove(fixture.world, &session->object);
        assert_null(participant->session);
        assert_null(participant->heard);
        assert_null(participant->subscriptions);
        assert_false(participant->object.gone);
}

static void test_membership(void **state) {
        CLEANUP(fixture_deinit) Fixture fixture;
        Session *session, *other;
        Participant *participant;
        Subscriptions *none = NULL;

        (void)state;
        fixture_init(&fixture, false);
        session = add_session(&fixture, 0);
        other = add_session(&fixture, 0);
        participant = add_participant(&fixture, 0);

        assert_int_equal(membership_leave(fixture.world, session, participant), OUTCOME_NOT_MEMBER);
        assert_int_equal(membership_subscribe(fixture.world, session, participant, &none),
                         OUTCOME_NOT_MEMBER);
        assert_int_equal(join(&fixture, session, participant, hearing(NULL)), OUTCOME_DONE);
        assert_int_equal(join(&fixture, other, participant, NULL), OUTCOME_ELSEWHERE);
        assert_ptr_equal(participant->heard, session);
        assert_int_equal(join(&fixture, session, participant, NULL), OUTCOME_DONE);
        assert_null(participant->heard);
        assert_int_equal(session->n_members, 1);
        assert_int_equal(membership_leave(fixture.world, session, participant), OUTCOME_DONE);
        assert_int_equal(join(&fixture, other, participant, NULL), OUTCOME_DONE);
}

static void test_the_21st(void **state) {
        CLEANUP(fixture_deinit) Fixture fixture;
        Session *session;
        Participant *first, *late;

        (void)state;
        fixture_init(&fixture, false);
        session = add_session(&fixture, 0);
        first = add_participant(&fixture, 0);
        assert_int_equal(join(&fixture, session, first, NULL), OUTCOME_DONE);
        for (unsigned i = 1; i < 20; i++)
                assert_int_equal(join(&fixture, session, add_participant(&fixture, 0), NULL),
                                 OUTCOME_DONE);
        late = add_participant(&fixture, 0);
        assert_int_equal(join(&fixture, session, late, NULL), OUTCOME_FULL);
        assert_int_equal(join(&fixture, session, first, hearing(NULL)), OUTCOME_DONE);
        world_remove(fixture.world, &first->object);
        assert_int_equal(join(&fixture, session, late, NULL), OUTCOME_DONE);
}

static void test_nobody_hears_more_when_a_publisher_leaves(void **state) {
        CLEANUP(fixture_deinit) Fixture fixture;
        Session *session;
        Participant *publisher, *subscriber, *all;

        (void)state;
        fixture_init(&fixture, false);
        session = add_session(&fixture, 0);
        publisher = add_participant(&fixture, 0);
        subscriber = add_participant(&fixture, 0);
        all = add_participant(&fixture, 0);
        join(&fixture, session, publisher, hearing(subscriber));
        join(&fixture, session, subscriber, hearing(publisher));
        join(&fixture, session, all, hearing(NULL));
        world_settle(fixture.world);

        membership_leave(fixture.world, session, publisher);
        assert_null(subscriber->subscriptions);
        assert_null(subscriber->heard);
        assert_null(publisher->subscriptions);
        assert_non_null(all->subscriptions);
        assert_true(subscriber->object.touched && publisher->object.touched);
        assert_false(all->object.touched);
}

static void test_lenient_subscriptions(void **state) {
        CLEANUP(fixture_deinit) Fixture fixture;
        CLEANUP(subscriptions_freep) Subscriptions *subscriptions = hearing(NULL);
        Session *session, *other;
        Participant *participant;

        (void)state;
        fixture_init(&fixture, true);
        session = add_session(&fixture, 0);
        other = add_session(&fixture, 0);
        participant = add_participant(&fixture, 0);
        assert_int_equal(membership_subscribe(fixture.world, session, participant, &subscriptions),
                         OUTCOME_DONE);
        assert_null(subscriptions);
        assert_null(participant->session);
        assert_ptr_equal(participant->heard, session);
        /* Nobody is heard elsewhere: that is no reason to hear nobody here. */
        assert_int_equal(membership_subscribe(fixture.world, other, participant, &subscriptions),
                         OUTCOME_DONE);
        assert_ptr_equal(participant->heard, session);
        world_remove(fixture.world, &session->object);
        assert_null(participant->heard);
}

static void test_touched_until_settled(void **state) {
        CLEANUP(fixture_deinit) Fixture fixture;
        Session *session;

        (void)state;
        fixture_init(&fixture, false);
        session = add_session(&fixture, 0);
        assert_ptr_equal(TAILQ_FIRST(&fixture.world->touched), &session->object);
        world_settle(fixture.world);
        assert_true(TAILQ_EMPTY(&fixture.world->touched));
        world_remove(fixture.world, &session->object);
        assert_ptr_equal(TAILQ_FIRST(&fixture.world->touched), &session->object);
        assert_null(world_find(fixture.world, session->object.id));
}

static void test_ids_are_found_among_many(void **state) {
        CLEANUP(fixture_deinit) Fixture fixture;
        char id[UUID_LENGTH + 1] = "";

        (void)state;
        fixture_init(&fixture, false);
        for (unsigned i = 0; i < N_MANY; i++) {
                Session *session = add_session(&fixture, i);

                if (i == N_MANY / 2)
                        strcpy(id, session->object.id);
        }
        world_settle(fixture.world);
        assert_non_null(world_find_session(fixture.world, id));
        assert_null(world_find_participant(fixture.world, id));
        assert_null(world_find(fixture.world, "no such id"));
        assert_null(
                world_find(fixture.world, "an id that is a great deal longer than ids ever are"));
        world_expire(fixture.world, USEC_NEVER);
        assert_null(world_find(fixture.world, id));
        assert_true(TAILQ_EMPTY(&fixture.world->in_order));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_expiry),
                cmocka_unit_test(test_session_that_ends_lets_its_members_go),
                cmocka_unit_test(test_membership),
                cmocka_unit_test(test_the_21st),
                cmocka_unit_test(test_nobody_hears_more_when_a_publisher_leaves),
                cmocka_unit_test(test_lenient_subscriptions),
                cmocka_unit_test(test_touched_until_settled),
                cmocka_unit_test(test_ids_are_found_among_many),
        };

        return cmocka_run_group_tests_name("simulator/world", tests, NULL, NULL);
}
