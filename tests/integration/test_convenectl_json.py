# SPDX-License-Identifier: LGPL-2.1-or-later
"""convenectl --json against data/convenectl.schema.json, verb by verb."""

import json
import os
import re
import xml.etree.ElementTree

import pytest

from harness.ctl_stage import bus_fixture, ctl_fixture  # noqa: F401
from harness.mock_service import ERROR, MockService
from harness.programs import TREE
from harness.schema import Schema

SCHEMA = Schema(os.path.join(TREE, "data", "convenectl.schema.json"))

# What each verb is tried with. Of the silent ones nothing is printed, whatever --json= says.
RUNS = {
    "status": [[]],
    "list-sessions": [[], ["standup"], ["nobody"]],
    "list-participants": [[], ["--session=1"]],
    "show-session": [["1"], ["1", "2"]],
    "show-participant": [["1"], ["1", "2", "3"]],
    "create-session": [[], ["x"], ["--no-wait"]],
    "create-participant": [["y", "--publish=audio,video", "--session=1", "--subscribe=2:cam"]],
    "adopt-session": [["s-1"]],
    "adopt-participant": [["p-1"]],
    "add": [["2", "4", "--subscribe=session"]],
    "remove": [["1", "2"]],
    "subscribe": [["1", "2:cam:mic"]],
    "token": [["1"]],
    "log-level": [[]],
}
SILENT = {
    "delete-session": ["2"], "delete-participant": ["4"], "refresh-session": ["1"],
    "refresh-participant": ["1"], "sync": [], "log-level": ["debug"],
}


@pytest.fixture(name="service")
def service_fixture(bus):
    """A call of three of which something is to be seen in every property, and more beside it."""
    with MockService(bus) as service:
        session = service.add("session", Tag="standup", ExpiresUSec=1_700_000_000_000_000)
        for tag, mode, publishers in (
                ("alice", "none", []), ("bob", "session", []),
                ("carol", "participants", [("/org/convened1/participant/1", ["cam", "mic"]),
                                           ("/org/convened1/participant/2", [])])):
            service.add("participant", Tag=tag, Session=session, SubscriptionMode=mode,
                        SessionId="s-x", PublishPermissions=["AUDIO", "VIDEO"],
                        Publishers=publishers, CallbackUrl="https://example.com/")
        service.add("session")
        service.add("participant", Lifetime="client")
        service.change(session, InSync=False, Attempts=3, NextAttemptUSec=1,
                       LastError=(ERROR + "Unavailable", "no route"))
        service.elsewhere = {"s-1": ("session", {"Tag": "old"}), "p-1": ("participant", {})}
        yield service
    bus.await_owner("org.convened1", present=False)


def check(schema, value):
    """It is as the schema says, and every key of it is described there."""
    assert not SCHEMA.complaints(schema, value), value
    for one in value if isinstance(value, list) else [value]:
        assert set(one) <= SCHEMA.described(schema), one


@pytest.mark.covers("convenectl: JSON schema")
@pytest.mark.parametrize("mode", ["short", "pretty"])
@pytest.mark.parametrize("verb, words", [(v, w) for v, runs in RUNS.items() for w in runs])
def test_verb(ctl, service, verb, words, mode):
    result = ctl.run(verb, *words, f"--json={mode}")
    assert (result.code, result.err) == (0, ""), result
    assert (len(result.lines) == 1) == (mode == "short" or result.out == "[]\n")
    check(SCHEMA.of(verb), result.json)


@pytest.mark.parametrize("verb, words", SILENT.items())
def test_silent_verb(ctl, service, verb, words):
    result = ctl.run(verb, *words, "--json=pretty")
    assert (result.code, result.out, result.err) == (0, "", ""), result


def test_monitor(ctl, service):
    events = []
    with ctl.start("monitor", "--json=short") as running:
        running.line("stderr")
        path = service.add("participant", Tag="x")
        service.change(path, SubscriptionMode="session")
        service.change_manager(ApiState="offline")
        service.add("session")
        service.remove(path)
        service.stop()
        while not events or events[-1]["Event"] != "stopped":
            events.append(json.loads(running.line()))
            check(SCHEMA.of("monitor"), events[-1])
    assert {event["Event"] for event in events} == {"added", "changed", "removed", "stopped"}


@pytest.mark.covers("convenectl: JSON of an error")
@pytest.mark.parametrize("words, code", [
    (["bogus"], 2), (["show-session", "nobody"], 3), (["show-session", "s0"], 3),
    (["create-session", "--timeout=0"], 4), (["status", "--json=off", "--json=pretty", "x"], 2),
])
def test_errors(ctl, service, words, code):
    service.mode = "defer"
    result = ctl.run("--json=short", *words)
    assert (result.code, result.out) == (code, ""), result
    check(SCHEMA.definition("Error"), json.loads(result.err))


def test_no_service(bus, ctl):
    result = ctl.run("status", "--json=short")
    check(SCHEMA.definition("Error"), json.loads(result.err))


def test_every_verb_is_here(ctl):
    """A verb that comes later is in the schema and in these tests, or it is silent."""
    text = ctl.run("--help").out
    verbs = set(re.findall("^  ([a-z-]+)", text.split("Verbs:")[1].split("\n\n")[0], re.MULTILINE))
    assert len(verbs) > 15
    assert set(RUNS) | {"monitor"} == set(SCHEMA.root["properties"])
    assert verbs == set(RUNS) | set(SILENT) | {"monitor"}


@pytest.mark.covers("convenectl: JSON of an object")
@pytest.mark.parametrize("interface", ["Manager", "Session", "Participant"])
def test_properties_are_those_of_the_interface(interface):
    node = xml.etree.ElementTree.parse(os.path.join(TREE, "dbus", f"org.convened1.{interface}.xml"))
    names = {found.get("name") for found in node.iter("property")}
    assert names == SCHEMA.described(SCHEMA.definition(interface))
    assert names == set(SCHEMA.definition(interface)["required"])


@pytest.mark.parametrize("verb, wrong", [
    ("status", {}), ("list-sessions", {}), ("list-sessions", [{}]), ("token", {"Token": 1}),
    ("token", []), ("show-session", []), ("log-level", {"LogLevel": "loud"}),
    ("monitor", {"Event": "added", "Path": "/org/convened1/session/1"}),
    ("monitor", {"Event": "changed", "Path": "/org/convened1/session/0"}),
    ("monitor", {"Event": "changed", "Path": "/org/convened1/session/1", "InSync": 1}),
])
def test_the_schema_refuses(verb, wrong):
    assert SCHEMA.complaints(SCHEMA.of(verb), wrong)
