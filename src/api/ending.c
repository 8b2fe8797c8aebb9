/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/ending.h"

static ApiOutcome client_error_sort(const Ending *ending) {
        switch (ending->status) {
        case 401:
                return API_UNAUTHORIZED;
        case 403:
                return API_FORBIDDEN;
        case 404:
                /* A proxy, a portal or a wrong base URL says 404 too, and proves nothing. */
                return ending->understood ? API_NOT_FOUND : API_REFUSED;
        case 408:
                return API_BROKEN;
        case 409:
                return API_CONFLICT;
        case 425:
        case 429:
                return API_THROTTLED;
        default:
                return API_REFUSED;
        }
}

ApiOutcome ending_sort(const Ending *ending) {
        if (!ending->sent)
                return API_NOT_SENT;
        if (!ending->whole || ending->status < 200)
                return API_NO_ANSWER;
        if (ending->status < 300)
                return ending->understood ? API_OK : API_NOT_UNDERSTOOD;
        if (ending->status < 400)
                return API_REDIRECTED;
        if (ending->status < 500)
                return client_error_sort(ending);
        if (ending->status == 503 && ending->has_retry_after)
                return API_THROTTLED;

        /* Above 599 too: RFC 9110, section 15, has a client take it for a 5xx. */
        return API_BROKEN;
}
