# SPDX-License-Identifier: LGPL-2.1-or-later
"""convenectl where there is no service, or it is on another bus or machine."""

import os
import socket

import pytest

from harness.bus import PrivateBus
from harness.ctl import Convenectl
from harness.ctl_stage import (  # noqa: F401
    DONE, UNREACHABLE, bus_fixture, call_fixture, ctl_fixture, service_fixture, error_of)
from harness.mock_service import DBUS_ERROR, MockService


@pytest.mark.covers("exit: convenectl 5")
def test_no_service(ctl):
    for words in (["status"], ["list-sessions"], ["create-session"], ["delete-session", "1"],
                  ["monitor"], ["sync"]):
        result = ctl.run(*words)
        assert result.code == UNREACHABLE, result
        assert "does not run on the user bus" in result.err
        assert "systemctl --user start convened" in result.err and "--system" in result.err
    for verb in ("status", "list-sessions", "list-participants"):
        error = error_of(ctl.run(verb, "--json=short"))
        assert error["error"] == DBUS_ERROR + "ServiceUnknown"


@pytest.mark.covers("environment: convenectl DBUS_SESSION_BUS_ADDRESS", "exit: convenectl 5")
def test_no_bus(ctl):
    result = ctl.run("status", DBUS_SESSION_BUS_ADDRESS="unix:path=/nonexistent/bus")
    assert result.code == UNREACHABLE, result
    assert "no connection to the user bus" in result.err
    assert "DBUS_SESSION_BUS_ADDRESS" in result.err and "--system" in result.err


def test_a_bus_that_hangs_up(ctl, tmp_path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "bus"))
        listener.listen()
        with ctl.start("status", DBUS_SESSION_BUS_ADDRESS=f"unix:path={tmp_path}/bus") as running:
            listener.accept()[0].close()
            result = running.end()
    assert result.code == UNREACHABLE and "no connection to the user bus" in result.err, result


def test_bus_lost_while_waiting():
    with PrivateBus() as bus, MockService(bus) as service:
        service.mode = "defer"
        with Convenectl(bus).start("create-session") as running:
            service.await_call("CreateSession")
            bus.stop()
            assert running.end().code == UNREACHABLE
        service.abandon()


@pytest.mark.covers("option: convenectl --system",
                    "environment: convenectl DBUS_SYSTEM_BUS_ADDRESS")
def test_system_bus(bus, service, call):
    result = Convenectl(bus, "system").run("status")
    assert result.code == DONE and "on the system bus" in result.out, result


@pytest.fixture(name="ssh")
def ssh_fixture(bus, tmp_path):
    """An ssh for PATH that goes to no other host; it keeps the words that it got."""
    script = tmp_path / "ssh"
    script.write_text(f"""#!/bin/sh
echo "$@" >{tmp_path}/words
case "$*" in
*nowhere*) echo "ssh: no such host" >&2; exit 255 ;;
esac
exec systemd-stdio-bridge --bus-path={bus.address}
""")
    script.chmod(0o755)
    return tmp_path


@pytest.mark.covers("option: convenectl -H", "option: convenectl --host")
def test_host(bus, service, call, ssh):
    remote = Convenectl(bus, "system")
    path = f"{ssh}:{os.environ['PATH']}"
    # The bus of this machine is out of reach: what answers came through ssh.
    away = {"PATH": path, "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent/bus"}
    result = remote.run("--host=dev@example.com", "status", **away)
    assert result.code == DONE, result
    assert "on the system bus of dev@example.com" in result.lines[0]
    assert "dev@example.com" in (ssh / "words").read_text()
    assert remote.run("-H", "h", "list-sessions", "--json=short", **away).json[0]["Number"] == 1
    result = remote.run("--host=nowhere", "status", **away)
    assert result.code == UNREACHABLE, result
    assert "no connection to the system bus of nowhere" in result.err
    assert '"ssh nowhere"' in result.err


def test_no_service_on_a_host(bus, ssh):
    result = Convenectl(bus, "system").run("--host=h", "sync",
                                           PATH=f"{ssh}:{os.environ['PATH']}")
    assert result.code == UNREACHABLE, result
    assert "systemctl --host=h start convened" in result.err
