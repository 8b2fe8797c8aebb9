/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The file of CAFile=: certificates in PEM. */

/**
 * ca_file_check() - whether a file is there and has a certificate in it
 * @path:       absolute
 * @ret_reason: with REFUSED: what is wrong with it, owned by the caller
 *
 * What libcurl finds out at the first connection looks like an API that cannot be reached; a
 * directory, an empty file, a key or any other file can be told before. Whether the certificates
 * are good is left to the TLS library.
 *
 * Return: 0; REFUSED; negative errno for out of memory.
 */
int ca_file_check(const char *path, char **ret_reason);
