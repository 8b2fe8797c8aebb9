/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Memory for a program that lives for one command. When there is none, nothing here could go on
 * or clean up better than leaving does: so these end the program instead of returning NULL.
 */

#include <stddef.h>

/* Hands the pointer through; NULL ends the program with exit status 1. */
void *must(void *p);

/* The like for sd-bus while a message of ours is built: negative is a bug or no memory. */
int must_bus(int r);

/* printf() into fresh memory, the caller's to free. */
char *format(const char *template, ...) __attribute__((format(printf, 1, 2)));
