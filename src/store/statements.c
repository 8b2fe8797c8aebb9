/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/database.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "store/image.h"

/* Never OR REPLACE for objects: it would silently remove another row that has the same API id. */
static const char *const texts[_STATEMENT_MAX] = {
        [STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
        [STATEMENT_COMMIT] = "COMMIT",
        [STATEMENT_ROLLBACK] = "ROLLBACK",
        [STATEMENT_PUT_OBJECT] = NULL, /* made from the columns */
        [STATEMENT_DROP_OBJECT] = "DELETE FROM objects WHERE kind = ? AND number = ?",
        [STATEMENT_PUT_SUBSCRIPTION] = "INSERT INTO subscriptions VALUES (?, ?, ?, ?, ?, ?, ?)",
        [STATEMENT_DROP_SUBSCRIPTIONS] = "DELETE FROM subscriptions WHERE kind = ? AND number = ?",
        [STATEMENT_PUT_TOKEN] = "INSERT OR REPLACE INTO tokens VALUES (?, ?)",
        [STATEMENT_DROP_TOKEN] = "DELETE FROM tokens WHERE participant = ?",
        [STATEMENT_GET_TOKEN] = "SELECT token FROM tokens WHERE participant = ?",
        [STATEMENT_PUT_TOMBSTONE] = "INSERT OR REPLACE INTO tombstones VALUES (?, ?, ?, ?)",
        [STATEMENT_DROP_TOMBSTONE] = "DELETE FROM tombstones WHERE kind = ? AND api_id = ?",
        [STATEMENT_PRUNE_TOMBSTONES] = "DELETE FROM tombstones WHERE removed_at < ?",
        [STATEMENT_PUT_COUNTERS] = "UPDATE counters SET last_session = ?, last_participant = ?, "
                                   "suspected_orphans = ?, copies = ?, unread_session = ?, "
                                   "unread_participant = ?, quiet_until = ?",
        [STATEMENT_PUT_ORIGIN] = "UPDATE identity SET machine = ?, inode = ?, born_at = ?",
};

/* INSERT INTO objects (kind, ...) VALUES (?, ...) ON CONFLICT (kind, number) DO UPDATE SET ... */
static void write_put_object(FILE *stream) {
        fputs("INSERT INTO objects (", stream);
        for (size_t i = 0; i < image_n_columns; i++)
                fprintf(stream, "%s%s", i > 0 ? ", " : "", image_columns[i]);
        fputs(") VALUES (", stream);
        for (size_t i = 0; i < image_n_columns; i++)
                fputs(i > 0 ? ", ?" : "?", stream);
        fputs(") ON CONFLICT (kind, number) DO UPDATE SET ", stream);
        for (size_t i = 2; i < image_n_columns; i++)
                fprintf(stream, "%s%s = excluded.%s", i > 2 ? ", " : "", image_columns[i],
                        image_columns[i]);
}

static int prepare_put_object(Database *database) {
        CLEANUP(freep) char *text = NULL;
        size_t size;
        FILE *stream;

        stream = open_memstream(&text, &size);
        if (!stream)
                return -ENOMEM;
        write_put_object(stream);
        if (fclose(stream) != 0)
                return -ENOMEM;
        return database_prepare(database, text, database->statements + STATEMENT_PUT_OBJECT);
}

int database_prepare_all(Database *database) {
        int r = prepare_put_object(database);

        for (Statement i = 0; r == 0 && i < _STATEMENT_MAX; i++)
                if (texts[i])
                        r = database_prepare(database, texts[i], database->statements + i);
        return r;
}
