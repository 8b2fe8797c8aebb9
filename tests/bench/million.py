# SPDX-License-Identifier: LGPL-2.1-or-later
"""A registry of 100,000 sessions and 1,000,000 participants: served, listed, changed, restarted.

No goals of their own: the figures that doc/benchmarks.md tells of such a registry.
"""

import json
import statistics
import subprocess

from bus_figures import CONVENED
from harness.programs import program
from workshop import tool

MEMBERS = 10
N_CHANGES = 500  # and as many to warm up


def memory(daemon):
    """Megabytes that are resident."""
    with open(f"/proc/{daemon.process.pid}/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:")) / 1024


def pages(workshop, member):
    return tool("pages", CONVENED, member, 1000, env=workshop.bus.environment("system"))


def list_while_called(workshop, daemon, n_sessions):
    """All sessions and participants, page by page, while somebody else goes on calling
    GetSession."""
    caller = subprocess.Popen(
        [program("tests/bench/bench-client"), CONVENED, str(daemon.process.pid), "get-session",
         str(workshop.scale(30000)), "1", "1", str(n_sessions)], stdout=subprocess.PIPE, text=True,
        env=workshop.bus.environment("system"))
    try:
        for member in ("ListSessions", "ListParticipants"):
            pages(workshop, member)
    finally:
        called, _ = caller.communicate()
    return json.loads(called)





def one_round(workshop, daemon, n_sessions):
    """Returns the round's figures; the registry has been changed after it."""
    figures = {"READY": daemon.start_sec, "memory": memory(daemon)}
    quiet = [pages(workshop, member) for member in ("ListSessions", "ListParticipants")]
    figures["rows"] = sum(one["rows"] for one in quiet) / sum(one["seconds"] for one in quiet)
    figures["page"] = max(one["longest_usec"] for one in quiet)
    pid = daemon.process.pid
    n_calls = workshop.scale(20000)
    figures["p99"] = workshop.client(CONVENED, pid, "get-session", n_calls, 1, 1,
                                     n_sessions)["p99_usec"]
    figures["p99 listing"] = list_while_called(workshop, daemon, n_sessions)["p99_usec"]
    for what in ("create", "delete"):
        done = workshop.client(CONVENED, pid, what, N_CHANGES, 1, 1, n_sessions)
        figures[what], figures[what + " p99"] = done["p50_usec"], done["p99_usec"]
    before = daemon.properties()
    figures["stop"] = daemon.stop()
    daemon.start()
    figures["again"] = daemon.start_sec
    after = daemon.properties()
    for name in ("SessionCount", "ParticipantCount", "PendingCount"):
        if before[name] != after[name]:
            raise RuntimeError(f"{name} was {before[name]} and is {after[name]} after a restart")
    if [one["rows"] for one in quiet] != [before["SessionCount"] - 2 * N_CHANGES,
                                          before["ParticipantCount"]]:
        raise RuntimeError(f"{quiet} is not what the properties say: {before}")
    return figures


LINES = (
    ("READY", "exec to READY", "{:.2f} s"), ("memory", "resident memory", "{:.0f} MiB"),
    ("rows", "listed, pages of 1,000, one caller", "{:,.0f} rows/s"),
    ("page", "the longest page of these", "{:,.0f} µs"),
    ("p99", "GetSession, 1 outstanding: p99", "{:,.0f} µs"),
    ("p99 listing", "the same while another lists everything", "{:,.0f} µs"),
    ("create", "CreateSession, durable, the API away: median", "{:,.0f} µs"),
    ("create p99", "the same: p99", "{:,.0f} µs"),
    ("delete", "Delete of a participant, durable: median", "{:,.0f} µs"),
    ("delete p99", "the same: p99", "{:,.0f} µs"),
    ("stop", "SIGTERM to the end", "{:.2f} s"),
    ("again", "exec to READY again, with these changes", "{:.2f} s"))


def measure_million(workshop, report):
    n_sessions = workshop.scale(100000)
    rounds = []
    for _ in range(min(3, workshop.rounds)):
        workshop.forget(n_sessions, MEMBERS)  # the changes of the last round
        with workshop.daemon(n_sessions, MEMBERS, credentials="user:password",
                             config={"Bus": {"ReplyTimeoutSec": 1}}) as daemon:
            daemon.await_rest()
            rounds.append(one_round(workshop, daemon, n_sessions))
    size = f"{n_sessions:,} sessions, {n_sessions * MEMBERS:,} participants"
    for name, what, form in LINES:
        values = [one[name] for one in rounds]
        report.add("million", f"{size}: {what}", None, values,
                   form.format(statistics.median(values)))
