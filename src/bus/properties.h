/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One table for each interface says everything about its properties: name, signature, annotation,
 * how it is read from a row, and how two images of a row are compared. Get, GetAll, lists,
 * InterfacesAdded and PropertiesChanged all come from it.
 */

#include <systemd/sd-bus.h>

#include "bus/bus.h"

/* What getters and methods of an object are given: its last durable image. */
typedef struct Target {
        Bus *bus;
        const Row *row;
} Target;

typedef struct Property {
        sd_bus_vtable entry;
        /* Whether two images agree in it. NULL where it is never signalled, and where more than
         * the row decides: signals.c knows these by name. */
        bool (*equal)(const Row *a, const Row *b);
} Property;

typedef struct Interface {
        const char *name;
        const Property *properties; /* 32 at most: sets of them are bits */
        size_t n_properties;
        const sd_bus_vtable *methods;
        size_t n_methods;
} Interface;

extern const Interface session_interface, participant_interface;

const Interface *interface_of(Kind kind);

/**
 * interface_vtable() - the table that sd-bus wants, made from an Interface
 * @ret: to be freed after the slot that it was given to
 *
 * Return: 0, -ENOMEM.
 */
int interface_vtable(const Interface *interface, sd_bus_vtable **ret);

/* All properties, as bits. */
uint32_t interface_all(const Interface *interface);

/* The bit of a property; 0 where there is none of that name. */
uint32_t interface_find(const Interface *interface, const char *name);

/* The properties in which two images differ, as bits. */
uint32_t interface_compare(const Interface *interface, const Row *before, const Row *now);

/* Appends a{sv} with the properties that @set names. Return: 0 or positive, negative errno. */
int interface_append(const Interface *interface, uint32_t set, Target *target,
                     sd_bus_message *message);

/* One value each: without a look into a signature, which costs as much as the value. */
static inline int append_t(sd_bus_message *message, uint64_t value) {
        return sd_bus_message_append_basic(message, 't', &value);
}

static inline int append_u(sd_bus_message *message, uint32_t value) {
        return sd_bus_message_append_basic(message, 'u', &value);
}

static inline int append_b(sd_bus_message *message, int value) {
        return sd_bus_message_append_basic(message, 'b', &value);
}

static inline int append_s(sd_bus_message *message, const char *value) {
        return sd_bus_message_append_basic(message, 's', value);
}

static inline int append_o(sd_bus_message *message, const char *value) {
        return sd_bus_message_append_basic(message, 'o', value);
}

/* Getters and comparisons of the properties that sessions and participants share. */
#define DECLARE_GETTER(name)                                                                       \
        int name(sd_bus *bus, const char *path, const char *interface, const char *property,       \
                 sd_bus_message *reply, void *userdata, sd_bus_error *error)

/* @value appends the value to "reply"; it may use "target" and "row". */
#define DEFINE_GETTER(name, value)                                                                 \
        DECLARE_GETTER(name) {                                                                     \
                const Target *target = userdata;                                                   \
                const Row *row = target->row;                                                      \
                                                                                                   \
                (void)bus;                                                                         \
                (void)path;                                                                        \
                (void)interface;                                                                   \
                (void)property;                                                                    \
                (void)error;                                                                       \
                (void)row;                                                                         \
                return value;                                                                      \
        }

/* For one file alone. clang-format loses its way after a "static" of its own. */
#define DEFINE_STATIC_GETTER(name, value) static DEFINE_GETTER(name, value)

DECLARE_GETTER(get_number);
DECLARE_GETTER(get_id);
DECLARE_GETTER(get_tag);
DECLARE_GETTER(get_state);
DECLARE_GETTER(get_in_sync);
DECLARE_GETTER(get_last_error);
DECLARE_GETTER(get_attempts);
DECLARE_GETTER(get_next_attempt);
DECLARE_GETTER(get_owner);
DECLARE_GETTER(get_lifetime);
DECLARE_GETTER(get_created);
DECLARE_GETTER(get_synced);

bool equal_id(const Row *a, const Row *b);
bool equal_state(const Row *a, const Row *b);
bool equal_in_sync(const Row *a, const Row *b);
bool equal_last_error(const Row *a, const Row *b);
bool equal_attempts(const Row *a, const Row *b);

#define PROPERTY_CONST(name, signature, get)                                                       \
        { SD_BUS_PROPERTY(name, signature, get, 0, SD_BUS_VTABLE_PROPERTY_CONST), NULL }
#define PROPERTY_SIGNALLED(name, signature, get, equal)                                            \
        { SD_BUS_PROPERTY(name, signature, get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE), equal }
/* Annotated false: signals of these would flood the bus. */
#define PROPERTY_SILENT(name, signature, get)                                                      \
        { SD_BUS_PROPERTY(name, signature, get, 0, 0), NULL }

#define COMMON_PROPERTIES                                                                          \
        PROPERTY_CONST("Number", "t", get_number),                                                 \
                PROPERTY_SIGNALLED("Id", "s", get_id, equal_id),                                   \
                PROPERTY_CONST("Tag", "s", get_tag),                                               \
                PROPERTY_SIGNALLED("State", "s", get_state, equal_state),                          \
                PROPERTY_SIGNALLED("InSync", "b", get_in_sync, equal_in_sync),                     \
                PROPERTY_SIGNALLED("LastError", "(ss)", get_last_error, equal_last_error),         \
                PROPERTY_SIGNALLED("Attempts", "u", get_attempts, equal_attempts),                 \
                PROPERTY_SILENT("NextAttemptUSec", "t", get_next_attempt),                         \
                PROPERTY_CONST("Owner", "u", get_owner),                                           \
                PROPERTY_CONST("Lifetime", "s", get_lifetime),                                     \
                PROPERTY_CONST("CreatedUSec", "t", get_created),                                   \
                PROPERTY_SILENT("SyncedUSec", "t", get_synced)
