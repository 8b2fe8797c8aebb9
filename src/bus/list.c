/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/list.h"

#include <errno.h>

#include "base/text.h"
#include "bus/errors.h"
#include "bus/internal.h"
#include "bus/path.h"

/* A page ends early when it is as large as this: one message must fit through the bus. */
#define PAGE_BYTES_MAX (8U << 20)

/* An index by id is not in the order of numbers: all that it has must be looked at. Where this does
 * not do, the other half is spent on the objects in their order. */
#define PREFIX_LOOKS_MAX (LIST_LOOKS_MAX / 2)

typedef enum Source { SOURCE_ALL, SOURCE_TAG, SOURCE_SESSION, SOURCE_PREFIX } Source;

/* Where candidates come from, in the order of their numbers. */
typedef struct Cursor {
        const Core *core;
        const Query *query;
        Source source;
        const Row **found; /* SOURCE_PREFIX */
        size_t n_found, i_found;
        size_t n_looks; /* still allowed */
} Cursor;

static int row_compare(const void *a, const void *b) {
        const Row *const *x = a, *const *y = b;

        return ((*x)->number > (*y)->number) - ((*x)->number < (*y)->number);
}

/* Return: 1: all that the index has is in .found; 0: it is too much; -ENOMEM. */
static int cursor_collect(Cursor *cursor) {
        const Query *query = cursor->query;
        const char *prefix = query->filter->id_prefix;
        const Row *row = core_prefix_after(cursor->core, query->kind, prefix, NULL);

        cursor->found = calloc(PREFIX_LOOKS_MAX, sizeof(Row *));
        if (!cursor->found)
                return -ENOMEM;
        while (row) {
                const ApiId id = row_id(row);

                if (cursor->n_looks == LIST_LOOKS_MAX - PREFIX_LOOKS_MAX)
                        return 0;
                cursor->n_looks--;
                if (row->number > query->after)
                        cursor->found[cursor->n_found++] = row;
                row = core_prefix_after(cursor->core, query->kind, prefix, &id);
        }
        if (cursor->n_found > 0)
                qsort(cursor->found, cursor->n_found, sizeof(Row *), row_compare);
        /* These have been looked at already. */
        cursor->n_looks += cursor->n_found;
        return 1;
}

static int cursor_open(Cursor *cursor, const Core *core, const Query *query) {
        int r;

        *cursor = (Cursor){ .core = core, .query = query, .n_looks = LIST_LOOKS_MAX };
        if (arguments_have(query->filter, ARGUMENT_SESSION) && query->filter->session != 0) {
                cursor->source = SOURCE_SESSION;
                return 0;
        }
        if (arguments_have(query->filter, ARGUMENT_TAG)) {
                cursor->source = SOURCE_TAG;
                return 0;
        }
        if (!arguments_have(query->filter, ARGUMENT_ID_PREFIX))
                return 0;

        r = cursor_collect(cursor);
        if (r > 0)
                cursor->source = SOURCE_PREFIX;
        return r;
}

static const Row *cursor_next(Cursor *cursor, uint64_t after) {
        const Query *query = cursor->query;

        switch (cursor->source) {
        case SOURCE_ALL:
                return core_after(cursor->core, query->kind, after);
        case SOURCE_TAG:
                return core_tag_after(cursor->core, query->kind, query->filter->tag, after);
        case SOURCE_SESSION:
                return core_member_after(cursor->core, query->filter->session, after);
        case SOURCE_PREFIX:
                return cursor->i_found < cursor->n_found ? cursor->found[cursor->i_found++] : NULL;
        }
        return NULL;
}

static bool row_matches(const Row *row, const Arguments *filter) {
        if (arguments_have(filter, ARGUMENT_TAG) &&
            !streq(spec_text(row->spec, SPEC_TAG), filter->tag))
                return false;
        if (arguments_have(filter, ARGUMENT_STATE) && row_state(row) != filter->state)
                return false;
        if (arguments_have(filter, ARGUMENT_OWNER) && row->spec->owner != filter->owner)
                return false;
        if (arguments_have(filter, ARGUMENT_IN_SYNC) && row_in_sync(row) != filter->in_sync)
                return false;
        if (arguments_have(filter, ARGUMENT_ID_PREFIX) &&
            strncmp(row_id(row).text, filter->id_prefix, strlen(filter->id_prefix)) != 0)
                return false;
        if (arguments_have(filter, ARGUMENT_SESSION) &&
            (row->wanted ? row->wanted->session : 0) != filter->session)
                return false;
        return true;
}

/* A bound on all that does not vary much: names, paths, ids, tag and URL aside. */
#define ROW_BYTES 1024

size_t row_weight(const Row *row) {
        const Place *place = row->wanted;
        size_t n = ROW_BYTES + strlen(spec_text(row->spec, SPEC_TAG)) +
                   strlen(spec_text(row->spec, SPEC_CALLBACK_URL)) +
                   (row->last_message ? strlen(row->last_message) : 0);

        for (size_t i = 0; place && i < place->n_publishers; i++) {
                n += sizeof(Path);
                for (size_t j = 0; j < place->publishers[i].n_aliases; j++)
                        n += strlen(place->publishers[i].aliases[j]) + 8;
        }
        return n;
}

static int row_append(Bus *bus, const Query *query, const Row *row, sd_bus_message *reply) {
        Target target = { bus, row };
        int r;

        r = sd_bus_message_open_container(reply, 'r', "oa{sv}");
        if (r >= 0)
                r = sd_bus_message_append(reply, "o", path_of(row->kind, row->number).text);
        if (r >= 0)
                r = interface_append(interface_of(row->kind), query->fields, &target, reply);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* @ret_next: the last number looked at where there is more, else 0. */
static int rows_append(Bus *bus, Cursor *cursor, sd_bus_message *reply, uint64_t *ret_next) {
        const Query *query = cursor->query;
        uint64_t last = query->after;
        size_t n_bytes = 0, n_rows = 0;
        const Row *row;
        int r;

        while ((row = cursor_next(cursor, last))) {
                if (n_rows == query->limit || n_bytes >= PAGE_BYTES_MAX || cursor->n_looks == 0)
                        break;
                cursor->n_looks--;
                last = row->number;
                if (!row_matches(row, query->filter))
                        continue;
                r = row_append(bus, query, row, reply);
                if (r < 0)
                        return r;
                n_bytes += row_weight(row);
                n_rows++;
        }

        *ret_next = row ? last : 0;
        return 0;
}

int list_append(Bus *bus, const Query *query, sd_bus_message *reply) {
        CLEANUP(freep) const Row **found = NULL;
        Cursor cursor;
        uint64_t next = 0;
        int r;

        r = cursor_open(&cursor, bus->core, query);
        found = cursor.found;
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(oa{sv})");
        if (r >= 0)
                r = rows_append(bus, &cursor, reply, &next);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_message_append(reply, "t", next);
}

int list_fields(Kind kind, const Arguments *filter, uint32_t *ret, sd_bus_error *error) {
        const Interface *interface = interface_of(kind);
        uint32_t fields = 0;

        if (!arguments_have(filter, ARGUMENT_FIELDS)) {
                *ret = interface_all(interface);
                return 0;
        }
        for (const char *const *field = filter->fields; *field; field++) {
                uint32_t bit = interface_find(interface, *field);

                if (bit == 0)
                        return error_set_argument(error, "Fields",
                                                  "\"%.*s\" is no property of a %s",
                                                  error_echo(*field), *field,
                                                  kind == KIND_SESSION ? "session" : "participant");
                if (fields & bit)
                        return error_set_argument(error, "Fields", "\"%s\" is listed twice",
                                                  *field);
                fields |= bit;
        }

        *ret = fields;
        return 0;
}
