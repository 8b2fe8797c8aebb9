# SPDX-License-Identifier: LGPL-2.1-or-later
"""What convenectl changes, and how it waits, against a stand-in of the service."""

import json
import os

import pytest

from harness.ctl import read_terminal
from harness.ctl_stage import (  # noqa: F401
    DONE, FAILED, NOT_FOUND, NOT_IN_SYNC, UNREACHABLE, bus_fixture, call_fixture, ctl_fixture,
    service_fixture, error_of)
from harness.mock_service import ERROR


@pytest.mark.covers("verb: create-session")
def test_create_session(ctl, service):
    result = ctl.run("create-session", "standup")
    assert result.code == DONE, result
    assert result.out == \
        'Created session 1 "standup", API id s00010000-aaaa-bbbb-cccc-000000000001.\n'
    assert service.calls[-1] == ("CreateSession", ({"Tag": ("s", "standup")},))
    assert ctl.run("create-session", "--json=short").json["Number"] == 2


@pytest.mark.covers("verb: create-participant", "option: convenectl --publish",
                    "option: convenectl --session", "option: convenectl --subscribe",
                    "option: convenectl --callback-url", "option: convenectl --at-most-once",
                    "option: convenectl --lifetime")
def test_create_participant(ctl, service, call):
    result = ctl.run("create-participant", "dave", "--publish=audio,video", "--session=standup",
                     "--subscribe=alice:cam:mic,bob", "--callback-url=https://example.com/x",
                     "--at-most-once", "--lifetime=persistent", "--json=short")
    assert result.code == DONE, result
    assert result.json["State"] == "active"
    assert service.await_call("CreateParticipant") == ({
        "Tag": ("s", "dave"), "Lifetime": ("s", "persistent"), "AtMostOnce": ("b", True),
        "CallbackUrl": ("s", "https://example.com/x"),
        "PublishPermissions": ("as", ["AUDIO", "VIDEO"]),
        "Session": ("o", "/org/convened1/session/1"), "SubscriptionMode": ("s", "participants"),
        "Publishers": ("a(oas)", [("/org/convened1/participant/1", ["cam", "mic"]),
                                  ("/org/convened1/participant/2", [])])},)


@pytest.mark.covers("convenectl: changes wait")
def test_create_waits_until_it_is_in_sync(ctl, service):
    service.mode = "defer"
    with ctl.start("create-session", "late") as running:
        service.await_call("CreateSession")
        assert running.process.poll() is None
        service.confirm("/org/convened1/session/1")
        assert running.end().code == DONE


@pytest.mark.covers("exit: convenectl 1", "convenectl: JSON of an error")
def test_create_refused(ctl, service):
    service.mode = "refuse"
    result = ctl.run("create-session")
    assert (result.code, result.out) == (FAILED, "")
    assert result.err == "convenectl: cannot create the session: the API said no\n"
    assert error_of(ctl.run("create-session", "--json=short")) == {
        "error": ERROR + "Rejected", "message": "the API said no"}


def test_create_refused_later(ctl, service):
    service.mode = "defer"
    with ctl.start("create-session") as running:
        service.await_call("CreateSession")
        service.refuse("/org/convened1/session/1", text="not this tag")
        result = running.end()
    assert result.code == FAILED and "not this tag" in result.err, result


def test_create_refused_before_we_look(ctl, service, call):
    service.mode = "fall back"
    result = ctl.run("create-participant", "--session=1")
    assert result.code == FAILED and "the API said no" in result.err, result


def test_signals_older_than_what_we_read(ctl, service):
    def fail_and_confirm(path):
        service.change(path, Attempts=2, LastError=(ERROR + "Unavailable", "no route"))
        service.confirm(path)

    service.mode = "defer"
    service.before_reading = fail_and_confirm
    result = ctl.run("create-session")
    assert result.code == DONE, result


@pytest.mark.covers("option: convenectl --no-wait")
def test_no_wait(ctl, service):
    result = ctl.run("create-session", "x", "--no-wait")
    assert result.code == DONE, result
    assert result.out == 'Accepted session 1 "x"; the API has not confirmed it yet.\n'
    assert service.calls[-1][1][0]["Wait"] == ("b", False)
    assert ctl.run("delete-session", "1", "--no-wait").code == DONE
    assert service.await_call("Delete") == ({"Wait": ("b", False)},)


@pytest.mark.covers("option: convenectl --timeout", "exit: convenectl 4")
def test_timeout(ctl, service):
    service.mode = "defer"
    result = ctl.run("create-session", "x", "--timeout=0.2")
    assert result.code == NOT_IN_SYNC, result
    assert 'session 1 "x": not in sync yet; convened goes on with it\n' in result.err
    assert result.out == 'Accepted session 1 "x"; the API has not confirmed it yet.\n'
    result = ctl.run("create-participant", "z", "--timeout=0.2", "--json=short")
    assert result.code == NOT_IN_SYNC and json.loads(result.err)["error"] == "NotInSync"
    assert (result.json["Number"], result.json["Tag"], result.json["InSync"]) == (1, "z", False)
    service.mode = "silent"
    result = ctl.run("create-session", "y", "--timeout=0.2")
    assert (result.code, result.out) == (NOT_IN_SYNC, "")
    assert "the new session: convened has not answered yet; if it has accepted this" in result.err
    error = error_of(ctl.run("delete-session", "1", "--timeout=0", "--json=short"))
    assert error["error"] == "NotInSync"


@pytest.mark.covers("verb: add", "option: convenectl --subscribe")
def test_add(ctl, service, call):
    service.add("participant", Tag="dave")
    assert ctl.run("add", "standup", "dave", "--subscribe=session").code == DONE
    assert service.await_call("AddParticipant") == (
        "/org/convened1/participant/4", {"SubscriptionMode": ("s", "session")})
    facts = ctl.run("add", "standup", "dave", "--json=short").json
    assert facts["Session"] == call and facts["Tag"] == "dave"


def test_add_overtaken(ctl, service, call):
    service.mode = "defer"
    path = service.add("participant", Tag="dave")
    with ctl.start("add", "standup", "dave") as running:
        service.await_call("AddParticipant")
        service.change(path, Session="/", InSync=True, LastError=("", ""))
        result = running.end()
    assert result.code == FAILED and "in no session" in result.err, result


def test_change_refused_later(ctl, service, call):
    service.mode = "defer"
    with ctl.start("subscribe", "alice", "session", "--json=short") as running:
        service.await_call("SetSubscriptions")
        service.refuse("/org/convened1/participant/1", text="no streams")
        result = running.end()
    assert result.code == FAILED
    assert error_of(result) == {"error": ERROR + "Rejected", "message": "no streams"}


def test_an_old_error_is_not_ours(ctl, service, call):
    service.change("/org/convened1/participant/1", LastError=(ERROR + "Rejected", "of before"))
    assert ctl.run("subscribe", "alice", "session").code == DONE


@pytest.mark.covers("verb: remove")
def test_remove(ctl, service, call):
    result = ctl.run("remove", "standup", "bob")
    assert (result.code, result.out) == (DONE, ""), result
    assert service.await_call("RemoveParticipant") == ("/org/convened1/participant/2", {})
    result = ctl.run("remove", "standup", "bob")
    assert result.code == FAILED and "not in this session" in result.err


@pytest.mark.covers("verb: subscribe")
@pytest.mark.parametrize("words, mode, publishers", [
    (["none"], "none", []),
    (["session"], "session", []),
    (["bob", "3:cam:mic"], "participants", [("/org/convened1/participant/2", []),
                                            ("/org/convened1/participant/3", ["cam", "mic"])]),
])
def test_subscribe(ctl, service, call, words, mode, publishers):
    assert ctl.run("subscribe", "alice", *words).code == DONE
    assert service.await_call("SetSubscriptions") == (mode, publishers, {})


@pytest.mark.covers("verb: delete-session", "verb: delete-participant")
def test_delete(ctl, service, call):
    assert ctl.run("delete-participant", "alice", "2", "alice").code == DONE
    assert list(service.things) == [call, "/org/convened1/participant/3"]
    assert ctl.run("delete-session", "standup").code == DONE
    assert ctl.run("delete-session", "1").code == NOT_FOUND


@pytest.mark.covers("convenectl: changes wait")
def test_delete_waits_until_it_is_gone(ctl, service, call):
    service.mode = "defer"
    with ctl.start("delete-session", "1") as running:
        service.await_call("Delete")
        assert running.process.poll() is None
        service.confirm(call)
        assert running.end().code == DONE


def test_delete_refused_later(ctl, service, call):
    service.mode = "defer"
    with ctl.start("delete-session", "1") as running:
        service.await_call("Delete")
        service.change(call, State="active", InSync=True, LastError=(ERROR + "Conflict", "not you"))
        result = running.end()
    assert result.code == FAILED and "not you" in result.err, result


@pytest.mark.covers("convenectl: ambiguous names")
def test_a_typing_error_deletes_nothing(ctl, service, call):
    assert ctl.run("delete-participant", "alice", "bbo").code == NOT_FOUND
    assert len(service.things) == 4


def test_delete_many(ctl, service):
    for _ in range(150):
        service.add("session")
    result = ctl.run("delete-session", *(str(n) for n in range(1, 151)))
    assert result.code == DONE, result
    assert not service.things


def test_deletes_that_fail_do_not_stop_the_others(ctl, service, call):
    result = ctl.run("delete-participant", "1", "99", "3")
    assert result.code == NOT_FOUND and "participant 99" in result.err
    assert list(service.things) == [call, "/org/convened1/participant/2"]


def test_gone_while_waiting(ctl, service, call):
    service.mode = "defer"
    with ctl.start("subscribe", "alice", "none", "--json=short") as running:
        service.await_call("SetSubscriptions")
        service.remove("/org/convened1/participant/1")
        result = running.end()
    assert result.code == FAILED and error_of(result)["error"] == "Gone"


def test_service_lost_while_waiting(ctl, service):
    service.mode = "defer"
    with ctl.start("create-session") as running:
        service.await_call("CreateSession")
        service.stop()
        result = running.end()
    assert result.code == UNREACHABLE and "when it is back" in result.err, result


@pytest.mark.covers("convenectl: progress")
def test_progress_says_what_is_waited_for(ctl, service):
    service.mode = "defer"
    service.change_manager(ApiState="offline")
    process, terminal = ctl.start_on_terminal("create-session", "desk", columns=200)
    try:
        read_terminal(terminal, lambda text: (
            'Waiting for session 1 "desk": the API cannot be reached, or fails, '
            "1 attempt failed (Unavailable: connection refused), the next in 4s") in text)
        service.confirm("/org/convened1/session/1")
        text = read_terminal(terminal, lambda text: False)
        assert process.wait(10) == DONE
        assert text.endswith("\r\033[K" + 'Created session 1 "desk", API id '
                             "s00010000-aaaa-bbbb-cccc-000000000001.\n")
    finally:
        process.kill()
        process.wait()
        os.close(terminal)


@pytest.mark.covers("verb: token")
def test_token(ctl, service, call):
    assert ctl.run("token", "alice").out == "token-of-1\n"
    assert ctl.run("token", "alice", "--json=short").json == {"Token": "token-of-1"}
    service.mode = "refuse"
    result = ctl.run("token", "alice")
    assert result.code == FAILED and "There is no token yet." in result.err


@pytest.mark.covers("verb: refresh-session", "verb: refresh-participant", "verb: sync")
def test_refresh_and_sync(ctl, service, call):
    assert ctl.run("refresh-session", "standup").code == DONE
    assert ctl.run("refresh-participant", "alice").code == DONE
    assert ctl.run("sync").code == DONE
    assert [member for member, _ in service.calls if not member.startswith("List")] == [
        "Refresh", "Refresh", "Sync"]


@pytest.mark.covers("verb: adopt-session", "verb: adopt-participant",
                    "option: convenectl --lifetime")
def test_adopt(ctl, service):
    service.elsewhere = {"s-1": ("session", {"Tag": "old"}), "p-1": ("participant", {})}
    result = ctl.run("adopt-session", "s-1")
    assert (result.code, result.out) == (DONE, 'Adopted session 1 "old", API id s-1.\n'), result
    assert service.await_call("AdoptSession") == ("s-1", {})
    assert ctl.run("adopt-session", "s-1", "--json=short").json["Number"] == 1
    facts = ctl.run("adopt-participant", "p-1", "--lifetime=client", "--json=short").json
    assert (facts["Id"], facts["Lifetime"]) == ("p-1", "client")
    assert service.await_call("AdoptParticipant") == ("p-1", {"Lifetime": ("s", "client")})


def test_adopt_what_is_not_there(ctl, service):
    result = ctl.run("adopt-participant", "nobody")
    assert (result.code, result.out) == (NOT_FOUND, ""), result
    assert "cannot adopt participant nobody: The API knows no participant" in result.err
    service.mode, service.refusal = "refuse", (ERROR + "Unavailable", "the API is offline")
    assert ctl.run("adopt-session", "s-1").code == FAILED
