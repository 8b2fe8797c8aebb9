/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The command line. */

#include "simulator/settings.h"

typedef enum OptionsOutcome {
        OPTIONS_RUN,
        OPTIONS_HELP,
        OPTIONS_VERSION,
        OPTIONS_WRONG,
} OptionsOutcome;

/**
 * options_parse() - read the command line into settings
 * @ret:         with what is not given at its default; strings borrowed from @argv
 * @ret_problem: with OPTIONS_WRONG: what is wrong, for a person; the caller frees it. NULL out of
 *               memory
 */
OptionsOutcome options_parse(int argc, char **argv, Settings *ret, char **ret_problem);

/** options_help() - the text of --help. */
const char *options_help(void);
