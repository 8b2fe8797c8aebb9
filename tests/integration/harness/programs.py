# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the programs under test are, and how a process of theirs is watched.

The build folder is $CONVENED_BUILDDIR, else the current folder if it is one, else build/ in the
tree.
"""

import os
import re
import select
import tempfile

TREE = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
SANITIZER_REPORT = re.compile(r"AddressSanitizer|LeakSanitizer|UndefinedBehavior|runtime error:")


def build_directory():
    for path in (os.environ.get("CONVENED_BUILDDIR"), os.getcwd(), os.path.join(TREE, "build")):
        if path and os.path.exists(os.path.join(path, "config.status")):
            return os.path.realpath(path)
    raise FileNotFoundError("no build folder: set CONVENED_BUILDDIR")


def program(name):
    """The path of a program that was built, such as "convened"."""
    return os.path.join(build_directory(), name)


def unit_environment(path):
    """What a unit file puts into the environment of its service."""
    with open(path, encoding="utf-8") as file:
        return dict(line.strip().removeprefix("Environment=").split("=", 1) for line in file
                    if line.startswith("Environment="))


def is_sanitized():
    """Whether the programs were built with --enable-sanitizers."""
    with open(os.path.join(build_directory(), "config.status"), encoding="utf-8") as file:
        return "-fsanitize=address" in file.read()


def sanitizer_options(environment):
    """The environment, with every report of a sanitizer being the end of its process."""
    return {"ASAN_OPTIONS": "detect_leaks=1:halt_on_error=1",
            "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1", **environment}


def await_exit(process, timeout):
    """The exit status of a subprocess.Popen, as soon as it ends; TimeoutError after so long."""
    # Any method of Popen may have reaped it; until then its number cannot be another's.
    if process.poll() is not None:
        return process.returncode
    pidfd = os.pidfd_open(process.pid)
    try:
        if not select.select([pidfd], [], [], timeout)[0]:
            raise TimeoutError(f"{process.args[0]} is still running after {timeout} s")
    finally:
        os.close(pidfd)
    return process.wait()


class Folder(tempfile.TemporaryDirectory):
    """A temporary folder with short ways to its files."""

    def __init__(self):
        super().__init__(prefix="convened-", ignore_cleanup_errors=True)

    def path(self, *names):
        return os.path.join(self.name, *names)

    def write(self, name, text, mode=0o600):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        return path
