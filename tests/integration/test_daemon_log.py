# SPDX-License-Identifier: LGPL-2.1-or-later
"""org.freedesktop.LogControl1: what is logged, and where to, while the daemon runs."""

import os

import pytest

import harness.bus
from harness.bus import BusError, call
from harness.busctl import Busctl, BusctlError
from harness.daemon import NAME, PROPERTIES, Daemon

PATH = "/org/freedesktop/LogControl1"
INTERFACE = "org.freedesktop.LogControl1"
STOPPING = "Stopping on SIGTERM."


def get(daemon, name):
    return daemon.call(PATH, PROPERTIES, "Get", "ss", (INTERFACE, name))[0][1]


def put(daemon, name, value):
    daemon.call(PATH, PROPERTIES, "Set", "ssv", (INTERFACE, name, ("s", value)))


def refused(function, *arguments):
    with pytest.raises(BusError) as caught:
        function(*arguments)
    return caught.value


@pytest.mark.covers("option: convened --log-level", "name: log control")
def test_what_is_there(bus):
    with Daemon(bus, log_level="notice") as daemon:
        everything = daemon.call(PATH, PROPERTIES, "GetAll", "s", (INTERFACE,))[0]
        assert everything == {"LogLevel": ("s", "notice"), "LogTarget": ("s", "console"),
                              "SyslogIdentifier": ("s", "convened")}


@pytest.mark.parametrize("begin, then, said", [("err", "notice", True), ("debug", "5", True),
                                               ("debug", "warning", False)])
def test_level(bus, begin, then, said):
    daemon = Daemon(bus, log_level=begin)
    with daemon:
        put(daemon, "LogLevel", then)
        assert get(daemon, "LogLevel") == {"5": "notice"}.get(then, then)
        daemon.stop()
        assert (STOPPING in daemon.log) == said


@pytest.mark.parametrize("target, said", [("null", False), ("journal", False), ("console", True),
                                          ("auto", True)])
def test_target(bus, target, said):
    daemon = Daemon(bus)
    with daemon:
        put(daemon, "LogTarget", "null")
        put(daemon, "LogTarget", target)
        assert get(daemon, "LogTarget") == {"auto": "console"}.get(target, target)
        daemon.stop()
        assert (STOPPING in daemon.log) == said


def test_what_is_refused(bus):
    with Daemon(bus, log_level="err") as daemon:
        for name, value in (("LogLevel", "loud"), ("LogLevel", "8"), ("LogLevel", ""),
                            ("LogTarget", "kmsg"), ("LogTarget", "")):
            error = refused(put, daemon, name, value)
            assert error.name == "org.freedesktop.DBus.Error.InvalidArgs"
            assert error.message.startswith(name + ": expected ")
        error = refused(put, daemon, "SyslogIdentifier", "me")
        assert error.name == "org.freedesktop.DBus.Error.PropertyReadOnly"
        assert get(daemon, "LogLevel") == "err" and get(daemon, "LogTarget") == "console"


def test_busctl(bus):
    """What "systemctl service-log-level" and "service-log-target" do."""
    busctl = Busctl(bus)
    with Daemon(bus) as daemon:
        assert busctl.run("get-property", NAME, PATH, INTERFACE, "LogLevel") == 's "debug"\n'
        busctl.run("set-property", NAME, PATH, INTERFACE, "LogLevel", "s", "crit")
        busctl.run("set-property", NAME, PATH, INTERFACE, "LogTarget", "s", "null")
        assert (get(daemon, "LogLevel"), get(daemon, "LogTarget")) == ("crit", "null")
        with pytest.raises(BusctlError, match="expected emerg, alert"):
            busctl.run("set-property", NAME, PATH, INTERFACE, "LogLevel", "s", "loud")


@pytest.mark.covers("right: log level and target")
@pytest.mark.skipif(os.getuid() != 0, reason="only root can be several users")
def test_who_may(bus, monkeypatch):
    """Everybody reads; root and the daemon's own user set. Here these are one."""
    bus.stop()
    monkeypatch.setattr(harness.bus, "CONFIG", harness.bus.CONFIG.replace(
        '<allow own="*"/>', '<allow own="*"/><allow user="*"/>'))
    bus.start()
    os.chmod(bus.directory, 0o755)
    with Daemon(bus, kind="system") as daemon:
        os.setresuid(1, 1, 0)
        try:
            other = bus.connect()
        finally:
            os.setresuid(0, 0, 0)
        assert call(other, NAME, PATH, PROPERTIES, "Get", "ss",
                    (INTERFACE, "LogLevel"))[0] == ("s", "debug")
        for name, value in (("LogLevel", "emerg"), ("LogTarget", "null")):
            error = refused(call, other, NAME, PATH, PROPERTIES, "Set", "ssv",
                            (INTERFACE, name, ("s", value)))
            assert error.name == "org.freedesktop.DBus.Error.AccessDenied"
        assert get(daemon, "LogLevel") == "debug" and get(daemon, "LogTarget") == "console"
        put(daemon, "LogLevel", "err")
        assert get(daemon, "LogLevel") == "err"
        other.close()
