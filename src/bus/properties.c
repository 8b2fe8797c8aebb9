/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/properties.h"

#include <errno.h>

#include "base/clock.h"
#include "base/text.h"
#include "bus/errors.h"
#include "bus/internal.h"
#include "bus/words.h"

DEFINE_GETTER(get_number, append_t(reply, row->number))
DEFINE_GETTER(get_id, append_s(reply, row_id(row).text))
DEFINE_GETTER(get_tag, append_s(reply, spec_text(row->spec, SPEC_TAG)))
DEFINE_GETTER(get_state, append_s(reply, state_word(row_state(row))))
DEFINE_GETTER(get_in_sync, append_b(reply, row_in_sync(row)))
DEFINE_GETTER(get_attempts, append_u(reply, row->n_failed))
DEFINE_GETTER(get_owner, append_u(reply, row->spec->owner))
DEFINE_GETTER(get_lifetime, append_s(reply, lifetime_word(row->spec->lifetime)))
DEFINE_GETTER(get_created, append_t(reply, row->spec->created_at))
DEFINE_GETTER(get_synced, append_t(reply, row->synced_at))
DEFINE_GETTER(get_next_attempt, append_t(reply, core_next_attempt(target->bus->core, row->kind,
                                                                  row->number, clock_now())))
DEFINE_GETTER(get_last_error,
              sd_bus_message_append(
                      reply, "(ss)",
                      row->last_error == OUTCOME_DONE ? "" : outcome_error_name(row->last_error),
                      row->last_error == OUTCOME_DONE || !row->last_message ? ""
                                                                            : row->last_message))

bool equal_id(const Row *a, const Row *b) {
        return packed_id_equal(&a->id, &b->id);
}

bool equal_state(const Row *a, const Row *b) {
        return row_state(a) == row_state(b);
}

bool equal_in_sync(const Row *a, const Row *b) {
        return row_in_sync(a) == row_in_sync(b);
}

bool equal_last_error(const Row *a, const Row *b) {
        if (a->last_error != b->last_error || !a->last_message != !b->last_message)
                return false;
        return !a->last_message || streq(a->last_message, b->last_message);
}

bool equal_attempts(const Row *a, const Row *b) {
        return a->n_failed == b->n_failed;
}

const Interface *interface_of(Kind kind) {
        return kind == KIND_SESSION ? &session_interface : &participant_interface;
}

int interface_vtable(const Interface *interface, sd_bus_vtable **ret) {
        static const sd_bus_vtable start = SD_BUS_VTABLE_START(0), end = SD_BUS_VTABLE_END;
        size_t n = 0;
        sd_bus_vtable *vtable =
                calloc(interface->n_methods + interface->n_properties + 2, sizeof(*vtable));

        if (!vtable)
                return -ENOMEM;
        /* Whole entries: sd-bus wants what no member of the union covers to be zero. */
        memcpy(vtable + n++, &start, sizeof(start));
        for (size_t i = 0; i < interface->n_methods; i++)
                memcpy(vtable + n++, interface->methods + i, sizeof(*vtable));
        for (size_t i = 0; i < interface->n_properties; i++)
                memcpy(vtable + n++, &interface->properties[i].entry, sizeof(*vtable));
        memcpy(vtable + n, &end, sizeof(end));

        *ret = vtable;
        return 0;
}

uint32_t interface_all(const Interface *interface) {
        return (uint32_t)((UINT64_C(1) << interface->n_properties) - 1);
}

uint32_t interface_find(const Interface *interface, const char *name) {
        for (size_t i = 0; i < interface->n_properties; i++)
                if (streq(interface->properties[i].entry.x.property.member, name))
                        return UINT32_C(1) << i;
        return 0;
}

uint32_t interface_compare(const Interface *interface, const Row *before, const Row *now) {
        uint32_t changed = 0;

        for (size_t i = 0; i < interface->n_properties; i++) {
                const Property *property = interface->properties + i;

                if (property->equal && !property->equal(before, now))
                        changed |= UINT32_C(1) << i;
        }
        return changed;
}

static int property_append(const Interface *interface, const Property *property, Target *target,
                           sd_bus_message *message) {
        const char *name = property->entry.x.property.member;
        const char *signature = property->entry.x.property.signature;
        int r;

        r = sd_bus_message_open_container(message, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append_basic(message, 's', name);
        if (r >= 0)
                r = sd_bus_message_open_container(message, 'v', signature);
        if (r >= 0)
                r = property->entry.x.property.get(sd_bus_message_get_bus(message), NULL,
                                                   interface->name, name, message, target, NULL);
        if (r >= 0)
                r = sd_bus_message_close_container(message);
        return r < 0 ? r : sd_bus_message_close_container(message);
}

int interface_append(const Interface *interface, uint32_t set, Target *target,
                     sd_bus_message *message) {
        int r;

        r = sd_bus_message_open_container(message, 'a', "{sv}");
        if (r < 0)
                return r;
        for (size_t i = 0; i < interface->n_properties; i++) {
                if (!(set & UINT32_C(1) << i))
                        continue;
                r = property_append(interface, interface->properties + i, target, message);
                if (r < 0)
                        return r;
        }
        return sd_bus_message_close_container(message);
}
