# SPDX-License-Identifier: LGPL-2.1-or-later
"""What clients hear: enough to keep a copy of the registry, nothing twice, nothing too early."""

import random

import pytest

from jeepney import HeaderFields, MessageType

from harness.bus import call
from harness.daemon import MANAGER, NAME, PARTICIPANT, PATH, SESSION, variants
from harness.listener import plain
from harness.stage import P1, P2, QUIET, S1, S2, Stage
from harness.wait import wait_for

SILENT = {"NextAttemptUSec", "SyncedUSec", "LastContactUSec"}
CONST = {"Number", "Owner", "Lifetime", "CreatedUSec", "Tag", "CallbackUrl", "PublishPermissions",
         "DeviceApiVersion", "Version", "AccountId", "BaseUrl"}
OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"


@pytest.fixture(name="stage")
def fixture_stage():
    with Stage(QUIET) as stage:
        yield stage


def managed(stage):
    """All objects as {path: properties}, without what is never signalled."""
    objects = stage.daemon.call(PATH, OBJECT_MANAGER, "GetManagedObjects")[0]
    result = {}
    for path, interfaces in objects.items():
        for interface, properties in interfaces.items():
            if interface.startswith(NAME):
                result[path] = plain(properties)
    return {path: {name: value for name, value in properties.items() if name not in SILENT}
            for path, properties in result.items() if path != PATH}


def follow(copy, events):
    """Applies signals to a copy, as a client does."""
    for event in events:
        if event.path in (None, PATH):
            continue
        if event.kind == "added":
            assert event.path not in copy, event
            copy[event.path] = {name: value for name, value in event.changed.items()
                                if name not in SILENT}
        elif event.kind == "removed":
            del copy[event.path]
        elif event.kind == "changed":
            assert not SILENT & event.changed.keys() and not CONST & event.changed.keys(), event
            copy[event.path].update(event.changed)


def act(stage, listener, dice):
    """One thing that some client does, or that somebody else does at the API."""
    sessions, participants = list(stage.list("Sessions")[0]), list(stage.list("Participants")[0])
    kind = dice.randrange(9)
    options = variants({"Wait": dice.random() < 0.5})
    if kind < 2 or not sessions or not participants:
        what = dice.choice(["Session", "Participant", "Participant"])
        return listener.send(PATH, MANAGER, f"Create{what}", "a{sv}", (options,))
    session, participant = dice.choice(sessions), dice.choice(participants)
    if kind == 2:
        return listener.send(session if dice.random() < 0.3 else participant,
                             None, "Delete", "a{sv}", (options,))
    if kind in (3, 4, 5):
        return listener.send(session, SESSION, "AddParticipant", "oa{sv}", (participant, options))
    if kind == 6:
        return listener.send(session, SESSION, "RemoveParticipant", "oa{sv}",
                             (participant, options))
    if kind == 7:
        return listener.send(participant, PARTICIPANT, "SetSubscriptions", "sa(oas)a{sv}",
                             (dice.choice(["none", "session"]), [], options))
    return listener.send(participant, PARTICIPANT, "SetSubscriptions", "sa(oas)a{sv}",
                         ("participants", [(dice.choice(participants), ["mic"])], options))


@pytest.mark.covers("signal: enough for a copy", "signal: constant properties",
                    "signal: silent properties", "signal: PropertiesChanged")
@pytest.mark.parametrize("seed", range(3))
def test_a_copy_stays_true(stage, seed):
    dice = random.Random(seed)
    stage.simulator.set_faults(
        {"method": "PUT", "kind": "status", "status": 400, "probability": 0.1},
        {"method": "DELETE", "kind": "status", "status": 500, "probability": 0.2},
        {"kind": "latency", "ms": 5, "probability": 0.3})
    with stage.listener() as listener:
        copy, heard = {}, []
        for _ in range(150):
            heard += listener.until_reply(act(stage, listener, dice))
        follow(copy, heard)
        assert len({event.brief for event in heard if not event.path}) >= 2
        stage.simulator.set_faults()
        stage.settled()
        # A reply comes after all signals before it.
        serial = listener.send(PATH, OBJECT_MANAGER, "GetManagedObjects")
        follow(copy, listener.until_reply(serial))
        assert copy == managed(stage)
    assert len(copy) > 5


@pytest.mark.covers("signal: one for one change", "signal: PropertiesChanged",
                    "method: Session.AddParticipant")
def test_one_signal_for_one_change(stage):
    stage.session(), stage.participant(Session=S1), stage.participant()
    with stage.listener() as listener:
        heard = listener.call(S1, SESSION, "AddParticipant", "oa{sv}",
                              (P2, variants({"Publishers": [(P1, [])]})))
    first, = [event for event in heard if event.path == P2 and "Session" in event.changed]
    assert first.changed == {"InSync": False, "Session": S1, "SessionId": stage.get(S1)["Id"],
                             "SubscriptionMode": "participants", "Publishers": [(P1, [])]}
    members, = [event for event in heard if event.path == S1]
    assert members.changed == {"Participants": [P1, P2]}
    assert members.interface == SESSION and first.interface == PARTICIPANT


def test_a_new_member_of_a_session(stage):
    stage.session()
    with stage.listener() as listener:
        heard = listener.call(PATH, MANAGER, "CreateParticipant", "a{sv}",
                              (variants({"Session": S1}),))
    # Who is named in Participants is known by then.
    assert [event.brief for event in heard][:2] == ["+participant/1", "~session/1"]
    assert heard[0].changed["Session"] == S1
    assert heard[1].changed == {"Participants": [P1]}


@pytest.mark.covers("property: Participant.SessionId")
def test_id_of_a_session_is_told_for_its_members(stage):
    stage.simulator.set_faults({"path": "/sessions", "kind": "latency", "ms": 300})
    stage.session(Wait=False), stage.participant(Session=S1, Wait=False)
    with stage.listener() as listener:
        heard = listener.until(lambda event: event.path == P1 and event.changed.get("SessionId"))
        assert heard[-1].changed["SessionId"] == stage.get(S1)["Id"]


@pytest.mark.covers("signal: InterfacesRemoved", "property: Session.Participants")
def test_deleted(stage):
    stage.session(), stage.participant(Session=S1)
    with stage.listener() as listener:
        heard = listener.call(P1, PARTICIPANT, "Delete", "a{sv}", ({},))
    brief = [event.brief for event in heard]
    assert brief[-2:] == ["-participant/1", "reply"] and brief.count("-participant/1") == 1
    assert heard[-2].interface == PARTICIPANT
    members = [event for event in heard if event.path == S1]
    assert [event.changed for event in members] == [{"Participants": []}]
    assert brief.index("~session/1") < brief.index("-participant/1")


@pytest.mark.covers("signal: nothing new, nothing said")
def test_reading_again_says_nothing(stage):
    stage.session(), stage.participant(Session=S1)
    stage.settled()
    with stage.listener() as listener:
        for path, interface in ((S1, SESSION), (P1, PARTICIPANT)):
            assert [event.brief for event in listener.call(path, interface, "Refresh")] == ["reply"]


@pytest.mark.covers("signal: PropertiesChanged", "signal: InterfacesRemoved", "drift: a change")
def test_changes_of_somebody_else(stage):
    stage.session(), stage.session(), stage.participant(Session=S1, SubscriptionMode="session")
    stage.settled()
    there, participant = stage.get(S2)["Id"], stage.get(P1)["Id"]
    here = stage.get(S1)["Id"]
    with stage.listener() as listener:
        stage.simulator.call("DELETE", f"/sessions/{here}/participants/{participant}")
        stage.simulator.add(there, participant)
        stage.daemon.manager("Sync")
        heard = listener.until(
            lambda event: event.path == P1 and event.changed.get("Session") == S2)
        assert heard[-1].changed["SessionId"] == there
        members = {event.path: event.changed["Participants"] for event in heard
                   if "Participants" in event.changed}
        assert members == {S1: [], S2: [P1]}
        stage.simulator.call("DELETE", f"/participants/{participant}")
        stage.daemon.manager("Sync")
        listener.until(lambda event: event.brief == "-participant/1")


@pytest.mark.covers("signal: nothing before the name")
def test_nothing_before_the_name_is_ours(stage):
    """Neither for restored objects, nor for those that are driven on after a restart."""
    stage.session(), stage.participant(Session=S1)
    stage.simulator.set_faults({"kind": "refuse"})
    stage.session(Wait=False)
    stage.daemon.await_property(PATH, "ApiState", "offline")
    stage.daemon.kill()
    stage.bus.await_owner(NAME, present=False)
    stage.simulator.set_faults()

    connection = stage.bus.connect()
    call(connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
         "AddMatch", "s", ("type='signal'",))
    stage.daemon.start()
    stage.settled()
    members, owned = [], False
    with stage.listener():
        while not owned or S2 not in [item[1] for item in members]:
            message = connection.receive(timeout=10)
            fields = message.header.fields
            if message.header.message_type is not MessageType.signal:
                continue
            if fields[HeaderFields.member] == "NameOwnerChanged":
                owned = owned or (message.body[0] == NAME and message.body[2] != "")
            elif fields.get(HeaderFields.path, "").startswith(PATH):
                assert owned, message
                members.append((fields[HeaderFields.member], fields[HeaderFields.path]))
    connection.close()
    assert "InterfacesAdded" not in [member for member, _ in members]


@pytest.mark.covers("signal: nothing after the name")
def test_nothing_after_the_name_is_released(stage):
    """What becomes of a creation in flight is waited for, and told before."""
    stage.simulator.set_faults({"method": "POST", "kind": "latency", "ms": 300})
    stage.session(Wait=False)
    wait_for(stage.simulator.requests)
    with stage.listener() as listener:
        call(listener.connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
             "org.freedesktop.DBus", "AddMatch", "s", ("type='signal'",))
        stage.daemon.stop()
        heard, released = [], None
        bus = listener.send("/org/freedesktop/DBus", "org.freedesktop.DBus.Peer", "Ping")
        while True:
            message = listener.connection.receive(timeout=10)
            fields = message.header.fields
            if fields.get(HeaderFields.reply_serial) == bus:
                break
            if fields.get(HeaderFields.member) == "NameOwnerChanged" and message.body[0] == NAME:
                released = len(heard)
            heard.append(fields.get(HeaderFields.path, ""))
    told = [path for path in heard if path.startswith(PATH)]
    assert S1 in told and released is not None
    assert not [path for path in heard[released:] if path.startswith(PATH)]


@pytest.mark.covers("property: Participant.Attempts")
def test_attempts_are_told(stage):
    stage.session(), stage.participant()
    stage.simulator.set_faults({"method": "PUT", "kind": "status", "status": 500, "count": 2})
    with stage.listener() as listener:
        stage.add(S1, P1, Wait=False)
        heard = listener.until(lambda event: event.path == P1 and event.changed.get("InSync"))
    attempts = [event.changed["Attempts"] for event in heard if "Attempts" in event.changed]
    assert attempts == [1, 2, 0]
    wait_for(lambda: stage.get(P1)["NextAttemptUSec"] == 0)
