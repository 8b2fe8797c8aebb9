/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The bodies that the API reads. */

#include "core/request.h"

/**
 * writer_body() - the body of a POST or a PUT, as JSON text
 *
 * At least {}: libcurl treats no body specially, and so do servers. A subscription cannot widen on
 * its way: a list stands alone, and only MODE_SESSION names the session.
 *
 * Return: 0, -ENOMEM.
 */
int writer_body(char **ret, const Request *request);
