/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What does not fit a screen goes through a pager, by the rules of systemd's own tools. */

#include "ctl/options.h"

/**
 * pager_open() - let a pager stand between us and the terminal, from here on
 *
 * Does nothing where standard output is no terminal or a dumb one, with --no-pager, and where
 * $SYSTEMD_PAGER (or else $PAGER) is empty or "cat". Standard error goes the same way if it is a
 * terminal, so that an error is not overwritten. To be called when there is something to print:
 * until pager_close() a ^C is for the pager alone, and a reader that leaves is no failure.
 */
void pager_open(const Options *options);

/* Waits until the person has read enough; what follows goes to the terminal again. */
void pager_close(void);
