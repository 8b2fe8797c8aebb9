/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/bulk.h"

#include <errno.h>

#include "base/text.h"
#include "bus/call.h"

struct BulkRead {
        TAILQ_ENTRY(BulkRead) link;
        uint32_t uid;
        Call *call;
};

void bulk_init(Bulk *bulk) {
        TAILQ_INIT(&bulk->reads);
}

/* Returns its call. */
static Call *bulk_take(Bulk *bulk, BulkRead *read) {
        Call *call = read->call;

        TAILQ_REMOVE(&bulk->reads, read, link);
        free(read);
        return call;
}

void bulk_deinit(Bulk *bulk) {
        BulkRead *read, *next;

        TAILQ_FOREACH_SAFE(read, &bulk->reads, link, next)
                call_free(bulk_take(bulk, read));
}

void bulk_forget(Bulk *bulk, const char *name) {
        BulkRead *read, *next;

        TAILQ_FOREACH_SAFE(read, &bulk->reads, link, next)
                if (streq(sd_bus_message_get_sender(read->call->message), name))
                        call_free(bulk_take(bulk, read));
}

static bool bulk_has(const Bulk *bulk, uint32_t uid) {
        const BulkRead *read;

        TAILQ_FOREACH(read, &bulk->reads, link)
                if (read->uid == uid)
                        return true;
        return false;
}

static int bulk_add(Bulk *bulk, Call *call, uint32_t uid) {
        CLEANUP(freep) BulkRead *read = calloc(1, sizeof(*read));
        int r;

        if (!read)
                return -ENOMEM;
        r = call_move(&read->call, call);
        if (r < 0)
                return r;
        read->uid = uid;
        TAILQ_INSERT_TAIL(&bulk->reads, read, link);
        TAKE(read);
        return 1;
}

int bulk_read(Call *call, CallRun answer, sd_bus_error *error) {
        Bus *bus = call->bus;
        uint32_t uid;
        int r;

        r = access_owner(bus->access, call->message, &uid);
        if (r < 0)
                return r;
        if (!quota_binds(&bus->quota, uid))
                return answer(call, error);
        if (bulk_has(&bus->bulk, uid))
                return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
                                        "Another call of this user that reads many objects is "
                                        "without an answer: ask for one page after the other, and "
                                        "wait for each.");
        call->run = answer;
        return bulk_add(&bus->bulk, call, uid);
}

/* While the bus has not taken what was said before, a page more would only be memory. */
bool bus_has_read(const Bus *bus) {
        uint64_t n = 0;

        return !TAILQ_EMPTY(&bus->bulk.reads) &&
               (sd_bus_get_n_queued_write(bus->bus, &n) < 0 || n == 0);
}

bool bus_read_next(Bus *bus) {
        if (!bus_has_read(bus))
                return false;
        call_run(bulk_take(&bus->bulk, TAILQ_FIRST(&bus->bulk.reads)));
        return true;
}
