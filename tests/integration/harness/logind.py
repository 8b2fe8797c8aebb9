# SPDX-License-Identifier: LGPL-2.1-or-later
"""A stand-in for logind: the test itself gives locks, and puts the machine to sleep.

    with Logind(bus) as logind:
        lock = logind.give_lock()       # answers the next Inhibit
        logind.prepare(True)
        lock.await_release()
"""

import os
import select
import time

from jeepney import DBusAddress, new_error, new_method_return, new_signal

from .bus import StandIn

NAME = "org.freedesktop.login1"
PATH = "/org/freedesktop/login1"
MANAGER = "org.freedesktop.login1.Manager"


def sleep_signal(begins):
    return new_signal(DBusAddress(PATH, interface=MANAGER), "PrepareForSleep", "b", (begins,))


class Lock:
    """What somebody else holds the other end of."""

    def __init__(self, fd, arguments):
        self.fd = fd
        self.arguments = arguments

    def is_held(self, timeout=0):
        """Whether it is still so after that time."""
        return not select.select([self.fd], [], [], timeout)[0]

    def await_release(self, timeout=10):
        """Returns how long it took."""
        begin = time.monotonic()
        if self.is_held(timeout):
            raise TimeoutError(f"the lock is still held after {timeout} s")
        return time.monotonic() - begin


class Logind(StandIn):
    def __init__(self, bus):
        super().__init__(bus, NAME, enable_fds=True)
        self.locks = []

    def close(self):
        for lock in self.locks:
            os.close(lock.fd)
        self.locks = []
        super().close()

    def give_lock(self, timeout=10):
        message = self.receive("Inhibit", timeout)
        ours, theirs = os.pipe()
        self.connection.send(new_method_return(message, "h", (theirs,)))
        os.close(theirs)
        self.locks.append(Lock(ours, message.body))
        return self.locks[-1]

    def refuse_lock(self, timeout=10):
        self.connection.send(new_error(self.receive("Inhibit", timeout),
                                       "org.freedesktop.DBus.Error.AccessDenied"))

    def prepare(self, begins):
        """The machine is about to sleep, or is awake again."""
        self.connection.send(sleep_signal(begins))
