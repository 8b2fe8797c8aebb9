# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the journal has to tell an administrator: enough, and no more."""

import re

import pytest

from harness.daemon import PARTICIPANT, PATH, SESSION
from harness.wait import wait_for
from machine import UNIT, run, show, systemctl

NOTICE, INFORMATION = 5, 6


def said(machine, after=0):
    """The daemon's own entries of this test, oldest first."""
    return [entry for entry in machine.journal("SYSLOG_IDENTIFIER=convened")
            if entry["_SYSTEMD_UNIT"] == UNIT][after:]


def texts(entries):
    return [entry["MESSAGE"] for entry in entries]


def explained():
    """The message ids that the journal's catalog knows, with what it says in short."""
    run("journalctl", "--update-catalog")
    listed = run("journalctl", "--list-catalog").stdout
    return dict(re.findall(r"(?m)^([0-9a-f]{32}) convened: (.+)$", listed))


@pytest.mark.covers("machine: quiet", "daemon: journal")
def test_healthy_day(machine):
    """All that users do, and a reload: a line for each thing that came or went, and no other."""
    machine.start()
    alice, bob = machine.users("alice", "bob")
    first, second = (alice.create("Session", Tag=tag) for tag in ("one", "two"))
    anna, ben = (alice.create("Participant", Session=first, SubscriptionMode="session")
                 for _ in range(2))
    chris = alice.create("Participant")
    alice.call(second, SESSION, "AddParticipant", "oa{sv}", (chris, {}))
    alice.call(anna, PARTICIPANT, "SetSubscriptions", "sa(oas)a{sv}",
               ("participants", [(ben, [])], {}))
    for path, interface in ((first, SESSION), (anna, PARTICIPANT)):
        bob.call(path, interface, "Refresh")
    alice.manager("Sync")
    bob.manager("ListParticipants", "a{sv}tu", ({}, 0, 0))
    assert alice.call(anna, PARTICIPANT, "GetToken")[0]
    alice.call(second, SESSION, "RemoveParticipant", "oa{sv}", (chris, {}))
    stranger = machine.simulator.create_session()
    bob.manager("AdoptSession", "sa{sv}", (stranger["id"], {}))
    systemctl("reload", UNIT)
    alice.call(ben, PARTICIPANT, "Delete", "a{sv}", ({},))
    alice.call(second, SESSION, "Delete", "a{sv}", ({},))
    wait_for(lambda: alice.get()["PendingCount"] == 0)
    systemctl("stop", UNIT)

    entries = said(machine)
    assert sorted(texts(entries)[1:]) == sorted([
        "The API answers.",
        "A session was created. [session 1, tag one]",
        "A session was created. [session 2, tag two]",
        *[f"A participant was created. [participant {number}]" for number in (1, 2, 3)],
        "A session was adopted. [session 3]",
        "Configuration and credentials have been read again and are in force.",
        "A participant was deleted. [participant 2]", "A session was deleted. [session 2, tag two]",
        "Stopping on SIGTERM."])
    assert "serves the system bus" in entries[0]["MESSAGE"]
    assert {int(entry["PRIORITY"]) for entry in entries} == {NOTICE, INFORMATION}
    assert {entry["MESSAGE_ID"] for entry in entries} <= set(explained())


@pytest.mark.covers("machine: fields", "daemon: journal")
def test_fields(machine):
    """As "journalctl -o json" prints them, and as it finds entries by them."""
    machine.start()
    alice, = machine.users("alice")
    session = alice.create("Session", Tag="standup")
    participant = alice.create("Participant", Tag="desk")
    machine.simulator.set_faults({"method": "DELETE", "kind": "status", "status": 500, "count": 1,
                                  "body": '{"error":"Out of order","requestId":"r-42"}'})
    alice.call(participant, PARTICIPANT, "Delete", "a{sv}", ({},))
    wait_for(lambda: alice.get()["ParticipantCount"] == 0)

    of_daemon = str(alice.bus("GetConnectionUnixUser", "s", ("org.convened1",))[0])
    known = {"SYSLOG_IDENTIFIER": "convened", "OBJECT_UID": str(alice.uid), "_UID": of_daemon,
             "_SYSTEMD_UNIT": UNIT}
    created, = machine.journal("CONVENED_SESSION=1")
    assert (known | {
        "CONVENED_ID": alice.get(session)["Id"], "CONVENED_TAG": "standup",
        "OPERATION": "createSession", "ATTEMPT": "1", "HTTP_STATUS": "200"
    }).items() <= created.items()
    assert created["REQUEST_ID"] and "CONVENED_PARTICIPANT" not in created

    entries = machine.journal("CONVENED_PARTICIPANT=1", "CONVENED_TAG=desk",
                              f"OBJECT_UID={alice.uid}")
    assert [(entry["OPERATION"], entry["ATTEMPT"], entry["HTTP_STATUS"]) for entry in entries] == [
        ("createParticipant", "1", "200"), ("deleteParticipant", "1", "500"),
        ("deleteParticipant", "2", "204")]
    assert all(known.items() <= entry.items() for entry in entries)
    assert len({entry["CONVENED_ID"] for entry in entries}) == 1
    assert machine.journal("REQUEST_ID=r-42") == [entries[1]]
    assert entries[1]["MESSAGE"] == ("deleteParticipant failed: Out of order "
                                     "[participant 1, tag desk]")


@pytest.mark.covers("machine: catalog")
def test_everything_is_explained(machine):
    """What is logged, the catalog knows; and what it says is for who has to act."""
    known = explained()
    machine.configure(Api={"Unheard": "of"})
    systemctl("start", UNIT)
    machine.set_credentials()
    systemctl("restart", UNIT)
    alice, = machine.users("alice")
    session = alice.create("Session", Tag="standup")
    machine.simulator.set_faults(
        {"method": "POST", "path": "/participants", "kind": "drop", "count": 1},
        {"method": "POST", "path": "/sessions", "kind": "status", "status": 400, "count": 1},
        {"method": "DELETE", "kind": "status", "status": 500, "count": 1})
    alice.create("Participant", Wait=False)
    alice.send(PATH, "org.convened1.Manager", "CreateSession", "a{sv}", ({},))
    wait_for(lambda: alice.get()["PendingCount"] == 0)
    machine.simulator.expire(alice.get(session)["Id"])
    alice.refused(session, SESSION, "Refresh")
    machine.configure(Api={"RequestsPerSec": "many"})
    systemctl("reload", UNIT, check=False)
    systemctl("restart", UNIT, check=False)

    entries = said(machine)
    subjects = {known[entry["MESSAGE_ID"]] for entry in entries}
    assert {"convened serves its clients", "convened is stopping", "convened was not started",
            "There are no usable credentials", "Something in the configuration was passed over",
            "Something was created at the API", "The API never told what became of a creation",
            "The API refused something for good", "The API does not have something any more",
            "Configuration and credentials could not be taken over"} <= subjects
    for message in {entry["MESSAGE_ID"] for entry in entries}:
        text = run("journalctl", "--quiet", "-x", "MESSAGE_ID=" + message,
                   f"--since=@{machine.journal_since:.6f}").stdout
        assert f"Subject: {known[message]}\n" in text and "Defined-By: convened\n" in text


@pytest.mark.covers("machine: repeats", "machine: credentials", "answer: 401")
def test_refused_credentials(machine):
    """However many calls are refused, and however often it is tried again: one line."""
    machine.configure(Reconcile={"RetryMinSec": 0.02, "RetryMaxSec": 0.05})
    machine.set_credentials("user:wrong\n")
    systemctl("start", UNIT)
    alice, = machine.users("alice")
    for _ in range(3):
        assert alice.refused(PATH, "org.convened1.Manager", "CreateSession", "a{sv}",
                             ({},)) == "Unauthorized"
    wait_for(lambda: len(machine.simulator.requests()) >= 40, 60)
    assert {request["status"] for request in machine.simulator.requests()} == {401}
    started, refused = said(machine)
    assert "serves the system bus" in started["MESSAGE"]
    assert "refuses the credentials" in refused["MESSAGE"]
    assert (refused["PRIORITY"], refused["HTTP_STATUS"]) == ("4", "401") and refused["REQUEST_ID"]


@pytest.mark.covers("machine: repeats")
def test_outage(machine):
    """A line for the attempt that first failed, one when the API is away, one when it is back."""
    machine.start(Reconcile={"RetryMinSec": 0.02, "RetryMaxSec": 0.05})
    alice, = machine.users("alice")
    sessions = [alice.create("Session") for _ in range(4)]
    before = len(said(machine))
    machine.simulator.set_faults({"kind": "status", "status": 500})
    alice.call(sessions[0], SESSION, "Delete", "a{sv}", ({},))
    wait_for(lambda: alice.get()["ApiState"] == "offline")
    for path in sessions[1:]:
        alice.call(path, SESSION, "Delete", "a{sv}", ({},))
    n = len(machine.simulator.requests())
    wait_for(lambda: len(machine.simulator.requests()) >= n + 40, 60)
    wait_for(lambda: "API offline" in show("StatusText"))
    machine.simulator.set_faults()
    wait_for(lambda: alice.get()["SessionCount"] == 0, 20)
    entries = said(machine, before)
    assert sorted(texts(entries[3:])) == [f"A session was deleted. [session {number}]"
                                          for number in (1, 2, 3, 4)]
    attempt, away, back = entries[:3]
    assert (attempt["PRIORITY"], attempt["ATTEMPT"]) == ("6", "1")
    assert (away["PRIORITY"], away["HTTP_STATUS"]) == ("4", "500")
    assert "cannot be reached or does not work" in away["MESSAGE"]
    assert (back["PRIORITY"], back["MESSAGE"]) == ("5", "The API answers.")


@pytest.mark.covers("machine: repeats", "machine: log level")
def test_attempts_for_who_asks(machine):
    """One object fails again and again: by default ever fewer lines, with debug each."""
    machine.start(Reconcile={"RetryMinSec": 0.01, "RetryMaxSec": 0.02})
    alice, = machine.users("alice")
    session = alice.create("Session")
    machine.simulator.set_faults({"method": "DELETE", "kind": "status", "status": 500})

    def attempts():
        return [int(entry["ATTEMPT"]) for entry in said(machine) if "ATTEMPT" in entry
                and entry["OPERATION"] == "deleteSession"]

    alice.call(session, SESSION, "Delete", "a{sv}", ({},))
    wait_for(lambda: alice.get(session)["Attempts"] > 32, 60)
    assert attempts()[:6] == [1, 2, 4, 8, 16, 32]
    systemctl("service-log-level", UNIT, "debug")
    n = alice.get(session)["Attempts"]
    wait_for(lambda: alice.get(session)["Attempts"] > n + 10, 60)
    of_debug = attempts()
    assert set(range(n + 2, n + 10)) <= set(of_debug)
