# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads of many objects: of each user one at a time, in turn. Needs root, to be several users."""

import contextlib
import os
import signal
import threading
import time

import pytest

from harness.bus import BusError, call
from harness.daemon import MANAGER, PATH, SESSION
from harness.stage import QUIET, S1, Stage
from harness.users import ALICE, BOB, User, open_to_all
from harness.wait import wait_for

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can be several users")

INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"
SESSIONS = (PATH, MANAGER, "ListSessions", "a{sv}tu", ({}, 0, 0))
MANAGED = (PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
BULK = {"sessions": SESSIONS,
        "participants": (PATH, MANAGER, "ListParticipants", "a{sv}tu", ({}, 0, 0)),
        "managed": MANAGED,
        "children": (PATH + "/session", INTROSPECTABLE, "Introspect")}


@pytest.fixture(name="stage")
def fixture_stage(monkeypatch):
    open_to_all(monkeypatch)
    with Stage(QUIET, kind="system") as stage:
        yield stage


@pytest.fixture(name="user")
def fixture_user(stage):
    """A function that connects as a uid; the daemon has asked who that is."""
    with contextlib.ExitStack() as stack:
        def connect(uid):
            user = stack.enter_context(contextlib.closing(User(stage.bus, uid)))
            user.call(PATH, MANAGER, "Sync")
            return user
        yield connect


@contextlib.contextmanager
def asleep(daemon):
    """What is sent meanwhile is there when it wakes, all at once."""
    daemon.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        daemon.process.send_signal(signal.SIGCONT)


def delivered(*users):
    """The bus has handed on what these have sent."""
    for user in users * 2:
        call(user.connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
             "org.freedesktop.DBus", "GetId")


@pytest.mark.covers("quota: reads of many objects", "error: LimitsExceeded")
@pytest.mark.parametrize("first", BULK)
@pytest.mark.parametrize("second", BULK)
def test_one_at_a_time(stage, user, first, second):
    """Over all connections of a user; nobody else is held to it."""
    alice, again, bob, root = (user(uid) for uid in (ALICE, ALICE, BOB, 0))

    def all_at_once():
        with asleep(stage.daemon):
            serials = [(one, one.send(*BULK[what]))
                       for one, what in ((alice, first), (again, second), (bob, second),
                                         (root, first), (root, second))]
            delivered(alice, again, bob, root)
        outcomes = [one.outcome(serial) for one, serial in serials]
        assert outcomes[2:] == ["reply"] * 3
        return sorted(outcomes[:2]) == ["LimitsExceeded", "reply"]

    # Where the second comes when the first is answered, there is nothing to refuse.
    wait_for(all_at_once)
    assert alice.call(*BULK[first]) and again.call(*BULK[second])


def test_says_what_is_right(stage, user):
    alice, again = user(ALICE), user(ALICE)

    def refused():
        with asleep(stage.daemon):
            serial = again.send(*SESSIONS)
            delivered(again)
            alice.send(*SESSIONS)
            delivered(alice)
        again.outcome(serial)
        while True:
            message = alice.connection.receive(timeout=30)
            if message.header.message_type.name != "signal":
                return message.body[0] if isinstance(message.body[0], str) else None

    text = wait_for(refused)
    assert "one page after the other" in text


@pytest.mark.covers("quota: reads of many objects")
def test_who_leaves_makes_room(stage, user):
    """Before it has been answered."""
    alice = user(ALICE)
    for _ in range(10):
        leaving = User(stage.bus, ALICE)
        leaving.call(PATH, MANAGER, "Sync")
        name = leaving.name
        with asleep(stage.daemon):
            leaving.send(*SESSIONS)
            leaving.close()
            wait_for(lambda: not stage.bus.has_owner(name))
            serial = alice.send(*SESSIONS)
            delivered(alice)
        assert alice.outcome(serial) == "reply"


def test_refused_for_its_size_without_a_place(stage, user):
    """Who has too much to read at once is told so, as often as it asks."""
    alice = user(ALICE)
    stage.session()
    stage.daemon.config["Bus"]["MaxManagedObjects"] = 0
    stage.daemon.write_config()
    stage.daemon.manager("Reload")
    with asleep(stage.daemon):
        serials = [alice.send(*call) for call in (SESSIONS, MANAGED, MANAGED)]
        delivered(alice)
    assert [alice.outcome(serial) for serial in serials] == ["reply"] + ["LimitsExceeded"] * 2
    with pytest.raises(BusError, match="ListSessions"):
        alice.call(*MANAGED)


def test_none_on_the_session_bus():
    with Stage(QUIET) as stage, contextlib.closing(User(stage.bus, 0)) as one:
        with asleep(stage.daemon):
            serials = [one.send(*call) for call in BULK.values()] * 3
            delivered(one)
        assert [one.outcome(serial) for serial in serials[:4]] == ["reply"] * 4


class Reader(threading.Thread):
    """Asks without a pause, over some connections at once, and reads what comes."""

    def __init__(self, users, calls):
        super().__init__(daemon=True)
        self.users = users
        self.calls = calls
        self.outcomes = {"reply": 0, "LimitsExceeded": 0}
        self.over = threading.Event()

    def run(self):
        i = 0
        while not self.over.is_set():
            i += 1
            serials = [(user, user.send(*self.calls[i % len(self.calls)])) for user in self.users]
            for user, serial in serials:
                self.outcomes[user.outcome(serial)] += 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()


@pytest.mark.covers("quota: reads of many objects, several users")
def test_in_turn(stage, user):
    """Whoever asks as much as it can gets no more than its turn: Bob is served in between, with
    lists and with all else."""
    alices, bob = [user(ALICE) for _ in range(4)], user(BOB)
    for _ in range(500):
        alices[0].call(PATH, MANAGER, "CreateSession", "a{sv}", ({"Wait": ("b", False)},))
    page = (PATH, MANAGER, "ListSessions", "a{sv}tu", ({}, 0, 1000))
    with Reader(alices, [page]) as reader:
        begin, n = time.monotonic(), 0
        while n < 20 or not all(reader.outcomes.values()):
            rows, after = bob.call(*page)
            assert len(rows) == 500 and after == 0
            assert bob.call(S1, SESSION, "Refresh") == ()
            n += 1
            assert time.monotonic() - begin < 60
    assert reader.outcomes["reply"] > 0 and reader.outcomes["LimitsExceeded"] > 0
