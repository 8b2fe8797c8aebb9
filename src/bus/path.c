/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/path.h"

#include <inttypes.h>
#include <stdio.h>

#include "proto/names.h"

const char *path_prefix(Kind kind) {
        return kind == KIND_SESSION ? CONVENED_PATH_SESSION : CONVENED_PATH_PARTICIPANT;
}

Path path_of(Kind kind, uint64_t number) {
        Path path;

        snprintf(path.text, sizeof(path.text), "%s/%" PRIu64, path_prefix(kind), number);
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
