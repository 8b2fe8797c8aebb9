# SPDX-License-Identifier: LGPL-2.1-or-later
"""The clients of examples/, run as a developer would who tries one."""

import os
import shutil
import subprocess

import pytest

from .ctl import Running
from .programs import TREE, program, sanitizer_options

# What runs each, and what has to be here for it.
COMMANDS = {
    "call-sd-bus": [program("examples/call-sd-bus")],
    "call-gdbus": [program("examples/call-gdbus")],
    "call.py": ["/usr/bin/python3", os.path.join(TREE, "examples/call.py")],
    "call.js": ["gjs", "-m", os.path.join(TREE, "examples/call.js")],
    "call.sh": ["bash", os.path.join(TREE, "examples/call.sh")],
}


class Example(Running):
    def __init__(self, name, bus, *arguments):
        command = COMMANDS[name]
        if not shutil.which(command[0]):
            pytest.skip(f"{command[0]} is not here")
        super().__init__(subprocess.Popen(
            [*command, *arguments], env=sanitizer_options(bus.environment(LC_ALL="C.UTF-8")),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE))

    def __exit__(self, *reason):
        super().__exit__(*reason)
        self.process.stdin.close()

    def await_lines(self, *expected):
        """Reads until each of these lines has come, in any order."""
        missing, seen = set(expected), []
        while missing:
            line = self.line()
            assert line, f"it has ended after {seen}: {self.end()}"
            seen.append(line)
            missing.discard(line)

    def press_enter(self):
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
