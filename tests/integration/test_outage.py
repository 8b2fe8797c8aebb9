# SPDX-License-Identifier: LGPL-2.1-or-later
"""While the API is away: single reads look for it; afterwards all that waits goes out in time."""

import calendar
import re
import time

import pytest

from harness.daemon import PATH
from harness.simulator import excess
from harness.stage import P1, S1, S2, Stage
from harness.wait import wait_for

PER_SEC, BURST = 60, 10
BUDGET = {"Api": {"RequestsPerSec": PER_SEC, "RequestBurst": BURST, "RequestTimeoutSec": 1},
          "Reconcile": {"ResyncIntervalSec": 3600, "RetryMinSec": 0.02, "RetryMaxSec": 0.5}}


def last_seq(stage):
    requests = stage.simulator.requests()
    return requests[-1]["seq"] if requests else 0


def begin_outage(stage, **rule):
    """Returns what was the last request before the daemon knew."""
    stage.simulator.set_faults({"kind": "refuse", **rule})
    stage.daemon.manager("Sync")
    stage.daemon.await_property(PATH, "ApiState", "offline")
    return last_seq(stage)


@pytest.mark.covers("daemon: STATUS", "state: API offline")
def test_status_says_since_when_and_until_when():
    """What no property tells while nothing waits, and by the clock on the wall."""
    east = 5.5 * 3600
    hours = {"Reconcile": {"ResyncIntervalSec": 3600, "RetryMinSec": 20000, "RetryMaxSec": 86400}}
    with Stage(hours, environment={"TZ": "XXX-5:30"}) as stage:
        stage.session()
        stage.daemon.await_status("API online; 1 session, 0 participants")
        started = int(time.time())
        begin = wait_for(lambda: int(time.time()) > started and int(time.time()))
        begin_outage(stage)
        told = stage.daemon.await_status("API offline since ([-0-9]+ [0-9:]+) XXX, "
                                         "next try ([0-9:]+); 1 session, 0 participants")
        since = calendar.timegm(time.strptime(told[1], "%Y-%m-%d %H:%M:%S")) - east
        assert begin <= since <= time.time() + 1
        stage.session(Wait=False)
        at = stage.get(S2)["NextAttemptUSec"] / 1e6 + east
        assert told[2] in {time.strftime("%H:%M:%S", time.gmtime(at + d)) for d in (-0.5, 0, 0.5)}
        stage.simulator.set_faults()
        stage.daemon.manager("Reload")
        stage.daemon.await_status("API online; 2 sessions, 0 participants")


@pytest.mark.covers("configuration: [Api] RequestsPerSec", "configuration: [Api] RequestBurst",
                    "property: Manager.PendingCount")
def test_two_hundred_intents_wait_and_are_driven():
    with Stage(BUDGET) as stage:
        stage.session()
        before = begin_outage(stage)
        for n in range(100):
            joins = {"Session": S1, "SubscriptionMode": "session"} if n < 20 else {}
            stage.participant(Tag=f"t{n}", Wait=False, **joins)
            stage.session(Tag=f"t{n}", Wait=False)
        # However many wait, it is looked for with one read after the other, and nothing else.
        wait_for(lambda: len(stage.simulator.requests(before)) >= 3)
        probes = stage.simulator.requests(before)
        assert {probe["method"] for probe in probes} == {"GET"}
        assert excess(probes, PER_SEC, BURST) <= 1
        assert stage.get(PATH)["PendingCount"] == 200

        stage.simulator.set_faults()
        stage.settled()
        drained = stage.simulator.requests(probes[-1]["seq"])
        posts = [request for request in drained if request["method"] == "POST"]
        assert len(posts) == 200 and all(request["status"] == 200 for request in posts)
        assert drained[0]["method"] == "GET"
        # What was sent in time may be late in arriving: a quarter of a second for a busy machine.
        assert excess(drained, PER_SEC, BURST) <= PER_SEC / 4
        assert drained[-1]["time"] - drained[0]["time"] > (len(drained) - BURST) / PER_SEC - 0.5
        assert len(stage.simulator.state()["sessions"]) == 101
        assert stage.get(PATH)["SuspectedOrphans"] == 0


def test_who_waits_goes_first():
    """A caller is not behind what was queued before."""
    with Stage(BUDGET) as stage:
        stage.session()
        begin_outage(stage)
        for _ in range(250):
            stage.session(Wait=False)
        stage.simulator.set_faults()
        stage.daemon.await_property(PATH, "ApiState", "online")
        path = stage.participant()
        assert stage.get(path)["State"] == "active"
        assert stage.get(PATH)["PendingCount"] > 20
        stage.settled()


@pytest.mark.covers("state: API offline", "answer: sent, and no whole answer",
                    "answer: a success that cannot be understood",
                    "answer: 408, other 5xx, and 503 without Retry-After", "answer: 3xx")
@pytest.mark.parametrize("rule", [
    {"kind": "refuse"}, {"kind": "reset"}, {"kind": "drop"}, {"kind": "truncate"},
    {"kind": "garbage"}, {"kind": "hang"}, {"kind": "slow", "bytes_per_s": 1},
    {"kind": "status", "status": 500}, {"kind": "status", "status": 502, "body": "<html>"},
    {"kind": "status", "status": 503}, {"kind": "status", "status": 504},
    {"kind": "status", "status": 408}, {"kind": "redirect", "location": "http://127.0.0.1:9/"},
], ids=lambda rule: "-".join(str(value) for value in rule.values())[:12])
def test_never_a_creation_while_offline(rule):
    with Stage(BUDGET) as stage:
        stage.session(), stage.session()
        stage.settled()
        before = begin_outage(stage, **rule)
        stage.session(Wait=False), stage.participant(Session=S1, Wait=False)
        stage.delete(S2)
        wait_for(lambda: len(stage.simulator.requests(before)) >= 2)
        seen = stage.simulator.requests(before)
        assert {request["method"] for request in seen} == {"GET"}
        assert stage.get(PATH)["ApiState"] == "offline"
        assert (stage.get(P1)["State"], stage.get(S2)["State"]) == ("pending", "deleting")
        stage.simulator.set_faults()
        stage.settled()
        assert stage.get(PATH)["ApiState"] == "online"
        assert len(stage.simulator.state()["sessions"]) == 2
        assert len(stage.simulator.requests(before, method="POST")) == 2
        assert stage.get(PATH)["SuspectedOrphans"] == 0


@pytest.mark.covers("daemon: journal")
def test_redirected():
    """One line, with what the API's people will ask for."""
    with Stage() as stage:
        stage.session()
        stage.simulator.set_faults({"kind": "redirect", "location": "http://127.0.0.1:9/",
                                    "status": 307})
        stage.refused("Rejected", stage.session)
        stage.daemon.await_property(PATH, "ApiState", "offline")
        line, = [line for line in stage.daemon.log.splitlines() if "is probably wrong" in line]
        assert re.search(r"\[.*createSession.*HTTP 307, request [0-9a-f-]{36}\]$", line), line
        stage.simulator.set_faults()


@pytest.mark.covers("state: API throttled", "answer: 425, 429, and 503 with Retry-After",
                    "answer: Retry-After")
@pytest.mark.parametrize("rule, pause", [
    ({"status": 429, "retry_after": 1}, 1), ({"status": 503, "retry_after": 1}, 1),
    ({"status": 425, "retry_after": 1}, 1), ({"status": 429, "retry_after": 0}, 1),
    ({"status": 429}, 0), ({"status": 425}, 0),
], ids=lambda value: "-".join(str(item) for item in value.values())
    if isinstance(value, dict) else str(value))
def test_throttled(rule, pause):
    """Nothing at all is sent before its time; the creation had not been carried out."""
    config = {**BUDGET, "Reconcile": {**BUDGET["Reconcile"], "RetryMaxSec": 20}}
    with Stage(config) as stage:
        stage.session()
        stage.settled()
        stage.simulator.set_faults({"method": "POST", "kind": "status", "count": 1, **rule})
        stage.participant(Tag="late")
        assert stage.get(P1)["State"] == "pending"
        refused, = stage.simulator.requests(method="POST", path="/participants")
        stage.daemon.await_property(P1, "State", "active")
        following = stage.simulator.requests(refused["seq"])
        # That the pause is over, a read finds out.
        assert following[0]["method"] == "GET"
        assert following[0]["time"] - refused["time"] >= pause
        assert len(stage.simulator.requests(method="POST", path="/participants")) == 2
        assert stage.get(PATH)["SuspectedOrphans"] == 0


@pytest.mark.covers("state: API throttled", "answer: Retry-After")
@pytest.mark.parametrize("ends", ["stop", "kill"])
def test_pause_outlives_the_daemon(ends):
    """What the API has asked for is asked of the next process, too."""
    pause = 5
    with Stage({**BUDGET, "Reconcile": {**BUDGET["Reconcile"], "RetryMaxSec": 20}}) as stage:
        stage.session()
        stage.verified()
        stage.simulator.set_faults({"method": "POST", "kind": "status", "status": 429,
                                    "retry_after": pause, "count": 1})
        stage.participant(Tag="late")
        stage.session(Wait=False)  # durable, and with it what was told before
        refused, = stage.simulator.requests(method="POST", path="/participants")
        getattr(stage.daemon, ends)()
        stage.daemon.start()
        assert stage.get(PATH)["ApiState"] == "throttled"
        assert 0 < stage.get(P1)["NextAttemptUSec"] / 1e6 - time.time() < pause + 1
        assert "it did so before this start" in stage.daemon.log
        stage.settled()
        following = stage.simulator.requests(refused["seq"])
        assert following[0]["method"] == "GET"
        assert pause <= following[0]["time"] - refused["time"] < pause + 10
        assert stage.get(PATH)["ApiState"] == "online"
        assert stage.get(PATH)["SuspectedOrphans"] == 0


@pytest.mark.covers("state: API throttled", "answer: 425, 429, and 503 with Retry-After")
def test_slower_than_configured():
    """The API takes 4 a second, RequestsPerSec says 60: the pace is found out, and nobody sees more
    of it than one change of state."""
    rate, n = 4, 60
    with Stage({**BUDGET, "Reconcile": {"ResyncIntervalSec": 3600}},
               simulator=[f"--requests-per-sec={rate}"]) as stage, stage.listener() as listener:
        for number in range(n):
            stage.session(Tag=f"t{number}", Wait=False)
        stage.daemon.await_property(PATH, "PendingCount", 0, timeout=120)
        requests = stage.simulator.requests()
        created = [request["time"] for request in requests
                   if request["method"] == "POST" and request["status"] == 200]
        assert len(created) == n
        assert created[-1] - created[0] < 2.5 * n / rate
        in_vain = [request for request in requests if request["status"] == 429]
        # The first burst may be throttled as a whole; what follows knows better.
        assert 0 < len(in_vain) <= 20 + n / 4, len(in_vain)
        assert stage.get(PATH)["ApiState"] == "throttled"
        heard = listener.until(lambda event: event.changed.get("PendingCount") == 0)
        seen = [event.changed["ApiState"] for event in heard if "ApiState" in event.changed]
        assert seen[-1] == "throttled" and len(seen) <= 6, seen
        assert stage.daemon.log.count("The API asks for patience") <= 2
        assert stage.get(PATH)["SuspectedOrphans"] == 0


@pytest.mark.covers("state: API unauthorized")
@pytest.mark.parametrize("status", [401, 403])
def test_unauthorized(status):
    """Only a rare read; what was accepted before is kept, and driven when it passes."""
    with Stage(BUDGET) as stage:
        stage.session()
        stage.settled()
        stage.simulator.set_faults({"method": "POST", "kind": "status", "status": 503,
                                    "retry_after": 1, "count": 1})
        stage.participant(Session=S1)
        stage.simulator.set_faults({"kind": "status", "status": status})
        stage.daemon.await_property(PATH, "ApiState", "unauthorized")
        before = last_seq(stage)
        wait_for(lambda: len(stage.simulator.requests(before)) >= 3)
        assert {item["method"] for item in stage.simulator.requests(before)} == {"GET"}
        assert stage.get(P1)["State"] == "pending"
        stage.simulator.set_faults()
        stage.settled()
        assert stage.truth(P1)["sessions"] == [stage.get(S1)["Id"]]
