/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reading ListSessions and ListParticipants, page by page. */

#include "ctl/object.h"

/* A filter under construction; what is NULL does not filter. */
typedef struct Filter {
        const char *tag, *id_prefix, *state, *session;
        bool out_of_sync;          /* only objects with InSync false */
        const char *const *fields; /* only these properties; NULL ends them; NULL itself: all */
} Filter;

/* Called for each row in order of its number, with its facts, borrowed; false ends the reading. */
typedef bool (*RowHandler)(const Object *object, json_object *facts, void *userdata);

/* Reads all rows that pass the filter, in pages of @page rows. */
Exit rows_read(Ctl *ctl, Kind kind, const Filter *filter, unsigned page, RowHandler handler,
               void *userdata);
