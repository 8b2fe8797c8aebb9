/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Room on the disk that is kept for what must not be lost: a file of nothing beside the state file.
 * Common batches are committed only while it is whole; so whatever is accepted can be followed by
 * its id, its delete and its end, for which the reserve is given up when the disk is full.
 *
 *     WHOLE ─ a vital batch finds no room: reserve_spend() ─▶ SPENT
 *     SPENT ─ a common batch comes, and there is room: reserve_fill() ─▶ WHOLE
 *
 * Used by one thread at a time, as the database is.
 */

#include "store/commit.h"
#include "store/directory.h"

/* 256 pages of the log. An answer changes four at most, and when the log has been merged into the
 * file it is written from its beginning again: it is enough for sixty changes that come at once,
 * and for as many as one likes that come one after the other. */
#define RESERVE_SIZE (1 << 20)

typedef struct Reserve {
        const Directory *directory;
        bool whole;
        bool tight; /* a common batch was refused: once there is room, there shall be some more */
} Reserve;

/* Makes it whole, where it is not. Return: 0; -ENOSPC: there is no room, or after a refusal not as
 * much again beside it; negative errno. */
int reserve_fill(Reserve *reserve);

/* Gives it up; when this is over the room is free. Return: 0, negative errno. */
int reserve_spend(Reserve *reserve);

/**
 * reserve_commit() - commit_batch(), with the room that a batch may have
 *
 * Where there is none the log is merged into the file first, so that it can begin anew.
 *
 * Return: as commit_batch(). -ENOSPC for a common batch while the reserve cannot be made whole.
 */
int reserve_commit(Reserve *reserve, Database *database, const Batch *batch);
