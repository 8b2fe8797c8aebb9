# SPDX-License-Identifier: LGPL-2.1-or-later
"""Somebody else changes things at the API, and nobody has told us when the next call comes in."""

import json

import pytest

from harness.daemon import PATH
from harness.stage import P1, P2, P3, P4, QUIET, S1, S2, Stage
from harness.wait import wait_for


@pytest.fixture(name="stage")
def fixture_stage():
    """Two sessions, and three participants in none, all of it read by now."""
    with Stage(QUIET) as stage:
        for _ in range(2):
            stage.session()
        for _ in range(3):
            stage.participant()
        for path in (S1, S2, P1, P2, P3):
            stage.refresh(path)
        yield stage


def there(stage, path):
    return stage.get(path)["Id"]


def news(stage, before):
    """Method and status of the requests after that one."""
    return [(item["method"], item["status"]) for item in stage.simulator.requests(before)]


def last_seq(stage):
    return stage.simulator.requests()[-1]["seq"]


def assert_agrees(stage):
    """Everything that is shown is so at the API."""
    state = stage.simulator.state()
    sessions, participants = stage.list("Sessions")[0], stage.list("Participants")[0]
    assert {row["Id"] for row in sessions.values()} <= state["sessions"].keys()
    assert {row["Id"] for row in participants.values()} <= state["participants"].keys()
    for row in participants.values():
        truth = state["participants"][row["Id"]]
        assert truth["sessions"] == ([row["SessionId"]] if row["SessionId"] else [])
        assert bool(truth["subscriptions"]) == (row["SubscriptionMode"] != "none")


@pytest.mark.covers("case: a session is found gone", "case: an object that is gone at the API",
                    "answer: 404 on a path with two objects")
def test_join_a_session_that_has_expired(stage):
    stage.simulator.expire(there(stage, S1))
    before = last_seq(stage)
    stage.refused("NoSuchSession", stage.add, S1, P1, SubscriptionMode="session")
    # A 404 on a path with two objects proves nothing: both are read.
    wait_for(lambda: news(stage, before)[:3] == [("PUT", 404), ("GET", 404), ("GET", 200)])
    assert S1 not in stage.list("Sessions")[0]
    assert stage.get(P1)["Session"] == "/" and stage.get(P1)["State"] == "active"
    stage.add(S2, P1)
    assert_agrees(stage)


def test_a_participant_that_has_expired_joins(stage):
    stage.simulator.expire(there(stage, P1))
    stage.refused("NoSuchParticipant", stage.add, S1, P1)
    assert P1 not in stage.list("Participants")[0]
    assert stage.get(S1)["Participants"] == []
    stage.add(S1, P2)
    assert_agrees(stage)


@pytest.mark.covers("case: a session is found gone", "error: NoSuchSession",
                    "answer: 404 on a path with two objects")
@pytest.mark.parametrize("generation", ["2020", "2022"])
def test_subscriptions_in_a_session_that_has_expired(generation):
    """Its participant does not seem to have left it."""
    with Stage(QUIET, simulator=[f"--generation={generation}"]) as stage:
        stage.session(), stage.participant(Session=S1)
        stage.verified()
        stage.simulator.expire(there(stage, S1))
        stage.refused("NoSuchSession", stage.subscribe, P1, "session")
        assert S1 not in stage.list("Sessions")[0]
        stage.settled()
        shown = stage.get(P1)
        assert (shown["Session"], shown["State"]) == ("/", "active")
        assert shown["LastError"][0] == "org.convened1.Error.NoSuchSession"
        assert_agrees(stage)


def test_subscriptions_of_one_who_has_expired(stage):
    stage.add(S1, P1), stage.add(S1, P2, Publishers=[(P1, [])])
    stage.simulator.expire(there(stage, P1))
    stage.refused("NoSuchParticipant", stage.subscribe, P1, "session")
    assert stage.get(S1)["Participants"] == [P2]
    # Who heard only that one hears nobody now, and never everybody.
    assert (stage.get(P2)["SubscriptionMode"], stage.get(P2)["Publishers"]) == ("none", [])
    stage.settled()
    assert_agrees(stage)


def test_subscriptions_of_one_who_was_moved(stage):
    stage.add(S1, P1)
    stage.simulator.call("DELETE", f"/sessions/{there(stage, S1)}/participants/{there(stage, P1)}")
    stage.simulator.add(there(stage, S2), there(stage, P1))
    stage.refused("Conflict", stage.subscribe, P1, "session")
    shown = stage.get(P1)
    assert (shown["Session"], shown["SubscriptionMode"]) == (S2, "none")
    assert shown["LastError"][0] == "org.convened1.Error.Conflict"
    assert_agrees(stage)


@pytest.mark.covers("drift: a participant in a session that is not ours")
def test_moved_to_a_session_that_is_not_ours(stage):
    stage.add(S1, P1, SubscriptionMode="session")
    stranger = stage.simulator.create_session()["id"]
    stage.simulator.call("DELETE", f"/sessions/{there(stage, S1)}/participants/{there(stage, P1)}")
    stage.simulator.add(stranger, there(stage, P1))
    stage.refresh(P1)
    shown = stage.get(P1)
    assert (shown["Session"], shown["SessionId"]) == ("/", stranger)
    assert shown["SubscriptionMode"] == "none" and stage.get(S1)["Participants"] == []
    # Nobody is pulled out of it.
    before = last_seq(stage)
    assert "Adopt that session with AdoptSession" in stage.refused("Conflict", stage.add, S2, P1)
    stage.refused("Conflict", stage.remove, S1, P1)
    stage.refused("Conflict", stage.subscribe, P1, "session")
    assert news(stage, before) == []
    # What is told to be done about it can be done.
    adopted, = stage.daemon.manager("AdoptSession", "sa{sv}", (stranger, {}))
    assert stage.get(P1)["Session"] == adopted
    stage.remove(adopted, P1)
    stage.add(S2, P1)
    assert stage.truth(P1)["sessions"] == [there(stage, S2)]
    stage.delete(P1)
    assert there(stage, P2) in stage.simulator.state()["participants"]
    assert_agrees(stage)


@pytest.mark.covers("case: strangers count as members")
def test_a_session_that_strangers_have_filled(stage):
    for _ in range(20):
        stage.simulator.add(there(stage, S1), stage.simulator.create_participant()["id"])
    before = last_seq(stage)
    stage.refused("Conflict", stage.add, S1, P1)
    assert news(stage, before)[:2] == [("PUT", 409), ("GET", 200)]
    assert stage.get(P1)["Session"] == "/"
    stage.refused("Conflict", stage.participant, Session=S1)
    wait_for(lambda: len(stage.list("Participants")[0]) == 3)
    assert len(stage.simulator.state()["participants"]) == 23
    # Once they are known there is no need to ask.
    stage.refresh(S1)
    before = last_seq(stage)
    stage.refused("SessionFull", stage.add, S1, P1)
    stage.refused("SessionFull", stage.participant, Session=S1)
    assert news(stage, before) == []
    assert_agrees(stage)


@pytest.mark.covers("drift: a stranger in a session", "token: none")
def test_a_stranger_is_adopted(stage):
    fields = {"tag": "desk", "callbackUrl": "https://example.com/", "publishPermissions": ["VIDEO"]}
    stranger = stage.simulator.create_participant(**fields)["id"]
    stage.simulator.add(there(stage, S1), stranger, {"sessionId": there(stage, S1)})
    with stage.listener() as listener:
        stage.refresh(S1)
        heard = listener.until(lambda event: event.path == P4)
        assert heard[-1].kind == "added"
    shown = stage.get(P4)
    assert (shown["Id"], shown["Session"], shown["SubscriptionMode"]) == (stranger, S1, "session")
    assert (shown["Tag"], shown["CallbackUrl"]) == ("desk", "https://example.com/")
    assert (shown["PublishPermissions"], shown["DeviceApiVersion"]) == (["VIDEO"], "V3")
    assert (shown["State"], shown["InSync"], shown["Lifetime"]) == ("active", True, "persistent")
    assert shown["Owner"] == stage.get(S1)["Owner"] and shown["SyncedUSec"] > 0
    assert stage.get(S1)["Participants"] == [P4]
    assert stage.daemon.manager("GetParticipant", "s", (stranger,)) == (P4,)
    stage.refused("NoToken", stage.token, P4)
    assert f"put into session 1 was adopted. [participant 4, tag desk, id {stranger}]" in \
        stage.daemon.log

    # One like any other from now on, over a restart too.
    stage.daemon.kill()
    stage.daemon.start()
    assert {**stage.get(P4), "SyncedUSec": 0} == {**shown, "SyncedUSec": 0}
    stage.add(S1, P1, Publishers=[(P4, ["camera"])])
    assert stage.truth(P1)["subscriptions"]["participants"][0]["participantId"] == stranger
    stage.subscribe(P4, "none")
    assert stage.truth(P4)["subscriptions"] == {}
    stage.remove(S1, P4)
    assert stage.get(P1)["SubscriptionMode"] == "none"
    stage.delete(P4)
    assert stranger not in stage.simulator.state()["participants"]
    assert_agrees(stage)


@pytest.mark.covers("method: Session.Refresh")
def test_a_stranger_in_a_session_that_was_never_read():
    with Stage(QUIET) as stage:
        stage.session()
        stranger = stage.simulator.create_participant()
        stage.simulator.add(there(stage, S1), stranger["id"])
        stage.refresh(S1)
        assert stage.get(S1)["Participants"] == [P1]
        assert there(stage, P1) == stranger["id"]


def test_an_adopted_one_leaves(stage):
    stranger = stage.simulator.create_participant()["id"]
    stage.simulator.add(there(stage, S1), stranger)
    stage.refresh(S1)
    stage.simulator.call("DELETE", f"/sessions/{there(stage, S1)}/participants/{stranger}")
    stage.refresh(S1)
    wait_for(lambda: stage.get(P4)["Session"] == "/")
    assert stage.get(S1)["Participants"] == [] and stage.get(P4)["State"] == "active"
    stage.simulator.expire(stranger)
    stage.refused("NoSuchParticipant", stage.refresh, P4)
    assert P4 not in stage.list("Participants")[0]
    assert_agrees(stage)


@pytest.mark.covers("drift: a late list")
def test_a_late_list_revives_nobody(stage):
    """It was answered before the participant was deleted, and comes after; a restart is between."""
    stage.add(S1, P1)
    member = there(stage, P1)
    listed = stage.simulator.call("GET", f"/sessions/{there(stage, S1)}/participants").body.decode()
    stage.delete(P1)
    late = {"method": "GET", "path": f"/sessions/{there(stage, S1)}/participants", "kind": "status",
            "status": 200, "body": listed}
    for restart in (False, True):
        if restart:
            stage.daemon.kill()
            stage.daemon.start()
        stage.simulator.set_faults(late)
        before = last_seq(stage)
        wait_for(lambda: stage.refresh(S1) is not None and
                 any(item["fault"] for item in stage.simulator.requests(before)))
        assert stage.get(S1)["Participants"] == []
        assert list(stage.list("Participants")[0]) == [P2, P3]
        stage.refused("NoSuchParticipant", stage.daemon.manager, "GetParticipant", "s", (member,))
        stage.simulator.set_faults()


@pytest.mark.parametrize("tag, shown", [("x" * 60, "x" * 50), ("a\u0007b\ufffe", "ab"), (7, "")],
                         ids=["too long", "unfit", "a number"])
def test_what_a_stranger_says_of_itself(stage, tag, shown):
    """It fits the properties, or nothing of it is shown; the list is understood all the same."""
    stranger = stage.simulator.create_participant()["id"]
    told = {"id": stranger, "sessions": [there(stage, S1)], "tag": tag, "callbackUrl": "file:///x",
            "publishPermissions": ["SMELL"], "deviceApiVersion": "the newest"}
    stage.simulator.add(there(stage, S1), stranger)
    path = f"/sessions/{there(stage, S1)}/participants"
    stage.simulator.set_faults({"method": "GET", "path": path,
                                "kind": "status", "status": 200, "body": json.dumps([told])})
    stage.refresh(S1)
    row = stage.get(P4)
    assert (row["Tag"], row["CallbackUrl"]) == (shown, "")
    assert (row["PublishPermissions"], row["DeviceApiVersion"]) == ([], "")


@pytest.mark.covers("case: joined elsewhere by somebody else", "answer: 409 on PUT membership")
def test_joined_elsewhere_meanwhile(stage):
    stage.simulator.add(there(stage, S2), there(stage, P1))
    stage.refused("Conflict", stage.add, S1, P1)
    assert stage.get(P1)["Session"] == S2 and stage.get(S1)["Participants"] == []
    assert_agrees(stage)


@pytest.mark.covers("answer: 409 on PUT membership")
def test_joined_here_meanwhile(stage):
    stage.simulator.add(there(stage, S1), there(stage, P1))
    stage.add(S1, P1, SubscriptionMode="session")
    assert stage.get(S1)["Participants"] == [P1]
    assert stage.truth(P1)["subscriptions"] == {"sessionId": there(stage, S1)}
    assert_agrees(stage)


@pytest.mark.covers("answer: 404 on DELETE")
def test_removed_meanwhile(stage):
    stage.add(S1, P1, SubscriptionMode="session")
    stage.simulator.call("DELETE", f"/sessions/{there(stage, S1)}/participants/{there(stage, P1)}")
    before = last_seq(stage)
    stage.remove(S1, P1)
    assert news(stage, before)[0] == ("DELETE", 404)
    assert stage.get(P1)["State"] == "active"
    assert_agrees(stage)


@pytest.mark.covers("case: deleted by somebody else", "answer: 404 on DELETE")
@pytest.mark.parametrize("path", [S1, P1])
def test_deleted_meanwhile(stage, path):
    """404 on DELETE: it is gone, which is what was wanted."""
    stage.simulator.expire(there(stage, path))
    before = last_seq(stage)
    stage.delete(path)
    assert news(stage, before)[0] == ("DELETE", 404)
    assert path not in {**stage.list("Sessions")[0], **stage.list("Participants")[0]}
    assert stage.get(PATH)["SuspectedOrphans"] == 0


@pytest.mark.covers("case: a 404 that is not the API's own")
@pytest.mark.parametrize("body", ["", "<html>Not Found</html>", "null", "[]"])
def test_not_the_api_s_own_404(stage, body):
    """A proxy's page proves nothing: nothing is taken for gone."""
    stage.simulator.set_faults({"method": "GET", "kind": "status", "status": 404, "body": body})
    stage.refused("Unavailable", stage.refresh, S1)
    stage.refused("Unavailable", stage.refresh, P1)
    stage.simulator.set_faults({"method": "DELETE", "kind": "status", "status": 404, "body": body})
    stage.refused("Rejected", stage.delete, P2)
    assert stage.get(P2)["State"] == "active"
    stage.simulator.set_faults()
    assert len(stage.list("Sessions")[0]) == 2 and len(stage.list("Participants")[0]) == 3
    assert_agrees(stage)
