/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A session or a participant, as it is named on the command line, on the bus and to people. */

#include <stdint.h>

#include "ctl/ctl.h"

typedef enum Kind { KIND_SESSION, KIND_PARTICIPANT, _KIND_MAX } Kind;

typedef struct KindNames {
        const char *noun; /* "session" */
        const char *interface, *path, *list, *error;
} KindNames;

extern const KindNames kind_names[_KIND_MAX];

typedef struct Object {
        Kind kind;
        uint64_t number; /* 0: none */
        char path[64];
} Object;

Object object_make(Kind kind, uint64_t number);

/* Reads a path of the contract; false for any other path, "/" among them. */
bool object_from_path(const char *path, Object *ret);

/* What people call it: session 3 "standup". @tag may be empty. Fresh memory. */
char *object_label(const Object *object, const char *tag);

/* The facts of an object; a failure has been said. */
Exit object_facts(Ctl *ctl, const Object *object, json_object **ret);

/* Whether a text may be the beginning of an API id: the service refuses a filter that cannot. */
bool object_may_be_id(const char *text);

/**
 * object_resolve() - find the object that a word means
 * @name: all digits: its number, which is not looked up; else its API id, a unique beginning of
 *        that, or its tag where it is unique
 *
 * An id in full wins over everything else. Several candidates are a failure that lists them.
 */
Exit object_resolve(Ctl *ctl, Kind kind, const char *name, Object *ret);

/*
 * The like among sessions and participants together, numbers looked up. A number or a name that
 * both have is ambiguous; "session/3" and "participant/3" never are.
 */
Exit object_resolve_any(Ctl *ctl, const char *name, Object *ret);
