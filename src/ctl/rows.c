/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/rows.h"

#include <errno.h>
#include <unistd.h>

#include "ctl/memory.h"
#include "ctl/redact.h"
#include "proto/names.h"

/* What one page brought, besides its rows. */
typedef struct Page {
        uint64_t next; /* 0: it was the last */
        bool ended;    /* the handler wants no more */
} Page;

static sd_bus_message *page_ask(Ctl *ctl, Kind kind, const Filter *filter, uint64_t after,
                                unsigned limit) {
        sd_bus_message *m =
                ctl_message(ctl, CONVENED_PATH, CONVENED_MANAGER, kind_names[kind].list);

        dict_open(m);
        if (filter->tag)
                dict_text(m, "Tag", filter->tag);
        if (filter->id_prefix)
                dict_text(m, "IdPrefix", filter->id_prefix);
        if (filter->state)
                dict_text(m, "State", filter->state);
        if (filter->session)
                dict_path(m, "Session", filter->session);
        if (filter->out_of_sync)
                dict_flag(m, "InSync", false);
        if (filter->fields)
                dict_texts(m, "Fields", filter->fields);
        dict_close(m);
        must_bus(sd_bus_message_append(m, "tu", after, (uint32_t)limit));
        return m;
}

/* Hands one row over. Positive: the handler wants no more. */
static int row_read(const Ctl *ctl, sd_bus_message *m, RowHandler handler, void *userdata) {
        CLEANUP(json_freep) json_object *facts = NULL;
        const char *path;
        Object object;
        int r = sd_bus_message_read(m, "o", &path);

        if (r < 0)
                return r;
        r = value_read(m, &facts);
        if (r < 0)
                return r;
        redact_facts(&ctl->options, facts);
        if (!object_from_path(path, &object))
                return -EBADMSG;
        return !handler(&object, facts, userdata);
}

static int page_read(const Ctl *ctl, sd_bus_message *m, RowHandler handler, void *userdata,
                     Page *ret) {
        Page page = { 0 };
        int r = sd_bus_message_enter_container(m, 'a', "(oa{sv})");

        if (r < 0)
                return r;

        while (!page.ended && (r = sd_bus_message_enter_container(m, 'r', "oa{sv}")) > 0) {
                r = row_read(ctl, m, handler, userdata);
                if (r < 0)
                        return r;
                page.ended = r > 0;
                r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;

        if (!page.ended) {
                r = sd_bus_message_exit_container(m);
                if (r >= 0)
                        r = sd_bus_message_read(m, "t", &page.next);
                if (r < 0)
                        return r;
        }

        *ret = page;
        return 0;
}

/* A user has one such call at a time, and another program of the same user may have it now. */
#define TURN_USEC 20000U
#define TURNS_MAX 250U

static Exit page_get(Ctl *ctl, Kind kind, const Filter *filter, uint64_t after, unsigned limit,
                     sd_bus_message **ret) {
        for (unsigned turn = 1;; turn++) {
                CLEANUP(message_unrefp)
                sd_bus_message *call = page_ask(ctl, kind, filter, after, limit);
                CLEANUP(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
                int r = ctl_try(ctl, call, &error, ret);

                if (r >= 0)
                        return EXIT_DONE;
                if (!sd_bus_error_has_name(&error, SD_BUS_ERROR_LIMITS_EXCEEDED) ||
                    turn == TURNS_MAX)
                        return failure_say_bus(&ctl->options, &error, r, NULL);
                (void)usleep(TURN_USEC);
        }
}

Exit rows_read(Ctl *ctl, Kind kind, const Filter *filter, unsigned page, RowHandler handler,
               void *userdata) {
        uint64_t after = 0;

        for (;;) {
                CLEANUP(message_unrefp) sd_bus_message *reply = NULL;
                Page read = { 0 };
                Exit code;
                int r;

                code = page_get(ctl, kind, filter, after, page, &reply);
                if (code != EXIT_DONE)
                        return code;

                r = page_read(ctl, reply, handler, userdata, &read);
                if (r < 0)
                        return ctl_not_understood(ctl, r);
                if (read.ended || read.next == 0)
                        return EXIT_DONE;
                /* A service that does not go forward would keep us here for ever. */
                if (read.next <= after)
                        return ctl_not_understood(ctl, -EBADMSG);
                after = read.next;
        }
}
