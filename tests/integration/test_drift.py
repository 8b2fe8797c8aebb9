# SPDX-License-Identifier: LGPL-2.1-or-later
"""Drift=enforce: the daemon puts back what somebody else changes at the API."""

import time

import pytest

from harness.daemon import PATH
from harness.stage import P1, P2, S1, S2, Stage
from harness.wait import wait_for

ENFORCE = {"Reconcile": {"Drift": "enforce", "ResyncIntervalSec": 3600}}
NO_ERROR = ("", "")


@pytest.fixture(name="stage")
def fixture_stage():
    """Two sessions, and two participants in the first, one of whom hears all."""
    with Stage(ENFORCE) as stage:
        stage.session(), stage.session()
        stage.participant(Session=S1, SubscriptionMode="session")
        stage.participant(Session=S1)
        for path in (S1, S2):
            stage.refresh(path)
        yield stage


def api_id(stage, path):
    return stage.get(path)["Id"]


def membership(session, participant):
    return f"/sessions/{session}/participants/{participant}"


def take_out(stage, participant, session=S1):
    """As a stranger with the same credentials does."""
    answer = stage.simulator.call(
        "DELETE", membership(api_id(stage, session), api_id(stage, participant)))
    assert answer.status == 204


def put_in(stage, participant, session, subscriptions=None):
    """`session`: an id of the API."""
    stage.simulator.add(session, api_id(stage, participant), subscriptions)


def hear(stage, participant, subscriptions):
    answer = stage.simulator.call("PUT", membership(api_id(stage, S1), api_id(stage, participant))
                                  + "/subscriptions", subscriptions)
    assert answer.status == 204


def changes(stage, after=0):
    """Methods of requests that change something, the strangers' among them."""
    return [request["method"] for request in stage.simulator.requests(after)
            if request["method"] != "GET"]


def last_seq(stage):
    return stage.simulator.requests()[-1]["seq"]


def assert_is_back(stage):
    """All is at the API as it was wanted, and nothing tells of a failure."""
    wait_for(lambda: stage.truth(P1)["sessions"] == [api_id(stage, S1)])
    stage.settled()
    assert stage.truth(P1)["subscriptions"] == {"sessionId": api_id(stage, S1)}
    assert stage.get(P1)["Session"] == S1 and stage.get(P1)["SubscriptionMode"] == "session"
    assert stage.get(P1)["LastError"] == NO_ERROR


@pytest.mark.covers("drift: enforced membership", "configuration: [Reconcile] Drift")
def test_membership(stage):
    take_out(stage, P1)
    with stage.listener() as listener:
        stage.refresh(P1)
        listener.until(lambda event: event.changed.get("InSync") is False)
        listener.until(lambda event: event.changed.get("InSync") is True)
    assert_is_back(stage)
    assert "Somebody else changed its session at the API; it is put back" in stage.daemon.log


def test_from_another_session_of_ours(stage):
    take_out(stage, P1)
    put_in(stage, P1, api_id(stage, S2))
    stage.refresh(P1)
    assert_is_back(stage)


@pytest.mark.covers("drift: enforced subscriptions")
def test_subscriptions(stage):
    before = last_seq(stage)
    hear(stage, P1, {})
    hear(stage, P2, {"sessionId": api_id(stage, S1)})
    stage.refresh(S1)
    wait_for(lambda: not stage.truth(P2)["subscriptions"])
    assert_is_back(stage)
    assert changes(stage, before) == ["PUT"] * 4


def test_a_list_and_one_who_was_in_it(stage):
    """Whoever is taken out drops out of others' lists at the API; both come back, in order."""
    stage.subscribe(P2, "participants", [(P1, ["mic"])])
    take_out(stage, P1)
    assert not stage.truth(P2)["subscriptions"]
    stage.refresh(S1)
    assert_is_back(stage)
    heard = {"participantId": api_id(stage, P1), "streamAliases": ["mic"]}
    wait_for(lambda: stage.truth(P2)["subscriptions"].get("participants") == [heard])
    stage.settled()
    assert stage.get(P2)["Publishers"] == [(P1, ["mic"])]


def test_out_of_none(stage):
    """Created here and wanted in no session: so it is left there."""
    path = stage.participant()
    put_in(stage, path, api_id(stage, S2))
    stage.refresh(path)
    wait_for(lambda: not stage.truth(path)["sessions"])
    stage.settled()
    assert stage.get(path)["Session"] == "/"


@pytest.mark.covers("drift: enforced, and in a session that is not ours")
def test_nobody_is_pulled_out_of_a_strangers_session(stage):
    foreign = stage.simulator.create_session()["id"]
    take_out(stage, P1)
    put_in(stage, P1, foreign)
    before = last_seq(stage)
    stage.refresh(P1)
    assert stage.get(P1)["SessionId"] == foreign and stage.get(P1)["InSync"]
    stage.refresh(P1)
    assert not changes(stage, before)
    assert stage.truth(P1)["sessions"] == [foreign]


@pytest.mark.covers("drift: enforced, and a stranger")
def test_strangers_stay(stage):
    """A stranger in a session is adopted, and goes again when whoever made it takes it out."""
    stranger = stage.simulator.create_participant(tag="stranger")["id"]
    stage.simulator.add(api_id(stage, S1), stranger)
    before = last_seq(stage)
    stage.refresh(S1)
    path, = [path for path, row in stage.list("Participants")[0].items() if row["Id"] == stranger]
    assert stage.get(path)["Session"] == S1
    assert not changes(stage, before)
    take_out(stage, path)
    stage.refresh(path)
    stage.settled()
    assert stage.get(path)["Session"] == "/"
    assert changes(stage, before) == ["DELETE"]


@pytest.mark.covers("drift: enforced, and deleted there")
def test_what_was_deleted_is_not_made_again(stage):
    for path in (P1, S2):
        kind = "sessions" if path == S2 else "participants"
        assert stage.simulator.call("DELETE", f"/{kind}/{api_id(stage, path)}").status == 204
        before = last_seq(stage)
        stage.daemon.manager("Sync")
        wait_for(lambda path=path: path not in {**stage.list("Sessions")[0],
                                                **stage.list("Participants")[0]})
        stage.settled()
        assert not changes(stage, before)


@pytest.mark.parametrize("status, error", [(400, "Rejected"), (413, "Rejected"),
                                           (409, "Conflict")])
def test_refused_for_good(stage, status, error):
    """What is there is taken over, and says why; nothing is tried again."""
    stage.simulator.set_faults({"method": "PUT", "kind": "status", "status": status})
    take_out(stage, P1)
    before = last_seq(stage)
    stage.refresh(P1)
    stage.settled()
    assert stage.get(P1)["Session"] == "/"
    assert stage.get(P1)["LastError"][0] == "org.convened1.Error." + error
    stage.simulator.set_faults()
    for _ in range(3):
        stage.refresh(P1)
        stage.refresh(S1)
    assert changes(stage, before) == ["PUT"]
    # Who wants it there says so again.
    stage.add(S1, P1, SubscriptionMode="session")
    assert_is_back(stage)


def test_its_place_was_taken(stage):
    """Somebody else filled the session: 409, and nobody is removed for it."""
    take_out(stage, P1)
    strangers = [stage.simulator.create_participant()["id"] for _ in range(19)]
    for stranger in strangers:
        stage.simulator.add(api_id(stage, S1), stranger)
    stage.refresh(S1)
    stage.refresh(P1)
    wait_for(lambda: stage.get(P1)["LastError"][0] == "org.convened1.Error.Conflict")
    stage.settled()
    assert stage.get(P1)["Session"] == "/"
    state = stage.simulator.state()["participants"]
    assert all(state[stranger]["sessions"] for stranger in strangers)


def test_changed_while_the_daemon_was_down(stage):
    stage.daemon.kill()
    stage.daemon.start()
    take_out(stage, P1)
    hear(stage, P2, {"sessionId": api_id(stage, S1)})
    stage.daemon.kill()
    stage.daemon.start()
    assert_is_back(stage)
    wait_for(lambda: not stage.truth(P2)["subscriptions"])


@pytest.mark.covers("configuration: [Reconcile] Drift")
def test_switched_by_reload(stage):
    stage.daemon.config["Reconcile"]["Drift"] = "adopt"
    stage.daemon.write_config()
    stage.daemon.manager("Reload")
    take_out(stage, P2)
    stage.refresh(P2)
    assert stage.get(P2)["Session"] == "/" and stage.get(P2)["InSync"]

    stage.daemon.config["Reconcile"]["Drift"] = "enforce"
    stage.daemon.write_config()
    stage.daemon.manager("Reload")
    # What was taken over stays so; what changes from now on is put back.
    stage.refresh(P2)
    assert stage.get(P2)["Session"] == "/"
    take_out(stage, P1)
    stage.refresh(P1)
    assert_is_back(stage)


@pytest.mark.covers("drift: enforced, against another")
def test_two_who_want_different_things():
    """Each look undoes what the other did, and nobody does so faster than he looks."""
    interval, times = 1, 5
    with Stage({"Reconcile": {"Drift": "enforce", "ResyncIntervalSec": interval}}) as stage:
        stage.session()
        stage.participant(Session=S1)
        stage.settled()
        begin, put_back = time.monotonic(), 0
        while put_back < times:
            take_out(stage, P1)
            wait_for(lambda: stage.truth(P1)["sessions"], timeout=20)
            put_back += 1
        # Seconds are whole ones in this; the first time needs no pause.
        assert time.monotonic() - begin > (times - 2) * interval
        assert stage.get(PATH)["SuspectedOrphans"] == 0
