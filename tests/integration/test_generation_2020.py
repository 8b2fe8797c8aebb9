# SPDX-License-Identifier: LGPL-2.1-or-later
"""The API as it was first documented: it has no list of a session's participants.

Its 403 to that is not one to our credentials if the session itself can be read; from then on each
participant is read by itself, and sessions tell the ids of their members.
"""

import time

import pytest

from harness.bus import call
from harness.daemon import NAME, PATH, MANAGER, variants
from harness.stage import P1, P2, P3, S1, S2, Stage
from harness.wait import wait_for

OF_2020 = ("--generation=2020",)


def stage_with(**reconcile):
    return Stage({"Reconcile": {"ResyncIntervalSec": 3600, **reconcile}}, simulator=OF_2020)


@pytest.fixture(name="stage")
def fixture_stage():
    """A session with two who hear each other, and one in none; nothing is out any more."""
    with stage_with() as stage:
        stage.session(Tag="call")
        stage.participant(Tag="one", Session=S1, SubscriptionMode="session")
        stage.participant(Tag="two", Session=S1, Publishers=[(P1, ["mic"])])
        stage.participant(Tag="three")
        look_at_all(stage)
        yield stage


def look_at_all(stage):
    """Each object has been read."""
    for path in everything(stage):
        stage.refresh(path)


def everything(stage):
    return {**stage.list("Sessions")[0], **stage.list("Participants")[0]}


def api_id(stage, path):
    return stage.get(path)["Id"]


def last_seq(stage):
    return stage.simulator.requests()[-1]["seq"]


def lists(stage, after=0):
    """Requests for the list of a session's participants."""
    return [request for request in stage.simulator.requests(after)
            if request["method"] == "GET" and request["path"].endswith("/participants")]


def reads(stage, path, after):
    kind = "sessions" if "/session/" in path else "participants"
    return stage.simulator.requests(after, method="GET", path=f"/{kind}/{api_id(stage, path)}")


def assert_agrees(stage):
    stage.settled()
    state = stage.simulator.state()
    rows = everything(stage)
    assert {row["Id"] for row in rows.values()} == \
        state["sessions"].keys() | state["participants"].keys()
    for path, row in rows.items():
        if "/participant/" in path:
            truth = state["participants"][row["Id"]]
            assert truth["sessions"] == ([row["SessionId"]] if row["SessionId"] else [])
            assert bool(truth["subscriptions"]) == (row["SubscriptionMode"] != "none")


@pytest.mark.covers("answer: 403 on a list", "without lists: asked once")
def test_it_is_found_out_once(stage):
    asked, = lists(stage)
    assert asked["status"] == 403
    session = stage.simulator.requests(asked["seq"])[0]
    assert (session["path"], session["status"]) == (f"/sessions/{api_id(stage, S1)}", 200)
    assert stage.get(PATH)["ApiState"] == "online"
    assert "unauthorized" not in stage.daemon.log
    assert "does not list the participants of a session" in stage.daemon.log

    stage.session()
    stage.add(S2, P3)
    look_at_all(stage)
    before = last_seq(stage)
    stage.daemon.manager("Sync")
    wait_for(lambda: all(reads(stage, path, before) for path in everything(stage)))
    assert len(lists(stage)) == 1


@pytest.mark.covers("without lists: the operations")
def test_operations(stage):
    stage.session(Tag="other")
    stage.remove(S1, P1)
    assert stage.get(P2)["SubscriptionMode"] == "none"
    stage.add(S2, P1, SubscriptionMode="session")
    stage.add(S2, P3, Publishers=[(P1, [])])
    stage.subscribe(P1, "participants", [(P3, ["camera"])])
    assert stage.truth(P1)["subscriptions"]["participants"] == [
        {"participantId": api_id(stage, P3), "streamAliases": ["camera"]}]
    assert_agrees(stage)
    stage.delete(P3)
    assert stage.get(P1)["SubscriptionMode"] == "none"
    stage.delete(S2)
    assert stage.get(P1)["Session"] == "/"
    assert stage.token(P1)
    look_at_all(stage)
    assert_agrees(stage)
    for path in (P1, P2, S1):
        stage.delete(path)
    assert not everything(stage)
    assert len(lists(stage)) == 1


@pytest.mark.covers("without lists: who is in a session")
def test_reads_and_no_more(stage):
    """A look at everything costs one read of each object."""
    before = last_seq(stage)
    synced = {path: row["SyncedUSec"] for path, row in everything(stage).items()}
    stage.daemon.manager("Sync")
    wait_for(lambda: all(row["SyncedUSec"] > synced[path]
                         for path, row in everything(stage).items()))
    seen = stage.simulator.requests(before)
    assert sorted(request["path"] for request in seen) == sorted(
        ("/sessions/" if "/session/" in path else "/participants/") + row["Id"]
        for path, row in everything(stage).items())


def test_refresh_of_a_session_looks_at_its_members(stage):
    before = last_seq(stage)
    stage.refresh(S1)
    wait_for(lambda: reads(stage, P1, before) and reads(stage, P2, before))
    assert not reads(stage, P3, before)


@pytest.mark.covers("without lists: looks")
def test_looks_come_once_in_an_interval():
    interval = 1
    with stage_with(ResyncIntervalSec=interval) as stage:
        stage.session()
        stage.participant(Session=S1), stage.participant()
        look_at_all(stage)
        before, begin = last_seq(stage), time.monotonic()
        wait_for(lambda: all(len(reads(stage, path, before)) >= 6 for path in (S1, P1, P2)),
                 timeout=60)
        intervals = (time.monotonic() - begin) / interval
        for path in (S1, P1, P2):
            assert len(reads(stage, path, before)) <= intervals + 2
        assert len(lists(stage)) == 1


@pytest.mark.covers("without lists: changes by others")
@pytest.mark.parametrize("drift", ["adopt", "enforce"])
def test_drift(drift):
    with stage_with(Drift=drift) as stage:
        stage.session()
        stage.participant(Session=S1, SubscriptionMode="session")
        stage.participant(Session=S1)
        look_at_all(stage)
        of_session = f"/sessions/{api_id(stage, S1)}/participants/"
        assert stage.simulator.call("DELETE", of_session + api_id(stage, P1)).status == 204
        assert stage.simulator.call("PUT", of_session + api_id(stage, P2) + "/subscriptions",
                                    {"sessionId": api_id(stage, S1)}).status == 204
        stage.refresh(S1)
        if drift == "adopt":
            stage.daemon.await_property(P1, "Session", "/")
            stage.daemon.await_property(P2, "SubscriptionMode", "session")
        else:
            wait_for(lambda: stage.truth(P1)["sessions"])
            wait_for(lambda: not stage.truth(P2)["subscriptions"])
            assert stage.get(P1)["Session"] == S1
        assert_agrees(stage)


@pytest.mark.covers("without lists: strangers")
def test_strangers(stage):
    """Whoever is met in a session is read, and comes into the registry."""
    stranger = stage.simulator.create_participant(tag="stranger",
                                                  publishPermissions=["VIDEO"])["id"]
    stage.simulator.add(api_id(stage, S1), stranger, {"sessionId": api_id(stage, S1)})
    before = last_seq(stage)
    with stage.listener() as listener:
        stage.refresh(S1)
        added = listener.until(lambda event: event.kind == "added")[-1].changed
    assert (added["Id"], added["Session"], added["Tag"]) == (stranger, S1, "stranger")
    assert added["PublishPermissions"] == ["VIDEO"] and added["SubscriptionMode"] == "session"
    assert len(stage.simulator.requests(before, path=f"/participants/{stranger}")) == 1
    wait_for(lambda: "somebody else put into session 1 was adopted" in stage.daemon.log)
    assert_agrees(stage)


@pytest.mark.covers("without lists: a session that is adopted")
def test_adoption(stage):
    session = stage.simulator.create_session(tag="theirs")["id"]
    members = [stage.simulator.create_participant()["id"] for _ in range(3)]
    for member in members:
        stage.simulator.add(session, member)
    path, = stage.daemon.manager("AdoptSession", "sa{sv}", (session, {}))
    assert stage.get(path)["Tag"] == "theirs"
    wait_for(lambda: len(stage.get(path)["Participants"]) == 3)
    assert {stage.get(member)["Id"] for member in stage.get(path)["Participants"]} == set(members)
    assert_agrees(stage)


def test_adoption_comes_first():
    """Nothing is known yet of what the API can do."""
    with stage_with() as stage:
        session = stage.simulator.create_session()["id"]
        member = stage.simulator.create_participant()["id"]
        stage.simulator.add(session, member)
        with stage.bus.connect() as client:
            call(client, NAME, PATH, MANAGER, "AdoptSession", "sa{sv}",
                 (session, variants({"Lifetime": "client"})))
            wait_for(lambda: stage.get(S1)["Participants"] == [P1])
            assert stage.get(P1)["Lifetime"] == "client"
        wait_for(lambda: not everything(stage))
        assert not stage.simulator.state()["sessions"]


def test_found_gone(stage):
    stage.simulator.expire(api_id(stage, P1))
    stage.refresh(S1)
    wait_for(lambda: P1 not in everything(stage))
    stage.simulator.expire(api_id(stage, S1))
    stage.refused("NoSuchSession", stage.refresh, S1)
    assert stage.get(P2)["Session"] == "/"
    assert_agrees(stage)


@pytest.mark.parametrize("ends", ["stop", "kill"])
def test_restart(stage, ends):
    """It is found out anew, and everything is read."""
    getattr(stage.daemon, ends)()
    before = last_seq(stage)
    stage.daemon.start()
    wait_for(lambda: all(reads(stage, path, before) for path in (S1, P1, P2, P3)))
    assert len(lists(stage, before)) == 1
    assert stage.get(PATH)["ApiState"] == "online"
    assert_agrees(stage)


def test_many_sessions_at_a_start():
    """Lists that are out together are refused together, and nobody takes that for a denial."""
    with stage_with() as stage:
        for _ in range(40):
            session = stage.session()
            stage.participant(Session=session)
        stage.settled()
        stage.daemon.stop()
        before = last_seq(stage)
        stage.daemon.start()
        wait_for(lambda: all(row["SyncedUSec"] and reads(stage, path, before)
                             for path, row in everything(stage).items()), timeout=60)
        assert 1 <= len(lists(stage, before)) <= 16
        assert "unauthorized" not in stage.daemon.log.lower()
        assert_agrees(stage)


@pytest.mark.covers("without lists: asked once")
def test_reload(stage):
    before = last_seq(stage)
    stage.daemon.manager("Reload")
    stage.refresh(S1)
    assert [request["status"] for request in lists(stage, before)] == [403]
    stage.refresh(S1)
    assert len(lists(stage, before)) == 1


@pytest.mark.covers("answer: 403 on a list")
@pytest.mark.parametrize("status", [401, 403])
def test_credentials_are_refused(stage, status):
    """As long as nothing is known of lists, the session tells; afterwards it is plain."""
    stage.daemon.manager("Reload")
    stage.simulator.set_faults({"kind": "status", "status": status})
    before = last_seq(stage)
    error = "Unauthorized" if status == 401 else "Forbidden"
    stage.refused(error, stage.refresh, S1)
    assert stage.get(PATH)["ApiState"] == "unauthorized"
    seen = [request["path"].rpartition("/")[2] for request in stage.simulator.requests(before)][:2]
    assert seen[0] == "participants"
    stage.simulator.set_faults()
    stage.daemon.await_property(PATH, "ApiState", "online")
    look_at_all(stage)
    assert_agrees(stage)
