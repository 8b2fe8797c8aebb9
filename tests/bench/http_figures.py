# SPDX-License-Identifier: LGPL-2.1-or-later
"""P7, P8, P9: reconciling a registry with the simulator, against a bare libcurl loop."""

import contextlib
import json
import os
import statistics
import time

from harness.simulator import Simulator
from harness.tls import Certificate, Frontend
from harness.wait import wait_for
from workshop import ACCOUNT, tool

CONCURRENCY = 16
BUDGET = {"Api": {"RequestsPerSec": 100000, "RequestBurst": 100000,
                  "MaxConcurrentRequests": CONCURRENCY},
          "Reconcile": {"ResyncIntervalSec": 3600}}


def shape_id(what, number):
    """As tests/bench/shape.h has it."""
    scattered = number * 2654435761 & 0xffffffff ^ (0 if what == "s" else 0x9a471000)
    return f"{scattered:08x}-be4c-4000-8000-{number:012x}"


def write_world(path, n_sessions, n_members):
    """The simulator's state file of what bench-registry makes."""
    expires = int((time.time() + 8 * 3600) * 1e6)
    with open(path, "w", encoding="utf-8") as file:
        def line(**fields):
            file.write(json.dumps(fields, separators=(",", ":")) + "\n")

        line(account=ACCOUNT, starts=1)
        for number in range(1, n_sessions + 1):
            line(session=shape_id("s", number), expires=expires,
                 tag=f"call of the reception {number:07}")
        for number in range(1, n_sessions * n_members + 1):
            session = shape_id("s", (number - 1) // n_members + 1)
            line(participant=shape_id("p", number), expires=expires,
                 tag=f"desk of the reception {number:07}",
                 callbackUrl="https://phones.example.com/callbacks/webrtc/desk"
                             f"?number={number:07}",
                 token="eyJhbGciOiJIUzI1NiJ9.bench", permissions=3, version=3,
                 **{"in": session, "hears": {"sessionId": session}})


class Window:
    """The requests that the simulator got after now, by its own clock."""

    def __init__(self, simulator):
        self.simulator = simulator
        self.after = max((one["seq"] for one in simulator.requests()), default=0)

    def wait(self, n):
        """From another CPU, if there is one: who measures must not be measured."""
        here = os.sched_getaffinity(0)
        os.sched_setaffinity(0, set(range(os.cpu_count())) - here or here)
        wait_for(lambda: self.simulator.requests(self.after + n - 1), 120)
        os.sched_setaffinity(0, here)
        self.requests = self.simulator.requests(self.after)
        return self

    @property
    def rate(self):
        times = [one["time"] for one in self.requests]
        return (len(times) - 1) / (max(times) - min(times))


class Plain:
    """The simulator itself: HTTP/1.1 without TLS."""

    name, n_connections_max = "HTTP/1.1", CONCURRENCY

    def __init__(self, simulator):
        self.simulator = simulator
        self.url = simulator.url
        self.config = BUDGET
        self.ca_file = "-"

    def mark(self):
        """To be called before, for connections() after it."""

    def connections(self, requests):
        return len({one["connection"] for one in requests})


class Multiplexed:
    """HTTP/2 over TLS: nghttpx in front of the simulator."""

    name, n_connections_max = "HTTP/2", 1

    def __init__(self, frontend, certificate):
        self.frontend = frontend
        self.url = frontend.url
        self.ca_file = certificate.certificate
        self.config = {**BUDGET, "Api": {**BUDGET["Api"], "CAFile": self.ca_file}}

    def mark(self):
        self.n_before = len(self.frontend.requests())

    def connections(self, requests):
        """nghttpx writes its log when it likes."""
        n = self.n_before + len(requests)
        logged = wait_for(lambda: len(self.frontend.requests()) >= n and self.frontend.requests())
        if {one[0] for one in logged[self.n_before:]} != {"h2"}:
            raise RuntimeError("not all of it was HTTP/2")
        return len({one[1] for one in logged[self.n_before:]})


def run_round(simulator, daemon, way, n_sessions):
    """One look of the daemon at everything, and the same URLs fetched by the loop."""
    daemon.await_rest()
    way.mark()
    window = Window(simulator)
    cpu = daemon.cpu_seconds()
    daemon.manager("Sync")
    window.wait(n_sessions)
    ours = {"rate": window.rate, "n": len(window.requests),
            "cpu_usec": (daemon.cpu_seconds() - cpu) * 1e6 / len(window.requests),
            "connections": way.connections(window.requests)}
    bad = [one for one in window.requests if one["method"] != "GET" or one["status"] != 200]
    if bad:
        raise RuntimeError(f"the daemon found something to change: {bad[0]}")

    urls = [way.url + simulator.path(one["path"]) for one in window.requests]
    window = Window(simulator)
    loop = tool("curl-loop", CONCURRENCY, "user:password", way.ca_file,
                input="\n".join(urls) + "\n")
    if loop["bad"] or loop["requests"] != len(urls):
        raise RuntimeError(f"the loop did not get what it asked for: {loop}")
    window.wait(len(urls))
    return ours, {**loop, "rate": window.rate}


@contextlib.contextmanager
def way_to(simulator, multiplexed):
    if not multiplexed:
        yield Plain(simulator)
        return
    certificate = Certificate()
    with Frontend(certificate, simulator.port) as frontend:
        yield Multiplexed(frontend, certificate)


def measure_shape(workshop, report, n_sessions, n_members, multiplexed):
    path = workshop.folder.path(f"world-{n_sessions}-{n_members}")
    write_world(path, n_sessions, n_members)
    with Simulator("--state=" + path) as simulator, way_to(simulator, multiplexed) as way:
        start = Window(simulator)
        with workshop.daemon(n_sessions, n_members, way.url + "/v1", config=way.config,
                             credentials="user:password") as daemon:
            start.wait(n_sessions)
            rounds = [run_round(simulator, daemon, way, n_sessions)
                      for _ in range(workshop.rounds)]

    about = f"{way.name}, {CONCURRENCY} at once, {n_members} in a session"
    ours, bare = (statistics.median(side["rate"] for side in sides) for sides in zip(*rounds))
    report.add("P7", f"{about}: requests/s", ">= 0.85",
               [ours["rate"] / bare["rate"] for ours, bare in rounds],
               f"{ours:,.0f} to {bare:,.0f} requests/s")
    ours, bare = (statistics.median(side["cpu_usec"] for side in sides) for sides in zip(*rounds))
    report.add("P7", f"{about}: CPU for a request", "<= 1.18",
               [ours["cpu_usec"] / bare["cpu_usec"] for ours, bare in rounds],
               f"{ours:.1f} to {bare:.1f} µs")
    if not multiplexed:
        report.add("P8", f"requests for a participant, {n_members} in a session",
                   f"<= {1 / n_members}",
                   [ours["n"] / (n_sessions * n_members) for ours, _ in rounds])
    report.add("P9", f"connections for {n_sessions:,} requests, {way.name}",
               f"<= {way.n_connections_max}", [ours["connections"] for ours, _ in rounds],
               f"the loop opens {rounds[0][1]['connects']}")


def measure_reconciling(workshop, report):
    for multiplexed in (False, True):
        measure_shape(workshop, report, workshop.scale(4000), 2, multiplexed)
        measure_shape(workshop, report, workshop.scale(1000), 20, multiplexed)
