# SPDX-License-Identifier: LGPL-2.1-or-later
"""kill -9 at any moment of a call that changes something, and then a start on what it left.

The moments are spread over the call's length, as it was measured just before; every one of them is
held to the promises alone, and not to what it happened to meet.
"""

import contextlib
import json
import select
import time

import pytest

from harness.daemon import MANAGER, PARTICIPANT, PATH, SESSION, variants
from harness.listener import Listener
from harness.stage import P1, P2, P3, S1, Stage
from harness.wait import wait_for

# In lengths of the call.
MOMENTS = (0, 0.15, 0.3, 0.45, 0.6, 0.8, 1, 4)
CREATE_REPEATS = 2

CALLS = {
    "create session": (PATH, MANAGER, "CreateSession", "a{sv}", (variants({"Tag": "new"}),)),
    "create participant": (PATH, MANAGER, "CreateParticipant", "a{sv}",
                           (variants({"Tag": "new", "Session": S1,
                                      "Publishers": [(P1, ["mic"])]}),)),
    "create at most once": (PATH, MANAGER, "CreateParticipant", "a{sv}",
                            (variants({"Tag": "new", "AtMostOnce": True}),)),
    "add": (S1, SESSION, "AddParticipant", "oa{sv}",
            (P3, variants({"SubscriptionMode": "session"}))),
    "remove": (S1, SESSION, "RemoveParticipant", "oa{sv}", (P1, {})),
    "subscribe": (P1, PARTICIPANT, "SetSubscriptions", "sa(oas)a{sv}",
                  ("participants", [(P2, [])], {})),
    "delete participant": (P1, PARTICIPANT, "Delete", "a{sv}", ({},)),
    "delete session": (S1, SESSION, "Delete", "a{sv}", ({},)),
}

# What is so once the call was accepted and all is in sync.
EXPECT = {
    "create session": lambda rows: "new" in tags(rows),
    "create participant": lambda rows: [row for row in rows.values() if row["Tag"] == "new" and
                                        row["Publishers"] == [(P1, ["mic"])]],
    "create at most once": lambda rows: "new" in tags(rows),
    "add": lambda rows: rows[P3]["SubscriptionMode"] == "session",
    "remove": lambda rows: rows[P1]["Session"] == "/",
    "subscribe": lambda rows: rows[P1]["Publishers"] == [(P2, [])],
    "delete participant": lambda rows: P1 not in rows,
    "delete session": lambda rows: S1 not in rows and rows[P1]["Session"] == "/",
}


def tags(rows):
    return [row["Tag"] for row in rows.values()]


def rows_of(stage):
    return {**stage.list("Sessions")[0], **stage.list("Participants")[0]}


@contextlib.contextmanager
def desk():
    with Stage({"Reconcile": {"ResyncIntervalSec": 3600}}) as stage:
        stage.session()
        for _ in range(2):
            stage.participant(Session=S1, SubscriptionMode="session")
        stage.participant()
        yield stage


def length_sec(call):
    with desk() as stage:
        begin = time.monotonic()
        stage.daemon.call(*call)
        return time.monotonic() - begin


def kill_after(stage, call, seconds):
    """Calls, and kills so much later. Returns whether it was told, by signal or reply, before."""
    accepted = False
    with Listener(stage.bus) as listener:
        serial = listener.send(*call)
        select.select([], [], [], seconds)
        stage.daemon.kill()
        # The bus tells the caller of the end, after all that was sent before.
        for event in listener.until(lambda event: event.serial == serial):
            accepted |= event.kind in ("added", "changed", "removed", "reply") \
                and event.path != PATH
    return accepted


def in_sync(stage):
    def is_so():
        return all(row["InSync"] or row["State"] == "failed" for row in rows_of(stage).values())

    wait_for(is_so, 20)
    stage.daemon.manager("Sync")


def assert_promises(stage, name, accepted):
    rows, state = rows_of(stage), stage.simulator.state()
    n_suspected = stage.get(PATH)["SuspectedOrphans"]
    known = {row["Id"] for row in rows.values()} - {""}
    there = state["sessions"].keys() | state["participants"].keys()
    assert known <= there and len(there - known) <= n_suspected
    for path, row in rows.items():
        if row["State"] == "active" and "/participant/" in path:
            truth = state["participants"][row["Id"]]
            assert truth["sessions"] == ([row["SessionId"]] if row["SessionId"] else [])
            assert bool(truth["subscriptions"]) == (row["SubscriptionMode"] != "none")
            assert stage.token(path) == truth["token"]
    posts = [item for item in stage.simulator.requests(method="POST")
             if json.loads(item["body"]).get("tag") == "new"]
    assert len(posts) <= (1 if name == "create at most once" else 1 + CREATE_REPEATS)
    # One more: it was about to be sent, and nobody can know that it was not.
    assert n_suspected <= len(posts) + 1
    failed = [row for row in rows.values() if row["State"] == "failed"]
    assert len(failed) <= (1 if name == "create at most once" else 0)
    assert not accepted or EXPECT[name](rows)


@pytest.mark.covers("reply: accepted is kept over a restart", "reply: durable first",
                    "key: Manager.CreateParticipant AtMostOnce")
@pytest.mark.parametrize("name", CALLS)
def test_killed_at_any_moment(name):
    whole, told = length_sec(CALLS[name]), set()
    for moment in MOMENTS:
        with desk() as stage:
            accepted = kill_after(stage, CALLS[name], moment * whole)
            stage.daemon.start()
            in_sync(stage)
            assert_promises(stage, name, accepted)
            told.add(accepted)
    # Else the moments do not cut through the call.
    assert True in told
