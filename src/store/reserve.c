/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

static int reserve_open(const Reserve *reserve, int flags) {
        int fd = openat(reserve->directory->fd, STATE_RESERVE,
                        O_RDWR | O_NOFOLLOW | O_CLOEXEC | flags, 0600);

        if (fd >= 0)
                return fd;
        return errno == EDQUOT ? -ENOSPC : -errno;
}

int reserve_fill(Reserve *reserve) {
        CLEANUP(closep) int fd = -1;
        int error;

        if (reserve->whole && !reserve->tight)
                return 0;
        fd = reserve_open(reserve, O_CREAT);
        if (fd < 0)
                return fd;

        error = posix_fallocate(fd, 0, reserve->tight ? 2 * RESERVE_SIZE : RESERVE_SIZE);
        if (error == 0)
                reserve->whole = true;
        /* A part of it is of no use here, and may be of some elsewhere; so is what is more, be it
         * from a moment ago or from a process that ended right there. */
        if (ftruncate(fd, reserve->whole ? RESERVE_SIZE : 0) < 0)
                return -errno;
        if (error != 0)
                return error == EDQUOT ? -ENOSPC : -error;
        reserve->tight = false;
        return 0;
}

int reserve_spend(Reserve *reserve) {
        CLEANUP(closep) int fd = -1;

        reserve->whole = false;
        fd = reserve_open(reserve, 0);
        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        /* Some file systems have the room again only when it is durable that the file is empty. */
        return ftruncate(fd, 0) < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* Merging frees nothing, but what is merged is written over by the next commit. */
static int commit_over(Database *database, const Batch *batch) {
        commit_merge(database);
        return commit_batch(database, batch);
}

static int commit_anyhow(Database *database, const Batch *batch) {
        int r = commit_batch(database, batch);

        return r == -ENOSPC ? commit_over(database, batch) : r;
}

static int commit_common(Reserve *reserve, Database *database, const Batch *batch) {
        int r = commit_note(database, reserve_fill(reserve));

        if (r == 0)
                r = commit_anyhow(database, batch);
        if (r == -ENOSPC)
                reserve->tight = true;
        return r;
}

int reserve_commit(Reserve *reserve, Database *database, const Batch *batch) {
        int r;

        if (!batch->vital)
                return commit_common(reserve, database, batch);

        r = commit_anyhow(database, batch);
        if (r != -ENOSPC || !reserve->whole)
                return r;
        r = commit_note(database, reserve_spend(reserve));
        return r < 0 ? r : commit_over(database, batch);
}
