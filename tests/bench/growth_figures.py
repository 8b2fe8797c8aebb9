# SPDX-License-Identifier: LGPL-2.1-or-later
"""S6: what a call, a page, a mutation and a timer cost in a registry of a thousand and of a
million."""

from bus_figures import CONVENED, beside, ratio
from workshop import tool

WORKS = (("GetSession", "get-session", 20000), ("GetAll", "get-all", 10000),
         ("a page of 100", "list", 500), ("CreateSession, Wait false", "create", 500))
MEMBERS = 10


def measure_calls(workshop, n_sessions):
    """The API is away, so a mutation is its commit."""
    with workshop.daemon(n_sessions, MEMBERS, credentials="user:password",
                         config={"Bus": {"ReplyTimeoutSec": 1}}) as daemon:
        daemon.await_rest()
        return {name: workshop.client(CONVENED, daemon.process.pid, what, workshop.scale(calls), 1,
                                      1, max(1, n_sessions - 100) if what == "list" else n_sessions)
                for name, what, calls in WORKS}


def measure_growth(workshop, report):
    """Both sizes in turns; the bus's name is one, so one daemon runs at a time."""
    small, large = (workshop.scale(n) for n in (100, 90909))
    calls, looks = [], []
    for _ in range(workshop.rounds):
        calls.append([measure_calls(workshop, n) for n in (large, small)])
        looks.append([tool("looks", n, MEMBERS, workshop.scale(20000)) for n in (large, small)])

    sizes = f"{large * 11:,} objects against {small * 11:,}"
    for name, _, _ in WORKS:
        rounds = [[side[name] for side in sides] for sides in calls]
        report.add("S6", f"{name}, {sizes}: median time", "<= 1.2", ratio(rounds, "p50_usec"),
                   beside(rounds, "p50_usec", "µs"))
        report.add("S6", f"{name}, {sizes}: CPU", "<= 1.2", ratio(rounds, "cpu_usec"),
                   beside(rounds, "cpu_usec", "µs", 2))
    report.add("S6", f"a timer: one look at a session of {MEMBERS}, core alone, {sizes}", "<= 1.2",
               ratio(looks, "usec"), beside(looks, "usec", "µs", 2))
