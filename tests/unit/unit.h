/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What every unit test includes first: cmocka with what it needs before it, and named cases. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cleanup.h"

/* Fails the test with the case's name in front of what was expected. */
#define CASE(name, condition)                                                                      \
        do {                                                                                       \
                if (!(condition))                                                                  \
                        fail_msg("%s: %s", (name), #condition);                                    \
        } while (0)
