# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may do what on the system bus. Needs root, to be several users."""

import contextlib
import os

import pytest
from jeepney import DBusAddress, MessageType, new_method_call

from harness.bus import BusError, call
from harness.daemon import MANAGER, NAME, PARTICIPANT, PATH, SESSION, variants
from harness.stage import P1, P2, QUIET, S1, S2, Stage
from harness.users import ALICE, BOB, User, open_to_all

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can be several users")


@pytest.fixture(name="stage")
def fixture_stage(monkeypatch):
    open_to_all(monkeypatch)
    with Stage(QUIET, kind="system") as stage:
        yield stage


@pytest.fixture(name="users")
def fixture_users(stage):
    """Root, Alice with session 1 and participant 1, Bob with session 2 and participant 2."""
    with contextlib.ExitStack() as stack:
        users = [stack.enter_context(contextlib.closing(User(stage.bus, uid)))
                 for uid in (0, ALICE, BOB)]
        for user in users[1:]:
            user.create("Session"), user.create("Participant")
        yield users


def denied(user, *arguments):
    with pytest.raises(BusError) as caught:
        user.call(*arguments)
    assert caught.value.name == "org.freedesktop.DBus.Error.AccessDenied", caught.value


def add(user, session, participant):
    return user, session, SESSION, "AddParticipant", "oa{sv}", (participant, {})


def remove(user, session, participant):
    return user, session, SESSION, "RemoveParticipant", "oa{sv}", (participant, {})


@pytest.mark.covers("right: create", "property: Session.Owner", "property: Participant.Owner")
def test_owner_is_the_caller(stage, users):
    assert [stage.get(path)["Owner"] for path in (S1, P1, S2, P2)] == [ALICE, ALICE, BOB, BOB]


@pytest.mark.covers("right: list, get, Refresh, Sync", "key: Manager.ListParticipants Owner")
def test_everybody_may_read(stage, users):
    _, alice, bob = users
    for path, interface in ((S1, SESSION), (P1, PARTICIPANT)):
        assert bob.call(path, interface, "Refresh") == ()
        assert bob.call(path, "org.freedesktop.DBus.Properties", "GetAll", "s", (interface,))
    assert bob.call(PATH, MANAGER, "GetSession", "s", (stage.get(S1)["Id"],)) == (S1,)
    assert bob.call(PATH, MANAGER, "Sync") == ()
    rows, _ = alice.call(PATH, MANAGER, "ListParticipants", "a{sv}tu",
                         ({"Owner": ("u", BOB)}, 0, 0))
    assert [path for path, _ in rows] == [P2]


@pytest.mark.covers("right: Session.Delete", "right: Participant.Delete",
                    "right: SetSubscriptions", "right: GetToken", "right: AddParticipant",
                    "right: create with Session", "right: refused", "error: AccessDenied")
def test_only_the_owner(stage, users):
    _, alice, bob = users
    stage.verified()
    before = stage.simulator.requests()
    denied(bob, S1, SESSION, "Delete", "a{sv}", ({},))
    denied(bob, P1, PARTICIPANT, "Delete", "a{sv}", ({},))
    denied(bob, P1, PARTICIPANT, "GetToken")
    denied(bob, P1, PARTICIPANT, "SetSubscriptions", "sa(oas)a{sv}", ("none", [], {}))
    denied(bob, PATH, MANAGER, "CreateParticipant", "a{sv}", (variants({"Session": S1}),))
    # Owner of one is not enough: nobody pulls another's microphone into a call, or listens in.
    denied(*add(bob, S1, P2))
    denied(*add(bob, S2, P1))
    denied(*add(bob, S1, P1))
    assert stage.simulator.requests() == before

    assert alice.call(P1, PARTICIPANT, "GetToken")[0]
    assert alice.call(*add(alice, S1, P1)[1:]) == ()
    assert alice.call(P1, PARTICIPANT, "SetSubscriptions", "sa(oas)a{sv}",
                      ("session", [], {})) == ()
    assert alice.create("Participant", Session=S1)
    assert alice.call(P1, PARTICIPANT, "Delete", "a{sv}", ({},)) == ()
    assert alice.call(S1, SESSION, "Delete", "a{sv}", ({},)) == ()


@pytest.mark.covers("right: adopt")
def test_everybody_may_adopt(stage, users):
    """What comes in is the caller's; what strangers add to it is, too; what is here stays whose it
    is."""
    _, alice, bob = users
    session = stage.simulator.create_session()["id"]
    members = [stage.simulator.create_participant()["id"] for _ in range(2)]
    stage.simulator.add(session, members[0])
    path, = alice.call(PATH, MANAGER, "AdoptSession", "sa{sv}", (session, {}))
    stage.simulator.add(session, members[1])
    stage.refresh(path)
    paths = [alice.call(PATH, MANAGER, "GetParticipant", "s", (api_id,))[0] for api_id in members]
    assert [stage.get(one)["Owner"] for one in (path, *paths)] == [ALICE] * 3
    assert bob.call(PATH, MANAGER, "AdoptSession", "sa{sv}", (session, {})) == (path,)
    assert bob.call(PATH, MANAGER, "AdoptParticipant", "sa{sv}", (members[1], {})) == (paths[1],)
    for one in paths:
        denied(bob, one, PARTICIPANT, "Delete", "a{sv}", ({},))
    denied(*add(bob, path, P2))
    assert stage.get(paths[1])["Owner"] == ALICE
    assert alice.call(path, SESSION, "Delete", "a{sv}", ({},)) == ()


@pytest.mark.covers("right: RemoveParticipant")
def test_remove_by_the_owner_of_either(stage, users):
    root, alice, bob = users
    for remover in (alice, bob, root):
        assert root.call(*add(root, S1, P2)[1:]) == ()
        assert remover.call(*remove(remover, S1, P2)[1:]) == ()
    root.call(*add(root, S1, P1)[1:])
    denied(*remove(bob, S1, P1))
    assert stage.get(P1)["Session"] == S1


@pytest.mark.covers("right: root")
def test_root_may_everything(users):
    root = users[0]
    assert root.call(P1, PARTICIPANT, "GetToken")[0]
    assert root.call(*add(root, S2, P1)[1:]) == ()
    assert root.call(P1, PARTICIPANT, "Delete", "a{sv}", ({},)) == ()
    assert root.call(S2, SESSION, "Delete", "a{sv}", ({},)) == ()


@pytest.mark.covers("right: Reload")
def test_reload_is_for_root(users):
    root, alice, _ = users
    denied(alice, PATH, MANAGER, "Reload")
    assert root.call(PATH, MANAGER, "Reload") == ()


@pytest.mark.covers("reply: arguments first")
def test_arguments_come_before_rights(users):
    bob = users[2]
    with pytest.raises(BusError) as caught:
        bob.call(S1, SESSION, "Delete", "a{sv}", ({"Colour": ("s", "red")},))
    assert caught.value.name == "org.freedesktop.DBus.Error.InvalidArgs"


def test_many_callers_come_and_go(stage, users):
    """More than are remembered; and a later connection is another caller."""
    for n in range(300):
        user = User(stage.bus, ALICE if n % 2 else BOB)
        if n % 2:
            assert user.call(P1, PARTICIPANT, "GetToken")[0]
        else:
            denied(user, P1, PARTICIPANT, "GetToken")
        user.close()


@pytest.mark.covers("right: a caller that vanishes")
def test_a_caller_that_vanishes_is_refused(stage, users):
    """Nobody can tell who it was, so nothing is done."""
    address = DBusAddress(PATH, bus_name=NAME, interface=MANAGER)
    os.kill(stage.daemon.process.pid, 19)
    for _ in range(20):
        user = User(stage.bus, ALICE)
        user.connection.send(new_method_call(address, "CreateSession", "a{sv}", ({},)))
        user.close()
    os.kill(stage.daemon.process.pid, 18)
    assert stage.get(PATH)["SessionCount"] == 2


@pytest.mark.covers("right: a caller that vanishes")
def test_callers_that_vanish_are_asked_about_once(stage, users):
    """However many calls they leave behind; for all others wait while the bus is asked."""
    address = DBusAddress(PATH, bus_name=NAME, interface=MANAGER)
    with contextlib.closing(stage.bus.connect()) as monitor:
        call(monitor, "org.freedesktop.DBus", "/org/freedesktop/DBus",
             "org.freedesktop.DBus.Monitoring", "BecomeMonitor", "asu",
             (["member='GetConnectionUnixUser'", "member='GetConnectionCredentials'"], 0))
        os.kill(stage.daemon.process.pid, 19)
        for _ in range(4):
            user = User(stage.bus, ALICE)
            for _ in range(100):
                user.connection.send(new_method_call(address, "CreateSession", "a{sv}", ({},)))
            user.close()
        os.kill(stage.daemon.process.pid, 18)
        # Somebody new is asked about, too: that is the last question.
        with contextlib.closing(User(stage.bus, BOB)) as last:
            last.create("Session")
            about = []
            while last.name not in about:
                message = monitor.receive(timeout=30)
                if message.header.message_type is MessageType.method_call:
                    about.append(message.body[0])
    assert len(about) == len(set(about)) == 5
    assert stage.get(PATH)["SessionCount"] == 3
