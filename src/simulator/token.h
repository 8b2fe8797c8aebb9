/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The device token of a participant. */

#include "simulator/world.h"

/**
 * token_make() - a JWT of three parts (RFC 7519) with the claims a, p, v and exp
 * @account:     the claim a
 * @participant: id, device API version and expiry are set
 *
 * The signature is random: nobody here checks it, and a short one keeps the token under 180
 * characters, since the User-to-User header of a phone call has room for no more.
 *
 * Return: 0 or -ENOMEM; the caller frees the token.
 */
int token_make(const char *account, const Participant *participant, Random *random, char **ret);
