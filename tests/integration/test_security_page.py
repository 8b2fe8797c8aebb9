# SPDX-License-Identifier: LGPL-2.1-or-later
"""SECURITY.md names a test for each threat: they are there."""

import pathlib
import re

from harness.programs import TREE


def test_each_test_is_there():
    page = pathlib.Path(TREE, "SECURITY.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ")][2:]
    assert len(rows) >= 15
    for row in rows:
        path, _, name = re.search(r"`(tests/[\w/.-]+)(::(\w+))?` \|$", row).group(1, 2, 3)
        text = pathlib.Path(TREE, path).read_text(encoding="utf-8")
        assert not name or f"def {name}(" in text, row
