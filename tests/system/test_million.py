# SPDX-License-Identifier: LGPL-2.1-or-later
"""100,000 sessions and 900,000 participants, under the limits of the unit as it is shipped."""

import time

import pytest

from harness.daemon import PATH
from machine import UNIT, memory, seconds, show, systemctl

N_SESSIONS, N_MEMBERS = 100000, 9


def serves(user, n_created):
    """What is asked of it is there, from the first to the last."""
    counts = user.get()
    assert (counts["SessionCount"], counts["ParticipantCount"]) == (
        N_SESSIONS + n_created, N_SESSIONS * N_MEMBERS)
    last = user.get(f"{PATH}/participant/{N_SESSIONS * N_MEMBERS}")
    assert last["Session"] == f"{PATH}/session/{N_SESSIONS}"
    assert user.manager("GetParticipant", "s", (last["Id"],)) == (
        f"{PATH}/participant/{N_SESSIONS * N_MEMBERS}",)
    rows, after = user.manager("ListParticipants", "a{sv}tu", ({}, 500000, 1000))
    assert len(rows) == 1000 and after == 501000
    assert user.error(PATH, "org.freedesktop.DBus.ObjectManager",
                      "GetManagedObjects").name.endswith(".LimitsExceeded")


@pytest.mark.covers("machine: a million objects")
def test_a_million_objects(machine):
    """It starts, answers, takes changes, stops and starts again, each within its time; and has room
    left in its memory."""
    assert machine.start_with(N_SESSIONS, N_MEMBERS) < seconds("TimeoutStartUSec")
    alice, = machine.users("alice")
    serves(alice, 0)
    # A creation in flight is waited for.
    machine.simulator.set_faults({"method": "GET", "kind": "hang"})
    path = alice.create("Session", Wait=False)
    _, most, data = memory(show("MainPID"))
    assert most < 0.8 * int(show("MemoryMax")) / 2 ** 20
    assert data < 0.8 * int(show("LimitDATA")) / 2 ** 20

    begin = time.monotonic()
    systemctl("stop", UNIT)
    assert time.monotonic() - begin < seconds("TimeoutStopUSec")
    assert (show("Result"), show("ExecMainStatus")) == ("success", "0")
    begin = time.monotonic()
    systemctl("start", UNIT)
    assert time.monotonic() - begin < seconds("TimeoutStartUSec")
    serves(alice, 1)
    assert alice.get(path)["Owner"] == alice.uid
    assert seconds("WatchdogUSec") == 30 and show("NRestarts") == "0"
    assert alice.manager("CreateSession", "a{sv}", ({"Wait": ("b", False)},))
