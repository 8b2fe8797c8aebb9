# SPDX-License-Identifier: LGPL-2.1-or-later
"""Running convenectl as a person or a script would."""

import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import termios
import time

from .programs import program, sanitizer_options

TIMEOUT_SEC = 20


class Result:
    """How a run ended: its exit code, and what it wrote."""

    def __init__(self, code, out, err):
        self.code = code
        self.out = out
        self.err = err

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def lines(self):
        return self.out.splitlines()

    def __repr__(self):
        return f"exit code {self.code}\nstdout:\n{self.out}\nstderr:\n{self.err}"


class Running:
    """A convenectl that has not ended yet; its lines are waited for."""

    def __init__(self, process):
        self.process = process
        self._buffers = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(TIMEOUT_SEC)
        self.process.stdout.close()
        self.process.stderr.close()

    def line(self, stream="stdout", timeout=TIMEOUT_SEC):
        """The next line of stdout or stderr; "" at its end."""
        file = getattr(self.process, stream)
        buffer = self._buffers.get(stream, b"")
        deadline = time.monotonic() + timeout
        while b"\n" not in buffer:
            ready, _, _ = select.select([file], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError(f"no line on {stream}; so far: {buffer!r}")
            more = os.read(file.fileno(), 65536)
            if not more:
                break
            buffer += more
        line, _, self._buffers[stream] = buffer.partition(b"\n")
        return line.decode()

    def end(self):
        """Waits for the end; what has not been read yet is in the result."""
        out, err = self.process.communicate(timeout=TIMEOUT_SEC)
        out, err = self._buffers.get("stdout", b"") + out, self._buffers.get("stderr", b"") + err
        return Result(self.process.returncode, out.decode(), err.decode())


class Convenectl:
    def __init__(self, bus, kind="session"):
        self.bus = bus
        self.kind = kind
        self.flag = "--user" if kind == "session" else "--system"

    def environment(self, **more):
        defaults = {"LC_ALL": "C.UTF-8", "TZ": "UTC", "TERM": "xterm", "SYSTEMD_PAGER": "cat"}
        result = sanitizer_options(self.bus.environment(self.kind, **{**defaults, **more}))
        for name in ("NO_COLOR", "COLUMNS", "PAGER", "SYSTEMD_COLORS"):
            if name not in more:
                result.pop(name, None)
        # None takes a default away, too.
        for name, value in more.items():
            if value is None:
                del result[name]
        return result

    def start(self, *words, **environment):
        """Begins a run that the test goes along with."""
        return Running(subprocess.Popen(
            [program("convenectl"), self.flag, *words], env=self.environment(**environment),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE))

    def run(self, *words, **environment):
        """A whole run, standard streams being pipes."""
        with self.start(*words, **environment) as running:
            return running.end()

    def start_on_terminal(self, *words, columns=80, **environment):
        """A run whose stdout and stderr are a terminal; returns the process and our end of it."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen([program("convenectl"), self.flag, *words],
                                   env=self.environment(**environment), stdin=theirs,
                                   stdout=theirs, stderr=theirs)
        os.close(theirs)
        return process, ours

    def run_on_terminal(self, *words, columns=80, **environment):
        """A whole run on a terminal; what it wrote, line breaks as \\n, is in .out."""
        process, terminal = self.start_on_terminal(*words, columns=columns, **environment)
        try:
            text = read_terminal(terminal, lambda text: False)
            return Result(process.wait(TIMEOUT_SEC), text, "")
        finally:
            process.kill()
            process.wait()
            os.close(terminal)


def read_terminal(terminal, enough, timeout=TIMEOUT_SEC):
    """Reads from our end of a terminal until enough(text) or its other end is closed."""
    data = b""
    deadline = time.monotonic() + timeout
    while True:
        text = data.decode(errors="replace").replace("\r\n", "\n")
        if enough(text):
            return text
        ready, _, _ = select.select([terminal], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            raise TimeoutError(f"the terminal shows only {text!r}")
        try:
            more = os.read(terminal, 65536)
        except OSError:  # Linux says EIO where the other end is closed.
            more = b""
        if not more:
            return text
        data += more
