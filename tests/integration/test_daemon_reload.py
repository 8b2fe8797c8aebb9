# SPDX-License-Identifier: LGPL-2.1-or-later
"""Manager.Reload and SIGHUP: configuration and credentials that change while the daemon runs."""

import os
import re
import signal
import socket
import time

import pytest

from harness.bus import BusError
from harness.busctl import Busctl, BusctlError
from harness.daemon import PATH, Daemon
from harness.simulator import Simulator
from harness.stage import QUIET
from harness.tls import Certificate
from harness.wait import wait_for

INVALID = "org.freedesktop.DBus.Error.InvalidFileContent"
CANARY = "canary-5d20"
# Nothing that would cure by itself what only Reload is to cure.
PATIENT = {"Reconcile": {"RetryMinSec": 300, "RetryMaxSec": 300, "ResyncIntervalSec": 3600}}


@pytest.fixture(name="daemon")
def fixture_daemon(bus, simulator):
    with Daemon(bus, base_url=simulator.base_url, config=QUIET) as daemon:
        yield daemon


def reload(daemon, section=None, **keys):
    """Writes the configuration with these keys changed, and has it read."""
    if section:
        daemon.config[section].update(keys)
    daemon.write_config()
    daemon.manager("Reload")


def refused(daemon):
    """The message of a Reload that must fail."""
    with pytest.raises(BusError) as caught:
        daemon.manager("Reload")
    assert caught.value.name == INVALID, caught.value
    assert "Not reloaded, and what was in force stays: " + caught.value.message in daemon.log
    return caught.value.message


def write_credentials(daemon, text, mode=0o600):
    return daemon.folder.write("credentials", text, mode)


def managed(daemon):
    return daemon.call(PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")[0]


def descriptors(daemon):
    return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))


@pytest.mark.covers("configuration: [Api] RequestsPerSec", "method: Manager.Reload")
def test_more_budget(bus, simulator):
    """At one request in two seconds this would take forty."""
    config = {"Api": {"RequestsPerSec": 0.5, "RequestBurst": 1}, **QUIET}
    with Daemon(bus, base_url=simulator.base_url, config=config) as daemon:
        for _ in range(20):
            daemon.create_session(Wait=False)
        wait_for(lambda: simulator.requests(method="POST"))
        assert len(simulator.requests()) <= 3
        reload(daemon, "Api", RequestsPerSec=1000, RequestBurst=100)
        daemon.await_property(PATH, "PendingCount", 0, timeout=10)
        assert len(simulator.requests(method="POST")) == 20


def test_less_budget(daemon, simulator):
    for _ in range(20):
        daemon.create_session()
    reload(daemon, "Api", RequestsPerSec=0.01, RequestBurst=1)
    before = len(simulator.requests())
    reload(daemon, "Bus", ReplyTimeoutSec=1)
    for _ in range(3):
        daemon.create_session()
    assert len(simulator.requests()) - before <= 1
    assert daemon.properties()["PendingCount"] >= 2


@pytest.mark.covers("configuration: [Reconcile] ResyncIntervalSec")
def test_a_shorter_interval_begins_now(daemon, simulator):
    daemon.create_session()
    before = len(simulator.requests())
    reload(daemon, "Reconcile", ResyncIntervalSec=0.2)
    wait_for(lambda: len(simulator.requests(method="GET")) >= before + 5)


@pytest.mark.covers("configuration: [Bus] MaxManagedObjects")
def test_limits_of_the_bus(daemon):
    daemon.create_session(), daemon.create_session()
    reload(daemon, "Bus", MaxManagedObjects=1)
    with pytest.raises(BusError) as caught:
        managed(daemon)
    assert caught.value.name == "org.freedesktop.DBus.Error.LimitsExceeded"
    reload(daemon, "Bus", MaxManagedObjects=2)
    assert len(managed(daemon)) == 2


@pytest.mark.covers("configuration: [Bus] ReplyTimeoutSec")
def test_reply_timeout_holds_for_who_waits(daemon, simulator):
    simulator.set_faults({"method": "POST", "kind": "hang"})
    begin = time.monotonic()
    reload(daemon, "Bus", ReplyTimeoutSec=1)
    path = daemon.create_session()
    assert 0.9 <= time.monotonic() - begin < 4
    assert daemon.properties(path)["State"] == "pending"
    daemon.kill()


@pytest.mark.covers("daemon: drop-ins", "daemon: unknown key")
def test_drop_ins_and_warnings(daemon):
    path = daemon.folder.write("convened.conf.d/50-x.conf",
                               "[Bus]\n\nMaxManagedObjects=0\nColour=red\n[Fruit]\nApple=1\n")
    reload(daemon)
    daemon.create_session()
    with pytest.raises(BusError):
        managed(daemon)
    assert f"{path}:4: Unknown key Colour= in section [Bus], ignored." in daemon.log
    assert f"{path}:5: Unknown section [Fruit], ignored." in daemon.log
    os.unlink(path)
    reload(daemon)
    assert len(managed(daemon)) == 1


@pytest.mark.covers("method: Manager.Reload", "daemon: Reload", "daemon: unusable value")
@pytest.mark.parametrize("section, key, value, expect", [
    ("Api", "AccountId", None, "AccountId= in [Api] is not set"),
    ("Api", "BaseUrl", "http://api.webrtc.bandwidth.com/v1", r"conf:\d+: BaseUrl= .* loopback"),
    ("Api", "RequestBurst", "many", r"conf:\d+: RequestBurst= in \[Api\] can't be used: expected"),
    ("Api", "CAFile", "/nowhere/ca.pem", "/nowhere/ca.pem can't be read: No such file"),
    ("Api", "CAFile", "/etc/passwd", "/etc/passwd has no certificate in it"),
    ("Api", "CredentialsFile", "/nowhere/user", "/nowhere/user can't be read: No such file"),
    ("Bus", "[Bus", "", r"conf:\d+: a section is written \[Name\]"),
])
def test_bad_configuration(daemon, section, key, value, expect):
    """Nothing of it is in force, not even what was good."""
    daemon.create_session()
    kept = {name: dict(keys) for name, keys in daemon.config.items()}
    daemon.config["Bus"]["MaxManagedObjects"] = 0
    daemon.config[section][key] = value
    daemon.write_config()
    message = refused(daemon)
    assert re.search(expect.replace("[Api] is", r"\[Api\] is"), message), message
    assert len(managed(daemon)) == 1
    daemon.create_session()
    daemon.config = kept
    reload(daemon)


def test_missing_configuration(daemon):
    os.unlink(daemon.folder.path("convened.conf"))
    assert "convened.conf: no such file" in refused(daemon)
    daemon.create_session()


def test_a_name_that_is_no_text(daemon):
    """It can't be said on the bus, but the call is answered."""
    os.makedirs(daemon.folder.path("convened.conf.d"))
    os.symlink("nothing", os.fsencode(daemon.folder.path("convened.conf.d/")) + b"\xff.conf")
    with pytest.raises(BusError) as caught:
        daemon.manager("Reload")
    assert caught.value.name == INVALID and "log" in caught.value.message


@pytest.mark.covers("daemon: state of another account")
@pytest.mark.parametrize("key, value", [("AccountId", "8800000"),
                                        ("BaseUrl", "http://127.0.0.1:9/v1")])
def test_what_the_state_belongs_to(daemon, key, value):
    daemon.create_session()
    before = daemon.properties()
    kept = daemon.config["Api"][key]
    daemon.config["Api"][key] = value
    daemon.write_config()
    message = refused(daemon)
    assert f"{key}= in [Api]" in message and "restart convened" in message
    daemon.create_session()
    after = daemon.properties()
    assert (after["AccountId"], after["BaseUrl"]) == (before["AccountId"], before["BaseUrl"])
    reload(daemon, "Api", **{key: kept})


@pytest.fixture(name="guarded")
def fixture_guarded():
    with Simulator(credentials="user:" + CANARY) as simulator:
        yield simulator


def unauthorized(daemon):
    with pytest.raises(BusError) as caught:
        daemon.create_session()
    assert caught.value.name == "org.convened1.Error.Unauthorized"
    daemon.await_property(PATH, "ApiState", "unauthorized")


@pytest.mark.covers("configuration: [Api] CredentialsFile")
def test_good_credentials_heal(bus, guarded):
    with Daemon(bus, base_url=guarded.base_url, credentials="user:wrong",
                config=PATIENT) as daemon:
        unauthorized(daemon)
        write_credentials(daemon, "user:" + CANARY + "\n")
        daemon.manager("Reload")
        daemon.await_property(PATH, "ApiState", "online")
        daemon.create_session()
        daemon.stop()
        assert CANARY not in daemon.log


def test_credentials_where_there_were_none(bus, guarded):
    with Daemon(bus, base_url=guarded.base_url, credentials=None, config=PATIENT) as daemon:
        unauthorized(daemon)
        assert "CredentialsFile=" in refused(daemon)
        reload(daemon, "Api", CredentialsFile=write_credentials(daemon, "user:" + CANARY))
        daemon.await_property(PATH, "ApiState", "online")
        daemon.create_session()


def test_wrong_credentials(bus, guarded):
    """They can be read, so they are in force; the API says what it thinks of them."""
    with Daemon(bus, base_url=guarded.base_url, credentials="user:" + CANARY,
                config=PATIENT) as daemon:
        session = daemon.create_session()
        write_credentials(daemon, "user:wrong")
        daemon.manager("Reload")
        unauthorized(daemon)
        assert daemon.properties(session)["State"] == "active"
        write_credentials(daemon, "user:" + CANARY)
        daemon.manager("Reload")
        daemon.await_property(PATH, "ApiState", "online")


def test_an_answer_to_old_credentials(bus, guarded):
    """It comes when the new ones are in force, and must not stand in their way."""
    guarded.set_faults({"method": "POST", "kind": "latency", "ms": 700})
    with Daemon(bus, base_url=guarded.base_url, credentials="user:wrong",
                config=PATIENT) as daemon:
        daemon.create_session(Wait=False)
        wait_for(lambda: daemon.properties()["PendingCount"] == 1)
        write_credentials(daemon, "user:" + CANARY)
        daemon.manager("Reload")
        wait_for(lambda: guarded.requests(method="POST", status=401))
        daemon.await_property(PATH, "PendingCount", 0)
        assert daemon.properties()["SessionCount"] == 1


@pytest.mark.parametrize("spoil, expect", [
    (lambda path: os.chmod(path, 0o640), "may be read by others"),
    (os.unlink, "No such file"),
    (lambda path: os.truncate(path, 0), "user:password"),
])
def test_bad_credentials(bus, guarded, spoil, expect):
    with Daemon(bus, base_url=guarded.base_url, credentials="user:" + CANARY,
                config=PATIENT) as daemon:
        daemon.create_session()
        spoil(daemon.config["Api"]["CredentialsFile"])
        message = refused(daemon)
        assert expect in message and daemon.config["Api"]["CredentialsFile"] in message
        daemon.create_session()
        assert daemon.properties()["ApiState"] == "online"
        daemon.stop()
        assert CANARY not in daemon.log


def test_a_request_in_flight_ends_where_it_began(daemon, simulator):
    simulator.set_faults({"method": "POST", "kind": "latency", "ms": 500})
    path = daemon.create_session(Wait=False)
    daemon.manager("Reload")
    daemon.await_property(path, "State", "active")
    assert len(simulator.requests(method="POST")) == 1
    assert daemon.properties()["SuspectedOrphans"] == 0


@pytest.mark.covers("configuration: [Api] CAFile")
def test_certificates(bus, simulator_with):
    """Offline for want of trust; with the right file the API is asked at once."""
    right, wrong = Certificate(), Certificate()
    secure = simulator_with("--tls-cert=" + right.certificate, "--tls-key=" + right.key,
                            certificate=right.certificate)
    with Daemon(bus, base_url=secure.base_url, config={
            "Api": {"CAFile": wrong.certificate}, **PATIENT}) as daemon:
        daemon.create_session()
        daemon.await_property(PATH, "ApiState", "offline")
        reload(daemon, "Api", CAFile=right.certificate)
        daemon.await_property(PATH, "ApiState", "online")


def told(daemon, last):
    daemon.notified = []
    before = time.clock_gettime(time.CLOCK_MONOTONIC)
    daemon.manager("Reload") if last == "method" else daemon.process.send_signal(signal.SIGHUP)
    daemon.await_notification("READY=1")
    lines = [line for line in daemon.notified if not line.startswith(("STATUS=", "WATCHDOG="))]
    assert [line.partition("=")[0] for line in lines] == ["RELOADING", "MONOTONIC_USEC", "READY"]
    assert lines[0] == "RELOADING=1"
    at = int(lines[1].partition("=")[2]) / 1e6
    assert before - 1e-3 <= at <= time.clock_gettime(time.CLOCK_MONOTONIC)


@pytest.mark.covers("daemon: RELOADING")
@pytest.mark.parametrize("how", ["method", "signal"])
def test_the_service_manager_is_told(daemon, how):
    told(daemon, how)
    told(daemon, how)


@pytest.mark.covers("unix signal: convened SIGHUP")
def test_hangup(daemon):
    daemon.create_session()
    daemon.config["Bus"]["MaxManagedObjects"] = 0
    daemon.write_config()
    told(daemon, "signal")
    with pytest.raises(BusError):
        managed(daemon)

    daemon.config["Bus"]["MaxManagedObjects"] = "many"
    daemon.write_config()
    told(daemon, "signal")
    assert re.search(r"Not reloaded, and what was in force stays: .*convened.conf:\d+: "
                     "MaxManagedObjects=", daemon.log)
    with pytest.raises(BusError):
        managed(daemon)
    daemon.create_session()


def test_hangup_while_stopping(bus, simulator):
    with Daemon(bus, base_url=simulator.base_url,
                config={"Api": {"RequestTimeoutSec": 1}}) as daemon:
        simulator.set_faults({"method": "POST", "kind": "hang"})
        daemon.create_session(Wait=False)
        wait_for(lambda: simulator.requests(fault="hang"))
        daemon.notified = []
        daemon.process.send_signal(signal.SIGTERM)
        daemon.await_notification("STOPPING=1")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.await_end(0, timeout=5)
        assert "have been read again" in daemon.log
        with pytest.raises(BlockingIOError):
            while True:
                text = daemon.notify_socket.recv(4096, socket.MSG_DONTWAIT).decode()
                assert "RELOADING" not in text and "READY" not in text
        simulator.set_faults()


@pytest.mark.covers("method: Manager.Reload")
def test_busctl(daemon, bus):
    busctl = Busctl(bus)
    assert busctl.manager("Reload") == []
    daemon.config["Api"]["RequestBurst"] = "many"
    daemon.write_config()
    with pytest.raises(BusctlError, match=r"RequestBurst= in \[Api\] can't be used"):
        busctl.manager("Reload")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can look into the daemon")
def test_nothing_is_left_over(daemon, simulator):
    daemon.create_session()
    told(daemon, "method")
    daemon.create_session()
    before = descriptors(daemon)
    for _ in range(30):
        told(daemon, "method")
        daemon.create_session()
    wait_for(lambda: descriptors(daemon) <= before)
    assert len(simulator.state()["sessions"]) == 32
