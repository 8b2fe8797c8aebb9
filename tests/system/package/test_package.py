# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Debian package on a running machine, from its installation to its end, in this order."""

import pathlib
import pwd

import readme
from harness.daemon import MANAGER, PATH
from harness.wait import wait_for
from machine import (CONFIGURATION, PACKAGE, STATE, UNIT, age_state, run, show, state_version,
                     systemctl, write)


def test_install(machine):
    """It waits for its configuration; then it serves, without a restart of anything else."""
    assert pwd.getpwnam("convened").pw_uid != 0
    assert (show("ActiveState"), show("UnitFileState")) == ("inactive", "disabled")
    assert run("systemctl", "--failed", "--quiet", "--no-legend").stdout == ""
    machine.configure()
    machine.set_credentials()
    systemctl("enable", "--now", UNIT)
    alice, carol = machine.users("alice", "carol")
    assert alice.create("Session", Tag="standup")
    assert carol.refused(PATH, MANAGER, "Sync") == "AccessDenied"
    run("journalctl", "--sync")
    said = run("journalctl", "--unit=" + UNIT, "-x", "CONVENED_TAG=standup",
               f"--since=@{machine.journal_since:.6f}").stdout
    assert "Something was created at the API" in said


def test_readme(machine):
    """What README.md has one type, and shows."""
    readme.follow(machine)
    assert machine.user("alice").get()["ParticipantCount"] == 5


def test_polkit_knows_the_actions(machine):
    machine.start()
    alice, bob = machine.users("alice", "bob")
    path = alice.create("Session")
    assert bob.refused(path, "org.convened1.Session", "Delete", "a{sv}",
                       ({},)) == "InteractiveAuthorizationRequired"


def test_upgrade(machine):
    """What runs is replaced, and keeps what it had; what does not run stays so."""
    run("dpkg", "--install", str(PACKAGE))
    assert show("ActiveState") == "inactive"
    machine.start()
    alice, = machine.users("alice")
    path = alice.create("Session", Tag="survivor")
    before = show("MainPID")
    run("dpkg", "--install", str(PACKAGE))
    wait_for(lambda: show("MainPID") not in ("0", before) and show("ActiveState") == "active", 20)
    assert alice.get(path)["Tag"] == "survivor"


def test_upgrade_of_older_state(machine):
    """The same from a release whose state was another."""
    machine.start()
    alice, = machine.users("alice")
    session = alice.create("Session", Tag="survivor")
    path = alice.create("Participant", Session=session)
    token = alice.call(path, "org.convened1.Participant", "GetToken")
    systemctl("stop", UNIT)
    newest = state_version()
    age_state(1)
    run("dpkg", "--install", str(PACKAGE))
    systemctl("start", UNIT)
    assert alice.get(session)["Tag"] == "survivor" and alice.get(path)["Session"] == session
    assert alice.call(path, "org.convened1.Participant", "GetToken") == token
    systemctl("stop", UNIT)
    assert state_version() == newest > 1


def test_remove_and_purge(machine):
    """The state, the configuration and the credentials are kept until the package is purged."""
    machine.start()
    configured = CONFIGURATION.parent / "credentials"
    write(configured, "user:password\n", 0o600)
    machine.user("alice").create("Session")
    state, credentials = STATE / "state.db", pathlib.Path("/etc/credstore/convened.api")
    run("dpkg", "--remove", "convened")
    assert not [path for path in pathlib.Path("/proc").glob("[0-9]*/comm")
                if path.read_text(encoding="utf-8").strip() == "convened"]
    assert state.exists() and credentials.exists() and configured.exists()
    run("dpkg", "--purge", "convened")
    assert not STATE.exists() and not credentials.exists()
    left = [str(path) for top in ("/usr", "/etc") for path in pathlib.Path(top).rglob("*convened*")]
    assert left == []
    run("dpkg", "--install", str(PACKAGE))
