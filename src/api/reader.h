/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the body of a good answer says, as values. Tolerant of all that the API was ever seen to
 * answer, or said to (null for nothing, a list of none in three forms, bare ids for publishers),
 * and of nothing else.
 */

#include "core/request.h"

/* Entries of one list of participants, publishers or aliases, at most; the API gives 20. */
#define READER_LIST_MAX 1000

typedef struct Reading {
        ApiId id;
        char *tag;   /* of a session; NULL: none */
        char *token; /* a secret; NULL: none was given */
        Sighting *sightings;
        size_t n_sightings;
        bool has_members; /* of a session: these are, by id alone */
} Reading;

/* Which answer it is, and to what. */
typedef struct Question {
        Operation operation;
        ApiId session, participant; /* those that the path named */
} Question;

/**
 * reader_read() - understand the body of a 2xx
 * @ret:    filled in where 1 is returned, else untouched
 * @status: the HTTP status: 204 is an empty list, or empty subscriptions
 * @text:   text[n] is a NUL
 *
 * Return: 1 understood, 0 not, -ENOMEM.
 */
int reader_read(Reading *ret, const Question *question, unsigned status, const char *text,
                size_t n);

/* Overwrites the token. */
void reading_deinit(Reading *reading);
