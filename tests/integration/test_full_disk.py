# SPDX-License-Identifier: LGPL-2.1-or-later
"""convened on a file system that is really full: what is refused, what goes on, and how it ends."""

import os
import sqlite3
import subprocess

import pytest

from harness.bus import BusError
from harness.daemon import PARTICIPANT, PATH, SESSION, Daemon, DaemonEnded, variants
from harness.disk import fill, make_room, unmount
from harness.wait import wait_for

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can mount")

STORAGE_FAILED = "org.convened1.Error.StorageFailed"
RESERVE = 1 << 20


def mount_tmpfs(_folder, path):
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m,mode=0700", "convened-test", path],
                   check=True)


def mount_ext4(folder, path):
    image = folder.path("image")
    with open(image, "wb") as file:
        file.truncate(16 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", "-J", "size=4", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, path], check=True)
    os.chmod(path, 0o700)


class Disk:
    """A small file system of its own for the state of a daemon."""

    def __init__(self, daemon, mount):
        self.path = daemon.state_directory
        os.makedirs(self.path, mode=0o700)
        try:
            mount(daemon.folder, self.path)
        except subprocess.CalledProcessError:
            pytest.skip("nothing can be mounted here")

    def reserve(self):
        return os.stat(os.path.join(self.path, "state.db.reserve")).st_size

    def fill(self):
        fill(self.path)

    def make_room(self):
        make_room(self.path)

    def close(self):
        unmount(self.path)


@pytest.fixture(params=[mount_tmpfs, mount_ext4], ids=["tmpfs", "ext4"])
def machine(request, bus, simulator):
    """A daemon that runs on a small disk, and that disk."""
    # Answers that are to come while the disk is full take their time.
    daemon = Daemon(bus, base_url=simulator.base_url, config={"Api": {"RequestTimeoutSec": 60}})
    disk = Disk(daemon, request.param)
    try:
        daemon.start()
        yield daemon, disk
        daemon.stop()
    finally:
        daemon.kill()
        disk.close()
        daemon.close()


def refused(function, *arguments, **keywords):
    with pytest.raises(BusError) as error:
        function(*arguments, **keywords)
    assert error.value.name == STORAGE_FAILED, error.value


def create_until_refused(daemon):
    """What the state file has room for within itself is still stored."""
    for number in range(1000):
        try:
            daemon.create_session(Tag="x" * 50, Wait=False)
        except BusError as error:
            assert error.name == STORAGE_FAILED, error
            return number
    raise AssertionError("the disk is not full")


def created(daemon):
    """Whether there is room for a session."""
    try:
        return daemon.create_session(Tag="after")
    except BusError as error:
        assert error.name == STORAGE_FAILED, error
        return None


def delete(daemon, path):
    daemon.call(path, SESSION if "/session/" in path else PARTICIPANT, "Delete", "a{sv}", ({},))


def count(daemon, text):
    return daemon.log.count(text)


def recovered(daemon, simulator):
    """There is room, it is noticed without a restart, and all is as it should be."""
    n = count(daemon, "There is room on the disk again")
    wait_for(lambda: count(daemon, "There is room on the disk again") == n + 1, 30)
    path = daemon.create_session(Tag="after")
    assert daemon.properties(path)["State"] == "active"
    properties = daemon.await_property(PATH, "PendingCount", 0)
    assert properties["SessionCount"] == len(simulator.state()["sessions"])
    assert properties["ParticipantCount"] == len(simulator.state()["participants"])
    assert properties["SuspectedOrphans"] == 0


@pytest.mark.covers("error: StorageFailed", "disk: full", "disk: deletes", "disk: room again",
                    "daemon: STATUS")
def test_full(machine, simulator):
    daemon, disk = machine
    session = daemon.create_session(Tag="before")
    participant = daemon.create_participant(Tag="alice", PublishPermissions=["AUDIO"])
    assert disk.reserve() == RESERVE

    disk.fill()
    create_until_refused(daemon)
    number = daemon.await_property(PATH, "PendingCount", 0)["SessionCount"]
    daemon.await_notification(f"STATUS=API online; {number} sessions, 1 participant; "
                              "the disk is full, changes are refused", 30)
    posts = len(simulator.requests(method="POST"))
    refused(daemon.create_session, Tag="refused")
    refused(daemon.create_participant, Tag="refused", Session=session, Wait=False)
    refused(daemon.call, session, SESSION, "AddParticipant", "oa{sv}", (participant, variants({})))
    assert daemon.properties(participant)["Session"] == "/"

    # What only reads goes on, and so does what the API says.
    daemon.call(session, SESSION, "Refresh")
    assert daemon.call(participant, PARTICIPANT, "GetToken")[0]
    assert daemon.properties()["ApiState"] == "online"
    number = daemon.properties()["SessionCount"]
    delete(daemon, participant)
    delete(daemon, session)
    wait_for(lambda: daemon.properties()["SessionCount"] == number - 1)
    assert daemon.properties()["ParticipantCount"] == 0
    assert len(simulator.requests(method="POST")) == posts
    assert count(daemon, "The disk is full") == 1 and daemon.state_directory in daemon.log

    disk.make_room()
    recovered(daemon, simulator)
    number = daemon.properties()["SessionCount"]
    daemon.await_notification(f"STATUS=API online; {number} sessions, 0 participants")
    assert disk.reserve() == RESERVE
    assert count(daemon, "The disk is full") == count(daemon, "There is room on the disk") == 1
    before = daemon.properties()
    daemon.restart()
    after = daemon.properties()
    assert [before[name] for name in ("SessionCount", "ParticipantCount", "PendingCount")] == \
        [after[name] for name in ("SessionCount", "ParticipantCount", "PendingCount")]


@pytest.mark.covers("disk: an id that arrives")
def test_id_that_arrives(machine, simulator):
    """The API answers while the disk is full: the id is stored, whatever happens next."""
    daemon, disk = machine
    simulator.set_faults({"method": "POST", "path": "/sessions", "kind": "slow", "count": 1,
                          "bytes_per_s": 20})
    path = daemon.create_session(Tag="late", Wait=False)
    wait_for(lambda: simulator.requests(method="POST"))
    disk.fill()
    properties = daemon.await_property(path, "State", "active")
    daemon.kill()

    daemon.start()
    assert daemon.properties(path)["Id"] == properties["Id"]
    assert daemon.properties()["SuspectedOrphans"] == 0
    delete(daemon, path)
    disk.make_room()
    wait_for(lambda: created(daemon), 30)
    assert len(simulator.state()["sessions"]) == 1


@pytest.mark.covers("disk: not even the reserve", "disk: room again")
def test_not_even_the_reserve(machine, simulator):
    """Somebody takes what was given up, too: nothing can be stored, and nothing is lost."""
    daemon, disk = machine
    session = daemon.create_session(Tag="before")
    simulator.set_faults({"method": "POST", "path": "/sessions", "kind": "slow", "count": 1,
                          "bytes_per_s": 15})
    late = daemon.create_session(Tag="late", Wait=False)
    posts = len(wait_for(lambda: len(simulator.requests(method="POST")) == 2 and
                         simulator.requests(method="POST")))
    with open(os.path.join(disk.path, "state.db.reserve"), "r+b") as file:
        os.truncate(file.fileno(), 0)
    # While somebody reads, the log cannot begin anew; it has to grow.
    beside = sqlite3.connect(os.path.join(disk.path, "state.db"), isolation_level=None)
    beside.execute("BEGIN")
    assert beside.execute("SELECT count(*) FROM objects").fetchall() == [(2,)]
    disk.fill()
    wait_for(lambda: "kept in memory" in daemon.log, 20)
    daemon.await_notification("STATUS=API online; 2 sessions, 0 participants, 1 not in sync; the "
                              "disk is full, what the API answers is in memory alone, and changes "
                              "are refused", 30)
    assert daemon.properties(late)["State"] == "pending"
    refused(delete, daemon, session)
    daemon.call(session, SESSION, "Refresh")
    assert daemon.properties(session)["State"] == "active"

    beside.close()
    disk.make_room()
    recovered(daemon, simulator)
    assert daemon.properties(late)["State"] == "active"
    assert len(simulator.requests(method="POST")) == posts + 1
    delete(daemon, session)


@pytest.mark.covers("disk: no room for a first state file", "exit: convened 1")
def test_first_start(bus, simulator):
    daemon = Daemon(bus, base_url=simulator.base_url)
    disk = Disk(daemon, mount_tmpfs)
    try:
        # Nothing else may be there when it starts for the first time.
        filler = os.path.join(disk.path, "lost+found")
        disk.fill()
        os.rename(os.path.join(disk.path, "filler"), filler)
        with pytest.raises(DaemonEnded) as ended:
            daemon.start()
        assert ended.value.status == 1
        line, = ended.value.text.splitlines()
        assert line.startswith("There is no room on the disk for the state file in "
                               f"{disk.path}. Make some (4 MiB are enough)")
        os.truncate(filler, os.stat(filler).st_size - (4 << 20))
        daemon.start()
        daemon.create_session()
        assert disk.reserve() == RESERVE
        daemon.stop()
    finally:
        daemon.kill()
        disk.close()
        daemon.close()
