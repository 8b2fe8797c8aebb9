# SPDX-License-Identifier: LGPL-2.1-or-later
"""What all figures need: a bus, registries of any size, the daemon on one of them."""

import contextlib
import json
import os
import select
import shutil
import subprocess
import threading
import time

from harness.bus import PrivateBus
from harness.daemon import Daemon
from harness.programs import Folder, program, unit_environment

NOWHERE = "http://127.0.0.1:9/v1"
ACCOUNT = "9900000"


def tool(name, *arguments, **keywords):
    """Runs a program of tests/bench/ to its end and returns the JSON that it prints, if any."""
    done = subprocess.run([program("tests/bench/bench-" + name), *map(str, arguments)],
                          stdout=subprocess.PIPE, check=True, text=True, **keywords)
    return json.loads(done.stdout) if done.stdout else None


class StateDaemon(Daemon):
    """A daemon on a state directory that others use before and after it."""

    def __init__(self, bus, directory, **keywords):
        self.directory = directory
        super().__init__(bus, kind="system", log_level="notice", **keywords)

    @property
    def state_directory(self):
        return self.directory

    def start(self, *arguments):
        """Also measures the seconds from exec to READY. What it tells its service manager later is
        read by a thread: ten messages unread would make it wait."""
        self.connection = None
        begin = time.monotonic()
        self.spawn(*arguments)
        self.notified = []
        self.await_notification("READY=1", 120)
        self.start_sec = time.monotonic() - begin
        self.connection = self.bus.connect()
        threading.Thread(target=self.listen, args=(self.process,), daemon=True).start()
        return self

    def listen(self, process):
        ending = os.pidfd_open(process.pid)
        while ending not in (ready := select.select([self.notify_socket, ending], [], [])[0]):
            if ready:
                self.notify_socket.recv(4096)
        os.close(ending)

    def await_rest(self):
        """Returns when it has done what it does at start."""
        before = -1.0
        while before != (now := self.cpu_seconds()):
            before = now
            time.sleep(0.3)
        return self

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/schedstat", encoding="utf-8") as file:
            return int(file.read().split()[0]) / 1e9

    def status(self, name):
        """A number of /proc/PID/status, summed over all threads."""
        total = 0
        for thread in os.listdir(f"/proc/{self.process.pid}/task"):
            with open(f"/proc/{self.process.pid}/task/{thread}/status", encoding="utf-8") as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith(name + ":"))
        return total


class Workshop:
    """Registries are made once, by their shape and the API that they belong to."""

    def __init__(self, rounds, quick):
        self.rounds = rounds
        self.quick = quick
        self.folder = Folder()
        self.bus = PrivateBus()
        self.registries = {}
        self.n_registries = 0

    def __enter__(self):
        self.bus.start()
        return self

    def __exit__(self, *_):
        self.bus.stop()
        self.folder.cleanup()

    def scale(self, n):
        """So many, or few of them for a look at whether it works."""
        return max(n // 100, 200) if self.quick else n

    def registry(self, n_sessions, n_members, base_url=NOWHERE):
        """The state directory of a registry of that shape."""
        key = (n_sessions, n_members, base_url)
        if key not in self.registries:
            self.n_registries += 1
            directory = self.folder.path(f"registry-{self.n_registries}")
            tool("registry", directory, base_url, ACCOUNT, n_sessions, n_members)
            self.registries[key] = directory
        return self.registries[key]

    def forget(self, n_sessions, n_members, base_url=NOWHERE):
        """The next registry of that shape is a new one."""
        directory = self.registries.pop((n_sessions, n_members, base_url), None)
        if directory:
            shutil.rmtree(directory)

    @contextlib.contextmanager
    def daemon(self, n_sessions, n_members, base_url=NOWHERE, **keywords):
        """A daemon on that registry, as the unit starts it; without credentials, unless given, it
        leaves the API alone."""
        keywords.setdefault("credentials", None)
        keywords.setdefault("environment",
                            unit_environment(program("data/system/convened.service")))
        daemon = StateDaemon(self.bus, self.registry(n_sessions, n_members, base_url),
                             base_url=base_url, account=ACCOUNT, **keywords)
        with daemon:
            yield daemon

    def client(self, service, pid, what, calls, outstanding, first, last):
        """One run of the D-Bus client."""
        return tool("client", service, pid, what, calls, outstanding, first, last,
                    env=self.bus.environment("system"))

    @contextlib.contextmanager
    def echo(self, number):
        """The yardstick of calls, with what the running daemon says of the session @number."""
        process = subprocess.Popen([program("tests/bench/bench-echo"), str(number)],
                                   stdout=subprocess.PIPE, text=True,
                                   env=self.bus.environment("system"))
        try:
            if process.stdout.readline() != "ready\n":
                raise RuntimeError("bench-echo did not start")
            yield process.pid
        finally:
            process.terminate()
            process.wait()
            process.stdout.close()
