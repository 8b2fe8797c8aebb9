# SPDX-License-Identifier: LGPL-2.1-or-later
"""A small file system, of which the power can be cut, and which can be full."""

import fcntl
import os
import struct
import subprocess
import tempfile

from harness.disk import fill, make_room, unmount

IMAGE_BYTES = 16 << 20

# As in fault-points.c.
GOINGDOWN = 0x8004587D
GOINGDOWN_WITHOUT_LOG_FLUSH = 2


class Disk:
    """For root alone."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="convened-disk-")
        self.image = os.path.join(self.folder.name, "image")
        self.path = os.path.join(self.folder.name, "mounted")
        os.mkdir(self.path)

    def __enter__(self):
        with open(self.image, "wb") as file:
            file.truncate(IMAGE_BYTES)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=1", self.image],
                       check=True, stderr=subprocess.DEVNULL)
        self.mount()
        return self

    def __exit__(self, *_):
        self.unmount()
        self.folder.cleanup()

    def mount(self):
        subprocess.run(["mount", "-o", "loop", self.image, self.path], check=True)

    def unmount(self):
        unmount(self.path)

    def cut_power(self):
        folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.ioctl(folder, GOINGDOWN, struct.pack("I", GOINGDOWN_WITHOUT_LOG_FLUSH))
        os.close(folder)

    def power_on(self):
        self.unmount()
        self.mount()

    def fill(self):
        fill(self.path)

    def make_room(self):
        make_room(self.path)
