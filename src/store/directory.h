/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The state directory: ours alone, locked, and what lies in it. */

#include <stdbool.h>
#include <stdint.h>

#define STATE_FILE     "state.db"
#define STATE_FILE_NEW STATE_FILE ".new"      /* until it is whole; never more than a leftover */
#define STATE_RESERVE  STATE_FILE ".reserve"  /* room on the disk, see reserve.h */
#define STATE_DAMAGED  STATE_FILE ".damaged-" /* copies set aside, a time follows */

typedef struct Directory {
        int fd;     /* holds the lock */
        char *path; /* absolute; SQLITE_OPEN_NOFOLLOW minds symbolic links everywhere */
} Directory;

/**
 * directory_open() - make it where it is missing, see that it is ours, lock it
 * @directory: to be closed by directory_close() whatever the result
 *
 * Return: 0; STORE_REFUSED with @ret_reason set; negative errno.
 */
int directory_open(Directory *directory, const char *path, char **ret_reason);
void directory_close(Directory *directory);

/**
 * directory_find_state() - whether there is a state file, and it is a file of ours
 * @ret: false: there is none, and nothing else either, so this is a first start
 *
 * Return: 0; STORE_REFUSED with @ret_reason set; negative errno.
 */
int directory_find_state(const Directory *directory, bool *ret, char **ret_reason);

/* The write-ahead log beside the state file. */
typedef enum LogState {
        LOG_WHOLE,      /* as far as can be told: a part that was cut off leaves no trace */
        LOG_MISSING,    /* or empty */
        LOG_UNREADABLE, /* not even its beginning */
        LOG_TORN,       /* without its last transaction, which a power cut, or a kill, has torn */
        LOG_DAMAGED,    /* in the midst of what was stored */
        _LOG_MAX,
} LogState;

typedef struct LogFile {
        LogState state;
        uint64_t end; /* in bytes: what SQLite finds there before what is torn or damaged */
} LogFile;

/**
 * directory_find_log() - whether there is a log, what state it is in, and that what lies there are
 * files
 *
 * Before the database is opened, which would make what is missing, and pass over in silence
 * what is behind a damage. Reads all of the log.
 *
 * Return: 0; STORE_REFUSED with @ret_reason set; negative errno.
 */
int directory_find_log(const Directory *directory, LogFile *ret, char **ret_reason);

/**
 * directory_trim_log() - where the log is torn, make it end before that, durably
 *
 * To be called while no one can write to it, and before the first commit: else of the
 * transaction that is torn something may be left behind later ones, and if one of these is torn,
 * too, that looks like a damage.
 *
 * Return: 0, negative errno.
 */
int directory_trim_log(const Directory *directory);

/**
 * directory_begin_state(), directory_finish_state() - make a state file in two steps
 *
 * The first leaves an empty STATE_FILE_NEW; once it is filled in and closed, the second makes it
 * durable under its own name. So a state file is never seen half made.
 *
 * Return: 0, negative errno.
 */
int directory_begin_state(const Directory *directory);
int directory_finish_state(const Directory *directory);

/**
 * directory_set_aside() - copy the state file, and its log beside it, for who is to look into it
 * @ret_name: the copy's name, to be freed. The same file is copied once only, however often it is
 *            found damaged.
 *
 * The state file must not be open: closing it again would take SQLite's locks away.
 *
 * Return: 0, negative errno.
 */
int directory_set_aside(const Directory *directory, char **ret_name);

/* Joins the directory's path and a name. Return: 0, -ENOMEM. */
int directory_join(const Directory *directory, const char *name, char **ret);
