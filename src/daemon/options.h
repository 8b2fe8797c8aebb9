/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The command line, and the places of files that follow from it and the environment. */

#include <stdbool.h>

#include "base/cleanup.h"

typedef struct Options {
        bool system; /* which bus */
        int log_level;
        char *configuration_file;
        bool configuration_required; /* it was named, so it must be there */
        char *state_directory;
} Options;

/* Beside 0 and REFUSED (from refusal.h). */
#define OPTIONS_HELP    2
#define OPTIONS_VERSION 3

/**
 * options_new() - read the arguments
 * @ret_reason: set where REFUSED is returned
 *
 * Return: 0; REFUSED: a wrong command line; OPTIONS_HELP, OPTIONS_VERSION: asked for; -ENOMEM.
 */
int options_new(Options **ret, int argc, char **argv, char **ret_reason);

/**
 * options_find_files() - fill in the paths that were not given
 *
 * Return: 0; REFUSED: the environment tells none; -ENOMEM.
 */
int options_find_files(Options *options, char **ret_reason);
Options *options_free(Options *options);

/* What --help prints. */
extern const char options_help[];

DEFINE_CLEANUP(Options, options_free);
