# SPDX-License-Identifier: LGPL-2.1-or-later
"""convenectl against a stand-in of the service: what people and scripts see, and the exit codes."""

import json
import os
import socket
import subprocess

import pytest

from harness.bus import PrivateBus
from harness.ctl import Convenectl, read_terminal
from harness.mock_service import DBUS_ERROR, ERROR, MockService
from harness.programs import program

DONE, FAILED, USAGE, NOT_FOUND, NOT_IN_SYNC, UNREACHABLE, DENIED = range(7)


@pytest.fixture(name="bus", scope="module")
def bus_fixture():
    with PrivateBus() as bus:
        yield bus


@pytest.fixture(name="service")
def service_fixture(bus):
    with MockService(bus) as service:
        yield service
    bus.await_owner("org.convened1", present=False)


@pytest.fixture(name="ctl")
def ctl_fixture(bus):
    return Convenectl(bus)


def error_of(result):
    """The one object that --json promises on stderr."""
    assert result.out == "", result
    error = json.loads(result.err)
    assert set(error) == {"error", "message"}
    return error


@pytest.fixture(name="call")
def call_fixture(service):
    """A session with three participants: 1 alice, 2 bob and 3 carol."""
    session = service.add("session", Tag="standup")
    for tag, mode, publishers in (("alice", "none", []), ("bob", "session", []),
                                  ("carol", "participants",
                                   [("/org/convened1/participant/1", ["cam", "mic"]),
                                    ("/org/convened1/participant/2", [])])):
        service.add("participant", Tag=tag, Session=session, SubscriptionMode=mode,
                    Publishers=publishers, PublishPermissions=["AUDIO", "VIDEO"])
    return session


def test_invisible_characters(ctl, service):
    """A tag turns round nothing that stands beside it: people see what is in it, programs get
    it."""
    tag = "a\u202egnp\u200b"
    created = ctl.run("create-session", tag)
    assert created.code == DONE and '"a<U+202E>gnp<U+200B>"' in created.out, created
    outputs = [ctl.run(*words) for words in (
        ("list-sessions",), ("show-session", "1"), ("add", tag, "nobody"),
        ("create-session", tag, "--no-wait"), ("delete-session", tag))]
    for result in outputs:
        assert "\u202e" not in result.out + result.err, result
        assert "\u200b" not in result.out + result.err, result
    assert "a<U+202E>gnp<U+200B>" in outputs[0].out
    assert outputs[-1].code == NOT_FOUND
    assert ctl.run("list-sessions", "--json=short").json[0]["Tag"] == tag


# --- reading ----------------------------------------------------------------------------------


@pytest.mark.covers("verb: status", "exit: convenectl 0", "option: convenectl --user")
def test_status(ctl, service, call):
    result = ctl.run("status")
    assert result.code == DONE, result
    assert result.lines[0] == "● convened 0.1.0 on the user bus"
    assert "           API: online: answering" in result.lines
    assert "      Sessions: 1" in result.lines
    assert "  Participants: 3" in result.lines
    assert "Not in sync" not in result.out
    assert "Orphans" not in result.out


def test_status_without_a_verb(ctl, service):
    assert ctl.run().out == ctl.run("status").out


def test_status_tells_what_is_wrong(ctl, service, call):
    service.change_manager(ApiState="offline", SuspectedOrphans=2)
    service.change(call, InSync=False, LastError=(ERROR + "Unavailable", "connection refused"),
                   NextAttemptUSec=0)
    result = ctl.run("status")
    assert "offline: it cannot be reached" in result.out
    assert "2 suspected" in result.out
    assert '   Not in sync: session 1 "standup": active; Unavailable: connection refused' \
        in result.lines


def test_status_counts_what_it_does_not_show(ctl, service):
    for _ in range(13):
        service.add("session")
    for number in range(1, 14):
        service.change(f"/org/convened1/session/{number}", InSync=False)
    result = ctl.run("status")
    assert result.out.count("session ") == 10
    assert result.lines[-1].strip() == "and 3 more"


def test_status_as_json(ctl, service, call):
    facts = ctl.run("status", "--json=short").json
    assert facts["ApiState"] == "online"
    assert (facts["SessionCount"], facts["ParticipantCount"]) == (1, 3)


@pytest.mark.covers("verb: list-sessions")
def test_list_sessions(ctl, service, call):
    service.add("session", Tag="empty")
    result = ctl.run("list-sessions")
    assert result.code == DONE, result
    assert result.lines[0].split("  ")[0] == "NUMBER"
    assert result.lines[1].split()[:6] == [
        "1", "s00010000-aaaa-bbbb-cccc-000000000001", "standup", "active", "yes", "3"]
    assert result.lines[2].split()[2:6] == ["empty", "active", "yes", "0"]
    assert result.lines[-1] == "2 sessions."


@pytest.mark.covers("verb: list-participants", "option: convenectl --no-legend")
def test_list_participants(ctl, service, call):
    result = ctl.run("list-participants", "--no-legend")
    rows = [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in result.lines]
    assert [row[2] for row in rows] == ["alice", "bob", "carol"]
    assert [row[6] for row in rows] == ["none", "session", "1:cam:mic, 2"]
    assert {row[5] for row in rows} == {"1"}
    assert {row[7] for row in rows} == {"audio, video"}


@pytest.mark.covers("option: convenectl --session", "exit: convenectl 3")
def test_list_filters(ctl, service, call):
    service.add("participant", Tag="bob")
    assert len(ctl.run("list-participants", "--no-legend", "bob").lines) == 2
    assert len(ctl.run("list-participants", "--no-legend", "--session=standup").lines) == 3
    assert len(ctl.run("list-participants", "--no-legend", "--session=1", "bob").lines) == 1
    assert ctl.run("list-sessions", "nobody").out == "0 sessions.\n"
    assert ctl.run("list-participants", "--session=9").code == NOT_FOUND


def test_list_reads_every_page(ctl, service):
    for number in range(25):
        service.add("session", Tag="even" if number % 2 == 0 else "odd")
    service.page_cap = 3
    assert len(ctl.run("list-sessions", "--no-legend").lines) == 25
    assert len(ctl.run("list-sessions", "--no-legend", "odd").lines) == 12
    assert len(ctl.run("list-sessions", "--json=short").json) == 25


@pytest.mark.covers("option: convenectl --json", "convenectl: JSON of a list")
@pytest.mark.parametrize("mode", ["short", "pretty"])
def test_list_as_json(ctl, service, call, mode):
    rows = ctl.run("list-participants", f"--json={mode}").json
    assert [row["Tag"] for row in rows] == ["alice", "bob", "carol"]
    assert rows[2]["Publishers"] == [["/org/convened1/participant/1", ["cam", "mic"]],
                                     ["/org/convened1/participant/2", []]]
    assert rows[0]["LastError"] == ["", ""]
    assert rows[0]["InSync"] is True
    assert ctl.run("list-sessions", "none", f"--json={mode}").json == []


def test_out_of_sync_in_a_table(ctl, service, call):
    service.change(call, InSync=False, Attempts=3)
    assert "no, 3 failed" in ctl.run("list-sessions").out


@pytest.mark.covers("option: convenectl --full", "option: convenectl -l", "convenectl: tables")
def test_table_fits_the_terminal(ctl, service, call):
    result = ctl.run_on_terminal("list-participants", columns=80, NO_COLOR="1")
    assert result.code == DONE, result
    assert max(len(line) for line in result.lines) <= 80
    assert "…" in result.out
    wide = ctl.run_on_terminal("list-participants", "--full", columns=80, NO_COLOR="1")
    assert "p00010000-aaaa-bbbb-cccc-000000000001" in wide.out
    assert "…" not in wide.out
    short = ctl.run_on_terminal("list-participants", "-l", columns=80, NO_COLOR="1")
    assert short.out == wide.out


@pytest.mark.covers("environment: convenectl COLUMNS")
def test_width_of_the_terminal_as_told(ctl, service, call):
    def width(columns):
        result = ctl.run_on_terminal("list-participants", columns=200, NO_COLOR="1",
                                     COLUMNS=columns)
        assert result.code == DONE, result
        return max(len(line) for line in result.lines)

    assert width("90") <= 90 < width("200")
    assert width("none") == width("") == width("200")


def test_ascii_where_the_locale_is(ctl, service, call):
    result = ctl.run_on_terminal("list-participants", columns=80, NO_COLOR="1", LC_ALL="C")
    assert result.out.isascii() and "..." in result.out


@pytest.mark.covers("convenectl: colours")
def test_colours(ctl, service, call):
    assert "\033[32mactive" in ctl.run_on_terminal("list-sessions").out
    assert "\033" not in ctl.run_on_terminal("list-sessions", NO_COLOR="1").out
    assert "\033" in ctl.run_on_terminal("list-sessions", NO_COLOR="").out
    assert "\033" not in ctl.run("list-sessions").out


@pytest.mark.covers("convenectl: foreign text")
def test_nothing_of_others_moves_the_cursor(ctl, service):
    service.add("session", Tag="a\033[2Jb\nc\u009b")
    for result in (ctl.run("list-sessions"), ctl.run("show-session", "1")):
        assert "a?[2Jb c?" in result.out and "\033" not in result.out


@pytest.mark.covers("verb: show-session")
def test_show_session(ctl, service, call):
    service.change(call, LastError=(ERROR + "Rejected", "too late"))
    result = ctl.run("show-session", "standup")
    assert result.code == DONE, result
    assert result.lines[0] == '● session 1 "standup"'
    assert "         State: active" in result.lines
    assert "    Last error: Rejected: too late" in result.lines
    assert '  Participants: 1 "alice": publishes audio, video, receives none' in result.lines
    assert '                3 "carol": publishes audio, video, receives 1:cam:mic, 2' \
        in result.lines
    assert "       Expires: not known" in result.lines


@pytest.mark.covers("verb: show-participant")
def test_show_participant(ctl, service, call):
    result = ctl.run("show-participant", "bob", "3")
    assert result.code == DONE, result
    assert '       Session: 1 "standup"' in result.lines
    assert "      Receives: session" in result.lines
    assert '● participant 3 "carol"' in result.lines
    assert "  Last error" not in result.out


@pytest.mark.covers("convenectl: JSON of an object")
def test_show_as_json(ctl, service, call):
    assert ctl.run("show-session", "1", "--json=short").json["Tag"] == "standup"
    several = ctl.run("show-participant", "1", "2", "--json=pretty").json
    assert [one["Tag"] for one in several] == ["alice", "bob"]


# --- names ------------------------------------------------------------------------------------


@pytest.mark.covers("convenectl: names")
def test_names(ctl, service, call):
    for name in ("1", "standup", "s00010000-aaaa-bbbb-cccc-000000000001", "s0001"):
        assert ctl.run("show-session", name, "--json=short").json["Number"] == 1, name


@pytest.mark.covers("exit: convenectl 3", "convenectl: ambiguous names")
def test_ambiguous_names_list_the_candidates(ctl, service, call):
    service.add("session", Tag="standup")
    result = ctl.run("show-session", "standup")
    assert result.code == NOT_FOUND, result
    assert 'session 1 "standup" (s00010000' in result.err
    assert 'session 2 "standup" (s00020000' in result.err
    error = error_of(ctl.run("show-participant", "p000", "--json=short"))
    assert error["error"] == "Ambiguous"
    assert "carol" in error["message"]


def test_many_candidates(ctl, service):
    for _ in range(14):
        service.add("session", Tag="same")
    result = ctl.run("delete-session", "same")
    assert result.code == NOT_FOUND and "and more" in result.err
    assert result.err.count('"same" (') == 10


def test_a_full_id_is_never_ambiguous(ctl, service):
    service.add("session", Id="abc")
    service.add("session", Id="abcd")
    service.add("session", Tag="abc")
    assert ctl.run("show-session", "abc", "--json=short").json["Number"] == 1


@pytest.mark.covers("exit: convenectl 3")
def test_names_of_nothing(ctl, service):
    for name in ("7", "0", "9" * 23, "nobody", "ab c", "x" * 60, "x" * 70, "é" * 51, "a\nb"):
        result = ctl.run("show-session", name)
        assert result.code == NOT_FOUND, result
        assert "list-sessions" in result.err
    error = error_of(ctl.run("show-participant", "nobody", "--json=short"))
    assert error["error"] == ERROR + "NoSuchParticipant"
    assert ctl.run("show-session", "").code == USAGE


# --- changing ---------------------------------------------------------------------------------


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
    assert 'session 1 "x": not in sync yet' in result.err
    assert result.out == 'Accepted session 1 "x"; the API has not confirmed it yet.\n'
    result = ctl.run("create-participant", "z", "--timeout=0.2", "--json=short")
    assert result.code == NOT_IN_SYNC and json.loads(result.err)["error"] == "NotInSync"
    assert (result.json["Number"], result.json["Tag"], result.json["InSync"]) == (1, "z", False)
    service.mode = "silent"
    result = ctl.run("create-session", "y", "--timeout=0.2")
    assert (result.code, result.out) == (NOT_IN_SYNC, "")
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
            'Waiting for session 1 "desk": the API cannot be reached, 1 attempt failed '
            "(Unavailable: connection refused), the next in 4s") in text)
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


@pytest.mark.covers("verb: log-level", "exit: convenectl 6")
def test_log_level(ctl, service):
    assert ctl.run("log-level").out == "info\n"
    assert ctl.run("log-level", "debug").code == DONE
    assert service.log_level == "debug"
    assert ctl.run("log-level", "--json=short").json == {"LogLevel": "debug"}
    service.mode, service.refusal = "refuse", (DBUS_ERROR + "AccessDenied", "not you")
    assert ctl.run("log-level", "info").code == DENIED
    assert service.log_level == "debug"


# --- failures ---------------------------------------------------------------------------------


@pytest.mark.covers("exit: convenectl 1", "exit: convenectl 3", "exit: convenectl 5",
                    "exit: convenectl 6")
@pytest.mark.parametrize("name, code", [
    (ERROR + "NoSuchSession", NOT_FOUND), (ERROR + "NoSuchParticipant", NOT_FOUND),
    (DBUS_ERROR + "UnknownObject", NOT_FOUND), (DBUS_ERROR + "ServiceUnknown", UNREACHABLE),
    (DBUS_ERROR + "NoReply", UNREACHABLE), (DBUS_ERROR + "Disconnected", UNREACHABLE),
    (DBUS_ERROR + "TimedOut", UNREACHABLE),
    ("org.freedesktop.systemd1.NoSuchUnit", UNREACHABLE),
    ("org.freedesktop.systemd1.UnitMasked", UNREACHABLE),
    (DBUS_ERROR + "AccessDenied", DENIED),
    (DBUS_ERROR + "InteractiveAuthorizationRequired", DENIED), (ERROR + "Conflict", FAILED),
    (ERROR + "SessionFull", FAILED), (DBUS_ERROR + "LimitsExceeded", FAILED),
    ("com.example.Never.Heard.Of", FAILED), ("System.Error.EIO", FAILED),
])
def test_exit_codes(ctl, service, call, name, code):
    service.mode = "refuse"
    service.refusal = (name, "so it is")
    for words in (["refresh-session", "1"], ["remove", "1", "1"], ["create-session"]):
        assert ctl.run(*words).code == code, words


def test_another_program_reads_a_list(ctl, service, call):
    """Its turn comes; for ever it does not wait."""
    service.n_busy = 5
    assert "standup" in ctl.run("list-sessions").out
    assert service.n_busy == 0
    service.n_busy = 10 ** 9
    result = ctl.run("list-sessions")
    assert result.code == FAILED and "one page after the other" in result.err


@pytest.mark.covers("exit: convenectl 5")
def test_no_service(ctl):
    for words in (["status"], ["list-sessions"], ["create-session"], ["delete-session", "1"],
                  ["monitor"], ["sync"]):
        result = ctl.run(*words)
        assert result.code == UNREACHABLE, result
        assert "does not run on the user bus" in result.err
        assert "systemctl --user start convened" in result.err and "--system" in result.err
    for verb in ("status", "list-sessions", "list-participants"):
        error = error_of(ctl.run(verb, "--json=short"))
        assert error["error"] == DBUS_ERROR + "ServiceUnknown"


@pytest.mark.covers("environment: convenectl DBUS_SESSION_BUS_ADDRESS", "exit: convenectl 5")
def test_no_bus(ctl):
    result = ctl.run("status", DBUS_SESSION_BUS_ADDRESS="unix:path=/nonexistent/bus")
    assert result.code == UNREACHABLE, result
    assert "no connection to the user bus" in result.err
    assert "DBUS_SESSION_BUS_ADDRESS" in result.err and "--system" in result.err


def test_a_bus_that_hangs_up(ctl, tmp_path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "bus"))
        listener.listen()
        with ctl.start("status", DBUS_SESSION_BUS_ADDRESS=f"unix:path={tmp_path}/bus") as running:
            listener.accept()[0].close()
            result = running.end()
    assert result.code == UNREACHABLE and "no connection to the user bus" in result.err, result


def test_bus_lost_while_waiting():
    with PrivateBus() as bus, MockService(bus) as service:
        service.mode = "defer"
        with Convenectl(bus).start("create-session") as running:
            service.await_call("CreateSession")
            bus.stop()
            assert running.end().code == UNREACHABLE
        service.abandon()


@pytest.mark.covers("option: convenectl --system",
                    "environment: convenectl DBUS_SYSTEM_BUS_ADDRESS")
def test_system_bus(bus, service, call):
    result = Convenectl(bus, "system").run("status")
    assert result.code == DONE and "on the system bus" in result.out, result


@pytest.fixture(name="ssh")
def ssh_fixture(bus, tmp_path):
    """An ssh for PATH that goes to no other host; it keeps the words that it got."""
    script = tmp_path / "ssh"
    script.write_text(f"""#!/bin/sh
echo "$@" >{tmp_path}/words
case "$*" in
*nowhere*) echo "ssh: no such host" >&2; exit 255 ;;
esac
exec systemd-stdio-bridge --bus-path={bus.address}
""")
    script.chmod(0o755)
    return tmp_path


@pytest.mark.covers("option: convenectl -H", "option: convenectl --host")
def test_host(bus, service, call, ssh):
    remote = Convenectl(bus, "system")
    path = f"{ssh}:{os.environ['PATH']}"
    # The bus of this machine is out of reach: what answers came through ssh.
    away = {"PATH": path, "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent/bus"}
    result = remote.run("--host=dev@example.com", "status", **away)
    assert result.code == DONE, result
    assert "on the system bus of dev@example.com" in result.lines[0]
    assert "dev@example.com" in (ssh / "words").read_text()
    assert remote.run("-H", "h", "list-sessions", "--json=short", **away).json[0]["Number"] == 1
    result = remote.run("--host=nowhere", "status", **away)
    assert result.code == UNREACHABLE, result
    assert "no connection to the system bus of nowhere" in result.err
    assert '"ssh nowhere"' in result.err


def test_no_service_on_a_host(bus, ssh):
    result = Convenectl(bus, "system").run("--host=h", "sync",
                                           PATH=f"{ssh}:{os.environ['PATH']}")
    assert result.code == UNREACHABLE, result
    assert "systemctl --host=h start convened" in result.err


@pytest.mark.covers("exit: convenectl 2")
@pytest.mark.parametrize("words", [
    ["--host=h", "--user", "status"], ["--host=", "status"], ["--host=-oProxyCommand=x", "status"],
    ["-H"], ["log-level", "loud"], ["log-level", "info", "debug"], ["adopt-session"],
    ["adopt-session", "a", "b"], ["adopt-participant", "a", "--no-wait"],
    ["bogus"], ["--bogus"], ["--json=xml", "status"], ["status", "now"], ["show-session"],
    ["add", "1"], ["subscribe", "1"], ["create-session", "--publish=audio"],
    ["list-sessions", "--timeout=3"], ["create-session", "--timeout=soon"],
    ["create-session", "--timeout=-1"], ["create-participant", "--publish=audio,smell"],
    ["create-participant", "--publish=audio,audio"], ["create-participant", "--subscribe=session"],
    ["subscribe", "1", "none", "2"], ["subscribe", "1", "2:"], ["subscribe", "1", "2:a:a"],
    ["add", "1", "2", "--subscribe="], ["create-session", b"\xff"], ["--timeout"],
    ["create-session", "--json"], ["--no-wait=yes", "sync"],
])
def test_usage(ctl, service, words):
    result = ctl.run(*words)
    assert result.code == USAGE, result
    assert result.out == "" and result.err.startswith("convenectl: ")
    assert not service.calls


@pytest.mark.covers("option: convenectl -h", "option: convenectl --help",
                    "option: convenectl --version")
def test_help_and_version(ctl):
    result = ctl.run("--help")
    assert result.code == DONE and "create-participant [TAG]" in result.out
    assert ctl.run("-h").out == result.out
    assert ctl.run("--version").out.startswith("convenectl ")


def test_a_full_disk_is_not_a_success(ctl, service, call):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([program("convenectl"), "--user", "list-sessions"],
                              env=ctl.environment(), stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == FAILED and b"cannot write" in done.stderr


# --- monitor ----------------------------------------------------------------------------------


@pytest.mark.covers("verb: monitor")
def test_monitor(ctl, service, call):
    with ctl.start("monitor") as running:
        assert running.line("stderr") == "Watching /org/convened1 on the user bus."
        service.change(call, InSync=False, Attempts=2)
        assert running.line()[9:] == 'session 1 "standup": not in sync, 2 failed'
        service.add("session", Tag="new")
        assert running.line()[9:] == 'session 2 "new" added: pending, not in sync, 0 participants'
        assert running.line()[9:] == \
            'session 2 "new": active, in sync, API id s00020000-aaaa-bbbb-cccc-000000000002'
        service.change("/org/convened1/participant/3", Publishers=[
            ("/org/convened1/participant/2", [])])
        assert running.line()[9:] == 'participant 3 "carol": receives 2'
        service.change("/org/convened1/participant/3", SubscriptionMode="none", Publishers=[])
        assert running.line()[9:] == 'participant 3 "carol": receives none'
        service.change_manager(ApiState="offline")
        assert running.line()[9:] == "convened: the API is offline"
        service.remove("/org/convened1/session/2")
        assert running.line()[9:] == "session 2 removed"
        service.stop()
        assert running.line()[9:] == "convened stopped"


@pytest.mark.covers("convenectl: JSON of monitor")
def test_monitor_as_json(ctl, service, call):
    with ctl.start("monitor", "--json=pretty") as running:
        running.line("stderr")
        service.change(call, InSync=False)
        assert json.loads(running.line()) == {"Event": "changed", "Path": call, "InSync": False}
        path = service.add("participant", Tag="x")
        line = json.loads(running.line())
        assert (line["Event"], line["Path"], line["Tag"]) == ("added", path, "x")
        running.line()
        service.remove(path)
        assert json.loads(running.line()) == {"Event": "removed", "Path": path}


def test_monitor_of_one(ctl, service, call):
    with ctl.start("monitor", "standup", "--no-legend", "--json=short") as running:
        # There is no line to wait for: changes go out until the first is heard.
        service.await_call("ListParticipants")
        heard = None
        for attempt in range(200):
            service.change("/org/convened1/participant/1", Attempts=attempt + 1)
            service.change(call, Attempts=attempt + 1)
            try:
                heard = json.loads(running.line(timeout=0.05))
                break
            except TimeoutError:
                pass
        assert heard["Path"] == call
        service.remove(call)
        assert running.end().code == DONE


def test_monitor_names(ctl, service, call):
    result = ctl.run("monitor", "1")
    assert result.code == NOT_FOUND, result
    assert 'session 1 "standup"' in result.err and 'participant 1 "alice"' in result.err
    assert ctl.run("monitor", "99").code == NOT_FOUND
    with ctl.start("monitor", "participant/1") as running:
        assert running.line("stderr").startswith("Watching /org/convened1/participant/1 ")
    with ctl.start("monitor", "3") as running:
        assert running.line("stderr").startswith("Watching /org/convened1/participant/3 ")
