# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whom polkit lets do what is not theirs. Needs root, to be several users."""

import contextlib
import os

import pytest

from harness.daemon import MANAGER, PARTICIPANT, PATH, SESSION, variants
from harness.polkit import Polkit
from harness.stage import P1, P2, QUIET, S1, S2, Stage
from harness.users import ALICE, BOB, User, open_to_all
from harness.wait import wait_for

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can be several users")

DELETE = (S1, SESSION, "Delete", "a{sv}", ({},))
TOKEN = (P1, PARTICIPANT, "GetToken")


@pytest.fixture(name="scene")
def fixture_scene(monkeypatch):
    """The stage, polkit, Alice with session 1 and participant 1, Bob with session 2 and participant
    2."""
    open_to_all(monkeypatch)
    with contextlib.ExitStack() as stack:
        stage = stack.enter_context(Stage(QUIET, kind="system"))
        polkit = stack.enter_context(Polkit(stage.bus))
        users = [stack.enter_context(contextlib.closing(User(stage.bus, uid)))
                 for uid in (ALICE, BOB)]
        for user in users:
            user.create("Session"), user.create("Participant")
        yield stage, polkit, *users


@pytest.mark.covers("right: polkit is asked first", "right: others' objects")
def test_yes(scene):
    """Nothing can be seen of a call before polkit has answered."""
    stage, polkit, _, bob = scene
    stage.verified()
    before = stage.simulator.requests()
    serial = bob.send(*DELETE)
    question = polkit.question()
    assert (question.subject, question.action) == (bob.name, "org.convened1.manage-others")
    assert (question.details, question.flags) == ({}, 0)
    assert stage.get(S1)["State"] == "active"
    assert stage.simulator.requests() == before
    polkit.answer(question, True)
    assert bob.outcome(serial) == "reply"
    assert list(stage.list("Sessions")[0]) == [S2]


@pytest.mark.covers("right: a password may be asked for", "error: InteractiveAuthorizationRequired")
@pytest.mark.parametrize("interactive, challenge, expect", [
    (False, False, "AccessDenied"), (True, False, "AccessDenied"),
    (False, True, "InteractiveAuthorizationRequired"), (True, True, "AccessDenied")])
def test_no(scene, interactive, challenge, expect):
    stage, polkit, _, bob = scene
    serial = bob.send(*DELETE, interactive=interactive)
    question = polkit.question()
    assert question.flags == interactive
    polkit.answer(question, False, challenge)
    assert bob.outcome(serial) == expect
    assert stage.get(S1)["State"] == "active"


@pytest.mark.covers("right: others' objects", "right: others' tokens", "right: Reload by others")
@pytest.mark.parametrize("call, action", [
    ((S1, SESSION, "AddParticipant", "oa{sv}", (P2, {})), "manage-others"),
    ((S2, SESSION, "AddParticipant", "oa{sv}", (P1, {})), "manage-others"),
    ((P1, PARTICIPANT, "Delete", "a{sv}", ({},)), "manage-others"),
    ((PATH, MANAGER, "CreateParticipant", "a{sv}", (variants({"Session": S1}),)), "manage-others"),
    (TOKEN, "read-tokens"), ((PATH, MANAGER, "Reload"), "reload")])
def test_actions(scene, call, action):
    _, polkit, _, bob = scene
    serial = bob.send(*call)
    question = polkit.question()
    assert question.action == "org.convened1." + action
    polkit.answer(question, True)
    assert bob.outcome(serial) == "reply"


@pytest.mark.covers("right: others' objects")
def test_of_a_member_of_others(scene):
    stage, polkit, alice, bob = scene
    alice.call(S1, SESSION, "AddParticipant", "oa{sv}", (P1, {}))
    for call in ((P1, PARTICIPANT, "SetSubscriptions", "sa(oas)a{sv}", ("session", [], {})),
                 (S1, SESSION, "RemoveParticipant", "oa{sv}", (P1, {}))):
        serial = bob.send(*call)
        question = polkit.question()
        assert question.action == "org.convened1.manage-others"
        polkit.answer(question, True)
        assert bob.outcome(serial) == "reply"
    assert stage.get(P1)["Session"] == "/"


def test_who_may_is_not_asked_about(scene):
    """What the table allows goes on, whatever polkit does."""
    _, polkit, alice, _ = scene
    assert alice.call(*TOKEN)[0]
    alice.call(*DELETE)
    with pytest.raises(TimeoutError):
        polkit.question(timeout=0)


@pytest.mark.covers("right: no polkit, or no answer")
def test_what_is_no_answer(scene):
    _, polkit, _, bob = scene
    for signature, body in ((None, ()), ("b", (True,)), ("(bb)", ((True, False),)),
                            ("(sba{ss})", (("yes", False, {}),))):
        serial = bob.send(*TOKEN)
        polkit.reply(polkit.question(), signature, body)
        assert bob.outcome(serial) == "AccessDenied"
    serial = bob.send(*TOKEN)
    polkit.fail(polkit.question())
    assert bob.outcome(serial) == "AccessDenied"


@pytest.mark.covers("right: no polkit, or no answer", "right: nobody else waits")
def test_no_answer(scene):
    """Others do not wait; after a while it is a refusal, and polkit need not go on."""
    _, polkit, alice, bob = scene
    serial = bob.send(*TOKEN)
    question = polkit.question()
    assert alice.call(*TOKEN)[0]
    assert polkit.cancelled(timeout=20) == question.cancellation
    assert bob.outcome(serial) == "AccessDenied"
    polkit.answer(question, True)
    unknown = {"X": ("s", "")}
    assert bob.refused(PATH, MANAGER, "CreateSession", "a{sv}", (unknown,)) == "InvalidArgs"


@pytest.mark.covers("right: no polkit, or no answer")
def test_polkit_leaves(scene):
    _, polkit, _, bob = scene
    serial = bob.send(*TOKEN)
    polkit.question()
    polkit.connection.close()
    assert bob.outcome(serial) == "AccessDenied"
    assert bob.refused(*TOKEN) == "AccessDenied"


@pytest.mark.covers("right: a caller that vanishes")
def test_caller_that_vanishes(scene):
    stage, polkit, alice, _ = scene
    bob = User(stage.bus, BOB)
    bob.send(*DELETE, interactive=True)
    question = polkit.question()
    bob.close()
    # for two minutes somebody else might still give a password
    assert polkit.cancelled(timeout=20) == question.cancellation
    polkit.answer(question, True)
    alice.call(PATH, MANAGER, "Sync")
    assert stage.get(S1)["State"] == "active"


def test_object_that_vanishes(scene):
    _, polkit, alice, bob = scene
    deletion, token = bob.send(*DELETE), bob.send(*TOKEN)
    questions = [polkit.question(), polkit.question()]
    alice.call(*DELETE)
    alice.call(P1, PARTICIPANT, "Delete", "a{sv}", ({},))
    for question in questions:
        polkit.answer(question, True)
    assert bob.outcome(deletion) == "NoSuchSession"
    assert bob.outcome(token) == "NoSuchParticipant"


@pytest.mark.covers("right: questions of one user", "right: nobody else waits",
                    "error: LimitsExceeded")
def test_many_questions(scene):
    """One user keeps polkit busy only so far, and nobody else is the worse for it."""
    stage, polkit, alice, bob = scene
    serials = [bob.send(*TOKEN) for _ in range(32)]
    questions = [polkit.question() for _ in serials]
    with contextlib.closing(User(stage.bus, BOB)) as more:
        assert more.refused(*TOKEN) == "LimitsExceeded"
    serial = alice.send(P2, PARTICIPANT, "GetToken")
    polkit.answer(polkit.question(), True)
    assert alice.outcome(serial) == "reply"
    for question in questions:
        polkit.answer(question, False)
    assert {bob.outcome(serial) for serial in serials} == {"AccessDenied"}
    serial = bob.send(*TOKEN)
    polkit.answer(polkit.question(), True)
    assert bob.outcome(serial) == "reply"


def test_stop_while_polkit_is_asked(scene):
    stage, polkit, _, bob = scene
    bob.send(*TOKEN), bob.send(*DELETE, interactive=True)
    polkit.question(), polkit.question()
    stage.daemon.stop()
    stage.daemon.start()
    wait_for(lambda: stage.get(S1)["State"] == "active")
