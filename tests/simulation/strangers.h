/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Others who work with the same account, past the daemon. */

#include "simulation/run.h"

void strangers_turn(Run *run);
/* Nobody can name what was made by a POST that is not answered yet. */
bool is_told(const Run *run, const Thing *thing);
