# SPDX-License-Identifier: LGPL-2.1-or-later
"""README.md, "On a machine", followed command by command."""

import pathlib
import re

from harness.wait import wait_for
from machine import CONFIGURATION, run, show, write

PAGE = pathlib.Path(__file__).resolve().parent.parent / "README.md"


def lines():
    """What is to be typed there, and what is printed."""
    text = PAGE.read_text(encoding="utf-8")
    section, = re.findall(r"(?ms)^## On a machine$(.*?)^## ", text)
    return [line[4:] for line in section.splitlines() if line.startswith("    ")]


def steps():
    """(command, what is typed into it, what it prints) of those with a prompt."""
    found = []
    for line in lines():
        if line.startswith("$ "):
            found.append((line[2:], [], []))
        elif found and re.match(r"●|  ", line):
            found[-1][2].append(line)
        elif found and re.search("/dev/stdin", found[-1][0]):
            found[-1][1].append(line)
    return found


def type_in(command, text=""):
    """As an administrator does; who types here is root."""
    return run("bash", "-ec", 'sudo() { "$@"; }\n' + command, input=text).stdout


def after_make_install():
    """What README.md has one type after it."""
    said = lines()
    begin = next(i for i, line in enumerate(said) if line.endswith("sudo make install")) + 1
    commands = said[begin:said.index("$ sudo mkdir -p /etc/convened /etc/credstore")]
    assert len(commands) == 2 and all(line.startswith("sudo ") for line in commands)
    return commands


def pattern(line):
    """Of a line that README.md shows: times, and where units are, differ."""
    line = re.sub("since .* ago", "SINCE", line).replace("/lib/systemd/system/", "UNITS")
    line = re.escape(line).replace("SINCE", "since .+ ago")
    return line.replace("UNITS", r"\S*/systemd/system/")


def use_it():
    """Alice makes what README.md's picture shows."""
    def convenectl(*words):
        run("runuser", "-l", "alice", "-c", " ".join(("convenectl --system", *words)))

    convenectl("create-session standup")
    convenectl("create-session retro")
    for number in range(5):
        convenectl(f"create-participant p{number} --publish=audio --session=standup")
    wait_for(lambda: "5 participants" in show("StatusText"))


def follow(machine):
    """All that has a prompt; what is printed has to be what README.md shows."""
    write(CONFIGURATION.parent / "convened.conf.d" / "simulator.conf",
          f"[Api]\nBaseUrl={machine.simulator.base_url}\n")
    said = {}
    for command, typed, printed in steps():
        if command.startswith("systemctl status"):
            use_it()
        said[command] = type_in(command.replace("YOUR-ACCOUNT", machine.simulator.account),
                                "".join(line + "\n" for line in typed))
        rest = said[command].splitlines()
        for line in printed:
            wanted = pattern(line)
            while rest and not re.fullmatch(wanted, rest[0]):
                del rest[0]
            assert rest, f"{command}: {line!r} is not in {said[command]!r}"
    assert len(said) == 5 and sum(len(printed) for _, _, printed in steps()) == 4
