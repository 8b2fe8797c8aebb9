# SPDX-License-Identifier: LGPL-2.1-or-later
"""The table of cases: what happens when intents meet."""

import pathlib

import pytest

from harness.daemon import MANAGER, PARTICIPANT, PATH, SESSION, variants
from harness.stage import P1, P2, P3, P4, QUIET, S1, S2, Stage
from harness.wait import wait_for

MEMBERSHIP = {"method": "PUT", "path": "/sessions/*/participants/*"}


@pytest.fixture(name="stage")
def fixture_stage():
    with Stage(QUIET) as stage:
        yield stage


def changes(stage, after=0):
    """Requests that change something: (method, path with the ids as our paths)."""
    names = {row["Id"]: path.removeprefix(PATH) for what in ("Sessions", "Participants")
             for path, row in stage.list(what)[0].items() if row["Id"]}
    result = []
    for request in stage.simulator.requests(after):
        if request["method"] == "GET":
            continue
        path = request["path"]
        for api_id, name in names.items():
            for kind in ("/sessions/", "/participants/"):
                path = path.replace(kind + api_id, name)
        result.append((request["method"], path))
    return result


def last_seq(stage):
    return stage.simulator.requests()[-1]["seq"]


def hold(stage, **rule):
    stage.simulator.set_faults({"kind": "hang", **rule})


@pytest.mark.covers("case: add where it is already wanted in this session")
def test_add_again_without_keys(stage):
    stage.session(), stage.participant(Session=S1, SubscriptionMode="session")
    stage.settled()
    before = last_seq(stage)
    stage.add(S1, P1)
    assert changes(stage, before) == []
    assert stage.get(P1)["SubscriptionMode"] == "session"


@pytest.mark.covers("case: add where it is already wanted in this session",
                    "key: Session.AddParticipant SubscriptionMode",
                    "key: Session.AddParticipant Publishers")
def test_add_again_with_keys(stage):
    stage.session(), stage.participant(Session=S1), stage.participant(Session=S1)
    stage.add(S1, P1, Publishers=[(P2, [])])
    shown = stage.get(P1)
    assert shown["SubscriptionMode"] == "participants" and shown["Publishers"] == [(P2, [])]
    assert stage.truth(P1)["subscriptions"]["participants"][0]["participantId"] == \
        stage.get(P2)["Id"]
    stage.add(S1, P1, SubscriptionMode="none")
    assert stage.get(P1)["SubscriptionMode"] == "none"
    assert not stage.truth(P1)["subscriptions"]


@pytest.mark.covers("case: add while wanted in another session",
                    "case: remove one not wanted here", "case: subscriptions of one in no session",
                    "error: Conflict")
def test_conflicts(stage):
    stage.session(), stage.session(), stage.participant(Session=S1), stage.participant()
    stage.verified()
    before = stage.simulator.requests()
    stage.refused("Conflict", stage.add, S2, P1)
    stage.refused("Conflict", stage.remove, S2, P1)
    stage.refused("Conflict", stage.remove, S1, P2)
    stage.refused("Conflict", stage.subscribe, P2, "session")
    stage.refused("Conflict", stage.subscribe, P2, "none")
    assert stage.simulator.requests() == before


@pytest.mark.covers("subscription: publishers outside the session")
def test_publishers_of_another_session(stage):
    stage.session(), stage.session()
    stage.participant(Session=S1), stage.participant(Session=S2), stage.participant()
    for publisher in (P2, P3):
        text = stage.refused("InvalidArgs", stage.subscribe, P1, "participants", [(publisher, [])])
        assert text.startswith("Publishers: "), text
    stage.refused("NoSuchParticipant", stage.subscribe, P1, "participants", [(P4, [])])


@pytest.mark.covers("case: add to, or subscribe in, a session or of a participant that is still "
                    "pending",
                    "key: Session.AddParticipant Wait", "key: Participant.SetSubscriptions Wait")
def test_pending_is_accepted_and_ordered(stage):
    """Session and participants before membership, a publisher before who hears it."""
    stage.simulator.set_faults({"method": "POST", "kind": "latency", "ms": 200})
    stage.session(Wait=False), stage.participant(Wait=False), stage.participant(Wait=False)
    stage.add(S1, P2, Wait=False)
    stage.add(S1, P1, Publishers=[(P2, ["mic"])], Wait=False)
    stage.subscribe(P2, "session", Wait=False)
    assert stage.get(P1)["State"] == "pending" and stage.get(S1)["Participants"] == [P1, P2]
    stage.settled()
    seen = changes(stage)
    assert sorted(seen[:3]) == [("POST", "/participants"), ("POST", "/participants"),
                                ("POST", "/sessions")]
    assert {("PUT", "/session/1/participant/1"),
            ("PUT", "/session/1/participant/2")} <= set(seen[3:])
    requests = stage.simulator.requests()
    publisher = stage.get(P2)["Id"]
    joined, = [request["seq"] for request in requests if request["method"] == "PUT"
               and request["path"].endswith("/participants/" + publisher)]
    assert all(request["seq"] > joined for request in requests if publisher in request["body"])
    assert stage.truth(P1)["subscriptions"]["participants"][0]["streamAliases"] == ["mic"]
    assert stage.truth(P2)["subscriptions"]["sessionId"] == stage.get(S1)["Id"]


@pytest.mark.covers("case: the 21st wanted member", "error: SessionFull",
                    "key: Session.RemoveParticipant Wait")
def test_session_full(stage):
    stage.session()
    for _ in range(20):
        stage.participant(Session=S1, Wait=False)
    outsider = stage.participant()
    stage.settled()
    before = last_seq(stage)
    stage.refused("SessionFull", stage.add, S1, outsider)
    stage.refused("SessionFull", stage.participant, Session=S1)
    assert changes(stage, before) == []
    assert len(stage.get(S1)["Participants"]) == 20
    # A removal makes the place, and goes first.
    stage.remove(S1, P1, Wait=False)
    stage.add(S1, outsider)
    assert stage.truth(outsider)["sessions"]


@pytest.mark.covers("case: create with Session, and the API refuses the membership")
def test_membership_refused_with_the_creation(stage):
    stage.session()
    stage.simulator.set_faults({**MEMBERSHIP, "kind": "status", "status": 400, "count": 1})
    with stage.listener() as listener:
        heard = listener.call(PATH, MANAGER, "CreateParticipant", "a{sv}",
                              (variants({"Session": S1}),))
    assert heard[-1].brief == "Rejected"
    wait_for(lambda: stage.simulator.state()["participants"] == {})
    wait_for(lambda: stage.list("Participants") == ({}, 0))
    assert stage.get(S1)["Participants"] == []


@pytest.mark.covers("case: create with Session, and the API refuses the membership")
def test_membership_refused_with_the_creation_is_durable(stage):
    """The error comes before the participant is gone at the API; a crash then forgets nothing."""
    stage.session()
    stage.simulator.set_faults({**MEMBERSHIP, "kind": "status", "status": 400, "count": 1},
                               {"method": "DELETE", "kind": "hang"})
    with stage.listener() as listener:
        serial = listener.send(PATH, MANAGER, "CreateParticipant", "a{sv}",
                               (variants({"Session": S1}),))
        heard = [event for event in listener.until_reply(serial) if event.path != PATH]
        stage.daemon.kill()
    assert [event.brief for event in heard[:1]] == ["+participant/1"]
    assert heard[-1].brief == "Rejected"
    assert heard[-1].error.message
    states = [event.changed["State"] for event in heard
              if event.path == P1 and "State" in event.changed]
    assert states[-1] == "deleting", states
    assert len(stage.simulator.state()["participants"]) == 1

    stage.daemon.start()
    assert stage.get(P1)["State"] == "deleting"
    stage.simulator.set_faults()
    wait_for(lambda: stage.list("Participants") == ({}, 0), timeout=30)
    assert stage.simulator.state()["participants"] == {}
    assert stage.get(PATH)["SuspectedOrphans"] == 0


@pytest.mark.covers("case: create with Session, refused after the reply has gone")
def test_membership_refused_after_the_reply(stage):
    stage.session()
    stage.simulator.set_faults({**MEMBERSHIP, "kind": "status", "status": 400, "count": 1})
    stage.participant(Session=S1, Wait=False)
    shown = stage.daemon.await_property(P1, "InSync", True)
    assert (shown["State"], shown["Session"]) == ("active", "/")
    assert shown["LastError"][0] == "org.convened1.Error.Rejected"
    assert stage.truth(P1)["sessions"] == []


@pytest.mark.covers("case: a session is deleted", "method: Session.Delete")
def test_session_deleted(stage):
    stage.session(), stage.participant(Session=S1, SubscriptionMode="session")
    stage.participant(Session=S1, Publishers=[(P1, [])])
    stage.settled()
    before = last_seq(stage)
    with stage.listener() as listener:
        heard = listener.call(S1, SESSION, "Delete", "a{sv}", ({},))
        brief = [event.brief for event in heard]
        assert brief[-1] == "reply" and brief.count("-session/1") == 1
        for path in (P1, P2):
            shown = stage.get(path)
            assert (shown["Session"], shown["SessionId"]) == ("/", "")
            assert (shown["SubscriptionMode"], shown["Publishers"]) == ("none", [])
        # Nobody names a session that is not there.
        assert all(brief.index("~" + path.removeprefix(PATH + "/")) < brief.index("-session/1")
                   for path in (P1, P2))
    stage.settled()
    read = [request["path"] for request in stage.simulator.requests(before, method="GET")]
    wait_for(lambda: len([request for request in stage.simulator.requests(before, method="GET")
                          if request["path"].startswith("/participants/")]) >= 2)
    assert len(read) <= 2
    assert stage.list("Sessions") == ({}, 0)


@pytest.mark.covers("case: a session expires", "case: a session is found gone")
def test_session_expires(stage):
    stage.session(), stage.participant(Session=S1, SubscriptionMode="session")
    stage.settled()
    with stage.listener() as listener:
        stage.simulator.expire(stage.get(S1)["Id"])
        stage.daemon.manager("Sync")
        heard = listener.until(lambda event: event.brief == "-session/1")
        assert any(event.path == P1 and event.changed.get("Session") == "/" for event in heard)
    assert stage.get(P1)["SubscriptionMode"] == "none"


@pytest.mark.covers("case: membership calls that wait for a session that goes",
                    "key: Session.Delete Wait")
def test_waiting_for_a_session_that_goes(stage):
    stage.session(), stage.participant(), stage.participant()
    stage.settled()
    hold(stage, **MEMBERSHIP)
    with stage.listener() as listener:
        serial = listener.send(S1, SESSION, "AddParticipant", "oa{sv}", (P1, {}))
        listener.until(lambda event: event.changed.get("Session") == S1)
        stage.delete(S1, Wait=False)
        assert listener.until_reply(serial)[-1].brief == "NoSuchSession"
    assert stage.get(P1)["Session"] == "/"


@pytest.mark.covers("case: membership calls that wait for a session that goes",
                    "key: Manager.CreateParticipant Session")
def test_created_into_a_session_that_goes(stage):
    """An error reply leaves nothing behind; who does not wait keeps the participant."""
    stage.session(), stage.session()
    stage.settled()
    stage.simulator.set_faults({"method": "POST", "kind": "latency", "ms": 700})
    stage.participant(Session=S2, Wait=False)
    with stage.listener() as listener:
        arguments = (variants({"Session": S1}),)
        serial = listener.send(PATH, MANAGER, "CreateParticipant", "a{sv}", arguments)
        listener.until(lambda event: event.brief == "+participant/2")
        stage.delete(S1), stage.delete(S2)
        assert listener.until_reply(serial)[-1].brief == "NoSuchSession"
    wait_for(lambda: stage.list("Participants")[0].keys() == {P1})
    stage.settled()
    shown = stage.get(P1)
    assert (shown["State"], shown["Session"]) == ("active", "/")
    assert stage.simulator.state()["participants"].keys() == {shown["Id"]}
    assert stage.get(PATH)["SuspectedOrphans"] == 0


@pytest.mark.covers("case: delete while the create is in flight", "error: Superseded",
                    "state: deleting", "method: Participant.Delete")
def test_deleted_while_the_creation_is_in_flight(stage):
    stage.simulator.set_faults({"method": "POST", "kind": "latency", "ms": 500, "count": 1})
    with stage.listener() as listener:
        creation = listener.send(PATH, MANAGER, "CreateParticipant", "a{sv}", ({},))
        listener.until(lambda event: event.kind == "added")
        deletion = listener.send(P1, PARTICIPANT, "Delete", "a{sv}", ({},))
        heard = listener.until_reply(creation)
        assert heard[-1].brief == "Superseded"
        states = [event.changed["State"] for event in heard if "State" in event.changed]
        assert states == ["deleting"]
        heard = listener.until_reply(deletion)
    # The id that arrived was stored, then deleted.
    assert any(event.changed.get("Id") for event in heard)
    assert [event.brief for event in heard[-2:]] == ["-participant/1", "reply"]
    assert stage.simulator.state()["participants"] == {}
    assert stage.get(PATH)["SuspectedOrphans"] == 0


@pytest.mark.covers("case: delete, and the outcome of the create is unknown")
def test_deleted_and_the_outcome_is_unknown():
    """It is counted, not repeated, and the object goes."""
    with Stage({**QUIET, "Api": {"RequestTimeoutSec": 1}}) as stage:
        hold(stage, method="POST")
        stage.session(Wait=False)
        stage.delete(S1, Wait=False)
        wait_for(lambda: stage.list("Sessions") == ({}, 0))
        assert stage.get(PATH)["SuspectedOrphans"] == 1
        assert len(stage.simulator.requests(method="POST")) == 1


def test_a_later_intent_supersedes(stage):
    """The session is still being created, so the first one has not been sent."""
    stage.participant()
    stage.simulator.set_faults({"method": "POST", "kind": "latency", "ms": 500})
    stage.session(Wait=False)
    with stage.listener() as listener:
        first = listener.send(S1, SESSION, "AddParticipant", "oa{sv}", (P1, {}))
        listener.until(lambda event: event.changed.get("Session") == S1)
        second = listener.send(P1, PARTICIPANT, "SetSubscriptions", "sa(oas)a{sv}",
                               ("session", [], {}))
        heard = listener.until_reply(second)
        replies = {event.serial: event.brief for event in heard if event.serial}
        if first not in replies:
            replies.update({event.serial: event.brief for event in listener.until_reply(first)})
    assert replies[second] == "reply"
    assert replies[first] in ("reply", "Superseded")
    assert stage.truth(P1)["subscriptions"] == {"sessionId": stage.get(S1)["Id"]}


@pytest.mark.covers("case: a later intent replaces an unsent one")
def test_remove_supersedes_an_unsent_add(stage):
    stage.participant()
    stage.simulator.set_faults({"method": "POST", "kind": "latency", "ms": 500})
    stage.session(Wait=False)
    with stage.listener() as listener:
        first = listener.send(S1, SESSION, "AddParticipant", "oa{sv}", (P1, {}))
        listener.until(lambda event: event.changed.get("Session") == S1)
        second = listener.send(S1, SESSION, "RemoveParticipant", "oa{sv}", (P1, {}))
        assert listener.until_reply(first)[-1].brief == "Superseded"
        assert listener.until_reply(second)[-1].brief == "reply"
    stage.settled()
    assert stage.get(P1)["Session"] == "/"
    assert not stage.simulator.requests(method="PUT")


@pytest.mark.covers("case: only the last one is driven")
def test_only_the_last_one_is_driven(stage):
    stage.session(), stage.participant(Session=S1), stage.participant(Session=S1)
    stage.settled()
    before = last_seq(stage)
    stage.simulator.set_faults({"method": "PUT", "kind": "latency", "ms": 300, "count": 1})
    stage.subscribe(P1, "session", Wait=False)
    wait_for(lambda: not stage.get(P1)["InSync"])
    for mode in ("none", "session", "none", "session"):
        stage.subscribe(P1, mode, Wait=False)
    stage.subscribe(P1, "participants", [(P2, [])])
    assert len(changes(stage, before)) <= 2
    assert stage.truth(P1)["subscriptions"]["participants"][0]["participantId"] == \
        stage.get(P2)["Id"]


@pytest.mark.covers("case: anything but Delete on an object in deleting",
                    "case: Delete again joins the first", "key: Participant.Delete Wait")
def test_deleting():
    with Stage({**QUIET, "Api": {"RequestTimeoutSec": 3}}) as stage:
        everything_but_delete(stage)


def everything_but_delete(stage):
    stage.session(), stage.participant(Session=S1), stage.participant()
    hold(stage, method="DELETE")
    for path in (S1, P1):
        stage.delete(path, Wait=False)
        stage.daemon.await_property(path, "State", "deleting")
        stage.refused("Conflict", stage.refresh, path)
    stage.refused("Conflict", stage.add, S1, P2)
    stage.refused("Conflict", stage.subscribe, P1, "none")
    stage.refused("Conflict", stage.token, P1)
    stage.refused("Conflict", stage.participant, Session=S1)
    with stage.listener() as listener:
        joined = listener.send(P1, PARTICIPANT, "Delete", "a{sv}", ({},))
        # The request that hangs is given up, and tried again.
        stage.simulator.set_faults()
        assert listener.until_reply(joined)[-1].brief == "reply"
    wait_for(lambda: stage.list("Sessions") == ({}, 0))
    wait_for(lambda: stage.list("Participants")[0].keys() == {P2})


@pytest.mark.covers("subscription: a publisher that leaves",
                    "subscription: the last publisher leaves", "method: Session.RemoveParticipant")
def test_a_publisher_leaves(stage):
    stage.session()
    for _ in range(3):
        stage.participant(Session=S1)
    stage.subscribe(P1, "participants", [(P2, ["mic"]), (P3, [])])
    stage.remove(S1, P3)
    stage.settled()
    shown = stage.get(P1)
    assert shown["SubscriptionMode"] == "participants" and shown["Publishers"] == [(P2, ["mic"])]
    with stage.listener() as listener:
        stage.delete(P2)
        listener.until(lambda event: event.path == P1 and "Publishers" in event.changed)
    stage.settled()
    shown = stage.get(P1)
    assert (shown["SubscriptionMode"], shown["Publishers"]) == ("none", [])
    assert not stage.truth(P1)["subscriptions"]


@pytest.mark.covers("subscription: all is replaced", "subscription: participants",
                    "subscription: session", "subscription: none",
                    "method: Participant.SetSubscriptions")
def test_replaces_all_that_it_hears(stage):
    stage.session()
    for _ in range(3):
        stage.participant(Session=S1)
    stage.subscribe(P1, "participants", [(P2, []), (P3, ["b", "a"])])
    assert stage.get(P1)["Publishers"] == [(P2, []), (P3, ["a", "b"])]
    stage.subscribe(P1, "participants", [(P3, [])])
    assert stage.get(P1)["Publishers"] == [(P3, [])]
    heard = stage.truth(P1)["subscriptions"]["participants"]
    assert [item["participantId"] for item in heard] == [stage.get(P3)["Id"]]
    stage.subscribe(P1, "session")
    assert stage.truth(P1)["subscriptions"] == {"sessionId": stage.get(S1)["Id"]}
    stage.subscribe(P1, "none")
    assert not stage.truth(P1)["subscriptions"]


@pytest.mark.covers("subscription: publishers that are not in the registry")
def test_publishers_that_nobody_knows(stage):
    """They are not shown, and stay when the list is sent again."""
    stage.session(), [stage.participant(Session=S1) for _ in range(3)]
    stage.settled()
    path = f"/sessions/{stage.get(S1)['Id']}/participants/{stage.get(P1)['Id']}/subscriptions"
    stranger = {"participantId": "nobody-here", "streamAliases": ["mic"]}
    publishers = [{"participantId": stage.get(publisher)["Id"]} for publisher in (P2, P3)]
    heard = {"participants": [stranger, *publishers]}
    assert stage.simulator.call("PUT", path, heard).status == 204
    stage.refresh(P1)
    assert stage.get(P1)["Publishers"] == [(P2, []), (P3, [])]

    before = last_seq(stage)
    stage.remove(S1, P3)
    stage.settled()
    assert stage.get(P1)["Publishers"] == [(P2, [])]
    sent, = stage.simulator.requests(before, method="PUT", path=path)
    assert "nobody-here" in sent["body"]
    assert stranger in stage.truth(P1)["subscriptions"]["participants"]


def test_publishers_of_somebody_else_are_not_shown(stage):
    stage.session(), stage.participant(Session=S1), stage.participant(Session=S1)
    stage.settled()
    session, listener = stage.get(S1)["Id"], stage.get(P1)["Id"]
    stranger = stage.simulator.create_participant()["id"]
    stage.simulator.add(session, stranger)
    answer = stage.simulator.call(
        "PUT", f"/sessions/{session}/participants/{listener}/subscriptions",
        {"participants": [{"participantId": stranger}, {"participantId": stage.get(P2)["Id"]}]})
    assert answer.status == 204
    stage.refresh(P1)
    shown = stage.daemon.await_property(P1, "SubscriptionMode", "participants")
    assert (P2, []) in shown["Publishers"]
    assert all(path.startswith(PATH + "/participant/") and not path.endswith("/0")
               for path, _ in shown["Publishers"])


@pytest.mark.covers("method: Session.Refresh", "method: Participant.Refresh",
                    "property: Session.SyncedUSec", "property: Participant.SyncedUSec")
def test_refresh(stage):
    stage.session(), stage.participant(Session=S1)
    stage.settled()
    for path in (S1, P1):
        synced = stage.get(path)["SyncedUSec"]
        before = last_seq(stage)
        assert stage.refresh(path) == ()
        assert stage.simulator.requests(before, method="GET")
        assert stage.get(path)["SyncedUSec"] > synced


@pytest.mark.covers("error: Unavailable")
def test_refresh_without_an_answer(stage):
    stage.session()
    stage.simulator.set_faults({"kind": "refuse"})
    stage.refused("Unavailable", stage.refresh, S1)
    stage.session(Wait=False)
    stage.refused("Unavailable", stage.refresh, S2)


@pytest.mark.covers("case: an object that is gone at the API", "case: a session is found gone",
                    "answer: 404 on GET")
def test_refresh_of_what_is_gone(stage):
    stage.session(), stage.participant()
    stage.settled()
    for path in (S1, P1):
        stage.simulator.expire(stage.get(path)["Id"])
    stage.refused("NoSuchSession", stage.refresh, S1)
    stage.refused("NoSuchParticipant", stage.refresh, P1)
    assert stage.list("Sessions") == ({}, 0) and stage.list("Participants") == ({}, 0)


@pytest.mark.covers("method: Participant.GetToken", "token: survives a restart", "token: none",
                    "error: NoToken", "key: Manager.CreateParticipant Wait")
def test_token(stage):
    stage.participant(), stage.participant()
    for path in (P1, P2):
        assert stage.token(path) == stage.truth(path)["token"]
    stage.daemon.restart()
    assert stage.token(P2) == stage.truth(P2)["token"]
    stage.simulator.set_faults({"method": "POST", "kind": "latency", "ms": 300})
    stage.participant(Wait=False)
    stage.refused("NoToken", stage.token, P3)


@pytest.mark.covers("token: by GetToken alone", "token: in no other file")
def test_token_is_nowhere_else(stage):
    with stage.listener() as listener:
        heard = listener.call(PATH, MANAGER, "CreateParticipant", "a{sv}", ({},))
    token = stage.token(P1)
    assert token not in repr([(event.changed, event.body) for event in heard])
    assert token not in repr(stage.get(P1)) and token not in repr(stage.list("Participants"))
    assert token not in stage.daemon.log
    having = [path for path in pathlib.Path(stage.daemon.folder.name).rglob("*")
              if path.is_file() and token.encode() in path.read_bytes()]
    assert having and {str(path.parent) for path in having} == {stage.daemon.state_directory}
