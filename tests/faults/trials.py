# SPDX-License-Identifier: LGPL-2.1-or-later
"""Trials of one operation with connections cut: how they are made, and what must hold after
each."""

import collections
import contextlib
import json
import os
import time

from jeepney import DBusAddress, HeaderFields, MessageType, new_method_call

from harness.daemon import NAME, PATH, Daemon
from harness.stage import Stage
from lanes import OPERATIONS, Lane
from promises import disagreements, integrity, rows_of
from proxy import NEVER_WHOLE, SHAPES, Cut, Proxy
from recovery import bound_sec, is_late

N_LANES = 32
PASSWORD = "canary-7f3a91"
CONFIG = {"Api": {"RequestsPerSec": 2000, "RequestBurst": 400,
                  "MaxConcurrentRequests": 2 * N_LANES},
          "Reconcile": {"ResyncIntervalSec": 3600, "RetryMinSec": 0.001, "RetryMaxSec": 5}}
# How often a point is tried that is not reached, as its request goes out on another connection.
TRIES_MAX = 20
# Requests for a point: two of the operation, and reads and probes around them.
REQUESTS_MAX = 8
READS_MAX = 3

# How the points of an operation are gone through. `once`: creations with AtMostOnce. `careless`:
# by a daemon that keeps curl from nothing.
Way = collections.namedtuple("Way", "operation reset reused shape once careless",
                             defaults=("plain", False, False))


class Bench(Stage):
    """A stage with a proxy between the daemon and the simulator."""

    def __init__(self, way):
        super().__init__(CONFIG, OPERATIONS[way.operation].simulator)
        self.is_careless = way.careless
        self.proxy = None
        self.caller = None

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.bus)
            self.simulator.credentials = "user:" + PASSWORD
            stack.enter_context(self.simulator)
            self.proxy = stack.enter_context(Proxy(self.simulator.port))
            self.daemon = Daemon(self.bus, base_url=self.proxy.base_url, config=self.config,
                                 credentials=self.simulator.credentials, log_level="info")
            if self.is_careless:
                self.daemon.program = "tests/faults/convened-careless"
                self.daemon.environment = {"CARELESS": "resend"}
            stack.enter_context(self.daemon)
            self.caller = Caller(self.daemon.connection)
            self.stack = stack.pop_all()
        return self


class Caller:
    """Calls many methods at once, and sees to it that each is answered once."""

    def __init__(self, connection):
        self.connection = connection

    def all(self, calls):
        """Returns the answers in order: a body, or the name of an error."""
        serials = [self._send(call) for call in calls]
        answers = {}
        while len(answers) < len(serials):
            message = self.connection.receive(timeout=30)
            serial = message.header.fields.get(HeaderFields.reply_serial)
            if serial in answers or serial is not None and serial not in serials:
                raise AssertionError(f"I10: a second answer: {message}")
            if serial is not None:
                answers[serial] = (message.header.fields[HeaderFields.error_name]
                                   if message.header.message_type is MessageType.error
                                   else message.body)
        return [answers[serial] for serial in serials]

    def _send(self, call):
        path, interface, member, signature, body = call
        serial = next(self.connection.outgoing_serial)
        self.connection.send(new_method_call(
            DBusAddress(path, bus_name=NAME, interface=interface), member, signature, body),
            serial=serial)
        return serial


class Run:
    """All points of one operation, gone through in one way. Of `found` each is the number of a
    trial, where a connection was cut in it, None where all of it is meant, and what did not
    hold."""

    def __init__(self, bench, way):
        self.bench = bench
        self.way = way
        self.operation = OPERATIONS[way.operation]
        self.lanes = [Lane(number, way.once) for number in range(N_LANES)]
        self.layout = None
        self.strays = set()
        self.furniture = set()
        self.points = []
        self.found = []
        self.n_without = 0

    def all(self, only=None):
        for lane in self.lanes:
            lane.furnish(self.bench, self.operation.needs)
        self.bench.verified()
        self.furniture = rows_of(self.bench).keys()
        self.bench.proxy.keep = self.way.reused
        self.bench.proxy.shape = SHAPES[self.way.shape]
        # A session that was looked at while its lane was made ready is not read alone again.
        for _ in range(TRIES_MAX):
            if not self.layout:
                self.batch([None] * N_LANES)
        # A whole answer that says that it is gone would be believed.
        n = self.layout.answer + (self.bench.proxy.shape not in NEVER_WHOLE)
        self.points = [Cut(at, self.way.reset, self.way.reused)
                       for at in range(n) if only in (None, at)]
        self.cut(self.points)
        if not self.way.reused and self.way.shape == "plain" and not self.way.once:
            self.batch([None] * N_LANES, self.hung_up)
            self.batch([None] * N_LANES, self.refused)
            self.n_without = 2 * N_LANES
        self.finish()

    def cut(self, points):
        waiting = collections.deque(points)
        n_tries = 0
        while waiting and n_tries < TRIES_MAX * len(points):
            cuts = [waiting.popleft() for _ in range(min(N_LANES, len(waiting)))]
            self.batch(cuts + [None] * (N_LANES - len(cuts)))
            waiting.extend(cut for cut in cuts if not cut.is_made)
            n_tries += len(cuts)

    def batch(self, cuts, disturb=None):
        """One cut in each lane, None: no cut; or another disturbance of all."""
        for lane in self.lanes:
            lane.n += 1
        if self.operation.before:
            self.call(self.operation.before)
        trial = Trial(self, cuts, disturb)
        with disturb() if disturb else contextlib.nullcontext():
            trial.call()
        trial.settle()
        self.found += [(self.lanes[0].n, at, text) for at, text in trial.violations()]
        self.bench.proxy.cuts.clear()
        if self.operation.after:
            self.call(self.operation.after)

    @contextlib.contextmanager
    def hung_up(self):
        """Connections end before they were used, until all calls were answered."""
        self.bench.proxy.reset = self.way.reset
        self.bench.proxy.hang_up = True
        yield
        self.bench.proxy.hang_up = False

    @contextlib.contextmanager
    def refused(self):
        """There are no connections, until all calls were answered."""
        self.bench.proxy.deaf(True)
        yield
        self.bench.proxy.deaf(False)

    def call(self, act):
        """Something that meets no cut."""
        self.bench.caller.all([act(lane) for lane in self.lanes])
        self.bench.settled()
        self.take()

    def take(self):
        """Notes what was made."""
        if not self.operation.makes:
            return
        rows = rows_of(self.bench)
        for lane in self.lanes:
            made = [path for path, row in rows.items() if row["Tag"] == lane.tag]
            if made:
                lane.made, = made
                lane.ids[lane.made] = rows[lane.made]["Id"]

    def finish(self):
        """What is seen in the end."""
        self.bench.verified()
        if rows_of(self.bench).keys() != self.furniture:
            self.found.append((0, None, "I5: what was deleted is there again"))
        secrets = {item["token"] for item in self.bench.simulator.state()["participants"].values()}
        if any(secret in self.bench.daemon.log for secret in secrets | {PASSWORD}):
            self.found.append((0, None, "I8: a secret is in the log"))
        self.bench.daemon.stop()
        self.found += [(0, None, text) for text in integrity(self.bench)]


class Trial:
    """One call in each lane, and what became of it."""

    def __init__(self, run, cuts, disturb):
        self.run = run
        self.disturb = disturb
        self.bench = run.bench
        self.operation = run.operation
        self.cuts = cuts
        self.begin = time.time() * 1e6
        self.n_before = len(self.bench.proxy.exchanges)
        self.n_suspected = self.bench.get(PATH)["SuspectedOrphans"]
        self.is_late = False

    def call(self):
        for lane, cut in zip(self.run.lanes, self.cuts):
            if cut:
                self.bench.proxy.cuts[self.operation.key(lane)] = cut
        self.bench.caller.all([self.operation.call(lane) for lane in self.run.lanes])
        self.run.take()

    def settle(self):
        """Until all is quiet again, at most for as long as that may take."""
        self.is_late = is_late(self.bench, self.is_quiet)

    def is_quiet(self):
        rows = rows_of(self.bench)
        if not all(row["InSync"] or row["State"] == "failed" for row in rows.values()):
            return False
        reads = self.operation.reads
        if not reads or self.disturb:
            return True
        attempts = self.attempts()
        return all(any(attempt.is_whole for attempt in attempts[self.operation.key(lane)])
                   or reads(lane) not in rows or rows[reads(lane)]["SyncedUSec"] > self.begin
                   for lane in self.run.lanes)

    def exchanges(self):
        return self.bench.proxy.exchanges[self.n_before:]

    def attempts(self):
        result = collections.defaultdict(list)
        for exchange in self.exchanges():
            result[exchange.key].append(exchange)
        return result

    def violations(self):
        """Of what can be seen from outside."""
        rows, truth = rows_of(self.bench), self.bench.simulator.state()
        attempts = self.attempts()
        if self.is_late:
            yield None, f"I6: not so within {bound_sec(self.bench):.1f} s"
        for lane, cut in zip(self.run.lanes, self.cuts):
            at = cut.at if cut and cut.is_made else None
            for text in self.of_attempts(attempts[self.operation.key(lane)], at):
                yield at, text
            for text in self.of_lane(lane, rows, truth):
                yield at, text
        for text in self.of_all(rows, truth):
            yield None, text

    def of_attempts(self, attempts, at):
        layout = attempts[0].layout if attempts else None
        self.run.layout = self.run.layout or layout
        if layout and layout != self.run.layout:
            yield f"other sizes than before: {vars(layout)}"
        is_cut = at is not None and not attempts[0].is_whole
        n, most = len(attempts), 2 if is_cut else 1
        if self.operation.reads:
            if n > READS_MAX or not n and is_cut:
                yield f"I11: {n} reads"
            return
        if self.operation.is_creation and self.run.way.once:
            most = 1
        # Of what was done, a read may have told, too.
        least = 1 if is_cut and at >= self.run.layout.request and not self.operation.is_creation \
            else most
        if not least <= n <= most:
            yield f"I3: {n} requests, not {most}"
        elif n == 2 and not attempts[-1].is_whole:
            yield "I6: it was never answered"

    def of_lane(self, lane, rows, truth):
        if not set(lane.needed()) <= rows.keys():
            yield "what is there was taken for gone"
            return
        is_failed = self.run.way.once and rows[lane.made]["State"] == "failed"
        if is_failed and rows[lane.made]["LastError"][0] != "org.convened1.Error.OutcomeUnknown":
            yield f"it failed with {rows[lane.made]['LastError']}"
        elif not is_failed and not self.operation.holds(lane, rows):
            yield "I2: what was accepted is not so"
        for path in (lane.carl, lane.anna, lane.made):
            if path in rows and "/participant/" in path and not is_failed:
                yield from disagreements(self.bench, path, rows[path],
                                         truth["participants"].get(rows[path]["Id"]))

    def of_all(self, rows, truth):
        there = truth["sessions"].keys() | truth["participants"].keys()
        ids = [row["Id"] for row in rows.values() if row["State"] != "failed"]
        if len(set(ids)) != len(ids) or "" in ids:
            yield f"I4: the ids are {ids}"
        if not set(ids) <= there:
            yield "I5: a row whose counterpart is not there"
        if {row["Owner"] for row in rows.values()} - {os.getuid()}:
            yield "I7: another owner"
        yield from self.of_orphans(there - set(ids))
        yield from self.of_traffic()

    def of_orphans(self, strangers):
        strays = strangers - self.run.strays
        self.run.strays |= strays
        n_suspected = self.bench.get(PATH)["SuspectedOrphans"] - self.n_suspected
        n_unanswered = sum(exchange.key[0] == "POST" and not exchange.is_whole
                           for exchange in self.exchanges())
        # Whoever was hung up on may have said something before, which nobody has heard.
        n_more = N_LANES if self.operation.is_creation and self.disturb == self.run.hung_up else 0
        if len(strays) > n_suspected:
            yield f"I1: {len(strays)} unknown here, and {n_suspected} suspected"
        if not n_unanswered <= n_suspected <= n_unanswered + n_more:
            yield f"I3: {n_suspected} suspected, and {n_unanswered} without a usable answer"

    def of_traffic(self):
        exchanges = self.exchanges()
        if len(exchanges) > REQUESTS_MAX * N_LANES:
            yield f"I11: {len(exchanges)} requests"
        for exchange in exchanges:
            wide = exchange.key[0] == "PUT" and json.loads(exchange.body)
            if wide and "sessionId" in wide and not wide.get("participants"):
                yield f"I13: {exchange.key[1]} asks for everybody"
