# SPDX-License-Identifier: LGPL-2.1-or-later
"""A state that is not the newest: a backup that was restored, a machine that was cloned."""

import contextlib
import glob
import os
import shutil
import sqlite3

import pytest

from harness.daemon import PARTICIPANT, SESSION, Daemon, variants
from harness.wait import wait_for

SESSION_1, SESSION_2, SESSION_3 = (f"/org/convened1/session/{n}" for n in (1, 2, 3))
P1, P2, P3 = (f"/org/convened1/participant/{n}" for n in (1, 2, 3))
NO_WAIT = variants({"Wait": False})
IS_A_COPY = "is a copy"
ALL_IS_READ = "All that the copied state knows was read"


@pytest.fixture(name="daemon")
def fixture_daemon(bus, simulator):
    """With a session, two participants in it, and one in none."""
    with Daemon(bus, base_url=simulator.base_url) as daemon:
        daemon.create_session(Tag="call")
        for n in (1, 2):
            daemon.create_participant(Tag=f"p{n}", Session=SESSION_1)
        daemon.create_participant(Tag="p3")
        yield daemon


def back_up(daemon):
    """Ends the daemon, and keeps what it has left."""
    daemon.kill()
    folder = daemon.folder.path("backup")
    shutil.copytree(daemon.state_directory, folder)
    return folder


def restore(daemon, backup):
    """As who puts the files of a backup where they belong."""
    daemon.kill()
    for path in glob.glob(daemon.state_directory + "/*"):
        os.unlink(path)
    for path in glob.glob(backup + "/*"):
        shutil.copy(path, daemon.state_directory)


def execute(daemon, sql):
    with contextlib.closing(sqlite3.connect(daemon.state_directory + "/state.db")) as connection:
        connection.executescript(sql)


def ids(daemon, *paths):
    return [daemon.properties(path)["Id"] for path in paths]


def is_read(daemon):
    wait_for(lambda: ALL_IS_READ in daemon.log)


@pytest.mark.covers("state file: a copy", "state file: a copy that was read")
def test_backup_is_taken_over(daemon, simulator):
    """What was changed, deleted and refused since then is so at the API, and stays so."""
    backup = back_up(daemon)
    daemon.start()
    daemon.call(P1, PARTICIPANT, "SetSubscriptions", "sa(oas)a{sv}", ("session", [], {}))
    daemon.call(P2, PARTICIPANT, "Delete", "a{sv}", ({},))
    daemon.call(SESSION_1, SESSION, "AddParticipant", "oa{sv}", (P3, {}))
    daemon.create_session(Tag="later")
    before = simulator.state()
    restore(daemon, backup)
    last = simulator.requests()[-1]["seq"]
    assert IS_A_COPY not in daemon.log

    daemon.start()
    is_read(daemon)
    assert daemon.log.count(IS_A_COPY) == 1
    assert daemon.properties(P1)["SubscriptionMode"] == "session"
    assert daemon.properties(P3)["Session"] == SESSION_1
    assert daemon.properties()["ParticipantCount"] == 2
    assert daemon.properties()["SuspectedOrphans"] == 0
    daemon.await_property("/org/convened1", "PendingCount", 0)
    assert {r["method"] for r in simulator.requests(last)} == {"GET"}
    assert simulator.state()["participants"].keys() == before["participants"].keys()
    assert len(simulator.state()["sessions"]) == 2

    daemon.restart()
    assert daemon.log.count(IS_A_COPY) == 1


@pytest.mark.covers("state file: a copy")
def test_no_creation_of_a_backup_is_sent(daemon, simulator):
    """Here they were sent after the backup was made; nobody who has it knows."""
    simulator.set_faults({"kind": "status", "status": 429, "retry_after": 2})
    daemon.create_session(Tag="twice?", Wait=False)
    daemon.create_participant(Tag="twice?", Session=SESSION_1, Wait=False)
    backup = back_up(daemon)
    simulator.set_faults()
    daemon.start()
    daemon.await_property("/org/convened1", "PendingCount", 0)
    state = simulator.state()
    assert len(state["sessions"]) == 2 and len(state["participants"]) == 4

    restore(daemon, backup)
    last = simulator.requests()[-1]["seq"]
    daemon.start()
    is_read(daemon)
    for path in (SESSION_2, "/org/convened1/participant/4"):
        properties = daemon.properties(path)
        assert properties["State"] == "failed"
        assert properties["LastError"][0] == "org.convened1.Error.OutcomeUnknown"
    assert daemon.properties()["SuspectedOrphans"] == 2
    assert {r["method"] for r in simulator.requests(last)} == {"GET"}

    # Whoever wants it still says so; the one that was made already is adopted with its session.
    daemon.call(SESSION_2, SESSION, "Delete", "a{sv}", ({},))
    daemon.restart()
    assert daemon.properties()["SuspectedOrphans"] == 2
    assert daemon.properties(daemon.create_session(Tag="anew"))["State"] == "active"
    assert len([r for r in simulator.requests(last) if r["method"] == "POST"]) == 1


@pytest.mark.covers("state file: a copy")
def test_all_is_read_before_anything_is_driven(daemon, simulator):
    """What was wanted and not done yet is still wanted, and waits for the last read."""
    simulator.set_faults({"kind": "refuse"})
    daemon.call(P3, PARTICIPANT, "Delete", "a{sv}", (NO_WAIT,))
    daemon.call(SESSION_1, SESSION, "RemoveParticipant", "oa{sv}", (P2, NO_WAIT))
    known = ids(daemon, SESSION_1, P1, P2, P3)
    restore(daemon, back_up(daemon))
    last = simulator.requests()[-1]["seq"]
    slow = {"method": "GET", "path": "*/participants/" + known[3], "kind": "latency", "ms": 700}
    simulator.set_faults(slow)

    daemon.start()
    daemon.await_property("/org/convened1", "PendingCount", 0)
    requests = simulator.requests(last)
    changes = [r for r in requests if r["method"] != "GET"]
    assert sorted(r["method"] for r in changes) == ["DELETE", "DELETE"]
    read = [r["path"] for r in requests if r["seq"] < changes[0]["seq"]]
    # Participant 1 is in the list of the session.
    assert all(any(identity in path for path in read) for identity in (known[0], *known[2:]))
    assert daemon.log.index(ALL_IS_READ) > daemon.log.index(IS_A_COPY)
    assert len(simulator.state()["participants"]) == 2


@pytest.mark.covers("state file: a copy")
def test_killed_while_it_is_read(daemon, simulator):
    """The next start goes on with it: what is unread is known to be so."""
    simulator.set_faults({"kind": "refuse"})
    daemon.call(P3, PARTICIPANT, "Delete", "a{sv}", (NO_WAIT,))
    restore(daemon, back_up(daemon))
    last = simulator.requests()[-1]["seq"]
    simulator.set_faults({"method": "GET", "kind": "latency", "ms": 500})
    daemon.start()
    new = daemon.create_session(Tag="new", Wait=False)
    daemon.kill()

    daemon.start()
    daemon.await_property("/org/convened1", "PendingCount", 0)
    assert daemon.log.count(IS_A_COPY) == daemon.log.count(ALL_IS_READ) == 1
    assert daemon.properties(new)["State"] == "active"
    requests = simulator.requests(last)
    delete, = [r for r in requests if r["method"] == "DELETE"]
    assert {r["path"] for r in requests if r["seq"] < delete["seq"]} > {delete["path"]}


@pytest.mark.covers("state file: a copy of another machine")
@pytest.mark.parametrize("elsewhere", [False, True])
def test_cloned_machine(daemon, simulator, elsewhere):
    """What lives as long as a client of another machine's bus is not deleted for its sake."""
    path = daemon.create_session(Tag="theirs", Lifetime="client")
    daemon.kill()
    if elsewhere:
        execute(daemon, "UPDATE identity SET machine = '0123456789abcdef0123456789abcdef'")
    daemon.start()
    if not elsewhere:
        daemon.await_property("/org/convened1", "SessionCount", 1)
        assert IS_A_COPY not in daemon.log
        return

    is_read(daemon)
    assert "written on another machine" in daemon.log
    daemon.restart()
    properties = daemon.properties(path)
    assert (properties["State"], properties["Lifetime"]) == ("active", "persistent")
    assert not simulator.requests(method="DELETE")
    daemon.call(path, SESSION, "Delete", "a{sv}", ({},))
    assert len(simulator.state()["sessions"]) == 1


@pytest.mark.covers("state file: a copy")
def test_written_by_the_version_before(daemon, simulator):
    """It does not say which file it is; that is no reason to take it for a copy."""
    daemon.stop()
    columns = {"identity": ("machine", "inode", "born_at", "log"),
               "counters": ("copies", "unread_session", "unread_participant", "quiet_until")}
    execute(daemon, ";".join([f"ALTER TABLE {table} DROP COLUMN {name}"
                              for table, names in columns.items() for name in names]
                             + ["PRAGMA user_version = 2"]))
    daemon.start()
    assert IS_A_COPY not in daemon.log
    restore(daemon, back_up(daemon))
    daemon.start()
    is_read(daemon)
    assert len(simulator.state()["participants"]) == 3
