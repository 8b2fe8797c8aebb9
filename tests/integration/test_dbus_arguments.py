# SPDX-License-Identifier: LGPL-2.1-or-later
"""Arguments that are refused: with which error, and without a request to the API."""

import pytest

from harness.bus import BusError
from harness.daemon import MANAGER, PARTICIPANT, PATH, SESSION
from harness.stage import P1, P2, QUIET, S1, Stage

INVALID = "org.freedesktop.DBus.Error.InvalidArgs"


@pytest.fixture(name="stage", scope="module")
def fixture_stage():
    with Stage(QUIET) as stage:
        stage.session()
        stage.participant(Session=S1)
        stage.participant(Session=S1)
        stage.verified()
        yield stage


CREATE_SESSION = (PATH, MANAGER, "CreateSession", "a{sv}", ())
CREATE_PARTICIPANT = (PATH, MANAGER, "CreateParticipant", "a{sv}", ())
ADD = (S1, SESSION, "AddParticipant", "oa{sv}", (P1,))
REMOVE = (S1, SESSION, "RemoveParticipant", "oa{sv}", (P1,))
SUBSCRIBE = (P1, PARTICIPANT, "SetSubscriptions", "sa(oas)a{sv}", ("none", []))
DELETE_SESSION = (S1, SESSION, "Delete", "a{sv}", ())
DELETE_PARTICIPANT = (P1, PARTICIPANT, "Delete", "a{sv}", ())
ALL = {"CreateSession": CREATE_SESSION, "CreateParticipant": CREATE_PARTICIPANT,
       "AddParticipant": ADD, "RemoveParticipant": REMOVE, "SetSubscriptions": SUBSCRIBE,
       "Session.Delete": DELETE_SESSION, "Participant.Delete": DELETE_PARTICIPANT}


def refused(stage, method, options, error=INVALID):
    """The text of the refusal; nothing may have reached the API."""
    before = stage.simulator.requests()
    path, interface, member, signature, body = method
    with pytest.raises(BusError) as caught:
        stage.daemon.call(path, interface, member, signature, (*body, options))
    assert caught.value.name == error, caught.value
    assert stage.simulator.requests() == before
    return caught.value.message


@pytest.mark.covers("argument: unknown key", "argument: key of the wrong type",
                    "error: InvalidArgs", "reply: arguments first")
@pytest.mark.parametrize("method", ALL.values(), ids=ALL)
def test_keys(stage, method):
    assert refused(stage, method, {"Colour": ("s", "red")}).startswith("Colour: ")
    assert refused(stage, method, {"wait": ("b", True)}).startswith("wait: ")
    text = refused(stage, method, {"Wait": ("s", "yes")})
    assert text.startswith("Wait: ") and '"b"' in text and '"s"' in text


@pytest.mark.covers("argument: no AtMostOnce but for creations")
@pytest.mark.parametrize("method", [method for name, method in ALL.items() if "Create" not in name])
def test_at_most_once_is_for_creations(stage, method):
    assert refused(stage, method, {"AtMostOnce": ("b", True)}).startswith("AtMostOnce: ")


@pytest.mark.covers("argument: tag", "argument: control characters",
                    "key: Manager.CreateSession Lifetime",
                    "key: Manager.CreateParticipant Lifetime")
@pytest.mark.parametrize("key, value", [
    ("Tag", ("s", "x" * 51)),
    ("Tag", ("s", "é" * 51)),
    ("Tag", ("s", "two\nlines")),
    ("Tag", ("s", "\x85")),
    ("Tag", ("u", 4)),
    ("Lifetime", ("s", "long")),
    ("AtMostOnce", ("u", 1)),
])
@pytest.mark.parametrize("method", [CREATE_SESSION, CREATE_PARTICIPANT],
                         ids=("session", "participant"))
def test_of_both_creations(stage, method, key, value):
    text = refused(stage, method, {key: value})
    assert text.startswith(key + ": ")
    if key == "Lifetime":
        assert '"persistent"' in text and '"client"' in text


@pytest.mark.covers("argument: callback URL", "key: Manager.CreateParticipant DeviceApiVersion")
@pytest.mark.parametrize("key, value", [
    ("CallbackUrl", ("s", "https://example.net/" + "x" * 2029)),
    ("CallbackUrl", ("s", "ftp://example.net")),
    ("CallbackUrl", ("s", "example.net")),
    ("CallbackUrl", ("s", "")),
    ("CallbackUrl", ("s", "https://")),
    ("CallbackUrl", ("s", "https://example.net/\n")),
    ("PublishPermissions", ("as", ["DATA"])),
    ("PublishPermissions", ("as", ["AUDIO", "AUDIO"])),
    ("PublishPermissions", ("s", "AUDIO")),
    ("DeviceApiVersion", ("s", "V2")),
    ("Session", ("s", S1)),
    ("Session", ("o", S1 + "0")),
])
def test_of_create_participant(stage, key, value):
    if key == "Session" and value[0] == "o":
        assert S1 + "0" in refused(stage, CREATE_PARTICIPANT, {key: value},
                                   "org.convened1.Error.NoSuchSession")
    else:
        assert refused(stage, CREATE_PARTICIPANT, {key: value}).startswith(key + ": ")


@pytest.mark.covers("argument: tag", "argument: callback URL")
@pytest.mark.parametrize("n", [2049, 30 << 20])
def test_length_goes_first(stage, n):
    """Nobody looks at the characters of a text that is too long, however long it is."""
    assert refused(stage, CREATE_SESSION,
                   {"Tag": ("s", "\n" * n)}) == "Tag: has more than 50 characters."
    assert refused(stage, CREATE_PARTICIPANT,
                   {"CallbackUrl": ("s", "\n" * n)}) == "CallbackUrl: has more than 2048 bytes."


def test_session_is_not_for_sessions(stage):
    for key in ("Session", "CallbackUrl", "PublishPermissions", "SubscriptionMode", "Publishers"):
        assert refused(stage, CREATE_SESSION, {key: ("s", "x")}).startswith(key + ": ")


@pytest.mark.covers("argument: no subscriptions without a session")
def test_subscriptions_need_a_session(stage):
    for key, value in (("SubscriptionMode", ("s", "none")), ("Publishers", ("a(oas)", [(P1, [])]))):
        assert refused(stage, CREATE_PARTICIPANT, {key: value}).startswith("Session: ")


SUBSCRIPTIONS = {
    "unknown mode": ("all", [], INVALID),
    "no publisher": ("participants", [], INVALID),
    "publishers beside session": ("session", [(P2, [])], INVALID),
    "publishers beside none": ("none", [(P2, [])], INVALID),
    "a publisher twice": ("participants", [(P2, []), (P2, ["mic"])], INVALID),
    "an alias twice": ("participants", [(P2, ["mic", "mic"])], INVALID),
    "an alias of 129 bytes": ("participants", [(P2, ["x" * 129])], INVALID),
    "an empty alias": ("participants", [(P2, [""])], INVALID),
    "an alias with a control": ("participants", [(P2, ["\t"])], INVALID),
    "33 aliases": ("participants", [(P2, [str(n) for n in range(33)])], INVALID),
    "21 publishers": ("participants", [(f"{PATH}/participant/{n}", []) for n in range(1, 22)],
                      INVALID),
    "an unknown publisher": ("participants", [(P2 + "0", [])],
                             "org.convened1.Error.NoSuchParticipant"),
    "a session as publisher": ("participants", [(S1, [])], "org.convened1.Error.NoSuchParticipant"),
}


@pytest.mark.covers("argument: stream alias", "argument: stream aliases of a publisher",
                    "argument: publishers", "argument: control characters",
                    "argument: nothing twice", "subscription: participants without a publisher",
                    "subscription: publishers beside another mode",
                    "subscription: publishers outside the session")
@pytest.mark.parametrize("case", SUBSCRIPTIONS.values(), ids=SUBSCRIPTIONS)
def test_subscriptions(stage, case):
    mode, publishers, error = case
    texts = [refused(stage, (P1, PARTICIPANT, "SetSubscriptions", "sa(oas)a{sv}",
                             (mode, publishers)), {}, error)]
    keys = {"SubscriptionMode": ("s", mode), "Publishers": ("a(oas)", publishers)}
    texts.append(refused(stage, ADD, keys, error))
    texts.append(refused(stage, CREATE_PARTICIPANT, {"Session": ("o", S1), **keys}, error))
    for text in texts:
        assert text == texts[0]
        if error == INVALID:
            assert text.startswith(("SubscriptionMode: ", "Publishers: "))


def test_publishers_alone_mean_participants(stage):
    assert refused(stage, ADD, {"Publishers": ("a(oas)", [])}).startswith("Publishers: ")


def test_unknown_participant(stage):
    for member in ("AddParticipant", "RemoveParticipant"):
        method = (S1, SESSION, member, "oa{sv}", (P1 + "0",))
        assert P1 + "0" in refused(stage, method, {}, "org.convened1.Error.NoSuchParticipant")
        method = (S1, SESSION, member, "oa{sv}", (S1,))
        assert S1 in refused(stage, method, {}, "org.convened1.Error.NoSuchParticipant")


@pytest.mark.covers("argument: tag", "argument: callback URL", "argument: stream alias",
                    "argument: stream aliases of a publisher",
                    "key: Manager.CreateParticipant DeviceApiVersion",
                    "key: Manager.CreateParticipant Lifetime")
def test_at_the_bounds(stage):
    """What is just within them is taken, and reaches the API as it is."""
    aliases = ["x" * 126 + f"{n:02}" for n in range(32)]
    url = "https://example.net/" + "x" * 2028
    path = stage.participant(Tag="é" * 50, CallbackUrl=url, PublishPermissions=["VIDEO", "AUDIO"],
                             DeviceApiVersion="V3", Lifetime="persistent", AtMostOnce=False,
                             Session=S1, SubscriptionMode="participants",
                             Publishers=[(P1, aliases)])
    there = stage.truth(path)
    assert there["tag"] == "é" * 50 and there["callbackUrl"] == url
    assert sorted(there["publishPermissions"]) == ["AUDIO", "VIDEO"]
    publisher, = there["subscriptions"]["participants"]
    assert sorted(publisher["streamAliases"]) == aliases
    assert stage.get(path)["Publishers"] == [(P1, aliases)]


def test_wrong_signature(stage):
    for body, signature in (((), None), (({}, 1), "a{sv}u"), (("x",), "s")):
        with pytest.raises(BusError) as caught:
            stage.daemon.manager("CreateSession", signature, body)
        assert caught.value.name == INVALID


@pytest.mark.covers("argument: API id")
@pytest.mark.parametrize("member", ["GetSession", "GetParticipant"])
@pytest.mark.parametrize("api_id", ["", "../x", "x" * 65, "a b", "a/b"])
def test_ids(stage, member, api_id):
    with pytest.raises(BusError) as caught:
        stage.daemon.manager(member, "s", (api_id,))
    assert caught.value.name == INVALID


@pytest.mark.covers("argument: nothing twice", "argument: unknown key")
@pytest.mark.parametrize("key, value", [
    ("State", ("s", "online")), ("IdPrefix", ("s", "")), ("IdPrefix", ("s", "a b")),
    ("Owner", ("s", "root")), ("InSync", ("s", "no")), ("Tag", ("s", "x" * 51)),
    ("Fields", ("as", ["Colour"])), ("Fields", ("as", ["Tag", "Tag"])), ("Colour", ("s", "red")),
    ("Wait", ("b", True)),
])
@pytest.mark.parametrize("member", ["ListSessions", "ListParticipants"])
def test_filters(stage, member, key, value):
    with pytest.raises(BusError) as caught:
        stage.daemon.manager(member, "a{sv}tu", ({key: value}, 0, 0))
    assert caught.value.name == INVALID and caught.value.message.startswith(key + ": ")


@pytest.mark.parametrize("fields, text", [
    (["Colour"], 'Fields: "Colour" is no property of a session.'),
    (["Tag", "Id", "Tag"], 'Fields: "Tag" is listed twice.'),
    (["é" * 100], f'Fields: "{"é" * 32}" is no property of a session.'),
    (["é" * 1000], f'Fields: "{"é" * 32}" is no property.'),
    (["Tag"] * 30 + ["x" * 256], f'Fields: "{"x" * 64}" is no property.'),
    (["Tag"] * 200_000, "Fields: lists more than there are properties."),
], ids=["unknown", "twice", "long", "too long", "behind others", "many"])
def test_fields(stage, fields, text):
    """However much it lists, nobody else waits for that."""
    before = stage.daemon.cpu_seconds()
    assert stage.refused("InvalidArgs", stage.list, "Sessions", Fields=fields) == text
    assert stage.daemon.cpu_seconds() - before < 0.3


@pytest.mark.covers("list: largest limit")
@pytest.mark.parametrize("member", ["ListSessions", "ListParticipants"])
def test_limit(stage, member):
    stage.daemon.manager(member, "a{sv}tu", ({}, 0, 1000))
    with pytest.raises(BusError) as caught:
        stage.daemon.manager(member, "a{sv}tu", ({}, 0, 1001))
    assert caught.value.name == INVALID and caught.value.message.startswith("limit: ")


def test_session_filter(stage):
    with pytest.raises(BusError) as caught:
        stage.daemon.manager("ListSessions", "a{sv}tu", ({"Session": ("o", S1)}, 0, 0))
    assert caught.value.name == INVALID and caught.value.message.startswith("Session: ")
    with pytest.raises(BusError) as caught:
        stage.daemon.manager("ListParticipants", "a{sv}tu", ({"Session": ("o", S1 + "0")}, 0, 0))
    assert caught.value.name == "org.convened1.Error.NoSuchSession"
