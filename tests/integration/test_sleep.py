# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine that sleeps and wakes up: nothing is cut in half, and nothing of before is trusted."""

import os
import time

import pytest
from jeepney import DBusAddress, HeaderFields, new_method_call

from harness.bus import PrivateBus
from harness.daemon import Daemon
from harness.logind import Logind, sleep_signal
from harness.wait import wait_for

MANAGER_PATH = "/org/convened1"
SESSION_1 = "/org/convened1/session/1"
NOWHERE = "/sessions/00000000-0000-0000-0000-000000000000"
ABOUT_TO_SLEEP = "The machine is about to sleep"
AWAKE = "The machine is awake"
LIST_NAMES = new_method_call(DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus",
                                         "org.freedesktop.DBus"), "ListNames")


class Machine:
    """A daemon, on the bus of the system or of a user, and a logind on the bus of the system."""

    def __init__(self, kind, buses, simulator):
        self.bus, self.system_bus = buses
        self.simulator = simulator
        self.daemon = Daemon(self.bus, base_url=simulator.base_url, kind=kind, environment={
            "DBUS_SYSTEM_BUS_ADDRESS": self.system_bus.address})
        self.logind = Logind(self.system_bus)
        self.lock = None

    def __enter__(self):
        self.daemon.start()
        self.lock = self.logind.give_lock()
        return self

    def __exit__(self, *reason):
        self.logind.close()
        self.daemon.__exit__(*reason)

    def last(self):
        """The number of the last request so far."""
        return max([request["seq"] for request in self.simulator.requests()], default=0)

    def prepare(self):
        """Returns when the daemon has heard of it."""
        n = self.daemon.log.count(ABOUT_TO_SLEEP)
        self.logind.prepare(True)
        wait_for(lambda: self.daemon.log.count(ABOUT_TO_SLEEP) > n)

    def sleep(self):
        self.prepare()
        self.lock.await_release()

    def wake(self):
        self.logind.prepare(False)
        self.lock = self.logind.give_lock()


def reload(daemon, section, **keys):
    daemon.config[section].update(keys)
    daemon.write_config()
    daemon.manager("Reload")


@pytest.fixture(name="machine", params=["system", "session"])
def fixture_machine(request, bus, simulator):
    if request.param == "system":
        with Machine("system", (bus, bus), simulator) as machine:
            yield machine
    else:
        with PrivateBus() as other, Machine("session", (bus, other), simulator) as machine:
            yield machine


@pytest.mark.covers("world: awake")
def test_lock(machine):
    what, who, why, mode = machine.lock.arguments
    assert (what, who, mode) == ("sleep", "convened", "delay") and why
    assert machine.lock.is_held(0.2)
    machine.daemon.stop()
    machine.lock.await_release()


@pytest.mark.covers("world: before sleep")
def test_a_creation_in_flight_is_waited_for(machine):
    """When the lock goes, its id is on disk already, however slow that is."""
    daemon, simulator = machine.daemon, machine.simulator
    hold = daemon.folder.path("hold")
    daemon.kill()
    daemon.preload_fsync(SLOW_FSYNC_HOLD=hold)
    daemon.start()
    machine.lock = machine.logind.give_lock()
    simulator.set_faults({"method": "POST", "kind": "latency", "ms": 700})
    begin = time.monotonic()
    daemon.create_session(Tag="late", Wait=False)
    machine.prepare()
    daemon.folder.write("hold", "")
    wait_for(lambda: simulator.requests(method="POST"))
    assert machine.lock.is_held(1)
    os.unlink(hold)
    machine.lock.await_release()
    assert time.monotonic() - begin < 4
    daemon.kill()
    simulator.set_faults()
    daemon.start()
    session, = simulator.state()["sessions"]
    assert daemon.properties(SESSION_1)["Id"] == session
    assert daemon.properties()["SuspectedOrphans"] == 0
    machine.logind.give_lock()


@pytest.mark.covers("world: before sleep")
def test_nothing_new_is_sent(machine):
    """Calls are taken and stored. What is sent for them comes after waking up, and once."""
    daemon, simulator = machine.daemon, machine.simulator
    machine.sleep()
    last = machine.last()
    path = daemon.create_session(Tag="while asleep", Wait=False)
    daemon.manager("Sync")
    assert daemon.properties(path)["State"] == "pending"
    daemon.kill()
    daemon.start()
    machine.lock = machine.logind.give_lock()
    daemon.await_property(path, "InSync", True)
    machine.sleep()
    last = machine.last()
    other = daemon.create_session(Tag="too", Wait=False)
    assert machine.last() == last
    machine.wake()
    daemon.await_property(other, "InSync", True)
    assert len(simulator.requests(last, method="POST")) == 1
    assert len(simulator.state()["sessions"]) == 2


@pytest.mark.covers("world: before sleep")
def test_the_machine_waits_no_longer_than_a_bound(machine):
    """Five seconds are what logind allows. What is in flight then goes on after waking up."""
    daemon, simulator = machine.daemon, machine.simulator
    reload(daemon, "Api", RequestTimeoutSec=30)
    simulator.set_faults({"method": "POST", "kind": "latency", "ms": 8000, "count": 1})
    daemon.create_session(Tag="slow", Wait=False)
    begin = time.monotonic()
    machine.prepare()
    machine.lock.await_release()
    assert 3.5 < time.monotonic() - begin < 7
    machine.wake()
    daemon.await_property(SESSION_1, "InSync", True)
    assert len(simulator.requests(method="POST")) == 1
    assert daemon.properties()["SuspectedOrphans"] == 0


@pytest.mark.covers("world: after sleep")
def test_everything_is_looked_at_anew(machine):
    """One probe and five reads, over connections that were not there before."""
    daemon, simulator = machine.daemon, machine.simulator
    for n in range(5):
        daemon.create_session(Tag=f"s{n}")
    for n in range(1, 6):  # or what is still to be read goes beside the probe
        daemon.await_property(f"/org/convened1/session/{n}", "SyncedUSec",
                              lambda synced: synced > 0)
    machine.sleep()
    last = machine.last()
    before = {request["connection"] for request in simulator.requests()}
    synced = time.time() * 1e6
    machine.wake()
    for n in range(1, 6):
        daemon.await_property(f"/org/convened1/session/{n}", "SyncedUSec",
                              lambda value: value >= synced)
    after = simulator.requests(last)
    assert [request["method"] for request in after if request["path"] == NOWHERE] == ["GET"]
    assert len(after) == 6 and not before & {request["connection"] for request in after}


@pytest.mark.covers("world: after sleep")
def test_a_request_that_sleep_has_cut_off(machine):
    """A change that was never answered does not wait for its time to be over."""
    daemon, simulator = machine.daemon, machine.simulator
    reload(daemon, "Api", RequestTimeoutSec=60)
    daemon.create_session(Tag="s")
    simulator.set_faults({"method": "DELETE", "kind": "hang", "count": 1})
    daemon.call(SESSION_1, "org.convened1.Session", "Delete", "a{sv}", ({"Wait": ("b", False)},))
    wait_for(lambda: simulator.requests(method="DELETE"))
    machine.sleep()
    machine.wake()
    wait_for(lambda: not simulator.state()["sessions"])
    daemon.await_property(MANAGER_PATH, "SessionCount", 0)
    assert daemon.properties()["ApiState"] == "online"


@pytest.mark.covers("world: after sleep")
def test_an_outage_ends_with_sleep(machine):
    """The pause of an API that could not be reached is not waited for."""
    daemon, simulator = machine.daemon, machine.simulator
    reload(daemon, "Reconcile", RetryMinSec=250, RetryMaxSec=300)
    port = simulator.port
    simulator.stop()
    path = daemon.create_session(Tag="s")
    daemon.await_property(MANAGER_PATH, "ApiState", "offline")
    machine.sleep()
    simulator.start()
    assert simulator.port == port
    machine.wake()
    daemon.await_property(path, "InSync", True)


@pytest.mark.covers("world: logind alone")
def test_nobody_else_puts_it_to_sleep(machine):
    """A signal of that name from somebody else, to all and to the daemon alone."""
    daemon = machine.daemon
    with_name = machine.system_bus.connect()
    for destination in (None, *owners(machine)):
        message = sleep_signal(True)
        if destination:
            message.header.fields[HeaderFields.destination] = destination
        with_name.send(message)
    with_name.close()
    daemon.create_session(Tag="s")
    assert ABOUT_TO_SLEEP not in daemon.log and machine.lock.is_held()


def owners(machine):
    """Everybody on the bus of the system: the daemon is one of them."""
    connection = machine.system_bus.connect()
    message = connection.send_and_get_reply(LIST_NAMES)
    connection.close()
    return [name for name in message.body[0] if name.startswith(":")]


@pytest.mark.covers("world: logind alone")
def test_logind_that_comes_and_goes(machine):
    daemon = machine.daemon
    machine.prepare()
    machine.logind.close()
    wait_for(lambda: AWAKE in daemon.log)
    daemon.create_session(Tag="awake")
    machine.logind = Logind(machine.system_bus)
    machine.lock = machine.logind.give_lock()
    machine.sleep()
    machine.wake()
    daemon.create_session(Tag="awake again")


@pytest.mark.covers("world: logind alone")
def test_a_lock_that_is_refused(machine):
    """It is told of sleep all the same."""
    daemon = machine.daemon
    daemon.stop()
    daemon.start()
    machine.logind.refuse_lock()
    wait_for(lambda: "logind gives no lock" in daemon.log)
    machine.prepare()
    machine.logind.prepare(False)
    wait_for(lambda: AWAKE in daemon.log)
    machine.logind.refuse_lock()
    daemon.create_session(Tag="awake")


@pytest.mark.covers("world: after sleep")
def test_a_user_daemon_outlives_the_system_bus(bus, simulator):
    """It connects again, and takes its lock again."""
    with PrivateBus() as system_bus, Machine("session", (bus, system_bus), simulator) as machine:
        machine.logind.close()
        system_bus.restart()
        machine.logind = Logind(system_bus)
        machine.lock = machine.logind.give_lock(20)
        machine.sleep()
        machine.wake()
        machine.daemon.create_session(Tag="s")
