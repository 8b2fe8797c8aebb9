# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every kind of fault on every operation of the API, alone and with the daemon killed meanwhile.

Each run drives one operation through D-Bus while the simulator spoils it, and then holds what came
of it to the promises: what the caller was told, what is at the API and in the registry, how many
requests it took, and what was counted as suspected. Most of the time goes by in waiting, so that
several runs go on at once, each on a stage of its own.
"""

import concurrent.futures
import functools
import threading
from types import SimpleNamespace

import pytest

from harness.bus import BusError
from harness.daemon import PARTICIPANT, PATH, SESSION
from harness.stage import Stage
from harness.statefile import unsent_attempts
from harness.wait import wait_for

N_STAGES = 6
TIMEOUT_SEC = 1
CREATE_REPEATS = 2
CONFIG = {"Api": {"RequestTimeoutSec": TIMEOUT_SEC}, "Reconcile": {"ResyncIntervalSec": 3600}}

# How an attempt ends, and by that what the contract says about it:
#   late          it is answered in the end, and that is all
#   nothing       nobody can tell whether it was carried out; `effect`: it was
#   broken        likewise, but an answer came
#   throttled     it was not carried out, and may be later
#   refused       it was not, and never will be
#   unauthorized  it was not, and nothing else is until that has passed
FAULTS = {
    "status 500": ("broken", {"kind": "status", "status": 500}),
    "status 503": ("broken", {"kind": "status", "status": 503}),
    "status 429": ("throttled", {"kind": "status", "status": 429}),
    "status 400": ("refused", {"kind": "status", "status": 400}),
    "status 401": ("unauthorized", {"kind": "status", "status": 401}),
    "redirect": ("refused", {"kind": "redirect", "location": "http://127.0.0.1:9/"}),
    "refuse": ("nothing", {"kind": "refuse"}),
    "reset": ("nothing", {"kind": "reset"}),
    "hang": ("nothing", {"kind": "hang", "count": 1}),
    "drop": ("nothing", {"kind": "drop"}),
    "truncate": ("nothing", {"kind": "truncate"}),
    "garbage": ("nothing", {"kind": "garbage"}),
    "huge": ("nothing", {"kind": "huge", "bytes": 6_000_000}),
    "huge, within bounds": ("late", {"kind": "huge", "bytes": 20_000}),
    "slow": ("late", {"kind": "slow", "bytes_per_s": 5000}),
    "slow, out of time": ("nothing", {"kind": "slow", "bytes_per_s": 20, "count": 1}),
    "latency": ("late", {"kind": "latency", "ms": 50}),
    "latency, out of time": ("nothing", {"kind": "latency", "ms": 5000, "count": 1}),
    "chunked": ("late", {"kind": "chunked"}),
    "close": ("late", {"kind": "close"}),
}
WITHOUT_EFFECT = {"status", "redirect", "refuse", "reset", "hang"}


class Desk:
    """One stage after the other: a run that fails may have spoiled its own."""

    def __init__(self):
        self.stage = None

    def open(self):
        if not self.stage:
            self.stage = Stage(CONFIG).__enter__()
        return self.stage

    def close(self, *reason):
        stage, self.stage = self.stage, None
        if stage:
            stage.__exit__(*(reason or (None, None, None)))


class Furniture:
    """What an operation is tried on: a session with two members, and a participant in none."""

    def __init__(self, stage):
        self.stage = stage
        self.session = stage.session()
        self.anna, self.ben = (stage.participant(Session=self.session) for _ in range(2))
        self.carl = stage.participant()

    def id(self, path):
        return self.stage.get(path)["Id"]

    def member(self, participant):
        return f"/sessions/{self.id(self.session)}/participants/{self.id(participant)}"


# Of each operation: method; path, of what there is; the call that leads to it; and whether its rows
# are as that call wants them. Where there is no call, the daemon reads by itself after the one
# given.
OPERATIONS = {
    "createParticipant": SimpleNamespace(
        method="POST", path=lambda f: "/participants",
        call=lambda f, **o: f.stage.participant(Tag="new", **o),
        done=lambda f, rows: is_made(rows)),
    "getParticipant": SimpleNamespace(
        method="GET", path=lambda f: "/participants/" + f.id(f.carl),
        call=lambda f, **o: f.stage.refresh(f.carl), done=None,
        refresh=lambda f: (f.carl, PARTICIPANT)),
    "deleteParticipant": SimpleNamespace(
        method="DELETE", path=lambda f: "/participants/" + f.id(f.carl),
        call=lambda f, **o: f.stage.delete(f.carl, **o),
        done=lambda f, rows: f.carl not in rows),
    "createSession": SimpleNamespace(
        method="POST", path=lambda f: "/sessions",
        call=lambda f, **o: f.stage.session(Tag="new", **o),
        done=lambda f, rows: is_made(rows)),
    "getSession": SimpleNamespace(
        method="GET", path=lambda f: "/sessions/*-*-*-*-????????????",
        call=lambda f, **o: f.stage.session(Tag="new", **o), done=None),
    "deleteSession": SimpleNamespace(
        method="DELETE", path=lambda f: "/sessions/" + f.id(f.session),
        call=lambda f, **o: f.stage.delete(f.session, **o),
        done=lambda f, rows: f.session not in rows),
    "listSessionParticipants": SimpleNamespace(
        method="GET", path=lambda f: f"/sessions/{f.id(f.session)}/participants",
        call=lambda f, **o: f.stage.refresh(f.session), done=None,
        refresh=lambda f: (f.session, SESSION)),
    "addParticipantToSession": SimpleNamespace(
        method="PUT", path=lambda f: f.member(f.carl),
        call=lambda f, **o: f.stage.add(f.session, f.carl, Publishers=[(f.anna, ["mic"])], **o),
        done=lambda f, rows: rows[f.carl]["Publishers"] == [(f.anna, ["mic"])]),
    "removeParticipantFromSession": SimpleNamespace(
        method="DELETE", path=lambda f: f.member(f.anna),
        call=lambda f, **o: f.stage.remove(f.session, f.anna, **o),
        done=lambda f, rows: rows[f.anna]["Session"] == "/"),
    "getParticipantSubscriptions": SimpleNamespace(
        method="GET", path=lambda f: f.member(f.anna) + "/subscriptions",
        call=lambda f, **o: f.stage.subscribe(f.anna, "session", **o), done=None),
    "updateParticipantSubscriptions": SimpleNamespace(
        method="PUT", path=lambda f: f.member(f.anna) + "/subscriptions",
        call=lambda f, **o: f.stage.subscribe(f.anna, "participants", [(f.ben, [])], **o),
        done=lambda f, rows: rows[f.anna]["Publishers"] == [(f.ben, [])]),
}


def is_made(rows):
    return [row["State"] for row in rows.values() if row["Tag"] == "new"] == ["active"]


def rows_of(stage):
    return {**stage.list("Sessions")[0], **stage.list("Participants")[0]}


def last_seq(stage):
    requests = stage.simulator.requests()
    return requests[-1]["seq"] if requests else 0


def verified(stage):
    """Waits until nothing is left to be sent."""
    stage.daemon.await_property(PATH, "ApiState",
                                lambda state: state in ("online", "unknown", "throttled"))
    stage.verified()


class Run:
    """One operation under one fault; a creation with so many repeats."""

    def __init__(self, stage, fault, operation, repeats=CREATE_REPEATS):
        self.stage = stage
        self.options = {} if repeats else {"AtMostOnce": True}
        self.repeats = repeats
        self.ends, rule = FAULTS[fault]
        self.operation = OPERATIONS[operation]
        self.is_creation = self.operation.method == "POST"
        self.refresh = getattr(self.operation, "refresh", None)
        self.furniture = Furniture(stage)
        verified(stage)
        self.rule = {"count": 2, **rule, "method": self.operation.method,
                     "path": self.operation.path(self.furniture)}
        self.effect = rule["kind"] not in WITHOUT_EFFECT
        self.strays = set(self.at_the_api()) - self.known()
        self.n_suspected = stage.get(PATH)["SuspectedOrphans"]
        self.before = last_seq(stage)
        stage.simulator.set_faults(self.rule)

    def known(self):
        return {row["Id"] for row in rows_of(self.stage).values()} - {""}

    def at_the_api(self):
        state = self.stage.simulator.state()
        return {**state["sessions"], **state["participants"]}

    def call(self, **options):
        """The name of the error that it is answered with, None for success."""
        try:
            self.operation.call(self.furniture, **self.options, **options)
        except BusError as error:
            return error.name.rpartition(".")[2]
        return None

    def requests(self, **fields):
        return self.stage.simulator.requests(self.before, **fields)

    def spoiled(self):
        """The requests that met the fault."""
        return self.requests(fault=self.rule["kind"])

    def of_the_operation(self):
        """The requests of the operation; of creations those of the one that was asked for."""
        return [item for item in self.requests(method=self.operation.method)
                if item["path"] == self.rule["path"] or "*" in self.rule["path"]]

    def expected_error(self):
        if self.ends == "late" or (self.operation.method == "GET" and not self.refresh):
            return None
        if self.ends == "unauthorized":
            return "Unauthorized"
        if self.refresh:
            return "Unavailable"
        if self.is_unknown() and self.repeats == 0:
            return "OutcomeUnknown"
        return "Rejected" if self.ends == "refused" else None

    def is_unknown(self):
        """Whether nobody can tell what came of an attempt, and that matters."""
        return self.is_creation and self.ends in ("nothing", "broken")

    def untold(self):
        """The creations without those that the API refused to carry out."""
        told = self.ends in ("throttled", "refused", "unauthorized")
        return [item for item in self.requests(method="POST")
                if not (told and item["fault"])]

    def n_unanswered(self):
        """The creations of which nobody was told what became of them."""
        made = [row for row in rows_of(self.stage).values() if row["Tag"] == "new" and row["Id"]]
        return len(self.untold()) - len(made)

    def settle(self):
        """Until all that is wanted is so, or was refused; the fault is over by then, or spent."""
        def is_so():
            return all(row["InSync"] or row["State"] == "failed"
                       for row in rows_of(self.stage).values())

        wait_for(is_so, 30)
        self.stage.simulator.set_faults()
        verified(self.stage)

    def suspected(self):
        return self.stage.get(PATH)["SuspectedOrphans"] - self.n_suspected

    def assert_agrees(self):
        """What is shown is what is at the API; what is there and not shown was counted."""
        rows, there = rows_of(self.stage), self.at_the_api()
        strays = there.keys() - self.known() - self.strays
        assert self.known() <= there.keys()
        assert len(strays) <= self.suspected(), strays
        for path, row in rows.items():
            if row["State"] == "failed":
                continue
            truth = there[row["Id"]]
            if "/session/" in path:
                assert set(truth["participants"]) == {rows[member]["Id"]
                                                      for member in row["Participants"]}
                continue
            assert truth["sessions"] == ([row["SessionId"]] if row["SessionId"] else [])
            assert self.heard(truth) == self.shown(row, rows), path
            assert self.stage.token(path) == truth["token"]

    @staticmethod
    def heard(truth):
        """Of what the API has: the mode, and who is listed."""
        heard = truth["subscriptions"]
        if not heard:
            return "none", []
        listed = sorted((item["participantId"], item.get("streamAliases", []))
                        for item in heard.get("participants", []))
        return "participants" if listed else "session", listed

    @staticmethod
    def shown(row, rows):
        return row["SubscriptionMode"], sorted((rows[path]["Id"], list(aliases))
                                               for path, aliases in row["Publishers"])

    def assert_bounds(self):
        """Few requests, each of which has a reason."""
        n = len(self.of_the_operation())
        if self.is_creation:
            # What was surely not carried out may be sent again as often as it takes.
            in_vain = len(self.spoiled()) if self.ends in ("throttled", "unauthorized") else 0
            assert n <= 1 + self.repeats + in_vain, n
        assert n <= 20, n
        assert len(self.requests()) <= 100
        assert self.suspected() == 0 or self.is_creation

    def clean_up(self):
        stage = self.stage
        stage.simulator.set_faults()
        for path in rows_of(stage):
            stage.delete(path)
        stage.settled()
        assert rows_of(stage) == {}


def alone(stage, fault, operation, **options):
    run = Run(stage, fault, operation, **options)
    error = run.call()
    assert error == run.expected_error(), error
    wait_for(run.spoiled)
    run.settle()
    run.assert_agrees()
    run.assert_bounds()

    n, rows = len(run.spoiled()), rows_of(stage)
    if run.is_creation:
        # What nobody can tell the outcome of is counted; the rest was tried again, or not at all.
        unknown = run.is_unknown()
        assert run.suspected() == (n if unknown else 0)
        strays = run.at_the_api().keys() - run.known() - run.strays
        assert len(strays) == (n if unknown and run.effect else 0)
        # A fault that ends well is met once, by the one that was asked for.
        is_last = run.ends in ("late", "refused", "unauthorized") or error == "OutcomeUnknown"
        assert n == (1 if is_last else run.rule["count"])
        assert len(run.of_the_operation()) == (n if is_last else n + 1)
    if run.operation.done:
        assert bool(run.operation.done(run.furniture, rows)) == (error is None)
    run.clean_up()


def restarted(stage, fault, operation, **options):
    """Killed as soon as the API has the request that is spoiled."""
    run = Run(stage, fault, operation, **options)
    with stage.listener() as listener:
        if run.refresh:
            listener.send(*run.refresh(run.furniture), "Refresh")
        else:
            run.call(Wait=False)
        wait_for(run.spoiled)
        stage.daemon.kill()
    n_unsent = len(unsent_attempts(stage.daemon.state_directory, run.untold()))
    stage.daemon.start()
    run.settle()
    run.assert_agrees()
    run.assert_bounds()

    rows = rows_of(stage)
    # More only by what was committed as perhaps sent, and was not: nobody can know that.
    assert run.suspected() <= (run.n_unanswered() + n_unsent if run.is_creation else 0)
    if run.operation.done and not run.operation.done(run.furniture, rows):
        # It came to nothing, which is for the API to say, or nobody could tell; and that is told.
        assert run.ends in ("refused", "unauthorized") or run.suspected() > run.repeats
        assert any(row["LastError"][0] for row in rows.values())
    run.clean_up()


HOW = {"fault": alone, "fault and restart": restarted,
       "at most once": functools.partial(alone, repeats=0),
       "at most once, and restart": functools.partial(restarted, repeats=0)}
AT_MOST_ONCE = {"createSession": "key: Manager.CreateSession AtMostOnce",
                "createParticipant": "key: Manager.CreateParticipant AtMostOnce"}


def params():
    for group in HOW:
        once = group.startswith("at most once")
        for fault in FAULTS:
            for operation in AT_MOST_ONCE if once else OPERATIONS:
                row = (AT_MOST_ONCE[operation] if once
                       else f"{group}: {FAULTS[fault][1]['kind']} × {operation}")
                yield pytest.param(group, fault, operation, id=f"{group}, {fault}, {operation}",
                                   marks=pytest.mark.covers(row))


@pytest.fixture(name="runs", scope="module")
def fixture_runs(request):
    """All runs that are asked for, under way: what their tests wait for."""
    desks, mine = [], threading.local()

    def perform(group, fault, operation):
        if not hasattr(mine, "desk"):
            mine.desk = Desk()
            desks.append(mine.desk)
        try:
            HOW[group](mine.desk.open(), fault, operation)
            # It stays careful for a minute, in which it answers before the API has.
            if FAULTS[fault][0] == "throttled":
                mine.desk.close()
        except BaseException as error:
            mine.desk.close(type(error), error, None)
            raise

    with concurrent.futures.ThreadPoolExecutor(N_STAGES) as pool:
        wanted = [tuple(item.callspec.params[name] for name in ("group", "fault", "operation"))
                  for item in request.session.items if item.module is request.module
                  and hasattr(item, "callspec")]
        yield {key: pool.submit(perform, *key) for key in wanted}
        pool.shutdown(cancel_futures=True)
    for desk in desks:
        desk.close()


@pytest.mark.parametrize("group, fault, operation", params())
def test_fault(runs, group, fault, operation):
    runs[group, fault, operation].result(timeout=300)
