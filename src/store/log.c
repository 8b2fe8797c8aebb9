/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/directory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <endian.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "store/reason.h"

/* What lies beside the state file. See "WAL File Format" in https://sqlite.org/fileformat2.html. */

#define LOG_MAGIC        0x377f0682U
#define LOG_HEADER_WORDS 8U

/* SQLite takes a log for one only when this is so. */
static bool header_is_whole(const uint32_t header[static LOG_HEADER_WORDS]) {
        bool big_endian = ntohl(header[0]) & 1;
        uint32_t a = 0, b = 0;

        if ((ntohl(header[0]) & ~1U) != LOG_MAGIC)
                return false;
        for (size_t i = 0; i < 6; i += 2) {
                a += (big_endian ? ntohl(header[i]) : le32toh(header[i])) + b;
                b += (big_endian ? ntohl(header[i + 1]) : le32toh(header[i + 1])) + a;
        }
        return a == ntohl(header[6]) && b == ntohl(header[7]);
}

static int expect_file(const Directory *directory, const char *name, char **ret_reason) {
        struct stat st;

        if (fstatat(directory->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (S_ISREG(st.st_mode))
                return 0;
        return refuse(ret_reason,
                      "%s/%s is not a regular file, and nothing that convened has put there. Look "
                      "into what it is, and remove it; if it is a link, put the file there.",
                      directory->path, name);
}

int directory_find_log(const Directory *directory, LogFile *ret, char **ret_reason) {
        static const char *const names[] = { STATE_FILE "-wal", STATE_FILE "-shm",
                                             STATE_FILE "-journal", STATE_RESERVE };
        uint32_t header[LOG_HEADER_WORDS];
        CLEANUP(closep) int fd = -1;
        ssize_t n;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                r = expect_file(directory, names[i], ret_reason);
                if (r != 0)
                        return r;
        }
        fd = openat(directory->fd, STATE_FILE "-wal", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 && errno != ENOENT)
                return -errno;
        n = fd < 0 ? 0 : pread(fd, header, sizeof(header), 0);
        if (n < 0)
                return -errno;
        if (n == 0)
                *ret = LOG_MISSING;
        else
                *ret = n == sizeof(header) && header_is_whole(header) ? LOG_WHOLE : LOG_UNREADABLE;
        return 0;
}
