# SPDX-License-Identifier: LGPL-2.1-or-later
"""convenectl against a stand-in of the service: what people and scripts see, and the exit codes."""

import re
import subprocess

import pytest

from harness.ctl_stage import (  # noqa: F401
    DENIED, DONE, FAILED, NOT_FOUND, UNREACHABLE, USAGE, bus_fixture, call_fixture,
    ctl_fixture, service_fixture, error_of)
from harness.mock_service import DBUS_ERROR, ERROR, now_usec
from harness.programs import program


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
    assert "offline: unreachable, or failing" in result.out
    assert "2 suspected" in result.out
    assert '   Not in sync: session 1 "standup": active; Unavailable: connection refused' \
        in result.lines


def test_status_tells_since_when_and_until_when(ctl, service):
    now = now_usec()
    old = service.add("session", Tag="late", CreatedUSec=now - 300_500_000)
    service.change(old, State="pending", InSync=False, NextAttemptUSec=now + 3600_900_000)
    due = service.add("session", Tag="due", CreatedUSec=now)
    service.change(due, State="pending", InSync=False, NextAttemptUSec=now)
    made = service.add("session", Tag="made", CreatedUSec=now - 300_500_000)
    service.change(made, InSync=False, NextAttemptUSec=0)
    out = ctl.run("status").out
    assert re.search(r'"late": pending, accepted 5min( \d+s)? ago, next attempt in 1h\n', out), out
    assert re.search(r'"due": pending, accepted (just now|\d+s ago), next attempt now\n', out), out
    assert '"made": active\n' in out


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


@pytest.mark.covers("verb: log-level", "exit: convenectl 6")
def test_log_level(ctl, service):
    assert ctl.run("log-level").out == "info\n"
    assert ctl.run("log-level", "debug").code == DONE
    assert service.log_level == "debug"
    assert ctl.run("log-level", "--json=short").json == {"LogLevel": "debug"}
    service.mode, service.refusal = "refuse", (DBUS_ERROR + "AccessDenied", "not you")
    assert ctl.run("log-level", "info").code == DENIED
    assert service.log_level == "debug"


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


@pytest.mark.covers("exit: convenectl 2")
@pytest.mark.parametrize("words", [
    ["--host=h", "--user", "status"], ["--host=", "status"], ["--host=-oProxyCommand=x", "status"],
    ["-H"], ["log-level", "loud"], ["log-level", "info", "debug"], ["adopt-session"],
    ["adopt-session", "a", "b"], ["adopt-participant", "a", "--no-wait"],
    ["bogus"], ["--bogus"], ["--json=xml", "status"], ["status", "now"], ["sync", "now"],
    ["show-session"],
    ["add", "1"], ["subscribe", "1"], ["create-session", "--publish=audio"],
    ["list-sessions", "--timeout=3"], ["create-session", "--timeout=soon"],
    ["create-session", "--lifetime=Client"], ["adopt-session", "s-1", "--lifetime="],
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
    assert " \n" not in result.err
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
