# SPDX-License-Identifier: LGPL-2.1-or-later
"""The simulator's own test interface, and how it starts and stops."""

import pytest

from harness.wait import wait_for


@pytest.mark.covers("test interface: GET /_simulator/state",
                    "test interface: GET /_simulator/state participants",
                    "test interface: GET /_simulator/state token")
def test_state_is_the_truth(simulator):
    session = simulator.create_session(tag="call")
    participant = simulator.create_participant(publishPermissions=["AUDIO"], tag="desk")
    simulator.add(session["id"], participant["id"], {"sessionId": session["id"]})

    state = simulator.state()
    shown = state["sessions"][session["id"]]
    assert shown["tag"] == "call" and shown["participants"] == [participant["id"]]
    shown = state["participants"][participant["id"]]
    assert shown["token"] == participant["token"]
    assert shown["sessions"] == [session["id"]]
    assert shown["subscriptions"] == {"sessionId": session["id"]}


@pytest.mark.covers("test interface: GET /_simulator/requests", "simulator: requests are kept",
                    "test interface: GET /_simulator/requests seq",
                    "test interface: GET /_simulator/requests time",
                    "test interface: GET /_simulator/requests connection",
                    "test interface: GET /_simulator/requests method",
                    "test interface: GET /_simulator/requests path",
                    "test interface: GET /_simulator/requests user_agent",
                    "test interface: GET /_simulator/requests body",
                    "test interface: GET /_simulator/requests status",
                    "test interface: GET /_simulator/requests effect")
def test_requests_are_kept_in_order(simulator):
    simulator.create_session(tag="one")
    simulator.call("GET", "/sessions/nothing", headers={"User-Agent": "tester/1"})

    first, second = simulator.requests()
    assert (first["seq"], first["method"], first["path"]) == (1, "POST", "/sessions")
    assert first["body"] == '{"tag": "one"}' and first["status"] == 200 and first["effect"]
    assert second["path"] == "/sessions/nothing" and second["status"] == 404
    assert second["user_agent"] == "tester/1" and not second["effect"]
    assert second["connection"] > first["connection"] and second["time"] > first["time"]
    assert simulator.requests(after=1) == [second]
    assert simulator.requests(after=2) == []


@pytest.mark.covers("test interface: PUT /_simulator/down")
def test_down_refuses_and_comes_back(simulator):
    with simulator.connect() as kept:
        kept.request("GET", simulator.path("/sessions/x"), headers=simulator.authorization())
        simulator.down(300)
        with pytest.raises((ConnectionError, OSError)):
            kept.request("GET", simulator.path("/sessions/x"), headers=simulator.authorization())
            kept.request("GET", simulator.path("/sessions/x"), headers=simulator.authorization())

    def answers():
        try:
            return simulator.create_session()
        except ConnectionError:
            return None

    wait_for(answers)
    assert len(simulator.state()["sessions"]) == 1


@pytest.mark.covers("test interface: POST /_simulator/expire", "simulator: expired objects")
def test_expire_now(simulator):
    session, participant = simulator.create_session(), simulator.create_participant()
    simulator.add(session["id"], participant["id"])
    simulator.expire(session["id"])
    assert simulator.call("GET", "/sessions/" + session["id"]).status == 404
    assert simulator.state()["participants"][participant["id"]]["sessions"] == []
    simulator.expire(participant["id"])
    assert simulator.state() == {"sessions": {}, "participants": {}}


@pytest.mark.covers("simulator: first line")
def test_stop_prints_nothing_more(simulator):
    assert simulator.stop() == ""


def test_restart_on_the_same_port(simulator):
    port = simulator.port
    simulator.create_session()
    simulator.restart()
    assert simulator.port == port and simulator.state()["sessions"] == {}


@pytest.mark.parametrize("allowed, path", [
    ("GET", "state"), ("GET", "requests?after=1"), ("PUT", "faults"), ("PUT", "down"),
    ("POST", "expire/1"),
])
def test_other_methods(simulator, allowed, path):
    for method in {"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD"} - {allowed}:
        with simulator.connect() as connection:
            answer = connection.request(method, "/_simulator/" + path)
        assert answer.status == 405 and answer.headers["Allow"] == allowed
    with simulator.connect() as connection:
        answer = connection.request("GET", "/_simulator/nothing")
    assert answer.status == 404 and "Allow" not in answer.headers
