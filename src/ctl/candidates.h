/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What may stand for a word that is being completed: words of ours, and objects that are there. */

#include "ctl/object.h"

/* The word, as far as it is typed. */
typedef struct Stub {
        const char *before; /* stands in front of what is completed, and stays as it is */
        size_t n_before;
        const char *text;    /* the beginning that a candidate has to have */
        const char *strange; /* characters that a tag must not have here; may be NULL */
} Stub;

/* Which names of objects are asked for. */
typedef enum Naming {
        NAMING_ANY,       /* numbers, ids, tags that one object has */
        NAMING_WITH_KIND, /* the like, but numbers as session/3 */
        NAMING_TAGS,      /* every tag once */
} Naming;

/* Prints a word and what it means, a tab between them, if it begins as @stub does. */
void candidate_print(const Stub *stub, const char *word, const char *meaning);

/*
 * Prints the names of objects that begin as @stub does. Nothing where the service does not answer:
 * it is not started for this. Of a long list it sees the beginning, and all ids.
 */
void candidates_print_objects(Ctl *ctl, const Stub *stub, Kind kind, Naming naming);
