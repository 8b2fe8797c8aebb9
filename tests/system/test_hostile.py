# SPDX-License-Identifier: LGPL-2.1-or-later
"""One user does all that is wrong, under the limits that are shipped; another one goes on."""

import os
import pathlib
import subprocess
import time

import pytest

from harness import hostile
from harness.daemon import SESSION
from machine import PROPERTIES, SYSTEM_BUS, UNIT, figure, memory, show

FOLDERS = (pathlib.Path("/usr/share/dbus-1/interfaces"),
           pathlib.Path("/usr/local/share/dbus-1/interfaces"))
N_CALLS = 50 * 1024  # of each of two attacks


def p99_msec(times):
    return sorted(times)[len(times) * 99 // 100] * 1000


class Victim:
    """Who calls, again and again, and looks at the clock."""

    def __init__(self, user, path):
        self.user = user
        self.path = path

    def ping(self):
        begin = time.monotonic()
        self.user.call(self.path, PROPERTIES, "GetAll", "s", (SESSION,))
        return time.monotonic() - begin

    def during(self, process):
        times = []
        while process.poll() is None:
            times.append(self.ping())
            try:
                process.wait(0.002)
            except subprocess.TimeoutExpired:
                pass
        return p99_msec(times)


@pytest.mark.covers("argument: every wrong call", "machine: hostile calls")
def test_hostile_calls(machine):
    """T7: of 100,000 each gets the error that is right, within the memory that the drop-in for
    less of it gives."""
    machine.add_example("memory-limits.conf")
    machine.start()
    alice, bob = machine.users("alice", "bob")
    foreign = {"Session": alice.create("Session"), "Participant": alice.create("Participant")}
    before = [alice.get(path) for path in foreign.values()]
    pid = show("MainPID")
    folder = next(folder for folder in FOLDERS if list(folder.glob("org.convened1.*.xml")))
    victim = Victim(alice, foreign["Session"])
    quiet = p99_msec([victim.ping() for _ in range(500)])
    resident = memory(pid)[0]

    n, n_wrong, wrong, busy = 0, 0, [], []
    for bulk in (False, True):
        with hostile.start(SYSTEM_BUS, folder, seed=1 + bulk, calls=N_CALLS, uid=bob.uid,
                           gid=bob.entry.pw_gid, bulk=bulk, large=3, foreign=foreign,
                           groups=os.getgrouplist(bob.name, bob.entry.pw_gid)) as attack:
            busy.append(victim.during(attack))
            found = hostile.finish(attack)
        n, n_wrong, wrong = n + found["calls"], n_wrong + found["n_wrong"], wrong + found["wrong"]

    effects = [name for path, old in zip(foreign.values(), before)
               for name, value in alice.get(path).items() if name != "SyncedUSec"
               and old[name] != value]
    now, most, _ = memory(pid)
    figure(f"T7: {n} hostile calls: {n_wrong} wrong answers, {len(effects)} unauthorised effects "
           f"(goals 0, 0)")
    figure(f"T7: another's p99 meanwhile: {busy[1]:.1f} ms (goal 25), {busy[0]:.1f} ms without "
           f"reads of many objects, quiet {quiet:.1f} ms; resident {resident:.0f} MB before, "
           f"{now:.0f} MB after, {most:.0f} MB at most")
    assert n >= 100000 and wrong == [] and effects == []
    assert show("MainPID") == pid and show("NRestarts", UNIT) == "0"
    # A message of 30 MB is in memory once as it comes in, and never a second time.
    assert now - resident < 64 and most - resident < 128
