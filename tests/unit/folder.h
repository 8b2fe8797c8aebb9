/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A folder of a test's own, gone when it leaves the scope, and files in it. */

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "unit/unit.h"

typedef struct Folder {
        char path[64];
} Folder;

static inline int folder_remove_one(const char *path, const struct stat *st, int kind,
                                    struct FTW *ftw) {
        (void)st;
        (void)kind;
        (void)ftw;
        return remove(path);
}

static inline void folder_deinit(Folder *folder) {
        nftw(folder->path, folder_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void folder_init(Folder *folder) {
        strcpy(folder->path, "/tmp/convened-test-XXXXXX");
        assert_non_null(mkdtemp(folder->path));
}

/* The path of a file there; it holds until the next call. */
static inline const char *folder_path(const Folder *folder, const char *name) {
        static char path[PATH_MAX];

        snprintf(path, sizeof(path), "%s/%s", folder->path, name);
        return path;
}

static inline void folder_write_bytes(const Folder *folder, const char *name, const void *bytes,
                                      size_t n) {
        FILE *file = fopen(folder_path(folder, name), "we");

        assert_non_null(file);
        assert_int_equal(fwrite(bytes, 1, n, file), n);
        assert_int_equal(fclose(file), 0);
}

static inline void folder_write(const Folder *folder, const char *name, const char *text) {
        folder_write_bytes(folder, name, text, strlen(text));
}

static inline void folder_add(const Folder *folder, const char *name) {
        assert_int_equal(mkdir(folder_path(folder, name), 0700), 0);
}
