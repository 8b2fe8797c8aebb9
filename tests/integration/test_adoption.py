# SPDX-License-Identifier: LGPL-2.1-or-later
"""AdoptSession and AdoptParticipant: what exists at the API already comes into the registry."""

import os
import select
import sqlite3
import time

import pytest

from harness.bus import BusError
from harness.daemon import MANAGER, PATH, variants
from harness.stage import P1, P2, P3, QUIET, S1, S2, Stage
from harness.wait import wait_for

GONE = {"kind": "status", "status": 404, "body": {"error": "Not found", "requestId": "r"}}


@pytest.fixture(name="stage")
def fixture_stage():
    with Stage(QUIET) as stage:
        yield stage


def adopt(stage, what, api_id, **options):
    return stage.daemon.manager("Adopt" + what, "sa{sv}", (api_id, variants(options)))[0]


def news(stage, before):
    """Method, last part of the path and status of the requests after that one."""
    return [(item["method"], item["path"].rpartition("/")[2], item["status"])
            for item in stage.simulator.requests(before)]


def last_seq(stage):
    return max((item["seq"] for item in stage.simulator.requests()), default=0)


def call_of_three(simulator, tag="standup"):
    """A session with three participants, the second of whom hears the first, made by others."""
    session = simulator.create_session(tag=tag)["id"]
    ids = [simulator.create_participant(tag=name, publishPermissions=["AUDIO"])["id"]
           for name in ("alice", "bob", "carol")]
    simulator.add(session, ids[0])
    simulator.add(session, ids[1], {"participants": [{"participantId": ids[0],
                                                      "streamAliases": ["mic"]}]})
    simulator.add(session, ids[2], {"sessionId": session})
    return session, ids


@pytest.mark.covers("method: Manager.AdoptSession", "adoption: a session", "token: none")
def test_a_session_with_all_who_are_in_it(stage):
    session, ids = call_of_three(stage.simulator)
    before = last_seq(stage)
    with stage.listener() as listener:
        serial = listener.send(PATH, MANAGER, "AdoptSession", "sa{sv}", (session, {}))
        heard = listener.until_reply(serial)
    assert heard[-1].body == (S1,)
    # All of it is there before the reply.
    assert sorted(event.brief for event in heard[:-1] if event.path != PATH) == [
        "+participant/1", "+participant/2", "+participant/3", "+session/1"]
    assert news(stage, before) == [("GET", session, 200), ("GET", "participants", 200)]

    shown = stage.get(S1)
    assert (shown["Id"], shown["Tag"], shown["Participants"]) == (session, "standup", [P1, P2, P3])
    assert (shown["State"], shown["InSync"], shown["Owner"]) == ("active", True, os.getuid())
    assert (shown["ExpiresUSec"], shown["Lifetime"]) == (0, "persistent")
    members = stage.list("Participants", Session=S1)[0]
    by_id = {row["Id"]: path for path, row in members.items()}
    assert by_id.keys() == set(ids)
    alice, bob, carol = (members[by_id[api_id]] for api_id in ids)
    assert (alice["Tag"], alice["PublishPermissions"], alice["DeviceApiVersion"]) == (
        "alice", ["AUDIO"], "V3")
    assert (alice["SubscriptionMode"], carol["SubscriptionMode"]) == ("none", "session")
    assert bob["Publishers"] == [(by_id[ids[0]], ["mic"])]
    assert all(row["Owner"] == os.getuid() and row["InSync"] for row in members.values())
    for path in members:
        stage.refused("NoToken", stage.token, path)
    assert stage.get(PATH)["SuspectedOrphans"] == 0

    # They are managed from now on.
    stage.subscribe(by_id[ids[0]], "session")
    assert stage.truth(by_id[ids[0]])["subscriptions"] == {"sessionId": session}
    stage.remove(S1, by_id[ids[0]])
    assert stage.get(by_id[ids[1]])["SubscriptionMode"] == "none"
    stage.delete(S1)
    assert stage.simulator.state()["sessions"] == {}


def test_an_empty_session_and_one_without_a_tag(stage):
    session = stage.simulator.create_session()["id"]
    assert adopt(stage, "Session", session) == S1
    assert (stage.get(S1)["Tag"], stage.get(S1)["Participants"]) == ("", [])


@pytest.mark.covers("method: Manager.AdoptParticipant",
                    "adoption: a participant",
                    "key: Manager.AdoptSession Wait")
def test_a_participant(stage):
    session, (alice, bob, _) = call_of_three(stage.simulator)
    alone = stage.simulator.create_participant(callbackUrl="https://example.com/")["id"]
    before = last_seq(stage)
    assert adopt(stage, "Participant", alone) == P1
    assert news(stage, before) == [("GET", alone, 200)]
    assert (stage.get(P1)["Session"], stage.get(P1)["SessionId"]) == ("/", "")
    assert stage.get(P1)["CallbackUrl"] == "https://example.com/"

    # In a session that is not in the registry: whom it hears is kept, and not shown.
    assert adopt(stage, "Participant", bob) == P2
    shown = stage.get(P2)
    assert (shown["Session"], shown["SessionId"]) == ("/", session)
    assert (shown["SubscriptionMode"], shown["Publishers"]) == ("participants", [])
    stage.refused("Conflict", stage.subscribe, P2, "session")

    # Until that comes in: it stays what it is, and has a session now, and a publisher.
    assert adopt(stage, "Session", session, Wait=False) == S1
    shown = stage.get(P2)
    hearing = stage.daemon.manager("GetParticipant", "s", (alice,))[0]
    assert (shown["Id"], shown["Session"], shown["Publishers"]) == (bob, S1, [(hearing, ["mic"])])
    assert len(stage.get(S1)["Participants"]) == 3
    assert "Somebody else changed" not in stage.daemon.log
    stage.settled()


def test_into_a_session_that_is_managed(stage):
    stage.session()
    stage.refresh(S1)
    member = stage.simulator.create_participant()["id"]
    stage.simulator.add(stage.get(S1)["Id"], member)
    assert adopt(stage, "Participant", member) == P1
    assert stage.get(S1)["Participants"] == [P1] and stage.get(P1)["Session"] == S1
    stage.refresh(S1)
    assert list(stage.list("Participants")[0]) == [P1]


@pytest.mark.covers("adoption: here already")
def test_what_is_here_already(stage):
    stage.session(), stage.participant(Session=S1)
    session, member = stage.get(S1), stage.get(P1)
    stage.refresh(S1)
    before = last_seq(stage)
    assert adopt(stage, "Session", session["Id"]) == S1
    assert adopt(stage, "Participant", member["Id"]) == P1
    assert news(stage, before) == []
    assert stage.token(P1) and stage.get(P1)["Owner"] == member["Owner"]

    stage.simulator.set_faults({"method": "DELETE", "kind": "status", "status": 500})
    stage.delete(P1), stage.delete(S1)
    stage.refused("Conflict", adopt, stage, "Session", session["Id"])
    stage.refused("Conflict", adopt, stage, "Participant", member["Id"])


@pytest.mark.covers("adoption: not at the API")
def test_what_is_not_there(stage):
    text = stage.refused("NoSuchSession", adopt, stage, "Session", "nobody")
    assert text == "There is no session with that id at the API."
    text = stage.refused("NoSuchParticipant", adopt, stage, "Participant", "nobody")
    assert text == "There is no participant with that id at the API."
    session, _ = call_of_three(stage.simulator)
    stage.refused("NoSuchParticipant", adopt, stage, "Participant", session)

    # It goes between the two questions.
    stage.simulator.set_faults({"method": "GET", "path": "*/participants", **GONE})
    stage.refused("NoSuchSession", adopt, stage, "Session", session)
    assert stage.get(PATH)["SessionCount"] == stage.get(PATH)["ParticipantCount"] == 0
    assert stage.session() == S1 and stage.participant() == P1  # no number was used up


@pytest.mark.covers("adoption: the API does not tell")
@pytest.mark.parametrize("path", ["/sessions/*", "/sessions/*/participants", "/participants/*"])
@pytest.mark.parametrize("fault", [
    {"kind": "status", "status": 500}, {"kind": "drop"}, {"kind": "garbage"}, {"kind": "truncate"},
    {"kind": "status", "status": 404, "body": "<html>"}, {"kind": "status", "status": 400},
    {"kind": "status", "status": 429}, {"kind": "redirect", "status": 302, "location": "/x"},
    {"kind": "hang"},
], ids=lambda fault: f"{fault['kind']} {fault.get('status', '')}")
def test_the_api_does_not_tell(path, fault):
    """Unavailable, nothing is left of it, and it can be asked for again."""
    config = {**QUIET, "Bus": {"ReplyTimeoutSec": 1}, "Api": {"RequestTimeoutSec": 2}}
    with Stage(config) as stage:
        session, (alice, _, _) = call_of_three(stage.simulator)
        stage.refused("NoSuchSession", adopt, stage, "Session", "nobody")  # it answers
        what, api_id = ("Participant", alice) if path == "/participants/*" else ("Session", session)
        stage.simulator.set_faults({"method": "GET", "path": path, **fault})
        stage.refused("Unavailable", adopt, stage, what, api_id)
        assert stage.list("Sessions")[0] == stage.list("Participants")[0] == {}
        stage.simulator.set_faults()
        stage.daemon.await_property(PATH, "ApiState", "online")
        wait_for(lambda: adopted(stage, what, api_id))
        assert stage.get(PATH)["SuspectedOrphans"] == 0


def adopted(stage, what, api_id):
    try:
        return adopt(stage, what, api_id)
    except BusError as caught:
        assert caught.name == "org.convened1.Error.Unavailable", caught
        return None


@pytest.mark.covers("adoption: the API does not tell")
def test_while_the_api_is_away(stage):
    session, (alice, _, _) = call_of_three(stage.simulator)
    stage.simulator.set_faults({"kind": "status", "status": 503})
    stage.session(Wait=False)
    stage.daemon.await_property(PATH, "ApiState", "offline")
    stage.refused("Unavailable", adopt, stage, "Session", session)
    stage.refused("Unavailable", adopt, stage, "Participant", alice)


@pytest.mark.covers("reply: refused while unauthorized")
def test_without_good_credentials(stage):
    session, (alice, _, _) = call_of_three(stage.simulator)
    stage.simulator.set_faults({"kind": "status", "status": 401})
    stage.refused("Unauthorized", adopt, stage, "Session", session)
    before = last_seq(stage)
    stage.refused("Unauthorized", adopt, stage, "Session", session)
    stage.refused("Unauthorized", adopt, stage, "Participant", alice)
    assert news(stage, before) == []


@pytest.mark.covers("argument: API id")
@pytest.mark.parametrize("body", [
    ("", {}), ("..", {}), ("a/b", {}), ("x" * 65, {}), ("\u00e9", {}),
    ("s", {"Tag": ("s", "x")}), ("s", {"Lifetime": ("s", "forever")}), ("s", {"Wait": ("s", "no")}),
    ("s", {"AtMostOnce": ("b", True)}),
], ids=str)
def test_bad_arguments(stage, body):
    before = last_seq(stage)
    for member in ("AdoptSession", "AdoptParticipant"):
        text = stage.refused("InvalidArgs", stage.daemon.manager, member, "sa{sv}", body)
        assert next(iter(body[1]), "id") in text
    assert news(stage, before) == []


@pytest.mark.covers("adoption: two at once")
def test_two_at_once(stage):
    session, _ = call_of_three(stage.simulator)
    before = last_seq(stage)
    with stage.listener() as first, stage.listener() as second:
        serials = [listener.send(PATH, MANAGER, "AdoptSession", "sa{sv}", (session, {}))
                   for listener in (first, second)]
        for listener, serial in zip((first, second), serials):
            assert listener.until_reply(serial)[-1].body == (S1,)
    assert len(news(stage, before)) == 2
    assert list(stage.list("Sessions")[0]) == [S1]


@pytest.mark.covers("adoption: deleted or found gone")
def test_what_was_found_gone_is_taken_back(stage):
    """An API that has lost it for a moment; a restart is between."""
    session, (alice, _, _) = call_of_three(stage.simulator)
    adopt(stage, "Session", session)
    old = stage.daemon.manager("GetParticipant", "s", (alice,))[0]
    stage.simulator.set_faults({"method": "GET", "path": f"/participants/{alice}", **GONE},
                               {"method": "GET", "path": f"/sessions/{session}/participants",
                                "kind": "status", "status": 200, "body": []})
    stage.refresh(S1)
    wait_for(lambda: old not in stage.list("Participants")[0])
    stage.simulator.set_faults()
    stage.daemon.kill()
    stage.daemon.start()
    stage.refresh(S1)
    assert len(stage.get(S1)["Participants"]) == 2  # not by itself

    new = adopt(stage, "Participant", alice)
    assert new != old and new in stage.get(S1)["Participants"]
    assert tombstones(stage) == []
    stage.delete(new)
    assert tombstones(stage) == [alice]
    stage.refused("NoSuchParticipant", adopt, stage, "Participant", alice)


@pytest.mark.covers("adoption: deleted or found gone")
def test_a_session_that_was_found_gone_is_taken_back(stage):
    session, ids = call_of_three(stage.simulator)
    adopt(stage, "Session", session)
    stage.simulator.set_faults({"method": "GET", **GONE})
    stage.refused("NoSuchSession", stage.refresh, S1)
    wait_for(lambda: stage.list("Participants")[0] == {})
    assert set(tombstones(stage)) == {session, *ids}
    stage.simulator.set_faults()
    assert adopt(stage, "Session", session) == S2
    assert {row["Id"] for row in stage.list("Participants", Session=S2)[0].values()} == set(ids)
    assert tombstones(stage) == []


def tombstones(stage):
    path = os.path.join(stage.daemon.state_directory, "state.db")
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        return [row[0] for row in database.execute("SELECT api_id FROM tombstones ORDER BY 1")]


@pytest.mark.covers("adoption: killed in the middle")
@pytest.mark.parametrize("path", ["/sessions/*", "/sessions/*/participants", "/participants/*"])
def test_killed_in_the_middle(stage, path):
    """Nothing is there that was not shown by the API; afterwards it can be asked for again."""
    session, (alice, _, _) = call_of_three(stage.simulator)
    what, api_id = ("Participant", alice) if path == "/participants/*" else ("Session", session)
    stage.simulator.set_faults({"method": "GET", "path": path, "kind": "hang"})
    before = last_seq(stage)
    with stage.listener() as listener:
        listener.send(PATH, MANAGER, "Adopt" + what, "sa{sv}", (api_id, {}))
        wait_for(lambda: any(item["fault"] for item in stage.simulator.requests(before)))
        stage.daemon.kill()
    stage.simulator.set_faults()
    stage.daemon.start()
    assert stage.list("Sessions")[0] == stage.list("Participants")[0] == {}
    assert adopt(stage, what, api_id) == (P1 if what == "Participant" else S1)
    stage.daemon.kill()
    stage.daemon.start()
    assert stage.get(P1 if what == "Participant" else S1)["Id"] == api_id
    assert len(stage.list("Participants")[0]) == (1 if what == "Participant" else 3)


@pytest.mark.covers("adoption: killed in the middle", "reply: durable first")
def test_killed_at_any_moment():
    """All of a session comes in, or nothing; all of it, where anything was told."""
    length, told = 0, set()
    for moment in ("after", 0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1):
        with Stage(QUIET) as stage:
            session, ids = call_of_three(stage.simulator)
            stage.refused("NoSuchSession", adopt, stage, "Session", "nobody")  # it is connected
            with stage.listener() as listener:
                begin = time.monotonic()
                serial = listener.send(PATH, MANAGER, "AdoptSession", "sa{sv}", (session, {}))
                if moment == "after":
                    heard = listener.until_reply(serial)
                    length = time.monotonic() - begin
                    stage.daemon.kill()
                else:
                    select.select([], [], [], moment * length)
                    stage.daemon.kill()
                    # The bus tells the caller of the end, after all that was sent before.
                    heard = listener.until(lambda event, serial=serial: event.serial == serial)
            accepted = any(event.kind in ("added", "reply") for event in heard)
            stage.daemon.start()
            rows = {**stage.list("Sessions")[0], **stage.list("Participants")[0]}
            assert {row["Id"] for row in rows.values()} in (set(), {session, *ids})
            assert rows or not accepted
            assert all(row["InSync"] for row in rows.values())
            path = adopt(stage, "Session", session)
            assert len(stage.get(path)["Participants"]) == 3
            assert len(stage.list("Participants")[0]) == 3
            told.add(accepted)
    assert told == {False, True}


@pytest.mark.covers("adoption: its client leaves", "key: Manager.AdoptSession Lifetime")
def test_goes_with_its_client(stage):
    session, _ = call_of_three(stage.simulator)
    with stage.listener() as listener:
        serial = listener.send(PATH, MANAGER, "AdoptSession", "sa{sv}",
                               (session, {"Lifetime": ("s", "client")}))
        assert listener.until_reply(serial)[-1].body == (S1,)
        assert {stage.get(path)["Lifetime"] for path in (S1, P1, P2, P3)} == {"client"}
    wait_for(lambda: stage.simulator.state() == {"sessions": {}, "participants": {}})


@pytest.mark.covers("adoption: its client leaves", "key: Manager.AdoptParticipant Lifetime",
                    "key: Manager.AdoptParticipant Wait")
def test_a_participant_goes_with_its_client(stage):
    alone = stage.simulator.create_participant()["id"]
    stage.simulator.set_faults({"method": "GET", "kind": "latency", "ms": 200})
    with stage.listener() as listener:
        serial = listener.send(PATH, MANAGER, "AdoptParticipant", "sa{sv}",
                               (alone, variants({"Lifetime": "client", "Wait": False})))
        assert listener.until_reply(serial)[-1].body == (P1,)
        # Whatever Wait says, the API has answered by then.
        shown = stage.get(P1)
        assert (shown["Id"], shown["State"], shown["Lifetime"]) == (alone, "active", "client")
    wait_for(lambda: not stage.simulator.state()["participants"])


@pytest.mark.covers("adoption: its client leaves")
def test_a_client_that_leaves_before_the_api_has_answered(stage):
    session, _ = call_of_three(stage.simulator)
    stage.simulator.set_faults({"method": "GET", "kind": "latency", "ms": 500})
    before = last_seq(stage)
    with stage.listener() as listener:
        listener.send(PATH, MANAGER, "AdoptSession", "sa{sv}",
                      (session, {"Lifetime": ("s", "client")}))
        wait_for(lambda: stage.simulator.requests(before))
    # Nothing comes in, and nothing is deleted.
    wait_for(lambda: all(item["status"] for item in stage.simulator.requests(before)))
    stage.simulator.set_faults()
    stage.refused("NoSuchSession", adopt, stage, "Session", "nobody")
    assert stage.list("Sessions")[0] == {}
    assert session in stage.simulator.state()["sessions"]


@pytest.mark.covers("case: strangers count as members")
def test_a_session_that_is_full(stage):
    session = stage.simulator.create_session()["id"]
    for _ in range(20):
        stage.simulator.add(session, stage.simulator.create_participant()["id"])
    adopt(stage, "Session", session)
    assert len(stage.get(S1)["Participants"]) == 20
    before = last_seq(stage)
    stage.refused("SessionFull", stage.participant, Session=S1)
    assert news(stage, before) == []
