# SPDX-License-Identifier: LGPL-2.1-or-later
"""A bus, a simulator and the daemon between them, with short ways to say what tests say often.

    with Stage({"Bus": {"ReplyTimeoutSec": 1}}) as stage:
        session = stage.session(Tag="call")
        first, second = stage.participant(), stage.participant(Session=session)
        stage.add(session, first, SubscriptionMode="session")
        assert stage.refused("Conflict", stage.add, "/org/convened1/session/2", first)
        stage.settled()
"""

import contextlib
import time

from .bus import BusError, PrivateBus
from .daemon import PARTICIPANT, PATH, SESSION, Daemon, variants
from .listener import Listener
from .simulator import Simulator
from .wait import wait_for

OF_THE_BUS = {"InvalidArgs", "AccessDenied", "UnknownObject", "LimitsExceeded"}
S1, S2, S3 = (f"{PATH}/session/{n}" for n in (1, 2, 3))
P1, P2, P3, P4 = (f"{PATH}/participant/{n}" for n in (1, 2, 3, 4))

# For tests that look at one request after the other: nothing is read but what must be.
QUIET = {"Reconcile": {"ResyncIntervalSec": 3600}}


class Stage:
    def __init__(self, config=None, simulator=(), **options):
        """`simulator`: its command line; `options`: those of Daemon."""
        self.bus = PrivateBus()
        self.simulator = Simulator(*simulator)
        self.config = config
        self.options = options
        self.daemon = None
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.bus)
            stack.enter_context(self.simulator)
            self.daemon = Daemon(self.bus, base_url=self.simulator.base_url, config=self.config,
                                 **self.options)
            stack.enter_context(self.daemon)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *reason):
        return self.stack.__exit__(*reason)

    def listener(self):
        return Listener(self.bus)

    def session(self, **properties):
        return self.daemon.create_session(**properties)

    def participant(self, **properties):
        return self.daemon.create_participant(**properties)

    def of_session(self, path, member, signature=None, body=()):
        return self.daemon.call(path, SESSION, member, signature, body)

    def of_participant(self, path, member, signature=None, body=()):
        return self.daemon.call(path, PARTICIPANT, member, signature, body)

    def add(self, session, participant, **options):
        return self.of_session(session, "AddParticipant", "oa{sv}",
                               (participant, variants(options)))

    def remove(self, session, participant, **options):
        return self.of_session(session, "RemoveParticipant", "oa{sv}",
                               (participant, variants(options)))

    def subscribe(self, participant, mode, publishers=(), **options):
        return self.of_participant(participant, "SetSubscriptions", "sa(oas)a{sv}",
                                   (mode, list(publishers), variants(options)))

    def delete(self, path, **options):
        interface = SESSION if "/session/" in path else PARTICIPANT
        return self.daemon.call(path, interface, "Delete", "a{sv}", (variants(options),))

    def refresh(self, path):
        interface = SESSION if "/session/" in path else PARTICIPANT
        return self.daemon.call(path, interface, "Refresh")

    def token(self, participant):
        return self.of_participant(participant, "GetToken")[0]

    def get(self, path):
        return self.daemon.properties(path)

    def list(self, what, after=0, limit=0, **filters):
        """Rows as {path: {name: value}}, and the next page's `after`."""
        rows, following = self.daemon.manager(f"List{what}", "a{sv}tu",
                                              (filter_of(filters), after, limit))
        return {path: {name: value for name, (_, value) in row.items()} for path, row in rows}, \
            following

    def refused(self, error, function, *arguments, **options):
        """Calls, demands that error, and returns its text."""
        try:
            function(*arguments, **options)
        except BusError as caught:
            prefix = "org.freedesktop.DBus" if error in OF_THE_BUS else "org.convened1"
            assert caught.name == f"{prefix}.Error.{error}", caught
            return caught.message
        raise AssertionError(f"not refused with {error}")

    def settled(self):
        """Waits until nothing is pending."""
        self.daemon.await_property(PATH, "PendingCount", 0)

    def verified(self, timeout=30):
        """Waits until all has been read since the last change: by itself nothing is sent from now
        on."""
        begin = time.time() * 1e6
        self.daemon.manager("Sync")

        def is_so():
            rows = [row for what in ("Sessions", "Participants")
                    for row in self.list(what)[0].values()]
            return all(row["State"] == "failed" or (row["InSync"] and row["SyncedUSec"] > begin)
                       for row in rows)

        wait_for(is_so, timeout)

    def truth(self, path):
        """What the simulator says of an object; None: it is not there."""
        kind = "sessions" if "/session/" in path else "participants"
        return self.simulator.state()[kind].get(self.get(path)["Id"])


def filter_of(filters):
    signatures = {"Owner": "u", "InSync": "b", "Session": "o", "Fields": "as"}
    return {name: (signatures.get(name, "s"), value) for name, value in filters.items()}
