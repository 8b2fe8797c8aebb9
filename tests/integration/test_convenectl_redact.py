# SPDX-License-Identifier: LGPL-2.1-or-later
"""convenectl --redact: what can be shown to strangers, and still makes sense."""

import json
import os
import re

import pytest

from harness.ctl_stage import DONE, NOT_FOUND, USAGE, bus_fixture, ctl_fixture  # noqa: F401
from harness.mock_service import ERROR, MockService
from harness.programs import TREE
from harness.schema import Schema

SCHEMA = Schema(os.path.join(TREE, "data", "convenectl.schema.json"))

SECRETS = ["kickoff", "alice", "bob", "s00010000", "p00010000", "p00020000", "9900000", "hook.corp",
           "x-elsewhere", "desk-cam"]


@pytest.fixture(name="service")
def service_fixture(bus):
    """A session of two, with their names in every property that can have them."""
    with MockService(bus) as service:
        session = service.add("session", Tag="kickoff")
        for tag in ("alice", "bob"):
            service.add("participant", Tag=tag, Session=session, SessionId="x-elsewhere",
                        CallbackUrl="https://hook.corp/" + tag, SubscriptionMode="participants",
                        Publishers=[("/org/convened1/participant/1", ["desk-cam"])])
        service.add("participant", SessionId="x-elsewhere")
        service.change("/org/convened1/participant/1", InSync=False, LastError=(
            ERROR + "Rejected", "alice is no good for s00010000-aaaa-bbbb-cccc-000000000001"))
        yield service
    bus.await_owner("org.convened1", present=False)


def clean(text):
    """The text, in which there is nothing that has to go."""
    assert not [secret for secret in SECRETS if secret in text], text
    return text


LOOKS = [["status"], ["list-sessions"], ["list-participants"], ["list-sessions", "kickoff"],
         ["list-participants", "--session=kickoff"], ["show-session", "1"],
         ["show-session", "s0001"], ["show-session", "s00010000-aaaa-bbbb-cccc-000000000001"],
         ["show-participant", "alice", "2", "3"]]


@pytest.mark.covers("option: convenectl --redact", "convenectl: redacted")
@pytest.mark.parametrize("words", LOOKS)
def test_nothing_is_left(ctl, service, words):
    for mode in ("off", "short", "pretty"):
        result = ctl.run(*words, "--redact", f"--json={mode}")
        assert (result.code, result.err) == (DONE, ""), result
        clean(result.out)
        if mode != "off":
            assert not SCHEMA.complaints(SCHEMA.of(words[0]), result.json)
        assert result.out != ctl.run(*words, f"--json={mode}").out or words[0] == "status"


def test_the_owner_is_a_number(ctl, service):
    assert f"         Owner: {os.getuid()}" in ctl.run("show-session", "1", "--redact").lines
    assert f"  {os.getuid()}  " in ctl.run("list-sessions", "--redact").lines[1]


@pytest.mark.covers("convenectl: redacted")
def test_stand_ins_fit_together(ctl, service):
    session = ctl.run("show-session", "1", "--redact", "--json=short").json
    one, two, three = ctl.run("list-participants", "--redact", "--json=short").json
    assert re.fullmatch("tag-[0-9a-f]{10}", session["Tag"])
    assert re.fullmatch("id-[0-9a-f]{10}", session["Id"])
    assert len({session["Tag"], one["Tag"], two["Tag"], session["Id"], one["Id"]}) == 5
    assert one["SessionId"] == two["SessionId"] == three["SessionId"]
    assert one["LastError"] == [ERROR + "Rejected", f"{one['Tag']} is no good for {session['Id']}"]
    assert three["Tag"] == "" and three["CallbackUrl"] == ""
    # What is no name is as it was.
    assert (one["Number"], one["Session"]) == (1, "/org/convened1/session/1")
    assert one["Publishers"][0][0] == "/org/convened1/participant/1"


@pytest.mark.skipif(not os.path.exists("/etc/machine-id"), reason="a machine without an id")
def test_stand_ins_are_stable(ctl, service):
    words = ["show-participant", "2", "--redact", "--json=short"]
    assert ctl.run(*words).json["Tag"] == ctl.run(*words).json["Tag"]


def test_failures(ctl, service):
    for words in (["show-session", "kickoff2-corp"], ["show-participant", "kickoff"],
                  ["list-participants", "--session=bob"]):
        result = ctl.run(*words, "--redact")
        assert result.code == NOT_FOUND and "tag-" in clean(result.err), result
        assert words[-1].split("=")[-1] not in result.err
    service.add("session", Tag="kickoff")
    result = ctl.run("show-session", "kickoff", "--redact")
    assert result.code == NOT_FOUND and result.err.count("tag-") == 3, result
    clean(result.err)


def test_monitor(ctl, service):
    with ctl.start("monitor", "--redact") as people, \
            ctl.start("monitor", "--redact", "--json=short") as programs:
        people.line("stderr")
        programs.line("stderr")
        service.add("session", Tag="kickoff again")
        service.change("/org/convened1/participant/2", InSync=False)
        assert re.search("session 2 \"tag-[0-9a-f]{10}\" added", clean(people.line()))
        assert "API id id-" in clean(people.line())
        assert re.search("participant 2 \"tag-[0-9a-f]{10}\": not in sync", clean(people.line()))
        added = json.loads(clean(programs.line()))
        assert added["Tag"].startswith("tag-")


def test_other_verbs_have_nothing_to_hide(ctl, service):
    for words in (["token", "1"], ["create-session"], ["sync"]):
        result = ctl.run(*words, "--redact")
        assert result.code == USAGE and "--redact" in result.err, result


def test_completion_offers_the_names(ctl, service):
    result = ctl.run("complete", "--", ctl.flag, "--redact", "show-session", "k")
    assert result.out.startswith("kickoff\t")
