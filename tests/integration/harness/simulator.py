# SPDX-License-Identifier: LGPL-2.1-or-later
"""convened-simulator under test, and a client for its API from the standard library.

    with Simulator("--session-lifetime=2") as simulator:
        session = simulator.create_session(tag="call")
        simulator.set_faults({"method": "POST", "kind": "drop", "count": 1})
        daemon = Daemon(bus, base_url=simulator.base_url)
        simulator.state(); simulator.requests(after=7); simulator.down(500)
        simulator.restart()        # on the same port
    # leaving stops it, and demands exit status 0 and no report of a sanitizer
"""

import base64
import http.client
import json
import os
import select
import signal
import ssl
import subprocess
from urllib.parse import quote, urlsplit

from .programs import SANITIZER_REPORT, Folder, await_exit, program, sanitizer_options

START_TIMEOUT_SEC = 20
STOP_TIMEOUT_SEC = 20
ACCOUNT = "9900000"
CREDENTIALS = "user:password"


class Answer:
    """What came back: status, headers (of any case), and the body as bytes and as JSON."""

    def __init__(self, response):
        self.version = response.version
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.body[:200]!r}>"


def excess(requests, per_sec, burst):
    """How many requests at most were there more than a budget allows, over all spans of time."""
    worst = 0
    for first, request in enumerate(requests):
        for n, later in enumerate(requests[first:], 1):
            span = later["time"] - request["time"]
            worst = max(worst, n - burst - per_sec * span)
    return worst


class Connection:
    """One connection that is kept alive. Requests on it raise what http.client raises."""

    def __init__(self, url, timeout=20, certificate=None):
        parts = urlsplit(url)
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=certificate)
            self.http = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=timeout,
                                                    context=context)
        else:
            self.http = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.http.close()

    def send(self, method, path, body=None, headers=None):
        """`body`: bytes or str as they are, None for no body, all else as JSON."""
        headers = dict(headers or {})
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        self.http.request(method, path, body, headers)

    def receive(self):
        return Answer(self.http.getresponse())

    def request(self, method, path, body=None, headers=None):
        self.send(method, path, body, headers)
        return self.receive()


def authorization(credentials=CREDENTIALS):
    return {"Authorization": "Basic " + base64.b64encode(credentials.encode()).decode()}


class Simulator:
    def __init__(self, *options, account=ACCOUNT, credentials=CREDENTIALS, certificate=None):
        """`certificate`: what a client trusts, for a simulator with TLS."""
        self.options = options
        self.account = account
        self.credentials = credentials
        self.certificate = certificate
        self.folder = Folder()
        self.process = None
        self.url = None
        self.port = 0

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        # What has failed already is what the test should tell of.
        if kind:
            self.kill()
        else:
            self.stop()
        self.folder.cleanup()

    @property
    def base_url(self):
        """What a client is configured with."""
        return self.url + "/v1"

    @property
    def log(self):
        """All that every run so far has written to standard error."""
        try:
            with open(self.folder.path("log"), encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def start(self, *more):
        """Starts it, on the port that it had before, and returns when it answers."""
        command = [program("convened-simulator"), f"--listen=127.0.0.1:{self.port}",
                   "--account=" + self.account, "--credentials=" + self.credentials,
                   *self.options, *more]
        with open(self.folder.path("log"), "ab") as log:
            self.process = subprocess.Popen(command, env=sanitizer_options(os.environ),
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                            stderr=log, text=True)
        ready, _, _ = select.select([self.process.stdout], [], [], START_TIMEOUT_SEC)
        line = self.process.stdout.readline() if ready else ""
        if not line.startswith("listening on "):
            self.kill()
            raise RuntimeError("convened-simulator did not start: " + self.log)
        self.url = line.removeprefix("listening on ").strip()
        self.port = urlsplit(self.url).port
        return self

    def stop(self):
        """SIGTERM, and an end as it should be. Returns what else stood on standard output."""
        if not self.process:
            return ""
        self.process.send_signal(signal.SIGCONT)
        self.process.send_signal(signal.SIGTERM)
        try:
            status = await_exit(self.process, STOP_TIMEOUT_SEC)
        except TimeoutError:
            self.kill()
            raise
        rest = self.process.stdout.read()
        self._forget()
        assert not SANITIZER_REPORT.search(self.log), self.log[-8000:]
        assert status == 0, f"exit status {status}: {self.log[-4000:]}"
        return rest

    def kill(self):
        """SIGKILL."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self._forget()

    def restart(self):
        """Stops it and starts it again on the same port; without --state it holds nothing."""
        self.stop()
        return self.start()

    def _forget(self):
        self.process.stdout.close()
        self.process = None

    # The API, as a client of it would call. Each is one request on a connection of its own.

    def connect(self, timeout=20):
        """A connection of the test's own; the caller closes it, or uses `with`."""
        return Connection(self.url, timeout, self.certificate)

    def path(self, below=""):
        """The path of something below the account."""
        return f"/v1/accounts/{self.account}{below}"

    def authorization(self):
        return authorization(self.credentials)

    def call(self, method, below, body=None, headers=None, timeout=20):
        """One request to the API, with credentials; below: "/sessions"."""
        with self.connect(timeout) as connection:
            return connection.request(method, self.path(below), body,
                                      {**self.authorization(), **(headers or {})})

    def create_session(self, **fields):
        """The session, as answered."""
        return self._expect(200, self.call("POST", "/sessions", fields)).json

    def create_participant(self, **fields):
        """The participant, as answered, with its token as "token"."""
        answer = self._expect(200, self.call("POST", "/participants", fields)).json
        return {**answer["participant"], "token": answer["token"]}

    def add(self, session_id, participant_id, subscriptions=None):
        path = f"/sessions/{quote(session_id)}/participants/{quote(participant_id)}"
        self._expect(204, self.call("PUT", path, subscriptions))

    # The test interface.

    def _control(self, method, path, body=None, status=200):
        with self.connect() as connection:
            return self._expect(status, connection.request(method, "/_simulator/" + path, body))

    @staticmethod
    def _expect(status, answer):
        assert answer.status == status, answer
        return answer

    def state(self):
        """{"sessions": {id: session}, "participants": {id: participant}}: the truth."""
        state = self._control("GET", "state").json
        return {kind: {thing["id"]: thing for thing in things} for kind, things in state.items()}

    def requests(self, after=0, **fields):
        """Requests to the API, in order; with fields: those where they are so (method="POST")."""
        requests = self._control("GET", f"requests?after={after}").json["requests"]
        return [request for request in requests
                if all(request[name] == value for name, value in fields.items())]

    def set_faults(self, *rules):
        """Replaces all fault rules; without any: no faults."""
        self._control("PUT", "faults", {"rules": list(rules)}, 204)

    def down(self, ms):
        """Nobody listens for so long, from a moment after this on."""
        self._control("PUT", "down", {"ms": ms}, 204)

    def expire(self, thing_id):
        """That session or participant expires now."""
        self._control("POST", "expire/" + quote(thing_id, safe=""), None, 204)
