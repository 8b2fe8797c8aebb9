/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/ini.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/refusal.h"

#define FILE_SIZE_MAX ((size_t)1024 * 1024)
#define WHITESPACE    " \t\r\n"

typedef struct Reader {
        FILE *file;
        const char *path;
        IniHandler handler;
        void *userdata;
        char *section;
        char *logical;      /* a line with those that it was joined to, NULL: none is open */
        unsigned line;      /* physical, the last one read */
        unsigned begins_at; /* of the logical line */
        size_t n_bytes;
} Reader;

static void reader_deinit(Reader *reader) {
        if (reader->file)
                fclose(reader->file);
        free(reader->section);
        free(reader->logical);
}

static char *trim(char *text) {
        size_t length;

        text += strspn(text, WHITESPACE);
        length = strlen(text);
        while (length > 0 && strchr(WHITESPACE, text[length - 1]))
                length--;
        text[length] = '\0';
        return text;
}

static int section_begins(Reader *reader, char *text, char **ret_reason) {
        size_t length = strlen(text);

        if (length < 3 || text[length - 1] != ']')
                return refusal(ret_reason, "%s:%u: a section is written [Name]; put that right.",
                               reader->path, reader->begins_at);

        text[length - 1] = '\0';
        free(reader->section);
        reader->section = strdup(text + 1);
        if (!reader->section)
                return -ENOMEM;

        return reader->handler(&(IniLine){ .file = reader->path,
                                           .line = reader->begins_at,
                                           .section = reader->section },
                               reader->userdata, ret_reason);
}

static int logical_line(Reader *reader, char *text, char **ret_reason) {
        char *equals;

        text = trim(text);
        if (*text == '\0')
                return 0;
        if (*text == '[')
                return section_begins(reader, text, ret_reason);

        equals = strchr(text, '=');
        if (!equals || equals == text)
                return refusal(ret_reason,
                               "%s:%u: expected [Section], Key=value or a comment; put that right, "
                               "or take the line out.",
                               reader->path, reader->begins_at);

        *equals = '\0';
        return reader->handler(&(IniLine){ .file = reader->path,
                                           .line = reader->begins_at,
                                           .section = reader->section,
                                           .key = trim(text),
                                           .value = trim(equals + 1) },
                               reader->userdata, ret_reason);
}

/* Whether a line goes on in the next one; the backslash becomes a space then. */
static bool joins_next(char *text) {
        size_t length = strlen(text), n = 0;

        while (n < length && text[length - 1 - n] == '\\')
                n++;
        if (n % 2 == 0)
                return false;

        text[length - 1] = ' ';
        return true;
}

static int line_append(Reader *reader, const char *text) {
        char *joined;

        if (!reader->logical) {
                reader->begins_at = reader->line;
                reader->logical = strdup(text);
                return reader->logical ? 0 : -ENOMEM;
        }

        if (asprintf(&joined, "%s%s", reader->logical, text) < 0)
                return -ENOMEM;

        free(reader->logical);
        reader->logical = joined;
        return 0;
}

static int logical_ends(Reader *reader, char **ret_reason) {
        CLEANUP(freep) char *text = TAKE(reader->logical);

        return text ? logical_line(reader, text, ret_reason) : 0;
}

static int physical_line(Reader *reader, char *text, size_t length, char **ret_reason) {
        size_t n_code_points;
        bool joined;
        char *start;
        int r;

        reader->line++;
        reader->n_bytes += length;
        if (reader->n_bytes > FILE_SIZE_MAX)
                return refusal(ret_reason,
                               "%s: larger than 1 MiB, this is no configuration; put one there.",
                               reader->path);
        if (strlen(text) != length || !text_code_points(text, &n_code_points))
                return refusal(ret_reason, "%s:%u: not UTF-8 text; write the line anew in UTF-8.",
                               reader->path, reader->line);

        if (reader->line == 1 && strncmp(text, "\xef\xbb\xbf", 3) == 0)
                text += 3;

        /* Comments between joined lines do not end them, as in systemd. */
        start = text + strspn(text, WHITESPACE);
        if (*start == '#' || *start == ';')
                return 0;

        start[strcspn(start, "\r\n")] = '\0';
        joined = joins_next(start);
        r = line_append(reader, start);
        if (r < 0 || joined)
                return r;

        return logical_ends(reader, ret_reason);
}

/* errno says why. */
static int cannot_read(char **ret_reason, const char *path) {
        return refusal(
                ret_reason,
                "%s: can't be read: %m. It must be a file that the user whom convened runs as "
                "may read.",
                path);
}

int ini_read(const char *path, IniHandler handler, void *userdata, char **ret_reason) {
        CLEANUP(reader_deinit) Reader reader = { .path = path, .handler = handler };
        CLEANUP(freep) char *text = NULL;
        size_t size = 0;
        ssize_t length;
        int r;

        reader.userdata = userdata;
        reader.file = fopen(path, "re");
        if (!reader.file && errno == ENOENT)
                return -ENOENT;
        if (!reader.file)
                return cannot_read(ret_reason, path);

        for (;;) {
                errno = 0;
                length = getline(&text, &size, reader.file);
                if (length < 0)
                        break;

                r = physical_line(&reader, text, (size_t)length, ret_reason);
                if (r != 0)
                        return r;
        }
        if (errno == ENOMEM)
                return -ENOMEM;
        if (ferror(reader.file))
                return cannot_read(ret_reason, path);

        return logical_ends(&reader, ret_reason);
}
