/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A slow disk for one program:
 *
 *     LD_PRELOAD=slow-fsync.so SLOW_FSYNC_USEC=200000 convened ...
 *
 * Every fsync() and fdatasync() takes that much longer. With SLOW_FSYNC_LOG=FILE each appends a
 * line "PID TID" there before it begins, so that a test can see how many there were, and in which
 * thread. With SLOW_FSYNC_FAIL=FILE each fails with EIO while that file exists, and with
 * SLOW_FSYNC_HOLD=FILE each that has begun waits while that one exists. With SLOW_FSYNC_ONLY=NAME
 * all of this is for files of that name alone. A program built with address sanitizers wants
 * ASAN_OPTIONS=verify_asan_link_order=0 beside it.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void note(const char *path) {
        char line[64];
        int fd, n;

        n = snprintf(line, sizeof(line), "%d %ld\n", (int)getpid(), syscall(SYS_gettid));
        fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
                return;
        if (write(fd, line, (size_t)n) != n)
                abort();
        close(fd);
}

static void linger(void) {
        const char *usec = getenv("SLOW_FSYNC_USEC"), *path = getenv("SLOW_FSYNC_LOG");
        unsigned long long span = usec ? strtoull(usec, NULL, 10) : 0;
        struct timespec left = { .tv_sec = (time_t)(span / 1000000),
                                 .tv_nsec = (long)(span % 1000000 * 1000) };

        if (path)
                note(path);
        while (nanosleep(&left, &left) < 0)
                ;
}

static void hold(void) {
        const char *path = getenv("SLOW_FSYNC_HOLD");

        while (path && access(path, F_OK) == 0)
                nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
}

static int fail(void) {
        const char *path = getenv("SLOW_FSYNC_FAIL");

        if (!path || access(path, F_OK) < 0)
                return 0;

        errno = EIO;
        return -1;
}

static int is_meant(int fd) {
        const char *only = getenv("SLOW_FSYNC_ONLY"), *name;
        char link[32], path[4096];
        ssize_t n;

        if (!only)
                return 1;
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, path, sizeof(path) - 1);
        if (n < 0)
                abort();
        path[n] = '\0';
        name = strrchr(path, '/');
        return name && strcmp(name + 1, only) == 0;
}

static int sync_by(long number, int fd) {
        if (is_meant(fd)) {
                linger();
                hold();
                if (fail() < 0)
                        return -1;
        }
        return (int)syscall(number, fd);
}

int fsync(int fd) {
        return sync_by(SYS_fsync, fd);
}

int fdatasync(int fd) {
        return sync_by(SYS_fdatasync, fd);
}
