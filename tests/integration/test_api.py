# SPDX-License-Identifier: LGPL-2.1-or-later
"""The API's room against the simulator: all eleven operations, and every fault."""

import pytest

from harness.api import Api


@pytest.fixture
def api(simulator):
    with Api(simulator.base_url) as running:
        yield running


def ok(answer):
    assert answer["outcome"] == "ok", answer
    return answer


def test_every_operation(simulator, api):
    session = ok(api.ask("createSession", tag="call"))["id"]
    assert simulator.state()["sessions"][session]["tag"] == "call"
    assert ok(api.ask("getSession", session=session))["id"] == session
    assert ok(api.ask("listSessionParticipants", session=session))["sightings"] == []

    created = ok(api.ask("createParticipant", tag="desk", permissions=3,
                         callback_url="https://app.example.net/x", device_api_version="V3"))
    desk, shown = created["id"], simulator.state()["participants"][created["id"]]
    assert created["token"] == shown["token"] and created["token"]
    assert shown["tag"] == "desk" and sorted(shown["publishPermissions"]) == ["AUDIO", "VIDEO"]
    assert shown["callbackUrl"] == "https://app.example.net/x"
    phone = ok(api.ask("createParticipant"))["id"]
    assert simulator.state()["participants"][phone]["publishPermissions"] == []

    alone = {"id": desk, "session": "", "mode": "none", "publishers": []}
    assert ok(api.ask("getParticipant", participant=desk))["sightings"] == [alone]

    where = {"session": session, "participant": desk}
    ok(api.ask("addParticipantToSession", mode="session", **where))
    ok(api.ask("addParticipantToSession", session=session, participant=phone, mode="none"))
    heard = {"id": desk, "session": session, "mode": "session", "publishers": []}
    assert ok(api.ask("getParticipant", participant=desk))["sightings"] == [heard]
    silent = {"id": phone, "session": session, "mode": "none", "publishers": []}
    listed = ok(api.ask("listSessionParticipants", session=session))["sightings"]
    assert listed == sorted([heard, silent], key=lambda sighting: sighting["id"])

    publishers = [{"id": phone, "aliases": ["mic", "screen"]}]
    ok(api.ask("updateParticipantSubscriptions", mode="participants", publishers=publishers,
               **where))
    assert simulator.requests()[-1]["body"] == (
        '{"participants":[{"participantId":"%s","streamAliases":["mic","screen"]}]}' % phone)
    heard = {"id": "", "session": session, "mode": "participants", "publishers": publishers}
    assert ok(api.ask("getParticipantSubscriptions", **where))["sightings"] == [heard]
    ok(api.ask("updateParticipantSubscriptions", mode="none", **where))
    heard = {"id": "", "session": session, "mode": "none", "publishers": []}
    assert ok(api.ask("getParticipantSubscriptions", **where))["sightings"] == [heard]

    ok(api.ask("removeParticipantFromSession", **where))
    assert simulator.state()["sessions"][session]["participants"] == [phone]
    ok(api.ask("deleteParticipant", participant=phone))
    ok(api.ask("deleteSession", session=session))
    assert list(simulator.state()["participants"]) == [desk]
    assert simulator.state()["sessions"] == {}

    assert api.ask("getSession", session=session)["outcome"] == "not-found"
    assert api.ask("deleteSession", session=session)["outcome"] == "not-found"
    gone = api.ask("addParticipantToSession", mode="session", **where)
    assert gone["outcome"] == "not-found" and gone["message"] and gone["request_id"]
    assert {request["user_agent"].partition("/")[0] for request in simulator.requests()} == {
        "convened"}


def test_conflict(simulator, api):
    first, second = (simulator.create_session()["id"] for _ in range(2))
    participant = simulator.create_participant()["id"]
    simulator.add(first, participant)
    answer = api.ask("addParticipantToSession", session=second, participant=participant)
    assert (answer["outcome"], answer["status"]) == ("conflict", 409)


@pytest.mark.parametrize("switches", [
    ("--member-ids",), ("--empty-as-204",), ("--any-session-id",), ("--no-callback-echo",),
    ("--invent-tags",), ("--lenient-subscriptions",), ("--shuffle",)])
def test_other_readings_of_the_api(simulator_with, switches):
    simulator = simulator_with(*switches)
    with Api(simulator.base_url) as api:
        session = ok(api.ask("createSession"))["id"]
        assert ok(api.ask("listSessionParticipants", session=session))["sightings"] == []
        participant = ok(api.ask("createParticipant", permissions=3,
                                 callback_url="https://app.example.net/x"))["id"]
        where = {"session": session, "participant": participant}
        ok(api.ask("addParticipantToSession", mode="none", **where))
        [heard] = ok(api.ask("getParticipantSubscriptions", **where))["sightings"]
        assert (heard["session"], heard["mode"]) == (session, "none")
        ok(api.ask("updateParticipantSubscriptions", mode="session", **where))
        [heard] = ok(api.ask("getParticipant", participant=participant))["sightings"]
        assert (heard["session"], heard["mode"]) == (session, "session")
        assert ok(api.ask("getSession", session=session))["id"] == session


def test_generation_2020(simulator_with):
    simulator = simulator_with("--generation=2020")
    with Api(simulator.base_url) as api:
        session = ok(api.ask("createSession"))["id"]
        participant = ok(api.ask("createParticipant"))["id"]
        ok(api.ask("addParticipantToSession", mode="none", session=session,
                   participant=participant))
        answer = ok(api.ask("getSession", session=session))
        assert answer["id"] == session
        assert [(one["id"], one["session"]) for one in answer["sightings"]] == [
            (participant, session)]
        assert api.ask("listSessionParticipants", session=session)["outcome"] == "forbidden"


# Kind of fault, and what comes of a creation and of a read.
FAULTS = [
    ({"kind": "refuse"}, "no-answer", "no-answer"),
    ({"kind": "drop"}, "no-answer", "no-answer"),
    ({"kind": "reset"}, "no-answer", "no-answer"),
    ({"kind": "hang"}, "no-answer", "no-answer"),
    ({"kind": "truncate"}, "no-answer", "no-answer"),
    ({"kind": "garbage"}, "not-understood", "not-understood"),
    ({"kind": "huge", "bytes": 6000000}, "not-understood", "not-understood"),
    ({"kind": "redirect", "location": "/v1/elsewhere"}, "redirected", "redirected"),
    ({"kind": "slow", "bytes_per_s": 1000}, "ok", "ok"),
    ({"kind": "latency", "ms": 20}, "ok", "ok"),
    ({"kind": "latency", "ms": 5000}, "no-answer", "no-answer"),
    ({"kind": "status", "status": 400}, "refused", "refused"),
    ({"kind": "status", "status": 401}, "unauthorized", "unauthorized"),
    ({"kind": "status", "status": 403}, "forbidden", "forbidden"),
    ({"kind": "status", "status": 404}, "not-found", "not-found"),
    ({"kind": "status", "status": 404, "body": "<html>"}, "refused", "refused"),
    ({"kind": "status", "status": 404, "body": {"message": "Not Found"}}, "refused", "refused"),
    ({"kind": "status", "status": 404, "body": {"error": "Not Found"}}, "refused", "refused"),
    ({"kind": "status", "status": 408}, "broken", "broken"),
    ({"kind": "status", "status": 409}, "conflict", "conflict"),
    ({"kind": "status", "status": 413}, "refused", "refused"),
    ({"kind": "status", "status": 425}, "throttled", "throttled"),
    ({"kind": "status", "status": 429, "retry_after": 3}, "throttled", "throttled"),
    ({"kind": "status", "status": 500}, "broken", "broken"),
    ({"kind": "status", "status": 502, "body": "<html>"}, "broken", "broken"),
    ({"kind": "status", "status": 503}, "broken", "broken"),
    ({"kind": "status", "status": 503, "retry_after": 3}, "throttled", "throttled"),
    ({"kind": "status", "status": 504}, "broken", "broken"),
]


@pytest.mark.covers("answer: 400, 404 and other 4xx", "answer: 403", "answer: Retry-After",
                    "answer: 408, other 5xx, and 503 without Retry-After",
                    "answer: a success that cannot be understood")
@pytest.mark.parametrize("rule, of_creation, of_read", FAULTS,
                         ids=lambda value: "-".join(map(str, value.values()))
                         if isinstance(value, dict) else None)
def test_faults(simulator, rule, of_creation, of_read):
    session = simulator.create_session()["id"]
    with Api(simulator.base_url, request_timeout_usec=1000000) as api:
        ok(api.ask("getSession", session=session))
        simulator.set_faults(rule)
        seen = simulator.requests()[-1]["seq"]
        created = api.ask("createParticipant")
        read = api.ask("getSession", session=session)
        simulator.set_faults()
        # One attempt is one request, whatever becomes of its connection.
        assert [request["method"] for request in simulator.requests(seen)] == ["POST", "GET"]
        assert (created["outcome"], read["outcome"]) == (of_creation, of_read), (created, read)
        for answer in created, read:
            assert answer["retry_after_usec"] == (3000000 if "retry_after" in rule else None)
            assert (answer["message"] == "") == (answer["outcome"] == "ok")
        ok(api.ask("getSession", session=session))


def test_requests_beyond_the_rate(simulator_with):
    simulator = simulator_with("--requests-per-sec=1")
    with Api(simulator.base_url) as api:
        outcomes = {api.ask("getSession", session="none")["outcome"] for _ in range(20)}
        assert outcomes == {"not-found", "throttled"}


def test_api_is_down(simulator, api):
    session = ok(api.ask("createSession"))["id"]
    simulator.down(1500)
    outcomes = set()
    while "not-sent" not in outcomes:
        outcomes.add(api.ask("createSession")["outcome"])
    # One that was connected, and not accepted yet, is reset.
    assert outcomes <= {"ok", "not-sent", "no-answer"}
    while api.ask("getSession", session=session)["outcome"] != "ok":
        pass


def test_restarted_api_gets_each_creation_once(simulator, api):
    """The connections of before are dead, and only the kernel knows."""
    for _ in range(3):
        ok(api.ask("createSession"))
        simulator.restart()
        ok(api.ask("createSession"))
        assert len(simulator.requests(method="POST")) == 1


def test_wrong_credentials(simulator):
    with Api(simulator.base_url, credentials="user:wrong") as api:
        answer = api.ask("createSession")
        assert (answer["outcome"], answer["message"]) == ("unauthorized", "Unauthorized")
    with Api(simulator.base_url, account="1234567") as api:
        assert api.ask("createSession")["outcome"] == "unauthorized"
    with Api(simulator.url + "/v2") as api:
        assert api.ask("createSession")["outcome"] == "forbidden"


def test_colon_in_the_password(simulator_with):
    simulator = simulator_with(credentials="user:a:b:c")
    with Api(simulator.base_url, credentials="user:a:b:c") as api:
        ok(api.ask("createSession"))


@pytest.mark.covers("daemon: proxy")
def test_environment_is_nobodys_proxy(simulator):
    names = [name + "_proxy" for name in ("http", "https", "all")]
    environment = {name: "http://127.0.0.1:1" for name in names + [n.upper() for n in names]}
    with Api(simulator.base_url, environment) as api:
        ok(api.ask("createSession"))
