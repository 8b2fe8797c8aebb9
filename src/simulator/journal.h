/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The last requests to the API, for tests to read. */

#include "base/cleanup.h"
#include "base/time.h"
#include "simulator/message.h"

#define JOURNAL_MAX      100000
#define JOURNAL_BODY_MAX 4096

typedef struct Journal Journal;

int journal_new(Journal **ret);
Journal *journal_free(Journal *journal);

DEFINE_CLEANUP(Journal, journal_free);

/**
 * journal_add() - note a request; the oldest makes room when there are JOURNAL_MAX
 * @since_start: when it came
 * @fault:       the kind of fault it met, a string that lives for ever; NULL for none
 * @effect:      whether it was carried out
 *
 * No answer is noted yet. Return: its number, from 1; 0 out of memory, and then nothing is kept.
 */
uint64_t journal_add(Journal *journal, const Request *request, usec_t since_start,
                     const char *fault, bool effect);

/** journal_answered() - note the status of the answer to a request, if it is still kept. */
void journal_answered(Journal *journal, uint64_t seq, unsigned status);

/** journal_view() - write those after @after as JSON: {"requests":[…]}. */
void journal_view(const Journal *journal, uint64_t after, Buffer *buffer);
