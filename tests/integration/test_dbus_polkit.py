# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whom polkit lets do what is not theirs. Needs root, to be several users."""

import contextlib
import itertools
import os
import time

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
    assert "polkit has allowed" not in stage.daemon.log
    assert stage.get(S1)["State"] == "active"


@pytest.mark.covers("right: others' objects", "right: others' tokens", "right: Reload by others",
                    "right: allowed by polkit")
@pytest.mark.parametrize("call, action", [
    ((S1, SESSION, "AddParticipant", "oa{sv}", (P2, {})), "manage-others"),
    ((S2, SESSION, "AddParticipant", "oa{sv}", (P1, {})), "manage-others"),
    ((P1, PARTICIPANT, "Delete", "a{sv}", ({},)), "manage-others"),
    ((PATH, MANAGER, "CreateParticipant", "a{sv}", (variants({"Session": S1}),)), "manage-others"),
    (TOKEN, "read-tokens"), ((PATH, MANAGER, "Reload"), "reload")])
def test_actions(scene, call, action):
    stage, polkit, _, bob = scene
    serial = bob.send(*call)
    question = polkit.question()
    assert question.action == "org.convened1." + action
    assert "polkit has allowed" not in stage.daemon.log
    polkit.answer(question, True)
    assert bob.outcome(serial) == "reply"
    told = [line for line in stage.daemon.log.splitlines() if line.startswith("polkit has allowed")]
    if action == "reload":
        assert told == []
    else:
        assert len(told) == 1 and told[0].startswith(
            f"polkit has allowed {question.action} to user {BOB}, who calls {call[2]} for what is "
            f"user {ALICE}'s. [")


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


@pytest.mark.covers("right: allowed by polkit")
def test_who_may_is_not_asked_about(scene):
    """What the table allows goes on, whatever polkit does."""
    stage, polkit, alice, _ = scene
    assert alice.call(*TOKEN)[0]
    alice.call(*DELETE)
    with pytest.raises(TimeoutError):
        polkit.question(timeout=0)
    assert "polkit has allowed" not in stage.daemon.log


@pytest.mark.covers("right: no polkit, or no answer")
def test_what_is_no_answer(scene):
    stage, polkit, _, _ = scene

    def refused(answer):
        with contextlib.closing(User(stage.bus, BOB)) as bob:
            serial = bob.send(*TOKEN)
            answer(polkit.question())
            assert bob.outcome(serial) == "AccessDenied"

    for answer in ((None, ()), ("b", (True,)), ("(bb)", ((True, False),)),
                   ("(sba{ss})", (("yes", False, {}),))):
        refused(lambda question, answer=answer: polkit.reply(question, *answer))
    refused(polkit.fail)


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
        # deleting needs no quota, but a question where it is another's
        assert more.refused(*DELETE) == "LimitsExceeded"
        assert more.call(S2, SESSION, "Delete", "a{sv}", ({},)) == ()
    serial = alice.send(P2, PARTICIPANT, "GetToken")
    polkit.answer(polkit.question(), True)
    assert alice.outcome(serial) == "reply"
    for question in questions:
        polkit.answer(question, False)
    assert {bob.outcome(serial) for serial in serials} == {"AccessDenied"}
    with contextlib.closing(User(stage.bus, BOB)) as more:
        serial = more.send(*TOKEN)
        polkit.answer(polkit.question(), True)
        assert more.outcome(serial) == "reply"


def ask(polkit, user, call, *answer, interactive=False):
    """What comes of a call that polkit is asked about."""
    serial = user.send(*call, interactive=interactive)
    polkit.answer(polkit.question(), *answer)
    return user.outcome(serial)


@pytest.mark.covers("right: refused by polkit")
@pytest.mark.parametrize("interactive, challenge, error", [
    (False, False, "AccessDenied"), (True, False, "AccessDenied"),
    (False, True, "InteractiveAuthorizationRequired")])
def test_refused_again(scene, interactive, challenge, error):
    """Who goes on all the same is refused the same for a second, and polkit does not hear of it;
    but of others, of another right, and where a password may be asked for or no more."""
    stage, polkit, _, bob = scene
    begin = time.monotonic()
    assert ask(polkit, bob, DELETE, False, challenge, interactive=interactive) == error
    assert ask(polkit, bob, DELETE, False, interactive=not interactive) == "AccessDenied"
    assert ask(polkit, bob, TOKEN, True, interactive=interactive) == "reply"
    with contextlib.closing(User(stage.bus, BOB)) as more:
        assert ask(polkit, more, DELETE, False, interactive=interactive) == "AccessDenied"

    def comes(serial):
        """An answer, or a question to polkit."""
        with contextlib.suppress(TimeoutError):
            return bob.outcome(serial, timeout=0.02)
        with contextlib.suppress(TimeoutError):
            return polkit.question(timeout=0)
        return None

    add = S1, SESSION, "AddParticipant", "oa{sv}", (P2, {})
    for call in itertools.cycle([add, DELETE]):
        serial = bob.send(*call, interactive=interactive)
        came = wait_for(lambda serial=serial: comes(serial))
        if came != error:
            break
        assert time.monotonic() - begin < 60
    polkit.answer(came, True)
    assert bob.outcome(serial) == "reply"
    assert time.monotonic() - begin >= 1


@pytest.mark.covers("right: refused by polkit")
def test_allowed_after_a_password(scene):
    """polkit may keep it, and is asked at once."""
    _, polkit, _, bob = scene
    assert ask(polkit, bob, TOKEN, False, True) == "InteractiveAuthorizationRequired"
    assert ask(polkit, bob, TOKEN, True, interactive=True) == "reply"
    assert ask(polkit, bob, TOKEN, True) == "reply"


def test_stop_while_polkit_is_asked(scene):
    stage, polkit, _, bob = scene
    bob.send(*TOKEN), bob.send(*DELETE, interactive=True)
    polkit.question(), polkit.question()
    stage.daemon.stop()
    stage.daemon.start()
    wait_for(lambda: stage.get(S1)["State"] == "active")
