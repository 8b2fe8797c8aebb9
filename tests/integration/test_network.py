# SPDX-License-Identifier: LGPL-2.1-or-later
"""Addresses and routes that come and go, and name servers that change."""

import os

import pytest

from harness.daemon import Daemon
from harness.network import Network
from harness.simulator import Simulator
from harness.tls import Certificate
from harness.wait import wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can have a network")

MANAGER_PATH = "/org/convened1"
NOWHERE = "/sessions/00000000-0000-0000-0000-000000000000"
HERE = "10.9.0.1"
CHANGED = "The network of the machine has changed"
NOTED = "The machine has changed: "


@pytest.fixture(name="network")
def fixture_network():
    with Network() as network:
        network.add(HERE)
        yield network


@pytest.fixture(name="api")
def fixture_api(network):
    """A simulator that can be reached at HERE, and by the test in any case."""
    assert network
    certificate = Certificate(f"IP:{HERE},IP:127.0.0.1,DNS:api.test")
    simulator = Simulator("--listen=0.0.0.0:0", "--tls-cert=" + certificate.certificate,
                          "--tls-key=" + certificate.key, certificate=certificate.certificate)
    with simulator:
        simulator.url = f"https://127.0.0.1:{simulator.port}"
        yield simulator


@pytest.fixture(name="daemon")
def fixture_daemon(bus, api):
    """Once it could not reach the API it is in no hurry to try again."""
    with Daemon(bus, base_url=f"https://{HERE}:{api.port}/v1", config={
            "Api": {"CAFile": api.certificate},
            "Reconcile": {"RetryMinSec": 250, "RetryMaxSec": 300, "ResyncIntervalSec": 600},
    }) as daemon:
        daemon.create_session(Tag="s")
        daemon.await_property("/org/convened1/session/1", "SyncedUSec", lambda synced: synced > 0)
        yield daemon


def last(api):
    return max([request["seq"] for request in api.requests()], default=0)


def probes(api, after):
    return [request for request in api.requests(after) if request["path"] == NOWHERE]


@pytest.mark.covers("world: addresses and routes")
def test_an_address_comes_back(network, daemon, api):
    """What waits follows at once, and not when the pause is over."""
    network.remove(HERE)
    path = daemon.create_session(Tag="later", Wait=False)
    daemon.await_property(MANAGER_PATH, "ApiState", "offline")
    network.add(HERE)
    daemon.await_property(path, "InSync", True)
    assert len(api.requests(method="POST")) == 2
    assert daemon.properties()["SuspectedOrphans"] == 0


@pytest.mark.covers("world: addresses and routes")
def test_connections_are_made_anew(network, daemon, api):
    after = last(api)
    before = {request["connection"] for request in api.requests()}
    network.add("10.9.0.2")
    wait_for(lambda: len(api.requests(after)) >= 2)
    requests = api.requests(after)
    assert requests[0]["path"] == NOWHERE
    assert not before & {request["connection"] for request in requests}
    assert daemon.log.count(CHANGED + " (its addresses)") == 1


@pytest.mark.covers("world: addresses and routes")
def test_requests_over_an_address_that_is_gone(network, daemon, api):
    """They are not waited for."""
    daemon.config["Api"]["RequestTimeoutSec"] = 120
    daemon.config["Reconcile"].update(RetryMinSec=0.1)
    daemon.write_config()
    daemon.manager("Reload")
    api.set_faults({"method": "DELETE", "kind": "hang", "count": 1})
    daemon.call("/org/convened1/session/1", "org.convened1.Session", "Delete", "a{sv}",
                ({"Wait": ("b", False)},))
    wait_for(lambda: api.requests(method="DELETE"))
    network.remove(HERE)
    network.add(HERE)
    wait_for(lambda: not api.state()["sessions"])
    daemon.await_property(MANAGER_PATH, "SessionCount", 0)


@pytest.mark.covers("world: addresses and routes")
def test_a_creation_over_an_address_that_comes_back(network, daemon, api):
    """Its answer may come still; nobody but it can tell."""
    api.set_faults({"method": "POST", "kind": "latency", "ms": 2500})
    path = daemon.create_session(Tag="slow", Wait=False)
    after = last(api)
    network.add("10.9.0.2")
    wait_for(lambda: probes(api, after))
    daemon.await_property(path, "InSync", True)
    assert len(api.requests(method="POST")) == 2
    assert daemon.properties()["SuspectedOrphans"] == 0


@pytest.mark.covers("world: addresses and routes")
@pytest.mark.parametrize("change", ["add", "del"])
def test_a_default_route(network, daemon, api, change):
    if change == "del":
        network.ip("route", "add", "default", "dev", "lo")
        wait_for(lambda: CHANGED in daemon.log)
    after, n = last(api), daemon.log.count(CHANGED)
    network.ip("route", change, "default", "dev", "lo")
    wait_for(lambda: daemon.log.count(CHANGED + " (its default route)") == n + 1)
    wait_for(lambda: probes(api, after))


@pytest.mark.covers("world: addresses and routes")
def test_what_says_nothing_of_the_way(network, daemon, api):
    """Routes to somewhere, addresses of this machine or of a link alone, and what is known."""
    after = last(api)
    network.ip("route", "add", "10.8.0.0/16", "dev", "lo")
    network.ip("route", "add", "default", "dev", "lo", "table", "77")
    network.ip("address", "add", "127.0.0.9/32", "dev", "lo", "scope", "host")
    network.ip("address", "add", "169.254.0.9/32", "dev", "lo", "scope", "link")
    network.ip("-6", "address", "add", "fe80::9/128", "dev", "lo", "nodad")
    network.ip("address", "change", HERE + "/32", "dev", "lo", "valid_lft", "4000",
               "preferred_lft", "4000")
    # What comes last is told of last.
    network.add("10.9.0.2")
    wait_for(lambda: probes(api, after))
    assert daemon.log.count(NOTED) == 1
    network.ip("-6", "address", "add", "fd00::9/128", "dev", "lo", "nodad")
    wait_for(lambda: daemon.log.count(CHANGED) == 2)
    assert daemon.log.count(NOTED) == 2


@pytest.mark.covers("world: flapping")
def test_a_link_that_flaps(network, daemon, api):
    """A hundred changes are answered by a probe or two."""
    after = last(api)
    for _ in range(50):
        network.add("10.9.0.2")
        network.remove("10.9.0.2")
    wait_for(lambda: probes(api, after))
    daemon.create_session(Tag="it lives")
    assert len(probes(api, after)) <= 4
    assert daemon.log.count(CHANGED) <= 4
