/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the log says about a disk that is full: a line when it begins, and a line when it is
 * over. */

#include "core/core.h"

typedef struct Disk {
        bool full, held; /* said so */
} Disk;

void disk_tell(Disk *disk, const char *directory, const CoreStatus *status);
