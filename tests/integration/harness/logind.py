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

from jeepney import DBusAddress, HeaderFields, MessageType, new_error, new_method_return, new_signal
from jeepney.io.blocking import open_dbus_connection

from .bus import call

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


class Logind:
    def __init__(self, bus):
        self.connection = open_dbus_connection(bus=bus.address, enable_fds=True)
        self.locks = []
        assert call(self.connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                    "org.freedesktop.DBus", "RequestName", "su", (NAME, 0)) == (1,)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for lock in self.locks:
            os.close(lock.fd)
        self.locks = []
        self.connection.close()

    def receive(self, timeout=10):
        """The next call of Inhibit."""
        deadline = time.monotonic() + timeout
        while True:
            message = self.connection.receive(timeout=max(0, deadline - time.monotonic()))
            if (message.header.message_type is MessageType.method_call
                    and message.header.fields[HeaderFields.member] == "Inhibit"):
                return message

    def give_lock(self, timeout=10):
        message = self.receive(timeout)
        ours, theirs = os.pipe()
        self.connection.send(new_method_return(message, "h", (theirs,)))
        os.close(theirs)
        self.locks.append(Lock(ours, message.body))
        return self.locks[-1]

    def refuse_lock(self, timeout=10):
        self.connection.send(new_error(self.receive(timeout),
                                       "org.freedesktop.DBus.Error.AccessDenied"))

    def prepare(self, begins):
        """The machine is about to sleep, or is awake again."""
        self.connection.send(sleep_signal(begins))
