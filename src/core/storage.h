/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The disk as the core knows it, and what it does without while it is full. Private to core/.
 *
 *     ROOM ── a batch is refused ──▶ RESERVE ── a vital one is refused, too ──▶ HELD
 *      ▲                              │  ▲                                       │
 *      └── one that is not is durable ┘  └────────── at retry_at ────────────────┘
 *
 * A batch that is not vital is tried at retry_at, whatever there is to write: that is how it is
 * found out that there is room again. In RESERVE batches are vital: they hold what the API said,
 * and deletes, but no other call; no creation is begun, for its id would want room. In HELD what
 * must be durable stays in memory, together with what would tell of it, and nothing is changed at
 * the API.
 */

#include "core/object.h"

typedef enum StorageState { STORAGE_ROOM, STORAGE_RESERVE, STORAGE_HELD } StorageState;

/* What an object was before a call that is not durable yet touched it. */
typedef struct Undo {
        TAILQ_ENTRY(Undo) undos;
        Object *object;
        Row before;
        uint32_t told_rev[_ASPECT_MAX];
        uint64_t call;
        bool named; /* it is the one that the call is about, which comes first */
        IntentKind kind;
        uint64_t ticket;
        bool wait;

        /* Of the call, where it had a waiter. */
        bool has_stood;
        Stand stood;
} Undo;

TAILQ_HEAD(Undos, Undo);

typedef struct Storage {
        StorageState state;
        usec_t retry_at; /* CLOCK_BOOTTIME; of no meaning where there is room */
        unsigned n_refused;
        bool trying; /* the batch that is being sealed is to find out whether there is room */
        bool woken;  /* what had to wait may go on */

        const Intent *intent;      /* being taken in; NULL: none */
        uint64_t ticket, call;     /* its ticket; how many there were */
        struct Undos sealed, open; /* of the batch on its way, and of calls since then */

        struct Activities held;
        Effect *effects; /* that tell of these */
        size_t n_effects;
} Storage;

void storage_init(Storage *storage);
void storage_deinit(Storage *storage);

/* --- storage.c --- */

/* The beginning of a seal: whether it is time to try again. Return: 0, -ENOMEM. */
int storage_begin(Core *core);
/* Whether there is something to write but rows. */
bool storage_has_counters(const Core *core);
/* Keeps a touched object out of the batch. Return: whether that was to be done. */
bool storage_hold(Core *core, Object *object, bool to_disk);
/* Keeps the effects out that tell of what is held. Return: 0, -ENOMEM. */
int storage_hold_effects(Core *core);
/* Its calls are on their way, and with them what they would need to be taken back. */
void storage_seal(Core *core, Batch *batch);
void storage_committed(Core *core, const Batch *batch);
/* Whether a step has to wait for the disk; and whether those that did may be asked anew. */
bool storage_bars(const Core *core, const Object *object, StepKind step);
bool storage_wakes(Core *core);
usec_t storage_deadline(const Core *core, usec_t now);
/* Whether an intent is refused beforehand. */
bool storage_refuses(const Core *core, IntentKind kind);

/* --- undo.c --- */

/* Of an object that is about to be touched, in a call: keeps what it is. Return: 0, -ENOMEM. */
int undo_note(Core *core, Object *object);
void undos_free(struct Undos *undos);
/* A call that is answered before it is durable: keeps where it went back to. */
void undo_keep_stand(Core *core, Waiter *waiter);
/* The first call of the same object that came after @waiter, was answered, and is not durable. */
Undo *undo_after(Core *core, const Waiter *waiter);
/**
 * undo_calls() - take back all calls that are not durable
 * @deletes: these, too; else they are asked for anew
 *
 * Rows are again what they were before, but for what the API has said meanwhile. Callers are
 * answered; whoever had been told that a later call replaced his own hears that his is accepted.
 *
 * Return: 0, -ENOMEM.
 */
int undo_calls(Core *core, bool deletes);
