/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/text.h"
#include "daemon/refusal.h"

#define CREDENTIALS_SIZE_MAX 4096

Credentials *credentials_free(Credentials *credentials) {
        if (!credentials)
                return NULL;

        secret_free(credentials->user);
        secret_free(credentials->password);
        free(credentials);
        return NULL;
}

/* Links are followed first, so that nothing outside passes for something inside. */
static bool is_inside(const char *path, const char *directory) {
        CLEANUP(freep) char *real_path = NULL, *real_directory = NULL;
        size_t length;

        if (!directory)
                return false;

        real_path = realpath(path, NULL);
        real_directory = realpath(directory, NULL);
        if (!real_path || !real_directory)
                return false;

        length = strlen(real_directory);
        return strncmp(real_path, real_directory, length) == 0 && real_path[length] == '/';
}

static int check_access(int fd, const char *path, char **ret_reason) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return refusal(ret_reason, "%s: %m.", path);
        if (!S_ISREG(st.st_mode))
                return refusal(ret_reason, "%s is not a regular file; put one there.", path);
        if (st.st_uid != geteuid() && st.st_uid != 0)
                return refusal(ret_reason,
                               "%s belongs to another user (uid %u); give it to the one whom "
                               "convened runs as.",
                               path, st.st_uid);
        if ((st.st_mode & 077) != 0)
                return refusal(
                        ret_reason,
                        "%s may be read by others than its owner (mode %04o); chmod 0600 it.", path,
                        st.st_mode & 07777U);
        return 0;
}

static int split(Credentials **ret, const char *text, const char *path, char **ret_reason) {
        CLEANUP(credentials_freep) Credentials *credentials = NULL;
        const char *colon = strchr(text, ':');
        size_t n_code_points;

        if (!text_code_points(text, &n_code_points) || text_has_controls(text))
                return refusal(ret_reason,
                               "%s must be one line of UTF-8 text, user:password, without control "
                               "characters.",
                               path);
        if (!colon || colon == text || colon[1] == '\0')
                return refusal(ret_reason, "%s must be one line, user:password.", path);

        credentials = calloc(1, sizeof(*credentials));
        if (!credentials)
                return -ENOMEM;

        credentials->user = strndup(text, (size_t)(colon - text));
        credentials->password = strdup(colon + 1);
        if (!credentials->user || !credentials->password)
                return -ENOMEM;

        *ret = TAKE(credentials);
        return 0;
}

/* Return: how much was read, -1 with errno. */
static ssize_t read_all(int fd, char *buffer, size_t size) {
        size_t n = 0;

        while (n < size) {
                ssize_t part = read(fd, buffer + n, size - n);

                if (part < 0 && errno == EINTR)
                        continue;
                if (part < 0)
                        return -1;
                if (part == 0)
                        break;
                n += (size_t)part;
        }
        return (ssize_t)n;
}

static int read_and_split(Credentials **ret, int fd, const char *path, char **ret_reason) {
        char buffer[CREDENTIALS_SIZE_MAX + 1] = "";
        ssize_t length = read_all(fd, buffer, CREDENTIALS_SIZE_MAX);
        int r;

        if (length < 0) {
                r = refusal(ret_reason, "%s: %m.", path);
        } else if (length == CREDENTIALS_SIZE_MAX || strlen(buffer) != (size_t)length) {
                r = refusal(ret_reason, "%s must be one line, user:password, and nothing else.",
                            path);
        } else {
                if (length > 0 && buffer[length - 1] == '\n')
                        buffer[length - 1] = '\0';
                r = split(ret, buffer, path, ret_reason);
        }

        explicit_bzero(buffer, sizeof(buffer));
        return r;
}

static int load_from(Credentials **ret, const char *path, bool trusted, char **ret_reason) {
        CLEANUP(closep) int fd = -1;

        /* A FIFO must not hold us up. */
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return refusal(ret_reason,
                               "%s can't be read: %m. It must be a file of the user whom convened "
                               "runs as.",
                               path);

        if (!trusted) {
                int r = check_access(fd, path, ret_reason);

                if (r != 0)
                        return r;
        }
        return read_and_split(ret, fd, path, ret_reason);
}

int credentials_load(Credentials **ret, const char *file, const char *directory,
                     char **ret_reason) {
        CLEANUP(freep) char *path = NULL;

        if (*file != '\0')
                return load_from(ret, file, is_inside(file, directory), ret_reason);

        if (directory && asprintf(&path, "%s/api", directory) < 0)
                return -ENOMEM;
        if (path && access(path, F_OK) == 0)
                return load_from(ret, path, true, ret_reason);

        return refusal(ret_reason, "Neither CredentialsFile= in [Api] nor the systemd credential "
                                   "\"api\" is there; set the one, or load the other.");
}
