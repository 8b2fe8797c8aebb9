/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is fixed of a session or a participant when it is created or adopted. */

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/time.h"

/* The numbers of this enum stand in state files: add at the end only. */
typedef enum Lifetime { LIFETIME_PERSISTENT, LIFETIME_CLIENT, _LIFETIME_MAX } Lifetime;

#define PUBLISH_AUDIO 1U
#define PUBLISH_VIDEO 2U

/* Bounds of what a Spec says: the API's documentation, and doc/architecture.md. */
#define TAG_CODE_POINTS_MAX    50
#define CALLBACK_URL_BYTES_MAX 2048

typedef enum SpecText {
        SPEC_TAG,
        SPEC_CALLBACK_URL,
        SPEC_DEVICE_API_VERSION,
        SPEC_CLIENT_BUS,  /* LIFETIME_CLIENT: the id of the bus ... */
        SPEC_CLIENT_NAME, /* ... and the creator's unique name on it */
        _SPEC_TEXT_MAX,
} SpecText;

/* Immutable once it is shared. One piece of memory with all of its texts: there are as many as
 * there are objects. */
typedef struct Spec {
        unsigned n_refs;
        uint32_t owner;    /* uid */
        usec_t created_at; /* CLOCK_REALTIME */
        Lifetime lifetime : 8;
        unsigned permissions : 8; /* PUBLISH_AUDIO | PUBLISH_VIDEO */
        bool at_most_once : 1;
        bool stranger : 1; /* came in with a session of the owner's, and nobody here asked for it */
        char texts[];      /* one after the other, each with its NUL: see spec_text() */
} Spec;

/**
 * spec_new() - a Spec with empty texts and one reference
 *
 * The caller fills it in (spec_set_text() for the texts) before anybody shares it.
 *
 * Return: 0, -ENOMEM.
 */
int spec_new(Spec **ret);

/* A text, borrowed; never NULL, and empty where it was not given. */
const char *spec_text(const Spec *spec, SpecText which);

/**
 * spec_set_text() - give a Spec that nobody shares a text
 * @spec: moves, and with it all of its texts; untouched on failure
 * @text: copied; may be one of its own
 *
 * Return: 0, -ENOMEM.
 */
int spec_set_text(Spec **spec, SpecText which, const char *text);

/* One of its own, with one reference. Return: 0, -ENOMEM. */
int spec_copy(Spec **ret, const Spec *from);
Spec *spec_ref(Spec *spec);
Spec *spec_unref(Spec *spec);

DEFINE_CLEANUP(Spec, spec_unref);
