/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/reason.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int refuse(char **ret_reason, const char *format, ...) {
        va_list arguments;
        char *reason;
        int n;

        va_start(arguments, format);
        n = vasprintf(&reason, format, arguments);
        va_end(arguments);
        if (n < 0)
                return -ENOMEM;

        *ret_reason = reason;
        return STORE_REFUSED;
}
