# SPDX-License-Identifier: LGPL-2.1-or-later
"""How soon all is as wanted once faults have stopped, and how much is asked of the API for it.

None of it is measured on a clock that runs while a machine has no time for the daemon: a test that
fails because others are at work teaches only to run it again.
"""

import collections
import os
import select
import time

from harness.daemon import PATH
from harness.simulator import excess
from harness.wait import INTERVAL_SEC

# To the bound of I6, for what is not waited for but done while nobody seems to be at work.
SLACK_SEC = 10
# On the wall's clock, for a daemon that never comes to rest.
GIVE_UP_SEC = 60
# Of one request, when nothing is in its way: it goes out, what was done is looked at, and a
# machine whose addresses change has all verified once more.
TIMES_MAX = 3


def bound_sec(stage):
    """Within which wanted and observed agree, once faults stop: I6."""
    manager, config = stage.get(PATH), stage.daemon.config
    n = manager["SessionCount"] + manager["ParticipantCount"]
    return 2 * n / config["Api"]["RequestsPerSec"] + config["Reconcile"]["RetryMaxSec"]


def is_late(stage, is_so):
    """Waits until it is so. Whether it is not, although I6 says so.

    The daemon waits by its own will when all of it sleeps and the simulator does: who has much to
    do runs, who is kept from it by others would run, and who waits for a disk cannot be woken. So
    only such moments count.
    """
    allowed, idle = bound_sec(stage) + SLACK_SEC, 0
    processes = stage.daemon.process.pid, stage.simulator.process.pid
    deadline = time.monotonic() + GIVE_UP_SEC
    while not is_so():
        if idle > allowed or time.monotonic() > deadline:
            return True
        select.select([], [], [], INTERVAL_SEC)
        idle += INTERVAL_SEC * all(map(is_asleep, processes))
    return False


def is_asleep(process):
    """Whether each thread of a process waits, and could be woken."""
    folder = f"/proc/{process}/task"
    return all(state_of(os.path.join(folder, thread)) == "S" for thread in os.listdir(folder))


def state_of(thread):
    try:
        with open(os.path.join(thread, "stat"), encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"  # it has just ended


def too_much(stage, after):
    """What of the requests after a number cannot be accounted for, with nothing in their way."""
    requests, api = stage.simulator.requests(after), stage.daemon.config["Api"]
    # What was sent in time may arrive late, but no more of it than can be on its way.
    above = excess(requests, api["RequestsPerSec"], api["RequestBurst"])
    if above > api["MaxConcurrentRequests"]:
        yield f"I11: {above:.0f} requests more than the budget has"
    times = collections.Counter((item["method"], item["path"], item["body"]) for item in requests
                                if not item["fault"])
    for (method, path, _), n in times.items():
        if n > TIMES_MAX:
            yield f"I11: {n} times {method} {path}"
