# SPDX-License-Identifier: LGPL-2.1-or-later
"""A private message bus: a dbus-daemon of the test's own, on a socket in a folder of its own.

    with PrivateBus() as bus:
        subprocess.run([...], env=bus.environment())         # as its session bus
        subprocess.run([...], env=bus.environment("system")) # as its system bus
        connection = bus.connect()                            # jeepney, blocking
"""

import os
import select
import shutil
import signal
import subprocess
import tempfile
import time

from jeepney import DBusAddress, HeaderFields, MessageType, new_method_call
from jeepney.io.blocking import open_dbus_connection

VARIABLES = {"session": "DBUS_SESSION_BUS_ADDRESS", "system": "DBUS_SYSTEM_BUS_ADDRESS"}
START_TIMEOUT_SEC = 10

# Everybody may do everything, and nobody is started: what a test needs starts it.
CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>{address}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


class BusError(Exception):
    """An error reply: its D-Bus name, and its text."""

    def __init__(self, name, message):
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message


def call(connection, destination, path, interface, member, signature=None, body=(), timeout=30):
    """Calls a method and returns the body of its reply; an error reply raises BusError."""
    address = DBusAddress(path, bus_name=destination, interface=interface)
    message = new_method_call(address, member, signature, body)
    reply = connection.send_and_get_reply(message, timeout=timeout)
    if reply.header.message_type is MessageType.error:
        text = reply.body[0] if reply.body and isinstance(reply.body[0], str) else ""
        raise BusError(reply.header.fields[HeaderFields.error_name], text)
    return reply.body


class PrivateBus:
    """Starts with the first `with` or start(); nothing is left of it after stop()."""

    def __init__(self):
        self.process = None
        self.directory = None
        self.address = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self):
        self.directory = tempfile.mkdtemp(prefix="convened-bus-")
        self.address = f"unix:path={self.directory}/bus"
        config = os.path.join(self.directory, "bus.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(address=self.address))
        try:
            self._spawn()
        except BaseException:
            self.stop()
            raise
        return self

    def _spawn(self):
        with open(os.path.join(self.directory, "bus.log"), "wb") as log:
            self.process = subprocess.Popen(
                ["dbus-daemon", "--nofork", "--nopidfile", "--nosyslog",
                 f"--config-file={self.directory}/bus.conf", "--print-address=1"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True)
        self._await_address()

    def _await_address(self):
        ready, _, _ = select.select([self.process.stdout], [], [], START_TIMEOUT_SEC)
        if not ready or not self.process.stdout.readline().startswith("unix:"):
            with open(os.path.join(self.directory, "bus.log"), encoding="utf-8") as log:
                raise RuntimeError("dbus-daemon did not start: " + log.read())

    def stop(self):
        self._end()
        if self.directory:
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory = None

    def kill(self):
        """It ends without a word, and leaves its socket behind."""
        self.process.kill()
        self.process.wait()

    def restart(self):
        """Another bus at the same address; nobody is connected to it."""
        self._end()
        self._spawn()

    def _end(self):
        if self.process:
            # A test may have frozen it; a stopped process takes no SIGTERM.
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(START_TIMEOUT_SEC)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process.stdout.close()
            self.process = None

    def environment(self, kind="session", **more):
        """The caller's environment, with this bus as its "session" or "system" bus and no other."""
        result = dict(os.environ)
        for key in ("DBUS_STARTER_ADDRESS", "DBUS_STARTER_BUS_TYPE"):
            result.pop(key, None)
        result["XDG_RUNTIME_DIR"] = self.directory
        # Nobody is to find those of the machine that the test runs on.
        for variable in VARIABLES.values():
            result[variable] = f"unix:path={self.directory}/none"
        result[VARIABLES[kind]] = self.address
        result.update(more)
        return result

    def connect(self, **options):
        """A new blocking jeepney connection; the caller closes it."""
        return open_dbus_connection(bus=self.address, **options)

    def has_owner(self, name, connection=None):
        """Whether somebody owns the name now."""
        own = connection or self.connect()
        try:
            return call(own, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                        "org.freedesktop.DBus", "NameHasOwner", "s", (name,))[0]
        finally:
            if not connection:
                own.close()

    def await_owner(self, name, present=True, timeout=10):
        """Returns when the name has an owner (or none); TimeoutError after so many seconds."""
        deadline = time.monotonic() + timeout
        connection = self.connect()
        try:
            while self.has_owner(name, connection) != present:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{name}: {'no owner' if present else 'still owned'}")
                select.select([], [], [], 0.01)
        finally:
            connection.close()


class StandIn:
    """Who has the name of a service on the bus; the test itself answers what is asked there."""

    def __init__(self, bus, name, **options):
        self.connection = bus.connect(**options)
        assert call(self.connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                    "org.freedesktop.DBus", "RequestName", "su", (name, 0)) == (1,)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.connection.close()

    def receive(self, member, timeout=10):
        """The next call of that method."""
        deadline = time.monotonic() + timeout
        while True:
            message = self.connection.receive(timeout=max(0, deadline - time.monotonic()))
            if (message.header.message_type is MessageType.method_call
                    and message.header.fields[HeaderFields.member] == member):
                return message
