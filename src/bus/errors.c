/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/errors.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "proto/names.h"

const char *outcome_error_name(Outcome outcome) {
        switch (outcome) {
        case OUTCOME_DONE:
                return NULL;
        case OUTCOME_NO_SUCH_SESSION:
                return CONVENED_ERROR_NO_SUCH_SESSION;
        case OUTCOME_NO_SUCH_PARTICIPANT:
                return CONVENED_ERROR_NO_SUCH_PARTICIPANT;
        case OUTCOME_REJECTED:
                return CONVENED_ERROR_REJECTED;
        case OUTCOME_UNAUTHORIZED:
                return CONVENED_ERROR_UNAUTHORIZED;
        case OUTCOME_FORBIDDEN:
                return CONVENED_ERROR_FORBIDDEN;
        case OUTCOME_CONFLICT:
                return CONVENED_ERROR_CONFLICT;
        case OUTCOME_SESSION_FULL:
                return CONVENED_ERROR_SESSION_FULL;
        case OUTCOME_SUPERSEDED:
                return CONVENED_ERROR_SUPERSEDED;
        case OUTCOME_UNAVAILABLE:
                return CONVENED_ERROR_UNAVAILABLE;
        case OUTCOME_UNKNOWN:
                return CONVENED_ERROR_OUTCOME_UNKNOWN;
        case OUTCOME_NO_TOKEN:
                return CONVENED_ERROR_NO_TOKEN;
        case OUTCOME_STORAGE_FAILED:
                return CONVENED_ERROR_STORAGE_FAILED;
        case OUTCOME_INVALID:
                return SD_BUS_ERROR_INVALID_ARGS;
        case _OUTCOME_MAX:
                break;
        }
        return SD_BUS_ERROR_FAILED;
}

int error_set_outcome(sd_bus_error *error, Outcome outcome, const char *reason) {
        return sd_bus_error_set(error, outcome_error_name(outcome), reason);
}

/* What a caller sent comes back cut to this: an answer must never be too large for the bus. */
#define ECHO_BYTES_MAX 64

int error_echo(const char *text) {
        size_t n = strnlen(text, ECHO_BYTES_MAX + 1);

        if (n <= ECHO_BYTES_MAX)
                return (int)n;
        /* Not in the middle of a character of UTF-8. */
        for (n = ECHO_BYTES_MAX; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80; n--)
                ;
        return (int)n;
}

int error_set_argument(sd_bus_error *error, const char *key, const char *format, ...) {
        CLEANUP(freep) char *reason = NULL;
        va_list arguments;
        int r;

        va_start(arguments, format);
        r = vasprintf(&reason, format, arguments);
        va_end(arguments);
        if (r < 0)
                return -ENOMEM;
        return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "%.*s: %s.", error_echo(key),
                                 key, reason);
}

int error_set_unread(sd_bus_error *error, const char *key, int r) {
        return r == -EBADMSG && !sd_bus_error_is_set(error)
                       ? error_set_argument(error, key,
                                            "a code point in it, such as U+FFFE, is no character")
                       : r;
}

int error_set_no_such(sd_bus_error *error, Outcome outcome, const char *path) {
        return sd_bus_error_setf(error, outcome_error_name(outcome), "No object has the path %.*s.",
                                 error_echo(path), path);
}
