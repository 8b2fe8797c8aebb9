# SPDX-License-Identifier: LGPL-2.1-or-later
"""S1, S2, S4: memory, start and rest."""

import os
import statistics
import time

from harness.simulator import Simulator
from workshop import tool


def measure_heap(workshop, report):
    """Anonymous memory of the whole daemon with and without participants in the same sessions."""
    n_sessions, n_members = workshop.scale(20000), 10
    values = []
    for _ in range(workshop.rounds):
        used = []
        for n in (0, n_members):
            with workshop.daemon(n_sessions, n) as daemon:
                with open(f"/proc/{daemon.process.pid}/status", encoding="utf-8") as file:
                    used += [1024 * int(line.split()[1]) for line in file
                             if line.startswith("RssAnon:")]
        values.append((used[1] - used[0]) / (n_sessions * n_members))
    report.add("S1", f"memory for one of {n_sessions * n_members:,} participants, all included",
               "<= 400", values, f"{used[0] / n_sessions:,.0f} B for a session, code's included",
               " B")


def measure_start(workshop, report):
    for n_sessions in (9091, 90909):
        n_sessions = workshop.scale(n_sessions)
        values, ours, bare = [], [], []
        for _ in range(workshop.rounds):
            directory = workshop.registry(n_sessions, 10)
            bare.append(read_seconds(os.path.join(directory, "state.db")))
            with workshop.daemon(n_sessions, 10) as daemon:
                ours.append(daemon.start_sec)
            values.append(ours[-1] / bare[-1])
        report.add("S2", f"exec to READY, {n_sessions * 11:,} objects, against a bare read",
                   "<= 4", values,
                   f"{statistics.median(ours):.3f} to {statistics.median(bare):.3f} s")


def read_seconds(path):
    begin = time.monotonic()
    tool("sqlite", "read", path)
    return time.monotonic() - begin


def measure_idle(workshop, report):
    """An empty registry, the API within reach: every time that any thread left the CPU."""
    seconds = 5 if workshop.quick else 60
    with Simulator() as simulator, workshop.daemon(0, 0, simulator.base_url,
                                                   credentials="user:password") as daemon:
        time.sleep(2)  # what it does at start
        names = ("voluntary_ctxt_switches", "nonvoluntary_ctxt_switches")
        before = sum(daemon.status(name) for name in names)
        time.sleep(seconds)
        after = sum(daemon.status(name) for name in names)
    report.add("S4", f"wake-ups in {seconds} s, empty registry", "<= 0", [after - before])
