# SPDX-License-Identifier: LGPL-2.1-or-later
"""examples/switchboard, used as a person would; and its picture, for README.md."""

import os
import shutil
import struct

import pytest

from harness.screen import Screen
from harness.stage import P1, P2, S1, Stage
from harness.wait import wait_for

SWITCHBOARD = "examples/switchboard/switchboard.py"
AWAY = "convened is not running.*"
OFFLINE = "The API cannot be reached.*"


def before_it(stage):
    return Screen(stage.bus, SWITCHBOARD, meanwhile=stage.daemon.hear)


def add_participant(screen, name, *ticks):
    screen.click("button", "Add participant")
    screen.find("text box")
    screen.type(name)
    for tick in ticks:
        screen.click("label", tick)
    screen.click("button", "Create participant")


def test_clicks_through():
    with Stage() as stage, before_it(stage) as screen:
        screen.await_text("No answer of the API yet\n0 sessions, 0 participants",
                          "Nobody is here")

        screen.click("button", "New session")
        screen.find("text box")
        screen.type("standup")
        screen.click("button", "Create session")
        screen.await_text("0 participants, ends in 9 h")
        assert stage.truth(S1)["tag"] == "standup"

        # One is created in the session, the other outside, by the Enter key, and added then.
        add_participant(screen, "alice", "Sends audio", "Sends video")
        screen.await_text("Hears nobody; sends audio and video", "1 participant, ends in 9 h")
        properties = stage.get(P1)
        assert (properties["Tag"], properties["Session"]) == ("alice", S1)
        assert properties["PublishPermissions"] == ["AUDIO", "VIDEO"]

        screen.click("label", "In no session")
        screen.await_text("Nobody is here")
        screen.click("button", "Add participant")
        screen.find("text box")
        screen.type("bob")
        screen.press("Return")
        screen.await_text("bob", "Hears nobody; sends nothing")
        assert stage.get(P2)["Session"] == "/"

        screen.click("label", "standup")
        screen.await_text("alice")
        screen.click("button", "Add participant")
        screen.click("button", "Add bob")
        screen.await_text("alice", "bob", "2 participants, ends in 9 h")
        assert stage.get(P2)["Session"] == S1

        screen.click("button", "Whom bob hears")
        screen.click("label", "alice")
        screen.await_text("Hears alice; sends nothing")
        assert stage.get(P2)["Publishers"] == [(P1, [])]
        screen.click("label", "Everyone, whoever joins later too")
        screen.await_text("Hears everyone; sends nothing")
        stage.settled()
        assert stage.truth(P2)["subscriptions"] == {"sessionId": stage.get(S1)["Id"]}
        screen.press("Escape")

        screen.click("button", "More about alice")
        screen.click("button", "Copy token")
        screen.click("button", "New session")
        entry = screen.find("text box")
        screen.press("ctrl+v")
        token = stage.token(P1)
        screen.wait_for(lambda: screen.text_of(entry) == token[:50])
        screen.press("Escape")

        screen.click("button", "More about bob")
        screen.click("button", "Remove from session")
        screen.await_no_text("bob")
        assert stage.get(P2)["Session"] == "/"

        screen.click("button", "More about alice")
        screen.click("button", "Delete")
        screen.await_text("Nobody is here")
        # Whoever is being deleted has left the session already.
        wait_for(lambda: list(stage.list("Participants")[0]) == [P2])

        screen.click("button", "Delete session")
        screen.click("button", "Delete standup")
        screen.await_text("API online\n0 sessions, 1 participant", "bob")
        assert stage.list("Sessions") == ({}, 0)
        state = stage.simulator.state()
        assert not state["sessions"]
        assert [one["tag"] for one in state["participants"].values()] == ["bob"]


def test_shows_what_others_do_and_survives_a_restart():
    with Stage() as stage, before_it(stage) as screen:
        session = stage.session(Tag="standup")
        screen.click("label", "standup")
        alice = stage.participant(Tag="alice", Session=session, SubscriptionMode="session")
        screen.await_text("Hears everyone; sends nothing")

        stage.daemon.kill()
        screen.await_text(AWAY, "alice", "standup")
        assert not screen.is_sensitive("button", "New session")

        stage.daemon.start()
        screen.await_no_text(AWAY)
        screen.await_text("alice", "API online\n1 session, 1 participant")
        stage.subscribe(alice, "none")
        screen.await_text("Hears nobody; sends nothing")
        stage.delete(alice)
        screen.await_text("Nobody is here")

        # What a convened that comes back does not know is gone.
        stage.daemon.stop()
        shutil.rmtree(stage.daemon.state_directory)
        stage.daemon.start()
        screen.await_text(".*API.*\n0 sessions, 0 participants")
        screen.await_no_text("standup", AWAY)


def test_says_what_is_pending_and_why():
    with Stage() as stage, before_it(stage) as screen:
        stage.session(Tag="standup")
        stage.simulator.set_faults({"kind": "status", "status": 503})
        screen.click("label", "standup")
        add_participant(screen, "alice")
        screen.await_text(OFFLINE, "pending",
                          "API offline\n1 session, 1 participant\n1 not in sync",
                          "Hears nobody; sends nothing\n.*; attempt .* in .*")
        stage.session(Tag="lunch", Wait=False)
        screen.click("label", "lunch")
        screen.await_text("0 participants, pending: .*; attempt .* in .*")
        stage.simulator.set_faults()
        screen.await_text("0 participants, ends in 9 h")
        screen.click("label", "standup")
        screen.await_text("in sync", "Hears nobody; sends nothing")
        screen.await_no_text(OFFLINE, "pending")

        # Refused after the reply has gone.
        stage.simulator.set_faults({"method": "PUT", "path": "*/subscriptions", "kind": "status",
                                    "status": 400})
        stage.subscribe(P1, "session", Wait=False)
        screen.await_text("refused", "(?s)Hears nobody; sends nothing\n.+")


def test_says_why_a_call_failed():
    with Stage() as stage, before_it(stage) as screen:
        session = stage.session(Tag="standup")
        for _ in range(20):
            stage.participant(Session=session, Wait=False)
        stage.participant(Tag="alice")
        screen.click("label", "standup")
        screen.click("button", "Add participant")
        screen.click("button", "Add alice")
        screen.await_text("Adding alice did not work. The session has 20 participants, which is "
                          "all that the API allows.")
        stage.delete(f"{P1[:-1]}20")
        screen.click("button", "Add participant")
        screen.click("button", "Add alice")
        screen.await_no_text("Adding alice did not work.*")


def test_asks_in_pages_where_there_is_too_much_for_one_answer():
    with Stage({"Bus": {"MaxManagedObjects": 2}}) as stage:
        session = stage.session(Tag="standup")
        stage.session(Tag="lunch")
        for name in ("alice", "bob"):
            stage.participant(Tag=name, Session=session)
        stage.refused("LimitsExceeded", stage.daemon.call, "/org/convened1",
                      "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
        with before_it(stage) as screen:
            screen.await_text("standup", "lunch")
            screen.click("label", "standup")
            screen.await_text("alice", "bob")


@pytest.fixture(name="path")
def path_fixture(tmp_path):
    """Where make screenshot wants it; else it is made all the same, and not kept."""
    return os.environ.get("CONVENED_SCREENSHOT") or str(tmp_path / "screenshot.png")


def test_picture(path):
    """A call in an outage."""
    slow = {"Reconcile": {"RetryMinSec": 30, "RetryMaxSec": 60}}
    with Stage(slow) as stage, before_it(stage) as screen:
        session = stage.session(Tag="standup")
        for name in ("support desk", "lunch talk"):
            stage.session(Tag=name)
        alice = stage.participant(Tag="alice", Session=session, SubscriptionMode="session",
                                  PublishPermissions=["AUDIO", "VIDEO"])
        bob = stage.participant(Tag="bob", Session=session, PublishPermissions=["AUDIO"],
                                Publishers=[(alice, [])])
        stage.participant(Tag="carol", Session=session, Publishers=[(alice, ["camera"]), (bob, [])])
        stage.settled()
        screen.click("label", "standup")
        stage.simulator.set_faults({"kind": "status", "status": 503})
        stage.participant(Tag="dave", Session=session, PublishPermissions=["AUDIO"], Wait=False)
        screen.await_text(OFFLINE, "pending", "Hears alice [(]camera[)], bob; sends nothing",
                          "Hears nobody; sends audio\n.*; attempt 2 in .*")
        screen.point_away()
        screen.picture(path)
    with open(path, "rb") as file:
        data = file.read()
    assert struct.unpack(">8s8xII", data[:24]) == (b"\x89PNG\r\n\x1a\n", 920, 560)
    # What is flat takes next to nothing.
    assert len(data) > 20000
