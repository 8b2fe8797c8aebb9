/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/endpoint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* S and P stand for the ids of the session and of the participant. */
static const struct {
        Method method;
        const char *path;
} endpoints[_OPERATION_MAX] = {
        [OPERATION_CREATE_PARTICIPANT] = { METHOD_POST, "/participants" },
        [OPERATION_GET_PARTICIPANT] = { METHOD_GET, "/participants/P" },
        [OPERATION_DELETE_PARTICIPANT] = { METHOD_DELETE, "/participants/P" },
        [OPERATION_CREATE_SESSION] = { METHOD_POST, "/sessions" },
        [OPERATION_GET_SESSION] = { METHOD_GET, "/sessions/S" },
        [OPERATION_DELETE_SESSION] = { METHOD_DELETE, "/sessions/S" },
        [OPERATION_LIST_PARTICIPANTS] = { METHOD_GET, "/sessions/S/participants" },
        [OPERATION_ADD_PARTICIPANT] = { METHOD_PUT, "/sessions/S/participants/P" },
        [OPERATION_REMOVE_PARTICIPANT] = { METHOD_DELETE, "/sessions/S/participants/P" },
        [OPERATION_GET_SUBSCRIPTIONS] = { METHOD_GET, "/sessions/S/participants/P/subscriptions" },
        [OPERATION_UPDATE_SUBSCRIPTIONS] = { METHOD_PUT,
                                             "/sessions/S/participants/P/subscriptions" },
};

Method endpoint_method(Operation operation) {
        return endpoints[operation].method;
}

/* What stands in the URL for one character of the path; NULL: the character itself. */
static const ApiId *placeholder_id(char c, const Request *request) {
        if (c == 'S')
                return &request->session;
        if (c == 'P')
                return &request->participant;
        return NULL;
}

int endpoint_url(char **ret, const char *base, const char *account, const Request *request) {
        const char *path = endpoints[request->operation].path;
        size_t size = strlen(base) + strlen("/accounts/") + strlen(account) + strlen(path) +
                      2 * (size_t)API_ID_MAX + 1;
        CLEANUP(freep) char *url = malloc(size);
        char *end;

        if (!url)
                return -ENOMEM;

        end = stpcpy(stpcpy(stpcpy(url, base), "/accounts/"), account);
        for (const char *c = path; *c; c++) {
                const ApiId *id = placeholder_id(*c, request);

                if (id && !api_id_is_known(id))
                        return -EINVAL;
                if (id)
                        end = stpcpy(end, api_id_text(id));
                else
                        *end++ = *c;
        }
        *end = 0;

        *ret = TAKE(url);
        return 0;
}
