# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each of the API's 11 operations, driven through D-Bus with busctl; then both sides compared.

After every call, everything that the daemon shows is what the simulator holds, and the simulator
has seen that operation and no other.
"""

import re
from types import SimpleNamespace
from unittest import mock

import pytest

from harness.busctl import Busctl
from harness.daemon import PATH
from harness.stage import P1, P2, P3, QUIET, S1, S2, Stage
from harness.wait import wait_for

ID = "[0-9a-f-]{36}"
OPERATIONS = {
    "createParticipant": ("POST", "/participants"),
    "getParticipant": ("GET", f"/participants/{ID}"),
    "deleteParticipant": ("DELETE", f"/participants/{ID}"),
    "createSession": ("POST", "/sessions"),
    "getSession": ("GET", f"/sessions/{ID}"),
    "deleteSession": ("DELETE", f"/sessions/{ID}"),
    "listSessionParticipants": ("GET", f"/sessions/{ID}/participants"),
    "addParticipantToSession": ("PUT", f"/sessions/{ID}/participants/{ID}"),
    "removeParticipantFromSession": ("DELETE", f"/sessions/{ID}/participants/{ID}"),
    "getParticipantSubscriptions": ("GET", f"/sessions/{ID}/participants/{ID}/subscriptions"),
    "updateParticipantSubscriptions": ("PUT", f"/sessions/{ID}/participants/{ID}/subscriptions"),
}


def operation(request):
    """The API's name of a request."""
    name, = [name for name, (method, path) in OPERATIONS.items()
             if request["method"] == method and re.fullmatch(path, request["path"])]
    return name


class Desk:
    """A stage with busctl on it; what it has driven is kept."""

    def __init__(self, stage):
        self.stage = stage
        self.busctl = Busctl(stage.bus)
        self.seen = 0

    def news(self):
        """The operations since the last time, those refused by the API marked."""
        requests = self.stage.simulator.requests(self.seen)
        self.seen = requests[-1]["seq"] if requests else self.seen
        return [operation(request) + ("" if 200 <= request["status"] < 300 else "!")
                for request in requests]

    def registry(self):
        sessions, participants = self.busctl.list("Sessions"), self.busctl.list("Participants")
        for path, row in {**sessions, **participants}.items():
            # When it was last read may have moved on meanwhile; and nothing else.
            assert self.busctl.properties(path) == {**row, "SyncedUSec": mock.ANY}
        return sessions, participants

    def verified(self):
        """Waits until all has been read since the last change, so that nothing is left to be
        sent."""
        after = self.busctl.properties()["LastContactUSec"]
        self.busctl.manager("Sync")

        def is_verified():
            rows = [row for rows in self.registry() for row in rows.values()]
            return all(row["SyncedUSec"] > after and row["InSync"] for row in rows)

        wait_for(is_verified, 20)
        self.news()

    def agree(self):
        """Compares everything, both ways."""
        truth = self.stage.simulator.state()
        sessions, participants = self.registry()
        manager = self.busctl.properties()
        assert manager["SessionCount"] == len(sessions) == len(truth["sessions"])
        assert manager["ParticipantCount"] == len(participants) == len(truth["participants"])
        assert manager["PendingCount"] == 0 and manager["ApiState"] == "online"
        assert manager["SuspectedOrphans"] == 0
        for row in sessions.values():
            self.agree_session(row, truth["sessions"][row["Id"]], participants)
        for path, row in participants.items():
            self.agree_participant(path, row, truth["participants"][row["Id"]],
                                   SimpleNamespace(sessions=sessions, participants=participants))

    @staticmethod
    def agree_session(row, there, participants):
        assert (row["State"], row["InSync"], row["LastError"]) == ("active", True, ["", ""])
        assert row["Tag"] == there.get("tag", "")
        members = {participants[path]["Id"] for path in row["Participants"]}
        assert members == set(there["participants"])
        assert abs(row["ExpiresUSec"] / 1e6 - there["expires"]) < 5

    def agree_participant(self, path, row, there, names):
        assert (row["State"], row["InSync"], row["LastError"]) == ("active", True, ["", ""])
        assert row["Tag"] == there.get("tag", "")
        assert row["CallbackUrl"] == (there["callbackUrl"] or "")
        assert row["DeviceApiVersion"] == there["deviceApiVersion"]
        assert set(row["PublishPermissions"]) == set(there["publishPermissions"])
        assert [row["SessionId"]] == (there["sessions"] or [""])
        if row["Session"] != "/":
            assert names.sessions[row["Session"]]["Id"] == row["SessionId"]
        assert self.subscriptions(row, names.participants) == there["subscriptions"]
        assert self.busctl.participant(path, "GetToken") == [there["token"]]

    @staticmethod
    def subscriptions(row, participants):
        """What the API should have for what is shown."""
        if row["SubscriptionMode"] == "none":
            assert row["Publishers"] == []
            return {}
        result = {"sessionId": row["SessionId"]}
        if row["SubscriptionMode"] == "participants":
            result["participants"] = [
                {"participantId": participants[path]["Id"],
                 **({"streamAliases": aliases} if aliases else {})}
                for path, aliases in row["Publishers"]]
        return result


@pytest.fixture(name="desk")
def fixture_desk():
    """Two sessions; in the first one two participants, a third in none; all of it verified."""
    with Stage(QUIET) as stage:
        for tag in ("call", "other"):
            stage.session(Tag=tag)
        for tag, session in (("anna", S1), ("ben", S1), ("carl", None)):
            stage.participant(Tag=tag, PublishPermissions=["AUDIO", "VIDEO"],
                              **({"Session": session} if session else {}))
        desk = Desk(stage)
        desk.verified()
        desk.agree()
        yield desk


CALLS = {
    "createParticipant": lambda busctl: busctl.manager(
        "CreateParticipant", "a{sv}", 4, "Tag", "s", "dora", "PublishPermissions", "as", 1, "AUDIO",
        "CallbackUrl", "s", "https://example.net/events", "DeviceApiVersion", "s", "V3"),
    "getParticipant": lambda busctl: busctl.participant(P3, "Refresh"),
    "deleteParticipant": lambda busctl: busctl.participant(P1, "Delete", "a{sv}", 0),
    "createSession": lambda busctl: busctl.manager(
        "CreateSession", "a{sv}", 1, "Tag", "s", "third"),
    "deleteSession": lambda busctl: busctl.session(S2, "Delete", "a{sv}", 0),
    "listSessionParticipants": lambda busctl: busctl.session(S1, "Refresh"),
    "addParticipantToSession": lambda busctl: busctl.session(
        S1, "AddParticipant", "oa{sv}", P3, 1, "Publishers", "a(oas)", 1, P1, 1, "mic"),
    "removeParticipantFromSession": lambda busctl: busctl.session(
        S1, "RemoveParticipant", "oa{sv}", P2, 0),
    "updateParticipantSubscriptions": lambda busctl: busctl.participant(
        P1, "SetSubscriptions", "sa(oas)a{sv}", "session", 0, 0),
}
REPLIES = {"createParticipant": [f"{PATH}/participant/4"], "createSession": [f"{PATH}/session/3"]}


# What is shown in the end, of what a client had asked for.
EXPECT = {
    "createParticipant": lambda rows: rows[f"{PATH}/participant/4"]["PublishPermissions"]
    == ["AUDIO"],
    "deleteParticipant": lambda rows: P1 not in rows and rows[S1]["Participants"] == [P2],
    "createSession": lambda rows: rows[f"{PATH}/session/3"]["Tag"] == "third",
    "deleteSession": lambda rows: S2 not in rows,
    "addParticipantToSession": lambda rows: rows[P3]["Session"] == S1
    and rows[P3]["Publishers"] == [[P1, ["mic"]]],
    "removeParticipantFromSession": lambda rows: rows[S1]["Participants"] == [P1]
    and rows[P2]["Session"] == "/",
    "updateParticipantSubscriptions": lambda rows: rows[P1]["SubscriptionMode"] == "session",
}

# What the daemon reads by itself, soon after.
FOLLOWED_BY = {"createSession": "getSession",
               "updateParticipantSubscriptions": "getParticipantSubscriptions"}


def names():
    """The operations, each with those that its test holds."""
    for name in CALLS:
        held = [f"operation: {item}" for item in (name, FOLLOWED_BY.get(name)) if item]
        yield pytest.param(name, marks=pytest.mark.covers(*held))


@pytest.mark.parametrize("name", names())
def test_operation(desk, name):
    assert CALLS[name](desk.busctl) == REPLIES.get(name, [])
    seen = desk.news()
    if OPERATIONS[name][0] == "GET":
        assert seen == [name]
    else:
        # Once, before all else, and no other change; reads may have followed.
        assert seen[0] == name and {OPERATIONS[after][0] for after in seen[1:]} <= {"GET"}
    desk.agree()
    if name in FOLLOWED_BY:
        wait_for(lambda: FOLLOWED_BY[name] in seen or seen.extend(desk.news()))
        desk.agree()
    # And read again, the API's view of it changes nothing.
    desk.verified()
    desk.agree()
    sessions, participants = desk.registry()
    assert name not in EXPECT or EXPECT[name]({**sessions, **participants})


def test_all_of_them_are_driven():
    assert {*CALLS, *FOLLOWED_BY.values()} == set(OPERATIONS)


def test_a_call_from_its_beginning_to_its_end(desk):
    """All of it in one conversation, with every kind of subscription."""
    busctl = desk.busctl
    steps = [
        (busctl.manager, "CreateParticipant", "a{sv}", 3, "Session", "o", S1, "Publishers",
         "a(oas)", 2, P1, 0, P2, 2, "mic", "screen", "Tag", "s", "dora"),
        (busctl.participant, P1, "SetSubscriptions", "sa(oas)a{sv}", "participants", 1, P2, 0, 0),
        (busctl.participant, P2, "SetSubscriptions", "sa(oas)a{sv}", "session", 0, 0),
        (busctl.session, S1, "AddParticipant", "oa{sv}", P3, 1, "SubscriptionMode", "s", "session"),
        (busctl.participant, P2, "SetSubscriptions", "sa(oas)a{sv}", "none", 0, 0),
        (busctl.session, S1, "RemoveParticipant", "oa{sv}", P2, 0),
        (busctl.session, S2, "AddParticipant", "oa{sv}", P2, 0),
        (busctl.participant, P1, "Delete", "a{sv}", 0),
        (busctl.session, S1, "Delete", "a{sv}", 0),
        (busctl.session, S2, "AddParticipant", "oa{sv}", P3, 0),
    ]
    for drive, *words in steps:
        drive(*words)
        wait_for(lambda: busctl.properties()["PendingCount"] == 0)
        desk.agree()
    assert set(desk.registry()[0][S2]["Participants"]) == {P2, P3}
    desk.verified()
    desk.agree()
