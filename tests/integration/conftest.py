# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fixtures that every integration test may use. The programs are found by harness/programs.py."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from harness import covers  # noqa: E402
from harness.bus import PrivateBus  # noqa: E402
from harness.covers import (  # noqa: E402, F401
    pytest_addoption, pytest_sessionfinish)
from harness.programs import is_sanitized  # noqa: E402
from harness.simulator import Simulator  # noqa: E402


def pytest_configure(config):
    covers.pytest_configure(config)
    config.addinivalue_line("markers", "without_sanitizers: measures what they change, and is no "
                            "test of a build with them")


def pytest_collection_modifyitems(config, items):
    if not is_sanitized():
        return
    others = [item for item in items if item.get_closest_marker("without_sanitizers")]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if item not in others]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    covers.note(item, (yield).get_result())


@pytest.fixture
def bus():
    """A running message bus with nobody on it."""
    with PrivateBus() as running:
        yield running


@pytest.fixture
def simulator():
    """A running convened-simulator with nothing in it."""
    with Simulator() as running:
        yield running


@pytest.fixture
def simulator_with():
    """A function that starts a simulator with these options; all of them are stopped at the end."""
    started = []

    def start(*options, **keywords):
        started.append(Simulator(*options, **keywords))
        return started[-1].start()

    yield start
    problems = []
    for running in started:
        try:
            running.stop()
        except (AssertionError, TimeoutError) as problem:
            problems.append(problem)
        running.folder.cleanup()
    if problems:
        raise problems[0]
