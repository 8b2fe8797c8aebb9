/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which file the state is in, and on which machine. The file itself says it too: where the two
 * differ it is a copy, and there may be a newer one.
 *
 * A file that was written over in place, and a machine whose whole disk went back in time, cannot
 * be told from what they were.
 */

#include "core/core.h"

typedef struct Origin {
        char machine[33]; /* empty: not known */
        uint64_t inode;   /* 0: never written down */
        usec_t born_at;   /* when the file was made; 0: the file system does not tell */
} Origin;

struct Database;

/* Of the state file in a directory. @machine: NULL: not known. Return: 0, negative errno. */
int origin_of(Origin *ret, int directory_fd, const char *machine);

/* What the file says. Return: 0, negative errno, DATABASE_DAMAGED. */
int origin_read(struct Database *database, Origin *ret);

bool origin_equal(const Origin *a, const Origin *b);

/* What is not known now is what was written down before. */
void origin_complete(Origin *now, const Origin *before);

/* What is not known on either side is not compared. */
CopyKind origin_compare(const Origin *before, const Origin *now);
