/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the worker does with the disk. */

#include "core/batch.h"
#include "store/database.h"

/* How long the id of what was removed is kept. */

/**
 * commit_batch() - write a batch in one transaction, with one fsync
 *
 * Reads nothing of the batch that changes after it was sealed.
 *
 * Return: 0: durable; negative errno, DATABASE_DAMAGED: nothing of it is there, as far as the disk
 * tells.
 */
int commit_batch(Database *database, const Batch *batch);

/* A full disk passes. After any other failure, of a write or an fsync above all, nothing may go on
 * as if it had not been: only a restart finds out what the disk has. Return: @r. */
int commit_note(Database *database, int r);

/* Writes down which file it is, and on which machine. */
int commit_origin(Database *database);

/* Forgets tombstones that are too old. */
int commit_prune(Database *database, usec_t realtime);

/* Merges the log into the file: at once, or when it has grown. What fails is told by the next
 * commit; a full disk is no failure. */
void commit_merge(Database *database);
void commit_checkpoint(Database *database);

/* Reads a token: *ret is NULL where there is none, to be freed by secret_free() else. */
int commit_read_token(Database *database, uint64_t participant, char **ret);
