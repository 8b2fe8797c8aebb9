# SPDX-License-Identifier: LGPL-2.1-or-later
"""convened under test: on a private bus, with its files in a folder of its own.

    with PrivateBus() as bus, Daemon(bus, base_url=simulator.base_url) as daemon:
        path = daemon.create_session(Tag="desk")
        daemon.kill()              # SIGKILL
        daemon.start()             # on the same state
    # leaving stops it, and demands exit status 0 and no report of a sanitizer

Pauses are short and the budget is large, so that tests need not wait; `config` says otherwise:
{"Reconcile": {"ResyncIntervalSec": 1}}. A value of None leaves the key out.
"""

import os
import re
import select
import signal
import socket
import subprocess
import time

from jeepney import DBusAddress, new_method_call

from .bus import call
from .programs import (SANITIZER_REPORT, Folder, await_exit, build_directory, program,
                       sanitizer_options)
from .wait import wait_for

NAME = "org.convened1"
PATH = "/org/convened1"
MANAGER = "org.convened1.Manager"
SESSION = "org.convened1.Session"
PARTICIPANT = "org.convened1.Participant"
PROPERTIES = "org.freedesktop.DBus.Properties"

START_TIMEOUT_SEC = 20
STOP_TIMEOUT_SEC = 20

CONFIG = {
    "Api": {"ConnectTimeoutSec": 5, "RequestTimeoutSec": 5, "RequestsPerSec": 1000,
            "RequestBurst": 1000},
    "Reconcile": {"ResyncIntervalSec": 60, "RetryMinSec": 0.02, "RetryMaxSec": 0.5},
    "Bus": {},
}


class DaemonEnded(Exception):
    """It ended before it was ready. .status is its exit status, the text what it logged."""

    def __init__(self, status, text):
        super().__init__(f"convened ended with {status}: {text}")
        self.status = status
        self.text = text


class Daemon:
    def __init__(self, bus, base_url="http://127.0.0.1:9/v1", account="9900000",
                 credentials="user:password", kind="session", config=None, environment=None,
                 log_level="debug"):
        """`credentials` None: no file is named. `kind`: "session" or "system" bus."""
        self.bus = bus
        self.kind = kind
        self.log_level = log_level
        self.environment = environment or {}
        self.folder = Folder()
        self.program = "convened"
        self.process = None
        self.connection = None
        self.notified = []
        self.config = {section: dict(keys) for section, keys in CONFIG.items()}
        self.config["Api"].update(BaseUrl=base_url, AccountId=account)
        if credentials is not None:
            self.config["Api"]["CredentialsFile"] = self.folder.write("credentials",
                                                                      credentials + "\n")
        for section, keys in (config or {}).items():
            self.config.setdefault(section, {}).update(keys)
        self.notify_socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self.notify_socket.bind(self.folder.path("notify"))

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        # What has failed already is what the test should tell of.
        if kind:
            self.kill()
        else:
            self.stop()
        self.close()

    def close(self):
        self.notify_socket.close()
        self.folder.cleanup()

    @property
    def state_directory(self):
        return self.folder.path("state")

    @property
    def log(self):
        """All that every run so far has written to standard error."""
        try:
            with open(self.folder.path("log"), encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def preload_fsync(self, **variables):
        """From the next start on fsync() is as slow-fsync.c says of these variables."""
        self.environment.update(
            LD_PRELOAD=os.path.join(build_directory(), "tests/integration/slow-fsync.so"),
            ASAN_OPTIONS="detect_leaks=1:halt_on_error=1:verify_asan_link_order=0", **variables)

    def write_config(self):
        lines = []
        for section, keys in self.config.items():
            lines.append(f"[{section}]")
            lines += [f"{key}={value}" for key, value in keys.items() if value is not None]
        return self.folder.write("convened.conf", "\n".join(lines) + "\n")

    def spawn(self, *arguments):
        """Starts the process and waits for nothing."""
        environment = self.bus.environment(self.kind, NOTIFY_SOCKET=self.folder.path("notify"),
                                           HOME=self.folder.name)
        for name in ("JOURNAL_STREAM", "CREDENTIALS_DIRECTORY", "STATE_DIRECTORY"):
            environment.pop(name, None)
        environment.update(self.environment)
        command = [program(self.program), "--user" if self.kind == "session" else "--system",
                   "--config=" + self.write_config(), "--state-dir=" + self.state_directory,
                   "--log-level=" + self.log_level, *arguments]
        with open(self.folder.path("log"), "ab") as log:
            self.process = subprocess.Popen(command, env=sanitizer_options(environment),
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self

    def start(self, *arguments):
        """Starts it and returns when it is ready; DaemonEnded if it never is."""
        before = len(self.log)
        # What an earlier run has said, and nobody has read, is not what this one says.
        while select.select([self.notify_socket], [], [], 0)[0]:
            self.notify_socket.recv(4096)
        self.spawn(*arguments)
        self.notified = []
        try:
            self.await_notification("READY=1", START_TIMEOUT_SEC)
        except ChildProcessError:
            status = self.process.wait()
            self.process = None
            raise DaemonEnded(status, self.log[before:]) from None
        self.connection = self.bus.connect()
        return self

    def await_notification(self, line, timeout=10):
        """Returns when the daemon has told its service manager so."""
        deadline = time.monotonic() + timeout
        pidfd = os.pidfd_open(self.process.pid)
        try:
            while line not in self.notified:
                ready, _, _ = select.select([self.notify_socket, pidfd], [], [],
                                            max(0, deadline - time.monotonic()))
                if self.notify_socket in ready:
                    self.notified += self.notify_socket.recv(4096).decode().split("\n")
                elif pidfd in ready:
                    raise ChildProcessError(f"convened ended before {line}: {self.log[-2000:]}")
                else:
                    raise TimeoutError(f"no {line} within {timeout} s: {self.log[-2000:]}")
        finally:
            os.close(pidfd)

    def hear(self):
        """Takes in what it has told its service manager. For long tests: unheard, it waits at
        ten."""
        while select.select([self.notify_socket], [], [], 0)[0]:
            self.notified += self.notify_socket.recv(4096).decode().split("\n")

    def await_status(self, pattern, timeout=10):
        """The match of what it says of itself for people, from its begin to its end."""
        def find():
            self.hear()
            lines = [line.partition("=")[2] for line in self.notified
                     if line.startswith("STATUS=")]
            return lines and re.fullmatch(pattern, lines[-1])

        return wait_for(find, timeout)

    def stop(self, expect=0, timeout=STOP_TIMEOUT_SEC):
        """SIGTERM, and an end as it should be. Returns how long it took."""
        if not self.process:
            return 0
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.await_end(expect, timeout)
        return time.monotonic() - begin

    def await_end(self, expect=0, timeout=STOP_TIMEOUT_SEC):
        try:
            status = await_exit(self.process, timeout)
        except TimeoutError:
            self.kill()
            raise
        self._forget()
        assert not SANITIZER_REPORT.search(self.log), self.log[-8000:]
        assert status == expect, f"exit status {status}: {self.log[-4000:]}"

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            ticks = sum(int(field) for field in file.read().rpartition(")")[2].split()[11:13])
        return ticks / os.sysconf("SC_CLK_TCK")

    def resident_kb(self):
        """Memory that it has, in KB."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))

    def kill(self):
        """SIGKILL: nothing that is not durable is left."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self._forget()

    def restart(self):
        self.stop()
        return self.start()

    def _forget(self):
        self.process = None
        if self.connection:
            self.connection.close()
            self.connection = None

    # What tests say often. Each raises BusError where the daemon answers with an error.

    def call(self, path, interface, member, signature=None, body=(), timeout=30):
        return call(self.connection, NAME, path, interface, member, signature, body, timeout)

    def manager(self, member, signature=None, body=(), timeout=30):
        return self.call(PATH, MANAGER, member, signature, body, timeout)

    @staticmethod
    def send(connection, member, properties=None):
        """Calls a method of the manager that takes properties, and waits for no reply."""
        connection.send(new_method_call(DBusAddress(PATH, NAME, MANAGER), member, "a{sv}",
                                        (properties or {},)))

    def create_session(self, **properties):
        return self.manager("CreateSession", "a{sv}", (variants(properties),))[0]

    def create_participant(self, **properties):
        return self.manager("CreateParticipant", "a{sv}", (variants(properties),))[0]

    def properties(self, path=PATH):
        """All properties of an object, with their values taken out of the variants."""
        interface = (SESSION if "/session/" in path
                     else PARTICIPANT if "/participant/" in path else MANAGER)
        reply = self.call(path, PROPERTIES, "GetAll", "s", (interface,))
        return {name: value for name, (_, value) in reply[0].items()}

    def await_property(self, path, name, expect, timeout=15):
        """Returns all properties once one of them is as expected (a value, or a function of it)."""
        deadline = time.monotonic() + timeout
        while True:
            properties = self.properties(path)
            value = properties[name]
            if expect(value) if callable(expect) else value == expect:
                return properties
            if time.monotonic() > deadline:
                raise TimeoutError(f"{path}: {name} is {value!r}: {self.log[-4000:]}")
            select.select([], [], [], 0.01)


SIGNATURES = {"Wait": "b", "AtMostOnce": "b", "PublishPermissions": "as", "Session": "o",
              "Publishers": "a(oas)"}


def variants(properties):
    """A dictionary of D-Bus variants, as the daemon's methods take it."""
    return {name: (SIGNATURES.get(name, "s"), value) for name, value in properties.items()}
