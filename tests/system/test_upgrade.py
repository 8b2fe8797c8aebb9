# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is installed now finds the state of an older convened, or of a newer one."""

import pytest

from harness.daemon import MANAGER, PARTICIPANT, PATH, SESSION
from harness.wait import wait_for
from machine import STATE, UNIT, age_state, show, state_version, systemctl
from test_service import NOT_STARTED

FILE = STATE / "state.db"
# What reading anew may move on.
VERIFIED = ("SyncedUSec", "LastContactUSec", "NextAttemptUSec")


def everything(user):
    """All that clients can see, and the tokens."""
    seen = {PATH: user.get()}
    for what in ("Sessions", "Participants"):
        rows, _ = user.manager("List" + what, "a{sv}tu", ({}, 0, 0))
        seen.update((path, {name: value for name, (_, value) in row.items()}) for path, row in rows)
    for path, facts in seen.items():
        for name in VERIFIED:
            facts.pop(name, None)
        if "/participant/" in path:
            facts["token"] = user.call(path, PARTICIPANT, "GetToken")[0]
    return seen


@pytest.mark.covers("machine: upgrade")
def test_older_state(machine):
    """It is brought up to date at the start, and nothing of it is lost: no id, no token, no
    intent, no count."""
    machine.start()
    root, alice, bob = machine.users("root", "alice", "bob")
    session = alice.create("Session", Tag="standup")
    anna = alice.create("Participant", Tag="anna", Session=session, SubscriptionMode="session",
                        PublishPermissions=["AUDIO"])
    ben = alice.create("Participant", Session=session, CallbackUrl="https://192.0.2.1/ben")
    alice.call(anna, PARTICIPANT, "SetSubscriptions", "sa(oas)a{sv}",
               ("participants", [(ben, ["camera"])], {}))
    gone = bob.create("Session")
    bob.call(gone, SESSION, "Delete", "a{sv}", ({},))
    machine.simulator.set_faults({"method": "POST", "kind": "drop", "count": 1})
    wait_for(lambda: bob.create("Session", Wait=False) and root.get()["SuspectedOrphans"] == 1)
    wait_for(lambda: root.get()["PendingCount"] == 0)
    before, posts = everything(root), len(machine.simulator.requests(method="POST"))
    systemctl("stop", UNIT)
    newest = state_version()
    owner = FILE.stat()

    for version in range(1, newest):
        age_state(version)
        assert state_version() == version
        systemctl("start", UNIT)
        assert show("ActiveState") == "active"
        assert everything(root) == before
        assert root.get()["ApiState"] in ("unknown", "online")
        systemctl("stop", UNIT)
        assert state_version() == newest
    assert (FILE.stat().st_uid, FILE.stat().st_mode) == (owner.st_uid, owner.st_mode)

    systemctl("start", UNIT)
    assert alice.create("Session").rpartition("/")[2] == str(before[PATH]["SessionCount"] + 2)
    assert len(machine.simulator.requests(method="POST")) == posts + 1
    alice.call(ben, PARTICIPANT, "Delete", "a{sv}", ({},))
    assert alice.get(anna)["SubscriptionMode"] == "none"


@pytest.mark.covers("machine: upgrade", "machine: exit status 78", "exit: convened 78")
def test_newer_state(machine):
    """It is left alone, and what to do is said once: nothing tries again by itself."""
    machine.start()
    alice, = machine.users("alice")
    path = alice.create("Session", Tag="standup")
    systemctl("stop", UNIT)
    newest = state_version()
    age_state(99)
    before = FILE.read_bytes()
    assert systemctl("start", UNIT, check=False).returncode != 0
    assert (show("ActiveState"), show("ExecMainStatus"), show("NRestarts")) == ("failed", "78", "0")
    said, = machine.messages(NOT_STARTED)
    assert str(FILE) in said and "Install the newer one again" in said and "99" in said
    assert show("StatusText") == said
    assert alice.refused(PATH, MANAGER, "Sync") in ("ServiceUnknown", "NoSuchUnit")
    assert FILE.read_bytes() == before

    age_state(newest)
    systemctl("start", UNIT)
    assert alice.get(path)["Tag"] == "standup"
