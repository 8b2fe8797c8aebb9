# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fixtures that every integration test may use. The programs are found by harness/programs.py.

    @pytest.mark.covers("method: Manager.Sync", "exit: convened 0")

names the rows of the contract that a test holds; tests/contract/ knows which there are. With
--covered=FILE a line of JSON is written for each test that has such a marker, and what became of it.
"""

import json
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from harness.bus import PrivateBus  # noqa: E402
from harness.simulator import Simulator  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--covered", metavar="FILE", help="where to write which test covers what")


def pytest_configure(config):
    config.addinivalue_line("markers", "covers(*rows): the rows of the contract that a test holds")


def covers_of(item):
    return [row for marker in item.iter_markers("covers") for row in marker.args]


def write_covered(config, items):
    path = config.getoption("--covered")
    if not path:
        return
    with open(path, "w", encoding="utf-8") as file:
        for item in items:
            outcome = "collected" if config.option.collectonly else getattr(item, "outcome", "none")
            json.dump({"test": item.nodeid, "covers": covers_of(item), "outcome": outcome}, file)
            file.write("\n")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """What is worst of setup, test and teardown is the test's outcome."""
    report = (yield).get_result()
    if getattr(item, "outcome", "passed") == "passed":
        item.outcome = report.outcome


def pytest_sessionfinish(session):
    write_covered(session.config, [item for item in getattr(session, "items", [])
                                   if covers_of(item)])


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
