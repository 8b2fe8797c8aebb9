#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Connections cut after every byte of request and answer, of all eleven operations.

    cuts.py [--jobs=N] [--operation=NAME [--at=N]]
    cuts.py --control

Between the daemon and the simulator stands a proxy that cuts connections, by FIN and by RST, new
ones and such as were used before. Each byte of an exchange is a point; the points of an operation
go through many lanes at once, each of which meets one cut, and must be as wanted soon after. Then
everything is held to the promises, as far as they can be seen from outside. --control lets curl
send creations again by itself, and the test must go red.
"""

import argparse
import collections
import multiprocessing
import os
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))

from lanes import OPERATIONS  # noqa: E402
from proxy import PARTS  # noqa: E402
from trials import Bench, Run, Way  # noqa: E402

FIN, RST = False, True
# How many of what did not hold are told of one way.
TOLD_MAX = 10
TOLD_LOG_MAX = 4000  # characters


def ways(names, is_careless):
    """All ways in which all points of operations are gone through."""
    for name in names:
        operation = OPERATIONS[name]
        if is_careless:
            # A careful daemon sends a creation on no connection that was used before.
            yield from (Way(name, reset, True, careless=True) for reset in (FIN, RST))
            continue
        for reset in (FIN, RST):
            yield Way(name, reset, False)
            if not operation.is_creation:
                yield Way(name, reset, True)
        yield Way(name, FIN, False, "not found")
        if operation.has_answer:
            yield Way(name, FIN, False, "chunked")
            yield Way(name, FIN, False, "unsized")
        # One that is not whole is refused for good where something is to be changed.
        if operation.reads:
            yield Way(name, FIN, False, "not found, unsized")
        if operation.is_creation:
            yield Way(name, FIN, False, once=True)


def describe(way):
    return ", ".join(filter(None, (
        way.operation, "RST" if way.reset else "FIN", "used" if way.reused else "new",
        way.shape if way.shape != "plain" else "", "at most once" if way.once else "")))


class Result:
    """Of one way: how many points there are of each part, and were reached; what did not hold."""

    def __init__(self, way, only):
        self.way = way
        self.parts = collections.Counter()
        self.n_reached = 0
        self.found = []
        self.log = ""
        try:
            self._go(only)
        except Exception as error:  # whatever it is, it is this way's
            self.found.append((0, None, f"{type(error).__name__}: {error}"))

    def _go(self, only):
        with Bench(self.way) as bench:
            trials = Run(bench, self.way)
            try:
                trials.all(only)
            finally:
                self.found += trials.found
                self.log = bench.daemon.log if self.found else ""
                self.n_reached = sum(cut.is_made for cut in trials.points) + trials.n_without
                self.parts.update(trials.layout.part(cut.at) for cut in trials.points)
                self.parts["no connection"] += trials.n_without

    @property
    def n_points(self):
        return self.parts.total()

    @property
    def n_red(self):
        return len({(trial, at) for trial, at, _ in self.found})

    def tell(self):
        print(f"{describe(self.way)}: {self.n_points} points, {self.n_red} red", flush=True)
        for trial, at, text in self.found[:TOLD_MAX]:
            print(f"    trial {trial}, cut at {at}: {text}")
        if self.found:
            print(self.log[-TOLD_LOG_MAX:], flush=True)


def work(job):
    return Result(*job)


def results(options, is_careless):
    names = [name for name in options.operation or OPERATIONS
             if OPERATIONS[name].is_creation or not is_careless]
    jobs = [(way, options.at) for way in ways(names, is_careless)]
    with multiprocessing.Pool(options.jobs) as pool:
        yield from pool.imap_unordered(work, jobs)


def all_points(options):
    parts, ends = collections.Counter(), collections.Counter()
    n_points = n_reached = n_red = 0
    for result in results(options, False):
        result.tell()
        parts += result.parts
        ends["RST" if result.way.reset else "FIN"] += result.n_points
        ends["connections used before" if result.way.reused else "new ones"] += result.n_points
        n_points += result.n_points
        n_reached += result.n_reached
        n_red += result.n_red
    print(f"T4: connections cut at {n_points} points, {n_reached} reached, {n_red} violations;",
          ", ".join(f"{name} {n}" for name, n in [*((part, parts[part]) for part in PARTS),
                                                   *sorted(ends.items())]))
    empty = [part for part in PARTS if not parts[part]]
    if empty and not options.operation:
        print("nothing was cut in the", *empty)
    missed = n_points - n_reached
    print("counts: points", n_points - n_red, n_red)
    return 1 if n_red or missed or empty and not options.operation else 0


def control(options):
    """Creations that curl sends again must be found out."""
    n_points = n_red = 0
    for result in results(options, True):
        n_points += result.n_points
        n_red += result.n_red
    print(f"T4, resend: {n_red} of {n_points} points went red, as they must")
    print("counts: points", int(n_red > 0), int(n_red == 0))
    return 0 if n_red else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--operation", choices=OPERATIONS, action="append")
    parser.add_argument("--at", type=int)
    parser.add_argument("--control", action="store_true")
    options = parser.parse_args()
    return control(options) if options.control else all_points(options)


if __name__ == "__main__":
    sys.exit(main())
