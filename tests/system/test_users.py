# SPDX-License-Identifier: LGPL-2.1-or-later
"""Several people share the machine: what the bus lets through, and who may do what."""

import os
import pathlib
import signal
import time

import pytest
from jeepney import HeaderFields

from harness.bus import BusError
from harness.daemon import MANAGER, NAME, PARTICIPANT, PATH, SESSION, variants
from harness.wait import wait_for
from machine import PROPERTIES, UNIT, User, figure, run, show, systemctl, write

S1, P1, P2 = (PATH + "/" + name for name in ("session/1", "participant/1", "participant/2"))
CREATE = (PATH, MANAGER, "CreateSession", "a{sv}", ({},))
DELETE = (S1, SESSION, "Delete", "a{sv}", ({},))
TOKEN = (P1, PARTICIPANT, "GetToken")
RELOAD = (PATH, MANAGER, "Reload")
LOG_CONTROL = "/org/freedesktop/LogControl1"


@pytest.mark.covers("machine: outsiders can't call")
def test_outsiders_can_not_call(machine):
    machine.start()
    alice, carol = machine.users("alice", "carol")
    alice.create("Session")
    for call in ((PATH, MANAGER, "ListSessions", "a{sv}tu", ({}, 0, 0)),
                 (PATH, MANAGER, "CreateSession", "a{sv}", ({},)),
                 (S1, PROPERTIES, "GetAll", "s", (SESSION,)),
                 (PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects"),
                 (S1, "org.freedesktop.DBus.Introspectable", "Introspect"),
                 (PATH, "org.freedesktop.DBus.Peer", "Ping"),
                 (LOG_CONTROL, PROPERTIES, "GetAll", "s", ("org.freedesktop.LogControl1",))):
        assert carol.refused(*call) == "AccessDenied"
    # The unique name is no way around it.
    owner = carol.bus("GetNameOwner", "s", (NAME,))[0]
    with pytest.raises(BusError, match="AccessDenied"):
        carol.call(PATH, MANAGER, "Sync", destination=owner)


def senders_until(user, departed):
    """Who sent what a user has heard up to the departure of a unique name."""
    senders = []
    while True:
        message = user.connection.receive(timeout=10)
        fields = message.header.fields
        if (fields.get(HeaderFields.member) == "NameOwnerChanged"
                and (message.body[0], message.body[2]) == (departed, "")):
            return senders
        senders.append(fields.get(HeaderFields.sender))


@pytest.mark.covers("machine: outsiders hear nothing")
def test_outsiders_hear_nothing(machine):
    machine.start()
    alice, bob, carol = machine.users("alice", "bob", "carol")
    for user in (bob, carol):
        user.bus("AddMatch", "s", ("type='signal'",))
    alice.create("Session", Tag="secret")
    # The bus tells everybody, and after all that came before.
    with User("root") as passing:
        departed = passing.unique_name
    daemon = alice.bus("GetNameOwner", "s", (NAME,))[0]
    assert daemon in senders_until(bob, departed)
    assert daemon not in senders_until(carol, departed)


@pytest.mark.covers("machine: nobody takes the name")
def test_nobody_takes_the_name(machine):
    for name in ("alice", "carol"):
        user = machine.user(name)
        with pytest.raises(BusError, match="AccessDenied"):
            user.bus("RequestName", "su", (NAME, 0))


@pytest.mark.covers("machine: owners")
def test_owners(machine):
    machine.start()
    root, alice, bob = machine.users("root", "alice", "bob")
    alice.create("Session"), alice.create("Participant"), bob.create("Participant")
    assert [bob.get(path)["Owner"] for path in (S1, P1, P2)] == [alice.uid, alice.uid, bob.uid]
    for call in (DELETE, (P1, PARTICIPANT, "Delete", "a{sv}", ({},)),
                 TOKEN, (P1, PARTICIPANT, "SetSubscriptions", "sa(oas)a{sv}", ("none", [], {})),
                 (S1, SESSION, "AddParticipant", "oa{sv}", (P1, {})),
                 (S1, SESSION, "AddParticipant", "oa{sv}", (P2, {})),
                 (PATH, MANAGER, "CreateParticipant", "a{sv}", (variants({"Session": S1}),))):
        assert bob.refused(*call) == "InteractiveAuthorizationRequired"
    assert alice.call(*TOKEN)[0] == root.call(*TOKEN)[0]
    root.call(S1, SESSION, "AddParticipant", "oa{sv}", (P2, {}))
    bob.call(S1, SESSION, "RemoveParticipant", "oa{sv}", (P2, {}))
    root.call(S1, SESSION, "Delete", "a{sv}", ({},))


RULES = pathlib.Path("/etc/polkit-1/rules.d/50-convened-test.rules")


@pytest.fixture(name="polkit")
def fixture_polkit():
    """A function that has polkit say so, such as "YES", of these actions and everybody."""
    def say(result, *actions):
        names = ", ".join(f'"org.convened1.{action}"' for action in actions)
        write(RULES, "polkit.addRule(function(action, subject) {\n"
                     f"        if ([{names}].indexOf(action.id) >= 0)\n"
                     f"                return polkit.Result.{result};\n"
                     "});\n")
        systemctl("restart", "polkit.service")

    yield say
    RULES.unlink(missing_ok=True)
    systemctl("unmask", "--runtime", "polkit.service")
    systemctl("restart", "polkit.service")


@pytest.fixture(name="alice_bob")
def fixture_alice_bob(machine):
    """Session 1 and participant 1 are Alice's."""
    machine.start()
    alice, bob = machine.users("alice", "bob")
    alice.create("Session"), alice.create("Participant")
    return alice, bob


@pytest.mark.covers("machine: polkit's defaults", "right: a password may be asked for")
def test_polkit_defaults(alice_bob):
    """An administrator's password, and nobody may be asked for it."""
    _, bob = alice_bob
    for call in (DELETE, TOKEN, RELOAD):
        assert bob.refused(*call) == "InteractiveAuthorizationRequired"


@pytest.mark.covers("right: others' objects", "right: others' tokens", "right: Reload by others")
@pytest.mark.parametrize("action, call", [("manage-others", DELETE), ("read-tokens", TOKEN),
                                          ("reload", RELOAD)])
def test_polkit_says_yes(alice_bob, polkit, action, call):
    """It answers a daemon that is not root, as the action names that as its owner."""
    _, bob = alice_bob
    polkit("YES", action)
    for other in (DELETE, TOKEN, RELOAD):
        if other != call:
            assert bob.refused(*other) == "InteractiveAuthorizationRequired"
    bob.call(*call)


def test_polkit_says_no(alice_bob, polkit):
    _, bob = alice_bob
    polkit("NO", "manage-others", "read-tokens", "reload")
    for call in (DELETE, TOKEN, RELOAD):
        assert bob.refused(*call) == "AccessDenied"


@pytest.mark.covers("right: no polkit, or no answer", "right: root")
def test_without_polkit(machine, alice_bob, polkit):
    """Masked: root may all the same, and owners what is theirs."""
    alice, bob = alice_bob
    systemctl("mask", "--runtime", "--now", "polkit.service")
    for call in (DELETE, TOKEN, RELOAD):
        assert bob.refused(*call) == "AccessDenied"
    assert alice.call(*TOKEN)
    assert machine.user("root").call(*RELOAD) == ()


@pytest.mark.covers("right: no polkit, or no answer", "right: nobody else waits")
def test_polkit_that_hangs(machine, alice_bob, polkit):
    """A refusal in the end, and nobody else waits for it."""
    alice, bob = alice_bob
    polkit("YES", "manage-others", "read-tokens", "reload")
    pid = int(show("MainPID", "polkit.service"))
    os.kill(pid, signal.SIGSTOP)
    try:
        bob.send(*DELETE)
        begin = time.monotonic()
        for _ in range(20):
            assert alice.call(*TOKEN)
        quick = time.monotonic() - begin
        assert bob.refused(*TOKEN) == "AccessDenied"
        assert quick < (time.monotonic() - begin) / 2
    finally:
        os.kill(pid, signal.SIGCONT)
    assert alice.get(S1)["State"] == "active"


@pytest.mark.covers("machine: log level", "right: log level and target")
def test_log_level_is_for_root(machine):
    machine.start()
    assert systemctl("service-log-level", UNIT).stdout.strip() == "info"
    systemctl("service-log-level", UNIT, "debug")
    assert systemctl("service-log-level", UNIT).stdout.strip() == "debug"
    alice, = machine.users("alice")
    for name, value in (("LogLevel", "err"), ("LogTarget", "null")):
        assert alice.refused(LOG_CONTROL, PROPERTIES, "Set", "ssv",
                             ("org.freedesktop.LogControl1", name, ("s", value))) == "AccessDenied"
    assert systemctl("service-log-level", UNIT).stdout.strip() == "debug"


@pytest.mark.covers("machine: log level", "right: log level and target")
def test_log_level_is_for_its_own_user(machine):
    """And nothing else is."""
    machine.start()
    itself, = machine.users("convened")
    log = "org.freedesktop.LogControl1"
    itself.call(LOG_CONTROL, PROPERTIES, "Set", "ssv", (log, "LogLevel", ("s", "warning")))
    assert itself.call(LOG_CONTROL, PROPERTIES, "Get", "ss", (log, "LogLevel")) == (
        ("s", "warning"),)
    assert systemctl("service-log-level", UNIT).stdout.strip() == "warning"
    assert itself.refused(*CREATE) == "AccessDenied"
    assert itself.refused(*RELOAD) == "AccessDenied"


@pytest.mark.covers("option: convenectl --system", "exit: convenectl 6")
def test_command_line(machine):
    """As people call it: each with a login's own rights."""
    machine.start()

    def convenectl(user, *arguments):
        return run("runuser", "-u", user, "--", "convenectl", "--system", *arguments, check=False)

    assert convenectl("alice", "create-session", "standup").returncode == 0
    assert "standup" in convenectl("bob", "list-sessions").stdout
    assert convenectl("bob", "delete-session", "standup").returncode == 6
    assert convenectl("carol", "list-sessions").returncode == 6
    assert convenectl("alice", "delete-session", "standup").returncode == 0


@pytest.mark.covers("machine: not enabled", "exit: convenectl 5")
def test_command_line_without_service(machine):
    """Where the bus leaves starting to systemd, its errors are systemd's."""
    machine.configure()
    result = run("runuser", "-u", "alice", "--", "convenectl", "--system", "status", check=False)
    assert result.returncode == 5, result.stdout
    assert "does not run on the system bus" in result.stdout
    assert "systemctl start convened" in result.stdout
    systemctl("mask", "--runtime", UNIT)
    try:
        result = run("convenectl", "status", check=False)
    finally:
        systemctl("unmask", "--runtime", UNIT)
    assert result.returncode == 5 and "does not run" in result.stdout, result.stdout


def p99_msec(times):
    return sorted(times)[len(times) * 99 // 100] * 1000


@pytest.mark.covers("right: a caller that vanishes")
def test_callers_that_vanish(machine):
    """T7: calls whose senders have left before anybody could ask who they are do nothing that
    their senders may not, and others go on."""
    machine.start()
    alice, bob = machine.users("alice", "bob")
    alice.create("Session"), alice.create("Participant")
    before, pid, n = alice.get(S1), show("MainPID"), 10000
    calls = [DELETE, TOKEN] * 9 + [CREATE]

    def ping():
        begin = time.monotonic()
        alice.call(S1, PROPERTIES, "GetAll", "s", (SESSION,))
        return time.monotonic() - begin

    quiet = p99_msec([ping() for _ in range(500)])
    times = []
    for i in range(n):
        with User("bob") as user:
            user.send(*calls[i % len(calls)])
        if i % 20 == 0:
            times.append(ping())
    busy = p99_msec(times)

    bob.create("Session")
    wait_for(lambda: alice.get()["PendingCount"] == 0, 60)
    effects = [name for name in ("State", "LastError", "Participants")
               if alice.get(S1)[name] != before[name]]
    owners, after = set(), 0
    while after or not owners:
        page, after = alice.manager("ListSessions", "a{sv}tu",
                                    ({"Fields": ("as", ["Owner"])}, after, 1000))
        owners |= {row["Owner"][1] for _, row in page}
    figure(f"T7: unauthorised effects of {n} callers that vanish: {len(effects)} (goal 0); "
           f"another's p99: {busy:.1f} ms, quiet {quiet:.1f} ms")
    assert effects == [] and owners == {alice.uid, bob.uid}
    assert show("MainPID") == pid


def test_quotas(machine):
    machine.start(Bus={"MaxObjectsPerUser": 2})
    root, alice, bob = machine.users("root", "alice", "bob")
    for user in (alice, bob):
        user.create("Session"), user.create("Session")
        assert user.refused(*CREATE) == "LimitsExceeded"
    assert [root.create("Session") for _ in range(3)]
