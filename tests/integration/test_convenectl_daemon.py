# SPDX-License-Identifier: LGPL-2.1-or-later
"""convenectl with the daemon and the simulated API behind it: what it says is what is so."""

import json
import os

import pytest

from harness.ctl import Convenectl
from harness.ctl_stage import DONE, FAILED, NOT_FOUND, NOT_IN_SYNC, UNREACHABLE
from harness.daemon import Daemon
from harness.programs import TREE
from harness.schema import Schema
from harness.wait import wait_for


@pytest.fixture(name="daemon")
def daemon_fixture(bus, simulator):
    with Daemon(bus, base_url=simulator.base_url) as daemon:
        yield daemon


@pytest.fixture(name="ctl")
def ctl_fixture(daemon):
    return Convenectl(daemon.bus)


def done(result):
    assert result.code == DONE, result
    return result


def created(ctl, *words):
    """The facts of an object that these words create."""
    return done(ctl.run(*words, "--json=short")).json


@pytest.mark.covers("verb: add", "verb: remove", "verb: subscribe", "verb: token",
                    "verb: delete-session", "verb: delete-participant",
                    "option: convenectl --publish", "option: convenectl --callback-url")
def test_a_call_from_its_beginning_to_its_end(ctl, simulator):
    session = created(ctl, "create-session", "standup")
    alice = created(ctl, "create-participant", "alice", "--publish=audio,video",
                    "--callback-url=https://example.com/events", "--session=standup")
    bob = created(ctl, "create-participant", "bob", "--session=standup", "--subscribe=session")
    carol = created(ctl, "create-participant", "carol", "--publish=audio")
    facts = done(ctl.run("add", session["Id"], carol["Id"][:20], "--subscribe=alice:cam:mic,2",
                         "--json=short")).json
    assert (facts["Session"], facts["InSync"]) == ("/org/convened1/session/1", True)

    state = simulator.state()
    assert set(state["sessions"][session["Id"]]["participants"]) == {
        alice["Id"], bob["Id"], carol["Id"]}
    there = state["participants"]
    assert there[alice["Id"]]["publishPermissions"] == ["AUDIO", "VIDEO"]
    assert there[alice["Id"]]["callbackUrl"] == "https://example.com/events"
    assert there[bob["Id"]]["subscriptions"]["sessionId"] == session["Id"]
    assert there[carol["Id"]]["subscriptions"]["participants"] == [
        {"participantId": alice["Id"], "streamAliases": ["cam", "mic"]},
        {"participantId": bob["Id"]}]
    assert ctl.run("token", "bob").out == there[bob["Id"]]["token"] + "\n"

    done(ctl.run("subscribe", "bob", "carol"))
    assert simulator.state()["participants"][bob["Id"]]["subscriptions"]["participants"] == [
        {"participantId": carol["Id"]}]
    done(ctl.run("remove", "standup", "carol"))
    rows = ctl.run("list-participants", "--json=short").json
    assert [row["SubscriptionMode"] for row in rows] == ["none", "none", "none"]
    assert simulator.state()["participants"][carol["Id"]]["sessions"] == []

    done(ctl.run("delete-participant", "alice", "bob", "carol"))
    done(ctl.run("delete-session", "standup"))
    assert simulator.state() == {"sessions": {}, "participants": {}}
    assert ctl.run("list-sessions").out == "0 sessions.\n"


@pytest.mark.covers("verb: list-sessions", "verb: list-participants", "verb: show-session",
                    "verb: status")
def test_tables(ctl):
    created(ctl, "create-session", "standup")
    created(ctl, "create-participant", "alice", "--session=1", "--publish=video")
    sessions = ctl.run("list-sessions", "--no-legend").lines[0].split()
    assert sessions[0] == "1" and sessions[2:6] == ["standup", "active", "yes", "1"]
    participants = ctl.run("list-participants", "--no-legend").lines[0].split()
    assert participants[2:8] == ["alice", "active", "yes", "1", "none", "video"]
    shown = ctl.run("show-session", "standup").lines
    assert '  Participants: 1 "alice": publishes video, receives none' in shown
    assert "      Sessions: 1" in ctl.run("status").lines


def test_a_list_of_many_pages(ctl):
    for number in range(3):
        created(ctl, "create-session", f"s{number}", "--no-wait")
    assert [row["Tag"] for row in ctl.run("list-sessions", "--json=pretty").json] == [
        "s0", "s1", "s2"]


def test_refused_by_the_api(ctl, simulator):
    simulator.set_faults({"method": "POST", "kind": "status", "status": 400})
    result = ctl.run("create-session", "no")
    assert result.code == FAILED and result.err.startswith(
        "convenectl: cannot create the session: "), result
    assert ctl.run("list-sessions", "--json=short").json == []


@pytest.mark.parametrize("words, text", [
    (["create-session", "x" * 51], "Tag"),
    (["create-participant", "--callback-url=ftp://x"], "CallbackUrl"),
    (["subscribe", "1", "session"], "in no session"),
    (["remove", "1", "1"], "not in that session"),
])
def test_refused_by_the_daemon(ctl, words, text):
    created(ctl, "create-session")
    created(ctl, "create-participant")
    result = ctl.run(*words)
    assert result.code == FAILED and text in result.err, result


@pytest.mark.covers("verb: refresh-session", "verb: refresh-participant", "verb: sync",
                    "verb: show-participant")
def test_what_is_verified(ctl, simulator):
    """Asked anew, each reads at the API what it is about."""
    session = created(ctl, "create-session", "standup")
    created(ctl, "create-participant", "alice", "--session=standup")
    bob = created(ctl, "create-participant", "bob")

    def synced(name):
        return done(ctl.run("show-participant", name, "--json=short")).json["SyncedUSec"]

    for words, path, name in (
            (["refresh-session", "standup"], f"/sessions/{session['Id']}/participants", "alice"),
            (["refresh-participant", "bob"], "/participants/" + bob["Id"], "bob")):
        before, seen = synced(name), simulator.requests()[-1]["seq"]
        assert done(ctl.run(*words)).out == ""
        assert simulator.requests(seen, method="GET", path=path)
        assert synced(name) > before
    before = synced("bob")
    assert done(ctl.run("sync")).out == ""
    wait_for(lambda: synced("bob") > before)


def test_not_found(ctl):
    for words in (["show-session", "1"], ["delete-participant", "1"], ["refresh-session", "1"],
                  ["add", "1", "1"], ["token", "nobody"], ["create-participant", "--session=9"]):
        result = ctl.run(*words)
        assert result.code == NOT_FOUND, result
        assert "See: convenectl list-" in result.err


@pytest.mark.covers("option: convenectl --no-wait", "option: convenectl --timeout",
                    "exit: convenectl 4")
def test_while_the_api_is_away(ctl, daemon, simulator):
    simulator.stop()
    assert ctl.run("create-session", "late", "--no-wait").code == DONE
    result = ctl.run("create-participant", "later", "--session=late", "--timeout=0.3")
    assert result.code == NOT_IN_SYNC, result
    daemon.await_property("/org/convened1", "ApiState", "offline")
    status = ctl.run("status").out
    assert "offline: unreachable, or failing" in status and 'session 1 "late": pending' in status

    with ctl.start("subscribe", "later", "session") as running:
        daemon.await_property("/org/convened1/participant/1", "SubscriptionMode", "session")
        simulator.start()
        done(running.end())
    facts = ctl.run("show-participant", "later", "--json=short").json
    assert (facts["State"], facts["InSync"]) == ("active", True)
    assert len(simulator.state()["participants"]) == 1


def test_refused_when_the_api_is_back(ctl, daemon, simulator):
    rules = {"rules": [{"method": "POST", "kind": "status", "status": 400}]}
    faults = simulator.folder.write("faults.json", json.dumps(rules))
    simulator.stop()
    with ctl.start("create-session", "doomed") as running:
        daemon.await_property("/org/convened1", "ApiState", "offline")
        simulator.start("--faults=" + faults)
        result = running.end()
    assert result.code == FAILED and "cannot create the session: " in result.err, result
    assert ctl.run("show-session", "1", "--json=short").json["State"] == "failed"
    done(ctl.run("delete-session", "doomed"))


@pytest.mark.covers("option: convenectl --at-most-once")
def test_an_unknown_outcome(ctl, simulator):
    simulator.set_faults({"method": "POST", "kind": "drop"})
    result = ctl.run("create-session", "once", "--at-most-once")
    assert result.code == FAILED and "may or may not exist" in result.err, result
    assert len(simulator.requests(method="POST")) == 1
    status = ctl.run("status").out
    assert "1 suspected" in status and 'session 1 "once": failed' in status
    simulator.set_faults()
    done(ctl.run("delete-session", "once"))


def test_wrong_credentials(bus, simulator):
    with Daemon(bus, base_url=simulator.base_url, credentials="user:wrong"):
        ctl = Convenectl(bus)
        result = ctl.run("create-session")
        assert result.code == FAILED and "CredentialsFile=" in result.err, result
        assert "it refuses the credentials" in ctl.run("status").out


def test_the_daemon_is_killed_while_we_wait(ctl, daemon, simulator):
    simulator.stop()
    with ctl.start("create-session", "kept") as running:
        daemon.await_property("/org/convened1", "SessionCount", 1)
        daemon.await_property("/org/convened1", "ApiState", "offline")
        daemon.kill()
        result = running.end()
    assert result.code == UNREACHABLE, result
    simulator.start()
    daemon.start()
    wait_for(lambda: ctl.run("show-session", "kept", "--json=short").json["InSync"])
    assert len(simulator.state()["sessions"]) == 1


@pytest.mark.covers("verb: monitor")
def test_monitor(ctl, simulator):
    with ctl.start("monitor", "--json=short") as running:
        running.line("stderr")
        session = created(ctl, "create-session", "seen")
        done(ctl.run("delete-session", "seen"))
        events = []
        while not events or events[-1]["Event"] != "removed":
            event = json.loads(running.line())
            if event["Path"] == "/org/convened1/session/1":
                events.append(event)
    assert (events[0]["Event"], events[0]["Tag"]) == ("added", "seen")
    assert any(event.get("Id") == session["Id"] for event in events)
    assert any(event.get("State") == "deleting" for event in events)


def test_json_is_as_the_schema_says(ctl, simulator):
    schema = Schema(os.path.join(TREE, "data", "convenectl.schema.json"))
    created(ctl, "create-session", "standup")
    created(ctl, "create-participant", "alice", "--publish=audio", "--session=standup")
    created(ctl, "create-participant", "bob", "--session=standup", "--subscribe=alice:cam")
    for words in (["status"], ["list-sessions"], ["list-participants"], ["show-session", "1"],
                  ["show-participant", "1", "2"], ["token", "bob"], ["log-level"],
                  ["show-participant", "2", "--redact"]):
        facts = done(ctl.run(*words, "--json=short")).json
        assert not schema.complaints(schema.of(words[0]), facts), facts


@pytest.mark.covers("verb: log-level")
def test_the_log_level(ctl):
    done(ctl.run("log-level", "debug"))
    assert done(ctl.run("log-level")).out == "debug\n"
    done(ctl.run("log-level", "warning"))
    assert done(ctl.run("log-level")).out == "warning\n"


def test_completion(ctl):
    session = created(ctl, "create-session", "standup")
    for stub, whole in (("st", "standup"), ("1", "1"), (session["Id"][:9], session["Id"])):
        assert whole in [line.split("\t")[0] for line in done(
            ctl.run("complete", "--", ctl.flag, "show-session", stub)).lines]


@pytest.mark.covers("verb: adopt-session", "verb: adopt-participant")
def test_adopt(ctl, simulator):
    session = simulator.create_session(tag="old")["id"]
    member = simulator.create_participant(tag="alice")["id"]
    alone = simulator.create_participant()["id"]
    simulator.add(session, member)
    assert done(ctl.run("adopt-session", session)).out == (
        f'Adopted session 1 "old", API id {session}.\n')
    assert done(ctl.run("show-participant", "alice", "--json=short")).json["Id"] == member
    facts = done(ctl.run("adopt-participant", alone, "--json=short")).json
    assert (facts["Number"], facts["Id"], facts["Session"]) == (2, alone, "/")
    result = ctl.run("token", "alice")
    assert result.code == FAILED and "what was adopted has none" in result.err, result
    result = ctl.run("adopt-session", "nobody")
    assert result.code == NOT_FOUND, result
    assert "cannot adopt session nobody: There is no session with that id" in result.err
    result = ctl.run("adopt-participant", "no/id")
    assert result.code == FAILED and "1 to 64 letters" in result.err, result


@pytest.mark.covers("verb: refresh-session")
def test_somebody_else_deletes_it(ctl, simulator):
    session = created(ctl, "create-session", "stolen")
    simulator.call("DELETE", f"/sessions/{session['Id']}")
    result = ctl.run("refresh-session", "stolen")
    assert result.code == NOT_FOUND and "not at the API any more" in result.err, result
    assert ctl.run("show-session", "stolen").code == NOT_FOUND


def test_the_system_bus(bus, simulator):
    with Daemon(bus, base_url=simulator.base_url, kind="system"):
        ctl = Convenectl(bus, "system")
        assert created(ctl, "create-session", "x")["State"] == "active"
        assert "on the system bus" in ctl.run("status").out
