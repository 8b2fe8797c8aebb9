# SPDX-License-Identifier: LGPL-2.1-or-later
"""One user does all that is wrong, under the limits that are shipped; another one goes on."""

import collections
import contextlib
import os
import pathlib
import statistics
import subprocess

import pytest

from harness import hostile
from harness.daemon import SESSION
from machine import SYSTEM_BUS, UNIT, figure, memory, show, systemctl

FOLDERS = (pathlib.Path("/usr/share/dbus-1/interfaces"),
           pathlib.Path("/usr/local/share/dbus-1/interfaces"))
ECHO = "/usr/local/lib/bench-echo"
VICTIM = "/root/tests/bench-victim"
ALONE, MANY = 1, 64  # calls on their way at a time
N_CALLS = {ALONE: 25 * 1024, MANY: 50 * 1024}  # of each attack
N_TURNS = 2
N_LOOKS = 1200  # between two attacks


class Looks:
    """How long calls took, in milliseconds: those that went before everybody else on the CPUs and
    those that did not, of the service and of the bus itself."""

    def __init__(self):
        self.times = collections.defaultdict(list)

    def add(self, said):
        for line in said.splitlines():
            first, bus, usec = line.split()
            self.times[first == "1", bus == "1"].append(float(usec) / 1000)

    def p99(self, first=False, bus=False):
        return statistics.quantiles(self.times[first, bus], n=100)[98]

    def beside(self, quiet, first=False, bus=False):
        """As text."""
        now, before = self.p99(first, bus), quiet.p99(first, bus)
        return f"{now:.2f} ms, {now / before:.1f} x quiet {before:.2f}"


class Victim:
    """Who calls, again and again, and looks at the clock."""

    def __init__(self, user, path):
        self.user = user
        self.path = path

    def start(self, n_looks):
        pids = str(self.user.service_pid()), show("MainPID", "dbus.service")
        return subprocess.Popen([VICTIM, self.user.name, self.path, str(n_looks), *pids], text=True,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def rest(self, looks):
        """While nobody does anything."""
        with self.start(N_LOOKS) as process:
            looks.add(process.stdout.read())

    def suffer(self, looks, attack, **options):
        """What the attack has found, and what was seen meanwhile."""
        with self.start(10 ** 6) as process:
            found = attack.run(**options)
            looks.add(process.communicate()[0])
            return found


class Attack:
    """All that is wrong, by a user. `foreign`: objects of somebody else, by kind."""

    def __init__(self, user, foreign):
        self.folder = next(folder for folder in FOLDERS
                           if list(folder.glob("org.convened1.*.xml")))
        self.options = {"uid": user.uid, "gid": user.entry.pw_gid, "foreign": foreign,
                        "groups": os.getgrouplist(user.name, user.entry.pw_gid)}

    def run(self, window, **options):
        with hostile.start(SYSTEM_BUS, self.folder, window=window, calls=N_CALLS[window], large=2,
                           **self.options, **options) as process:
            return hostile.finish(process)


def measure(victim, attack, **options):
    """Attacked and left alone in turns, without reads of many objects: what was found, what the
    victim saw while it was left alone, and meanwhile, by the number of calls at a time."""
    found, quiet, busy = [], Looks(), {ALONE: Looks(), MANY: Looks()}
    for turn in range(N_TURNS):
        for window, looks in busy.items():
            victim.rest(quiet)
            found.append(victim.suffer(looks, attack, window=window, seed=turn, bulk=False,
                                       **options))
    return found, quiet, busy


@contextlib.contextmanager
def bare_echo():
    """In place of the daemon: the least that a service of sd-bus can do for the same calls."""
    user = show("User")
    systemctl("stop", UNIT)
    with subprocess.Popen([ECHO, "--instead"], user=user, stdout=subprocess.PIPE,
                          text=True) as echo:
        try:
            assert echo.stdout.readline() == "ready\n"
            yield
        finally:
            echo.terminate()


@contextlib.contextmanager
def computing(user, n_processes):
    """So many processes that call nobody, and only compute."""
    with contextlib.ExitStack() as stack:
        for _ in range(n_processes):
            process = stack.enter_context(subprocess.Popen(
                ["/usr/bin/python3", "-c", "while True: pass"], user=user))
            stack.callback(process.kill)
        yield


def tell(window, first, convened, echo):
    """What the victim saw, as text; of the bus itself, while convened was attacked."""
    of = [looks[window].beside(quiet, first, bus)
          for (quiet, looks), bus in ((convened, False), (echo, False), (convened, True))]
    return f"convened {of[0]} (goal 2), an echo {of[1]}, the bus itself {of[2]}"


def tell_all(convened, echo, bulk, computed):
    figure(f"T7: another's p99 meanwhile: {bulk[ALONE].p99():.1f} ms where each call waits for the "
           f"one before, {bulk[MANY].p99():.1f} ms with 64 at a time (goal 25)")
    for first, how in ((False, "reads of many objects left out"),
                       (True, "likewise, nobody else on their CPUs")):
        if convened[0].times[first, False]:
            figure(f"T7: {how}, one at a time: {tell(ALONE, first, convened, echo)}")
            figure(f"T7: {how}, 64 at a time: {tell(MANY, first, convened, echo)}")
    figure(f"T7: beside one process that only computes: {computed[1].beside(convened[0])}, beside "
           f"two: {computed[2].beside(convened[0])}")


@pytest.mark.covers("argument: every wrong call", "machine: hostile calls")
def test_hostile_calls(machine):
    """T7: of 100,000 each gets the error that is right, within the memory that the drop-in for
    less of it gives. What others wait meanwhile, be it that each of the calls waits for the answer
    to the one before or that 64 are on their way, stands beside what they wait for an echo."""
    machine.add_example("memory-limits.conf")
    machine.start()
    alice, bob = machine.users("alice", "bob")
    foreign = {"Session": alice.create("Session"), "Participant": alice.create("Participant")}
    before = [alice.get(path) for path in foreign.values()]
    pid = show("MainPID")
    victim, attack = Victim(alice, foreign["Session"]), Attack(bob, foreign)
    resident = memory(pid)[0]
    few, *convened = measure(victim, attack)
    bulk = {ALONE: Looks(), MANY: Looks()}
    many = [victim.suffer(looks, attack, window=window, seed=N_TURNS, bulk=True)
            for window, looks in bulk.items()]

    computed = {1: Looks(), 2: Looks()}
    for n, looks in computed.items():
        with computing(bob.name, n):
            victim.rest(looks)

    effects = [name for path, old in zip(foreign.values(), before)
               for name, value in alice.get(path).items() if name != "SyncedUSec"
               and old[name] != value]
    now, most, _ = memory(pid)
    n, n_wrong = (sum(found[key] for found in few + many) for key in ("calls", "n_wrong"))
    assert n >= 100000 and sum((found["wrong"] for found in few + many), []) == [] == effects
    assert show("MainPID") == pid and show("NRestarts", UNIT) == "0"
    with bare_echo():
        same, *echo = measure(victim, attack, judge=False)

    figure(f"T7: {n} hostile calls: {n_wrong} wrong answers, {len(effects)} unauthorised effects "
           f"(goals 0, 0); resident {resident:.0f} MB before, {now:.0f} MB after, {most:.0f} MB at "
           f"most")
    tell_all(convened, echo, bulk, computed)
    # The same attacks, or it is no yardstick.
    assert [found["calls"] for found in same] == [found["calls"] for found in few]
    # A message of 30 MB is in memory once as it comes in, and never a second time.
    assert now - resident < 64 and most - resident < 128
