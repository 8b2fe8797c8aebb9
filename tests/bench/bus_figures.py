# SPDX-License-Identifier: LGPL-2.1-or-later
"""P1, P2, P3, P5: calls that are answered from the cache."""

import statistics

from harness.bus import call

ECHO = "org.convened1.Echo"
CONVENED = "org.convened1"
MANAGER = "org.convened1.Manager"
SESSION = "org.convened1.Session"


def ratio(rounds, name):
    """One value a round."""
    return [ours[name] / bare[name] for ours, bare in rounds]


def beside(rounds, name, unit, digits=0):
    """Both sides' medians."""
    ours, bare = (statistics.median(side[name] for side in sides) for sides in zip(*rounds))
    return f"{ours:,.{digits}f} to {bare:,.{digits}f} {unit}"


def agree(workshop, number):
    """The yardstick must answer with the same bytes, or it measures nothing."""
    connection = workshop.bus.connect()
    try:
        for path, interface, member, signature, body in (
                (f"/org/convened1/session/{number}", "org.freedesktop.DBus.Properties", "GetAll",
                 "s", (SESSION,)),
                ("/org/convened1", MANAGER, "ListSessions", "a{sv}tu", ({}, number - 1, 100))):
            ours, bare = (call(connection, name, path, interface, member, signature, body)
                          for name in (CONVENED, ECHO))
            if ours != bare:
                raise RuntimeError(f"{member}: the echo says {bare}, convened {ours}")
    finally:
        connection.close()


def compare(workshop, daemon, echo, what, calls, outstanding, span):
    """Rounds of (convened's, the echo's) results."""
    pair = ((CONVENED, daemon.process.pid), (ECHO, echo))
    return [[workshop.client(name, pid, what, calls, outstanding, *span) for name, pid in pair]
            for _ in range(workshop.rounds)]


def measure_calls(workshop, report):
    n = workshop.scale(100000)
    span = (n // 10, n - 1)  # numbers of as many digits as the echo's
    with workshop.daemon(n, 0) as daemon, workshop.echo(n // 2) as echo:
        agree(workshop, n // 2)
        for what, name in (("get-session", "GetSession"), ("get-all", "GetAll")):
            for outstanding, goal in ((1, ">= 0.95"), (64, ">= 0.90")):
                rounds = compare(workshop, daemon, echo, what, workshop.scale(20000), outstanding,
                                 span)
                about = f"{name}, {n:,} sessions, {outstanding} outstanding"
                report.add("P1", f"{about}: calls/s", goal, ratio(rounds, "rate"),
                           beside(rounds, "rate", "calls/s"))
                report.add("P2", f"{about}: CPU for a call", "<= 1.25", ratio(rounds, "cpu_usec"),
                           beside(rounds, "cpu_usec", "µs", 2))
                if outstanding == 1:
                    report.add("P3", f"{about}: p99", "<= 1.15", ratio(rounds, "p99_usec"),
                               beside(rounds, "p99_usec", "µs"))


def measure_pages(workshop, report):
    n = workshop.scale(100000)
    with workshop.daemon(n, 0) as daemon, workshop.echo(n // 2) as echo:
        agree(workshop, n // 2)
        rounds = compare(workshop, daemon, echo, "list", workshop.scale(2000), 1,
                         (n // 10, n - 200))
        for sides in rounds:
            for side in sides:
                side["row_usec"] = side["cpu_usec"] / 100
        report.add("P5", f"ListSessions, pages of 100 of {n:,}: CPU for a row", "<= 1.3",
                   ratio(rounds, "row_usec"), beside(rounds, "row_usec", "µs", 2))
