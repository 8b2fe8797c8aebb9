/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What each room is told of the configuration, at start and when it is read again. */

#include "api/api.h"
#include "bus/bus.h"
#include "core/core.h"
#include "daemon/configuration.h"
#include "daemon/credentials.h"

/* Without a seed. */
CoreConfig share_of_core(const Configuration *configuration);

/* Borrowed from both. @credentials: NULL: there are none that are usable. */
ApiConfig share_of_api(const Configuration *configuration, const Credentials *credentials);

/* Borrowed. @system: which bus. */
BusConfig share_of_bus(const Configuration *configuration, bool system);
