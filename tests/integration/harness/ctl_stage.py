# SPDX-License-Identifier: LGPL-2.1-or-later
"""convenectl against a stand-in of the service: fixtures for the tests that import them."""

import json

import pytest

from .bus import PrivateBus
from .ctl import Convenectl
from .mock_service import MockService

# What convenectl exits with.
DONE, FAILED, USAGE, NOT_FOUND, NOT_IN_SYNC, UNREACHABLE, DENIED = range(7)


@pytest.fixture(name="bus", scope="module")
def bus_fixture():
    with PrivateBus() as bus:
        yield bus


@pytest.fixture(name="service")
def service_fixture(bus):
    with MockService(bus) as service:
        yield service
    bus.await_owner("org.convened1", present=False)


@pytest.fixture(name="ctl")
def ctl_fixture(bus):
    return Convenectl(bus)


@pytest.fixture(name="call")
def call_fixture(service):
    """A session with three participants: 1 alice, 2 bob and 3 carol."""
    session = service.add("session", Tag="standup")
    for tag, mode, publishers in (("alice", "none", []), ("bob", "session", []),
                                  ("carol", "participants",
                                   [("/org/convened1/participant/1", ["cam", "mic"]),
                                    ("/org/convened1/participant/2", [])])):
        service.add("participant", Tag=tag, Session=session, SubscriptionMode=mode,
                    Publishers=publishers, PublishPermissions=["AUDIO", "VIDEO"])
    return session


def error_of(result):
    """The one object that --json promises on stderr."""
    assert result.out == "", result
    error = json.loads(result.err)
    assert set(error) == {"error", "message"}
    return error
