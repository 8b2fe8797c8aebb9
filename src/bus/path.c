/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/path.h"

#include <string.h>

#include "proto/names.h"

const char *path_prefix(Kind kind) {
        return kind == KIND_SESSION ? CONVENED_PATH_SESSION : CONVENED_PATH_PARTICIPANT;
}

Path path_of(Kind kind, uint64_t number) {
        char digits[20], *digit = digits + sizeof(digits), *end;
        Path path;

        /* snprintf() would take longer than the whole search that leads here. */
        do
                *--digit = (char)('0' + number % 10);
        while ((number /= 10) > 0);

        end = stpcpy(path.text, path_prefix(kind));
        *end++ = '/';
        end = mempcpy(end, digit, (size_t)(digits + sizeof(digits) - digit));
        *end = 0;
        return path;
}

static bool number_parse(const char *digits, uint64_t *ret) {
        uint64_t number = 0;

        if (*digits < '1' || *digits > '9')
                return false;
        for (; *digits; digits++) {
                if (*digits < '0' || *digits > '9')
                        return false;
                if (__builtin_mul_overflow(number, 10, &number) ||
                    __builtin_add_overflow(number, (uint64_t)(*digits - '0'), &number))
                        return false;
        }

        *ret = number;
        return true;
}

bool path_parse(const char *path, Kind kind, uint64_t *ret) {
        const char *prefix = path_prefix(kind);
        size_t n = strlen(prefix);

        return strncmp(path, prefix, n) == 0 && path[n] == '/' && number_parse(path + n + 1, ret);
}
