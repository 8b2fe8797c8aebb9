# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an end of the daemon leaves behind, and what the next start makes of it."""

import contextlib
import glob
import os
import shutil
import sqlite3
import threading
import time

import pytest

from harness.bus import BusError, call
from harness.daemon import PARTICIPANT, SESSION, Daemon, DaemonEnded, variants
from harness.wait import wait_for

NOT_DURABLE = ("SyncedUSec", "Attempts", "NextAttemptUSec")
SESSION_1 = "/org/convened1/session/1"
P1, P2, P3 = (f"/org/convened1/participant/{n}" for n in (1, 2, 3))
NO_WAIT = variants({"Wait": False})


@pytest.fixture(name="daemon")
def fixture_daemon(bus, simulator):
    """With a session, two participants in it who hear each other, and one in none."""
    with Daemon(bus, base_url=simulator.base_url) as daemon:
        daemon.create_session(Tag="call")
        for n in (1, 2):
            daemon.create_participant(Tag=f"p{n}", Session=SESSION_1, SubscriptionMode="session")
        daemon.create_participant(Tag="p3", PublishPermissions=["AUDIO"])
        yield daemon


def registry(daemon):
    """All objects: path to properties."""
    rows = [row for method in ("ListSessions", "ListParticipants")
            for row in daemon.manager(method, "a{sv}tu", ({}, 0, 1000))[0]]
    return {path: {name: value for name, (_, value) in properties.items()}
            for path, properties in rows}


def assert_agrees(daemon, simulator):
    """Everything at the API is in the registry or counted, and all of the registry is there."""
    objects = registry(daemon)
    state = simulator.state()
    known = {properties["Id"] for properties in objects.values()}
    there = set(state["sessions"]) | set(state["participants"])
    assert known <= there and "" not in known
    assert len(there - known) <= daemon.properties()["SuspectedOrphans"]
    for properties in objects.values():
        if "SessionId" in properties:
            assert properties["Id"] in state["sessions"].get(
                properties["SessionId"], {"participants": [properties["Id"]]})["participants"]


def in_sync(daemon, simulator):
    daemon.await_property("/org/convened1", "PendingCount", 0)
    assert_agrees(daemon, simulator)


# Each of the calls that change something, with Wait false; and what is to be seen in the end.
CALLS = {
    "create session": (
        lambda d: d.create_session(Tag="new", Wait=False),
        lambda o: o["/org/convened1/session/2"]["Tag"] == "new"),
    "create participant": (
        lambda d: d.create_participant(Tag="new", Wait=False),
        lambda o: o["/org/convened1/participant/4"]["Tag"] == "new"),
    "create participant in session": (
        lambda d: d.create_participant(Session=SESSION_1, SubscriptionMode="session", Wait=False),
        lambda o: "/org/convened1/participant/4" in o[SESSION_1]["Participants"]),
    "add": (
        lambda d: d.call(SESSION_1, SESSION, "AddParticipant", "oa{sv}", (P3, NO_WAIT)),
        lambda o: o[P3]["Session"] == SESSION_1),
    "remove": (
        lambda d: d.call(SESSION_1, SESSION, "RemoveParticipant", "oa{sv}", (P1, NO_WAIT)),
        lambda o: o[P1]["Session"] == "/"),
    "subscribe": (
        lambda d: d.call(P1, PARTICIPANT, "SetSubscriptions", "sa(oas)a{sv}",
                         ("participants", [(P2, ["camera"])], NO_WAIT)),
        lambda o: o[P1]["Publishers"] == [(P2, ["camera"])]),
    "delete participant": (
        lambda d: d.call(P1, PARTICIPANT, "Delete", "a{sv}", (NO_WAIT,)),
        lambda o: P1 not in o),
    "delete session": (
        lambda d: d.call(SESSION_1, SESSION, "Delete", "a{sv}", (NO_WAIT,)),
        lambda o: SESSION_1 not in o and o[P1]["Session"] == "/"),
}


@pytest.mark.covers("name: number", "token: survives a restart")
def test_all_is_kept(daemon, simulator):
    daemon.call(P1, PARTICIPANT, "SetSubscriptions", "sa(oas)a{sv}",
                ("participants", [(P2, ["camera", "screen"])], {}))
    before = registry(daemon)
    token = daemon.call(P1, PARTICIPANT, "GetToken")[0]
    daemon.restart()

    after = registry(daemon)
    for objects in (before, after):
        for properties in objects.values():
            for name in NOT_DURABLE:
                del properties[name]
    assert after == before
    assert daemon.call(P1, PARTICIPANT, "GetToken")[0] == token
    assert daemon.create_session() == "/org/convened1/session/2"
    in_sync(daemon, simulator)


@pytest.mark.covers("name: name after restore")
def test_who_sees_the_name_sees_everything(daemon):
    before = registry(daemon).keys()
    for _ in range(5):
        daemon.kill()
        daemon.bus.await_owner("org.convened1", present=False)
        connection = daemon.bus.connect()
        daemon.spawn()
        daemon.bus.await_owner("org.convened1")
        daemon.connection = connection
        assert registry(daemon).keys() == before


@pytest.mark.covers("state: verified")
def test_verified_by_reads_alone(daemon, simulator):
    """Neither a change that went well nor a restart makes it newer."""
    in_sync(daemon, simulator)
    daemon.manager("Sync")
    wait_for(lambda: all(row["SyncedUSec"] for row in registry(daemon).values()))
    simulator.set_faults({"method": "GET", "kind": "refuse"})
    before = daemon.properties(P1)["SyncedUSec"]
    daemon.call(P1, PARTICIPANT, "SetSubscriptions", "sa(oas)a{sv}", ("none", [], {}))
    assert daemon.properties(P1)["SyncedUSec"] == before

    daemon.kill()
    daemon.start()
    daemon.await_property("/org/convened1", "ApiState", "offline")
    assert daemon.properties(P1)["SyncedUSec"] <= before
    simulator.set_faults()
    daemon.await_property(P1, "SyncedUSec", lambda synced: synced > before)


@pytest.mark.covers("name: number")
def test_numbers_are_never_used_again(daemon):
    daemon.call(P3, PARTICIPANT, "Delete", "a{sv}", ({},))
    daemon.restart()
    assert daemon.create_participant() == "/org/convened1/participant/4"


@pytest.mark.covers("reply: accepted is kept over a restart", "key: Session.Delete Wait",
                    "key: Participant.Delete Wait", "key: Participant.SetSubscriptions Wait",
                    "key: Session.RemoveParticipant Wait")
@pytest.mark.parametrize("name", CALLS)
def test_accepted_survives_kill(daemon, simulator, name):
    """Killed as soon as it has said yes, before the API has answered."""
    call, expect = CALLS[name]
    simulator.set_faults({"kind": "latency", "ms": 500})
    call(daemon)
    daemon.kill()
    simulator.set_faults()
    daemon.start()
    in_sync(daemon, simulator)
    assert expect(registry(daemon))


@pytest.mark.parametrize("name", CALLS)
def test_killed_between_request_and_answer(daemon, simulator, name):
    """The API carries it out, and nobody is there for its answer."""
    call, expect = CALLS[name]
    last = simulator.requests()[-1]["seq"]
    simulator.set_faults({"method": "GET", "kind": "latency", "ms": 0},
                         {"kind": "hang", "effect": True, "count": 1})
    call(daemon)
    wait_for(lambda: [r for r in simulator.requests(last) if r["method"] != "GET"])
    daemon.kill()
    simulator.set_faults()
    daemon.start()
    in_sync(daemon, simulator)
    assert expect(registry(daemon))

    posts = [r for r in simulator.requests(last) if r["method"] == "POST"]
    creates = name.startswith("create")
    assert len(posts) == (2 if creates else 0)
    assert daemon.properties()["SuspectedOrphans"] == (1 if creates else 0)


@pytest.mark.covers("unix signal: convened SIGTERM", "daemon: stop with a creation in flight")
def test_sigterm_waits_for_a_creation_in_flight(daemon, simulator):
    last = simulator.requests()[-1]["seq"]
    simulator.set_faults({"method": "POST", "kind": "latency", "ms": 700})
    path = daemon.create_session(Tag="late", Wait=False)
    wait_for(lambda: len(simulator.state()["sessions"]) == 2 or simulator.requests(last))
    daemon.stop()
    daemon.start()
    assert daemon.properties(path)["Id"] in simulator.state()["sessions"]
    assert daemon.properties()["SuspectedOrphans"] == 0
    assert len([r for r in simulator.requests(last) if r["method"] == "POST"]) == 1
    in_sync(daemon, simulator)


@pytest.mark.covers("configuration: [Api] RequestTimeoutSec",
                    "daemon: stop with a creation in flight")
def test_sigterm_does_not_wait_for_ever(daemon, simulator):
    daemon.config["Api"]["RequestTimeoutSec"] = 1
    daemon.restart()
    last = simulator.requests()[-1]["seq"]
    simulator.set_faults({"method": "POST", "kind": "hang", "effect": True, "count": 1})
    daemon.create_session(Tag="lost", Wait=False)
    wait_for(lambda: simulator.requests(last))
    assert daemon.stop() < 3
    daemon.start()
    in_sync(daemon, simulator)
    assert daemon.properties()["SuspectedOrphans"] == 1


@pytest.mark.covers("daemon: stop with a creation in flight", "daemon: stop sends nothing new")
def test_sigterm_loses_and_doubles_nothing(daemon, simulator):
    """Stopped again and again with all that it may send in flight: each creation is sent once."""
    daemon.config["Api"]["MaxConcurrentRequests"] = 8
    daemon.restart()
    in_sync(daemon, simulator)
    last = simulator.requests()[-1]["seq"]
    simulator.set_faults({"method": "POST", "kind": "latency", "ms": 300})
    for n in range(15):
        session = daemon.create_session(Tag=f"s{n}", Wait=False)
        daemon.create_participant(Tag=f"late{n}", Session=session, Wait=False)

    n_stops = 0
    while daemon.properties()["PendingCount"] > 0:
        before = len(simulator.requests(last, method="POST"))
        wait_for(lambda: len(simulator.requests(last, method="POST")) > before
                 or daemon.properties()["PendingCount"] == 0)
        daemon.restart()
        n_stops += 1
    assert n_stops >= 2  # or nothing was in flight
    in_sync(daemon, simulator)
    assert len(simulator.requests(last, method="POST")) == 30
    assert daemon.properties()["SuspectedOrphans"] == 0
    tags = [properties["Tag"] for properties in registry(daemon).values()]
    assert len(tags) == 34 and len(set(tags)) == 34
    for kind in ("sessions", "participants"):
        assert len(simulator.state()[kind]) == (16 if kind == "sessions" else 18)


@pytest.mark.covers("configuration: [Api] MaxConcurrentRequests", "daemon: stop sends nothing new")
def test_sigterm_sends_nothing_new(daemon, simulator):
    """One request at a time: what waits for its turn is left to the next start."""
    daemon.config["Api"]["MaxConcurrentRequests"] = 1
    daemon.restart()
    in_sync(daemon, simulator)
    last = simulator.requests()[-1]["seq"]
    simulator.set_faults({"method": "POST", "kind": "latency", "ms": 700})
    daemon.create_session(Tag="first", Wait=False)
    second = daemon.create_session(Tag="second", Wait=False)
    daemon.stop()
    assert len(simulator.state()["sessions"]) <= 2
    simulator.set_faults()
    daemon.start()
    in_sync(daemon, simulator)
    assert daemon.properties(second)["State"] == "active"
    assert daemon.properties()["SuspectedOrphans"] == 0
    assert len([r for r in simulator.requests(last) if r["method"] == "POST"]) == 2


@pytest.mark.covers("reply: while it stops", "error: Unavailable")
def test_sigterm_answers_and_refuses(daemon, simulator):
    """Who waits is told that it is accepted; who comes now is sent away; reads go on."""
    simulator.set_faults({"method": "POST", "kind": "latency", "ms": 700})
    answers = []
    other = daemon.bus.connect()

    def create():
        answers.append(call(other, "org.convened1", "/org/convened1", "org.convened1.Manager",
                            "CreateSession", "a{sv}", ({},)))

    thread = threading.Thread(target=create)
    thread.start()
    daemon.await_property("/org/convened1", "SessionCount", 2)
    daemon.process.terminate()
    daemon.await_notification("STOPPING=1")
    with pytest.raises(BusError) as error:
        daemon.create_session()
    assert error.value.name == "org.convened1.Error.Unavailable"
    assert daemon.properties(SESSION_1)["Tag"] == "call"
    daemon.await_end()
    thread.join()
    other.close()
    assert answers == [("/org/convened1/session/2",)]


@pytest.mark.covers("daemon: stop with nothing in flight")
def test_sigterm_with_nothing_in_flight_is_quick(daemon, simulator):
    in_sync(daemon, simulator)
    simulator.set_faults({"method": "GET", "kind": "hang"})
    daemon.manager("Sync")
    begin = time.monotonic()
    daemon.stop()
    assert time.monotonic() - begin < 1


# What passes SQLite's own check and cannot be what the daemon wrote, and what is said of it.
DAMAGE = {
    "wanted in no session": (
        "UPDATE objects SET wanted_session = 7 WHERE kind = 1 AND number = 2",
        "participant 2 is in a session that is not there"),
    "observed in no session": (
        "UPDATE objects SET observed_session = 7 WHERE kind = 1 AND number = 2",
        "participant 2 is in a session that is not there"),
    "the session is lost": (
        "DELETE FROM objects WHERE kind = 0",
        "participant 1 is in a session that is not there"),
    "hears nobody": (
        "UPDATE objects SET wanted_mode = 2 WHERE kind = 1 AND number = 2;"
        "INSERT INTO subscriptions VALUES (1, 2, 0, 0, 3000, NULL, NULL)",
        "participant 2 is to hear one that is not there"),
    "an id twice": (
        "{copy without UNIQUE}; INSERT INTO copy SELECT * FROM objects; DROP TABLE objects;"
        "ALTER TABLE copy RENAME TO objects;"
        "UPDATE objects SET api_id = (SELECT max(api_id) FROM objects WHERE kind = 1)"
        " WHERE kind = 1", "participant 2 has a number or an id that another one has"),
    "no key": (
        "CREATE TABLE copy AS SELECT * FROM objects; DROP TABLE objects;"
        "ALTER TABLE copy RENAME TO objects", "ON CONFLICT clause does not match"),
    "a column is missing": (
        "ALTER TABLE objects DROP COLUMN synced_at", "synced_at"),
    "above the counter": (
        "UPDATE counters SET last_participant = 2",
        "participant 3 is above the last number given, 2"),
    "a session in a session": (
        "UPDATE objects SET wanted_mode = 0, wanted_session = 1 WHERE kind = 0",
        "wanted_session of session 1 has an impossible value"),
    "in a session of no name": (
        "UPDATE objects SET observed_session = 0 WHERE kind = 1 AND number = 1",
        "observed_session of participant 1 has an impossible value"),
}


@pytest.mark.covers("exit: convened 78")
def test_damaged_rows(daemon):
    """Nothing is guessed: the file stays, a copy is set aside, and no start is made of it."""
    daemon.stop()
    state = os.path.join(daemon.state_directory, "state.db")
    kept = daemon.folder.path("kept.db")
    assert os.listdir(daemon.state_directory).count("state.db-wal") == 0
    shutil.copy(state, kept)
    for n, (name, (sql, text)) in enumerate(DAMAGE.items()):
        shutil.copy(kept, state)
        with contextlib.closing(sqlite3.connect(state)) as connection:
            table, = connection.execute("SELECT sql FROM sqlite_schema WHERE name = 'objects'")
            table = table[0].replace("TABLE objects", "TABLE copy")
            connection.executescript(sql.replace(
                "{copy without UNIQUE}", table.replace(",  UNIQUE (kind, api_id)", "")))
        os.utime(state, (1_700_000_000 + n,) * 2)
        with open(state, "rb") as file:
            damaged = file.read()
        for _ in range(2):
            with pytest.raises(DaemonEnded) as ended:
                daemon.start()
            assert ended.value.status == 78 and text in ended.value.text, (name, ended.value)
            assert "Restore it from a backup" in ended.value.text
        copies = glob.glob(state + ".damaged-*")
        assert len([copy for copy in copies if not copy.endswith("-wal")]) == n + 1, name
        with open(max(copy for copy in copies if not copy.endswith("-wal")), "rb") as file:
            assert file.read() == damaged, name
    shutil.copy(kept, state)
    daemon.start()
    assert daemon.properties()["ParticipantCount"] == 3
