# SPDX-License-Identifier: LGPL-2.1-or-later
"""The API's room alone: tests/integration/api-driver, fed with requests.

    with Api(simulator.base_url) as api:
        answer = api.ask("createSession", tag="call")
        assert answer["outcome"] == "ok"
    # leaving ends it, and demands exit status 0 and no report of a sanitizer
"""

import json
import os
import select
import subprocess

from .programs import SANITIZER_REPORT, Folder, await_exit, program, sanitizer_options
from .simulator import ACCOUNT, CREDENTIALS

ANSWER_TIMEOUT_SEC = 30
STOP_TIMEOUT_SEC = 20


class Api:
    def __init__(self, base_url, environment=None, credentials=CREDENTIALS, **config):
        user, _, password = credentials.partition(":")
        self.config = {"base_url": base_url, "account": ACCOUNT, "user": user,
                       "password": password, **config}
        self.folder = Folder()
        self.serial = 0
        self.waiting = b""
        with open(self.folder.path("log"), "wb") as log:
            self.process = subprocess.Popen(
                [program("tests/integration/api-driver")], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=log,
                env=sanitizer_options({**os.environ, **(environment or {})}))
        self.configure()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.process.stdin.close()
        try:
            status = await_exit(self.process, STOP_TIMEOUT_SEC)
        except TimeoutError:
            self.process.kill()
            self.process.wait()
            status = "none"
        self.process.stdout.close()
        with open(self.folder.path("log"), encoding="utf-8", errors="replace") as file:
            log = file.read()
        self.folder.cleanup()
        if not kind:
            assert status == 0 and not SANITIZER_REPORT.search(log), f"{status}: {log[-4000:]}"

    def _write(self, line):
        self.process.stdin.write(json.dumps(line).encode() + b"\n")
        self.process.stdin.flush()

    def configure(self, **config):
        """Another configuration; what is not named stays."""
        self.config.update(config)
        self._write(self.config)

    def send(self, operation, **fields):
        """Begins a request, and returns its serial."""
        self.serial += 1
        self._write({"serial": self.serial, "operation": operation, **fields})
        return self.serial

    def receive(self, timeout=ANSWER_TIMEOUT_SEC):
        """The next answer, whichever it is."""
        while b"\n" not in self.waiting:
            assert select.select([self.process.stdout], [], [], timeout)[0], "no answer"
            data = os.read(self.process.stdout.fileno(), 65536)
            assert data, "the driver has ended"
            self.waiting += data
        line, _, self.waiting = self.waiting.partition(b"\n")
        return json.loads(line)

    def ask(self, operation, **fields):
        """One request, and its answer."""
        serial = self.send(operation, **fields)
        answer = self.receive()
        assert answer.get("serial", serial) == serial
        return answer
