/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Ends a program at its n-th call that writes or talks:
 *
 *     LD_PRELOAD=fault-points.so FAULT_POINTS=FOLDER convened ...
 *
 * Calls are counted while the file FOLDER/armed is there, and each is noted in FOLDER/log by its
 * class, a line each. With FOLDER/at, which holds a number, the call of that number is not made
 * any more: the process ends as by SIGKILL. With FOLDER/after beside it the call is made before.
 * With FOLDER/cut, a link to a folder, the power of the file system that holds it is cut first:
 * what was not synced is lost, and nothing that comes later reaches the disk. With FOLDER/fail only
 * calls of the disk count, and the process does not end: the call is not made, and fails with EIO.
 * With FOLDER/unsynced nothing is ever synced: a test that does not find that out finds nothing.
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/fs.h has it since 6.8 only, and ext4 and XFS understand it since long. */
#define GOINGDOWN                   _IOR('X', 125, uint32_t)
#define GOINGDOWN_WITHOUT_LOG_FLUSH 2U

static atomic_uint n_calls;

/* All of ours goes by system calls: the functions are those that are counted. */
static int open_in_folder(const char *name, int flags) {
        const char *folder = getenv("FAULT_POINTS");
        char path[4096];

        if (!folder)
                return -1;
        snprintf(path, sizeof(path), "%s/%s", folder, name);
        return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0600);
}

static bool exists_in_folder(const char *name) {
        int fd = open_in_folder(name, O_PATH);

        if (fd >= 0)
                syscall(SYS_close, fd);
        return fd >= 0;
}

static void note(const char *class) {
        char line[32];
        int n = snprintf(line, sizeof(line), "%s\n", class);
        int fd = open_in_folder("log", O_WRONLY | O_APPEND | O_CREAT);

        if (fd < 0 || syscall(SYS_write, fd, line, n) != n)
                abort();
        syscall(SYS_close, fd);
}

static unsigned fatal_call(void) {
        char text[16] = "";
        int fd = open_in_folder("at", O_RDONLY);

        if (fd < 0)
                return 0;
        if (syscall(SYS_read, fd, text, sizeof(text) - 1) <= 0)
                abort();
        syscall(SYS_close, fd);
        return (unsigned)strtoul(text, NULL, 10);
}

static void end(void) {
        uint32_t how = GOINGDOWN_WITHOUT_LOG_FLUSH;
        int fd = open_in_folder("cut", O_RDONLY | O_DIRECTORY);

        if (fd >= 0 && syscall(SYS_ioctl, fd, GOINGDOWN, &how) < 0)
                abort();
        syscall(SYS_kill, getpid(), SIGKILL);
        for (;;)
                pause();
}

static bool is_of_disk(const char *class) {
        static const char *const others[] = { "write", "send", "recv", "connect" };

        for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
                if (strcmp(class, others[i]) == 0)
                        return false;
        return true;
}

/* Whether this call is the one. */
static bool is_fatal(const char *class) {
        unsigned number;

        if (!exists_in_folder("armed") || (exists_in_folder("fail") && !is_of_disk(class)))
                return false;
        number = atomic_fetch_add(&n_calls, 1) + 1;
        note(class);
        return number == fatal_call();
}

/* What a call that failed returns: the number of the error, or -1 and it in errno. */
static int failure(const char *class) {
        errno = EIO;
        return strcmp(class, "fallocate") == 0 ? EIO : -1;
}

#define POINT(class, type, call)                                                                   \
        do {                                                                                       \
                bool fatal = is_fatal(class);                                                      \
                type result;                                                                       \
                                                                                                   \
                if (fatal && exists_in_folder("fail"))                                             \
                        return failure(class);                                                     \
                if (fatal && !exists_in_folder("after"))                                           \
                        end();                                                                     \
                result = (call);                                                                   \
                if (fatal)                                                                         \
                        end();                                                                     \
                return result;                                                                     \
        } while (0)

ssize_t write(int fd, const void *data, size_t n) {
        if (fd == STDERR_FILENO)
                return syscall(SYS_write, fd, data, n);
        POINT("write", ssize_t, syscall(SYS_write, fd, data, n));
}

/* Inside the C library, eventfd_write() is not a call of write(). */
int eventfd_write(int fd, eventfd_t value) {
        POINT("write", int, syscall(SYS_write, fd, &value, sizeof(value)) < 0 ? -1 : 0);
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t offset) {
        POINT("pwrite", ssize_t, syscall(SYS_pwrite64, fd, data, n, offset));
}

ssize_t pwrite64(int fd, const void *data, size_t n, off64_t offset) {
        POINT("pwrite", ssize_t, syscall(SYS_pwrite64, fd, data, n, offset));
}

/* Where a file system cannot, the C library writes instead. */
int posix_fallocate(int fd, off_t at, off_t n) {
        int (*real)(int, off_t, off_t) =
                (int (*)(int, off_t, off_t))dlsym(RTLD_NEXT, "posix_fallocate");

        POINT("fallocate", int, real(fd, at, n));
}

/* Of a disk that says that it has written what it has not. */
static int lie_or(long number, int fd) {
        return exists_in_folder("unsynced") ? 0 : (int)syscall(number, fd);
}

/* A folder's is a class of its own: SQLite does not look at what becomes of it. */
static const char *sync_class(int fd) {
        struct stat st;

        return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) ? "dirsync" : "fsync";
}

int fsync(int fd) {
        POINT(sync_class(fd), int, lie_or(SYS_fsync, fd));
}

int fdatasync(int fd) {
        POINT(sync_class(fd), int, lie_or(SYS_fdatasync, fd));
}

int ftruncate(int fd, off_t size) {
        POINT("ftruncate", int, (int)syscall(SYS_ftruncate, fd, size));
}

int ftruncate64(int fd, off64_t size) {
        POINT("ftruncate", int, (int)syscall(SYS_ftruncate, fd, size));
}

int unlink(const char *path) {
        POINT("unlink", int, (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0));
}

int unlinkat(int folder, const char *path, int flags) {
        POINT("unlink", int, (int)syscall(SYS_unlinkat, folder, path, flags));
}

int rename(const char *from, const char *to) {
        POINT("rename", int, (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

int renameat(int from_folder, const char *from, int to_folder, const char *to) {
        POINT("rename", int, (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, 0));
}

ssize_t send(int fd, const void *data, size_t n, int flags) {
        POINT("send", ssize_t, syscall(SYS_sendto, fd, data, n, flags, NULL, 0));
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
        POINT("send", ssize_t, syscall(SYS_sendmsg, fd, message, flags));
}

ssize_t recv(int fd, void *data, size_t n, int flags) {
        POINT("recv", ssize_t, syscall(SYS_recvfrom, fd, data, n, flags, NULL, NULL));
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
        POINT("recv", ssize_t, syscall(SYS_recvmsg, fd, message, flags));
}

int connect(int fd, const struct sockaddr *address, socklen_t n) {
        POINT("connect", int, (int)syscall(SYS_connect, fd, address, n));
}
