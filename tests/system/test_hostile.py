# SPDX-License-Identifier: LGPL-2.1-or-later
"""One user does all that is wrong, under the limits that are shipped; another one goes on."""

import contextlib
import os
import pathlib
import subprocess
import time

import pytest

from harness import hostile
from harness.daemon import SESSION
from machine import PROPERTIES, SYSTEM_BUS, UNIT, figure, memory, show, systemctl

FOLDERS = (pathlib.Path("/usr/share/dbus-1/interfaces"),
           pathlib.Path("/usr/local/share/dbus-1/interfaces"))
ECHO = "/usr/local/lib/bench-echo"
N_CALLS = 50 * 1024  # of each attack
BLOCK = 20  # looks at one priority


def p99_msec(times):
    return sorted(times)[len(times) * 99 // 100] * 1000


def set_real_time(pids, on):
    """Whether these go before everybody else on the CPUs. Not all kernels let root have that
    (CONFIG_RT_GROUP_SCHED): false where it is as it was."""
    try:
        for pid in pids:
            os.sched_setscheduler(pid, os.SCHED_FIFO if on else os.SCHED_OTHER,
                                  os.sched_param(1 if on else 0))
    except PermissionError:
        return False
    return True


def can_have_real_time():
    return set_real_time([0], True) and set_real_time([0], False)


def until_end(process):
    """Moments, 2 ms after each other."""
    while process.poll() is None:
        yield
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.002)


class Victim:
    """Who calls, again and again, and looks at the clock."""

    def __init__(self, user, path):
        self.user = user
        self.path = path

    def look(self):
        """Seconds until the service has answered, and until the bus itself has."""
        begin = time.monotonic()
        self.user.call(self.path, PROPERTIES, "GetAll", "s", (SESSION,))
        middle = time.monotonic()
        self.user.bus("GetId")
        return middle - begin, time.monotonic() - middle

    def watch(self, moments):
        """A look at each moment. Returns the p99 in milliseconds of service and of bus, as it
        comes, and those where nobody takes the CPUs from service, bus and caller."""
        pids = [self.user.service_pid(), int(show("MainPID", "dbus.service")), os.getpid()]
        looks = [], []
        try:
            for i, _ in enumerate(moments):
                if i % BLOCK == 0:
                    set_real_time(pids, i // BLOCK % 2)
                looks[i // BLOCK % 2].append(self.look())
        finally:
            set_real_time(pids, False)
        return [[p99_msec(times) for times in zip(*some)] for some in looks]


class Attacker:
    """Who does all that is wrong. `foreign`: objects of somebody else, by kind."""

    def __init__(self, user, foreign):
        self.folder = next(folder for folder in FOLDERS
                           if list(folder.glob("org.convened1.*.xml")))
        self.options = {"uid": user.uid, "gid": user.entry.pw_gid, "foreign": foreign,
                        "groups": os.getgrouplist(user.name, user.entry.pw_gid)}

    def flood(self, victim, seed, **options):
        """What came of N_CALLS calls, and what the victim saw meanwhile."""
        with hostile.start(SYSTEM_BUS, self.folder, seed=seed, calls=N_CALLS, large=3,
                           **self.options, **options) as attack:
            busy = victim.watch(until_end(attack))
            return hostile.finish(attack), busy


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


def against(busy, quiet, *which):
    """Two of the times that watch() returns, as text."""
    for i in which:
        busy, quiet = busy[i], quiet[i]
    return f"{busy:.1f} ms, {busy / quiet:.1f} x quiet {quiet:.2f} ms"


@pytest.mark.covers("argument: every wrong call", "machine: hostile calls")
def test_hostile_calls(machine):
    """T7: of 100,000 each gets the error that is right, within the memory that the drop-in for
    less of it gives. What others wait meanwhile stands beside what they wait for an echo."""
    machine.add_example("memory-limits.conf")
    machine.start()
    alice, bob = machine.users("alice", "bob")
    foreign = {"Session": alice.create("Session"), "Participant": alice.create("Participant")}
    before = [alice.get(path) for path in foreign.values()]
    pid = show("MainPID")
    victim, attacker = Victim(alice, foreign["Session"]), Attacker(bob, foreign)
    quiet, resident = victim.watch(range(1000)), memory(pid)[0]
    few, busy = attacker.flood(victim, seed=1, bulk=False)
    bulk, busy_with_bulk = attacker.flood(victim, seed=2, bulk=True)

    effects = [name for path, old in zip(foreign.values(), before)
               for name, value in alice.get(path).items() if name != "SyncedUSec"
               and old[name] != value]
    now, most, _ = memory(pid)
    n, n_wrong = (few[key] + bulk[key] for key in ("calls", "n_wrong"))
    assert n >= 100000 and few["wrong"] + bulk["wrong"] == [] and effects == []
    assert show("MainPID") == pid and show("NRestarts", UNIT) == "0"
    with bare_echo():
        echo_quiet = victim.watch(range(1000))
        same, echo_busy = attacker.flood(victim, seed=1, bulk=False, judge=False)

    figure(f"T7: {n} hostile calls: {n_wrong} wrong answers, {len(effects)} unauthorised effects "
           f"(goals 0, 0); resident {resident:.0f} MB before, {now:.0f} MB after, {most:.0f} MB at "
           f"most")
    figure(f"T7: another's p99 meanwhile: {busy_with_bulk[0][0]:.1f} ms (goal 25), without reads "
           f"of many objects {against(busy, quiet, 0, 0)} (goal 2)")
    figure(f"T7: under the same flood a bare echo: {against(echo_busy, echo_quiet, 0, 0)}, the bus "
           f"itself: {against(busy, quiet, 0, 1)}")
    if can_have_real_time():
        figure(f"T7: with nobody else on their CPUs: convened {against(busy, quiet, 1, 0)}, the "
               f"echo {against(echo_busy, echo_quiet, 1, 0)}, the bus {against(busy, quiet, 1, 1)}")
    # The same flood, or it is no yardstick.
    assert same["calls"] == few["calls"]
    # A message of 30 MB is in memory once as it comes in, and never a second time.
    assert now - resident < 64 and most - resident < 128
