/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* User and password for the API. Read from a file, never from arguments or the environment. */

#include "base/cleanup.h"

typedef struct Credentials {
        char *user, *password; /* secret */
} Credentials;

/**
 * credentials_load() - read them
 * @file:       CredentialsFile=; empty: "api" in @directory
 * @directory:  $CREDENTIALS_DIRECTORY, where systemd has put credentials; NULL: none
 * @ret_reason: set where REFUSED is returned: one sentence, nothing of the file's content in it
 *
 * One line, user:password, split at the first colon. Only the file's owner may have any right to
 * it, unless it is in @directory. The owner is this process's user or root.
 *
 * Return: 0; REFUSED: there are none that are usable; -ENOMEM.
 */
int credentials_load(Credentials **ret, const char *file, const char *directory, char **ret_reason);

/* The memory is overwritten first. */
Credentials *credentials_free(Credentials *credentials);

DEFINE_CLEANUP(Credentials, credentials_free);
