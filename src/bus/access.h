/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Who may do what: the one place that is asked before each call. It may answer later (a question
 * to polkit does), so whoever asks has parsed, copied and checked everything beforehand, and does
 * nothing that can be observed before the answer. Quotas belong here too.
 *
 * On the session bus there is one user, who may everything. On the system bus the bus policy has
 * let in root and the members of a group; what one of them may do with another's objects is in the
 * table of access.c. What that refuses, polkit may allow.
 */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "base/cleanup.h"

typedef struct Access Access;

typedef enum Action {
        ACTION_READ,          /* list, Refresh, Sync */
        ACTION_CREATE,        /* and adopt */
        ACTION_CREATE_JOINED, /* a participant in a session; owners: the session's */
        ACTION_DELETE_SESSION,
        ACTION_DELETE_PARTICIPANT,
        ACTION_SUBSCRIBE,
        ACTION_GET_TOKEN,
        ACTION_ADD,    /* owners: of the session and of the participant */
        ACTION_REMOVE, /* likewise */
        ACTION_RELOAD,
        _ACTION_MAX,
} Action;

#define ACCESS_OWNERS_MAX 2

typedef struct Question {
        Action action;
        uint32_t owners[ACCESS_OWNERS_MAX]; /* of the objects that the call is about */
        unsigned n_owners;
} Question;

/* @refusal: borrowed, NULL: it may. Called once, from the loop or from access_free(), and never
 * from inside access_ask(). */
typedef void (*AccessAnswer)(void *userdata, const sd_bus_error *refusal);

/* A caller that something was asked about has left the bus. Not all that leave are told of: those
 * that were not heard of for long are forgotten. */
typedef void (*AccessDeparture)(const char *name, void *userdata);

/* @system: whether callers have rights of their own. Return: 0, -ENOMEM. */
int access_new(Access **ret, sd_bus *bus, bool system, AccessDeparture departure, void *userdata);
Access *access_free(Access *access);

/**
 * access_ask() - may the sender of this message do this?
 * @answer:   called later where 0 is returned; else never
 * @error:    set on refusal
 *
 * A sender that leaves the bus before the answer is refused. What polkit has refused is refused for
 * a second more, at once.
 *
 * Return: 1: yes; 0: the answer comes later; negative errno: no, or nobody can tell who is asking.
 */
int access_ask(Access *access, sd_bus_message *message, const Question *question,
               AccessAnswer answer, void *userdata, sd_bus_error *error);

/* What polkit is asked for where it is asked about an action. */
const char *access_polkit_action(Action action);

/**
 * access_owner() - the uid that an object of this sender's is to belong to
 *
 * Return: 0, -EACCES where it cannot be told.
 */
int access_owner(Access *access, sd_bus_message *message, uint32_t *ret);

DEFINE_CLEANUP(Access, access_free);
