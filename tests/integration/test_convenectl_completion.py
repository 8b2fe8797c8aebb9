# SPDX-License-Identifier: LGPL-2.1-or-later
"""Completion of convenectl: what the tool offers, and what the two shells make of it."""

import os
import pty
import re
import shlex
import subprocess

import pytest

from harness.ctl import read_terminal
from harness.ctl_stage import bus_fixture, ctl_fixture  # noqa: F401
from harness.mock_service import MockService
from harness.programs import TREE, program

FOLDER = os.path.join(TREE, "data", "completion")


@pytest.fixture(name="service")
def service_fixture(bus):
    """Sessions 1 standup, 2 without a tag, 3 and 4 with the same; participants alice and bob."""
    with MockService(bus) as service:
        service.add("session", Tag="standup")
        service.add("session")
        service.add("session", Tag="twin")
        service.add("session", Tag="twin")
        service.add("participant", Tag="alice")
        service.add("participant", Tag="bob, the \"builder\"")
        yield service
    bus.await_owner("org.convened1", present=False)


def offered(ctl, *words):
    """What the tool offers for the last of these words."""
    result = ctl.run("complete", "--", ctl.flag, *words)
    assert (result.code, result.err) == (0, ""), result
    assert all(line.count("\t") == 1 for line in result.lines), result
    return [line.split("\t")[0] for line in result.lines]




# --- what the tool offers ---------------------------------------------------------------------


def test_verbs(ctl, service):
    assert offered(ctl, "show") == ["show-session", "show-participant"]
    assert "status" in offered(ctl, "") and "complete" not in offered(ctl, "")
    assert offered(ctl, "--json=short", "--full", "mon") == ["monitor"]
    assert offered(ctl, "--json", "short", "mon") == ["monitor"]


def test_options(ctl, service):
    assert offered(ctl, "--no-l") == ["--no-legend"]
    assert offered(ctl, "list-participants", "--s") == ["--system", "--session="]
    assert offered(ctl, "list-sessions", "--s") == ["--system"]
    assert "--publish=" in offered(ctl, "create-participant", "--")
    assert "--publish=" in offered(ctl, "--")
    assert "--publish=" not in offered(ctl, "status", "--")


def test_values(ctl, service):
    assert offered(ctl, "--json=") == ["--json=pretty", "--json=short", "--json=off"]
    assert offered(ctl, "--json", "s") == ["short"]
    assert offered(ctl, "create-participant", "--publish=audio,v") == ["--publish=audio,video"]
    assert offered(ctl, "--lifetime=") == ["--lifetime=persistent", "--lifetime=client"]
    assert offered(ctl, "list-participants", "--session=st") == ["--session=standup"]
    assert offered(ctl, "list-participants", "--session", "st") == ["standup"]
    assert offered(ctl, "add", "1", "2", "--subscribe=1,a") == ["--subscribe=1,alice"]
    assert offered(ctl, "add", "1", "2", "--subscribe=") == [
        "--subscribe=none", "--subscribe=session", "--subscribe=alice", "--subscribe=2"]
    assert offered(ctl, "log-level", "e") == ["emerg", "err"]
    assert offered(ctl, "--timeout=") == []


def test_live_names(ctl, service):
    # With nothing typed, the name that people know; a tag of two objects names neither.
    assert offered(ctl, "show-session", "") == ["standup", "2"]
    assert offered(ctl, "show-session", "1") == ["1"]
    assert offered(ctl, "show-session", "s0002") == ["s00020000-aaaa-bbbb-cccc-000000000002"]
    assert offered(ctl, "show-session", "standup", "s") == [
        "standup"] + [f"s000{n}0000-aaaa-bbbb-cccc-00000000000{n}" for n in (1, 2, 3, 4)]
    assert offered(ctl, "show-participant", "a") == ["alice"]
    assert offered(ctl, "add", "1", "al") == ["alice"]
    assert offered(ctl, "add", "1", "1", "") == []
    assert offered(ctl, "subscribe", "alice", "") == ["none", "session", "alice",
                                                      'bob, the "builder"']
    assert offered(ctl, "monitor", "standu") == ["standup"]
    assert offered(ctl, "monitor", "session/2") == ["session/2"]
    assert offered(ctl, "list-sessions", "t") == ["twin"]
    assert offered(ctl, "create-session", "t") == []
    assert offered(ctl, "bogus", "t") == []
    assert offered(ctl, "status", "") == []


def test_meanings(ctl, service):
    result = ctl.run("complete", "--", ctl.flag, "show-session", "st")
    assert result.out == 'standup\tsession 1 "standup", active\n'


def test_a_long_list(ctl, service):
    for _ in range(1200):
        service.add("session", Tag="x")
    assert offered(ctl, "show-session", "s04b4") == ["s04b40000-aaaa-bbbb-cccc-0000000004b4"]
    assert len(offered(ctl, "show-session", "")) == 2


def test_what_would_not_be_understood(ctl, service):
    service.add("session", Tag="77")
    service.add("session", Tag="-x")
    service.add("participant", Tag="a:b")
    service.add("participant", Tag="c\td")
    assert offered(ctl, "show-session", "7") == []
    assert offered(ctl, "show-session", "") == ["standup", "2", "5", "6"]
    assert offered(ctl, "subscribe", "1", "a") == ["alice"]
    assert offered(ctl, "show-participant", "a:") == ["a:b"]


def test_without_a_service(bus, ctl):
    result = ctl.run("complete", "--", ctl.flag, "subscribe", "1", "")
    assert [line.split("\t")[0] for line in result.lines] == ["none", "session"]


def test_the_words_say_which_bus(ctl, service):
    nowhere = {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent/bus"}
    words = ["complete", "--", ctl.flag, "--system", "show-session", "st"]
    assert ctl.run(*words, **nowhere).out == ""
    assert ctl.run(*words, DBUS_SYSTEM_BUS_ADDRESS=ctl.bus.address).out != ""


# --- the manual page --------------------------------------------------------------------------


def in_manual(pattern):
    """What the page has headings for that look so: a verb or an option begins its paragraph."""
    with open(os.path.join(TREE, "doc", "convenectl.1.scd"), encoding="utf-8") as page:
        heads = [line for line in page if line.startswith(("*", "_"))]
    return {found for line in heads for found in re.findall(pattern, line)}


def test_the_manual_has_every_verb(ctl):
    verbs = {word for word in offered(ctl, "") if not word.startswith("-")}
    assert len(verbs) > 15
    # Verbs are followed by blanks, commas or the end; the names of other pages by their section.
    told = in_manual(r"(?:^|, )\*([a-z][a-z-]+)\*(?=[ ,\n])")
    assert told == verbs | {"convenectl"}


def test_the_manual_has_every_option(ctl):
    options = set(offered(ctl, "--"))
    assert in_manual(r"(--[a-z-]+=?)") >= options
    assert options >= {word for word in in_manual(r"^(?:\*-[a-zA-Z]\*, )?\*(--[a-z-]+=?)")}


# --- bash -------------------------------------------------------------------------------------


def bash_replies(ctl, *words):
    """COMPREPLY for words as readline takes them apart."""
    script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _convenectl "$1"; '
              '((${#COMPREPLY[@]})) && printf "%s\\n" "${COMPREPLY[@]}"; true')
    done = subprocess.run(
        ["bash", "-c", script, "bash", os.path.join(FOLDER, "bash", "convenectl"),
         program("convenectl"), ctl.flag, *words], env=ctl.environment(), check=True,
        stdout=subprocess.PIPE, text=True)
    return done.stdout.splitlines()


@pytest.mark.covers("convenectl: completion in bash")
def test_bash(ctl, service):
    assert bash_replies(ctl, "show-session", "st") == ["standup"]
    assert bash_replies(ctl, "show-participant", "b") == ['bob\\,\\ the\\ \\"builder\\"']
    assert bash_replies(ctl, "show-participant", "bob\\,\\ t") == ['bob\\,\\ the\\ \\"builder\\"']
    assert bash_replies(ctl, "show-participant", "'bob, ") == ['bob, the "builder"']
    assert bash_replies(ctl, "list-participants", "--session", "=", "st") == ["standup"]
    assert bash_replies(ctl, "list-participants", "--session", "=") == ["standup", "2"]
    assert bash_replies(ctl, "list-participants", "--sess") == ["--session="]
    assert bash_replies(ctl, "show-session", "nobody") == []


def typed_in_bash(ctl, line):
    """What a real bash on a terminal runs when that was typed, tabs and all."""
    ours, theirs = pty.openpty()
    # readline does not complete in a terminal that it takes for dumb.
    environment = ctl.environment(PS1="$ ", TERM="xterm", HISTFILE="/dev/null", INPUTRC="/dev/null",
                                  PATH=os.path.dirname(program("convenectl")) + ":/usr/bin:/bin")
    process = subprocess.Popen(["bash", "--norc", "--noprofile", "-i"], stdin=theirs, stdout=theirs,
                               stderr=theirs, env=environment, start_new_session=True)
    os.close(theirs)
    try:
        source = shlex.quote(os.path.join(FOLDER, "bash", "convenectl"))
        os.write(ours, f"source {source}; echo rea''dy\n".encode())
        read_terminal(ours, lambda text: "ready" in text)
        os.write(ours, f"convenectl {ctl.flag} {line}; echo en''d; exit\n".encode())
        return read_terminal(ours, lambda text: "end\n" in text)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


@pytest.mark.covers("convenectl: completion in bash")
def test_bash_on_a_terminal(ctl, service):
    assert "standup\n" in typed_in_bash(ctl, "show-ses\tst\t--json=sh\t | grep -o standup")
    assert service.calls
    out = typed_in_bash(ctl, "list-part\t--ses\tstan\t --json=sh\t")
    assert "--session=standup" in out and "[]\nend" in out


# --- zsh --------------------------------------------------------------------------------------


def zsh_replies(ctl, *words):
    """What the function hands to zsh's _describe, its other ends being ours."""
    script = ('_call_program() { shift; eval "$@"; }; '
              '_describe() { while [[ $1 == -[tS] ]]; do shift 2; done; print -l -- "${(@P)2}"; }; '
              'file=$1; shift; words=("$@"); CURRENT=$#; f() { source $file }; f')
    done = subprocess.run(
        ["zsh", "-f", "-c", script, "zsh", os.path.join(FOLDER, "zsh", "_convenectl"),
         program("convenectl"), ctl.flag, *words], env=ctl.environment(), check=True,
        stdout=subprocess.PIPE, text=True)
    return [line for line in done.stdout.splitlines() if line]


@pytest.mark.covers("convenectl: completion in zsh")
def test_zsh(ctl, service):
    assert zsh_replies(ctl, "show-session", "st") == ['standup:session 1 "standup", active']
    assert zsh_replies(ctl, "list-participants", "--sess") == ["--session=:option"]
    assert zsh_replies(ctl, "list-participants", "--session=st") == [
        '--session=standup:session 1 "standup", active']
    assert zsh_replies(ctl, "show-participant", "bob\\,\\ t") == [
        'bob, the "builder":participant 2 "bob, the "builder"", active']
    assert zsh_replies(ctl, "show-session", "") == [
        'standup:session 1 "standup", active', "2:session 2, active"]
    assert zsh_replies(ctl, "show-session", "nobody") == []
