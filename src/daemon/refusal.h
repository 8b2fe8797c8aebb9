/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the daemon is given may be unusable: a configuration, a state file, a command line. That is
 * no errno but a sentence for the person who has to put it right, and a positive outcome beside
 * it.
 */

#define REFUSED 1

/**
 * refusal() - give the reason in words
 * @ret_reason: the sentence, owned by the caller; untouched on failure
 *
 * Return: REFUSED, or -ENOMEM.
 */
int refusal(char **ret_reason, const char *format, ...)
        __attribute__((__format__(__printf__, 2, 3)));

/**
 * refusal_explain() - where @r is a negative errno, and nobody has given a reason yet, give it
 * @what:       what can't be done: "Can't ..."
 * @ret_reason: NULL or the sentence, owned by the caller; untouched without memory
 *
 * Return: @r.
 */
int refusal_explain(int r, const char *what, char **ret_reason);
