#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""kill -9 and power cut at every call of the daemon that writes or talks.

    points.py [--mode="kill -9|power cut"] [--after] [--jobs=N] [--scenario=NAME [--at=N]]
    points.py --controls

Each scenario is played once to the end, which counts its calls; then once for every one of them, at
which the daemon ends: before the call and, with --after, after it. It is started again on what is
left, and once all is in sync it is held to the promises. For a power cut the state lies on a file
system of its own, whose power is cut: what was not synced is gone. That is for root alone.
--controls breaks one promise after the other, and each time the test must go red.
"""

import argparse
import collections
import contextlib
import multiprocessing
import os
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))

from disk import Disk  # noqa: E402
from harness.daemon import Daemon  # noqa: E402
from harness.programs import await_exit, program  # noqa: E402
from harness.stage import Stage  # noqa: E402
from harness.statefile import unsent_attempts  # noqa: E402
from scenarios import SCENARIOS  # noqa: E402

CLASSES = ("write", "pwrite", "fallocate", "fsync", "ftruncate", "unlink", "rename", "send", "recv",
           "connect")

# What happens at a call.
KILL, POWER = "kill -9", "power cut"
# The like with a promise broken: a disk that says that it has written what it has not, creations
# that are sent before they are on disk, and a curl that sends them again by itself.
UNSYNCED, NO_INTENT, RESEND = "nothing synced", "no intent", "resend"
DISK_MODES = (POWER, UNSYNCED, NO_INTENT)
MODES = (KILL, POWER, UNSYNCED, NO_INTENT, RESEND)

# The scenario in which each broken promise is looked for.
CONTROLS = {UNSYNCED: "create", NO_INTENT: "create", RESEND: "create, answers lost"}

# Nothing is read but what must be, and who asks for more than that is soon above the budget.
CONFIG = {"Api": {"RequestsPerSec": 1000, "RequestBurst": 20, "MaxConcurrentRequests": 8},
          "Reconcile": {"ResyncIntervalSec": 3600, "RetryMinSec": 0.002, "RetryMaxSec": 0.5}}


# --- where it is done ----------------------------------------------------------------------------

class Bench(Stage):
    """A stage whose daemon ends where it is told to. Nothing is demanded of how it ends."""

    def __init__(self, disk, mode):
        super().__init__(CONFIG)
        self.disk = disk
        self.mode = mode
        self.unsent = set()
        self.cuts_power = mode in DISK_MODES

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.bus)
            stack.enter_context(self.simulator)
            self.daemon = DaemonOn(self.disk, self.bus, base_url=self.simulator.base_url,
                                   config=self.config, log_level="info")
            stack.callback(self.daemon.close)
            stack.callback(self.daemon.kill)
            self.faults = self.daemon.folder.path("faults")
            os.mkdir(self.faults)
            self.daemon.environment = {
                "LD_PRELOAD": os.path.join(os.path.dirname(program("convened")),
                                           "tests/faults/fault-points.so"),
                "FAULT_POINTS": self.faults,
                "CARELESS": {NO_INTENT: "no-intent", RESEND: "resend"}.get(self.mode, "")}
            if self.mode in (NO_INTENT, RESEND):
                self.daemon.program = "tests/faults/convened-careless"
            self.stack = stack.pop_all()
        return self

    def arm(self, at, after):
        if at:
            self._put("at", str(at))
        if after:
            self._put("after", "")
        if self.mode == UNSYNCED:
            self._put("unsynced", "")
        if self.cuts_power:
            os.symlink(self.disk.path, os.path.join(self.faults, "cut"))
        self._put("armed", "")

    def end(self, settle_sec):
        """Waits for the end that was arranged, or brings it about. True: it was reached."""
        process = self.daemon.process
        reached = process is None
        if process:
            with contextlib.suppress(TimeoutError):
                await_exit(process, settle_sec)
                reached = True
        if not reached and self.cuts_power:
            self.disk.cut_power()
        self.daemon.kill()
        for name in os.listdir(self.faults):
            os.remove(os.path.join(self.faults, name))
        if self.cuts_power:
            self.disk.power_on()
        self.note_unsent()
        return reached

    def note_unsent(self):
        """Which creations were committed and not sent, now that the daemon has ended."""
        self.unsent |= unsent_attempts(self.daemon.state_directory,
                                       self.simulator.requests(method="POST"))

    def calls(self):
        with contextlib.suppress(FileNotFoundError):
            with open(os.path.join(self.faults, "log"), encoding="ascii") as file:
                return file.read().split()
        return []

    def _put(self, name, text):
        with open(os.path.join(self.faults, name), "w", encoding="ascii") as file:
            file.write(text)


class DaemonOn(Daemon):
    """A daemon whose state lies on a disk, None: where it always is."""

    def __init__(self, disk, *arguments, **options):
        self.disk = disk
        super().__init__(*arguments, **options)

    @property
    def state_directory(self):
        return os.path.join(self.disk.path, "state") if self.disk else super().state_directory


# --- one after the other -------------------------------------------------------------------------

def play(name, at, after, mode, settle_sec=5):
    """Plays a scenario up to a call, 0: to its end. Returns the calls and what did not hold."""
    scenario = SCENARIOS[name]
    with contextlib.ExitStack() as stack:
        disk = stack.enter_context(Disk()) if mode in DISK_MODES or scenario.fills_disk else None
        stage = stack.enter_context(Bench(disk, mode))
        if not scenario.fresh:
            stage.daemon.start()
        before = scenario.prepare(stage)
        stage.arm(at, after)
        accepted = before + scenario.act(stage)
        calls = stage.calls()
        reached = stage.end(0 if at == 0 or len(calls) < at else settle_sec)
        stage.simulator.set_faults()
        stage.daemon.program = "convened"
        found = scenario.judge(stage, accepted)
        if at == 0 and len(accepted) < len(scenario.steps):
            found.append(f"only {len(accepted)} steps were taken as they should be")
        log = stage.daemon.log if found else ""
    return calls, reached, found, log


def work(point):
    try:
        calls, reached, found, log = play(*point)
    except Exception as error:  # whatever it is, it is this point's
        calls, reached, found, log = [], False, [f"{type(error).__name__}: {error}"], ""
    return point, calls, reached, found, log


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--mode", choices=MODES, default=KILL)
    parser.add_argument("--controls", action="store_true")
    parser.add_argument("--after", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--scenario", choices=SCENARIOS, action="append")
    parser.add_argument("--at", type=int)
    options = parser.parse_args()
    names = options.scenario or [name for name in SCENARIOS if can_play(name)]
    if options.at is not None:
        _, calls, _, found, log = work((names[0], options.at, options.after, options.mode))
        print(log, *found, f"{len(calls)} calls", sep="\n")
        return 1 if found else 0
    if options.controls:
        return controls(options)
    tally = run(names, options.mode, options)
    print(f"{options.mode}: {tally.n_points} points, {tally.n_reached} reached, "
          f"{tally.n_violations} violations;", by_class(tally.classes))
    empty = [name for name in CLASSES if not tally.classes[name]]
    if empty and not options.scenario:
        print("no call was met of", *empty)
    counts(tally.n_points - tally.n_violations, tally.n_violations)
    return 1 if tally.n_violations or empty and not options.scenario else 0


def can_play(name):
    """Whether whoever runs this may do what the scenario needs."""
    may = os.geteuid() == 0 or not SCENARIOS[name].fills_disk
    if not may:
        print(f"{name}: left out, for it mounts a file system; be root")
    return may


def controls(options):
    """Each of the ways to break a promise must be found out."""
    blind = 0
    for mode, name in CONTROLS.items():
        tally = run([name], mode, options)
        print(f"{mode}: {tally.n_violations} of {tally.n_points + 1} points went red, as they must")
        blind += not tally.n_violations
    counts(len(CONTROLS) - blind, blind)
    return 1 if blind else 0


def by_class(classes):
    return ", ".join(f"{name} {classes[name]}" for name in CLASSES)


def counts(passed, failed):
    print("counts: points", passed, failed)


class Tally:
    def __init__(self):
        self.classes = collections.Counter()
        self.n_points = self.n_reached = self.n_violations = 0


def run(names, mode, options):
    """Plays scenarios to their ends, and then up to each of their calls."""
    tally = Tally()
    with multiprocessing.Pool(options.jobs) as pool:
        # With a disk that lies the end of a scenario is no end.
        ends = [(name, 0, False, KILL if mode == UNSYNCED else mode) for name in names]
        points = []
        for point, calls, _, found, log in pool.map(work, ends, 1):
            note(tally, point, found, log, mode)
            tally.classes.update(calls)
            if mode not in CONTROLS:
                print(f"{mode}, {point[0]}: {len(calls)} calls;",
                      by_class(collections.Counter(calls)), flush=True)
            points += [(point[0], at + 1, after, mode) for at in range(len(calls))
                       for after in ((False, True) if options.after else (False,))]
        for point, _, reached, found, log in pool.imap_unordered(work, points, 4):
            tally.n_points += 1
            tally.n_reached += reached
            note(tally, point, found, log, mode)
    return tally


def note(tally, point, found, log, mode):
    tally.n_violations += bool(found)
    if mode in CONTROLS:
        return
    for text in found:
        print(f"{point[0]}, call {point[1]}{', after it' if point[2] else ''}: {text}", flush=True)
    if found:
        print(log, flush=True)


if __name__ == "__main__":
    sys.exit(main())
