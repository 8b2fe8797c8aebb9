/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The thread that touches the disk, and its desk: one batch, and the tokens asked for. The desk is
 * under one lock, held for no longer than it takes to put something there; the database is the
 * thread's alone while it runs.
 *
 *     IDLE ─ worker_commit() ─▶ WAITING ─ thread ─▶ UNDER_WAY ─ thread ─▶ DONE
 *     DONE ─ loop: committed() ─▶ IDLE
 */

#include "store/reserve.h"
#include "store/store.h"

typedef struct Worker Worker;

typedef struct WorkerListener {
        StoreCommitted committed;
        StoreToken token;
        void *userdata;
} WorkerListener;

/**
 * worker_start() - begin; the database and the reserve are lent until worker_stop()
 *
 * The listener is called on the thread of @event.
 *
 * Return: 0, negative errno.
 */
int worker_start(Worker **ret, Database *database, Reserve *reserve, sd_event *event,
                 const WorkerListener *listener);

/* As store_commit() and store_read_token(). */
int worker_commit(Worker *worker, const Batch *batch);
int worker_read_token(Worker *worker, uint64_t participant, uint64_t ticket);

/* Waits until all that is on the desk is done, and forgets it. Takes NULL, returns NULL. */
Worker *worker_stop(Worker *worker);

DEFINE_CLEANUP(Worker, worker_stop);
