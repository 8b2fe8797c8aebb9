/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/text.h"
#include "store/reason.h"

static inline void closedirp(DIR **stream) {
        if (*stream)
                closedir(*stream);
}

/* Whether an errno says that the administrator has to do something, and not that times are hard. */
static bool errno_is_lasting(int error) {
        switch (error) {
        case EACCES:
        case EPERM:
        case EROFS:
        case ENOTDIR:
        case ELOOP:
        case ENAMETOOLONG:
        case ENOENT:
        case EISDIR:
                return true;
        default:
                return false;
        }
}

static int directory_unusable(const char *path, int error, char **ret_reason) {
        if (!errno_is_lasting(error))
                return -error;
        return refuse(ret_reason,
                      "The state directory %s cannot be used: %s. Make it a directory that this "
                      "user owns and may write, or name another one.",
                      path, strerror(error));
}

/* A new name is durable only when the directory that holds it has been synced. */
static int sync_parent(const char *path) {
        CLEANUP(freep) char *copy = strdup(path);
        CLEANUP(closep) int fd = -1;
        char *slash;

        if (!copy)
                return -ENOMEM;
        slash = strrchr(copy, '/');
        if (slash)
                slash[slash == copy] = 0;

        fd = open(slash ? copy : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || fsync(fd) < 0)
                return -errno;
        return 0;
}

static int make_one(const char *path) {
        if (mkdir(path, 0700) < 0)
                return errno == EEXIST ? 0 : -errno;
        if (chmod(path, 0700) < 0) /* whatever the umask took away */
                return -errno;
        return sync_parent(path);
}

static int make_with_parents(const char *path) {
        CLEANUP(freep) char *copy = strdup(path);
        int r;

        if (!copy)
                return -ENOMEM;
        for (size_t length = strlen(copy); length > 1 && copy[length - 1] == '/'; length--)
                copy[length - 1] = 0;

        for (char *slash = strchr(copy + (copy[0] == '/'), '/'); slash;
             slash = strchr(slash + 1, '/')) {
                *slash = 0;
                r = access(copy, F_OK) < 0 ? make_one(copy) : 0;
                *slash = '/';
                if (r < 0)
                        return r;
        }
        return make_one(copy);
}

static int directory_judge(const Directory *directory, char **ret_reason) {
        struct stat opened, resolved;

        if (fstat(directory->fd, &opened) < 0)
                return -errno;
        if (stat(directory->path, &resolved) < 0)
                return directory_unusable(directory->path, errno, ret_reason);
        if (opened.st_dev != resolved.st_dev || opened.st_ino != resolved.st_ino)
                return refuse(
                        ret_reason,
                        "The state directory %s was replaced by another just now. Start again.",
                        directory->path);

        if (opened.st_uid != geteuid())
                return refuse(
                        ret_reason,
                        "The state directory %s belongs to uid %u, and this is uid %u. Start as "
                        "that user, change its owner, or name another one.",
                        directory->path, (unsigned)opened.st_uid, (unsigned)geteuid());
        if (opened.st_mode & 0022)
                return refuse(
                        ret_reason,
                        "The state directory %s may be written by others (mode %04o), who may "
                        "have changed what is in it. Look into it, then chmod 0700 it.",
                        directory->path, (unsigned)(opened.st_mode & 07777));
        if ((opened.st_mode & 0777) != 0700 && fchmod(directory->fd, 0700) < 0)
                return directory_unusable(directory->path, errno, ret_reason);
        if (faccessat(directory->fd, ".", R_OK | W_OK | X_OK, AT_EACCESS) < 0)
                return directory_unusable(directory->path, errno, ret_reason);
        return 0;
}

int directory_open(Directory *directory, const char *path, char **ret_reason) {
        int r;

        *directory = (Directory){ .fd = -1 };

        r = make_with_parents(path);
        if (r < 0)
                return directory_unusable(path, -r, ret_reason);
        directory->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (directory->fd < 0)
                return directory_unusable(path, errno, ret_reason);
        directory->path = realpath(path, NULL);
        if (!directory->path)
                return directory_unusable(path, errno, ret_reason);

        r = directory_judge(directory, ret_reason);
        if (r != 0)
                return r;

        if (flock(directory->fd, LOCK_EX | LOCK_NB) == 0)
                return 0;
        if (errno != EWOULDBLOCK)
                return -errno;
        return refuse(
                ret_reason,
                "The state directory %s is in use by another convened. Stop that one, or name "
                "another directory.",
                directory->path);
}

void directory_close(Directory *directory) {
        closep(&directory->fd);
        free(directory->path);
        *directory = (Directory){ .fd = -1 };
}

int directory_join(const Directory *directory, const char *name, char **ret) {
        char *joined;

        if (asprintf(&joined, "%s/%s", directory->path, name) < 0)
                return -ENOMEM;
        *ret = joined;
        return 0;
}

/* What may lie in a state directory that nevertheless has never held a state file, or holds none
 * any more because the administrator has removed the damaged one. */
static bool name_is_nothing(const char *name) {
        return streq(name, ".") || streq(name, "..") || streq(name, "lost+found") ||
               streq(name, STATE_RESERVE) ||
               strncmp(name, STATE_FILE_NEW, strlen(STATE_FILE_NEW)) == 0 ||
               strncmp(name, STATE_DAMAGED, strlen(STATE_DAMAGED)) == 0;
}

static int directory_expect_empty(const Directory *directory, char **ret_reason) {
        CLEANUP(closedirp) DIR *stream = NULL;
        int fd;

        fd = openat(directory->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        stream = fdopendir(fd);
        if (!stream) {
                close(fd);
                return -ENOMEM;
        }

        for (;;) {
                const struct dirent *entry;

                errno = 0;
                entry = readdir(stream);
                if (!entry)
                        return -errno;
                if (name_is_nothing(entry->d_name))
                        continue;
                return refuse(
                        ret_reason,
                        "There is no state file %s/%s, but the directory is not empty (%s is "
                        "there): the state may have been lost, and with it the ids of everything "
                        "at the API. Restore %s from a backup; to begin anew, empty the "
                        "directory.",
                        directory->path, STATE_FILE, entry->d_name, STATE_FILE);
        }
}

static int directory_judge_file(const Directory *directory, const struct stat *st,
                                char **ret_reason) {
        CLEANUP(closep) int fd = -1;
        const char *wrong = NULL;

        if (S_ISLNK(st->st_mode))
                wrong = "is a symbolic link";
        else if (!S_ISREG(st->st_mode))
                wrong = "is not a regular file";
        else if (st->st_uid != geteuid())
                wrong = "belongs to another user";
        if (wrong)
                return refuse(
                        ret_reason,
                        "The state file %s/%s %s. Put the file itself there, owned by the user "
                        "that convened runs as.",
                        directory->path, STATE_FILE, wrong);

        fd = openat(directory->fd, STATE_FILE, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 && errno_is_lasting(errno))
                return refuse(
                        ret_reason,
                        "The state file %s/%s cannot be written: %s. Let the user that convened "
                        "runs as read and write it.",
                        directory->path, STATE_FILE, strerror(errno));
        if (fd < 0)
                return -errno;
        if ((st->st_mode & 0777) != 0600 && fchmod(fd, 0600) < 0)
                return -errno;
        return 0;
}

int directory_find_state(const Directory *directory, bool *ret, char **ret_reason) {
        struct stat st;
        int r;

        if (fstatat(directory->fd, STATE_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0) {
                r = directory_judge_file(directory, &st, ret_reason);
                if (r == 0)
                        *ret = true;
                return r;
        }
        if (errno != ENOENT)
                return -errno;

        r = directory_expect_empty(directory, ret_reason);
        if (r == 0)
                *ret = false;
        return r;
}

int directory_begin_state(const Directory *directory) {
        static const char *const leftovers[] = { STATE_FILE_NEW, STATE_FILE_NEW "-journal",
                                                 STATE_FILE_NEW "-wal", STATE_FILE_NEW "-shm" };
        CLEANUP(closep) int fd = -1;

        for (size_t i = 0; i < ELEMENTSOF(leftovers); i++)
                if (unlinkat(directory->fd, leftovers[i], 0) < 0 && errno != ENOENT)
                        return -errno;

        fd = openat(directory->fd, STATE_FILE_NEW,
                    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0 || fchmod(fd, 0600) < 0)
                return -errno;
        return 0;
}

int directory_finish_state(const Directory *directory) {
        CLEANUP(closep)
        int fd = openat(directory->fd, STATE_FILE_NEW, O_RDWR | O_NOFOLLOW | O_CLOEXEC);

        if (fd < 0 || fsync(fd) < 0)
                return -errno;
        if (renameat(directory->fd, STATE_FILE_NEW, directory->fd, STATE_FILE) < 0)
                return -errno;
        return fsync(directory->fd) < 0 ? -errno : 0;
}
