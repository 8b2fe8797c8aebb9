# SPDX-License-Identifier: LGPL-2.1-or-later
"""Somebody is asked for a password: polkit, its agents and its PAM as they are, none played."""

import contextlib
import os
import pathlib
import pty
import re
import select
import subprocess
import sys
import time

import pytest
from jeepney import HeaderFields, MessageType, new_error, new_method_return

from harness.daemon import PARTICIPANT, PATH, SESSION
from harness.wait import wait_for
from machine import SYSTEM_BUS, User, run, show

AUTHORITY = ("/org/freedesktop/PolicyKit1/Authority", "org.freedesktop.PolicyKit1.Authority")
AGENT = "/org/convened1/test/agent"
ADMINISTRATOR_PASSWORD = "swordfish"

# A program of Bob's that lets him be asked. It says who it is, waits for a line, calls, and says
# what came of it.
CALLER = """
import os, sys
from jeepney import DBusAddress, HeaderFields, MessageFlag, MessageType, new_method_call
from jeepney.io.blocking import open_dbus_connection
path, interface, member = sys.argv[1:]
bus = open_dbus_connection("SYSTEM")
call = new_method_call(DBusAddress(path, "org.convened1", interface), member,
                       *(("a{sv}", ({},)) if member == "Delete" else ()))
call.header.flags |= MessageFlag.allow_interactive_authorization
print(os.getpid(), flush=True)
sys.stdin.readline()
reply = bus.send_and_get_reply(call, timeout=100)
print("reply" if reply.header.message_type is MessageType.method_return
      else reply.header.fields[HeaderFields.error_name].rpartition(".")[2], flush=True)
"""


class Caller:
    """Who is asked, and does not know it."""

    def __init__(self, path, interface, member):
        self.process = subprocess.Popen(
            ["runuser", "-u", "bob", "--", sys.executable, "-c", CALLER, path, interface, member],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": SYSTEM_BUS})
        self.pid = int(self.process.stdout.readline())

    def call(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def outcome(self):
        said = self.process.stdout.readline().strip()
        assert self.process.wait(10) == 0
        return said

    def leave(self):
        os.kill(self.pid, 9)
        self.process.wait(10)

    def subject(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii")
        start = int(fields.rpartition(")")[2].split()[19])
        uid = os.stat(f"/proc/{self.pid}").st_uid
        return "unix-process", {"pid": ("u", self.pid), "start-time": ("t", start),
                                "uid": ("i", uid)}


class Agent:
    """What a desktop shows its windows with. Root's: it may say that somebody has proved to be who
    they claim, as polkit's own helper does once PAM is content."""

    def __init__(self, caller):
        self.user = User("root")
        self.authority("RegisterAuthenticationAgent", "(sa{sv})ss", (caller.subject(), "C", AGENT))

    def authority(self, member, signature, body):
        return self.user.call(*AUTHORITY, member, signature, body,
                              destination="org.freedesktop.PolicyKit1")

    def receive(self, member, timeout=20):
        deadline = time.monotonic() + timeout
        while True:
            message = self.user.connection.receive(timeout=max(0, deadline - time.monotonic()))
            if (message.header.message_type is MessageType.method_call
                    and message.header.fields[HeaderFields.member] == member):
                return message

    def accept(self, question):
        *_, cookie, identities = question.body
        self.authority("AuthenticationAgentResponse2", "us(sa{sv})", (0, cookie, identities[0]))
        self.user.connection.send(new_method_return(question))

    def dismiss(self, question):
        """The right password was not given."""
        self.user.connection.send(new_method_return(question))

    def cancel(self, question):
        self.user.connection.send(new_error(
            question, "org.freedesktop.PolicyKit1.Error.Cancelled", "s", ("Cancelled",)))

    def close(self):
        self.user.close()


@pytest.fixture(name="scene")
def fixture_scene(machine):
    """Session 1 and participant 1 are Alice's; a function that has Bob call with an agent beside
    him."""
    machine.start()
    alice, = machine.users("alice")
    session, participant = alice.create("Session"), alice.create("Participant")

    def begin(member="Delete", path=None, interface=SESSION):
        caller = Caller(path or session, interface, member)
        agent = machine.stack.enter_context(contextlib.closing(Agent(caller)))
        caller.call()
        return caller, agent

    yield alice, session, participant, begin


@pytest.mark.covers("right: a password may be asked for", "right: others' objects",
                    "machine: a password")
def test_yes(scene):
    alice, session, _, begin = scene
    caller, agent = begin()
    question = agent.receive("BeginAuthentication")
    action, message, *_ = question.body
    assert action == "org.convened1.manage-others" and message.startswith("Authentication is")
    # Nothing has happened, and nobody else waits.
    assert alice.get(session)["State"] == "active"
    agent.accept(question)
    assert caller.outcome() == "reply"
    assert alice.get()["SessionCount"] == 0


@pytest.mark.covers("machine: a password", "right: others' tokens", "right: Reload by others")
@pytest.mark.parametrize("which", ["token", "reload"])
def test_other_actions(scene, which):
    alice, _, participant, begin = scene
    caller, agent = begin(*(("GetToken", participant, PARTICIPANT) if which == "token"
                            else ("Reload", PATH, "org.convened1.Manager")))
    question = agent.receive("BeginAuthentication")
    assert question.body[0] == "org.convened1." + {"token": "read-tokens"}.get(which, which)
    agent.accept(question)
    assert caller.outcome() == "reply"


@pytest.mark.covers("machine: a password")
@pytest.mark.parametrize("how", ["dismiss", "cancel"])
def test_no(scene, how):
    alice, session, _, begin = scene
    caller, agent = begin()
    getattr(agent, how)(agent.receive("BeginAuthentication"))
    assert caller.outcome() == "AccessDenied"
    assert alice.get(session)["State"] == "active"


@pytest.mark.covers("machine: a password", "right: no polkit, or no answer")
def test_agent_vanishes(scene):
    alice, session, _, begin = scene
    caller, agent = begin()
    agent.receive("BeginAuthentication")
    agent.close()
    assert caller.outcome() == "AccessDenied"
    assert alice.get(session)["State"] == "active"


@pytest.mark.covers("machine: a password", "right: a caller that vanishes")
def test_caller_vanishes(scene):
    """The window closes, and whoever types the password all the same has typed it in vain."""
    alice, session, _, begin = scene
    caller, agent = begin()
    question = agent.receive("BeginAuthentication")
    caller.leave()
    assert agent.receive("CancelAuthentication").body == (question.body[4],)
    assert alice.get(session)["State"] == "active"
    assert alice.create("Session") and alice.get(session)["State"] == "active"


@pytest.mark.covers("machine: a password", "right: no polkit, or no answer")
def test_polkit_goes_away(scene):
    alice, session, _, begin = scene
    caller, agent = begin()
    agent.receive("BeginAuthentication")
    os.kill(int(show("MainPID", "polkit.service")), 9)
    assert caller.outcome() == "AccessDenied"
    assert alice.get(session)["State"] == "active"


class Terminal:
    """A terminal that Bob has logged in on, with a command in it and somebody who types. polkit has
    an agent that is there for want of a better one asked only within a session."""

    def __init__(self, command):
        pid, self.fd = pty.fork()
        if pid == 0:
            os.execvp("runuser", ["runuser", "-l", "bob", "--session-command", command])
        self.pid, self.said = pid, ""

    def read(self):
        """What came since; False: nothing more will."""
        if select.select([self.fd], [], [], 0)[0]:
            try:
                self.said += os.read(self.fd, 4096).decode()
            except OSError:
                return False
        return True

    def await_text(self, text):
        more = wait_for(lambda: re.search(text, self.said) or not self.read() and "end", 30)
        assert more != "end", self.said

    def type(self, text):
        os.write(self.fd, text.encode() + b"\n")

    def end(self):
        wait_for(lambda: not self.read(), 60)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.mark.covers("machine: a password")
@pytest.mark.parametrize("password, status", [(ADMINISTRATOR_PASSWORD, 0), ("guess", 6)])
@pytest.mark.parametrize("verb", ["delete-session", "token"])
def test_on_a_terminal(scene, verb, password, status):
    """polkit's own agent for terminals, its helper, PAM, and an administrator's password."""
    alice, session, participant, _ = scene
    run("chpasswd", input=f"root:{ADMINISTRATOR_PASSWORD}")
    terminal = Terminal(f"convenectl --system {verb} 1")
    terminal.await_text("Password: ?")
    assert alice.get(session)["State"] == "active"
    terminal.type(password)
    assert terminal.end() == status, terminal.said
    assert password not in terminal.said and "Waiting" not in terminal.said
    deleted = verb == "delete-session" and status == 0
    assert alice.get()["SessionCount"] == (0 if deleted else 1)
    token, = alice.call(participant, PARTICIPANT, "GetToken")
    assert (token in terminal.said) == (verb == "token" and status == 0)


def test_nobody_to_be_asked(scene):
    """No terminal, no question: what is called by a script does not wait."""
    result = run("runuser", "-u", "bob", "--", "convenectl", "--system", "token", "1", check=False)
    assert result.returncode == 6 and "password" in result.stdout
