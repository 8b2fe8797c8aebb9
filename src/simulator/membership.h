/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Who is in which session, and what they hear there. Where the API's documentation is silent, the
 * manual page of convened-simulator says what is decided here.
 */

#include "simulator/world.h"

/**
 * membership_join() - make a participant a member, with these subscriptions and no others
 * @subscriptions: taken and set to NULL when done; NULL inside: nobody
 *
 * Joining again where it is a member replaces the subscriptions.
 *
 * Return: OUTCOME_DONE, OUTCOME_ELSEWHERE or OUTCOME_FULL.
 */
Outcome membership_join(World *world, Session *session, Participant *participant,
                        Subscriptions **subscriptions);

/**
 * membership_leave() - end a membership, and its subscriptions in that session
 *
 * Others no longer list the participant; whose last entry it was hears nobody.
 *
 * Return: OUTCOME_DONE or OUTCOME_NOT_MEMBER.
 */
Outcome membership_leave(World *world, Session *session, Participant *participant);

/**
 * membership_subscribe() - replace what a participant hears in a session
 * @subscriptions: taken and set to NULL when done; NULL inside: nobody
 *
 * With lenient subscriptions it need not be a member, and does not become one.
 *
 * Return: OUTCOME_DONE or OUTCOME_NOT_MEMBER.
 */
Outcome membership_subscribe(World *world, Session *session, Participant *participant,
                             Subscriptions **subscriptions);

/** membership_detach() - a participant leaves its session and hears nobody, wherever it did. */
void membership_detach(World *world, Participant *participant);

/** membership_restore() - put a participant back where it was, whatever the rules say today. */
void membership_restore(World *world, Participant *participant, Session *session, Session *heard,
                        Subscriptions **subscriptions);

/** membership_end_all() - nobody is a member of the session or hears anything in it any more. */
void membership_end_all(World *world, Session *session);
