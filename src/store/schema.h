/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The layout of a state file, and how it came about. The file's version (PRAGMA user_version) is
 * the number of steps that made it; a step that has been released is never changed again.
 */

#include "store/database.h"

/* "conv": says that a database is one of ours. */
#define SCHEMA_APPLICATION_ID 0x636f6e76

/* From this version on a file says whether there has to be a log beside it. */
#define SCHEMA_WITH_LOG 4

typedef struct Schema {
        const char *const *steps; /* the SQL that leads from version i to i + 1 */
        int version;              /* how many there are */
} Schema;

/* What this program reads and writes. */
extern const Schema schema_current;

/* The version of a file. DATABASE_DAMAGED where it is none of ours. */
int schema_version(Database *database, int *ret);

/**
 * schema_migrate() - bring a file up to a schema's version, from any before it, 0 being an empty
 * one
 *
 * Each step is a transaction of its own, with the version in it: after a failure, or a crash, the
 * file has the version that it says, and the next start goes on from there.
 */
int schema_migrate(Database *database, const Schema *schema);
