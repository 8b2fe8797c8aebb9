#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""kill -9 and power cut at every call of the daemon that writes or talks, and calls that fail.

    points.py [--mode="kill -9|power cut"] [--after] [--jobs=N] [--scenario=NAME [--at=N]]
    points.py --mode="failing disk" [--jobs=N] [--scenario=NAME [--at=N]]
    points.py --controls

Each scenario is played once to the end, which counts its calls; then once for every one of them, at
which the daemon ends: before the call and, with --after, after it. It is started again on what is
left, and once all is in sync it is held to the promises. For a power cut the state lies on a file
system of its own, whose power is cut: what was not synced is gone. That is for root alone. A disk
that fails has one call of the disk fail; the daemon has to end by itself, and the power is cut
after that.
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
from harness.daemon import Daemon, DaemonEnded  # noqa: E402
from harness.programs import await_exit, program  # noqa: E402
from harness.stage import Stage  # noqa: E402
from harness.statefile import unsent_attempts  # noqa: E402
from scenarios import SCENARIOS  # noqa: E402

OF_DISK = ("pwrite", "fallocate", "fsync", "dirsync", "ftruncate", "unlink", "rename")
CLASSES = ("write", *OF_DISK, "send", "recv", "connect")
# Where SQLite makes this call it does not look at what becomes of it.
UNSEEN = "dirsync"

# What happens at a call.
KILL, POWER, FAIL = "kill -9", "power cut", "failing disk"
# The like with a promise broken: a disk that says that it has written what it has not, creations
# that are sent before they are on disk, a curl that sends them again by itself, and a daemon that
# takes what could not be written for written.
UNSYNCED, NO_INTENT, RESEND, GO_ON = "nothing synced", "no intent", "resend", "go on"
CARELESS = (NO_INTENT, RESEND, GO_ON)
FAIL_MODES = (FAIL, GO_ON)
DISK_MODES = (POWER, UNSYNCED, NO_INTENT, *FAIL_MODES)
MODES = (KILL, POWER, FAIL, UNSYNCED, NO_INTENT, RESEND, GO_ON)

# The scenarios in which calls of the disk fail: they have all kinds of them.
FAIL_SCENARIOS = ("create", "first start", "restart", "full disk")
# The scenario in which each broken promise is looked for.
CONTROLS = {UNSYNCED: "create", NO_INTENT: "create", RESEND: "create, answers lost",
            GO_ON: "subscribe"}

# How many points all scenarios have at least, and how many of a hundred are reached: those that are
# not are calls fewer than before.
POINTS_MIN = {KILL: 1500, POWER: 1500, FAIL: 200}
REACHED_PERCENT_MIN = 80
SETTLE_SEC = 30
EXIT_FAILURE = 1

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
        self.fails = mode in FAIL_MODES

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
                "FAULT_POINTS": self.faults, "CARELESS": self.mode}
            if self.mode in CARELESS:
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
        if self.fails:
            self._put("fail", "")
        elif self.cuts_power:
            os.symlink(self.disk.path, os.path.join(self.faults, "cut"))
        self._put("armed", "")

    def must_end(self, call):
        """Whether that call, None: none, is to be the daemon's last."""
        return call is not None and not (self.fails and call == UNSEEN)

    def end(self, call):
        """Waits for the end that was arranged, or brings it about. True: it was reached."""
        process = self.daemon.process
        settle_sec = SETTLE_SEC if self.must_end(call) and self.mode != GO_ON else 0
        reached = process is None
        if process:
            with contextlib.suppress(TimeoutError):
                await_exit(process, settle_sec)
                reached = True
        if self.cuts_power and (self.fails or not reached):
            self.disk.cut_power()
        if process and reached:
            self.daemon.status = process.returncode
        self.daemon.kill()
        for name in os.listdir(self.faults):
            os.remove(os.path.join(self.faults, name))
        if self.cuts_power:
            self.disk.power_on()
        self.note_unsent()
        return reached

    def not_stopped(self, call):
        """What is wrong with how it took that a call failed."""
        status = self.daemon.status
        if self.fails and self.must_end(call) and status != EXIT_FAILURE:
            yield f"after a {call} that failed it " + (
                "went on" if status is None else f"ended with {status}")

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
        self.status = None
        super().__init__(*arguments, **options)

    def start(self, *arguments):
        try:
            return super().start(*arguments)
        except DaemonEnded as error:
            self.status = error.status
            raise

    @property
    def state_directory(self):
        return os.path.join(self.disk.path, "state") if self.disk else super().state_directory


# --- one after the other -------------------------------------------------------------------------

def play(name, at, after, mode):
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
        call = calls[at - 1] if 0 < at <= len(calls) else None
        reached = stage.end(call)
        stage.simulator.set_faults()
        stage.daemon.program = "convened"
        found = scenario.judge(stage, accepted) + list(stage.not_stopped(call))
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
    names = options.scenario or [name for name in scenarios_of(options.mode) if can_play(name)]
    if options.at is not None:
        _, calls, _, found, log = work((names[0], options.at, options.after, options.mode))
        print(log, *found, f"{len(calls)} calls", sep="\n")
        return 1 if found else 0
    if options.controls:
        return controls(options)
    tally = run(names, options.mode, options)
    print(f"{options.mode}: {tally.n_points} points, {tally.n_reached} reached, "
          f"{tally.n_violations} violations;", by_class(tally.classes))
    missing = [] if options.scenario else list(below_floor(tally, options.mode))
    for text in missing:
        print(text)
    counts(tally.n_points - tally.n_violations, tally.n_violations)
    return 1 if tally.n_violations or missing else 0


def below_floor(tally, mode):
    """What must have happened, and has not."""
    for name in classes_of(mode):
        if not tally.classes[name]:
            yield f"no call was met of {name}"
    if tally.n_points < POINTS_MIN.get(mode, 0):
        yield f"there must be {POINTS_MIN[mode]} points"
    if tally.n_reached * 100 < tally.n_points * REACHED_PERCENT_MIN:
        yield f"of {tally.n_points} points {tally.n_reached} were reached"


def scenarios_of(mode):
    return FAIL_SCENARIOS if mode in FAIL_MODES else SCENARIOS


def classes_of(mode):
    return OF_DISK if mode in FAIL_MODES else CLASSES


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
