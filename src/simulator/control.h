/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The interface for tests, below /_simulator/: no credentials, no faults, not in the journal. */

#include "simulator/simulator.h"

/** control_wants() - whether a request is for the test interface. */
bool control_wants(const Request *request);

/** control_answer() - carry it out; @reply is empty but for the request id. */
void control_answer(Simulator *simulator, const Request *request, Reply *reply);
