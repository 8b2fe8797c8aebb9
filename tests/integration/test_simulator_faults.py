# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every kind of fault, as it looks from the other end of the wire."""

import http.client
import json
import os
import socket
import struct
import time

import pytest

from harness.wait import wait_for

POST = {"method": "POST", "path": "/sessions"}


def raw_post(simulator, body=b"{}", path="/sessions", method="POST", timeout=10):
    """A connection on which a request was sent, byte for byte."""
    connection = socket.create_connection(("127.0.0.1", simulator.port), timeout)
    head = (f"{method} {simulator.path(path)} HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: {simulator.authorization()['Authorization']}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n")
    connection.sendall(head.encode() + body)
    return connection


def read_all(connection):
    """All until the other end closes; ConnectionResetError where it resets."""
    pieces = []
    while True:
        piece = connection.recv(65536)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)


def only_request(simulator):
    (request,) = simulator.requests()
    return request["status"], request["fault"], request["effect"]


def n_sessions(simulator):
    return len(simulator.state()["sessions"])


@pytest.mark.covers("fault kind: status", "fault rule: status status", "fault rule: method",
                    "fault rule: path")
@pytest.mark.parametrize("status", [401, 403, 429, 500, 502, 503, 504])
def test_status(simulator, status):
    simulator.set_faults({**POST, "kind": "status", "status": status})
    answer = simulator.call("POST", "/sessions", {})
    assert answer.status == status
    assert answer.headers["x-amzn-RequestId"]
    assert ("error" if status == 500 else "message") in answer.json
    assert n_sessions(simulator) == 0
    assert only_request(simulator) == (status, "status", False)


@pytest.mark.covers("fault rule: status retry_after", "fault rule: status headers",
                    "fault rule: status body", "fault rule: effect")
def test_status_with_everything(simulator):
    simulator.set_faults({**POST, "kind": "status", "status": 503, "effect": True,
                          "retry_after": 7, "body": "<p>away",
                          "headers": {"X-More": "yes", "Content-Type": "text/html"}})
    answer = simulator.call("POST", "/sessions", {})
    assert answer.status == 503 and answer.body == b"<p>away"
    assert answer.headers["Retry-After"] == "7" and answer.headers["X-More"] == "yes"
    assert answer.headers.get_all("Content-Type") == ["text/html"]
    assert n_sessions(simulator) == 1
    assert only_request(simulator) == (503, "status", True)


def test_status_with_a_json_body_and_a_date(simulator):
    simulator.set_faults({"kind": "status", "status": 404, "body": {"code": 1},
                          "retry_after": "Fri, 31 Dec 1999 23:59:59 GMT"})
    answer = simulator.call("GET", "/sessions/x")
    assert answer.json == {"code": 1}
    assert answer.headers["Retry-After"] == "Fri, 31 Dec 1999 23:59:59 GMT"


def test_status_of_success_alone(simulator):
    simulator.set_faults({"kind": "status", "status": 204})
    answer = simulator.call("POST", "/sessions", {})
    assert answer.status == 204 and answer.body == b"" and "Content-Type" not in answer.headers


@pytest.mark.covers("fault kind: refuse", "fault kind: drop", "fault rule: effect",
                    "test interface: GET /_simulator/requests fault",
                    "test interface: GET /_simulator/requests effect",
                    "test interface: GET /_simulator/requests status")
@pytest.mark.parametrize("effect", [None, True, False])
@pytest.mark.parametrize("kind,usual", [("refuse", False), ("drop", True)])
def test_closed_without_an_answer(simulator, kind, usual, effect):
    rule = {**POST, "kind": kind}
    if effect is not None:
        rule["effect"] = effect
    carried_out = usual if effect is None else effect
    simulator.set_faults(rule)
    with raw_post(simulator) as connection:
        assert read_all(connection) == b""
    assert n_sessions(simulator) == (1 if carried_out else 0)
    assert only_request(simulator) == (0, kind, carried_out)


@pytest.mark.covers("fault kind: reset")
@pytest.mark.parametrize("effect", [False, True])
def test_reset(simulator, effect):
    simulator.set_faults({**POST, "kind": "reset", "effect": effect})
    with raw_post(simulator) as connection:
        with pytest.raises(ConnectionResetError):
            read_all(connection)
    assert n_sessions(simulator) == (1 if effect else 0)
    assert only_request(simulator) == (0, "reset", effect)


@pytest.mark.covers("fault kind: hang", "fault rule: path")
def test_hang_holds_up_nobody(simulator):
    simulator.set_faults({"path": "/sessions/hung", "kind": "hang"})
    with raw_post(simulator, path="/sessions/hung", method="GET") as hung:
        wait_for(lambda: simulator.requests(fault="hang"))
        simulator.create_session()
        hung.settimeout(0.05)
        with pytest.raises(TimeoutError):
            hung.recv(1)
    assert simulator.requests(fault="hang")[0]["status"] == 0


def test_hang_does_not_hold_up_the_end(simulator):
    simulator.set_faults({"kind": "hang"})
    with raw_post(simulator) as hung:
        wait_for(simulator.requests)
        begin = time.monotonic()
        simulator.stop()
        assert time.monotonic() - begin < 5
        assert read_all(hung) == b""


def test_hang_costs_nothing_once_the_client_has_gone(simulator):
    simulator.set_faults({"kind": "hang"})

    def n_open():
        return len(os.listdir(f"/proc/{simulator.process.pid}/fd"))

    hung = [raw_post(simulator) for _ in range(30)]
    wait_for(lambda: len(simulator.requests()) == 30)
    assert n_open() >= 30
    for connection in hung:
        connection.close()
    wait_for(lambda: n_open() < 20)


@pytest.mark.covers("fault kind: redirect", "fault rule: redirect status",
                    "fault rule: redirect location")
def test_redirect(simulator):
    simulator.set_faults({**POST, "kind": "redirect", "location": "http://127.0.0.1:9/elsewhere"})
    answer = simulator.call("POST", "/sessions", {})
    assert answer.status == 302 and answer.headers["Location"] == "http://127.0.0.1:9/elsewhere"
    assert n_sessions(simulator) == 0
    simulator.set_faults({"kind": "redirect", "location": "/x", "status": 307})
    assert simulator.call("POST", "/sessions", {}).status == 307


@pytest.mark.covers("fault kind: truncate")
def test_truncate(simulator):
    simulator.set_faults({"kind": "truncate"})
    with simulator.connect() as connection:
        connection.send("POST", simulator.path("/sessions"), {"tag": "half"},
                        simulator.authorization())
        with pytest.raises(http.client.IncompleteRead) as caught:
            connection.receive()
    assert caught.value.partial.startswith(b'{"id":"') and caught.value.expected > 0
    assert n_sessions(simulator) == 1
    assert only_request(simulator) == (200, "truncate", True)


def test_truncate_of_an_answer_without_a_body(simulator):
    session = simulator.create_session()
    simulator.set_faults({"kind": "truncate"})
    with raw_post(simulator, b"", f"/sessions/{session['id']}", "DELETE") as connection:
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 204 ") and b"\r\n\r\n" not in answer
    assert n_sessions(simulator) == 0


@pytest.mark.covers("fault kind: garbage")
def test_garbage(simulator):
    simulator.set_faults({**POST, "kind": "garbage"})
    answer = simulator.call("POST", "/sessions", {})
    assert answer.status == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json
    assert n_sessions(simulator) == 1


@pytest.mark.covers("fault kind: slow", "fault rule: slow bytes_per_s")
def test_slow(simulator):
    simulator.set_faults({**POST, "kind": "slow", "bytes_per_s": 200})
    begin = time.monotonic()
    answer = simulator.call("POST", "/sessions", {"tag": "x" * 40})
    assert answer.json["tag"] == "x" * 40
    assert time.monotonic() - begin > 0.3


def test_slow_holds_up_nobody(simulator):
    simulator.set_faults({**POST, "kind": "slow", "bytes_per_s": 1})
    with raw_post(simulator) as slow:
        wait_for(simulator.requests)
        assert simulator.call("GET", "/sessions/x").status == 404
        assert not slow.recv(65536).endswith(b"}"), "it has not come to its end"


def test_slow_without_a_body(simulator):
    session = simulator.create_session()
    simulator.set_faults({"kind": "slow", "bytes_per_s": 1000})
    begin = time.monotonic()
    assert simulator.call("DELETE", "/sessions/" + session["id"]).status == 204
    assert time.monotonic() - begin > 0.15


def test_slow_does_not_hold_up_the_end(simulator):
    simulator.set_faults({"kind": "slow", "bytes_per_s": 1})
    with raw_post(simulator) as slow:
        assert slow.recv(1) == b"H"
        simulator.stop()


@pytest.mark.covers("fault kind: huge", "fault rule: huge bytes")
@pytest.mark.parametrize("n", [10, 5_000_000])
def test_huge(simulator, n):
    simulator.set_faults({**POST, "kind": "huge", "bytes": n})
    answer = simulator.call("POST", "/sessions", {"tag": "big"})
    assert answer.status == 200 and answer.json["tag"] == "big"
    assert len(answer.body) == max(n, len(answer.body.strip()))


def test_huge_where_nothing_is_answered(simulator):
    session = simulator.create_session()
    simulator.set_faults({"kind": "huge", "bytes": 1000})
    answer = simulator.call("DELETE", "/sessions/" + session["id"])
    assert answer.status == 200 and len(answer.body) == 1000 and answer.json == {}


@pytest.mark.covers("fault kind: latency", "fault rule: latency ms")
def test_latency(simulator):
    simulator.set_faults({**POST, "kind": "latency", "ms": 200})
    begin = time.monotonic()
    assert simulator.call("POST", "/sessions", {}).status == 200
    assert time.monotonic() - begin >= 0.2
    assert only_request(simulator) == (200, "latency", True)


def test_latency_holds_up_nobody(simulator):
    simulator.set_faults({**POST, "kind": "latency", "ms": 600000})
    with raw_post(simulator):
        (request,) = wait_for(simulator.requests)
        assert request["status"] == 0 and request["effect"], "carried out when it came"
        assert simulator.call("GET", "/sessions/x").status == 404


def test_latency_of_many_at_once(simulator):
    simulator.set_faults({"kind": "latency", "ms": 300})
    begin = time.monotonic()
    connections = [raw_post(simulator) for _ in range(50)]
    for connection in connections:
        assert connection.recv(12) == b"HTTP/1.1 200"
        connection.close()
    assert time.monotonic() - begin < 0.3 * 50, "one after the other"


@pytest.mark.covers("fault kind: chunked")
def test_chunked(simulator):
    simulator.set_faults({**POST, "kind": "chunked"})
    answer = simulator.call("POST", "/sessions", {"tag": "pieces"})
    assert answer.headers["Transfer-Encoding"] == "chunked" and answer.json["tag"] == "pieces"


@pytest.mark.covers("fault kind: close")
def test_close_in_the_manner_of_http_1_0(simulator):
    simulator.set_faults({**POST, "kind": "close"})
    with raw_post(simulator) as connection:
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.0 200 ") and b"Content-Length" not in answer
    assert json.loads(answer.split(b"\r\n\r\n", 1)[1])["id"]


@pytest.mark.covers("fault rule: after", "fault rule: count")
def test_after_and_count(simulator):
    simulator.set_faults({**POST, "kind": "status", "status": 500, "after": 2, "count": 2})
    statuses = [simulator.call("POST", "/sessions", {}).status for _ in range(6)]
    assert statuses == [200, 200, 500, 500, 200, 200]


@pytest.mark.covers("fault rule: method", "fault rule: path",
                    "test interface: PUT /_simulator/faults", "simulator: first match")
def test_first_match_wins_and_a_spent_rule_lets_the_next_look(simulator):
    simulator.set_faults({"method": "*", "path": "/sessions*", "kind": "status", "status": 502,
                          "count": 1},
                         {"method": "GET", "kind": "status", "status": 503})
    path = "/sessions/a/participants/b"
    assert [simulator.call("GET", path).status for _ in range(2)] == [502, 503]
    assert simulator.call("DELETE", path).status == 404


@pytest.mark.covers("fault rule: probability", "option: convened-simulator --seed")
def test_probability_follows_the_seed(simulator_with):
    def run():
        simulator = simulator_with("--seed=7")
        simulator.set_faults({"kind": "status", "status": 500, "probability": 0.5})
        return [simulator.call("GET", "/sessions/x").status for _ in range(40)]

    first = run()
    assert first == run()
    assert 5 < first.count(500) < 35


@pytest.mark.covers("option: convened-simulator --faults")
def test_faults_from_a_file(simulator_with, tmp_path):
    rules = tmp_path / "faults.json"
    rules.write_text('{"rules":[{"kind":"status","status":504}]}')
    simulator = simulator_with(f"--faults={rules}")
    assert simulator.call("GET", "/sessions/x").status == 504


@pytest.mark.covers("test interface: PUT /_simulator/faults", "simulator: wrong rules")
@pytest.mark.parametrize("text", [
    "", "null", "[]", "{", '{"rules":{}}', '{"rules":[3]}', '{"rules":[{}]}',
    '{"rules":[{"kind":"flood"}]}', '{"rules":[{"kind":"status"}]}',
    '{"rules":[{"kind":"status","status":42}]}', '{"rules":[{"kind":"slow"}]}',
    '{"rules":[{"kind":"drop","path":"sessions"}]}', '{"rules":[{"kind":"drop","pathh":"/"}]}',
    '{"rules":[{"kind":"drop","after":-1}]}', '{"rules":[{"kind":"drop","probability":2}]}',
    '{"rules":[{"kind":"drop","effect":"no"}]}', '{"rules":[{"kind":"redirect"}]}',
    '{"rules":[{"kind":"status","status":500,"headers":{"A":1}}]}',
    '{"rules":[{"kind":"status","status":500,"headers":{"A b":"c"}}]}',
    '{"rules":[{"kind":"status","status":500,"headers":{"A":"b\\r\\nC: d"}}]}',
    '{"rules":[{"kind":"status","status":500,"headers":{"A":""}}]}',
    '{"rules":[{"kind":"status","status":429,"retry_after":"1\\n"}]}',
    '{"rules":[{"kind":"redirect","location":"/\\r\\n"}]}',
    '{"rules":[{"kind":"latency"}]}', '{"rules":[],"count":1}',
])
def test_wrong_rules_change_nothing(simulator, text):
    simulator.set_faults({"kind": "status", "status": 502})
    with simulator.connect() as connection:
        answer = connection.request("PUT", "/_simulator/faults", text)
    assert answer.status == 400 and answer.json["error"]
    assert simulator.call("GET", "/sessions/x").status == 502


def test_rules_replaced_while_an_answer_is_on_its_way(simulator):
    simulator.set_faults({"kind": "slow", "bytes_per_s": 300})
    with raw_post(simulator) as slow:
        wait_for(simulator.requests)
        simulator.set_faults()
        response = http.client.HTTPResponse(slow)
        response.begin()
        assert json.loads(response.read())["id"]


def test_client_that_resets_while_it_waits(simulator):
    simulator.set_faults({"kind": "latency", "ms": 100})
    late = raw_post(simulator)
    wait_for(simulator.requests)
    late.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    late.close()
    assert simulator.call("POST", "/sessions", {}).status == 200


def test_down_ends_what_waits(simulator):
    simulator.set_faults({"path": "/sessions", "kind": "hang"},
                         {"path": "/participants", "kind": "latency", "ms": 60000})
    with raw_post(simulator) as hung, raw_post(simulator, path="/participants") as late:
        wait_for(lambda: len(simulator.requests()) == 2)
        simulator.down(50)
        assert read_all(hung) == b"" and read_all(late) == b""

    def answers():
        try:
            return simulator.requests()
        except ConnectionError:
            return None

    assert [request["status"] for request in wait_for(answers)] == [0, 0]
