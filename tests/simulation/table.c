/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulation/table.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "simulation/kit.h"
#include "simulation/world.h"

#define TEXT_MAX 512

static char *next_text(void) {
        static char texts[16][TEXT_MAX];
        static unsigned i;

        return texts[i++ % ELEMENTSOF(texts)];
}

const char *place_text(const Place *place) {
        static const char *const modes[_MODE_MAX] = { "nothing", "all", "" };
        char *text = next_text();
        size_t n;

        if (!place)
                return "nowhere";
        n = (size_t)snprintf(text, TEXT_MAX, "in %" PRIu64 "%s hears %s", place->session,
                             place_foreign(place).text, modes[place->mode]);
        for (size_t i = 0; i < place->n_publishers && n < TEXT_MAX; i++) {
                const Publisher *publisher = place->publishers + i;

                n += (size_t)snprintf(text + n, TEXT_MAX - n, " %" PRIu64 "%s:%x",
                                      publisher->number, api_id_text(&publisher->id),
                                      world_streams(publisher));
        }
        return text;
}

const char *row_text(const Row *row) {
        char *text = next_text();
        const Goal *goals = row->goals;

        snprintf(text, TEXT_MAX,
                 "%s %" PRIu64 " (%s)%s%s%s, unknown %u, failed %u, wanted %s, observed %s, "
                 "agreed %u/%u %u/%u %u/%u",
                 row->kind == KIND_SESSION ? "session" : "participant", row->number,
                 row_id(row).text, row->gone ? " gone" : "", row->failed ? " failed" : "",
                 row->attempt_open ? " attempt" : "", row->n_unknown, row->n_failed,
                 place_text(row->wanted), place_text(row->observed), goals[BEING].agreed_rev,
                 goals[BEING].wanted_rev, goals[MEMBERSHIP].agreed_rev,
                 goals[MEMBERSHIP].wanted_rev, goals[SUBSCRIPTIONS].agreed_rev,
                 goals[SUBSCRIPTIONS].wanted_rev);
        return text;
}

static bool specs_have_same_texts(const Spec *a, const Spec *b) {
        for (SpecText text = 0; text < _SPEC_TEXT_MAX; text++)
                if (!streq(spec_text(a, text), spec_text(b, text)))
                        return false;
        return true;
}

bool spec_equal(const Spec *a, const Spec *b) {
        return a->owner == b->owner && a->lifetime == b->lifetime &&
               a->created_at == b->created_at && a->permissions == b->permissions &&
               a->at_most_once == b->at_most_once && a->stranger == b->stranger &&
               specs_have_same_texts(a, b);
}

static Place *place_copy(const Place *from) {
        Place *to = NULL;

        ApiId foreign;

        if (!from)
                return NULL;
        foreign = place_foreign(from);
        MUST(place_new(&to, from->session, &foreign, from->mode, from->publishers,
                       from->n_publishers));
        return to;
}

void row_copy_whole(Row *to, const Row *from) {
        Row copy = *from;

        MUST(spec_copy(&copy.spec, from->spec));
        copy.wanted = place_copy(from->wanted);
        copy.observed = place_copy(from->observed);
        if (from->last_message) {
                copy.last_message = strdup(from->last_message);
                if (!copy.last_message)
                        abort();
        }
        MUST(packed_id_copy(&copy.id, &from->id));
        *to = copy;
}

static size_t table_position(const Table *table, Kind kind, uint64_t number) {
        size_t low = 0, high = table->n_rows[kind];

        while (low < high) {
                const size_t middle = (low + high) / 2;

                if (table->rows[kind][middle].number < number)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

Row *table_find(const Table *table, Kind kind, uint64_t number) {
        const size_t i = table_position(table, kind, number);

        if (i == table->n_rows[kind] || table->rows[kind][i].number != number)
                return NULL;
        return table->rows[kind] + i;
}

const Row *table_find_id(const Table *table, Kind kind, const ApiId *id) {
        for (size_t i = 0; i < table->n_rows[kind]; i++)
                if (row_id_is(&table->rows[kind][i], id))
                        return table->rows[kind] + i;
        return NULL;
}

static Row *table_grow(Table *table, Kind kind) {
        if (table->n_rows[kind] == table->n_allocated[kind]) {
                table->n_allocated[kind] = 2 * table->n_allocated[kind] + 8;
                table->rows[kind] =
                        realloc(table->rows[kind], table->n_allocated[kind] * sizeof(Row));
                if (!table->rows[kind])
                        abort();
        }
        return table->rows[kind];
}

void table_put(Table *table, const Row *row) {
        const size_t i = table_position(table, row->kind, row->number);
        const size_t n = table->n_rows[row->kind];
        Row copy, *rows = table->rows[row->kind];

        row_copy_whole(&copy, row);
        if (i < n && rows[i].number == row->number) {
                row_deinit(rows + i);
        } else {
                rows = table_grow(table, row->kind);
                memmove(rows + i + 1, rows + i, (n - i) * sizeof(Row));
                table->n_rows[row->kind]++;
        }
        rows[i] = copy;
}

void table_drop(Table *table, Kind kind, uint64_t number) {
        Row *row = table_find(table, kind, number);
        const size_t i = row ? (size_t)(row - table->rows[kind]) : 0;

        if (!row)
                return;
        row_deinit(row);
        table->n_rows[kind]--;
        memmove(row, row + 1, (table->n_rows[kind] - i) * sizeof(Row));
}

void table_copy(Table *to, const Table *from) {
        for (Kind kind = 0; kind < _KIND_MAX; kind++)
                for (size_t i = 0; i < from->n_rows[kind]; i++)
                        table_put(to, from->rows[kind] + i);
}

void table_deinit(Table *table) {
        for (Kind kind = 0; kind < _KIND_MAX; kind++) {
                for (size_t i = 0; i < table->n_rows[kind]; i++)
                        row_deinit(table->rows[kind] + i);
                free(table->rows[kind]);
        }
        *table = (Table){ 0 };
}
