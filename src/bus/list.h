/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Pages of ListSessions and ListParticipants. A page costs its rows where an index answers
 * (Session, Tag, IdPrefix, or no filter at all), and never more than LIST_LOOKS_MAX objects.
 */

#include "bus/arguments.h"
#include "bus/properties.h"

#define LIST_LIMIT_DEFAULT 100
#define LIST_LIMIT_MAX     1000
#define LIST_LOOKS_MAX     10000

typedef struct Query {
        Kind kind;
        const Arguments *filter;
        uint32_t fields; /* bits of the interface's properties */
        uint64_t after;
        uint32_t limit;
} Query;

/* Turns "Fields" into bits; all of them where it is not given. Return: 0, or a negative errno with
 * @error set. */
int list_fields(Kind kind, const Arguments *filter, uint32_t *ret, sd_bus_error *error);

/**
 * list_append() - append one page to a reply: a(oa{sv}) rows, t next
 *
 * Return: 0 or positive, negative errno.
 */
int list_append(Bus *bus, const Query *query, sd_bus_message *reply);

/* About how many bytes an object takes in a message, its properties included. */
size_t row_weight(const Row *row);
