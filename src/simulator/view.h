/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Objects as the API shows them: JSON, written into a buffer. Never null where the official Node
 * library takes none: tag, sessions, subscriptions, sessionId, participants, streamAliases.
 */

#include "simulator/buffer.h"
#include "simulator/world.h"

/* How much of an object is shown: what the API tells, or all that is known here. */
typedef enum Detail { DETAIL_API, DETAIL_ALL } Detail;

/** view_session() - a session; with DETAIL_ALL its members' ids and when it expires, too. */
void view_session(Buffer *buffer, const World *world, const Session *session, Detail detail);

/** view_participant() - a participant; with DETAIL_ALL its token and when it expires, too. */
void view_participant(Buffer *buffer, const World *world, const Participant *participant,
                      Detail detail);

/** view_members() - the members of a session, as an array of participants. */
void view_members(Buffer *buffer, const World *world, const Session *session);

/** view_subscriptions() - what a participant hears: {} for nobody. */
void view_subscriptions(Buffer *buffer, const Participant *participant);
