# SPDX-License-Identifier: LGPL-2.1-or-later
"""What official clients rely on: the head of answers, bodies in all their forms, connections."""

import base64
import json
import re
import socket
import uuid

import pytest

from harness.simulator import Connection, authorization

UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def exchange(simulator, text):
    """What comes back for these bytes, until the other end closes."""
    with socket.create_connection(("127.0.0.1", simulator.port), 10) as connection:
        connection.sendall(text)
        pieces = []
        while piece := connection.recv(65536):
            pieces.append(piece)
        return b"".join(pieces)


def head(simulator, method, below, *more):
    lines = [f"{method} {simulator.path(below)} HTTP/1.1", "Host: x", "Connection: close",
             "Authorization: " + simulator.authorization()["Authorization"], *more, "", ""]
    return "\r\n".join(lines).encode()


def test_success_with_a_body(simulator):
    answer = simulator.call("POST", "/sessions", {"tag": "a"})
    assert answer.status == 200 and answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Date"] and UUID4.fullmatch(answer.headers["x-amzn-RequestId"])
    assert UUID4.fullmatch(answer.json["id"]) and "x-amzn-ErrorType" not in answer.headers


def test_success_without_a_body(simulator):
    session = simulator.create_session()
    answer = simulator.call("DELETE", "/sessions/" + session["id"])
    assert answer.status == 204 and answer.body == b""
    assert "Content-Type" not in answer.headers and "Content-Length" not in answer.headers
    assert UUID4.fullmatch(answer.headers["x-amzn-RequestId"])


def test_error_of_the_api_repeats_the_request_id(simulator):
    answer = simulator.call("GET", f"/sessions/{uuid.uuid4()}")
    assert answer.status == 404 and set(answer.json) == {"error", "requestId"}
    assert answer.json["requestId"] == answer.headers["x-amzn-RequestId"]
    assert answer.headers["x-amzn-ErrorType"] == "NotFoundException"


def test_unknown_route(simulator):
    for method, path in [("GET", "/sessions"), ("GET", "/participants"), ("PATCH", "/sessions/x"),
                         ("PUT", "/sessions"), ("GET", "/sessions/"), ("GET", "/"),
                         ("GET", f"/accounts/{simulator.account}/sessions/x")]:
        with simulator.connect() as connection:
            answer = connection.request(method, simulator.path(path))
        assert answer.status == 403, (method, path)
        assert answer.body == b'{"message":"Missing Authentication Token"}'
        assert answer.headers["x-amzn-ErrorType"] == "MissingAuthenticationTokenException"


@pytest.mark.parametrize("headers", [
    {}, {"Authorization": "Basic"}, {"Authorization": "Bearer x"}, authorization("user:wrong"),
    authorization("User:password"), authorization("user:password2"),
])
def test_no_credentials(simulator, headers):
    with simulator.connect() as connection:
        answer = connection.request("POST", simulator.path("/sessions"), "not JSON", headers)
    assert answer.status == 401 and answer.body == b'{"message":"Unauthorized"}'
    assert answer.headers["x-amzn-ErrorType"] == "UnauthorizedException"
    assert "WWW-Authenticate" not in answer.headers


def test_account_of_somebody_else(simulator):
    with simulator.connect() as connection:
        answer = connection.request("POST", "/v1/accounts/1234567/sessions", {},
                                    simulator.authorization())
    assert answer.status == 401


@pytest.mark.covers("option: convened-simulator --account")
def test_another_account(simulator_with):
    simulator = simulator_with(account="x17")
    assert simulator.create_session()
    with simulator.connect() as connection:
        answer = connection.request("POST", "/v1/accounts/9900000/sessions", {},
                                    simulator.authorization())
    assert answer.status == 401


@pytest.mark.covers("option: convened-simulator --credentials")
def test_password_with_colons(simulator_with):
    simulator = simulator_with(credentials="me:a:b::")
    assert simulator.create_session()
    with simulator.connect() as connection:
        answer = connection.request("POST", simulator.path("/sessions"), {}, authorization("me:a"))
    assert answer.status == 401


@pytest.mark.parametrize("path", ["/sessions", "/participants"])
@pytest.mark.parametrize("more,body", [
    ([], b""),
    (["Content-Length: 0", "Content-Type: application/json"], b""),
    (["Content-Length: 4", "Content-Type: application/json"], b"null"),
    (["Content-Length: 2", "Content-Type: application/json; charset=utf-8"], b"{}"),
    (["Content-Length: 3", "Content-Type: application/json;charset=UTF-8"], b" \r\n"),
    (["Transfer-Encoding: chunked"], b"0\r\n\r\n"),
    (["Transfer-Encoding: chunked"], b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"),
])
def test_no_body_in_all_its_forms(simulator, path, more, body):
    answer = exchange(simulator, head(simulator, "POST", path, *more) + body)
    assert answer.startswith(b"HTTP/1.1 200 ")
    session, participant = simulator.create_session(), simulator.create_participant()
    below = f"/sessions/{session['id']}/participants/{participant['id']}"
    for suffix in ("", "/subscriptions"):
        answer = exchange(simulator, head(simulator, "PUT", below + suffix, *more) + body)
        assert answer.startswith(b"HTTP/1.1 204 ")


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"', b"3", b"{}{}", b"nul", b'{"tag":"\xff"}',
                                  b"{'tag':'a'}", b'{"tag":"a",}', b"{}\0", b"[" * 100])
def test_body_that_is_no_json_object(simulator, body):
    for path in ("/sessions", "/participants"):
        answer = simulator.call("POST", path, body)
        assert answer.status == 400 and set(answer.json) == {"error", "requestId"}, body
    assert simulator.state() == {"sessions": {}, "participants": {}}


def test_body_at_the_limit_and_over_it(simulator):
    limit = 10 * 1024 * 1024
    body = b'{"tag":"x"}'
    assert simulator.call("POST", "/sessions", body + b" " * (limit - len(body))).status == 200
    answer = simulator.call("POST", "/sessions", body + b" " * (limit - len(body) + 1))
    assert answer.status == 413 and answer.json["message"]
    assert answer.headers["x-amzn-ErrorType"] == "RequestTooLargeException"
    assert len(simulator.state()["sessions"]) == 1


def test_percent_encoded_ids(simulator):
    session = simulator.create_session()["id"]
    encoded = "".join(f"%{ord(c):02x}" for c in session)
    assert simulator.call("GET", "/sessions/" + encoded).json["id"] == session
    assert simulator.call("GET", "/sessions/" + encoded.upper()).json["id"] == session
    assert simulator.call("GET", f"/sessions/{session}?x=/y").json["id"] == session
    assert simulator.call("GET", f"/%73essions/{session}").status == 200
    # A slash that is encoded is part of an id, and divides nothing.
    assert simulator.call("GET", f"/sessions/{session}%2Fparticipants").status == 404
    assert simulator.call("GET", "/sessions/%2e%2e").status == 404
    for wrong in ("%", "%4", "%zz", "%00", session + "%00", "x" * 2000, session.upper()):
        assert simulator.call("GET", "/sessions/" + wrong).status == 404, wrong


def test_keep_alive(simulator):
    with simulator.connect() as connection:
        for _ in range(5):
            answer = connection.request("POST", simulator.path("/sessions"), {},
                                        simulator.authorization())
            path = simulator.path("/sessions/" + answer.json["id"])
            assert connection.request("DELETE", path, None, simulator.authorization()).status == 204
            assert connection.request("GET", path, None, simulator.authorization()).status == 404
            assert connection.request("GET", "/nowhere").status == 403
    assert len({request["connection"] for request in simulator.requests()}) == 1


def test_pipelined_requests(simulator):
    request = head(simulator, "GET", "/sessions/x").replace(b"Connection: close\r\n", b"")
    answer = exchange(simulator, request * 3 + head(simulator, "GET", "/sessions/x"))
    assert answer.count(b"HTTP/1.1 404 ") == 4


def test_expect_continue(simulator):
    text = head(simulator, "POST", "/sessions", "Content-Length: 2", "Expect: 100-continue")
    answer = exchange(simulator, text + b"{}")
    assert b"HTTP/1.1 200 " in answer


def test_http_1_0(simulator):
    text = head(simulator, "POST", "/sessions", "Content-Length: 2") + b"{}"
    text = text.replace(b"HTTP/1.1", b"HTTP/1.0")
    assert b" 200 " in exchange(simulator, text).split(b"\r\n")[0]


@pytest.mark.parametrize("text", [b"\r\n\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nbad\r\n\r\n",
                                  b"GET /v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: z\r\n\r\n",
                                  b"\x16\x03\x01\x02\x00\x01", b"GET /" + b"x" * 100000])
def test_what_is_not_http(simulator, text):
    with socket.create_connection(("127.0.0.1", simulator.port), 10) as connection:
        connection.sendall(text)
        assert simulator.create_session()
    assert simulator.create_session()


def test_half_a_request_is_not_in_the_journal(simulator):
    with socket.create_connection(("127.0.0.1", simulator.port), 10) as connection:
        connection.sendall(head(simulator, "POST", "/sessions", "Content-Length: 10") + b"{")
    simulator.create_session()
    assert len(simulator.requests()) == 1


def test_body_in_the_journal_is_cut_and_valid(simulator):
    simulator.call("POST", "/sessions", b'{"x":"\xff' + b"y" * 5000)
    simulator.call("POST", "/sessions", '{"x":"' + "é" * 5000 + '"}')
    first, second = simulator.requests()
    assert first["body"].startswith('{"x":"\ufffdyyy') and len(first["body"]) == 4096
    assert len(second["body"]) <= 4096


@pytest.mark.covers("option: convened-simulator --requests-per-sec")
def test_requests_per_sec(simulator_with):
    simulator = simulator_with("--requests-per-sec=0.001")
    assert simulator.call("GET", "/sessions/x").status == 404
    refused = simulator.call("GET", "/sessions/x")
    assert refused.status == 429 and refused.json == {"message": "Too Many Requests"}
    assert refused.headers["x-amzn-ErrorType"] == "TooManyRequestsException"


@pytest.mark.covers("simulator: tokens")
def test_tokens(simulator):
    token = simulator.create_participant()["token"]
    parts = token.split(".")
    assert len(parts) == 3 and len(token) < 180
    head_part, claims = (json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
                         for part in parts[:2])
    (participant,) = simulator.state()["participants"].values()
    assert head_part["alg"] and claims["a"] == simulator.account
    assert claims["p"] == participant["id"] and claims["v"].lower() == "v3"
    assert abs(claims["exp"] - participant["expires"]) <= 1


def test_connections_are_apart(simulator):
    with Connection(simulator.url) as one, Connection(simulator.url) as two:
        for connection in (one, two, one):
            connection.request("GET", simulator.path("/sessions/x"), None,
                               simulator.authorization())
    numbers = [request["connection"] for request in simulator.requests()]
    assert numbers[0] == numbers[2] != numbers[1]
