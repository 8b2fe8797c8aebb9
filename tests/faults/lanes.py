# SPDX-License-Identifier: LGPL-2.1-or-later
"""The API's eleven operations, each tried in several lanes at once that share nothing but a daemon.

A lane has a session with two members, and a participant in none, or what an operation needs of
them. An operation says how a client brings it about, what its request is, and what is so when it
was done.
"""

from harness.daemon import PARTICIPANT, SESSION, variants
from scenarios import manager

ALIASES = (["mic"], ["cam"])  # of the same length, so that requests are, too


def of_session(path, member, signature=None, body=()):
    return (path, SESSION, member, signature, body)


def of_participant(path, member, signature=None, body=()):
    return (path, PARTICIPANT, member, signature, body)


class Lane:
    """`made`: what the last creation in it has made; `n`: how many times it was run through;
    `once`: whether a creation is sent at most once."""

    def __init__(self, number, once=False):
        self.number = number
        self.once = {"AtMostOnce": True} if once else {}
        self.n = 0
        self.session = self.anna = self.ben = self.carl = self.made = None
        self.ids = {}

    def furnish(self, stage, needs):
        if "session" in needs:
            self.session = stage.session()
            self.anna = stage.participant(Session=self.session)
            self.ben = stage.participant(Session=self.session)
        if "carl" in needs:
            self.carl = stage.participant()
        for path in self.needed():
            self.ids[path] = stage.get(path)["Id"]

    def needed(self):
        return filter(None, (self.session, self.anna, self.ben, self.carl))

    @property
    def tag(self):
        return f"{self.number:02}-{self.n:06}"

    def publishers(self):
        """Of whom a participant is to hear what; another thing each time."""
        return [(self.ben, ALIASES[self.n % 2])]

    def path(self, participant=None, below=""):
        if not participant:
            return f"/sessions/{self.ids[self.session]}{below}"
        return f"/sessions/{self.ids[self.session]}/participants/{self.ids[participant]}{below}"

    def made_path(self):
        kind = "sessions" if "/session/" in self.made else "participants"
        return f"/{kind}/{self.ids[self.made]}"

    def create_session(self):
        return manager("CreateSession", Tag=self.tag, **self.once)

    def create_participant(self):
        return manager("CreateParticipant", Tag=self.tag, PublishPermissions=["AUDIO", "VIDEO"],
                       CallbackUrl="https://example.net/events", DeviceApiVersion="V3", **self.once)

    def delete(self):
        call = of_session if "/session/" in self.made else of_participant
        return call(self.made, "Delete", "a{sv}", ({},))

    def subscribe(self):
        return of_participant(self.anna, "SetSubscriptions", "sa(oas)a{sv}",
                              ("participants", self.publishers(), {}))

    def add(self):
        return of_session(self.session, "AddParticipant", "oa{sv}",
                          (self.carl, variants({"Publishers": self.publishers()})))

    def remove(self):
        return of_session(self.session, "RemoveParticipant", "oa{sv}", (self.carl, {}))


def is_made(lane, rows):
    return [row["State"] for row in rows.values() if row["Tag"] == lane.tag] == ["active"]


class Operation:
    """`needs`: what is in its lanes; `call`: what brings it about, after `before` and followed by
    `after`, which put everything back; `key`: method and path of its request, as the proxy has it;
    `holds`: whether the rows are as wanted; `reads`: what is read by it; `simulator`: options of
    that. Where nothing is needed, what it is about is made each time."""

    def __init__(self, method, path, call, *, needs=(), before=None, after=None, holds=None,
                 reads=None, simulator=()):
        self.is_creation = method == "POST"
        self.has_answer = method in ("POST", "GET")
        self.makes = needs == ()
        self.method = method
        self.path = path
        self.call = call
        self.needs = needs
        self.before = before
        self.after = after
        self.holds = holds or (lambda lane, rows: True)
        self.reads = reads
        self.simulator = simulator

    def key(self, lane):
        return self.method, self.path(lane), lane.tag if self.is_creation else None


OPERATIONS = {
    "createParticipant": Operation(
        "POST", lambda lane: "/participants", Lane.create_participant, after=Lane.delete,
        holds=is_made),
    "getParticipant": Operation(
        "GET", lambda lane: "/participants/" + lane.ids[lane.carl],
        lambda lane: of_participant(lane.carl, "Refresh"), needs=("carl",),
        reads=lambda lane: lane.carl),
    "deleteParticipant": Operation(
        "DELETE", Lane.made_path, Lane.delete, before=Lane.create_participant,
        holds=lambda lane, rows: lane.made not in rows),
    "createSession": Operation(
        "POST", lambda lane: "/sessions", Lane.create_session, after=Lane.delete, holds=is_made),
    # Where there are lists, it is asked for by itself only once.
    "getSession": Operation(
        "GET", Lane.made_path, lambda lane: of_session(lane.made, "Refresh"),
        before=Lane.create_session, after=Lane.delete, reads=lambda lane: lane.made,
        simulator=("--generation=2020",)),
    "deleteSession": Operation(
        "DELETE", Lane.made_path, Lane.delete, before=Lane.create_session,
        holds=lambda lane, rows: lane.made not in rows),
    "listSessionParticipants": Operation(
        "GET", lambda lane: lane.path(below="/participants"),
        lambda lane: of_session(lane.session, "Refresh"), needs=("session",),
        reads=lambda lane: lane.session),
    "addParticipantToSession": Operation(
        "PUT", lambda lane: lane.path(lane.carl), Lane.add, needs=("session", "carl"),
        after=Lane.remove, holds=lambda lane, rows: rows[lane.carl]["Session"] == lane.session
        and rows[lane.carl]["Publishers"] == lane.publishers()),
    "removeParticipantFromSession": Operation(
        "DELETE", lambda lane: lane.path(lane.carl), Lane.remove, needs=("session", "carl"),
        before=Lane.add, holds=lambda lane, rows: rows[lane.carl]["Session"] == "/"),
    # Read by the daemon by itself, as soon as it has changed them.
    "getParticipantSubscriptions": Operation(
        "GET", lambda lane: lane.path(lane.anna, "/subscriptions"), Lane.subscribe,
        needs=("session",), reads=lambda lane: lane.anna,
        holds=lambda lane, rows: rows[lane.anna]["Publishers"] == lane.publishers()),
    "updateParticipantSubscriptions": Operation(
        "PUT", lambda lane: lane.path(lane.anna, "/subscriptions"), Lane.subscribe,
        needs=("session",),
        holds=lambda lane, rows: rows[lane.anna]["Publishers"] == lane.publishers()),
}
