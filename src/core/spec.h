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

/* Fixed when an object is created or adopted. Strings are never NULL; empty is "not given". */
typedef struct Spec {
        unsigned n_refs;
        uint32_t owner;    /* uid */
        usec_t created_at; /* CLOCK_REALTIME */
        Lifetime lifetime : 8;
        unsigned permissions : 8; /* PUBLISH_AUDIO | PUBLISH_VIDEO */
        bool at_most_once : 1;
        bool stranger : 1; /* came in with a session of the owner's, and nobody here asked for it */
        bool packed : 1;   /* the strings lie behind it: see spec_pack() */
        char *tag;
        char *callback_url;
        char *device_api_version;
        char *client_bus;  /* LIFETIME_CLIENT: the id of the bus ... */
        char *client_name; /* ... and the creator's unique name on it */
} Spec;

/**
 * spec_new() - a Spec with empty strings and one reference
 *
 * The caller fills it in (spec_set_text() for the strings) before anybody shares it.
 *
 * Return: 0, -ENOMEM.
 */
int spec_new(Spec **ret);
int spec_set_text(char **field, const char *text);

/**
 * spec_pack() - move a Spec and its strings into one piece of memory
 * @spec: one that nobody shares; nobody may set a string in it any more
 *
 * Each piece costs 8 to 16 bytes beside what is in it. Without memory all stays as it is.
 */
void spec_pack(Spec **spec);
Spec *spec_ref(Spec *spec);
Spec *spec_unref(Spec *spec);

DEFINE_CLEANUP(Spec, spec_unref);
