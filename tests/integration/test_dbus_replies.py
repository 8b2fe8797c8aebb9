# SPDX-License-Identifier: LGPL-2.1-or-later
"""When a method that changes something replies, with what, and what has been signalled by then."""

import time

import pytest

from harness.daemon import MANAGER, PARTICIPANT, PATH, SESSION, variants
from harness.stage import P1, QUIET, S1, S2, Stage
from harness.wait import wait_for

CREATE = {"method": "POST"}
MEMBERSHIP = {"path": "/sessions/*/participants/*"}
LATE = {"Bus": {"ReplyTimeoutSec": 1}}
HOURS = {"Reconcile": {"ResyncIntervalSec": 3600, "RetryMinSec": 20000, "RetryMaxSec": 86400}}


@pytest.fixture(name="stage")
def fixture_stage():
    with Stage(QUIET) as stage:
        yield stage


def brief(heard):
    return [event.brief for event in heard]


def create(listener, what="Session", **properties):
    return listener.call(PATH, MANAGER, f"Create{what}", "a{sv}", (variants(properties),))


def call(listener, path, member, signature=None, body=()):
    return listener.call(path, SESSION if "/session/" in path else PARTICIPANT, member, signature,
                         body)


@pytest.mark.covers("reply: confirmed by the API", "signal: InterfacesAdded",
                    "signal: before the reply", "state: pending", "state: active")
def test_confirmed(stage):
    with stage.listener() as listener:
        heard = create(listener, Tag="call")
    assert brief(heard) == ["+session/1", "~session/1", "reply"]
    added, changed, reply = heard
    assert added.changed["State"] == "pending" and not added.changed["InSync"]
    assert added.changed["Id"] == "" and added.changed["Tag"] == "call"
    assert added.changed.keys() == stage.get(S1).keys()
    assert changed.changed["State"] == "active" and changed.changed["InSync"]
    assert changed.changed["Id"] == stage.get(S1)["Id"] and reply.body == (S1,)


@pytest.mark.covers("reply: Wait is false", "key: Manager.CreateSession Wait", "state: pending")
def test_wait_false(stage):
    stage.simulator.set_faults({**CREATE, "kind": "latency", "ms": 300})
    with stage.listener() as listener:
        assert brief(create(listener, Wait=False)) == ["+session/1", "reply"]
    shown = stage.get(S1)
    assert (shown["State"], shown["InSync"], shown["Id"]) == ("pending", False, "")


@pytest.mark.covers("reply: Wait is false", "key: Session.AddParticipant Wait",
                    "state: wanted is shown")
def test_wait_false_of_a_change(stage):
    stage.session(), stage.participant()
    stage.simulator.set_faults({**MEMBERSHIP, "kind": "hang"})
    with stage.listener() as listener:
        heard = call(listener, S1, "AddParticipant", "oa{sv}", (P1, variants({"Wait": False})))
    assert sorted(brief(heard)) == ["reply", "~participant/1", "~session/1"]
    assert heard[-1].kind == "reply"
    shown = stage.get(P1)
    assert shown["Session"] == S1 and not shown["InSync"] and shown["State"] == "active"


@pytest.mark.covers("reply: refused by the API, a creation", "error: Rejected",
                    "signal: before the reply", "answer: 400, 404 and other 4xx")
def test_creation_refused(stage):
    stage.simulator.set_faults({**CREATE, "kind": "status", "status": 400, "count": 1,
                                "body": '{"error": "no such flavour", "requestId": "r-77"}'})
    with stage.listener() as listener:
        heard = create(listener)
    assert brief(heard) == ["+session/1", "-session/1", "Rejected"]
    assert "no such flavour" in heard[-1].error.message and "r-77" in heard[-1].error.message
    assert stage.list("Sessions") == ({}, 0)


@pytest.mark.covers("reply: refused by the API, a change", "signal: before the reply",
                    "state: last error", "state: wanted is shown",
                    "answer: 400, 404 and other 4xx", "property: Participant.LastError",
                    "property: Session.Participants")
def test_change_refused_falls_back(stage):
    stage.session(), stage.participant()
    stage.simulator.set_faults({**MEMBERSHIP, "kind": "status", "status": 400, "count": 1})
    with stage.listener() as listener:
        heard = call(listener, S1, "AddParticipant", "oa{sv}",
                     (P1, variants({"SubscriptionMode": "session"})))
    assert heard[-1].brief == "Rejected"
    said = [event.changed["Session"] for event in heard if "Session" in event.changed]
    assert said == [S1, "/"]
    members = [event.changed["Participants"] for event in heard if "Participants" in event.changed]
    assert members == [[P1], []]
    shown = stage.get(P1)
    assert (shown["State"], shown["InSync"], shown["Session"]) == ("active", True, "/")
    assert shown["SubscriptionMode"] == "none"
    assert shown["LastError"][0] == "org.convened1.Error.Rejected"

    # The next change that is taken clears it.
    stage.add(S1, P1)
    assert stage.get(P1)["LastError"] == ("", "")


@pytest.mark.covers("reply: refused by the API, a change")
def test_subscriptions_refused_fall_back(stage):
    stage.session(), stage.participant(Session=S1, SubscriptionMode="session")
    stage.simulator.set_faults({"method": "PUT", "kind": "status", "status": 400, "count": 1})
    stage.refused("Rejected", stage.subscribe, P1, "none")
    assert stage.get(P1)["SubscriptionMode"] == "session"


@pytest.mark.covers("reply: the first attempt failed and may pass",
                    "property: Participant.Attempts",
                    "answer: 408, other 5xx, and 503 without Retry-After")
def test_first_attempt_failed(stage):
    """It may pass: success, and the daemon goes on trying."""
    stage.session(), stage.participant()
    stage.simulator.set_faults({**MEMBERSHIP, "kind": "status", "status": 500, "count": 3})
    with stage.listener() as listener:
        heard = call(listener, S1, "AddParticipant", "oa{sv}", (P1, {}))
        assert heard[-1].brief == "reply"
        heard += listener.until(lambda event: event.path == P1 and event.changed.get("InSync"))
    attempts = [event.changed["Attempts"] for event in heard if "Attempts" in event.changed]
    assert attempts == [1, 2, 3, 0]
    assert stage.truth(P1)["sessions"] == [stage.get(S1)["Id"]]


@pytest.mark.covers("answer: not sent")
def test_creation_that_was_not_sent(stage):
    stage.session()
    stage.simulator.down(300)
    stage.participant()
    stage.daemon.await_property(P1, "State", "active")
    assert len(stage.simulator.requests(method="POST")) == 2
    assert stage.get(PATH)["SuspectedOrphans"] == 0


def next_attempt(stage, path):
    """What is told of it: a moment to come, that stays the same while time goes on."""
    def read():
        shown = stage.get(path)
        return shown["NextAttemptUSec"] / 1e6, shown["Attempts"]

    begin = time.time()
    first, last = read(), None
    while last is None or time.time() < begin + 1:
        last = read()
        if last[1] != first[1]:  # it was tried meanwhile
            begin, first = time.time(), last
    assert abs(last[0] - first[0]) < 0.5
    assert time.time() - 0.1 < last[0] < time.time() + HOURS["Reconcile"]["RetryMinSec"] + 1
    return last[0]


@pytest.mark.covers("property: Participant.NextAttemptUSec", "property: Session.NextAttemptUSec",
                    "configuration: [Reconcile] RetryMinSec", "answer: only one object fails")
def test_next_attempt_is_told():
    with Stage(HOURS) as stage:
        stage.session(), stage.participant()
        stage.simulator.set_faults({**MEMBERSHIP, "kind": "status", "status": 500})
        stage.add(S1, P1)
        # The host is all right: only this object backs off.
        stage.daemon.await_property(PATH, "ApiState", "online")
        shown = stage.get(P1)
        assert shown["Attempts"] >= 1 and not shown["InSync"]
        next_attempt(stage, P1)
        assert stage.get(S1)["NextAttemptUSec"] == 0


@pytest.mark.covers("property: Participant.NextAttemptUSec")
def test_next_attempt_of_what_is_waited_for():
    with Stage(HOURS) as stage:
        stage.simulator.set_faults({"method": "POST", "path": "/sessions", "kind": "status",
                                    "status": 500, "count": 1})
        stage.session(Wait=False)
        stage.daemon.await_property(S1, "Attempts", 1)
        stage.participant(Session=S1, Wait=False)
        wait_for(lambda: stage.get(P1)["Id"])
        assert abs(next_attempt(stage, P1) - next_attempt(stage, S1)) < 0.5


@pytest.mark.covers("property: Manager.LastContactUSec")
def test_last_contact_is_a_good_answer(stage):
    """Not one that fails, by which the API is found to be away."""
    stage.session()
    stage.verified()
    before = stage.get(PATH)["LastContactUSec"]
    stage.simulator.set_faults({"kind": "status", "status": 500})
    stage.refused("Unavailable", stage.refresh, S1)
    stage.daemon.await_property(PATH, "ApiState", "offline")
    assert stage.get(PATH)["LastContactUSec"] == before
    stage.simulator.set_faults()
    stage.daemon.await_property(PATH, "ApiState", "online")
    assert stage.get(PATH)["LastContactUSec"] > before


@pytest.mark.covers("reply: offline", "state: API offline")
def test_offline(stage):
    """While it is known to be away nobody waits for it."""
    stage.session(), stage.session()
    stage.simulator.set_faults({"kind": "refuse"})
    stage.refused("Unavailable", stage.refresh, S1)
    stage.daemon.await_property(PATH, "ApiState", "offline")
    begin = time.monotonic()
    stage.participant(Session=S1, SubscriptionMode="session")
    stage.add(S1, stage.participant())
    stage.delete(S2)
    assert time.monotonic() - begin < 5
    assert stage.get(P1)["State"] == "pending" and stage.get(S2)["State"] == "deleting"
    stage.simulator.set_faults()
    stage.settled()
    assert stage.truth(P1)["sessions"] == [stage.get(S1)["Id"]]
    assert stage.list("Sessions")[0].keys() == {S1}


@pytest.mark.covers("reply: throttled", "state: API throttled")
def test_throttled(stage):
    stage.session()
    stage.simulator.set_faults({"kind": "status", "status": 429, "retry_after": 2, "count": 1})
    assert stage.session() == S2
    assert stage.get(PATH)["ApiState"] == "throttled"
    assert stage.get(S2)["State"] == "pending"
    begin = time.monotonic()
    stage.participant()
    assert time.monotonic() - begin < 1.5
    stage.settled()
    assert stage.get(S2)["State"] == "active"


@pytest.mark.covers("reply: ReplyTimeoutSec is over", "configuration: [Bus] ReplyTimeoutSec")
def test_reply_timeout():
    with Stage({**QUIET, **LATE}) as stage:
        stage.simulator.set_faults({**CREATE, "kind": "latency", "ms": 2500, "count": 1})
        begin = time.monotonic()
        assert stage.session() == S1
        assert 0.9 < time.monotonic() - begin < 2.3
        assert stage.get(S1)["State"] == "pending"
        stage.daemon.await_property(S1, "State", "active")
        assert len(stage.simulator.requests(method="POST")) == 1


@pytest.mark.covers("reply: refused after the reply, a creation", "state: failed",
                    "case: a creation that failed", "property: Session.LastError")
def test_creation_refused_after_the_reply(stage):
    stage.simulator.set_faults({**CREATE, "kind": "status", "status": 400, "count": 1})
    stage.session(Wait=False)
    shown = stage.daemon.await_property(S1, "State", "failed")
    assert shown["LastError"][0] == "org.convened1.Error.Rejected"
    stage.participant()
    stage.refused("Conflict", stage.refresh, S1)
    stage.refused("Conflict", stage.add, S1, P1)
    stage.delete(S1)
    assert S1 not in stage.list("Sessions")[0]


@pytest.mark.covers("reply: refused after the reply, a change", "state: last error")
def test_change_refused_after_the_reply(stage):
    stage.session(), stage.participant()
    stage.simulator.set_faults({**MEMBERSHIP, "kind": "status", "status": 400, "count": 1})
    stage.add(S1, P1, Wait=False)
    shown = stage.daemon.await_property(P1, "InSync", True)
    assert (shown["State"], shown["Session"]) == ("active", "/")
    assert shown["LastError"][0] == "org.convened1.Error.Rejected"
    # Reading again neither sets nor clears it.
    stage.refresh(P1)
    assert stage.get(P1)["LastError"] == shown["LastError"]


@pytest.mark.covers("reply: outcome unknown", "error: OutcomeUnknown",
                    "key: Manager.CreateSession AtMostOnce", "answer: sent, and no whole answer",
                    "answer: a success that cannot be understood")
@pytest.mark.parametrize("kind", ["drop", "truncate", "garbage", "reset"])
def test_outcome_unknown(stage, kind):
    stage.session()
    stage.simulator.set_faults({**CREATE, "kind": kind})
    with stage.listener() as listener:
        heard = create(listener, AtMostOnce=True)
    assert [item for item in brief(heard) if "1" not in item][-1] == "OutcomeUnknown"
    assert heard[-1].error.message.endswith(S2)
    shown = stage.get(S2)
    assert shown["State"] == "failed" and shown["LastError"][0].endswith(".OutcomeUnknown")
    assert stage.get(PATH)["SuspectedOrphans"] == 1
    assert len(stage.simulator.requests(method="POST")) == 2
    stage.delete(S2)
    assert stage.list("Sessions")[0].keys() == {S1}
    assert stage.get(PATH)["SuspectedOrphans"] == 1


@pytest.mark.covers("reply: outcome unknown, repeated", "configuration: [Reconcile] CreateRepeats")
def test_unknown_outcome_is_repeated(stage):
    """Without AtMostOnce: 1 + CreateRepeats times, and each is counted."""
    stage.session()
    stage.simulator.set_faults({**CREATE, "kind": "drop"})
    stage.participant(Wait=False)
    shown = stage.daemon.await_property(P1, "State", "failed")
    assert shown["LastError"][0].endswith(".OutcomeUnknown")
    assert len(stage.simulator.requests(method="POST", path="/participants")) == 3
    assert stage.get(PATH)["SuspectedOrphans"] == 3


@pytest.mark.covers("reply: refused while unauthorized", "error: Unauthorized", "error: Forbidden",
                    "state: API unauthorized", "answer: 401", "answer: 403")
@pytest.mark.parametrize("status, error", [(401, "Unauthorized"), (403, "Forbidden")])
def test_unauthorized(stage, status, error):
    stage.session(), stage.participant()
    stage.simulator.set_faults({"kind": "status", "status": status})
    stage.refused(error, stage.session)
    assert stage.get(PATH)["ApiState"] == "unauthorized"
    assert stage.list("Sessions")[0].keys() == {S1}

    # From here on no request is spent on it; but Delete is taken, and driven later.
    before = len(stage.simulator.requests(method="POST"))
    stage.refused("Unauthorized", stage.session)
    stage.refused("Unauthorized", stage.add, S1, P1)
    stage.refused("Unauthorized", stage.subscribe, P1, "none")
    stage.refused("Unauthorized", stage.daemon.call, P1, PARTICIPANT, "Refresh")
    assert len(stage.simulator.requests(method="POST")) == before
    stage.delete(P1)
    assert stage.get(P1)["State"] == "deleting"
    stage.simulator.set_faults()
    wait_for(lambda: stage.list("Participants") == ({}, 0))


@pytest.mark.covers("reply: refused while unauthorized", "state: API unauthorized")
def test_no_credentials():
    with Stage(QUIET, credentials=None) as stage:
        stage.refused("Unauthorized", stage.session)
        assert stage.simulator.requests() == []


@pytest.mark.covers("reply: a caller that leaves")
def test_caller_leaves(stage):
    stage.simulator.set_faults({**CREATE, "kind": "latency", "ms": 300, "count": 1})
    with stage.listener() as listener:
        listener.send(PATH, MANAGER, "CreateSession", "a{sv}", ({},))
        listener.until(lambda event: event.kind == "added")
    stage.daemon.await_property(S1, "State", "active")


@pytest.mark.covers("reply: a caller that wants no reply")
def test_no_reply_expected(stage):
    """A caller may say that it wants none; the next reply is that of the next call."""
    from jeepney import DBusAddress, MessageFlag, new_method_call

    with stage.listener() as listener:
        message = new_method_call(DBusAddress(PATH, bus_name="org.convened1", interface=MANAGER),
                                  "CreateSession", "a{sv}", ({},))
        message.header.flags |= MessageFlag.no_reply_expected
        listener.connection.send(message)
        heard = create(listener)
    assert [event.body for event in heard if event.kind == "reply"] == [(S2,)]


@pytest.mark.covers("reply: one answer for each call")
def test_many_calls_at_once(stage):
    """Each gets exactly one answer, and its own."""
    with stage.listener() as listener:
        waiting = {listener.send(PATH, MANAGER, "CreateSession", "a{sv}",
                                 (variants({"Tag": f"t{n}"}),)): f"t{n}" for n in range(100)}
        answers = {}
        while len(answers) < len(waiting):
            event = listener.next()
            if event.serial:
                assert event.kind == "reply" and event.serial not in answers
                answers[event.serial] = event.body[0]
    assert len(set(answers.values())) == 100
    for serial, path in answers.items():
        assert stage.get(path)["Tag"] == waiting[serial]


@pytest.mark.covers("reply: cached reads")
def test_reads_are_not_held_up(stage):
    stage.session(Tag="call")
    stage.simulator.set_faults({"kind": "latency", "ms": 1000})
    with stage.listener() as listener:
        begin = time.monotonic()
        waiting = listener.send(PATH, MANAGER, "CreateSession", "a{sv}", ({},))
        for _ in range(20):
            assert stage.get(S1)["Tag"] == "call"
        assert time.monotonic() - begin < 0.9
        assert listener.until_reply(waiting)[-1].body == (S2,)
