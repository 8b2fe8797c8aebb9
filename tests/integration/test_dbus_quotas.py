# SPDX-License-Identifier: LGPL-2.1-or-later
"""How much one user may have. Needs root, to be several users."""

import contextlib
import os

import pytest
from jeepney import DBusAddress, MessageFlag, new_method_call

from harness.daemon import MANAGER, NAME, PARTICIPANT, PATH, SESSION, Daemon, variants
from harness.programs import is_sanitized
from harness.stage import P1, P2, S1, S2, Stage
from harness.users import ALICE, BOB, User, open_to_all
from harness.wait import wait_for

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can be several users")

QUIET = {"ResyncIntervalSec": 3600}
CREATE = (PATH, MANAGER, "CreateSession", "a{sv}", ({},))
IN_THE_END = (PATH, MANAGER, "CreateSession", "a{sv}", (variants({"Wait": False}),))


@pytest.fixture(name="scene")
def fixture_scene(monkeypatch):
    """A function of quotas: the stage with them, root, Alice and Bob."""
    open_to_all(monkeypatch)
    with contextlib.ExitStack() as stack:
        def begin(**quotas):
            stage = stack.enter_context(Stage({"Reconcile": QUIET, "Bus": quotas}, kind="system"))
            users = [stack.enter_context(contextlib.closing(User(stage.bus, uid)))
                     for uid in (0, ALICE, BOB)]
            return stage, *users
        yield begin


def delete(path):
    interface = SESSION if "/session/" in path else PARTICIPANT
    return path, interface, "Delete", "a{sv}", ({},)


def test_objects(scene):
    stage, root, alice, bob = scene(MaxObjectsPerUser=2)
    alice.create("Session"), alice.create("Participant")
    assert alice.refused(*CREATE) == "LimitsExceeded"
    assert alice.refused(PATH, MANAGER, "CreateParticipant", "a{sv}", ({},)) == "LimitsExceeded"
    assert len(stage.simulator.requests(method="POST")) == 2
    # another connection is the same user, another user is not, and root has no quota
    with contextlib.closing(User(stage.bus, ALICE)) as again:
        assert again.refused(*CREATE) == "LimitsExceeded"
    bob.create("Session"), bob.create("Session")
    assert bob.refused(*CREATE) == "LimitsExceeded"
    for _ in range(4):
        root.create("Session")
    # what is there can be changed, and what goes makes room
    alice.call(S1, SESSION, "AddParticipant", "oa{sv}", (P1, {}))
    alice.call(*delete(S1))
    assert alice.create("Session")
    assert alice.refused(*CREATE) == "LimitsExceeded"


@pytest.mark.covers("quota: objects")
def test_objects_all_at_once(scene):
    """Those that are not durable yet count, too."""
    stage, _, alice, _ = scene(MaxObjectsPerUser=5)
    outcomes = [alice.outcome(serial) for serial in [alice.send(*IN_THE_END) for _ in range(40)]]
    assert sorted(outcomes) == ["LimitsExceeded"] * 35 + ["reply"] * 5
    wait_for(lambda: stage.get(PATH)["PendingCount"] == 0)
    assert len(stage.simulator.requests(method="POST")) == 5


@pytest.mark.covers("quota: strangers")
def test_strangers_do_not_count(scene):
    """Whoever others put into a session takes no place of its owner's; over a restart, too."""
    stage, _, alice, _ = scene(MaxObjectsPerUser=2)
    alice.create("Session")
    for _ in range(3):
        stage.simulator.add(stage.get(S1)["Id"], stage.simulator.create_participant()["id"])
    wait_for(lambda: stage.refresh(S1) is not None and len(stage.get(S1)["Participants"]) == 3)
    assert stage.get(P1)["Owner"] == ALICE
    stage.daemon.restart()
    alice.create("Participant")
    assert alice.refused(*CREATE) == "LimitsExceeded"
    # so one of them makes none when it goes; what is adopted by its id takes one
    alice.call(*delete(P1))
    assert alice.refused(*CREATE) == "LimitsExceeded"
    alice.call(*delete(S1))
    lonely = stage.simulator.create_participant()["id"]
    alice.call(PATH, MANAGER, "AdoptParticipant", "sa{sv}", (lonely, {}))
    assert alice.refused(*CREATE) == "LimitsExceeded"


@pytest.mark.covers("quota: objects")
def test_adoption(scene):
    """What is asked for counts; what is here already makes nothing."""
    stage, _, alice, bob = scene(MaxObjectsPerUser=5)
    bob.create("Session")
    ids = [stage.simulator.create_participant()["id"] for _ in range(40)]
    outcomes = [alice.outcome(serial) for serial in [
        alice.send(PATH, MANAGER, "AdoptParticipant", "sa{sv}", (api_id, {})) for api_id in ids]]
    assert sorted(outcomes) == ["LimitsExceeded"] * 35 + ["reply"] * 5
    session = stage.get(S1)["Id"]
    assert alice.call(PATH, MANAGER, "AdoptSession", "sa{sv}", (session, {})) == (S1,)
    assert stage.get(S1)["Owner"] == BOB
    # what comes to nothing leaves its place
    alice.call(*delete(P1))
    for _ in range(3):
        assert alice.refused(PATH, MANAGER, "AdoptParticipant", "sa{sv}",
                             ("nobody", {})) == "NoSuchParticipant"
    assert alice.call(PATH, MANAGER, "AdoptParticipant", "sa{sv}", (ids[-1], {}))
    assert alice.refused(*CREATE) == "LimitsExceeded"


def test_objects_after_a_restart(scene):
    stage, _, alice, _ = scene(MaxObjectsPerUser=1)
    alice.create("Session")
    stage.daemon.restart()
    assert alice.refused(*CREATE) == "LimitsExceeded"
    alice.call(*delete(S1))
    assert alice.create("Session") == S2


@pytest.mark.covers("quota: objects that are not in sync", "quota: Delete")
def test_pending(scene):
    stage, root, alice, bob = scene(MaxPendingPerUser=2)
    alice.create("Session"), alice.create("Participant"), alice.create("Participant")
    stage.simulator.set_faults({"method": "P*", "kind": "hang"})
    for path in (P1, P2):
        alice.call(S1, SESSION, "AddParticipant", "oa{sv}", (path, variants({"Wait": False})))
    for call in (CREATE, (S1, SESSION, "RemoveParticipant", "oa{sv}", (P1, {})),
                 (P1, PARTICIPANT, "SetSubscriptions", "sa(oas)a{sv}", ("session", [], {}))):
        assert alice.refused(*call) == "LimitsExceeded"
    # what is read is no intent, what others want is theirs, and deleting is never refused
    assert alice.call(P1, PARTICIPANT, "GetToken")[0]
    bob.call(*IN_THE_END), root.call(*IN_THE_END)
    alice.send(*delete(P1)), alice.send(*delete(S1))
    gone = {"State": "deleting"}
    wait_for(lambda: stage.list("Sessions")[0].get(S1, gone)["State"] == "deleting")
    stage.simulator.set_faults()


def test_pending_all_at_once(scene):
    stage, _, alice, _ = scene(MaxPendingPerUser=3)
    stage.simulator.set_faults({"method": "POST", "kind": "hang"})
    outcomes = [alice.outcome(serial) for serial in [alice.send(*IN_THE_END) for _ in range(40)]]
    assert sorted(outcomes) == ["LimitsExceeded"] * 37 + ["reply"] * 3
    stage.simulator.set_faults()


def test_pending_makes_room(scene):
    stage, _, alice, _ = scene(MaxPendingPerUser=1)
    stage.simulator.set_faults({"method": "POST", "kind": "latency", "ms": 1000, "count": 1})
    path = alice.call(*IN_THE_END)[0]
    assert alice.refused(*IN_THE_END) == "LimitsExceeded"
    stage.daemon.await_property(path, "InSync", True)
    assert alice.create("Session")


@pytest.mark.covers("quota: calls without an answer")
def test_calls(scene):
    stage, root, alice, bob = scene(MaxCallsPerUser=3)
    alice.create("Session"), bob.create("Session")
    stage.simulator.set_faults({"method": "POST", "kind": "latency", "ms": 2000})
    waiting = [alice.send(*CREATE) for _ in range(3)]
    with contextlib.closing(User(stage.bus, ALICE)) as again:
        wait_for(lambda: stage.get(PATH)["PendingCount"] == 3)
        assert again.refused(*CREATE) == "LimitsExceeded"
        assert again.refused(S1, SESSION, "Refresh") == "LimitsExceeded"
        # what is answered at once waits for nothing, and deleting is never refused
        assert again.call(PATH, MANAGER, "ListSessions", "a{sv}tu", ({}, 0, 0))
        assert again.call(*delete(S1)) == ()
    assert bob.call(S2, SESSION, "Refresh") == () and root.call(S2, SESSION, "Refresh") == ()
    assert [alice.outcome(serial) for serial in waiting] == ["reply"] * 3
    stage.simulator.set_faults()
    assert alice.create("Session")


# While the API says nothing, nobody who waits for it is answered.
PATIENCE = {"Api": {"RequestTimeoutSec": 60}, "Reconcile": QUIET,
            "Bus": {"ReplyTimeoutSec": 20, "MaxCallsPerUser": 8}}


@pytest.fixture(name="patience")
def fixture_patience(monkeypatch):
    """The stage, Alice with 20 participants, and Bob."""
    open_to_all(monkeypatch)
    with contextlib.ExitStack() as stack:
        stage = stack.enter_context(Stage(PATIENCE, kind="system"))
        alice, bob = [stack.enter_context(contextlib.closing(User(stage.bus, uid)))
                      for uid in (ALICE, BOB)]
        yield stage, alice, bob, [alice.create("Participant") for _ in range(20)]


@pytest.mark.covers("quota: Delete")
def test_deletes_without_end(patience):
    """Of those that want no answer nothing is kept, and others are served meanwhile."""
    stage, alice, bob, paths = patience
    stage.simulator.set_faults({"kind": "hang"})
    calls = []
    for path in paths:
        address = DBusAddress(path, bus_name=NAME, interface=PARTICIPANT)
        call = new_method_call(address, "Delete", "a{sv}", ({},))
        call.header.flags |= MessageFlag.no_reply_expected
        calls.append(call.serialise(serial=1))
    alice.call(PATH, MANAGER, "Sync")
    before = stage.daemon.resident_kb()
    for _ in range(20):
        alice.connection.sock.sendall(b"".join(calls) * 250)
        assert bob.refused(PATH, MANAGER, "GetSession", "s", ("x",)) == "NoSuchSession"
        bob.call(*IN_THE_END)
    alice.call(PATH, MANAGER, "Sync")
    assert is_sanitized() or stage.daemon.resident_kb() - before < 4 << 10
    rows = stage.list("Participants")[0]
    assert {rows[path]["State"] for path in paths} == {"deleting"}


@pytest.mark.covers("quota: Delete", "quota: calls without an answer")
def test_deletes_beyond_it(patience):
    """Who may have no more calls waiting is told that it is accepted; each gets one answer."""
    stage, alice, bob, paths = patience
    stage.simulator.set_faults({"method": "DELETE", "kind": "latency", "ms": 5000})
    serials = [alice.send(*delete(path)) for path in paths[:4] for _ in range(25)]
    assert [alice.outcome(serial) for serial in serials[8:]] == ["reply"] * 92
    assert not alice.outcomes
    assert bob.refused(PATH, MANAGER, "GetSession", "s", ("x",)) == "NoSuchSession"
    assert [alice.outcome(serial) for serial in serials[:8]] == ["reply"] * 8
    stage.simulator.set_faults()
    assert alice.call(*delete(paths[4])) == () and not alice.outcomes


def test_reload_changes_them(scene):
    stage, root, alice, _ = scene(MaxObjectsPerUser=1)
    alice.create("Session")
    stage.daemon.config["Bus"]["MaxObjectsPerUser"] = 2
    stage.daemon.write_config()
    root.call(PATH, MANAGER, "Reload")
    alice.create("Session")
    assert alice.refused(*CREATE) == "LimitsExceeded"


def test_none_on_the_session_bus(bus, simulator):
    with Daemon(bus, base_url=simulator.base_url,
                config={"Bus": {"MaxObjectsPerUser": 1, "MaxPendingPerUser": 1}}) as daemon:
        assert daemon.create_session() != daemon.create_session()
