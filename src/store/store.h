/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Durable state. The core's batches go in, one transaction and one fsync each; a restart takes all
 * of it out again. What lies behind this header is SQLite in WAL mode with synchronous=FULL; nobody
 * else needs to know, so that another kind of store can take its place.
 *
 *     store_open()  store_restore()  store_attach()
 *     [ store_commit() | store_read_token() ]*  store_close()
 *
 * After store_attach() the disk is touched by one worker thread only, and never by the caller's.
 * All functions are called, and call back, on the thread of the event loop.
 */

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "core/batch.h"
#include "core/core.h"

typedef struct Store Store;

typedef struct StoreConfig {
        const char *directory;  /* made where it is missing */
        const char *account_id; /* the file belongs to these two; compared byte by byte */
        const char *base_url;
        const char *machine; /* an id of the machine, NULL: not known */
} StoreConfig;

/* Positive outcome: the state cannot be used before somebody has done something about it. The
 * reason (to be freed) says why and what, in whole sentences; the daemon exits with 78. */
typedef enum StoreRefusal { STORE_REFUSED = 1 } StoreRefusal;

/**
 * store_open() - lock the state directory, and open or make the state file
 * @now: for the age of tombstones
 *
 * The directory becomes 0700 and the file 0600. Refused: a directory that others may write or that
 * is in use, a file of another account, a newer one, one that is damaged (it is left alone, and a
 * copy set aside), one that is missing from a directory that is not empty.
 *
 * Return: 0; STORE_REFUSED with @ret_reason set; negative errno.
 */
int store_open(Store **ret, const StoreConfig *config, Now now, char **ret_reason);

/* What store_restore() hands out. Each returns 0, or a negative errno that ends the restore. */
typedef struct StoreRestore {
        int (*counters)(const Counters *counters, void *userdata);
        int (*row)(Row *row, void *userdata); /* moved from: left empty on success */
        int (*end)(uint64_t *ret_participant, void *userdata); /* of the rows; may be NULL */
        int (*tombstone)(Kind kind, uint64_t number, const ApiId *id, usec_t removed_at,
                         void *userdata); /* may be NULL */
        void *userdata;
} StoreRestore;

/**
 * store_restore() - take out everything: counters, sessions and then participants by number,
 * tombstones of the last 24 hours
 *
 * Before store_attach(). A row's sent_rev is its agreed_rev: what was on its way is not known.
 * -EEXIST and -ENOENT from row(), and -ENOENT from end(), mean a damaged file, as every impossible
 * value does. After a refusal the store is good for store_close() only.
 *
 * Return: 0; STORE_REFUSED with @ret_reason set; negative errno, also that of a callback.
 */
int store_restore(Store *store, const StoreRestore *restore, char **ret_reason);

/* A batch is durable (@error 0), or nothing of it is (negative errno; -ENOSPC: the disk is full,
 * and committing may be tried again, also in a batch that is vital. After any other each commit
 * fails: what the disk has is found out by a restart only). */
typedef void (*StoreCommitted)(const Batch *batch, int error, void *userdata);

/* The answer to store_read_token(). @token is borrowed; NULL without an error: there is none. */
typedef void (*StoreToken)(uint64_t ticket, int error, const char *token, void *userdata);

/**
 * store_copy() - whether the state is a copy, be it a backup or that of a cloned machine
 *
 * @ret_why: for people, static; untouched where it is none
 *
 * The file says which file it is (its inode and when it was made) and on which machine; and where
 * there has to be a log beside it, one without it is not the newest either. That it was a copy is
 * forgotten with the first commit in which counters change.
 */
CopyKind store_copy(const Store *store, const char **ret_why);

/**
 * store_attach() - start the thread; from now on the disk is its own
 *
 * The callbacks must not call store_close(); they may start the next commit or read.
 *
 * Return: 0, negative errno.
 */
int store_attach(Store *store, sd_event *event, StoreCommitted committed, StoreToken token,
                 void *userdata);

/**
 * store_commit() - make a batch durable
 * @batch: stays the caller's, unchanged but for counts of references, until committed() is called
 *
 * Rows that are not to_disk are passed over. Beside the state file there is a reserve of room; a
 * batch that is not vital needs it to be whole, or to become so again. For one that is vital it is
 * given up when the disk is full.
 *
 * Return: 0: committed() will be called, not from in here; -EBUSY: one is under way.
 */
int store_commit(Store *store, const Batch *batch);

/**
 * store_read_token() - read the token of a participant
 *
 * It goes before a commit that has not begun, and waits for one that has: one connection and one
 * thread, so the longest wait is that of one commit. (A read on the caller's thread could wait for
 * the disk; a second thread for this alone is not worth its keep.)
 *
 * Return: 0: token() will be called, not from in here; -ENOMEM.
 */
int store_read_token(Store *store, uint64_t participant, uint64_t ticket);

/**
 * store_close() - finish a pending commit, end the thread, checkpoint, close and unlock
 *
 * Blocks. No callback is called any more, not even for what finishes in here.
 *
 * Return: NULL. Takes NULL.
 */
Store *store_close(Store *store);

DEFINE_CLEANUP(Store, store_close);
