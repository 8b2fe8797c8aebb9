# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fixtures of the tests that run on a machine of their own: see run."""

import contextlib
import pathlib
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import harness.simulator  # noqa: E402
from harness import covers  # noqa: E402
from harness.covers import (  # noqa: E402, F401
    pytest_addoption, pytest_configure, pytest_sessionfinish)
from machine import MEMBERS, OUTSIDER, PACKAGE, Machine, run  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def people():
    """Two members of the group, and somebody who is not one."""
    if PACKAGE.exists():
        run("dpkg", "--install", str(PACKAGE))
    for name in MEMBERS:
        run("useradd", "--create-home", "--groups=convene", name)
    run("useradd", "--create-home", OUTSIDER)


harness.simulator.program = shutil.which


@contextlib.contextmanager
def fresh_machine():
    with harness.simulator.Simulator() as simulator:
        machine = Machine(simulator)
        machine.reset()
        with machine.stack:
            yield machine
            machine.stack.close()
        machine.reset()


@pytest.fixture(name="machine")
def fixture_machine():
    """convened installed, and neither configured nor enabled; a simulator with nothing in it."""
    with fresh_machine() as machine:
        yield machine


@pytest.fixture(name="module_machine", scope="module")
def fixture_module_machine():
    """Likewise, for tests that all look at the same."""
    with fresh_machine() as machine:
        yield machine


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """What the journal has is often the reason why a test failed."""
    outcome = yield
    report = outcome.get_result()
    covers.note(item, report)
    if report.failed and "machine" in getattr(item, "fixturenames", ()):
        said = subprocess.run(["journalctl", "--unit=convened.service", "--lines=40", "--quiet"],
                              stdout=subprocess.PIPE, text=True, check=False).stdout
        report.sections.append(("journal", said))
