/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulator/journal.h"

#include <errno.h>
#include <inttypes.h>

#include "base/cleanup.h"
#include "simulator/route.h"

typedef struct Entry {
        uint64_t seq, connection;
        usec_t since_start;
        unsigned status;
        bool effect, has_user_agent;
        const char *fault;
        size_t n_body;
        char text[]; /* method, path, user agent, each with its NUL; then the body */
} Entry;

struct Journal {
        uint64_t last_seq;
        Entry *entries[JOURNAL_MAX]; /* that of seq n at n % JOURNAL_MAX */
};

int journal_new(Journal **ret) {
        Journal *journal = calloc(1, sizeof(*journal));

        if (!journal)
                return -ENOMEM;

        *ret = journal;
        return 0;
}

Journal *journal_free(Journal *journal) {
        if (!journal)
                return NULL;

        for (size_t i = 0; i < JOURNAL_MAX; i++)
                free(journal->entries[i]);
        free(journal);
        return NULL;
}

/* Appends a string of n bytes and its NUL. */
static char *append(char *to, const char *text, size_t n) {
        to = mempcpy(to, text, n);
        *to++ = '\0';
        return to;
}

static Entry *entry_new(const Request *request) {
        size_t n_path, n_method = strlen(request->method);
        const char *path = route_below_account(request->target, &n_path);
        const char *user_agent = request->user_agent ? request->user_agent : "";
        size_t n_user_agent = strlen(user_agent);
        size_t n_body = request->n_body < JOURNAL_BODY_MAX ? request->n_body : JOURNAL_BODY_MAX;
        Entry *entry = calloc(1, sizeof(*entry) + n_method + n_path + n_user_agent + 3 + n_body);
        char *to;

        if (!entry)
                return NULL;

        entry->connection = request->connection;
        entry->has_user_agent = request->user_agent != NULL;
        entry->n_body = n_body;
        to = append(entry->text, request->method, n_method);
        to = append(to, path, n_path);
        to = append(to, user_agent, n_user_agent);
        if (n_body > 0)
                memcpy(to, request->body, n_body);
        return entry;
}

uint64_t journal_add(Journal *journal, const Request *request, usec_t since_start,
                     const char *fault, bool effect) {
        Entry *entry = entry_new(request);
        Entry **place;

        if (!entry)
                return 0;

        entry->seq = ++journal->last_seq;
        entry->since_start = since_start;
        entry->fault = fault;
        entry->effect = effect;
        place = &journal->entries[entry->seq % JOURNAL_MAX];
        free(*place);
        *place = entry;
        return entry->seq;
}

void journal_answered(Journal *journal, uint64_t seq, unsigned status) {
        Entry *entry = journal->entries[seq % JOURNAL_MAX];

        if (entry && entry->seq == seq)
                entry->status = status;
}

static void view_entry(const Entry *entry, Buffer *buffer) {
        const char *method = entry->text;
        const char *path = method + strlen(method) + 1;
        const char *user_agent = path + strlen(path) + 1;
        const char *body = user_agent + strlen(user_agent) + 1;

        buffer_printf(buffer, "{\"seq\":%" PRIu64 ",\"time\":%.6f,\"connection\":%" PRIu64,
                      entry->seq, (double)entry->since_start / USEC_PER_SEC, entry->connection);
        buffer_add_text(buffer, ",\"method\":");
        buffer_add_json_text(buffer, method);
        buffer_add_text(buffer, ",\"path\":");
        buffer_add_json_text(buffer, path);
        buffer_add_text(buffer, ",\"user_agent\":");
        buffer_add_json_text(buffer, entry->has_user_agent ? user_agent : NULL);
        buffer_add_text(buffer, ",\"body\":");
        buffer_add_json(buffer, body, entry->n_body);
        buffer_printf(buffer, ",\"status\":%u,\"fault\":", entry->status);
        buffer_add_json_text(buffer, entry->fault);
        buffer_printf(buffer, ",\"effect\":%s}", entry->effect ? "true" : "false");
}

void journal_view(const Journal *journal, uint64_t after, Buffer *buffer) {
        uint64_t first = journal->last_seq > JOURNAL_MAX ? journal->last_seq - JOURNAL_MAX + 1 : 1;
        bool separated = true;

        if (after >= first)
                first = after < journal->last_seq ? after + 1 : journal->last_seq + 1;
        buffer_add_text(buffer, "{\"requests\":[");
        for (uint64_t seq = first; seq <= journal->last_seq; seq++) {
                if (!separated)
                        buffer_add(buffer, ",", 1);
                separated = false;
                view_entry(journal->entries[seq % JOURNAL_MAX], buffer);
        }
        buffer_add_text(buffer, "]}");
}
