/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Reads files in the manner of systemd: [Section], Key=value, comments on lines of their own after
 * '#' or ';', a backslash at the end joins the next line. No quotes, and no comment after a value.
 * See systemd.syntax(7).
 */

/* One assignment. All borrowed for the length of the call. */
typedef struct IniLine {
        const char *file;
        unsigned line;       /* where it begins; the first is 1 */
        const char *section; /* NULL: before the first one */
        const char *key;     /* NULL: the section itself begins here */
        const char *value;   /* without space around it; may be empty */
} IniLine;

/* Anything but 0 ends the reading and is what ini_read() returns. */
typedef int (*IniHandler)(const IniLine *line, void *userdata, char **ret_reason);

/**
 * ini_read() - hand the lines of a file on, in order
 * @ret_reason: set where REFUSED is returned
 *
 * A whole file of more than 1 MiB is refused, and so is what is no UTF-8.
 *
 * Return: 0; REFUSED: not such a file; what @handler returned; -ENOENT: no such file; -ENOMEM.
 */
int ini_read(const char *path, IniHandler handler, void *userdata, char **ret_reason);
