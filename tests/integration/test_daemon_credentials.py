# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where user and password may come from, and what happens without them."""

import os
import resource
import signal

import pytest

from harness.bus import BusError
from harness.daemon import Daemon
from harness.simulator import Simulator

CANARY = "canary-8f1c"


@pytest.fixture(name="simulator")
def fixture_simulator():
    with Simulator(credentials="user:" + CANARY) as simulator:
        yield simulator


def daemon_with(bus, simulator, **options):
    return Daemon(bus, base_url=simulator.base_url, **options)


def assert_sends_nothing(daemon, simulator):
    assert daemon.properties()["ApiState"] == "unauthorized"
    with pytest.raises(BusError) as error:
        daemon.create_session(Tag="x")
    assert error.value.name == "org.convened1.Error.Unauthorized"
    daemon.stop()
    assert not simulator.requests()


@pytest.mark.covers("configuration: [Api] CredentialsFile", "state: API online")
def test_a_good_file(bus, simulator):
    with daemon_with(bus, simulator, credentials="user:" + CANARY) as daemon:
        daemon.create_session(Tag="x")
        assert daemon.properties()["ApiState"] == "online"
        # The latter is for root alone to see.
        for name in ("cmdline", "environ")[:1 if os.getuid() else 2]:
            with open(f"/proc/{daemon.process.pid}/{name}", "rb") as file:
                assert CANARY.encode() not in file.read()
        daemon.stop()
        assert CANARY not in daemon.log


@pytest.mark.covers("configuration: [Api] CredentialsFile", "state: API unauthorized",
                    "daemon: credentials' file", "daemon: no usable credentials")
@pytest.mark.parametrize("spoil, reason", [
    (lambda path: os.chmod(path, 0o644), "may be read by others"),
    (lambda path: os.chmod(path, 0o640), "may be read by others"),
    (os.unlink, "No such file"),
    (lambda path: os.truncate(path, 0), "user:password"),
])
def test_an_unusable_file(bus, simulator, spoil, reason):
    daemon = daemon_with(bus, simulator, credentials="user:" + CANARY)
    spoil(daemon.config["Api"]["CredentialsFile"])
    with daemon:
        assert reason in daemon.log
        assert_sends_nothing(daemon, simulator)
        assert CANARY not in daemon.log


@pytest.mark.covers("daemon: no usable credentials", "daemon: STATUS")
def test_none_at_all(bus, simulator):
    with daemon_with(bus, simulator, credentials=None) as daemon:
        assert "CredentialsFile=" in daemon.log
        daemon.await_status("No usable credentials for the API since [^,;]*; 0 sessions, "
                            "0 participants")
        assert_sends_nothing(daemon, simulator)


@pytest.mark.covers("environment: convened CREDENTIALS_DIRECTORY",
                    "daemon: credentials in systemd's folder")
def test_systemd_credential(bus, simulator):
    daemon = daemon_with(bus, simulator, credentials=None)
    path = daemon.folder.write("given/api", "user:" + CANARY, mode=0o440)
    daemon.environment["CREDENTIALS_DIRECTORY"] = os.path.dirname(path)
    with daemon:
        daemon.create_session(Tag="x")
        assert daemon.properties()["ApiState"] == "online"


def ends_by_dumping(pid):
    """Whether a process that gets SIGQUIT, which no sanitizer takes, leaves its memory behind."""
    os.kill(pid, signal.SIGQUIT)
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT).si_code == os.CLD_DUMPED


@pytest.fixture(name="dumps")
def fixture_dumps(tmp_path, monkeypatch):
    """A shell in which a crash leaves a dump: "ulimit -c unlimited"."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    monkeypatch.chdir(tmp_path)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    sleep = os.posix_spawnp("sleep", ["sleep", "600"], os.environ)
    dumped = ends_by_dumping(sleep)
    os.waitpid(sleep, 0)
    if not dumped:
        resource.setrlimit(resource.RLIMIT_CORE, before)
        pytest.skip("nothing is dumped on this machine")
    for path in tmp_path.iterdir():
        path.unlink()
    yield tmp_path
    resource.setrlimit(resource.RLIMIT_CORE, before)


@pytest.mark.covers("daemon: dumps")
def test_no_dump(bus, simulator, dumps):
    """Of a daemon that no unit limits."""
    with daemon_with(bus, simulator, credentials="user:" + CANARY) as daemon:
        assert not ends_by_dumping(daemon.process.pid)
        daemon.await_end(-signal.SIGQUIT)
    assert not list(dumps.iterdir())


def test_a_wrong_password(bus, simulator):
    """What was accepted before is kept; what waits is refused."""
    with daemon_with(bus, simulator, credentials="user:wrong") as daemon:
        with pytest.raises(BusError) as error:
            daemon.create_session(Tag="x")
        assert error.value.name == "org.convened1.Error.Unauthorized"
        daemon.await_property("/org/convened1", "ApiState", "unauthorized")
        assert daemon.properties()["SessionCount"] == 0
        daemon.await_status("API refuses the credentials since [^,;]*, next try [0-9:]{8}; "
                            "0 sessions, 0 participants")


def test_a_wrong_account(bus, simulator):
    with daemon_with(bus, simulator, credentials="user:" + CANARY, account="1234567") as daemon:
        with pytest.raises(BusError) as error:
            daemon.create_session(Tag="x")
        assert error.value.name in ("org.convened1.Error.Forbidden",
                                    "org.convened1.Error.Unauthorized")
        daemon.await_property("/org/convened1", "ApiState", "unauthorized")
        assert not [r for r in simulator.requests() if r["status"] == 200]
