#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The contract matrix: for each row of the contract the tests that hold it.

    matrix.py [--covered=FILE]... [--unit=FOLDER] [--table=FILE] [--design=PAGE]...

What a test covers, it says itself. In Python with a marker:

    @pytest.mark.covers("method: Manager.Sync", "exit: convened 0")

In C with a comment in front of it:

    /* Covers "configuration: [Api] BaseUrl", "configuration: [Api] AccountId". */
    static void test_every_key(void **state) {

--covered is what pytest's --covered=FILE wrote, in this run or, with --collect-only, of tests that
have not been run. --unit is where the logs of the unit tests are; without it they count unrun.
--table is where to write every row with its tests. --design: a page of tables that this contract
must have the rows of. Exits with 1 if a row has no test, if a test names a row that there is none
of, or did not pass; says which on standard error, and prints how many rows of each group are held.
"""

import argparse
import collections
import glob
import json
import os
import re
import sys

import design
import rows

TREE = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
COVERS = re.compile(r'/\* Covers ((?:[^*]|\*(?!/))*)\*/\nstatic void (test_\w+)\(')


class Cover:
    """A test that says that it covers some rows; `passed` is None where it was not run."""

    def __init__(self, test, names, passed):
        self.test = test
        self.names = names
        self.passed = passed


def covered(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            said = json.loads(line)
            yield Cover(re.sub(r"^[^\[]*/", "", said["test"]), said["covers"],
                        {"passed": True, "collected": None}.get(said["outcome"], False))


def passed_of_log(folder, name):
    """The tests that a unit test's log says OK of; None where no logs are asked for."""
    if folder is None:
        return None
    try:
        return set(re.findall(r"^\[ +OK \] (test_\w+)", rows.read(os.path.join(
            folder, name + ".log")), re.MULTILINE))
    except FileNotFoundError:
        return set()


def units(tree, folder):
    for path in sorted(glob.glob(os.path.join(tree, "tests", "unit", "*.c"))):
        name = os.path.basename(path).removesuffix(".c")
        passed = passed_of_log(folder, name)
        text = rows.read(path)
        found = COVERS.findall(text)
        if text.count("/* Covers ") != len(found):
            raise rows.PageError(f"{path}: a comment \"Covers\" that is in front of no test")
        for words, test in found:
            names = [rows.one_line(word).replace("\n", " ") for word in re.findall(
                r'"([^"]+)"', words)]
            yield Cover(f"{name}.c::{test}", names, None if passed is None else test in passed)


def cell(tests):
    """What stands in a cell: each test, with how often it was run where it has parameters."""
    cases = collections.defaultdict(list)
    for test in sorted(tests):
        cases[test.partition("[")[0]].append(test)
    for test, runs in cases.items():
        name = runs[0] if len(runs) == 1 else f"{test} ({len(runs)} cases)"
        ends = {tests[run] for run in runs}
        yield name + (" (FAILED)" if False in ends else " (not run)" if None in ends else "")


class Matrix:
    def __init__(self, names):
        self.cells = {name: {} for name in names}
        self.strange = collections.defaultdict(set)

    def add(self, cover):
        for name in cover.names:
            if name in self.cells:
                self.cells[name][cover.test] = cover.passed
            else:
                self.strange[name].add(cover.test)

    def empty(self):
        return [name for name, tests in self.cells.items() if not tests]

    def failed(self):
        return [(name, test) for name, tests in self.cells.items()
                for test, passed in tests.items() if passed is False]

    def groups(self):
        """[(group, rows, rows with a test, different tests)]"""
        result = collections.OrderedDict()
        for name, tests in self.cells.items():
            count = result.setdefault(name.partition(": ")[0], [0, 0, set()])
            count[0] += 1
            count[1] += bool(tests)
            count[2] |= tests.keys()
        return [(group, n, held, len(tests)) for group, (n, held, tests) in result.items()]

    def lines(self):
        """The whole table."""
        width = max(len(name) for name in self.cells)
        for name, tests in self.cells.items():
            yield f"{name:<{width}}  {', '.join(cell(tests)) or '(no test)'}"

    def summary(self):
        yield f"{'contract':<22} {'rows':>5} {'tested':>7} {'by tests':>9}"
        for group, n, held, n_tests in self.groups():
            yield f"{group:<22} {n:>5} {held:>7} {n_tests:>9}"
        tests = {test for cell in self.cells.values() for test in cell}
        n_held = len(self.cells) - len(self.empty())
        yield f"{'all':<22} {len(self.cells):>5} {n_held:>7} {len(tests):>9}"

    def complaints(self):
        for name in self.empty():
            yield f"no test: {name}"
        for name, tests in sorted(self.strange.items()):
            yield f"no such row: \"{name}\", which {', '.join(sorted(tests))} covers"
        for name, test in self.failed():
            yield f"did not pass: {test}, which covers {name}"


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    for name in ("unit", "table"):
        parser.add_argument(f"--{name}")
    for name in ("covered", "design"):
        parser.add_argument(f"--{name}", action="append", default=[])
    return parser.parse_args()


def main():
    chosen = options()
    matrix = Matrix(rows.all_rows(TREE))
    for cover in units(TREE, chosen.unit):
        matrix.add(cover)
    complaints = [f"no tests were run: there is no {path}" for path in chosen.covered
                  if not os.path.exists(path)]
    for path in filter(os.path.exists, chosen.covered):
        for cover in covered(path):
            matrix.add(cover)
    if chosen.table:
        with open(chosen.table, "w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in matrix.lines())
    complaints += matrix.complaints()
    for page in chosen.design:
        complaints += design.missing(page, list(matrix.cells))
    print("\n".join(complaints), end="\n" if complaints else "", file=sys.stderr)
    print("\n".join(matrix.summary()))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
