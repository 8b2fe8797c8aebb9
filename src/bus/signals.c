/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a committed batch says to clients, found by comparing old images with new ones. */

#include <errno.h>

#include "bus/internal.h"
#include "bus/path.h"

/* What is to be said of one object. It may be noted more than once, for different reasons. */
typedef struct Note {
        Kind kind;
        uint64_t number;
        uint32_t changed;
        bool told; /* it came or goes with this batch: nothing more to say */
} Note;

typedef struct Notes {
        Note *items;
        size_t n, n_allocated;
} Notes;

static int notes_add(Notes *notes, const Note *note) {
        if (notes->n == notes->n_allocated) {
                size_t n = notes->n_allocated ? 2 * notes->n_allocated : 16;
                Note *items = reallocarray(notes->items, n, sizeof(*items));

                if (!items)
                        return -ENOMEM;
                notes->items = items;
                notes->n_allocated = n;
        }
        notes->items[notes->n++] = *note;
        return 0;
}

static int note_compare(const void *a, const void *b) {
        const Note *x = a, *y = b;

        if (x->kind != y->kind)
                return x->kind < y->kind ? -1 : 1;
        return (x->number > y->number) - (x->number < y->number);
}

static int note_participants(Notes *notes, uint64_t session) {
        uint32_t bit = interface_find(&session_interface, "Participants");

        return notes_add(notes, &(Note){ KIND_SESSION, session, bit, false });
}

/* The id of a session is a property of its members too. */
static int note_session_id(Notes *notes, const Core *core, uint64_t session) {
        uint32_t bit = interface_find(&participant_interface, "SessionId");
        int r = 0;

        for (const Row *row = core_member_after(core, session, 0); r >= 0 && row;
             row = core_member_after(core, session, row->number))
                r = notes_add(notes, &(Note){ KIND_PARTICIPANT, row->number, bit, false });
        return r;
}

static int note_row(Notes *notes, const Core *core, const BatchRow *row) {
        const Row *now = &row->row, *before = row->before;
        Note note = { .kind = now->kind, .number = now->number };
        int r;

        if (!before || row->removed)
                note.told = true;
        else
                note.changed = interface_compare(interface_of(now->kind), before, now);
        r = notes_add(notes, &note);
        if (r >= 0 && row->members_changed)
                r = note_participants(notes, now->number);
        if (r >= 0 && now->kind == KIND_SESSION && before &&
            !packed_id_equal(&before->id, &now->id))
                r = note_session_id(notes, core, now->number);
        return r;
}

static int notes_collect(Notes *notes, const Core *core, const Batch *batch) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < batch->n_rows; i++)
                r = note_row(notes, core, batch->rows + i);
        for (size_t i = 0; r >= 0 && i < batch->n_sessions; i++)
                r = note_participants(notes, batch->sessions[i]);
        return r;
}

static int emit_changed(Bus *bus, const Note *note) {
        const Interface *interface = interface_of(note->kind);
        char *names[33];
        size_t n = 0;

        for (size_t i = 0; i < interface->n_properties; i++)
                if (note->changed & UINT32_C(1) << i)
                        names[n++] = (char *)interface->properties[i].entry.x.property.member;
        if (n == 0)
                return 0;
        names[n] = NULL;
        return sd_bus_emit_properties_changed_strv(bus->bus, path_of(note->kind, note->number).text,
                                                   interface->name, names);
}

static void keep_first(int *first, int r) {
        if (*first >= 0 && r < 0)
                *first = r;
}

/* One signal for each object, whatever it was noted for. */
static int emit_notes(Bus *bus, Notes *notes) {
        int result = 0;

        if (notes->n > 0)
                qsort(notes->items, notes->n, sizeof(Note), note_compare);
        for (size_t i = 0, next; i < notes->n; i = next) {
                Note *note = notes->items + i;

                for (next = i + 1; next < notes->n && note_compare(note, notes->items + next) == 0;
                     next++) {
                        note->changed |= notes->items[next].changed;
                        note->told |= notes->items[next].told;
                }
                if (!note->told)
                        keep_first(&result, emit_changed(bus, note));
        }
        return result;
}

static int emit_added(Bus *bus, const Batch *batch, Kind kind) {
        int result = 0;

        for (size_t i = 0; i < batch->n_rows; i++) {
                const BatchRow *row = batch->rows + i;

                if (row->row.kind == kind && !row->before && !row->removed)
                        keep_first(&result, sd_bus_emit_object_added(
                                                    bus->bus, path_of(kind, row->row.number).text));
        }
        return result;
}

static int emit_removed(Bus *bus, const Batch *batch, Kind kind) {
        int result = 0;

        for (size_t i = 0; i < batch->n_rows; i++) {
                const BatchRow *row = batch->rows + i;

                if (row->row.kind == kind && row->before && row->removed)
                        keep_first(&result, sd_bus_emit_object_removed(
                                                    bus->bus, path_of(kind, row->row.number).text));
        }
        return result;
}

int bus_emit(Bus *bus, const Batch *batch) {
        CLEANUP(freep) Note *items = NULL;
        Notes notes = { 0 };
        int result = 0;

        if (!bus->named)
                return 0;

        keep_first(&result, notes_collect(&notes, bus->core, batch));
        items = notes.items;
        /* In this order no signal names an object that is not there, or not yet. */
        keep_first(&result, emit_added(bus, batch, KIND_SESSION));
        keep_first(&result, emit_added(bus, batch, KIND_PARTICIPANT));
        keep_first(&result, emit_notes(bus, &notes));
        keep_first(&result, emit_removed(bus, batch, KIND_PARTICIPANT));
        keep_first(&result, emit_removed(bus, batch, KIND_SESSION));
        return result;
}
