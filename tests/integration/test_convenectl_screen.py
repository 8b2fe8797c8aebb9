# SPDX-License-Identifier: LGPL-2.1-or-later
"""convenectl where people read: pager and colours."""

import os
import re

import pytest

from harness.ctl_stage import (  # noqa: F401
    DONE, NOT_FOUND, bus_fixture, ctl_fixture, service_fixture)
from harness.mock_service import ERROR, now_usec

# What goes through this pager can be told from what does not.
MARK = "sed s/^/P:/"


def paged(ctl, *words, **environment):
    """Whether a run on a terminal went through the pager, all of it or nothing."""
    result = ctl.run_on_terminal(*words, **{"SYSTEMD_PAGER": MARK, "SYSTEMD_PAGERSECURE": "0",
                                            **environment})
    marked = [line.startswith("P:") for line in result.lines]
    assert result.code == DONE and marked and (all(marked) or not any(marked)), result
    return all(marked)


# --- the pager --------------------------------------------------------------------------------


@pytest.mark.covers("option: convenectl --no-pager", "environment: convenectl SYSTEMD_PAGER",
                    "convenectl: pager")
@pytest.mark.parametrize("words", [
    ["status"], ["list-sessions"], ["list-participants"], ["show-session", "1"], ["--help"],
    ["show-participant", "1"], ["status", "--json=pretty"], ["list-sessions", "--json=pretty"],
    ["show-session", "1", "--json=pretty"],
])
def test_what_is_paged(ctl, service, words):
    service.add("session")
    service.add("participant")
    assert paged(ctl, *words)
    assert not paged(ctl, "--no-pager", *words)


@pytest.mark.covers("convenectl: pager")
@pytest.mark.parametrize("words", [
    ["token", "1"], ["create-session"], ["log-level"], ["status", "--json=short"], ["--version"],
    ["list-sessions", "--json=short"], ["show-participant", "1", "--json=short"],
])
def test_what_is_not_paged(ctl, service, words):
    service.add("participant")
    assert not paged(ctl, *words)


@pytest.mark.covers("environment: convenectl SYSTEMD_PAGER", "environment: convenectl PAGER")
def test_which_pager(ctl, service):
    assert paged(ctl, "status", SYSTEMD_PAGER=None, PAGER=MARK)
    assert not paged(ctl, "status", SYSTEMD_PAGER="", PAGER=MARK)
    assert not paged(ctl, "status", SYSTEMD_PAGER="cat", PAGER=MARK)
    assert not paged(ctl, "status", SYSTEMD_PAGER=None, PAGER="cat")
    assert not paged(ctl, "status", TERM="dumb")


def test_no_pager_without_a_terminal(ctl, service):
    assert ctl.run("status", SYSTEMD_PAGER=MARK).lines[0].startswith("● convened")


def test_a_pager_that_is_not_there(ctl, service, tmp_path):
    """The usual ones are tried, and in the end the text comes as it is."""
    (tmp_path / "less").write_text("#!/bin/sh\nsed s/^/P:/\n")
    (tmp_path / "less").chmod(0o755)
    path = f"{tmp_path}:/usr/bin:/bin"
    if not os.path.exists("/usr/bin/pager"):
        assert paged(ctl, "status", SYSTEMD_PAGER="/nonexistent/pager", PATH=path)
    assert not paged(ctl, "status", SYSTEMD_PAGER="/nonexistent/pager", PATH="/nonexistent")


@pytest.mark.covers("environment: convenectl SYSTEMD_PAGERSECURE")
def test_a_secure_pager(ctl, service, tmp_path):
    (tmp_path / "less").write_text("#!/bin/sh\necho secure=$LESSSECURE $LESS\n")
    (tmp_path / "less").chmod(0o755)
    result = ctl.run_on_terminal("status", SYSTEMD_PAGER=MARK, SYSTEMD_PAGERSECURE="1",
                                 PATH=f"{tmp_path}:/usr/bin:/bin")
    assert result.out == "secure=1 FRSXMK\n"
    result = ctl.run_on_terminal("status", SYSTEMD_PAGER="less", SYSTEMD_PAGERSECURE="no",
                                 SYSTEMD_LESS="FX", PATH=f"{tmp_path}:/usr/bin:/bin")
    assert result.out == "secure= FX\n"


def test_leaving_the_pager_is_no_failure(ctl, service):
    for _ in range(900):
        service.add("session", Tag="x" * 50)
    for words in (["list-sessions"], ["list-sessions", "--json=pretty"]):
        result = ctl.run_on_terminal(*words, SYSTEMD_PAGER="true", SYSTEMD_PAGERSECURE="0")
        assert (result.code, result.out) == (DONE, ""), result


def test_an_error_behind_what_was_printed(ctl, service):
    service.add("session")
    result = ctl.run_on_terminal("show-session", "1", "99", SYSTEMD_PAGER=MARK,
                                 SYSTEMD_PAGERSECURE="0")
    assert result.code == NOT_FOUND
    assert "P:convenectl: there is no session 99" in result.lines


def test_an_error_alone_is_not_paged(ctl, service):
    result = ctl.run_on_terminal("show-session", "99", SYSTEMD_PAGER=MARK)
    assert result.code == NOT_FOUND and result.out.startswith("convenectl: "), result


# --- what fits --------------------------------------------------------------------------------


def outage(service):
    """Five hundred calls, half of them waiting for an API that is away."""
    reason = "cannot connect to api.webrtc.bandwidth.com port 443 after 5002 ms: timed out"
    for number in range(1, 501):
        session = service.add("session", Tag=f"planning room {number}")
        service.add("participant", Tag=f"user-{number}", Session=session,
                    PublishPermissions=["AUDIO", "VIDEO"], SubscriptionMode="participants",
                    Publishers=[(f"/org/convened1/participant/{n}", ["cam"]) for n in range(1, 6)])
        if number % 2 == 0:
            service.change(session, InSync=False, Attempts=number,
                           NextAttemptUSec=now_usec() + 59_000_000,
                           LastError=(ERROR + "Unavailable", reason))
    service.change_manager(ApiState="offline", SuspectedOrphans=1)


def empty(_service):
    pass


def one(service):
    session = service.add("session", Tag="planning room")
    service.add("participant", Tag="user", Session=session)


@pytest.mark.covers("convenectl: tables")
@pytest.mark.parametrize("columns", [80, 200])
@pytest.mark.parametrize("world, n", [(empty, 0), (one, 1), (outage, 500)])
def test_every_screen_fits(ctl, service, world, n, columns):
    world(service)
    for words in (["status"], ["list-sessions"], ["list-participants"]):
        result = ctl.run_on_terminal(*words, columns=columns, NO_COLOR="1")
        assert result.code == DONE
        assert max(len(line) for line in result.lines) <= columns, result
        if words[0] != "status":
            assert len(result.lines) == (n + 3 if n else 1)
            # Of an id its beginning is enough: it gives way before what people read.
            assert all("planning" in line or "user" in line for line in result.lines[1:-2])
        if words[0] == "list-sessions":
            # When something happens again is what people look for in an outage.
            found = re.findall(r" no, in [1-5]?\ds ", result.out)
            assert len(found) == (n // 2 if n > 1 else 0), result


def test_long_lists_go_on_in_the_next_line(ctl, service):
    session = service.add("session", Tag="planning room")
    publishers = [(f"/org/convened1/participant/{n}", ["camera", "microphone"])
                  for n in range(2, 21)]
    service.add("participant", Tag="listener", Session=session, PublishPermissions=["AUDIO"],
                SubscriptionMode="participants", Publishers=publishers)
    whole = ", ".join(f"{n}:camera:microphone" for n in range(2, 21))
    for words in (["show-participant", "1"], ["show-session", "1"]):
        assert whole in ctl.run(*words).out
        for columns in (80, 200):
            result = ctl.run_on_terminal(*words, columns=columns, NO_COLOR="1")
            assert max(len(line) for line in result.lines) <= columns, result
            assert whole in " ".join(result.out.split()), result
            assert len([line for line in result.lines if line.startswith(" " * 18)]) >= 2


@pytest.mark.parametrize("state", ["unknown", "online", "throttled", "offline", "unauthorized"])
def test_status_fits_in_every_state(ctl, service, state):
    service.change_manager(ApiState=state)
    result = ctl.run_on_terminal("status", columns=80, NO_COLOR="1")
    assert f"           API: {state}: " in result.lines[1]
    assert max(len(line) for line in result.lines) <= 80, result


def test_status_in_full(ctl, service):
    outage(service)
    assert "5002 ms: timed out" not in ctl.run_on_terminal("status", columns=80).out
    assert "5002 ms: timed out" in ctl.run_on_terminal("status", "--full", columns=80).out
    assert "5002 ms: timed out" in ctl.run("status").out


# --- colours ----------------------------------------------------------------------------------


@pytest.mark.covers("environment: convenectl SYSTEMD_COLORS", "environment: convenectl NO_COLOR")
@pytest.mark.parametrize("environment, terminal, pipe", [
    ({}, True, False),
    ({"NO_COLOR": "1"}, False, False),
    ({"NO_COLOR": ""}, True, False),
    ({"TERM": "dumb"}, False, False),
    ({"SYSTEMD_COLORS": "yes"}, True, True),
    ({"SYSTEMD_COLORS": "1", "NO_COLOR": "1"}, True, True),
    ({"SYSTEMD_COLORS": "256"}, True, True),
    ({"SYSTEMD_COLORS": "16", "TERM": "dumb"}, True, True),
    ({"SYSTEMD_COLORS": "auto-16"}, True, False),
    ({"SYSTEMD_COLORS": "off"}, False, False),
    ({"SYSTEMD_COLORS": "nonsense"}, True, False),
])
def test_colours(ctl, service, environment, terminal, pipe):
    service.add("session")
    assert ("\033[" in ctl.run_on_terminal("list-sessions", **environment).out) == terminal
    assert ("\033[" in ctl.run("list-sessions", **environment).out) == pipe


def test_colours_through_the_pager(ctl, service):
    service.add("session")
    result = ctl.run_on_terminal("list-sessions", SYSTEMD_PAGER=MARK, SYSTEMD_PAGERSECURE="0")
    assert "\033[32mactive" in result.out
