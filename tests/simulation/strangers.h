/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Others who work with the same account, past the daemon. */

#include "simulation/run.h"

void strangers_turn(Run *run);
