/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/table.h"

#include <assert.h>

#include "ctl/memory.h"
#include "ctl/width.h"

#define GAP 2

typedef struct Cell {
        char *text;
        size_t width;
        Colour colour;
} Cell;

struct Table {
        const Column *columns;
        size_t n_columns;
        Cell *cells;
        size_t n_cells, n_allocated;
};

Table *table_new(const Column *columns, size_t n_columns) {
        Table *table = must(calloc(1, sizeof(*table)));

        table->columns = columns;
        table->n_columns = n_columns;
        return table;
}

Table *table_free(Table *table) {
        if (!table)
                return NULL;

        for (size_t i = 0; i < table->n_cells; i++)
                free(table->cells[i].text);
        free(table->cells);
        free(table);
        return NULL;
}

void table_add(Table *table, const char *text, Colour colour) {
        Cell *cell;

        if (table->n_cells == table->n_allocated) {
                size_t n = table->n_allocated ? 2 * table->n_allocated : 64;

                table->cells = must(reallocarray(table->cells, n, sizeof(*table->cells)));
                table->n_allocated = n;
        }

        cell = &table->cells[table->n_cells++];
        cell->text = width_printable(text);
        cell->width = width_of(cell->text);
        cell->colour = colour;
}

size_t table_rows(const Table *table) {
        return table->n_cells / table->n_columns;
}

static bool column_goes_before(const Table *table, const size_t *widths, size_t a, size_t b) {
        if (table->columns[a].early != table->columns[b].early)
                return table->columns[a].early;
        return widths[a] > widths[b];
}

/* The column to take from: the widest that may be shortened; n_columns if there is none. */
static size_t widest_column(const Table *table, const size_t *widths) {
        size_t widest = table->n_columns;

        for (size_t i = 0; i < table->n_columns; i++) {
                size_t at_least = table->columns[i].at_least;

                if (at_least == 0 || widths[i] <= at_least)
                        continue;
                if (widest == table->n_columns || column_goes_before(table, widths, i, widest))
                        widest = i;
        }
        return widest;
}

void table_fit(const Table *table, bool legend, size_t columns, size_t *widths) {
        size_t total = GAP * (table->n_columns - 1), widest;

        for (size_t i = 0; i < table->n_columns; i++) {
                widths[i] = legend ? width_of(table->columns[i].title) : 0;
                for (size_t j = i; j < table->n_cells; j += table->n_columns)
                        if (table->cells[j].width > widths[i])
                                widths[i] = table->cells[j].width;
                total += widths[i];
        }

        for (; columns > 0 && total > columns; total--) {
                widest = widest_column(table, widths);
                if (widest == table->n_columns)
                        return;
                widths[widest]--;
        }
}

static void pad(FILE *out, size_t n) {
        fprintf(out, "%*s", (int)n, "");
}

static void cell_print(FILE *out, const Screen *screen, const Cell *cell, size_t width,
                       const Column *column, bool last) {
        CLEANUP(freep) char *text = width_shorten(cell->text, width, screen_ellipsis(screen));
        size_t room = width - width_of(text);

        if (column->right)
                pad(out, room);
        fprintf(out, "%s%s%s", screen_on(screen, cell->colour), text,
                screen_off(screen, cell->colour));
        if (!column->right && !last)
                pad(out, room);
        if (last)
                fputc('\n', out);
        else
                pad(out, GAP);
}

void table_print(const Table *table, FILE *out, const Screen *screen, bool legend, size_t columns) {
        CLEANUP(freep) size_t *widths = must(calloc(table->n_columns, sizeof(*widths)));

        assert(table->n_cells % table->n_columns == 0);
        table_fit(table, legend, columns, widths);

        for (size_t i = 0; legend && i < table->n_columns; i++) {
                Cell title = { (char *)table->columns[i].title, 0, COLOUR_STRONG };

                cell_print(out, screen, &title, widths[i], &table->columns[i],
                           i + 1 == table->n_columns);
        }
        for (size_t i = 0; i < table->n_cells; i++) {
                size_t c = i % table->n_columns;

                cell_print(out, screen, &table->cells[i], widths[c], &table->columns[c],
                           c + 1 == table->n_columns);
        }
}
