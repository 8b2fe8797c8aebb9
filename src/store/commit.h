/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the worker does with the disk. */

#include "core/batch.h"
#include "store/database.h"

/* How long the id of what was removed is kept. */
#define TOMBSTONE_USEC (24 * USEC_PER_HOUR)

/**
 * commit_batch() - write a batch in one transaction, with one fsync
 *
 * Reads nothing of the batch that changes after it was sealed.
 *
 * Return: 0: durable; negative errno, DATABASE_DAMAGED: nothing of it is there, as far as the disk tells.
 */
int commit_batch(Database *database, const Batch *batch);

/* Forgets tombstones that are too old. */
int commit_prune(Database *database, usec_t realtime);

/* Merges the log into the file when it has grown. What fails is told by the next commit. */
void commit_checkpoint(Database *database);

/* Reads a token: *ret is NULL where there is none, to be freed by secret_free() else. */
int commit_read_token(Database *database, uint64_t participant, char **ret);
