/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where each operation of the API is, and by which method. */

#include "core/request.h"

typedef enum Method { METHOD_GET, METHOD_POST, METHOD_PUT, METHOD_DELETE, _METHOD_MAX } Method;

Method endpoint_method(Operation operation);

/* Whether a request of that method carries a body: then never an empty one. */
static inline bool method_has_body(Method method) {
        return method == METHOD_POST || method == METHOD_PUT;
}

/**
 * endpoint_url() - the URL of a request
 * @base:    up to and including /v1, without a slash at the end
 * @account: of the alphabet of an ApiId, like everything else that comes near the path
 *
 * Return: 0, -EINVAL (the path needs an id that is not known), -ENOMEM.
 */
int endpoint_url(char **ret, const char *base, const char *account, const Request *request);
