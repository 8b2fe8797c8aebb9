/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/ca-file.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "daemon/refusal.h"

/* More than any bundle has before its first certificate. */
#define LOOKED_AT_MAX (1024 * 1024)

/* The lines that OpenSSL and GnuTLS know a certificate by. */
static bool begins_certificate(const char *line) {
        static const char *const marks[] = {
                "-----BEGIN CERTIFICATE-----",
                "-----BEGIN X509 CERTIFICATE-----",
                "-----BEGIN TRUSTED CERTIFICATE-----",
        };

        for (size_t i = 0; i < ELEMENTSOF(marks); i++)
                if (strncmp(line, marks[i], strlen(marks[i])) == 0)
                        return true;
        return false;
}

static bool has_certificate(FILE *stream) {
        char line[256];

        for (size_t n = 0; n < LOOKED_AT_MAX && fgets(line, sizeof(line), stream);
             n += sizeof(line))
                if (begins_certificate(line))
                        return true;
        return false;
}

int ca_file_check(const char *path, char **ret_reason) {
        CLEANUP(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        struct stat st;
        FILE *stream;
        bool found;

        if (fd < 0 || fstat(fd, &st) < 0)
                return refusal(ret_reason, "%s can't be read: %m.", path);
        if (!S_ISREG(st.st_mode))
                return refusal(ret_reason, "%s is not a regular file.", path);

        stream = fdopen(fd, "r");
        if (!stream)
                return refusal(ret_reason, "%s can't be read: %m.", path);
        TAKE_FD(fd);
        found = has_certificate(stream);
        fclose(stream);
        return found ? 0 : refusal(ret_reason, "%s has no certificate in it.", path);
}
