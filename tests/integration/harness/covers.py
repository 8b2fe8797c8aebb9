# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a test covers of the contract, and what became of it: hooks of pytest, for a conftest.py.

    @pytest.mark.covers("method: Manager.Sync", "exit: convened 0")

names the rows that a test holds; tests/contract/ knows which there are. With --covered=FILE a line
of JSON is written for each test that has such a marker.
"""

import json


def pytest_addoption(parser):
    parser.addoption("--covered", metavar="FILE", help="where to write which test covers what")


def pytest_configure(config):
    config.addinivalue_line("markers", "covers(*rows): the rows of the contract that a test holds")


def note(item, report):
    """To be called with each report: what is worst of setup, test and teardown is the outcome."""
    if getattr(item, "outcome", "passed") == "passed":
        item.outcome = report.outcome


def rows_of(item):
    return [row for marker in item.iter_markers("covers") for row in marker.args]


def pytest_sessionfinish(session):
    path = session.config.getoption("--covered")
    if not path:
        return
    with open(path, "w", encoding="utf-8") as file:
        for item in filter(rows_of, getattr(session, "items", [])):
            outcome = ("collected" if session.config.option.collectonly
                       else getattr(item, "outcome", "none"))
            json.dump({"test": item.nodeid, "covers": rows_of(item), "outcome": outcome}, file)
            file.write("\n")
