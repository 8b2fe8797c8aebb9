# SPDX-License-Identifier: LGPL-2.1-or-later
"""convened from its command line to its exit status."""

import os
import re
import select
import signal
import socket
import stat
import subprocess

import pytest
from jeepney import DBusAddress, new_method_call

from harness.bus import BusError, PrivateBus
from harness.daemon import MANAGER, NAME, PATH, Daemon, DaemonEnded
from harness.programs import TREE, program, sanitizer_options
from harness.wait import wait_for


def left_alone(daemon, seconds):
    """How often the daemon's loop woke up meanwhile, and the seconds of CPU that it took."""
    def count():
        with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as file:
            switches = int(re.search(r"(?m)^voluntary_ctxt_switches:\s*(\d+)", file.read())[1])
        with open(f"/proc/{daemon.process.pid}/stat", encoding="ascii") as file:
            ticks = sum(int(field) for field in file.read().rpartition(")")[2].split()[11:13])
        return switches, ticks / os.sysconf("SC_CLK_TCK")

    before = count()
    select.select([], [], [], seconds)
    return tuple(new - old for new, old in zip(count(), before))


def run(*arguments):
    return subprocess.run([program("convened"), *arguments], capture_output=True, text=True,
                          timeout=20, check=False, env=sanitizer_options(dict(os.environ)))


def refused(bus, **options):
    """What a daemon says that does not start, with 78."""
    daemon = Daemon(bus, **options)
    with pytest.raises(DaemonEnded) as ended:
        daemon.start()
    daemon.close()
    assert ended.value.status == 78, ended.value.text
    return ended.value.text


@pytest.mark.covers("option: convened -h", "option: convened --help", "option: convened --version",
                    "exit: convened 0")
def test_help_and_version():
    assert run("--help").returncode == 0
    assert "--state-dir=DIR" in run("-h").stdout
    version = run("--version")
    assert version.returncode == 0 and re.fullmatch(r"convened [0-9.]+\n", version.stdout)


@pytest.mark.covers("exit: convened 2")
@pytest.mark.parametrize("argument", ["--colour", "--log-level=loud", "--config", "start"])
def test_wrong_command_line(argument):
    result = run(argument)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1


@pytest.mark.covers("name: bus name", "option: convened --user", "option: convened --system",
                    "environment: convened NOTIFY_SOCKET",
                    "environment: convened DBUS_SESSION_BUS_ADDRESS",
                    "environment: convened DBUS_SYSTEM_BUS_ADDRESS", "daemon: READY",
                    "daemon: STATUS")
@pytest.mark.parametrize("kind", ["session", "system"])
def test_ready_means_that_the_name_is_there(bus, kind):
    with Daemon(bus, kind=kind) as daemon:
        assert bus.has_owner(NAME)
        assert daemon.properties()["AccountId"] == "9900000"
        daemon.await_notification("STATUS=API not asked yet; 0 sessions, 0 participants")
    assert not bus.has_owner(NAME)


@pytest.mark.covers("unix signal: convened SIGTERM", "unix signal: convened SIGINT",
                    "exit: convened 0", "daemon: STOPPING", "daemon: stop with nothing in flight")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_within_a_second(bus, number):
    with Daemon(bus) as daemon:
        daemon.process.send_signal(number)
        daemon.await_notification("STOPPING=1")
        daemon.await_end(0, timeout=1)
        daemon.hear()
        assert not [line for line in daemon.notified if "EXTEND_TIMEOUT" in line]
        assert [line for line in daemon.notified if line.startswith("STATUS=")][-2:] == [
            "STATUS=Stopping", "STATUS=Stopped; what was accepted is on disk"]


@pytest.mark.covers("daemon: lines for people")
def test_what_it_starts_with(bus, simulator):
    with Daemon(bus, base_url=simulator.base_url) as daemon:
        daemon.create_session()
        for _ in range(2):
            daemon.create_participant()
        assert "with 0 sessions and 0 participants." in daemon.log
        daemon.restart()
        # It is ready before it says so.
        wait_for(lambda: "with 1 session and 2 participants." in daemon.log)


def test_state_is_private(bus):
    with Daemon(bus) as daemon:
        assert stat.S_IMODE(os.stat(daemon.state_directory).st_mode) == 0o700
        for name in os.listdir(daemon.state_directory):
            path = os.path.join(daemon.state_directory, name)
            assert stat.S_IMODE(os.stat(path).st_mode) & 0o077 == 0, name


@pytest.mark.covers("daemon: bus by default")
def test_bus_by_default(bus):
    daemon = Daemon(bus)
    kind = "session" if os.getuid() else "system"
    environment = sanitizer_options(bus.environment(kind, XDG_RUNTIME_DIR="/nowhere"))
    process = subprocess.Popen([program("convened"), "--config=" + daemon.write_config(),
                                "--state-dir=" + daemon.state_directory],
                               env=environment, stderr=subprocess.PIPE)
    try:
        bus.await_owner(NAME)
    finally:
        process.terminate()
        _, log = process.communicate(timeout=20)
        daemon.close()
    assert process.returncode == 0, log


@pytest.mark.covers("environment: convened XDG_STATE_HOME", "environment: convened XDG_RUNTIME_DIR")
def test_where_it_is_told_nothing(bus):
    """Its bus is where a user's bus is; missing folders of the default state are made."""
    daemon = Daemon(bus)
    environment = sanitizer_options(bus.environment(HOME=daemon.folder.name))
    for name in ("XDG_STATE_HOME", "STATE_DIRECTORY", "JOURNAL_STREAM", "DBUS_SESSION_BUS_ADDRESS"):
        environment.pop(name, None)
    process = subprocess.Popen([program("convened"), "--user", "--config=" + daemon.write_config()],
                               env=environment, stderr=subprocess.PIPE)
    try:
        bus.await_owner(NAME)
        assert os.listdir(daemon.folder.path(".local", "state", "convened"))
    finally:
        process.terminate()
        _, log = process.communicate(timeout=20)
        daemon.close()
    assert process.returncode == 0, log


@pytest.mark.covers("exit: convened 78", "configuration: [Api] AccountId",
                    "configuration: [Api] BaseUrl", "configuration: [Reconcile] Drift",
                    "configuration: [Api] CAFile", "daemon: unusable value",
                    "daemon: password in the clear")
@pytest.mark.parametrize("section, key, value, expect", [
    ("Api", "AccountId", None, "AccountId="),
    ("Api", "BaseUrl", "http://api.webrtc.bandwidth.com/v1", "loopback"),
    ("Api", "RequestBurst", "many", "RequestBurst= in [Api] can't be used: expected a whole"),
    ("Api", "CAFile", "/nowhere/ca.pem", "/nowhere/ca.pem"),
    ("Api", "CAFile", "/etc", "/etc is not a regular file"),
    ("Reconcile", "Drift", "keep", 'expected "adopt" or "enforce"'),
    ("Bus", "ReplyTimeoutSec", "25", "1 to 20 seconds"),
])
def test_unusable_configuration(bus, section, key, value, expect):
    text = refused(bus, config={section: {key: value}})
    assert expect in text and "convened.conf" in text
    assert not bus.has_owner(NAME)


UNREADABLE = {
    "section": (b"[Bus\n", r":1: a section is written \[Name\]; put that right\."),
    "line": (b"[Bus]\nMaxManagedObjects\n",
             r":2: expected .* put that right, or take the line out"),
    "encoding": (b"[Bus]\n#\xff\n", r":2: not UTF-8 text; write the line anew"),
    "size": (b"#\n" * 600000, "larger than 1 MiB, this is no configuration; put one there"),
    "link": (None, ": a link to nothing; let it lead to a file, or take it away"),
}


@pytest.mark.covers("daemon: unusable value")
@pytest.mark.parametrize("what", UNREADABLE)
def test_what_to_do_about_a_file(bus, what):
    text, expect = UNREADABLE[what]
    daemon = Daemon(bus)
    path = daemon.folder.write("convened.conf.d/x.conf", "")
    if text is None:
        os.unlink(path)
        os.symlink("/nowhere", path)
    else:
        with open(path, "wb") as file:
            file.write(text)
    with pytest.raises(DaemonEnded) as ended:
        daemon.start()
    daemon.close()
    assert ended.value.status == 78
    assert re.search(re.escape(path) + ".*" + expect, ended.value.text), ended.value.text


def test_configuration_that_is_a_folder(bus):
    with Daemon(bus) as daemon:
        result = run("--config=" + daemon.folder.name, "--state-dir=" + daemon.state_directory)
    assert result.returncode == 78
    assert (f"{daemon.folder.name}: can't be read: Is a directory. It must be a file"
            in result.stderr)


@pytest.mark.covers("daemon: unknown key")
def test_unknown_key_is_a_warning(bus):
    with Daemon(bus, config={"Api": {"Colour": "red"}}) as daemon:
        assert re.search(r"convened.conf:\d+: Unknown key Colour= in section \[Api\]", daemon.log)


def test_example_configuration_is_understood(bus):
    """With every comment of a key taken off, and an account."""
    with open(os.path.join(TREE, "data", "convened.conf"), encoding="utf-8") as file:
        text = re.sub(r"(?m)^#(\w+=)", r"\1", file.read())
    daemon = Daemon(bus)
    path = daemon.folder.write("convened.conf.d/example.conf", text)
    daemon.folder.write("convened.conf.d/x.conf",
                        "[Api]\nAccountId=1\nBaseUrl=http://127.0.0.1:9\n")
    with daemon:
        assert daemon.properties()["AccountId"] == "1"
        assert path not in daemon.log


@pytest.mark.covers("option: convened --config", "exit: convened 78")
def test_missing_configuration_that_was_named():
    result = run("--config=/nowhere/convened.conf", "--state-dir=/nowhere")
    assert result.returncode == 78
    assert "/nowhere/convened.conf: no such file" in result.stderr


@pytest.mark.covers("exit: convened 78", "configuration: [Api] AccountId",
                    "configuration: [Api] BaseUrl", "daemon: state of another account")
def test_state_of_another_account(bus):
    daemon = Daemon(bus)
    daemon.start()
    daemon.stop()
    for key, value in (("AccountId", "8800000"), ("BaseUrl", "http://127.0.0.1:10/v1")):
        kept = daemon.config["Api"][key]
        daemon.config["Api"][key] = value
        with pytest.raises(DaemonEnded) as ended:
            daemon.start()
        assert ended.value.status == 78 and kept in ended.value.text
        daemon.config["Api"][key] = kept
    daemon.start()
    daemon.stop()
    daemon.close()


@pytest.mark.covers("daemon: state that cannot be used")
def test_unusable_state(bus):
    daemon = Daemon(bus)
    daemon.folder.write("state", "a file where the folder should be")
    with pytest.raises(DaemonEnded) as ended:
        daemon.start()
    assert ended.value.status == 78 and daemon.state_directory in ended.value.text
    daemon.close()


@pytest.mark.covers("option: convened --state-dir", "exit: convened 78",
                    "daemon: state that cannot be used")
def test_state_in_use(bus):
    with Daemon(bus) as daemon, PrivateBus() as other:
        second = Daemon(other)
        with pytest.raises(DaemonEnded) as ended:
            second.start("--state-dir=" + daemon.state_directory)
        second.close()
        assert ended.value.status == 78 and daemon.state_directory in ended.value.text


def failed(daemon):
    """What a start says that a restart may cure: one line, and the service manager is told it."""
    with pytest.raises(DaemonEnded) as ended:
        daemon.start()
    daemon.hear()
    daemon.close()
    assert ended.value.status == 1
    assert ended.value.text.count("\n") == 1, ended.value.text
    line = ended.value.text.rstrip("\n")
    assert daemon.notified == ["STATUS=" + line]
    return line


@pytest.mark.covers("exit: convened 1", "name: bus name", "daemon: start that fails")
def test_name_is_taken(bus):
    with Daemon(bus):
        assert "running already" in failed(Daemon(bus, log_level="info"))


@pytest.mark.covers("exit: convened 1", "environment: convened DBUS_SESSION_BUS_ADDRESS",
                    "daemon: start that fails")
def test_no_bus(bus):
    daemon = Daemon(bus, environment={"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere/bus"})
    assert "Can't connect to the session bus" in failed(daemon)


def test_bus_goes_away():
    bus = PrivateBus().start()
    daemon = Daemon(bus).start()
    bus.stop()
    daemon.await_end(1)
    assert "The connection to the session bus is lost. convened ends;" in daemon.log
    daemon.close()


@pytest.mark.covers("daemon: WATCHDOG", "daemon: STATUS")
def test_service_manager_that_does_not_read(bus, simulator):
    """Nobody on the bus waits for it; when it reads again it hears the last, and in order."""
    with Daemon(bus, base_url=simulator.base_url,
                environment={"WATCHDOG_USEC": "200000"}) as daemon:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            other.connect(daemon.folder.path("notify"))
            with pytest.raises(BlockingIOError):
                while True:
                    other.send(b"X=full", socket.MSG_DONTWAIT)
        daemon.create_session()
        daemon.await_property(PATH, "ApiState", "online")
        daemon.manager("Reload")
        wake_ups, cpu = left_alone(daemon, 1)
        assert wake_ups <= 60 and cpu <= 0.3, (wake_ups, cpu)

        daemon.notified = []
        daemon.await_notification("STATUS=API online; 1 session, 0 participants")
        heard = [line.partition("=")[0] for line in daemon.notified]
        assert heard.index("RELOADING") < heard.index("READY")
        assert heard.count("WATCHDOG") <= 2


@pytest.mark.covers("environment: convened WATCHDOG_USEC", "daemon: WATCHDOG")
def test_watchdog_is_fed(bus):
    with Daemon(bus, environment={"WATCHDOG_USEC": "200000"}) as daemon:
        for _ in range(3):
            daemon.notified = []
            daemon.await_notification("WATCHDOG=1", timeout=2)


def test_watchdog_goes_hungry_while_the_disk_hangs(bus, simulator):
    """A loop that turns is not enough: what nobody can make durable, only a restart may cure."""
    daemon = Daemon(bus, base_url=simulator.base_url, environment={"WATCHDOG_USEC": "800000"})
    hold = daemon.folder.path("hold")
    daemon.preload_fsync(SLOW_FSYNC_HOLD=hold)
    with daemon:
        daemon.create_session()
        daemon.folder.write("hold", "")
        daemon.connection.send(new_method_call(DBusAddress(PATH, NAME, MANAGER), "CreateSession",
                                               "a{sv}", ({},)))
        # the last that was on its way, and those of the first 100 ms
        with pytest.raises(TimeoutError):
            for _ in range(3):
                daemon.notified = []
                daemon.await_notification("WATCHDOG=1", timeout=1.5)
        assert daemon.properties()["SessionCount"] == 1
        os.unlink(hold)
        daemon.await_notification("WATCHDOG=1")


@pytest.mark.covers("daemon: idle")
def test_idle_means_no_wake_ups(bus):
    """Nothing is to be done: without credentials not even a probe."""
    with Daemon(bus, credentials=None) as daemon:
        daemon.properties()
        wake_ups, cpu = left_alone(daemon, 2)
        assert wake_ups <= 2 and cpu <= 0.03, (wake_ups, cpu)


# What the API does, how much may be sent, and how long an attempt is waited for.
BUSY = {
    "offline": ({"kind": "reset"}, {}),
    "unauthorized": ({"kind": "status", "status": 401}, {}),
    "throttled": ({"kind": "status", "status": 429, "retry_after": 30}, {}),
    "out of budget": ({"kind": "latency", "ms": 1},
                      {"RequestsPerSec": 0.5, "RequestBurst": 1}),
    "all in flight": ({"kind": "hang"}, {"MaxConcurrentRequests": 1, "RequestTimeoutSec": 60}),
}


@pytest.mark.parametrize("name", BUSY)
def test_waiting_is_no_busy_loop(bus, simulator, name):
    fault, config = BUSY[name]
    with Daemon(bus, base_url=simulator.base_url, config={"Api": config}) as daemon:
        for _ in range(3):
            daemon.create_participant(Wait=False)
        simulator.set_faults(fault)
        for _ in range(3):
            try:
                daemon.create_session(Wait=False)
            except BusError as error:
                assert error.name == "org.convened1.Error.Unauthorized"
        wake_ups, cpu = left_alone(daemon, 1.5)
        assert wake_ups <= 150 and cpu <= 0.3, (wake_ups, cpu)
        daemon.kill()
