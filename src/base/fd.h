/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Ownership of file descriptors, as cleanup.h has it for memory; -1 is none. */

#include <unistd.h>

#include "base/cleanup.h"

static inline void closep(int *fd) {
        if (*fd >= 0)
                close(*fd);
        *fd = -1;
}

/* Hands the descriptor on and leaves -1 behind. */
#define TAKE_FD(fd)                                                                                \
        ({                                                                                         \
                int *_p = &(fd);                                                                   \
                int _v = *_p;                                                                      \
                *_p = -1;                                                                          \
                _v;                                                                                \
        })
