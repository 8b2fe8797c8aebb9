# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is done while the daemon is made to end, and what is so when it was accepted."""

import contextlib
import os

from harness.bus import BusError
from harness.daemon import MANAGER, PARTICIPANT, PATH, SESSION, DaemonEnded, variants
from harness.listener import Listener
from harness.stage import P1, P2, P3, P4, S1, S2
from harness.wait import wait_for
from older import make_older, version_of
from promises import await_sync, constants_of, integrity, is_in_sync, rows_of, violations
from recovery import GIVE_UP_SEC, bound_sec, is_late, too_much

RESERVE = 1 << 20


def tagged(rows, tag):
    return [row for row in rows.values() if row["Tag"] == tag]


def manager(member, **properties):
    return (PATH, MANAGER, member, "a{sv}", (variants(properties),))


class Step:
    """A call, and what holds of all rows once it was accepted and all is in sync."""

    def __init__(self, call, holds):
        self.call = call
        self.holds = holds

    def is_told_by(self, event, serial):
        """Whether a client is told by it that the call is accepted."""
        if event.kind == "added" and self.call[0] == PATH:
            return event.changed["Tag"] == self.call[4][0]["Tag"][1]
        if event.kind == "changed" and event.path == self.participant():
            return bool({"Session", "SubscriptionMode", "Publishers"} & event.changed.keys()) \
                or event.changed.get("State") == "deleting"
        return event.kind == "reply" and event.serial == serial or \
            event.kind == "removed" and event.path == self.call[0]

    def participant(self):
        """The object whose signals tell of it."""
        return self.call[4][0] if self.call[2].endswith("Participant") else self.call[0]


class Refusal(Step):
    """A call that there is no room for, and that leaves nothing behind."""

    def is_told_by(self, event, serial):
        return event.serial == serial and event.kind == "error" and \
            event.error.name == "org.convened1.Error.StorageFailed"


CREATE_SESSION = Step(manager("CreateSession", Tag="new session"),
                      lambda rows: tagged(rows, "new session"))
CREATE_PARTICIPANT = Step(manager("CreateParticipant", Tag="new", Session=S1,
                                  Publishers=[(P2, ["mic"])]),
                          lambda rows: tagged(rows, "new")[0]["Publishers"] == [(P2, ["mic"])])
CREATE_ONCE = Step(manager("CreateParticipant", Tag="once", AtMostOnce=True),
                   lambda rows: tagged(rows, "once"))
ADD = Step((S1, SESSION, "AddParticipant", "oa{sv}",
            (P3, variants({"SubscriptionMode": "session"}))),
           lambda rows: rows[P3]["SubscriptionMode"] == "session")
REMOVE = Step((S1, SESSION, "RemoveParticipant", "oa{sv}", (P1, {})),
              lambda rows: rows[P1]["Session"] == "/")
SUBSCRIBE = Step((P1, PARTICIPANT, "SetSubscriptions", "sa(oas)a{sv}",
                  ("participants", [(P2, [])], {})),
                 lambda rows: rows[P1]["Publishers"] == [(P2, [])])
DELETE_PARTICIPANT = Step((P4, PARTICIPANT, "Delete", "a{sv}", ({},)), lambda rows: P4 not in rows)
DELETE_SESSION = Step((S2, SESSION, "Delete", "a{sv}", ({},)), lambda rows: S2 not in rows)
DELETE_CALL = Step((S1, SESSION, "Delete", "a{sv}", ({},)),
                   lambda rows: S1 not in rows and rows[P1]["Session"] == "/")
REFUSED_SESSION = Refusal(CREATE_SESSION.call, lambda rows: not CREATE_SESSION.holds(rows))
REFUSED_SUBSCRIPTION = Refusal(SUBSCRIBE.call, lambda rows: not SUBSCRIBE.holds(rows))


class Scenario:
    """Steps that are called one after the other, while the simulator has `faults`. One that
    `starts` is about the start after them: the API is away while they are accepted. `fresh`: the
    very first start."""

    fills_disk = False

    def __init__(self, *steps, faults=(), starts=False, fresh=False):
        self.steps = steps
        self.faults = faults
        self.starts = starts
        self.fresh = fresh

    def prepare(self, stage):
        """Returns what was accepted."""
        if self.fresh:
            stage.before = {}
            return []
        self.populate(stage)
        stage.settled()
        stage.before = constants_of(rows_of(stage))
        if self.faults:
            stage.simulator.set_faults(*self.faults)
        if not self.starts:
            return []
        stage.simulator.set_faults({"kind": "refuse"})
        accepted = [step for step in self.steps if call_of(stage, step)]
        self.end(stage)
        stage.note_unsent()
        stage.simulator.set_faults(*self.faults)
        return accepted

    def populate(self, stage):
        for _ in range(2):
            stage.session()
        for name in ("alice", "bob"):
            stage.participant(CallbackUrl=f"http://127.0.0.1/{name}", Session=S1,
                              SubscriptionMode="session")
        for name in ("carol", "dave"):
            stage.participant(CallbackUrl=f"http://127.0.0.1/{name}", PublishPermissions=["AUDIO"])

    def end(self, stage):
        """The end that the start comes after."""
        stage.daemon.kill()

    def act(self, stage):
        """Plays it, as far as the daemon lets it. Returns what was accepted."""
        if self.starts or self.fresh:
            with contextlib.suppress(DaemonEnded, BusError, ConnectionError):
                stage.daemon.start()
                await_sync(stage)
            return []
        accepted = []
        for step in self.steps:
            if not call_of(stage, step):
                return accepted
            accepted.append(step)
        with contextlib.suppress(BusError, ConnectionError):
            await_sync(stage)
        return accepted

    def judge(self, stage, accepted):
        """Starts the daemon on what is left. Returns what does not hold once all is in sync."""
        before = last_request(stage)["seq"]
        self.start_again(stage)
        found = []
        if is_late(stage, lambda: stage.get(PATH)["ApiState"] != "offline" and
                   is_in_sync(stage)):
            found.append(f"I6: not in sync within {bound_sec(stage):.1f} s")
        found += violations(stage, accepted, stage.before)
        found += too_much(stage, before)
        stage.daemon.stop()
        return found + list(integrity(stage))

    def start_again(self, stage):
        """While the API is away, if it was unwell before; then it is back."""
        if not self.faults:
            stage.daemon.start()
            return
        stage.simulator.set_faults(AWAY)
        stage.daemon.start()
        # What is answered late says that the API is there.
        wait_for(lambda: last_request(stage)["fault"] and
                 stage.get(PATH)["ApiState"] == "offline", GIVE_UP_SEC)
        stage.simulator.set_faults()


class Upgrade(Scenario):
    """The start on what the first release has left."""

    def __init__(self, *steps):
        super().__init__(*steps, starts=True)

    def end(self, stage):
        super().end(stage)
        stage.version = version_of(stage.daemon.state_directory)
        make_older(stage.daemon.state_directory)

    def judge(self, stage, accepted):
        found = super().judge(stage, accepted)
        version = version_of(stage.daemon.state_directory)
        if version != stage.version:
            found.append(f"the state file is of version {version}, not {stage.version}")
        return found


class FullDisk(Scenario):
    """The disk becomes full, so that the reserve is given up; and there is room again, so that it
    is taken back. With `starts` the daemon ends before it is full, and is started then."""

    fills_disk = True

    def populate(self, stage):
        super().populate(stage)
        # More than the file has room for without becoming longer: what is in the log can neither
        # be merged nor be written over.
        for _ in range(2):
            stage.participant(CallbackUrl="http://127.0.0.1/" + 2000 * "x")

    def prepare(self, stage):
        accepted = super().prepare(stage)
        stage.disk.fill()
        return accepted

    def end(self, stage):
        # The log is merged and removed: a new one needs room before anything else.
        stage.daemon.stop()

    def act(self, stage):
        accepted = super().act(stage)
        if self.starts or len(accepted) < len(self.steps):
            return accepted
        # Of a disk without power nothing can be removed.
        with contextlib.suppress(OSError):
            stage.disk.make_room()
        wait_for(lambda: "There is room on the disk again" in stage.daemon.log or
                 stage.daemon.process.poll() is not None, 20)
        return accepted

    def judge(self, stage, accepted):
        found = super().judge(stage, accepted)
        with contextlib.suppress(FileNotFoundError):
            stage.disk.make_room()
        stage.daemon.start()
        found += [f"there is room, and {error}" for error in refusals(stage)]
        stage.daemon.stop()
        size = os.stat(os.path.join(stage.daemon.state_directory, "state.db.reserve")).st_size
        if size != RESERVE:
            found.append(f"there is room, and a reserve of {size} bytes")
        return found


def refusals(stage):
    """What is said against a new session."""
    try:
        stage.session(Tag="after")
    except BusError as error:
        yield error


def last_request(stage):
    return (stage.simulator.requests() or [{"seq": 0, "fault": None}])[-1]


def call_of(stage, step):
    """Whether a client was told, by signal or reply, that a call is accepted."""
    with Listener(stage.bus) as listener:
        serial = listener.send(*step.call)
        # When the daemon ends the bus answers in its place, after all that it had sent.
        heard = listener.until(lambda event: event.serial == serial)
    return any(step.is_told_by(event, serial) for event in heard)


EVERYTHING = (CREATE_SESSION, CREATE_PARTICIPANT, CREATE_ONCE, ADD, SUBSCRIBE, DELETE_PARTICIPANT,
              DELETE_SESSION)
LOST = {"method": "POST", "kind": "drop", "count": 2}
# What was accepted is still answered, so that no creation is lost more.
AWAY = {"method": "GET", "kind": "refuse"}
BROKEN = {"kind": "status", "status": 503, "probability": 0.3}

SCENARIOS = {
    "create": Scenario(CREATE_SESSION, CREATE_PARTICIPANT, CREATE_ONCE),
    "create, answers lost": Scenario(CREATE_SESSION, CREATE_PARTICIPANT, CREATE_ONCE,
                                     faults=[LOST]),
    "join": Scenario(ADD, REMOVE),
    "subscribe": Scenario(SUBSCRIBE),
    "delete": Scenario(DELETE_PARTICIPANT, DELETE_SESSION, DELETE_CALL),
    "everything": Scenario(*EVERYTHING),
    "everything, some of it refused": Scenario(*EVERYTHING, faults=[BROKEN]),
    "first start": Scenario(fresh=True),
    "restart": Scenario(*EVERYTHING, starts=True),
    "restart, answers lost": Scenario(*EVERYTHING, starts=True, faults=[LOST]),
    "upgrade": Upgrade(CREATE_SESSION, ADD, SUBSCRIBE, DELETE_PARTICIPANT),
    "full disk": FullDisk(REFUSED_SESSION, REFUSED_SUBSCRIPTION, DELETE_PARTICIPANT),
    "full disk, restart": FullDisk(ADD, SUBSCRIBE, DELETE_PARTICIPANT, starts=True),
}
