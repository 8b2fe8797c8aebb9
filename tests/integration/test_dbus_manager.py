# SPDX-License-Identifier: LGPL-2.1-or-later
"""The manager: creating, finding, listing, and what it says of the whole."""

import os
import time

import pytest

from harness.daemon import MANAGER, NAME, PARTICIPANT, PATH, SESSION
from harness.stage import P1, P2, P3, QUIET, S1, S2, Stage
from harness.wait import wait_for

OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"


@pytest.fixture(name="stage")
def fixture_stage():
    with Stage(QUIET) as stage:
        yield stage


@pytest.mark.covers("method: Manager.CreateSession", "key: Manager.CreateSession Tag",
                    "property: Session.Number", "property: Session.Id", "property: Session.Tag",
                    "property: Session.State", "property: Session.InSync",
                    "property: Session.LastError", "property: Session.Attempts",
                    "property: Session.NextAttemptUSec", "property: Session.Owner",
                    "property: Session.Lifetime", "property: Session.CreatedUSec",
                    "property: Session.SyncedUSec", "property: Session.Participants",
                    "property: Session.ExpiresUSec")
def test_properties_of_a_session(stage):
    before = time.time() * 1e6
    path = stage.session(Tag="call")
    assert path == S1
    shown = stage.get(path)
    assert before <= shown.pop("CreatedUSec") <= time.time() * 1e6
    assert shown.pop("SyncedUSec") >= 0
    expires = shown.pop("ExpiresUSec")
    assert abs(expires - time.time() * 1e6 - 9 * 3600e6) < 60e6
    assert shown.pop("Id") in stage.simulator.state()["sessions"]
    assert shown == {"Number": 1, "Tag": "call", "State": "active", "InSync": True,
                     "LastError": ("", ""), "Attempts": 0, "NextAttemptUSec": 0,
                     "Owner": os.getuid(), "Lifetime": "persistent", "Participants": []}


@pytest.mark.covers("method: Manager.CreateParticipant", "key: Manager.CreateParticipant Tag",
                    "key: Manager.CreateParticipant CallbackUrl",
                    "key: Manager.CreateParticipant PublishPermissions",
                    "key: Manager.CreateParticipant Session",
                    "key: Manager.CreateParticipant SubscriptionMode",
                    "property: Participant.Number", "property: Participant.Id",
                    "property: Participant.Tag", "property: Participant.State",
                    "property: Participant.InSync", "property: Participant.LastError",
                    "property: Participant.Attempts", "property: Participant.NextAttemptUSec",
                    "property: Participant.Owner", "property: Participant.Lifetime",
                    "property: Participant.CreatedUSec",
                    "property: Participant.CallbackUrl",
                    "property: Participant.PublishPermissions",
                    "property: Participant.DeviceApiVersion", "property: Participant.Session",
                    "property: Participant.SessionId", "property: Participant.SubscriptionMode",
                    "property: Participant.Publishers", "subscription: session")
def test_properties_of_a_participant(stage):
    stage.session()
    before = time.time() * 1e6
    path = stage.participant(Tag="desk", CallbackUrl="https://example.net/x",
                             PublishPermissions=["AUDIO"], Session=S1, SubscriptionMode="session")
    assert path == P1
    shown = stage.get(path)
    there = stage.truth(path)
    assert before <= shown.pop("CreatedUSec") <= time.time() * 1e6
    shown.pop("SyncedUSec")
    assert shown == {"Number": 1, "Id": there["id"], "Tag": "desk", "State": "active",
                     "InSync": True, "LastError": ("", ""), "Attempts": 0, "NextAttemptUSec": 0,
                     "Owner": os.getuid(), "Lifetime": "persistent",
                     "CallbackUrl": "https://example.net/x", "PublishPermissions": ["AUDIO"],
                     "DeviceApiVersion": "V3", "Session": S1, "SessionId": stage.get(S1)["Id"],
                     "SubscriptionMode": "session", "Publishers": []}
    assert there["tag"] == "desk" and there["publishPermissions"] == ["AUDIO"]
    assert there["sessions"] == [shown["SessionId"]]
    assert there["subscriptions"] == {"sessionId": shown["SessionId"]}
    assert stage.get(S1)["Participants"] == [P1]


@pytest.mark.covers("key: Manager.CreateParticipant PublishPermissions", "subscription: neither",
                    "subscription: none")
def test_defaults_of_a_participant(stage):
    shown = stage.get(stage.participant())
    assert (shown["Tag"], shown["CallbackUrl"], shown["PublishPermissions"]) == ("", "", [])
    assert (shown["Session"], shown["SessionId"]) == ("/", "")
    assert (shown["SubscriptionMode"], shown["Publishers"]) == ("none", [])
    # None by default, and always sent.
    assert '"publishPermissions":[]' in stage.simulator.requests()[0]["body"].replace(" ", "")


@pytest.mark.covers("key: Manager.CreateParticipant Publishers", "subscription: Publishers alone",
                    "subscription: participants")
def test_create_and_join_with_publishers(stage):
    stage.session()
    stage.participant(Session=S1)
    path = stage.participant(Session=S1, Publishers=[(P1, ["screen", "mic"])])
    shown = stage.get(path)
    assert shown["SubscriptionMode"] == "participants"
    assert shown["Publishers"] == [(P1, ["mic", "screen"])]
    publisher, = stage.truth(path)["subscriptions"]["participants"]
    assert publisher["participantId"] == stage.get(P1)["Id"]
    assert sorted(publisher["streamAliases"]) == ["mic", "screen"]


@pytest.mark.covers("name: number")
def test_numbers_are_never_used_again(stage):
    stage.delete(stage.session())
    stage.delete(stage.session())
    stage.daemon.restart()
    assert stage.session() == PATH + "/session/3"
    assert stage.participant() == P1


@pytest.mark.covers("method: Manager.GetSession", "method: Manager.GetParticipant",
                    "error: NoSuchSession", "error: NoSuchParticipant", "list: from the cache")
def test_get_by_id(stage):
    stage.session(), stage.participant()
    session, participant = stage.get(S1)["Id"], stage.get(P1)["Id"]
    assert stage.daemon.manager("GetSession", "s", (session,)) == (S1,)
    assert stage.daemon.manager("GetParticipant", "s", (participant,)) == (P1,)
    stage.refused("NoSuchSession", stage.daemon.manager, "GetSession", "s", (participant,))
    stage.refused("NoSuchParticipant", stage.daemon.manager, "GetParticipant", "s", (session,))
    stage.refused("NoSuchSession", stage.daemon.manager, "GetSession", "s", ("x",))
    stage.verified()
    before = stage.simulator.requests()
    assert stage.daemon.manager("GetSession", "s", (session,)) == (S1,)
    assert (list(stage.list("Sessions")[0]), list(stage.list("Participants")[0])) == ([S1], [P1])
    assert stage.simulator.requests() == before


@pytest.mark.covers("method: Manager.ListSessions", "method: Manager.ListParticipants",
                    "list: filter", "list: fields", "list: order", "key: Manager.ListSessions Tag",
                    "key: Manager.ListSessions Fields", "key: Manager.ListParticipants Fields",
                    "key: Manager.ListParticipants Tag",
                    "key: Manager.ListParticipants State", "key: Manager.ListParticipants Owner",
                    "key: Manager.ListParticipants InSync",
                    "key: Manager.ListParticipants IdPrefix",
                    "key: Manager.ListParticipants Session")
def test_lists(stage):
    for tag in ("a", "b", "a"):
        stage.session(Tag=tag)
    for session in (S1, S1, S2):
        stage.participant(Session=session)
    stage.participant(Tag="a")
    p4 = PATH + "/participant/4"

    rows, following = stage.list("Sessions")
    assert following == 0 and list(rows) == [f"{PATH}/session/{n}" for n in (1, 2, 3)]
    assert rows[S1] == stage.get(S1)
    rows, _ = stage.list("Participants")
    assert rows[P1] == stage.get(P1)

    assert list(stage.list("Sessions", Tag="a")[0]) == [S1, PATH + "/session/3"]
    assert list(stage.list("Participants", Session=S1)[0]) == [P1, P2]
    assert list(stage.list("Participants", Session="/")[0]) == [p4]
    assert list(stage.list("Participants", Session=S1, Tag="a")[0]) == []
    assert list(stage.list("Participants", Owner=os.getuid())[0]) == [P1, P2, P3, p4]
    assert list(stage.list("Participants", Owner=os.getuid() + 1)[0]) == []
    assert list(stage.list("Participants", State="active", InSync=True)[0]) == [P1, P2, P3, p4]
    assert list(stage.list("Participants", State="pending")[0]) == []
    prefix = stage.get(P2)["Id"][:20]
    assert list(stage.list("Participants", IdPrefix=prefix)[0]) == [P2]
    assert stage.list("Sessions", Tag="a", Fields=["Tag", "Participants"])[0][S1] == {
        "Tag": "a", "Participants": [P1, P2]}
    assert stage.list("Sessions", Fields=[])[0][S1] == {}
    assert stage.list("Participants", Session=S2, Fields=["Session", "Tag"])[0] == {
        P3: {"Session": S2, "Tag": ""}}


@pytest.mark.covers("list: order", "list: next page")
def test_pages(stage):
    for _ in range(5):
        stage.session(Wait=False)
    rows, following = stage.list("Sessions", 0, 2)
    assert list(rows) == [S1, S2] and following == 2
    rows, following = stage.list("Sessions", 2, 2)
    assert list(rows) == [f"{PATH}/session/{n}" for n in (3, 4)] and following == 4
    rows, following = stage.list("Sessions", 4, 2)
    assert list(rows) == [PATH + "/session/5"] and following == 0
    assert stage.list("Sessions", 5, 2) == ({}, 0)


@pytest.mark.covers("list: default limit")
def test_default_limit_is_100(stage):
    for _ in range(101):
        stage.session(Wait=False)
    rows, following = stage.list("Sessions", Fields=[])
    assert len(rows) == 100 and following == 100


def managed(stage):
    return stage.daemon.call(PATH, OBJECT_MANAGER, "GetManagedObjects", timeout=60)[0]


@pytest.mark.covers("list: managed objects")
def test_managed_objects(stage):
    stage.session(Tag="call"), stage.participant(Session=S1)
    objects = managed(stage)
    own = {path: {name: value for name, value in interfaces.items() if name.startswith(NAME)}
           for path, interfaces in objects.items()}
    own = {path: interfaces for path, interfaces in own.items() if interfaces}
    assert own.keys() >= {S1, P1}
    for path, interface in ((S1, SESSION), (P1, PARTICIPANT)):
        shown = {name: value for name, (_, value) in own[path][interface].items()}
        assert shown == stage.get(path)


@pytest.mark.covers("list: too many managed objects", "error: LimitsExceeded",
                    "configuration: [Bus] MaxManagedObjects")
def test_too_many_managed_objects():
    with Stage({**QUIET, "Bus": {"MaxManagedObjects": 3}}) as stage:
        stage.session(), stage.session(), stage.participant()
        assert len(managed(stage)) >= 3
        stage.session()
        assert "ListSessions" in stage.refused("LimitsExceeded", managed, stage)
        for prefix in ("session", "participant"):
            xml = stage.daemon.call(f"{PATH}/{prefix}", "org.freedesktop.DBus.Introspectable",
                                    "Introspect")[0]
            assert "<node name=" not in xml
        assert len(stage.list("Sessions")[0]) == 3
        stage.delete(S1)
        assert S2 in managed(stage)


@pytest.mark.covers("method: Manager.Sync")
def test_sync_reads_everything(stage):
    for _ in range(3):
        stage.session(), stage.participant()
    stage.participant(Session=S1)
    stage.settled()
    synced = {path: stage.get(path)["SyncedUSec"] for path in
              [*stage.list("Sessions")[0], *stage.list("Participants")[0]]}
    begin = time.time() * 1e6
    assert stage.daemon.manager("Sync") == ()
    wait_for(lambda: all(stage.get(path)["SyncedUSec"] >= begin for path in synced))


@pytest.mark.covers("property: Manager.Version", "property: Manager.AccountId",
                    "property: Manager.BaseUrl", "property: Manager.ApiState",
                    "property: Manager.LastContactUSec", "property: Manager.SessionCount",
                    "property: Manager.ParticipantCount", "property: Manager.PendingCount",
                    "property: Manager.SuspectedOrphans")
def test_properties_of_the_manager(stage):
    shown = stage.get(PATH)
    assert shown["AccountId"] == stage.simulator.account
    assert shown["BaseUrl"] == stage.simulator.base_url
    assert shown["Version"]
    assert (shown["SessionCount"], shown["ParticipantCount"]) == (0, 0)
    assert (shown["PendingCount"], shown["SuspectedOrphans"]) == (0, 0)
    assert shown["ApiState"] in ("unknown", "online")

    begin = time.time() * 1e6
    stage.session(), stage.participant()
    shown = stage.get(PATH)
    assert (shown["SessionCount"], shown["ParticipantCount"]) == (1, 1)
    assert shown["ApiState"] == "online"
    assert begin <= shown["LastContactUSec"] <= time.time() * 1e6


@pytest.mark.covers("property: Manager.LastContactUSec")
def test_last_contact_is_0_for_never():
    with Stage(QUIET, credentials=None) as stage:
        shown = stage.get(PATH)
        assert shown["ApiState"] == "unauthorized" and shown["LastContactUSec"] == 0


@pytest.mark.covers("state: API unknown")
def test_api_state_is_unknown_until_it_has_answered(stage):
    stage.simulator.set_faults({"kind": "latency", "ms": 500})
    assert stage.get(PATH)["ApiState"] == "unknown"
    stage.session(Wait=False)
    wait_for(stage.simulator.requests)
    assert stage.get(PATH)["ApiState"] == "unknown"
    stage.daemon.await_property(PATH, "ApiState", "online")


@pytest.mark.covers("signal: counts", "property: Manager.SessionCount")
def test_counts_are_signalled_at_most_once_in_100_ms(stage):
    with stage.listener() as listener:
        begin = time.monotonic()
        for _ in range(50):
            stage.session(Wait=False)
        heard = listener.until(lambda event: event.changed.get("SessionCount") == 50)
        took = time.monotonic() - begin
    counts = [event for event in heard if event.path == PATH and "SessionCount" in event.changed]
    assert all(event.interface == MANAGER for event in counts)
    # One at once, the others after 100 ms each.
    assert len(counts) <= took / 0.1 + 1
    assert [event.changed["SessionCount"] for event in counts] == sorted(
        {event.changed["SessionCount"] for event in counts})


@pytest.mark.covers("property: Manager.SuspectedOrphans")
def test_suspected_orphans_are_counted_and_signalled(stage):
    stage.session()
    stage.simulator.set_faults({"method": "POST", "kind": "drop", "count": 1})
    with stage.listener() as listener:
        stage.session(Wait=False)
        listener.until(lambda event: event.changed.get("SuspectedOrphans") == 1)
    stage.daemon.restart()
    assert stage.get(PATH)["SuspectedOrphans"] == 1


@pytest.mark.covers("property: Manager.ApiState", "state: API offline", "state: API online")
def test_api_state_is_signalled_at_once(stage):
    stage.session()
    stage.simulator.set_faults({"kind": "status", "status": 503})
    with stage.listener() as listener:
        stage.session(Wait=False)
        heard = listener.until(lambda event: "ApiState" in event.changed)
        assert heard[-1].changed["ApiState"] == "offline"
        stage.simulator.set_faults()
        heard = listener.until(lambda event: "ApiState" in event.changed)
        assert heard[-1].changed["ApiState"] == "online"
