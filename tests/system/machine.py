# SPDX-License-Identifier: LGPL-2.1-or-later
"""The machine that the tests run on: convened as its administrator and its users see it."""

import contextlib
import json
import os
import pathlib
import pwd
import re
import shutil
import sqlite3
import subprocess
import time

from jeepney import DBusAddress, new_method_call
from jeepney.io.blocking import open_dbus_connection

from harness.bus import BusError, call
from harness.daemon import MANAGER, NAME, PARTICIPANT, PATH, SESSION, variants
from harness.wait import wait_for

UNIT = "convened.service"
STATE = pathlib.Path("/var/lib/convened")
CONFIGURATION = pathlib.Path("/etc/convened/convened.conf")
CREDENTIAL = pathlib.Path("/etc/credstore/convened.api")
ENCRYPTED_CREDENTIAL = pathlib.Path("/etc/credstore.encrypted/convened.api")
DROP_INS = pathlib.Path("/etc/systemd/system/convened.service.d")
EXAMPLES = pathlib.Path("/usr/local/share/doc/convened/examples")
PACKAGE = pathlib.Path("/root/tests/convened.deb")
SYSTEM_BUS = "unix:path=/run/dbus/system_bus_socket"

PROPERTIES = "org.freedesktop.DBus.Properties"
MEMBERS, OUTSIDER = ("alice", "bob"), "carol"

QUICK = {"Api": {"RequestsPerSec": 1000, "RequestBurst": 1000},
         "Reconcile": {"RetryMinSec": 0.02, "RetryMaxSec": 0.5}}


def run(*command, check=True, input="", **options):
    """A command, with its output as text; a journal may hold what is none."""
    result = subprocess.run(command, input=input, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True, check=False, errors="replace", **options)
    assert not check or result.returncode == 0, f"{command}: {result.returncode}: {result.stdout}"
    return result


def systemctl(*arguments, check=True):
    return run("systemctl", *arguments, check=check)


def show(name, unit=UNIT):
    """A property of a unit, as text."""
    return systemctl("show", "--value", "--property=" + name, unit).stdout.strip()


def seconds(name):
    """A time of the unit's, such as "1min 30s"."""
    units = {"h": 3600, "min": 60, "s": 1, "ms": 0.001, "us": 0.000001}
    return sum(float(number) * units[unit]
               for number, unit in re.findall(r"([\d.]+)([a-z]+)", show(name)))


def memory(pid):
    """Megabytes that are resident now, that were at most, and that are data."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        text = file.read()
    return [int(re.search(rf"{name}:\s+(\d+)", text).group(1)) / 1024
            for name in ("VmRSS", "VmHWM", "VmData")]


def figure(line):
    """A line for ./check to print at its end."""
    with open("/root/tests/figures", "a", encoding="utf-8") as file:
        file.write(line + "\n")


def await_state(state, timeout=20):
    wait_for(lambda: show("ActiveState") == state, timeout)


def write(path, text, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


# What each version of the state added; from the newest on, taking it away gives the one before.
YOUNGER = {
    2: "ALTER TABLE objects DROP COLUMN stranger",
    3: ";".join(f"ALTER TABLE {table} DROP COLUMN {column}" for table, columns in {
        "identity": ("machine", "inode", "born_at"),
        "counters": ("copies", "unread_session", "unread_participant")}.items()
        for column in columns),
    4: "ALTER TABLE identity DROP COLUMN log",
    5: "ALTER TABLE counters DROP COLUMN quiet_until"}


def state_version():
    """Of the state file, while nobody uses it."""
    with contextlib.closing(sqlite3.connect(STATE / "state.db")) as database:
        return database.execute("PRAGMA user_version").fetchone()[0]


def age_state(version):
    """The state file as a convened would have left it that wrote this version. Where that is a
    newer one than any, nobody knows what it is like, and only the number changes."""
    with contextlib.closing(sqlite3.connect(STATE / "state.db")) as database:
        for younger in range(database.execute("PRAGMA user_version").fetchone()[0], version, -1):
            database.executescript(YOUNGER.get(younger, ""))
        database.execute(f"PRAGMA user_version = {version}")
        database.commit()


class User:
    """A user's connection to the system bus, or to another."""

    def __init__(self, name, address=SYSTEM_BUS):
        self.name = name
        self.entry = pwd.getpwnam(name)
        self.uid = self.entry.pw_uid
        with self.identity():
            self.connection = open_dbus_connection(bus=address)

    @contextlib.contextmanager
    def identity(self):
        """The bus sees who connects: the user, with the groups that a login gives."""
        groups = os.getgroups()
        os.setgroups(os.getgrouplist(self.name, self.entry.pw_gid))
        os.setresgid(self.entry.pw_gid, self.entry.pw_gid, 0)
        os.setresuid(self.uid, self.uid, 0)
        try:
            yield
        finally:
            os.setresuid(0, 0, 0)
            os.setresgid(0, 0, 0)
            os.setgroups(groups)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.connection.close()

    @property
    def unique_name(self):
        return self.connection.unique_name

    def call(self, path, interface, member, signature=None, body=(), destination=NAME):
        return call(self.connection, destination, path, interface, member, signature, body)

    def send(self, path, interface, member, signature=None, body=()):
        """A call whose answer nobody waits for."""
        address = DBusAddress(path, bus_name=NAME, interface=interface)
        self.connection.send(new_method_call(address, member, signature, body))

    def manager(self, member, signature=None, body=()):
        return self.call(PATH, MANAGER, member, signature, body)

    def create(self, what, **properties):
        """`what`: "Session" or "Participant"."""
        return self.manager("Create" + what, "a{sv}", (variants(properties),))[0]

    def get(self, path=PATH):
        interface = (SESSION if "/session/" in path
                     else PARTICIPANT if "/participant/" in path else MANAGER)
        reply = self.call(path, PROPERTIES, "GetAll", "s", (interface,))
        return {name: value for name, (_, value) in reply[0].items()}

    def bus(self, member, signature=None, body=()):
        return self.call("/org/freedesktop/DBus", "org.freedesktop.DBus", member, signature, body,
                         destination="org.freedesktop.DBus")

    def has_owner(self):
        return self.bus("NameHasOwner", "s", (NAME,))[0]

    def service_pid(self):
        """Of the daemon that owns the name; None: nobody does."""
        try:
            return self.bus("GetConnectionUnixProcessID", "s", (NAME,))[0]
        except BusError as error:
            assert error.name.endswith(".NameHasNoOwner"), error
            return None

    def error(self, *arguments):
        """What a call is refused with."""
        try:
            reply = self.call(*arguments)
        except BusError as error:
            return error
        raise AssertionError(f"{arguments} was answered with {reply}")

    def refused(self, *arguments):
        """The name of the error that a call gets, without its first words."""
        return self.error(*arguments).name.rpartition(".")[2]


class Machine:
    """One test's time on the machine: afterwards convened is as freshly installed."""

    def __init__(self, simulator):
        self.simulator = simulator
        self.stack = contextlib.ExitStack()
        self.journal_since = time.time()

    def reset(self):
        systemctl("stop", UNIT)
        systemctl("disable", "--quiet", UNIT)
        for path in (STATE, CONFIGURATION.parent, DROP_INS):
            shutil.rmtree(path, ignore_errors=True)
        for path in (CREDENTIAL, ENCRYPTED_CREDENTIAL):
            path.unlink(missing_ok=True)
        systemctl("daemon-reload")
        systemctl("reset-failed")

    def configure(self, **sections):
        """What an administrator writes; by sections and keys, None for none of that key."""
        keys = {"Api": {"BaseUrl": self.simulator.base_url, "AccountId": self.simulator.account}}
        for added in (QUICK, sections):
            for section, values in added.items():
                keys.setdefault(section, {}).update(values)
        text = "".join(f"[{section}]\n" + "".join(f"{key}={value}\n"
                                                  for key, value in values.items()
                                                  if value is not None)
                       for section, values in keys.items())
        write(CONFIGURATION, text)

    def set_credentials(self, text="user:password\n"):
        write(CREDENTIAL, text, 0o600)

    def add_example(self, name):
        """One of the drop-ins that are installed for administrators to copy."""
        DROP_INS.mkdir(exist_ok=True)
        shutil.copy(EXAMPLES / "convened.service.d" / name, DROP_INS)
        systemctl("daemon-reload")

    def add_drop_in(self, text):
        write(DROP_INS / "test.conf", text)
        systemctl("daemon-reload")

    def start(self, **sections):
        """Configured, with credentials, and started."""
        self.configure(**sections)
        self.set_credentials()
        systemctl("start", UNIT)
        return self

    def start_with(self, n_sessions, n_members):
        """Started with the state of so many sessions with so many participants each. Returns how
        long that took."""
        self.start()
        systemctl("stop", UNIT)
        user = STATE.stat()
        shutil.rmtree(STATE)
        run("/root/tests/bench-registry", str(STATE), self.simulator.base_url,
            self.simulator.account, str(n_sessions), str(n_members))
        for path in (STATE, *STATE.iterdir()):
            os.chown(path, user.st_uid, user.st_gid)
        # The API has none of them: nothing is to be found gone while time is measured.
        self.simulator.set_faults({"kind": "hang"})
        begin = time.monotonic()
        systemctl("start", UNIT)
        return time.monotonic() - begin

    def user(self, name):
        """A connection until the end of the test."""
        return self.stack.enter_context(User(name))

    def users(self, *names):
        return [self.user(name) for name in names]

    def journal(self, *match):
        """The entries of this test, oldest first."""
        run("journalctl", "--sync")
        said = run("journalctl", "--unit=" + UNIT, "--output=json", "--all", "--quiet",
                   f"--since=@{self.journal_since:.6f}", *match).stdout
        return [json.loads(line) for line in said.splitlines()]

    def messages(self, *match):
        return [entry["MESSAGE"] for entry in self.journal(*match)]
