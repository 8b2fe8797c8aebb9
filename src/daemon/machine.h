/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#define MACHINE_ID_SIZE 33

/* What this machine is known by in a state file: made of its machine-id(5), which is not to leave
 * the machine, and of no use to anybody else. Return: @buffer; NULL: it has none. */
const char *machine_id(char buffer[static MACHINE_ID_SIZE]);
