/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Log levels, as syslog(3) numbers them, by the names that systemd gives them. */

#include <stdbool.h>

/* "emerg" to "debug" for LOG_EMERG to LOG_DEBUG; NULL: no such level. */
const char *level_name(int level);

/* A name, or a digit from 0 to 7. Return: true, or false with @ret untouched. */
bool level_parse(int *ret, const char *text);
