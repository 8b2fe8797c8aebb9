# SPDX-License-Identifier: LGPL-2.1-or-later
"""A bus that ends under the daemon: it ends too, loses nothing, and comes back on the next one."""

import os
import time

import pytest

from harness.daemon import Daemon
from harness.wait import wait_for

LOST = "bus is lost. convened ends"
SESSION_1 = "/org/convened1/session/1"


@pytest.fixture(name="daemon", params=["session", "system"])
def fixture_daemon(request, bus, simulator):
    with Daemon(bus, base_url=simulator.base_url, kind=request.param) as daemon:
        yield daemon


def come_back(daemon):
    daemon.bus.restart()
    daemon.start()


@pytest.mark.covers("world: bus")
def test_nothing_in_flight(daemon, simulator):
    daemon.create_session(Tag="s")
    # What only reads is not waited for.
    simulator.set_faults({"method": "GET", "kind": "hang"})
    daemon.manager("Sync")
    daemon.bus.kill()
    begin = time.monotonic()
    daemon.await_end(1)
    assert time.monotonic() - begin < 2
    assert daemon.log.count(f"The connection to the {daemon.kind} {LOST}") == 1
    simulator.set_faults()
    come_back(daemon)
    daemon.await_property(SESSION_1, "InSync", True)


@pytest.mark.covers("world: bus")
def test_creations_in_flight(daemon, simulator):
    """Their answers are waited for: nothing is unknown, and nothing is made twice."""
    simulator.set_faults({"method": "POST", "kind": "latency", "ms": 1000})
    for n in range(5):
        daemon.create_session(Tag=f"s{n}", Wait=False)
    wait_for(lambda: len(simulator.requests(method="POST")) == 5)
    daemon.bus.kill()
    wait_for(lambda: f"{LOST} once 5 creations in flight are answered" in daemon.log)
    daemon.await_notification("STATUS=Stopping, and waiting for 5 creations in flight")
    daemon.await_end(1)
    daemon.hear()
    assert (daemon.notified[-1]
            == "STATUS=Ended, since the bus is lost; what was accepted is on disk")
    come_back(daemon)
    daemon.await_property("/org/convened1", "PendingCount", 0)
    assert len(simulator.requests(method="POST")) == 5
    assert daemon.properties()["SuspectedOrphans"] == 0
    assert ({daemon.properties(f"/org/convened1/session/{n}")["Id"] for n in range(1, 6)}
            == set(simulator.state()["sessions"]))


@pytest.mark.covers("world: bus")
def test_a_commit_under_way(daemon, simulator):
    """There is nobody to tell what came of a call: that is no failure."""
    hold = daemon.folder.path("hold")
    daemon.stop()
    daemon.preload_fsync(SLOW_FSYNC_HOLD=hold)
    daemon.start()
    daemon.folder.write("hold", "")
    caller = daemon.bus.connect()
    daemon.send(caller, "CreateSession")
    wait_for(lambda: daemon.manager("ListSessions", "a{sv}tu", ({}, 0, 0)) == ([], 0))
    daemon.bus.kill()
    wait_for(lambda: LOST in daemon.log)
    os.unlink(hold)
    daemon.await_end(1)
    caller.close()
    assert "Let a batch out" not in daemon.log
    come_back(daemon)
    daemon.await_property(SESSION_1, "InSync", True)
    assert len(simulator.state()["sessions"]) == 1


@pytest.mark.covers("world: bus")
def test_what_belongs_to_clients(daemon, simulator):
    """They were on the bus that is gone."""
    client = daemon.bus.connect()
    daemon.send(client, "CreateSession", {"Lifetime": ("s", "client")})
    wait_for(lambda: simulator.state()["sessions"])
    daemon.create_session(Tag="stays")
    daemon.bus.kill()
    client.close()
    daemon.await_end(1)
    come_back(daemon)
    wait_for(lambda: len(simulator.state()["sessions"]) == 1)
    daemon.await_property("/org/convened1", "SessionCount", 1)


@pytest.mark.covers("world: bus")
def test_after_sigterm(daemon, simulator):
    """A machine that is shut down: that is an end like any other."""
    simulator.set_faults({"method": "POST", "kind": "latency", "ms": 700})
    daemon.create_session(Tag="s", Wait=False)
    wait_for(lambda: simulator.requests(method="POST"))
    daemon.process.terminate()
    daemon.await_notification("STOPPING=1")
    daemon.bus.kill()
    daemon.await_end(0)
    assert LOST not in daemon.log
    come_back(daemon)
    assert daemon.properties(SESSION_1)["Id"] in simulator.state()["sessions"]
