/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/origin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "store/database.h"
#include "store/directory.h"
#include "store/value.h"

int origin_of(Origin *ret, int directory_fd, const char *machine) {
        struct statx st;

        if (statx(directory_fd, STATE_FILE, AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &st) < 0)
                return -errno;
        *ret = (Origin){ .inode = st.stx_ino };
        if (st.stx_mask & STATX_BTIME)
                ret->born_at =
                        (usec_t)st.stx_btime.tv_sec * USEC_PER_SEC + st.stx_btime.tv_nsec / 1000;
        (void)snprintf(ret->machine, sizeof(ret->machine), "%s", machine ?: "");
        return 0;
}

int origin_read(Database *database, Origin *ret) {
        static const char sql[] = "SELECT inode, born_at, machine FROM identity";
        CLEANUP(sqlite3_stmtp) sqlite3_stmt *statement = NULL;
        const char *machine;
        bool found;
        int r;

        r = database_prepare(database, sql, &statement);
        if (r == 0)
                r = database_step(database, statement, &found);
        if (r != 0)
                return r;

        machine = (const char *)sqlite3_column_text(statement, 2);
        *ret = (Origin){ .inode = (uint64_t)sqlite3_column_int64(statement, 0),
                         .born_at = (usec_t)sqlite3_column_int64(statement, 1) };
        (void)snprintf(ret->machine, sizeof(ret->machine), "%s", machine ?: "");
        return 0;
}

bool origin_equal(const Origin *a, const Origin *b) {
        return streq(a->machine, b->machine) && a->inode == b->inode && a->born_at == b->born_at;
}

void origin_complete(Origin *now, const Origin *before) {
        if (!now->machine[0])
                memcpy(now->machine, before->machine, sizeof(now->machine));
        if (now->born_at == 0)
                now->born_at = before->born_at;
}

CopyKind origin_compare(const Origin *before, const Origin *now) {
        if (before->machine[0] && now->machine[0] && !streq(before->machine, now->machine))
                return COPY_ELSEWHERE;
        if (before->inode != 0 && before->inode != now->inode)
                return COPY_HERE;
        if (before->born_at != 0 && now->born_at != 0 && before->born_at != now->born_at)
                return COPY_HERE;
        return COPY_NONE;
}
