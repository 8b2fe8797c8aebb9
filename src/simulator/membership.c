/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulator/membership.h"

/* Empties what a participant hears, wherever that was. */
static void hear_nobody(World *world, Participant *participant) {
        if (!participant->heard)
                return;

        TAILQ_REMOVE(&participant->heard->subscribers, participant, in_subscribers);
        participant->heard = NULL;
        participant->subscriptions = subscriptions_free(participant->subscriptions);
        world_touch(world, &participant->object);
}

static void hear(World *world, Session *session, Participant *participant,
                 Subscriptions **subscriptions) {
        hear_nobody(world, participant);
        if (*subscriptions) {
                TAILQ_INSERT_TAIL(&session->subscribers, participant, in_subscribers);
                participant->heard = session;
                participant->subscriptions = TAKE(*subscriptions);
        }
        world_touch(world, &participant->object);
}

static void enter(World *world, Session *session, Participant *participant) {
        TAILQ_INSERT_TAIL(&session->members, participant, in_members);
        session->n_members++;
        participant->session = session;
        world_touch(world, &participant->object);
}

static void exit_session(World *world, Participant *participant) {
        TAILQ_REMOVE(&participant->session->members, participant, in_members);
        participant->session->n_members--;
        participant->session = NULL;
        world_touch(world, &participant->object);
}

/* Takes a publisher out of every list in the session. */
static void forget_publisher(World *world, Session *session, const Participant *publisher) {
        Participant *subscriber, *next;

        TAILQ_FOREACH_SAFE(subscriber, &session->subscribers, in_subscribers, next) {
                if (!subscriptions_drop(&subscriber->subscriptions, publisher->object.id))
                        continue;
                world_touch(world, &subscriber->object);
                if (!subscriber->subscriptions)
                        hear_nobody(world, subscriber);
        }
}

Outcome membership_join(World *world, Session *session, Participant *participant,
                        Subscriptions **subscriptions) {
        if (participant->session && participant->session != session)
                return OUTCOME_ELSEWHERE;
        if (!participant->session && session->n_members >= MEMBERS_MAX)
                return OUTCOME_FULL;

        if (!participant->session)
                enter(world, session, participant);
        hear(world, session, participant, subscriptions);
        return OUTCOME_DONE;
}

Outcome membership_leave(World *world, Session *session, Participant *participant) {
        if (participant->session != session)
                return OUTCOME_NOT_MEMBER;

        if (participant->heard == session)
                hear_nobody(world, participant);
        exit_session(world, participant);
        forget_publisher(world, session, participant);
        return OUTCOME_DONE;
}

Outcome membership_subscribe(World *world, Session *session, Participant *participant,
                             Subscriptions **subscriptions) {
        if (participant->session != session && !world->settings->lenient_subscriptions)
                return OUTCOME_NOT_MEMBER;

        /* A stranger's empty body changes nothing that it hears elsewhere. */
        if (*subscriptions || participant->heard == session)
                hear(world, session, participant, subscriptions);
        return OUTCOME_DONE;
}

void membership_detach(World *world, Participant *participant) {
        if (participant->session)
                membership_leave(world, participant->session, participant);
        hear_nobody(world, participant);
}

void membership_restore(World *world, Participant *participant, Session *session, Session *heard,
                        Subscriptions **subscriptions) {
        if (participant->session && participant->session != session)
                exit_session(world, participant);
        hear_nobody(world, participant);
        if (session && !participant->session)
                enter(world, session, participant);
        if (heard)
                hear(world, heard, participant, subscriptions);
}

void membership_end_all(World *world, Session *session) {
        Participant *participant, *next;

        TAILQ_FOREACH_SAFE(participant, &session->members, in_members, next)
                exit_session(world, participant);
        TAILQ_FOREACH_SAFE(participant, &session->subscribers, in_subscribers, next)
                hear_nobody(world, participant);
}
