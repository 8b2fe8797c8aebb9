/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *must(void *p) {
        if (!p) {
                fputs("convenectl: out of memory\n", stderr);
                exit(EXIT_FAILURE);
        }
        return p;
}

int must_bus(int r) {
        if (r < 0) {
                fprintf(stderr, "convenectl: cannot build a bus message: %s\n", strerror(-r));
                exit(EXIT_FAILURE);
        }
        return r;
}

char *format(const char *template, ...) {
        char *text = NULL;
        va_list arguments;

        va_start(arguments, template);
        if (vasprintf(&text, template, arguments) < 0)
                text = NULL;
        va_end(arguments);
        return must(text);
}
