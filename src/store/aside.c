/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/fd.h"

static int copy_bytes(int from, int to) {
        for (;;) {
                ssize_t n = sendfile(to, from, NULL, 1 << 20);

                if (n < 0)
                        return -errno;
                if (n == 0)
                        return fsync(to) < 0 ? -errno : 0;
        }
}

/* Under another name first, so that a copy is a whole one. */
static int copy_file(const Directory *directory, const char *from_name, const char *to_name) {
        static const char part[] = STATE_DAMAGED "part";
        CLEANUP(closep) int from = -1, to = -1;
        int r;

        from = openat(directory->fd, from_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (from < 0)
                return -errno;
        to = openat(directory->fd, part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                    0600);
        if (to < 0)
                return -errno;

        r = copy_bytes(from, to);
        if (r < 0) {
                (void)unlinkat(directory->fd, part, 0);
                return r;
        }
        return renameat(directory->fd, part, directory->fd, to_name) < 0 ? -errno : 0;
}

static int aside_name(const Directory *directory, char **ret, char **ret_log) {
        CLEANUP(freep) char *name = NULL, *log = NULL;
        char stamp[sizeof("20240131T235959Z")];
        struct stat st;
        struct tm tm;

        /* Named by the last change of the file: a second look at it finds the copy. */
        if (fstatat(directory->fd, STATE_FILE, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        if (!gmtime_r(&st.st_mtime, &tm) ||
            strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm) == 0)
                return -ERANGE;
        if (asprintf(&name, "%s%s", STATE_DAMAGED, stamp) < 0) {
                name = NULL;
                return -ENOMEM;
        }
        if (asprintf(&log, "%s-wal", name) < 0) {
                log = NULL;
                return -ENOMEM;
        }

        *ret = TAKE(name);
        *ret_log = TAKE(log);
        return 0;
}

int directory_set_aside(const Directory *directory, char **ret_name) {
        CLEANUP(freep) char *name = NULL, *log = NULL;
        int r;

        r = aside_name(directory, &name, &log);
        if (r < 0)
                return r;

        if (faccessat(directory->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0) {
                /* The log first: where the file's copy is, its log's is too. */
                if (faccessat(directory->fd, STATE_FILE "-wal", F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
                        r = copy_file(directory, STATE_FILE "-wal", log);
                        if (r < 0)
                                return r;
                }
                r = copy_file(directory, STATE_FILE, name);
                if (r < 0)
                        return r;
        }

        *ret_name = TAKE(name);
        return 0;
}
