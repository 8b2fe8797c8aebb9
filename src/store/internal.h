/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of this room share, and what its tests may reach. */

#include "store/directory.h"
#include "store/reserve.h"
#include "store/schema.h"
#include "store/store.h"
#include "store/worker.h"

struct Store {
        Directory directory;
        Database database;
        Reserve reserve;
        bool damaged; /* the connection is gone already */
        bool ready;   /* to be written to */
        bool begun;   /* the file says that there is a log */
        CopyKind copy;
        bool without_log;
        Worker *worker;
};

/* store_open() with another schema than the current one. */
int store_open_schema(Store **ret, const StoreConfig *config, Now now, const Schema *schema,
                      char **ret_reason);

/**
 * store_damaged() - give up on the contents: close the file as it is, set a copy aside
 *
 * Return: STORE_REFUSED with @ret_reason set, -ENOMEM.
 */
int store_damaged(Store *store, char **ret_reason);
