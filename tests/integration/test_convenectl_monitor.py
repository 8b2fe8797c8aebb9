# SPDX-License-Identifier: LGPL-2.1-or-later
"""convenectl monitor against a stand-in of the service."""

import json

import pytest

from harness.ctl_stage import (  # noqa: F401
    DONE, NOT_FOUND, bus_fixture, call_fixture, ctl_fixture, service_fixture)


@pytest.mark.covers("verb: monitor")
def test_monitor(ctl, service, call):
    with ctl.start("monitor") as running:
        assert running.line("stderr") == "Watching /org/convened1 on the user bus."
        service.change(call, InSync=False, Attempts=2)
        assert running.line()[9:] == 'session 1 "standup": not in sync, 2 failed'
        service.add("session", Tag="new")
        assert running.line()[9:] == 'session 2 "new" added: pending, not in sync, 0 participants'
        assert running.line()[9:] == \
            'session 2 "new": active, in sync, API id s00020000-aaaa-bbbb-cccc-000000000002'
        service.change("/org/convened1/participant/3", Publishers=[
            ("/org/convened1/participant/2", [])])
        assert running.line()[9:] == 'participant 3 "carol": receives 2'
        service.change("/org/convened1/participant/3", SubscriptionMode="none", Publishers=[])
        assert running.line()[9:] == 'participant 3 "carol": receives none'
        service.change_manager(ApiState="offline")
        assert running.line()[9:] == "convened: the API is offline"
        service.remove("/org/convened1/session/2")
        assert running.line()[9:] == "session 2 removed"
        service.stop()
        assert running.line()[9:] == "convened stopped"


@pytest.mark.covers("convenectl: JSON of monitor")
def test_monitor_as_json(ctl, service, call):
    with ctl.start("monitor", "--json=pretty") as running:
        running.line("stderr")
        service.change(call, InSync=False)
        assert json.loads(running.line()) == {"Event": "changed", "Path": call, "InSync": False}
        path = service.add("participant", Tag="x")
        line = json.loads(running.line())
        assert (line["Event"], line["Path"], line["Tag"]) == ("added", path, "x")
        running.line()
        service.remove(path)
        assert json.loads(running.line()) == {"Event": "removed", "Path": path}


def test_monitor_of_one(ctl, service, call):
    with ctl.start("monitor", "standup", "--no-legend", "--json=short") as running:
        # There is no line to wait for: changes go out until the first is heard.
        service.await_call("ListParticipants")
        heard = None
        for attempt in range(200):
            service.change("/org/convened1/participant/1", Attempts=attempt + 1)
            service.change(call, Attempts=attempt + 1)
            try:
                heard = json.loads(running.line(timeout=0.05))
                break
            except TimeoutError:
                pass
        assert heard["Path"] == call
        service.remove(call)
        assert running.end().code == DONE


def test_monitor_names(ctl, service, call):
    result = ctl.run("monitor", "1")
    assert result.code == NOT_FOUND, result
    assert 'session 1 "standup"' in result.err and 'participant 1 "alice"' in result.err
    assert ctl.run("monitor", "99").code == NOT_FOUND
    with ctl.start("monitor", "participant/1") as running:
        assert running.line("stderr").startswith("Watching /org/convened1/participant/1 ")
    with ctl.start("monitor", "3") as running:
        assert running.line("stderr").startswith("Watching /org/convened1/participant/3 ")
