/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What must hold, and when it is looked at. Each function fails the run where it does not. */

#include "simulation/run.h"

/* reasons.c: a row may change for a reason only. */
void reasons_check(Run *run, const Batch *batch, const BatchRow *change);
/* An intent whose caller was refused for the credentials' sake, while nothing of it was sent. */
void reasons_check_withdrawn(Run *run, const Row *row, uint64_t sequence);

/* adoptions.c: a row that nobody asked to be created, and that is new, came from the API; from now
 * on it is one like any other. */
bool adoption_is_good(Run *run, const Batch *batch, const Row *row);
/* A client asks for something that is at the API, or is not, or is here already. */
void adoptions_ask(Run *run, Intent *intent);
void adoptions_book(Call *call, const Spec *spec);
void adoptions_depart(Run *run, const char *app);
void adoptions_reply(Run *run, const Call *call, const Reply *reply);
/* Whoever is in a managed session at the API is in the registry, once all is quiet. */
void adoptions_check_members(Run *run);

/* invariants.c */
void invariants_at_seal(Run *run, const Batch *batch);
/* After core_committed(), before the effects: signals tell the truth. */
void invariants_at_commit(Run *run, const Batch *batch);
/* After core_release(): what is shown is what is durable. */
void invariants_of_view(Run *run);
void invariants_at_request(Run *run, const Request *request);
/* What a participant hears at the API is what somebody wanted it to hear. */
void invariants_of_audible(Run *run, const Thing *participant);
void invariants_of_calls(Run *run);
void invariants_of_ids(Run *run);
void invariants_at_crash(Run *run);

/* traffic.c */
void traffic_start(Run *run);
void traffic_at_seal(Run *run, const Batch *batch);
void traffic_at_write(Run *run, const Batch *batch);
/* Whether an answer says that the credentials have no rights. */
bool traffic_is_denial(const Request *request, ApiOutcome outcome);
void traffic_at_answer(Run *run, const Request *request, const Answer *answer);
/* After each step: what is said of the API as a whole has a reason. */
void traffic_at_step(Run *run);

/* agreement.c: wanted, observed and the API are one, once all is quiet. */
void agreement_check(Run *run);
/* What was open when all became quiet is driven to its end before drift could be looked for. */
void agreement_note_open(Run *run);
void agreement_check_open(Run *run);

/* The row that is durable once @batch is; NULL: none, or it is being removed. */
const Row *newest_row(const Run *run, const Batch *batch, Kind kind, uint64_t number);

/* position.c: the thing at the API that is @number here or, where that is 0, @foreign there (which
 * may be NULL); 0: there is none. */
uint32_t place_handle(const Run *run, const Batch *batch, Kind kind, uint64_t number,
                      const ApiId *foreign);
/* A place in the world's terms. False: nothing at the API can be like that, and what could not
 * be told is missing in @ret. */
bool place_position(const Run *run, const Batch *batch, const Place *place, Position *ret);
