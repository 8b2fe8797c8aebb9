# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clocks that are set, and clocks that go on while the machine sleeps."""

import mmap
import os
import signal
import struct
import time

import pytest

from harness.daemon import Daemon
from harness.programs import build_directory
from harness.wait import wait_for

MANAGER_PATH = "/org/convened1"
SESSION_1 = "/org/convened1/session/1"
NOWHERE = "/sessions/00000000-0000-0000-0000-000000000000"
AWAKE = "The machine is awake"
DAY = 24 * 3600
JUMPS = {"ten years ahead": 3650 * DAY, "ten years back": -3650 * DAY}


class Clocks:
    """How far the daemon's are ahead."""

    def __init__(self, daemon):
        path = daemon.folder.write("clocks", "\0" * mmap.PAGESIZE)
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self.realtime = self.boottime = 0
        daemon.environment.update(
            LD_PRELOAD=os.path.join(build_directory(), "tests/integration/clocks.so"),
            CLOCKS_FILE=path,
            ASAN_OPTIONS="detect_leaks=1:halt_on_error=1:verify_asan_link_order=0")

    def set(self, realtime=0, boottime=0):
        """In seconds; both move while the machine sleeps, the first alone when it is set."""
        self.map[0:16] = struct.pack("=qq", int(realtime * 1e6), int(boottime * 1e6))


@pytest.fixture(name="daemon")
def fixture_daemon(bus, simulator):
    daemon = Daemon(bus, base_url=simulator.base_url,
                    config={"Bus": {"ReplyTimeoutSec": 2}, "Reconcile": {"RetryMaxSec": 300}})
    daemon.clocks = Clocks(daemon)
    with daemon:
        daemon.create_session(Tag="s")
        daemon.await_property(SESSION_1, "SyncedUSec", lambda synced: synced > 0)
        yield daemon


def last(simulator):
    return max([request["seq"] for request in simulator.requests()], default=0)


def throttle(daemon, simulator, seconds):
    """A creation that the API asks patience for; when that was."""
    simulator.set_faults({"method": "POST", "kind": "status", "status": 429,
                          "retry_after": seconds, "count": 1})
    daemon.create_session(Tag="throttled", Wait=False)
    daemon.await_property(MANAGER_PATH, "ApiState", "throttled")
    return time.monotonic()


@pytest.mark.covers("daemon: EXTEND_TIMEOUT")
def test_more_time_to_stop(daemon, simulator):
    """Asked for in time, again and again, and only while a creation is in flight."""
    simulator.set_faults({"method": "POST", "kind": "latency", "ms": 3000})
    daemon.create_session(Wait=False)
    wait_for(lambda: len(simulator.state()["sessions"]) == 2)
    daemon.notified = []
    daemon.process.send_signal(signal.SIGTERM)
    daemon.await_notification("EXTEND_TIMEOUT_USEC=20000000")
    assert "STOPPING=1" in daemon.notified
    assert "STATUS=Stopping, and waiting for 1 creation in flight" in daemon.notified
    daemon.notified = []
    daemon.clocks.set(boottime=10)
    daemon.await_notification("EXTEND_TIMEOUT_USEC=20000000", timeout=2)
    daemon.notified = []
    daemon.await_end(0)
    daemon.hear()
    assert daemon.notified == ["STATUS=Stopped; what was accepted is on disk"]


@pytest.mark.covers("world: clock")
@pytest.mark.parametrize("jump", JUMPS)
def test_the_time_is_set(daemon, simulator, jump):
    """What waits for a time goes on waiting for it; what people read is the new time."""
    begin = throttle(daemon, simulator, 3)
    after = last(simulator)
    daemon.clocks.set(realtime=JUMPS[jump])
    now = (time.time() + JUMPS[jump]) * 1e6
    assert abs(daemon.properties("/org/convened1/session/2")["NextAttemptUSec"] - now) < 10e6
    path = daemon.create_session(Tag="now", Wait=False)
    assert abs(daemon.properties(path)["CreatedUSec"] - now) < 10e6
    daemon.await_property("/org/convened1/session/2", "InSync", True)
    assert 2.5 < time.monotonic() - begin < 10
    requests = simulator.requests(after)
    assert requests[0]["path"] == NOWHERE
    assert len(requests) <= 8, requests
    assert AWAKE not in daemon.log
    assert daemon.properties()["SessionCount"] == len(simulator.state()["sessions"]) == 3


@pytest.mark.covers("world: clock")
@pytest.mark.parametrize("jump", JUMPS)
def test_the_time_is_set_while_somebody_waits(daemon, simulator, jump):
    """Neither at once nor never: after ReplyTimeoutSec."""
    simulator.set_faults({"method": "POST", "kind": "latency", "ms": 4000})
    caller = daemon.bus.connect()
    begin = time.monotonic()
    daemon.send(caller, "CreateSession")
    wait_for(lambda: simulator.requests(method="POST")[1:])
    daemon.clocks.set(realtime=JUMPS[jump])
    daemon.properties()
    caller.receive(timeout=20)
    while caller.receive(timeout=20).header.message_type.name != "method_return":
        pass
    assert 1.9 < time.monotonic() - begin < 3.9
    caller.close()


@pytest.mark.covers("world: after sleep")
def test_sleep_that_nobody_told_of(daemon, simulator):
    """The pause that the API has asked for goes on while the machine sleeps."""
    throttle(daemon, simulator, 250)
    after = last(simulator)
    before = {request["connection"] for request in simulator.requests()}
    daemon.clocks.set(realtime=3600, boottime=3600)
    # Whatever has it look: on a machine that wakes up it is a timer.
    daemon.properties()
    wait_for(lambda: f"{AWAKE} after 3600 seconds of sleep" in daemon.log)
    daemon.await_property("/org/convened1/session/2", "InSync", True)
    requests = simulator.requests(after)
    assert requests[0]["path"] == NOWHERE
    assert len([request for request in requests if request["path"] == NOWHERE]) == 1
    assert not before & {request["connection"] for request in requests}
    assert daemon.log.count(AWAKE) == 1
