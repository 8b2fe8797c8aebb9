# SPDX-License-Identifier: LGPL-2.1-or-later
"""The clients of examples/: the same call for three in each language, on a daemon that comes and
goes."""

import pytest

from harness.example import COMMANDS, Example
from harness.stage import P3, S1, Stage
from harness.wait import wait_for

HERE, AWAY = "convened is there", "convened is away"
NAMES = ("alice", "bob", "carol")


def in_sync(tag="standup"):
    return [f"{name}: active, in sync" for name in (tag, *NAMES)]


@pytest.fixture
def stage():
    with Stage() as running:
        yield running


@pytest.fixture(params=COMMANDS)
def example(request, stage):
    """A function that starts one of them."""
    return lambda *arguments: Example(request.param, stage.bus, *arguments)


def ends_well(running):
    """It says so, and nothing on standard error."""
    result = running.end()
    assert result.code == 0 and result.err == "", result
    assert "cleaned up" in result.lines, result


def nothing_left(stage):
    state = stage.simulator.state()
    assert state == {"sessions": {}, "participants": {}}
    for what in ("Sessions", "Participants"):
        assert stage.list(what) == ({}, 0)


def test_creates_watches_and_cleans_up_across_restarts(stage, example):
    with example("planning") as running:
        running.await_lines(*in_sync("planning"))
        state = stage.simulator.state()
        session, = state["sessions"].values()
        participants = state["participants"].values()
        assert session["tag"] == "planning"
        assert sorted(one["tag"] for one in participants) == list(NAMES)
        assert all(one["subscriptions"] == {"sessionId": session["id"]} for one in participants)

        stage.daemon.kill()
        running.await_lines(AWAY)
        stage.daemon.start()
        running.await_lines(HERE)

        # It still sees what others do.
        stage.delete(P3)
        running.await_lines("carol: gone")

        # And it cleans up, when that is possible again.
        stage.daemon.stop()
        running.await_lines(AWAY)
        running.press_enter()
        stage.daemon.start()
        ends_well(running)
    nothing_left(stage)


def test_waits_for_a_service_that_is_not_there_yet(stage, example):
    stage.daemon.stop()
    with example() as running:
        stage.daemon.start()
        running.await_lines(*in_sync())
        running.press_enter()
        ends_well(running)
    nothing_left(stage)


def test_finds_its_call_again_when_it_was_killed(stage, example):
    with example() as running:
        running.await_lines(*in_sync())
        running.process.kill()
        running.process.wait()
    with example() as running:
        running.await_lines(*in_sync())
        assert list(stage.list("Sessions")[0]) == [S1]
        assert len(stage.list("Participants")[0]) == len(NAMES)
        running.press_enter()
        ends_well(running)
    nothing_left(stage)


def test_creates_nothing_twice_when_the_reply_is_lost(stage, example):
    stage.simulator.set_faults({"method": "PUT", "kind": "hang", "count": 1})
    with example() as running:
        # Alice is created, and her membership hangs: the daemon has not replied.
        wait_for(lambda: stage.simulator.requests(method="PUT"))
        stage.daemon.kill()
        stage.daemon.start()
        running.await_lines(*in_sync())
        assert len(stage.simulator.requests(method="POST")) == 1 + len(NAMES)
        running.press_enter()
        ends_well(running)
    nothing_left(stage)
