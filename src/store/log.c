/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <endian.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "store/reason.h"

/*
 * What lies beside the state file. See "WAL File Format" in https://sqlite.org/fileformat2.html.
 *
 * SQLite takes frames up to the first that is not as its checksum says, and forgets the rest. That
 * is as it must be for the last transaction, which nobody was told of unless it was synced whole.
 * But as each one is synced before the next begins (synchronous=FULL), of all that is behind such a
 * frame only one can have ended there: where two have, it was the disk.
 */

#define STATE_LOG        STATE_FILE "-wal"
#define LOG_MAGIC        0x377f0682U
#define LOG_HEADER_WORDS 8U
#define FRAME_HEADER     24U
#define FRAME_WORDS      (FRAME_HEADER / sizeof(uint32_t))
#define BLOCK_SIZE       (256U << 10)
/* Of which no disk writes a part. */
#define SECTOR_SIZE 512U

/* Words are as they stand in the file until they are looked at. */
enum HeaderWord { HEADER_MAGIC, HEADER_PAGE_SIZE = 2, HEADER_SALT = 4, HEADER_SUM = 6 };
enum FrameWord { FRAME_COMMIT = 1, FRAME_SALT, FRAME_SUM = 4 };

typedef struct Sum {
        uint32_t a, b;
} Sum;

/* On the way through a log. */
typedef struct Walk {
        int fd;
        uint32_t header[LOG_HEADER_WORDS];
        size_t frame_size;
        uint64_t at;
        Sum before;      /* of all before the next frame, as the last one says */
        bool broken;     /* there was a frame that SQLite does not take */
        unsigned n_lost; /* transactions that end behind that */
        uint64_t end;    /* of the last transaction before that */
} Walk;

static Sum sum_add(Sum sum, const uint32_t *words, size_t n, bool big_endian) {
        for (size_t i = 0; i < n; i += 2) {
                sum.a += (big_endian ? be32toh(words[i]) : le32toh(words[i])) + sum.b;
                sum.b += (big_endian ? be32toh(words[i + 1]) : le32toh(words[i + 1])) + sum.a;
        }
        return sum;
}

static Sum sum_read(const uint32_t words[static 2]) {
        return (Sum){ be32toh(words[0]), be32toh(words[1]) };
}

static bool sum_equal(Sum x, Sum y) {
        return x.a == y.a && x.b == y.b;
}

static bool is_big_endian(const uint32_t header[static LOG_HEADER_WORDS]) {
        return be32toh(header[HEADER_MAGIC]) & 1;
}

/* SQLite takes a log for one only when this is so. */
static bool header_is_whole(const uint32_t header[static LOG_HEADER_WORDS]) {
        uint32_t page_size = be32toh(header[HEADER_PAGE_SIZE]);

        return (be32toh(header[HEADER_MAGIC]) & ~1U) == LOG_MAGIC && page_size >= 512 &&
               page_size <= 65536 && (page_size & (page_size - 1)) == 0 &&
               sum_equal(sum_add((Sum){ 0 }, header, HEADER_SUM, is_big_endian(header)),
                         sum_read(header + HEADER_SUM));
}

/* Others are of before the log was begun anew. */
static bool frame_is_ours(const Walk *walk, const uint32_t *frame) {
        return frame[FRAME_SALT] == walk->header[HEADER_SALT] &&
               frame[FRAME_SALT + 1] == walk->header[HEADER_SALT + 1];
}

/* The salts are not in it. */
static bool frame_sum_is_right(const Walk *walk, const uint32_t *frame) {
        bool big_endian = is_big_endian(walk->header);
        Sum sum = sum_add(walk->before, frame, FRAME_SALT, big_endian);

        sum = sum_add(sum, frame + FRAME_WORDS, (walk->frame_size - FRAME_HEADER) / 4, big_endian);
        return sum_equal(sum, sum_read(frame + FRAME_SUM));
}

static void walk_frame(Walk *walk, const uint32_t *frame) {
        /* Of a header across sectors one half may be that of an older frame. */
        bool in_sector = walk->at % SECTOR_SIZE <= SECTOR_SIZE - FRAME_HEADER;
        bool ours = frame_is_ours(walk, frame);
        bool right = (ours || !walk->broken) && frame_sum_is_right(walk, frame);
        bool whole = ours && right;
        /* What follows upon the frame before is ours, even if its salts are damaged. */
        bool believed = whole || (in_sector && (ours || right));

        walk->before = sum_read(frame + FRAME_SUM);
        walk->at += walk->frame_size;
        walk->broken |= !whole;
        if (!believed || frame[FRAME_COMMIT] == 0)
                return;
        if (walk->broken)
                walk->n_lost++;
        else
                walk->end = walk->at;
}

/* What is no whole frame at the end was never one. */
static int walk_frames(Walk *walk) {
        size_t size = BLOCK_SIZE / walk->frame_size * walk->frame_size;
        CLEANUP(freep) uint32_t *block = malloc(size);

        if (!block)
                return -ENOMEM;
        for (;;) {
                ssize_t n = pread(walk->fd, block, size, (off_t)walk->at);

                if (n < 0)
                        return -errno;
                if ((size_t)n < walk->frame_size)
                        return 0;
                for (size_t i = 0; i < (size_t)n / walk->frame_size; i++)
                        walk_frame(walk, block + i * walk->frame_size / sizeof(uint32_t));
        }
}

static int walk_log(int fd, LogFile *ret) {
        Walk walk = { .fd = fd, .at = sizeof(walk.header), .end = sizeof(walk.header) };
        ssize_t n = pread(fd, walk.header, sizeof(walk.header), 0);
        int r;

        if (n < 0)
                return -errno;
        if (n != sizeof(walk.header) || !header_is_whole(walk.header)) {
                *ret = (LogFile){ .state = n == 0 ? LOG_MISSING : LOG_UNREADABLE };
                return 0;
        }
        walk.frame_size = FRAME_HEADER + be32toh(walk.header[HEADER_PAGE_SIZE]);
        walk.before = sum_read(walk.header + HEADER_SUM);
        r = walk_frames(&walk);
        if (r < 0)
                return r;
        *ret = (LogFile){ .state = walk.n_lost > 1   ? LOG_DAMAGED
                                   : walk.n_lost > 0 ? LOG_TORN
                                                     : LOG_WHOLE,
                          .end = walk.end };
        return 0;
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
        static const char *const names[] = { STATE_LOG, STATE_FILE "-shm", STATE_FILE "-journal",
                                             STATE_RESERVE };
        CLEANUP(closep) int fd = -1;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                r = expect_file(directory, names[i], ret_reason);
                if (r != 0)
                        return r;
        }
        fd = openat(directory->fd, STATE_LOG, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0)
                return walk_log(fd, ret);
        if (errno != ENOENT)
                return -errno;
        *ret = (LogFile){ .state = LOG_MISSING };
        return 0;
}

int directory_trim_log(const Directory *directory) {
        CLEANUP(closep) int fd = openat(directory->fd, STATE_LOG, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
        LogFile log;
        int r;

        if (fd < 0)
                return -errno;
        r = walk_log(fd, &log);
        if (r < 0 || log.state != LOG_TORN)
                return r;
        return ftruncate(fd, (off_t)log.end) < 0 || fsync(fd) < 0 ? -errno : 0;
}
