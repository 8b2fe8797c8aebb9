# SPDX-License-Identifier: LGPL-2.1-or-later
"""Keys of the configuration, by what the daemon does with them from end to end."""

import contextlib
import socket

import pytest

from harness.daemon import PATH, Daemon
from harness.stage import S1, Stage
from harness.wait import wait_for

NEVER = {"ResyncIntervalSec": 3600}


@contextlib.contextmanager
def black_hole():
    """A port that takes no connection: its queue is full, and who comes then waits."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@pytest.mark.covers("configuration: [Api] ConnectTimeoutSec")
@pytest.mark.parametrize("timeout, state", [("0.2", "offline"), ("60", "unknown")])
def test_connect_timeout(bus, timeout, state):
    config = {"Api": {"ConnectTimeoutSec": timeout, "RequestTimeoutSec": 100},
              "Bus": {"ReplyTimeoutSec": 2}}
    with black_hole() as port, \
            Daemon(bus, base_url=f"http://127.0.0.1:{port}/v1", config=config) as daemon:
        # It is answered when the attempt has failed, or after ReplyTimeoutSec.
        daemon.create_session()
        assert daemon.properties()["ApiState"] == state
        daemon.kill()


@pytest.mark.covers("configuration: [Api] RequestTimeoutSec")
@pytest.mark.parametrize("timeout, n_suspected", [("0.2", 1), ("60", 0)])
def test_request_timeout(timeout, n_suspected):
    config = {"Api": {"RequestTimeoutSec": timeout}, "Bus": {"ReplyTimeoutSec": 2},
              "Reconcile": {**NEVER, "CreateRepeats": 0}}
    with Stage(config) as stage:
        stage.simulator.set_faults({"method": "POST", "kind": "hang"})
        stage.session(Wait=False)
        wait_for(lambda: stage.simulator.requests(method="POST"))
        if n_suspected:
            stage.daemon.await_property(S1, "State", "failed")
        assert stage.get(PATH)["SuspectedOrphans"] == n_suspected
        stage.daemon.kill()


@pytest.mark.covers("configuration: [Api] Proxy")
def test_proxy(bus):
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        config = {"Api": {"Proxy": f"http://127.0.0.1:{proxy.getsockname()[1]}"}}
        proxy.settimeout(10)
        with Daemon(bus, base_url="http://127.0.0.1:9/v1", config=config) as daemon:
            daemon.create_session(Wait=False)
            with proxy.accept()[0] as asked:
                asked.settimeout(10)
                line = asked.makefile("rb").readline()
            assert line == b"POST http://127.0.0.1:9/v1/accounts/9900000/sessions HTTP/1.1\r\n"
            daemon.kill()


@pytest.mark.covers("configuration: [Api] MaxConcurrentRequests")
@pytest.mark.parametrize("n_max", [1, 3])
def test_concurrent_requests(n_max):
    with Stage({"Api": {"MaxConcurrentRequests": n_max}, "Reconcile": NEVER}) as stage:
        stage.simulator.set_faults({"method": "POST", "kind": "hang", "effect": False})
        for _ in range(8):
            stage.session(Wait=False)
        wait_for(lambda: len(stage.simulator.requests()) >= n_max)
        # A caller who waits is behind those, too.
        stage.daemon.manager("Sync")
        assert stage.get(PATH)["PendingCount"] == 8
        assert len(stage.simulator.requests()) == n_max
        stage.daemon.kill()


@pytest.mark.covers("configuration: [Reconcile] CreateRepeats")
@pytest.mark.parametrize("repeats", [0, 1, 3])
def test_create_repeats(repeats):
    with Stage({"Reconcile": {**NEVER, "CreateRepeats": repeats}}) as stage:
        stage.simulator.set_faults({"method": "POST", "kind": "drop"})
        stage.session(Wait=False)
        stage.daemon.await_property(S1, "State", "failed")
        assert len(stage.simulator.requests(method="POST")) == 1 + repeats
        assert stage.get(PATH)["SuspectedOrphans"] == 1 + repeats


@pytest.mark.covers("configuration: [Reconcile] RetryMinSec",
                    "configuration: [Reconcile] RetryMaxSec", "property: Session.Attempts")
@pytest.mark.parametrize("low, high", [(0.01, 0.02), (0.01, 0.3)])
def test_retries(low, high):
    """However many have failed, no pause is longer; each is drawn, so that only bounds hold."""
    with Stage({"Reconcile": {**NEVER, "RetryMinSec": low, "RetryMaxSec": high}}) as stage:
        stage.session()
        stage.simulator.set_faults({"method": "DELETE", "kind": "status", "status": 500})
        stage.delete(S1, Wait=False)
        stage.daemon.await_property(S1, "Attempts", lambda n: n >= 15)
        times = [item["time"] for item in stage.simulator.requests(method="DELETE")]
        pauses = [after - before for before, after in zip(times, times[1:])]
        # What was sent in time may be late in arriving on a busy machine: seldom all of it.
        assert sorted(pauses)[len(pauses) // 2] <= high + 0.1
        if high > 0.1:
            assert max(pauses) > 0.03
        stage.simulator.set_faults()
        wait_for(lambda: S1 not in stage.list("Sessions")[0])
