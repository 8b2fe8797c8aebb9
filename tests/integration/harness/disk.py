# SPDX-License-Identifier: LGPL-2.1-or-later
"""A file system that becomes full, and then is not any more, and is unmounted. Only for small
ones."""

import contextlib
import errno
import os
import subprocess

from harness.wait import wait_for

FILLER = "filler"


def fill(path):
    """Takes all the room that there is on the file system of a folder, durably."""
    with open(os.path.join(path, FILLER), "ab", buffering=0) as file:
        size = 1 << 24
        while size >= 512:
            try:
                os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), size)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                size //= 2
        # Where there is no room, not even this need succeed.
        with contextlib.suppress(OSError):
            os.fsync(file.fileno())


def make_room(path):
    """Gives it back."""
    os.unlink(os.path.join(path, FILLER))
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def unmount(path):
    """Whoever looks at a process in /proc while it ends holds the files that it has mapped for a
    moment longer than it lives."""
    def is_done():
        said = subprocess.run(["umount", path], check=False, stderr=subprocess.PIPE, text=True)
        assert not said.returncode, said.stderr
        return True

    wait_for(is_done)
