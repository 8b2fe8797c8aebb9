# SPDX-License-Identifier: LGPL-2.1-or-later
"""What stands in the state file of a daemon that has ended."""

import collections
import contextlib
import json
import os
import shutil
import sqlite3

from .programs import Folder

NAME = "state.db"


def unsent_attempts(directory, requests):
    """Which creations are committed as perhaps sent, and were not: of `requests`, all POSTs that
    the API has seen, there are no more than are known to be of unknown outcome. The file itself is
    left alone, and so is the log beside it."""
    posts = collections.Counter(json.loads(item["body"]).get("tag", "") for item in requests)
    return {(kind, number, n_unknown) for kind, number, tag, n_unknown in _open_attempts(directory)
            if posts[tag] <= n_unknown}


def _open_attempts(directory):
    with Folder() as folder:
        for name in (NAME, NAME + "-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(os.path.join(directory, name), folder)
        if not os.path.exists(os.path.join(folder, NAME)):
            return []
        with contextlib.closing(sqlite3.connect(os.path.join(folder, NAME))) as database:
            try:
                return database.execute("SELECT kind, number, tag, n_unknown FROM objects "
                                        "WHERE attempt_open").fetchall()
            except sqlite3.OperationalError:
                return []  # it ended before there was a table
