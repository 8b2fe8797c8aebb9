/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/disk.h"

#include "daemon/journal.h"
#include "daemon/message-ids.h"

void disk_tell(Disk *disk, const char *directory, const CoreStatus *status) {
        if (status->disk_full && !disk->full)
                journal_log(LOG_ERR, MESSAGE_DISK_FULL,
                            "The disk is full at %s: deletes and what the API answers are still "
                            "stored, every other change is refused. Make room there; convened "
                            "notices by itself.",
                            directory);
        if (status->disk_held && !disk->held)
                journal_log(LOG_CRIT, MESSAGE_DISK_HELD,
                            "Not even the reserve at %s is left: what the API answers is kept in "
                            "memory, and lost if convened ends. Make room there first.",
                            directory);
        if (!status->disk_full && disk->full)
                journal_log(LOG_NOTICE, MESSAGE_DISK_ROOM,
                            "There is room on the disk again at %s; all goes on as usual.",
                            directory);
        disk->full = status->disk_full;
        /* Said once, however often it comes and goes until there is room. */
        disk->held = status->disk_full && (disk->held || status->disk_held);
}
