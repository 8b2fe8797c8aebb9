/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/refusal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int refusal(char **ret_reason, const char *format, ...) {
        va_list arguments;
        char *reason;
        int r;

        va_start(arguments, format);
        r = vasprintf(&reason, format, arguments);
        va_end(arguments);
        if (r < 0)
                return -ENOMEM;

        *ret_reason = reason;
        return REFUSED;
}

int refusal_explain(int r, const char *what, char **ret_reason) {
        if (r < 0 && !*ret_reason) {
                errno = -r;
                (void)refusal(ret_reason, "%s: %m.", what);
        }
        return r;
}
