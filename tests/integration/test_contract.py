# SPDX-License-Identifier: LGPL-2.1-or-later
"""The contract matrix itself: what it reads from the pages, and what it complains of."""

import json
import os
import subprocess
import sys

import pytest

from harness.programs import TREE

FOLDER = os.path.join(TREE, "tests", "contract")
# Of all rows, one that no unit test covers.
ROW = "method: Manager.Sync"


@pytest.fixture(name="rows", scope="module")
def fixture_rows():
    sys.path.insert(0, FOLDER)
    try:
        import rows
        yield rows.all_rows(TREE)
    finally:
        sys.path.remove(FOLDER)


def matrix(tmp_path, *tests):
    """Exit status, complaints and summary for tests that are (rows, outcome)."""
    path = tmp_path / "covered"
    with open(path, "w", encoding="utf-8") as file:
        for number, (covers, outcome) in enumerate(tests):
            file.write(json.dumps({"test": f"integration/test_x.py::test_{number}[a/b]",
                                   "covers": covers, "outcome": outcome}) + "\n")
    done = subprocess.run([sys.executable, "-B", os.path.join(FOLDER, "matrix.py"),
                           f"--covered={path}", f"--table={tmp_path}/table"],
                          capture_output=True, text=True, check=False)
    return done.returncode, done.stderr.splitlines(), done.stdout.splitlines()


@pytest.mark.parametrize("row", [
    "method: Session.AddParticipant", "key: Manager.CreateParticipant Publishers",
    "key: Manager.AdoptParticipant Lifetime", "key: Session.Delete Wait",
    "key: Manager.ListSessions Fields", "property: Manager.ApiState", "error: OutcomeUnknown",
    "error: UnknownObject", "name: bus name", "case: remove one not wanted here",
    "option: convened --config", "option: convenectl -H", "option: convened-simulator --shuffle",
    "unix signal: convened SIGINT", "exit: convened 78", "exit: convenectl 4",
    "exit: convened-simulator 2", "environment: convenectl NO_COLOR",
    "environment: convened XDG_STATE_HOME", "configuration: [Bus] MaxManagedObjects",
    "configuration: [Api] RequestBurst", "verb: subscribe", "verb: adopt-participant",
    "test interface: POST /_simulator/expire", "test interface: GET /_simulator/requests seq",
    "fault kind: truncate", "fault rule: slow bytes_per_s", "fault rule: after",
    "fault: drop × createSession", "fault and restart: hang × getParticipantSubscriptions"])
def test_rows(rows, row):
    assert rows.count(row) == 1


def test_all_is_held(rows, tmp_path):
    status, complaints, summary = matrix(tmp_path, (rows, "passed"))
    assert (status, complaints) == (0, [])
    assert summary[-1].split()[:3] == ["all", str(len(rows)), str(len(rows))]
    table = (tmp_path / "table").read_text(encoding="utf-8")
    assert f"\n{ROW} " in table and "test_x.py::test_0[a/b]" in table


@pytest.mark.parametrize("outcome", ["failed", "skipped", "none"])
def test_what_did_not_pass(rows, tmp_path, outcome):
    status, complaints, _ = matrix(tmp_path, (rows, "passed"), ([ROW], outcome))
    assert status == 1
    assert complaints == [f"did not pass: test_x.py::test_1[a/b], which covers {ROW}"]


def test_empty_cell(rows, tmp_path):
    status, complaints, summary = matrix(tmp_path, ([row for row in rows if row != ROW], "passed"))
    assert (status, complaints) == (1, [f"no test: {ROW}"])
    assert summary[-1].split()[1:3] == [str(len(rows)), str(len(rows) - 1)]


def test_no_such_row(rows, tmp_path):
    status, complaints, _ = matrix(tmp_path, ([*rows, "method: Manager.Fly"], "passed"))
    assert status == 1
    assert complaints == ['no such row: "method: Manager.Fly", which test_x.py::test_0[a/b] covers']


def test_tests_that_were_not_run(rows, tmp_path):
    done = subprocess.run([sys.executable, "-B", os.path.join(FOLDER, "matrix.py"),
                           f"--covered={tmp_path}/nothing"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"no tests were run: there is no {tmp_path}/nothing" in done.stderr
