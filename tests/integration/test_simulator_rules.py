# SPDX-License-Identifier: LGPL-2.1-or-later
"""The rules of the API, operation by operation, over HTTP; every switch changes what it should."""

import uuid

import pytest

from harness.wait import wait_for


class Call:
    """A session with members, and short words for what is asked about them."""

    def __init__(self, simulator, n_members=2):
        self.simulator = simulator
        self.id = simulator.create_session(tag="call")["id"]
        self.members = [simulator.create_participant(tag=f"desk-{i}")["id"]
                        for i in range(n_members)]
        for member in self.members:
            simulator.add(self.id, member)

    def path(self, participant, suffix=""):
        return f"/sessions/{self.id}/participants/{participant}{suffix}"

    def put(self, participant, body, suffix=""):
        return self.simulator.call("PUT", self.path(participant, suffix), body).status

    def subscribe(self, participant, body):
        return self.put(participant, body, "/subscriptions")

    def heard(self, participant):
        answer = self.simulator.call("GET", self.path(participant, "/subscriptions"))
        assert answer.status == 200, answer
        return answer.json

    def ids(self):
        answer = self.simulator.call("GET", f"/sessions/{self.id}/participants")
        assert answer.status == 200, answer
        return [participant["id"] for participant in answer.json]


def nulls(value):
    """The keys under which null stands, anywhere."""
    if isinstance(value, dict):
        return [key for key, item in value.items() if item is None] + nulls(list(value.values()))
    return [key for item in value for key in nulls(item)] if isinstance(value, list) else []


def test_create_participant(simulator):
    answer = simulator.call("POST", "/participants", {
        "callbackUrl": "https://app.example.net/events", "publishPermissions": ["VIDEO", "AUDIO"],
        "tag": "desk", "deviceApiVersion": "v3", "id": "mine", "sessions": ["x"],
        "subscriptions": {"sessionId": "x"}, "unknown": 1}).json
    participant = answer["participant"]
    assert set(answer) == {"participant", "token"}
    assert participant.pop("id") != "mine"
    assert sorted(participant.pop("publishPermissions")) == ["AUDIO", "VIDEO"]
    assert participant == {"callbackUrl": "https://app.example.net/events", "sessions": [],
                           "subscriptions": {}, "tag": "desk", "deviceApiVersion": "V3"}


def test_create_participant_with_nothing(simulator):
    created = simulator.create_participant()
    created.pop("token")
    assert created == {"id": created["id"], "callbackUrl": None, "publishPermissions": [],
                       "sessions": [], "subscriptions": {}, "deviceApiVersion": "V3"}
    assert simulator.call("GET", "/participants/" + created["id"]).json == created


def test_creations_are_never_the_same(simulator):
    assert len({simulator.create_session(tag="same")["id"] for _ in range(5)}) == 5
    assert len({simulator.create_participant(tag="same")["id"] for _ in range(5)}) == 5


@pytest.mark.parametrize("fields", [
    {"tag": 3}, {"tag": "x" * 51}, {"tag": ["x"]}, {"tag": "a\0b"},
    {"publishPermissions": "AUDIO"}, {"publishPermissions": ["audio"]},
    {"publishPermissions": ["AUDIO", "AUDIO"]}, {"publishPermissions": [None]},
    {"deviceApiVersion": "V2"}, {"deviceApiVersion": 3}, {"deviceApiVersion": "V4"},
    {"callbackUrl": 1},
])
def test_participant_that_is_refused(simulator, fields):
    answer = simulator.call("POST", "/participants", fields)
    assert answer.status == 400 and set(answer.json) == {"error", "requestId"}
    assert simulator.state()["participants"] == {}


def test_tags_are_counted_in_code_points(simulator):
    tag = "\U0001f4de" * 50
    assert simulator.create_session(tag=tag)["tag"] == tag
    assert simulator.call("POST", "/sessions", {"tag": tag + "x"}).status == 400
    assert simulator.create_session(tag="")["tag"] == ""


def test_null_is_a_field_that_is_not_there(simulator):
    assert simulator.create_session(tag=None).keys() == {"id"}
    assert simulator.create_participant(tag=None, callbackUrl=None, publishPermissions=None,
                                        deviceApiVersion=None)["deviceApiVersion"] == "V3"
    call = Call(simulator, 1)
    body = {"sessionId": None, "participants": [{"participantId": "x", "streamAliases": None}]}
    assert call.subscribe(call.members[0], body) == 204


def test_get_and_delete(simulator):
    for kind, created in (("sessions", simulator.create_session(tag="a")),
                          ("participants", simulator.create_participant())):
        path = f"/{kind}/{created['id']}"
        assert simulator.call("GET", path).json["id"] == created["id"]
        assert simulator.call("DELETE", path).status == 204
        assert simulator.call("GET", path).status == 404
        assert simulator.call("DELETE", path).status == 404


def test_a_session_is_no_participant(simulator):
    session, participant = simulator.create_session()["id"], simulator.create_participant()["id"]
    assert simulator.call("GET", "/participants/" + session).status == 404
    assert simulator.call("GET", "/sessions/" + participant).status == 404
    assert simulator.call("PUT", f"/sessions/{participant}/participants/{session}").status == 404


def test_membership(simulator):
    call = Call(simulator, 0)
    assert simulator.call("GET", f"/sessions/{call.id}/participants").body == b"[]"
    a, b = simulator.create_participant()["id"], simulator.create_participant()["id"]
    assert call.put(a, None) == 204 and call.put(b, {}) == 204
    assert sorted(call.ids()) == sorted([a, b])
    assert simulator.call("GET", "/participants/" + a).json["sessions"] == [call.id]
    assert simulator.call("DELETE", call.path(a)).status == 204
    assert simulator.call("DELETE", call.path(a)).status == 404
    assert call.ids() == [b]
    assert simulator.call("GET", "/participants/" + a).json["sessions"] == []


def test_membership_of_what_is_not_there(simulator):
    call, nobody = Call(simulator, 1), str(uuid.uuid4())
    elsewhere = f"/sessions/{nobody}/participants/{call.members[0]}"
    for method in ("PUT", "DELETE"):
        assert simulator.call(method, call.path(nobody)).status == 404
        assert simulator.call(method, elsewhere).status == 404
    for method in ("PUT", "GET"):
        assert simulator.call(method, call.path(nobody, "/subscriptions")).status == 404
        assert simulator.call(method, elsewhere + "/subscriptions").status == 404
    assert simulator.call("GET", f"/sessions/{nobody}/participants").status == 404


@pytest.mark.covers("simulator: rules of membership")
def test_one_session_for_a_participant(simulator):
    first, second = Call(simulator, 1), Call(simulator, 0)
    member = first.members[0]
    assert second.put(member, None) == 409
    assert simulator.call("DELETE", first.path(member)).status == 204
    assert second.put(member, None) == 204


@pytest.mark.covers("simulator: rules of membership")
def test_the_21st_member(simulator):
    call = Call(simulator, 20)
    late = simulator.create_participant()["id"]
    assert call.put(late, None) == 409
    assert call.put(call.members[0], {"sessionId": call.id}) == 204, "it is a member already"
    simulator.call("DELETE", call.path(call.members[1]))
    assert call.put(late, None) == 204


@pytest.mark.covers("simulator: order of refusals")
def test_order_of_refusals(simulator):
    call, nobody = Call(simulator, 1), str(uuid.uuid4())
    other = Call(simulator, 0)
    assert call.put(nobody, b"{") == 400, "syntax before existence"
    assert call.put(nobody, {"sessionId": "other"}) == 400, "types before existence"
    assert other.put(call.members[0], {"participants": 1}) == 400, "types before conflicts"


@pytest.mark.covers("simulator: rules of subscriptions")
@pytest.mark.parametrize("suffix", ["", "/subscriptions"])
def test_subscriptions(simulator, suffix):
    call = Call(simulator)
    a, b = call.members
    everyone = {"sessionId": call.id}
    listed = {"sessionId": call.id, "participants": [
        {"participantId": b, "streamAliases": ["mic", "screen"]}, {"participantId": a}]}
    for body, expect in [
            (everyone, everyone), (listed, listed),
            ({"participants": listed["participants"]}, listed),
            ({}, {}), ({**everyone, "participants": []}, everyone), (None, {}),
            ({**everyone, "participants": None}, everyone), ({"participants": []}, {}),
            ({"participants": [{"participantId": b, "streamAliases": []}]},
             {"sessionId": call.id, "participants": [{"participantId": b}]}),
            ({"participants": [{"participantId": "no such"}]},
             {"sessionId": call.id, "participants": [{"participantId": "no such"}]})]:
        assert call.put(a, body, suffix) == 204
        assert call.heard(a) == expect
        shown = simulator.call("GET", "/participants/" + a).json
        assert shown["subscriptions"] == expect and nulls(shown) == ["callbackUrl"]
    assert call.heard(b) == {}, "nobody else's change"


@pytest.mark.parametrize("body", [
    {"sessionId": "another"}, {"sessionId": 1}, {"participants": {}}, {"participants": "x"},
    {"participants": ["an-id"]}, {"participants": [{}]}, {"participants": [None]},
    {"participants": [{"participantId": 1}]}, {"participants": [{"participantId": ""}]},
    {"participants": [{"participantId": "a"}, {"participantId": "a"}]},
    {"participants": [{"participantId": "a", "streamAliases": "mic"}]},
    {"participants": [{"participantId": "a", "streamAliases": [1]}]},
    {"participants": [{"participantId": "a", "streamAliases": ["mic", "mic"]}]},
])
def test_subscriptions_that_are_refused(simulator, body):
    call = Call(simulator, 1)
    before = {"sessionId": call.id}
    call.subscribe(call.members[0], before)
    assert call.subscribe(call.members[0], body) == 400
    assert call.put(call.members[0], body) == 400
    assert call.heard(call.members[0]) == before


def test_subscriptions_of_one_who_is_no_member(simulator):
    call, stranger = Call(simulator, 0), simulator.create_participant()["id"]
    assert call.subscribe(stranger, {"sessionId": call.id}) == 404
    assert simulator.call("GET", call.path(stranger, "/subscriptions")).status == 404


def remove(call, participant):
    return call.simulator.call("DELETE", call.path(participant))


def delete(call, participant):
    return call.simulator.call("DELETE", "/participants/" + participant)


@pytest.mark.covers("simulator: rules of subscriptions")
@pytest.mark.parametrize("leave", [remove, delete])
def test_who_leaves_is_forgotten_and_nobody_hears_more(simulator, leave):
    call = Call(simulator, 4)
    a, b, c, d = call.members
    call.subscribe(a, {"participants": [{"participantId": b}]})
    call.subscribe(b, {"participants": [{"participantId": a}]})
    call.subscribe(c, {"participants": [{"participantId": b}, {"participantId": a}]})
    call.subscribe(d, {"sessionId": call.id})
    assert leave(call, b).status == 204
    assert call.heard(a) == {}, "never the whole session"
    assert call.heard(c)["participants"] == [{"participantId": a}]
    assert call.heard(d) == {"sessionId": call.id}
    if leave is remove:
        assert simulator.call("GET", "/participants/" + b).json["subscriptions"] == {}
        call.put(b, None)
        assert call.heard(b) == {}


def test_participants_survive_their_session(simulator):
    call = Call(simulator, 2)
    call.subscribe(call.members[0], {"sessionId": call.id})
    assert simulator.call("DELETE", "/sessions/" + call.id).status == 204
    for member in call.members:
        shown = simulator.call("GET", "/participants/" + member).json
        assert shown["sessions"] == [] and shown["subscriptions"] == {}


@pytest.mark.covers("option: convened-simulator --session-lifetime",
                    "option: convened-simulator --participant-lifetime",
                    "simulator: expired objects", "test interface: GET /_simulator/state expires")
def test_lifetimes(simulator_with):
    simulator = simulator_with("--session-lifetime=1", "--participant-lifetime=31")
    call = Call(simulator, 1)
    (session,), (participant,) = (list(things.values()) for things in simulator.state().values())
    assert 29 < participant["expires"] - session["expires"] < 31
    wait_for(lambda: simulator.call("GET", "/sessions/" + call.id).status == 404)
    assert simulator.call("GET", "/participants/" + call.members[0]).json["sessions"] == []
    simulator = simulator_with("--participant-lifetime=1")
    call = Call(simulator, 1)
    wait_for(lambda: call.ids() == [])


@pytest.mark.covers("option: convened-simulator --member-ids")
def test_member_ids(simulator_with):
    simulator = simulator_with("--member-ids")
    assert simulator.create_session()["participant_ids"] == []
    call = Call(simulator, 2)
    shown = simulator.call("GET", "/sessions/" + call.id).json
    assert sorted(shown["participant_ids"]) == sorted(call.members) and "participants" not in shown


@pytest.mark.covers("option: convened-simulator --empty-as-204")
def test_empty_as_204(simulator_with):
    simulator = simulator_with("--empty-as-204")
    call = Call(simulator, 1)
    path = call.path(call.members[0], "/subscriptions")
    answer = simulator.call("GET", path)
    assert answer.status == 204 and answer.body == b""
    call.subscribe(call.members[0], {"sessionId": call.id})
    assert simulator.call("GET", path).status == 200 and len(call.ids()) == 1
    remove(call, call.members[0])
    assert simulator.call("GET", f"/sessions/{call.id}/participants").status == 204


@pytest.mark.covers("option: convened-simulator --any-session-id")
def test_any_session_id(simulator_with):
    call = Call(simulator_with("--any-session-id"), 1)
    assert call.subscribe(call.members[0], {"sessionId": "another"}) == 204
    assert call.heard(call.members[0]) == {"sessionId": call.id}


@pytest.mark.covers("option: convened-simulator --no-callback-echo")
def test_no_callback_echo(simulator_with):
    simulator = simulator_with("--no-callback-echo")
    created = simulator.create_participant(callbackUrl="https://app.example.net/")
    assert created["callbackUrl"] is None
    assert simulator.call("GET", "/participants/" + created["id"]).json["callbackUrl"] is None


@pytest.mark.covers("option: convened-simulator --invent-tags")
def test_invent_tags(simulator_with):
    simulator = simulator_with("--invent-tags")
    invented = simulator.create_participant()
    assert invented["tag"]
    assert simulator.call("GET", "/participants/" + invented["id"]).json["tag"] == invented["tag"]
    assert simulator.create_participant(tag="own")["tag"] == "own"
    assert "tag" not in simulator.create_session()


@pytest.mark.covers("option: convened-simulator --lenient-subscriptions")
def test_lenient_subscriptions(simulator_with):
    simulator = simulator_with("--lenient-subscriptions")
    call, stranger = Call(simulator, 1), simulator.create_participant()["id"]
    assert call.heard(stranger) == {}
    assert call.subscribe(stranger, {"sessionId": call.id}) == 204
    assert call.heard(stranger) == {"sessionId": call.id}
    assert stranger not in call.ids()
    shown = simulator.call("GET", "/participants/" + stranger).json
    assert shown["sessions"] == [] and shown["subscriptions"] == {"sessionId": call.id}
    simulator.call("DELETE", "/sessions/" + call.id)
    assert simulator.call("GET", "/participants/" + stranger).json["subscriptions"] == {}


@pytest.mark.covers("option: convened-simulator --shuffle")
def test_shuffle(simulator_with):
    simulator = simulator_with("--shuffle", "--seed=3")
    call = Call(simulator, 5)
    assert len({tuple(call.ids()) for _ in range(20)}) > 1
    both = simulator.create_participant(publishPermissions=["AUDIO", "VIDEO"])["id"]
    shown = [simulator.call("GET", "/participants/" + both).json["publishPermissions"]
             for _ in range(20)]
    assert ["AUDIO", "VIDEO"] in shown and ["VIDEO", "AUDIO"] in shown


@pytest.mark.covers("option: convened-simulator --generation")
def test_generation_2020(simulator_with):
    simulator = simulator_with("--generation=2020")
    assert simulator.create_session()["participants"] == []
    call = Call(simulator, 2)
    answer = simulator.call("GET", f"/sessions/{call.id}/participants")
    assert answer.status == 403 and answer.json == {"message": "Missing Authentication Token"}
    shown = simulator.call("GET", "/sessions/" + call.id).json
    assert sorted(shown["participants"]) == sorted(call.members)
    assert simulator.create_participant(deviceApiVersion="v2")["deviceApiVersion"] == "V2"
    remove(call, call.members[0])
    shown = simulator.call("GET", "/sessions/" + call.id).json
    assert shown["participants"] == call.members[1:]
