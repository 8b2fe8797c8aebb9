# SPDX-License-Identifier: LGPL-2.1-or-later
"""What convenectl takes over from who started the service."""

import os

import pytest

from harness.ctl_stage import DONE, bus_fixture, ctl_fixture, service_fixture  # noqa: F401
from harness.systemd import Systemd

OURS = ("u", os.getpid())  # the stand-in of the service is in this process
TEXT = "API online; 1 session, 0 participants; the disk is full, changes are refused"


def status(bus, ctl, properties, pid=os.getpid()):
    with Systemd(bus, pid, properties) as systemd, ctl.start("status") as running:
        systemd.serve(running.process)
        result = running.end()
    bus.await_owner("org.freedesktop.systemd1", present=False)
    assert result.code == DONE and "           API: online: answering" in result.lines, result
    return [line for line in result.lines if line.startswith("        Status:")]


@pytest.mark.covers("verb: status")
def test_status_of_the_unit(bus, ctl, service):
    """What no property tells, and it does."""
    properties = {"MainPID": OURS, "StatusText": ("s", TEXT)}
    assert status(bus, ctl, properties) == ["        Status: " + TEXT]


@pytest.mark.parametrize("properties, pid", [
    ({"MainPID": ("u", 1), "StatusText": ("s", TEXT)}, os.getpid()),  # another's, we sit in it
    ({"MainPID": OURS, "StatusText": ("s", TEXT)}, 1),
    ({"MainPID": OURS, "StatusText": ("s", "")}, os.getpid()),
    ({"MainPID": OURS, "StatusText": ("u", 7)}, os.getpid()),
    ({"MainPID": ("s", "x"), "StatusText": ("s", TEXT)}, os.getpid()),
    ({"MainPID": OURS}, os.getpid()),
    ({"StatusText": ("s", TEXT)}, os.getpid()),
    ({}, os.getpid()),
    (None, os.getpid()),
])
def test_no_status_of_the_unit(bus, ctl, service, properties, pid):
    """It is left out, and nothing else is: not even where systemd says nothing at all."""
    assert not status(bus, ctl, properties, pid)
