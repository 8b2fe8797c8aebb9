# SPDX-License-Identifier: LGPL-2.1-or-later
"""From make install on a machine that runs to a service that runs, as README.md says."""

import os
import pathlib
import re

import pytest

import readme
from harness.daemon import MANAGER, PATH
from machine import run, show, systemctl

INSTALLED = pathlib.Path(__file__).resolve().parent.parent / "installed"


def install():
    run("sh", "-c", f"tar -C {INSTALLED} -cf - . | tar -C / --keep-directory-symlink -xf -")
    return [readme.type_in(command) for command in readme.after_make_install()]


def uninstall():
    for folder, _, files in os.walk(INSTALLED):
        for name in files:
            os.unlink(pathlib.Path("/", pathlib.Path(folder, name).relative_to(INSTALLED)))
    run("userdel", "convened")
    systemctl("daemon-reload")
    systemctl("reload", "dbus.service")
    run("journalctl", "--update-catalog")


@pytest.fixture(name="bare_machine")
def fixture_bare_machine(machine):
    """One that has never seen convened, but for the group and its members."""
    uninstall()
    try:
        yield machine
    finally:
        install()


@pytest.mark.covers("machine: enabled", "machine: start")
def test_make_install(bare_machine):
    root, alice, carol = bare_machine.users("root", "alice", "carol")
    assert systemctl("cat", "convened", check=False).returncode != 0
    assert alice.refused(PATH, MANAGER, "Sync") == "ServiceUnknown"
    install()
    assert (show("ActiveState"), show("UnitFileState")) == ("inactive", "disabled")
    readme.follow(bare_machine)
    assert alice.get()["ParticipantCount"] == 5
    assert carol.refused(PATH, MANAGER, "Sync") == "AccessDenied"
    assert root.get()["ApiState"] == "online"


@pytest.mark.covers("machine: catalog", "machine: log level")
def test_pages_commands(machine):
    """What convened(8) has an administrator type, on the bus of the system."""
    readme.follow(machine)
    said = run("journalctl", "--no-pager", "-x", "-u", "convened",
               f"--since=@{machine.journal_since:.6f}").stdout
    assert "It may cost money until it is deleted." in said
    systemctl("reload", "convened")
    assert run("busctl", "call", "org.convened1", "/org/convened1", "org.convened1.Manager",
               "Reload").stdout == ""
    for level in ("debug", "info"):
        systemctl("service-log-level", "convened", level)
        assert systemctl("service-log-level", "convened").stdout == level + "\n"
    assert systemctl("service-log-target", "convened").stdout == "journal\n"
    assert "convened" in systemctl("cat", "convened").stdout
    tree = run("busctl", "tree", "--list", "org.convened1").stdout.split()
    assert {"/org/convened1/session/2", "/org/convened1/participant/5",
            "/org/freedesktop/LogControl1"} <= set(tree)
    score = run("systemd-analyze", "security", "--no-pager", "convened").stdout
    assert re.search("Overall exposure level for convened.service: 1.1", score)
