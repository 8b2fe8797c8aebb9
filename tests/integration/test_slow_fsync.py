# SPDX-License-Identifier: LGPL-2.1-or-later
"""The slow disk is slow: else what is proved with it would prove nothing."""

import os
import subprocess
import time

PROGRAM = """
import os, sys
with open(sys.argv[1], "w") as file:
    os.fsync(file.fileno())
    os.fdatasync(file.fileno())
"""


def run(tmp_path, usec):
    log = tmp_path / f"log-{usec}"
    environment = dict(
        os.environ,
        LD_PRELOAD=os.path.join(os.environ["CONVENED_BUILDDIR"], "tests/integration/slow-fsync.so"),
        SLOW_FSYNC_USEC=str(usec),
        SLOW_FSYNC_LOG=str(log),
    )
    begin = time.monotonic()
    subprocess.run(
        ["/usr/bin/python3", "-c", PROGRAM, str(tmp_path / "file")], env=environment, check=True
    )
    return time.monotonic() - begin, log.read_text().splitlines()


def test_slow_fsync(tmp_path):
    elapsed, lines = run(tmp_path, 300000)
    assert elapsed >= 0.6
    assert len(lines) == 2
    assert all(pid == thread for pid, thread in (line.split() for line in lines))
    assert len(run(tmp_path, 0)[1]) == 2
