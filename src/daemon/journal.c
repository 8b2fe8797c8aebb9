/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/journal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>

/* The place in the code would be this file, each time. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "base/text.h"
#include "daemon/message-ids.h"

#define FIELDS_MAX 16

typedef enum Target { TARGET_CONSOLE, TARGET_JOURNAL, TARGET_NULL, _TARGET_MAX } Target;

static const char *const target_names[_TARGET_MAX] = {
        [TARGET_CONSOLE] = "console",
        [TARGET_JOURNAL] = "journal",
        [TARGET_NULL] = "null",
};

static int level_max = LOG_INFO;
static Target target;

/* The fields of one entry; what memory is missing for is left out. */
typedef struct Entry {
        struct iovec fields[FIELDS_MAX];
        int n_fields;
} Entry;

static void entry_deinit(Entry *entry) {
        for (int i = 0; i < entry->n_fields; i++)
                free(entry->fields[i].iov_base);
}

__attribute__((__format__(__printf__, 2, 3))) static void entry_add(Entry *entry,
                                                                    const char *format, ...) {
        va_list arguments;
        char *field;
        int length;

        if (entry->n_fields == FIELDS_MAX)
                return;

        va_start(arguments, format);
        length = vasprintf(&field, format, arguments);
        va_end(arguments);
        if (length >= 0)
                entry->fields[entry->n_fields++] =
                        (struct iovec){ .iov_base = field, .iov_len = (size_t)length };
}

static void entry_begin(Entry *entry, int level, const char *message_id) {
        entry_add(entry, "PRIORITY=%d", level);
        entry_add(entry, "SYSLOG_IDENTIFIER=convened");
        if (message_id)
                entry_add(entry, "MESSAGE_ID=%s", message_id);
}

/* systemd tells in JOURNAL_STREAM which file the journal reads; somebody in between may have
 * redirected it. See "Automatic Protocol Upgrading" in systemd.exec(5). */
static bool stderr_is_journal(void) {
        const char *stream = getenv("JOURNAL_STREAM");
        uintmax_t device, inode;
        struct stat st;

        return stream && sscanf(stream, "%ju:%ju", &device, &inode) == 2 &&
               fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void journal_init(int level) {
        level_max = level;
        journal_set_target("auto");
        setvbuf(stderr, NULL, _IOLBF, 0);
}

int journal_level(void) {
        return level_max;
}

void journal_set_level(int level) {
        level_max = level;
}

const char *journal_target(void) {
        return target_names[target];
}

bool journal_set_target(const char *name) {
        if (streq(name, "auto")) {
                target = stderr_is_journal() ? TARGET_JOURNAL : TARGET_CONSOLE;
                return true;
        }
        for (Target i = 0; i < _TARGET_MAX; i++) {
                if (!streq(name, target_names[i]))
                        continue;
                target = i;
                return true;
        }
        return false;
}

static bool is_wanted(int level) {
        return level <= level_max && target != TARGET_NULL;
}

void journal_log(int level, const char *message_id, const char *format, ...) {
        CLEANUP(entry_deinit) Entry entry = {};
        CLEANUP(freep) char *text = NULL;
        va_list arguments;
        int r;

        if (!is_wanted(level))
                return;

        va_start(arguments, format);
        r = vasprintf(&text, format, arguments);
        va_end(arguments);
        if (r < 0) {
                text = NULL;
                return;
        }

        if (target == TARGET_CONSOLE) {
                fprintf(stderr, "%s\n", text);
                return;
        }

        entry_begin(&entry, level, message_id);
        entry_add(&entry, "MESSAGE=%s", text);
        sd_journal_sendv(entry.fields, entry.n_fields);
}

void journal_warning(const char *text) {
        journal_log(LOG_WARNING, MESSAGE_CONFIGURATION, "%s", text);
}

static const char *event_message_id(LogEvent event) {
        switch (event) {
        case LOG_EVENT_UNKNOWN_OUTCOME:
                return MESSAGE_UNKNOWN_OUTCOME;
        case LOG_EVENT_GONE:
                return MESSAGE_GONE;
        case LOG_EVENT_DRIFT:
                return MESSAGE_DRIFT;
        case LOG_EVENT_REFUSED:
                return MESSAGE_REFUSED;
        case LOG_EVENT_API_STATE:
                return MESSAGE_API_STATE;
        case LOG_EVENT_REDIRECTED:
                return MESSAGE_REDIRECTED;
        case LOG_EVENT_ATTEMPT_FAILED:
                return MESSAGE_ATTEMPT_FAILED;
        case LOG_EVENT_CREATED:
                return MESSAGE_CREATED;
        case LOG_EVENT_DELETED:
                return MESSAGE_DELETED;
        case LOG_EVENT_CLIENT_LEFT:
                return MESSAGE_CLIENT_LEFT;
        case LOG_EVENT_ADOPTED:
                return MESSAGE_ADOPTED;
        case LOG_EVENT_COPY_READ:
                return MESSAGE_COPY_READ;
        case _LOG_EVENT_MAX:
                break;
        }
        return NULL;
}

/* By what people know an object; each begins with a comma. */
static size_t write_object(char *text, size_t size, Kind kind, uint64_t number, const Spec *spec) {
        size_t n = 0;

        *text = '\0';
        if (number != 0)
                n += (size_t)snprintf(text, size, ", %s %" PRIu64,
                                      kind == KIND_SESSION ? "session" : "participant", number);
        if (spec && spec_text(spec, SPEC_TAG)[0])
                n += (size_t)snprintf(text + n, size - n, ", tag %s", spec_text(spec, SPEC_TAG));
        return n;
}

static void entry_add_object(Entry *entry, Kind kind, uint64_t number, const Spec *spec,
                             const ApiId *id) {
        if (number != 0)
                entry_add(entry, "%s=%" PRIu64,
                          kind == KIND_SESSION ? "CONVENED_SESSION" : "CONVENED_PARTICIPANT",
                          number);
        if (spec)
                entry_add(entry, "OBJECT_UID=%" PRIu32, spec->owner);
        if (spec && spec_text(spec, SPEC_TAG)[0])
                entry_add(entry, "CONVENED_TAG=%s", spec_text(spec, SPEC_TAG));
        if (api_id_is_known(id))
                entry_add(entry, "CONVENED_ID=%s", api_id_text(id));
}

/* The other fields are for who looks for them. */
static void effect_to_journal(const Log *log) {
        CLEANUP(entry_deinit) Entry entry = {};
        char name[320];

        entry_begin(&entry, log->level, event_message_id(log->event));
        if (write_object(name, sizeof(name), log->kind, log->number, log->spec) > 0)
                entry_add(&entry, "MESSAGE=%s [%s]", log->text, name + 2);
        else
                entry_add(&entry, "MESSAGE=%s", log->text);
        entry_add_object(&entry, log->kind, log->number, log->spec, &log->id);
        if (log->has_owner)
                entry_add(&entry, "OBJECT_UID=%" PRIu32, log->owner);
        if (log->has_operation)
                entry_add(&entry, "OPERATION=%s", operation_name(log->operation));
        if (log->attempt != 0)
                entry_add(&entry, "ATTEMPT=%u", log->attempt);
        if (log->status != 0)
                entry_add(&entry, "HTTP_STATUS=%u", log->status);
        if (log->request_id && *log->request_id != '\0')
                entry_add(&entry, "REQUEST_ID=%s", log->request_id);

        sd_journal_sendv(entry.fields, entry.n_fields);
}

/* On a terminal, the fields follow the sentence in brackets. */
static void effect_to_stderr(const Log *log) {
        char details[512];
        size_t size = sizeof(details),
               n = write_object(details, size, log->kind, log->number, log->spec);

        if (api_id_is_known(&log->id))
                n += (size_t)snprintf(details + n, size - n, ", id %s", api_id_text(&log->id));
        if (log->has_operation)
                n += (size_t)snprintf(details + n, size - n, ", %s",
                                      operation_name(log->operation));
        if (log->attempt != 0)
                n += (size_t)snprintf(details + n, size - n, ", attempt %u", log->attempt);
        if (log->status != 0)
                n += (size_t)snprintf(details + n, size - n, ", HTTP %u", log->status);
        if (log->request_id && *log->request_id != '\0')
                snprintf(details + n, size - n, ", request %s", log->request_id);

        if (*details == '\0')
                fprintf(stderr, "%s\n", log->text);
        else
                fprintf(stderr, "%s [%s]\n", log->text, details + 2);
}

void journal_effect(const Log *log) {
        if (!is_wanted(log->level))
                return;

        if (target == TARGET_JOURNAL)
                effect_to_journal(log);
        else
                effect_to_stderr(log);
}

static void entry_add_row(Entry *entry, const Row *row) {
        ApiId id;

        if (!row)
                return;
        id = row_id(row);
        entry_add_object(entry, row->kind, row->number, row->spec, &id);
}

static size_t write_row(char *text, size_t size, const Row *row) {
        return row ? write_object(text, size, row->kind, row->number, row->spec) : 0;
}

/* Of what it is about, the one that is not the caller's. */
static uint32_t allowance_owner(const Allowance *allowance) {
        const Row *session = allowance->session, *participant = allowance->participant;

        if (!participant || (session && participant->spec->owner == allowance->uid))
                return session->spec->owner;
        return participant->spec->owner;
}

void journal_allowance(const Allowance *allowance) {
        CLEANUP(entry_deinit) Entry entry = {};
        char text[1024], names[700] = "";
        size_t n;

        if (!is_wanted(LOG_NOTICE))
                return;
        n = write_row(names, sizeof(names), allowance->session);
        write_row(names + n, sizeof(names) - n, allowance->participant);
        snprintf(text, sizeof(text),
                 "polkit has allowed %s to user %" PRIu32 ", who calls %s for what is user "
                 "%" PRIu32 "'s. [%s]",
                 allowance->action, allowance->uid, allowance->method, allowance_owner(allowance),
                 names + 2);
        if (target == TARGET_CONSOLE) {
                fprintf(stderr, "%s\n", text);
                return;
        }

        entry_begin(&entry, LOG_NOTICE, MESSAGE_ALLOWED);
        entry_add(&entry, "MESSAGE=%s", text);
        entry_add(&entry, "CALLER_UID=%" PRIu32, allowance->uid);
        entry_add(&entry, "POLKIT_ACTION=%s", allowance->action);
        entry_add(&entry, "METHOD=%s", allowance->method);
        entry_add_row(&entry, allowance->session);
        entry_add_row(&entry, allowance->participant);
        sd_journal_sendv(entry.fields, entry.n_fields);
}
