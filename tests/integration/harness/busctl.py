# SPDX-License-Identifier: LGPL-2.1-or-later
"""busctl, as a person types it, and its answers as plain values.

    busctl = Busctl(bus)
    path = busctl.manager("CreateSession", "a{sv}", 1, "Tag", "s", "desk")[0]
    busctl.properties(path)["State"]
"""

import json
import subprocess

from .daemon import MANAGER, NAME, PARTICIPANT, PATH, SESSION

TIMEOUT_SEC = 60


class BusctlError(Exception):
    """It ended with something else than 0; the text is what it said."""


def plain(value):
    """What --json prints, without the signatures that it puts beside every variant."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"type", "data"}:
        return plain(value["data"])
    return {name: plain(item) for name, item in value.items()}


class Busctl:
    def __init__(self, bus):
        self.bus = bus

    def run(self, *words):
        """What it prints on standard output."""
        result = subprocess.run(["busctl", "--user", *[str(word) for word in words]],
                                env=self.bus.environment(LC_ALL="C.UTF-8"), check=False,
                                capture_output=True, text=True, timeout=TIMEOUT_SEC)
        if result.returncode != 0:
            raise BusctlError(result.stderr.strip())
        return result.stdout

    def call(self, path, interface, member, *arguments):
        """The body of the reply, as a list."""
        text = self.run("--json=short", "call", NAME, path, interface, member, *arguments)
        return plain(json.loads(text)["data"]) if text.strip() else []

    def manager(self, member, *arguments):
        return self.call(PATH, MANAGER, member, *arguments)

    def session(self, path, member, *arguments):
        return self.call(path, SESSION, member, *arguments)

    def participant(self, path, member, *arguments):
        return self.call(path, PARTICIPANT, member, *arguments)

    def properties(self, path=PATH):
        interface = (SESSION if "/session/" in path
                     else PARTICIPANT if "/participant/" in path else MANAGER)
        return self.call(path, "org.freedesktop.DBus.Properties", "GetAll", "s", interface)[0]

    def list(self, what):
        """All rows of ListSessions or ListParticipants: {path: properties}."""
        rows, following = self.manager(f"List{what}", "a{sv}tu", 0, 0, 1000)
        assert following == 0
        return dict(rows)
