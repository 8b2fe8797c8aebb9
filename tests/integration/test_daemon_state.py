# SPDX-License-Identifier: LGPL-2.1-or-later
"""A state that cannot be used as it is: what is said of it, and that nothing of it is lost."""

import contextlib
import glob
import os
import shutil
import sqlite3

import pytest

from harness.daemon import Daemon, DaemonEnded

PAGE = 4096
N_PARTICIPANTS = 10


@pytest.fixture(name="daemon")
def fixture_daemon(bus, simulator):
    """With a session, and some in it."""
    with Daemon(bus, base_url=simulator.base_url) as daemon:
        session = daemon.create_session(Tag="call")
        for n in range(N_PARTICIPANTS):
            daemon.create_participant(Tag=f"p{n}" * 10, Session=session)
        yield daemon


def refused(daemon, status=78):
    """What a start says that comes to nothing."""
    with pytest.raises(DaemonEnded) as ended:
        daemon.start()
    assert ended.value.status == status, ended.value
    return ended.value.text


def contents(path):
    with open(path, "rb") as file:
        return file.read()


def assert_mended(daemon, path, whole):
    """With the file as it was, all is there."""
    with open(path, "r+b") as file:
        file.write(whole)
    daemon.start()
    assert daemon.properties()["ParticipantCount"] == N_PARTICIPANTS


def truncated(data, page):
    return data[:page * PAGE]


def spoilt(data, page):
    """As a disk does it that mixes bytes up."""
    middle = bytes(byte ^ 0x55 if n % 97 == 0 else byte
                   for n, byte in enumerate(data[page * PAGE:(page + 1) * PAGE]))
    return data[:page * PAGE] + middle + data[(page + 1) * PAGE:]


@pytest.mark.covers("daemon: damaged state")
@pytest.mark.parametrize("damage", [truncated, spoilt])
def test_damaged_at_every_page(daemon, damage):
    daemon.stop()
    state = daemon.state_directory + "/state.db"
    whole = contents(state)
    assert len(whole) % PAGE == 0 and len(whole) > 8 * PAGE
    for page in range(len(whole) // PAGE):
        damaged = damage(whole, page)
        with open(state, "r+b") as file:
            file.truncate(0)
            file.write(damaged)
        text = refused(daemon)
        assert "is damaged" in text and "Restore it from a backup" in text, (page, text)
        assert len(text.splitlines()) == 1, text
        assert contents(state) == damaged, page
        copy, = glob.glob(state + ".damaged-*[!l]")
        assert contents(copy) == damaged, page
        os.unlink(copy)
        for name in glob.glob(state + "-*"):
            os.unlink(name)
    assert_mended(daemon, state, whole)


@pytest.mark.covers("state file: a log that is damaged")
def test_log_is_damaged(daemon):
    """After a kill it has what was stored last. To SQLite it would be an empty one."""
    daemon.kill()
    log = daemon.state_directory + "/state.db-wal"
    whole = contents(log)
    with open(log, "r+b") as file:
        file.write(b"\0" * 32)
    damaged = contents(log)
    for _ in range(2):
        assert "state.db-wal alone, and that is damaged" in refused(daemon)
        assert contents(log) == damaged
    copy, = glob.glob(daemon.state_directory + "/state.db.damaged-*-wal")
    assert contents(copy) == damaged
    assert_mended(daemon, log, whole)


FRAME = 24 + PAGE


@pytest.mark.covers("state file: a log that is damaged", "exit: convened 78")
@pytest.mark.parametrize("part", [0, 0.5])
def test_log_is_damaged_in_the_midst(daemon, part):
    """SQLite would forget all that is behind it."""
    daemon.kill()
    state = daemon.state_directory + "/state.db"
    whole = contents(state + "-wal")
    n_frames = (len(whole) - 32) // FRAME
    assert n_frames > 3 * N_PARTICIPANTS
    at = 32 + int(n_frames * part) * FRAME + FRAME // 2
    with open(state + "-wal", "r+b") as file:
        file.seek(at)
        file.write(bytes([whole[at] ^ 1]))
    before = contents(state), contents(state + "-wal")
    for _ in range(2):
        text = refused(daemon)
        assert "state.db-wal alone, and that is damaged behind byte" in text, text
        assert "a copy set aside as state.db.damaged-" in text and len(text.splitlines()) == 1
        assert (contents(state), contents(state + "-wal")) == before
    copies = sorted(glob.glob(state + ".damaged-*"))
    assert tuple(map(contents, copies)) == before
    assert_mended(daemon, state + "-wal", whole)


@pytest.mark.covers("state file: a log that is torn")
def test_log_is_torn(daemon):
    """As by a power cut: the last change was not stored, and the others were."""
    daemon.kill()
    log = daemon.state_directory + "/state.db-wal"
    with open(log, "r+b") as file:
        file.seek(-FRAME // 2, os.SEEK_END)
        byte, = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))
    daemon.start()
    daemon.await_property("/org/convened1", "PendingCount", 0)
    assert daemon.properties()["ParticipantCount"] == N_PARTICIPANTS


@pytest.mark.covers("state file: a log that is missing")
def test_log_is_missing(daemon, simulator):
    """Nobody knows what was in it: what is left is as good as an old copy."""
    daemon.restart()
    daemon.create_session(Tag="in the log alone")
    daemon.kill()
    os.unlink(daemon.state_directory + "/state.db-wal")
    last = simulator.requests()[-1]["seq"]
    daemon.start()
    assert "is a copy: its log is missing" in daemon.log
    daemon.await_property("/org/convened1", "PendingCount", 0)
    assert daemon.properties()["SessionCount"] == 1
    assert daemon.properties()["ParticipantCount"] == N_PARTICIPANTS
    assert {r["method"] for r in simulator.requests(last)} <= {"GET"}


def test_log_of_another_file(daemon):
    """A backup that was put there while the log of what came later was left."""
    daemon.stop()
    state = daemon.state_directory + "/state.db"
    backup = shutil.copy(state, daemon.folder.path("backup"))
    daemon.start()
    for n in range(40):
        daemon.create_participant(Tag=f"x{n}" * 10)
    daemon.restart()
    for n in range(40):
        daemon.create_participant(Tag=f"y{n}" * 10)
    daemon.kill()
    shutil.copy(backup, state)
    assert "is damaged" in refused(daemon)


# What was done to the state directory, and what is said of it.
ODD = {
    "log is a link": ("mv state.db-wal ../log && ln -s ../log state.db-wal",
                      "state.db-wal is not a regular file"),
    "index is a directory": ("rm state.db-shm && mkdir state.db-shm",
                             "state.db-shm is not a regular file"),
    "reserve is a link": ("rm state.db.reserve && ln -s /etc/passwd state.db.reserve",
                          "state.db.reserve is not a regular file"),
    "file is a link": ("mv state.db ../file && ln -s ../file state.db", "is a symbolic link"),
    "file is a pipe": ("rm state.db && mkfifo state.db", "state.db is not a regular file"),
    "file is gone": ("rm state.db", "There is no state file"),
    "for all to write": ("chmod 0777 .", "may be written by others"),
}


@pytest.mark.covers("exit: convened 78")
def test_odd_files(daemon):
    daemon.kill()
    kept = daemon.folder.path("kept")
    shutil.copytree(daemon.state_directory, kept)
    for name, (command, expect) in ODD.items():
        shutil.rmtree(daemon.state_directory)
        shutil.copytree(kept, daemon.state_directory)
        assert os.system(f"cd {daemon.state_directory} && {command}") == 0
        assert expect in refused(daemon), name
    assert contents("/etc/passwd")


@pytest.mark.covers("exit: convened 1", "daemon: start that fails")
def test_locked_by_another_program(daemon):
    """It will be free some time, so that a restart may help."""
    daemon.stop()
    state = daemon.state_directory + "/state.db"
    with contextlib.closing(sqlite3.connect(state, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        line, = refused(daemon, 1).splitlines()
        assert line.startswith("Another program is writing to the state file")
        daemon.hear()
        assert daemon.notified == ["STATUS=" + line]
    daemon.start()
    assert daemon.properties()["ParticipantCount"] == N_PARTICIPANTS
