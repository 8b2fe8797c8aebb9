/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Why the state cannot be used, and what to do about it: whole sentences for people. */

#include "store/store.h"

/* Sets @ret_reason. Return: STORE_REFUSED, -ENOMEM with @ret_reason untouched. */
__attribute__((format(printf, 2, 3))) int refuse(char **ret_reason, const char *format, ...);
