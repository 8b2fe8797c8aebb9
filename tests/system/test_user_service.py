# SPDX-License-Identifier: LGPL-2.1-or-later
"""convened --user, under a user's own systemd and on that user's own bus. Needs no group."""

import pathlib
import pwd
import re

import pytest

from harness.wait import wait_for
from machine import OUTSIDER, run, systemctl, write



class Login:
    """Somebody who has logged in."""

    def __init__(self, name):
        entry = pwd.getpwnam(name)
        self.name = name
        self.home = pathlib.Path(entry.pw_dir)
        self.runtime = f"/run/user/{entry.pw_uid}"
        self.uid, self.gid = entry.pw_uid, entry.pw_gid

    def run(self, *command, check=True):
        return run("runuser", "-u", self.name, "--", "env", "--chdir=" + str(self.home),
                   "XDG_RUNTIME_DIR=" + self.runtime,
                   f"DBUS_SESSION_BUS_ADDRESS=unix:path={self.runtime}/bus", *command, check=check)

    def systemctl(self, *arguments, check=True):
        return self.run("systemctl", "--user", *arguments, check=check)

    def write(self, path, text, mode=0o600):
        self.run("mkdir", "-p", str((self.home / path).parent))
        write(self.home / path, text, mode)
        run("chown", f"{self.uid}:{self.gid}", str(self.home / path))


@pytest.fixture(name="carol")
def fixture_carol(machine):
    run("loginctl", "enable-linger", OUTSIDER)
    carol = Login(OUTSIDER)
    wait_for(lambda: pathlib.Path(carol.runtime, "bus").exists(), 20)
    carol.write(".config/convened/convened.conf",
                f"[Api]\nBaseUrl={machine.simulator.base_url}\n"
                f"AccountId={machine.simulator.account}\n"
                f"CredentialsFile={carol.home}/.config/convened/credentials\n")
    carol.write(".config/convened/credentials", "user:password\n")
    yield carol
    systemctl("stop", f"user@{carol.uid}.service")
    run("loginctl", "disable-linger", OUTSIDER)


def assert_nobody_looks_into_it(user):
    """What may not be dumped is root's in proc(5), so that other programs of its user can neither
    attach to it nor read its memory."""
    process = pathlib.Path("/proc", user.systemctl("show", "-P", "MainPID", "convened")
                           .stdout.strip())
    status = (process / "status").read_text(encoding="ascii")
    assert re.search(r"(?m)^Uid:\t(\d+)", status)[1] == str(user.uid)
    assert (process / "mem").stat().st_uid == 0
    assert user.run("dd", f"if={process}/environ", check=False).returncode != 0


@pytest.mark.covers("machine: a user's service", "daemon: dumps")
def test_user_service(carol, machine):
    carol.systemctl("enable", "--now", "convened")
    assert carol.run("convenectl", "create-session", "mine").returncode == 0
    assert len(machine.simulator.state()["sessions"]) == 1
    assert (carol.home / ".local/state/convened/state.db").stat().st_mode & 0o777 == 0o600
    assert_nobody_looks_into_it(carol)
    carol.systemctl("reload", "convened")
    carol.systemctl("stop", "convened")
    # enabled: whoever calls starts it
    assert "mine" in carol.run("convenectl", "list-sessions").stdout
    assert carol.systemctl("is-active", "convened").stdout.strip() == "active"
