/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/level.h"

#include "base/cleanup.h"
#include "base/text.h"

static const char *const names[] = { "emerg",   "alert",  "crit", "err",
                                     "warning", "notice", "info", "debug" };

const char *level_name(int level) {
        return level >= 0 && (size_t)level < ELEMENTSOF(names) ? names[level] : NULL;
}

bool level_parse(int *ret, const char *text) {
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                char digit[] = { (char)('0' + i), '\0' };

                if (!streq(text, names[i]) && !streq(text, digit))
                        continue;
                *ret = (int)i;
                return true;
        }
        return false;
}
