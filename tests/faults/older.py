# SPDX-License-Identifier: LGPL-2.1-or-later
"""A state file as an earlier release has left it when it was killed."""

import contextlib
import os
import shutil
import sqlite3

FIRST_VERSION = os.path.join(os.path.dirname(os.path.realpath(__file__)), "version-1.sql")
STATE = "state.db"


def version_of(directory):
    """The version of a state file that nobody has open."""
    path = os.path.join(directory, STATE)
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return database.execute("PRAGMA user_version").fetchone()[0]


def make_older(directory):
    """Puts a file of the first version in the place of the state file, with the same in it, as far
    as that version knew of it, and nothing beside it but its log."""
    older = os.path.join(directory, "older.db")
    with contextlib.closing(sqlite3.connect(older, isolation_level=None)) as database:
        # All is made durable in the end.
        database.execute("PRAGMA synchronous = OFF")
        with open(FIRST_VERSION, encoding="ascii") as file:
            database.executescript(file.read())
        database.execute("PRAGMA journal_mode = WAL")
        copy_rows(database, os.path.join(directory, STATE))
        for name in os.listdir(directory):
            if name.startswith(STATE):
                os.unlink(os.path.join(directory, name))
        # As long as the file is open its log is not merged into it.
        for end in ("", "-wal"):
            shutil.copyfile(older + end, os.path.join(directory, STATE + end))
    os.unlink(older)
    make_durable(directory)


def copy_rows(database, path):
    database.execute("ATTACH ? AS newer", (path,))
    database.execute("BEGIN")
    for table, in database.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table'"
                                   ).fetchall():
        columns = ", ".join(row[1] for row in database.execute(f"PRAGMA main.table_info({table})"))
        database.execute(f"INSERT OR REPLACE INTO main.{table} ({columns})"
                         f" SELECT {columns} FROM newer.{table}")
    database.execute("COMMIT")
    database.execute("DETACH newer")


def make_durable(directory):
    for name in (*os.listdir(directory), "."):
        fd = os.open(os.path.join(directory, name), os.O_RDONLY)
        os.fsync(fd)
        os.close(fd)
