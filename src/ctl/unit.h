/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the service tells its service manager, where that is systemd: on the same bus. */

#include "ctl/ctl.h"

/* The line that "systemctl status" has for the service; fresh memory. NULL: there is no systemd, it
 * did not start the service, or there is no such line. */
char *unit_status(Ctl *ctl);
