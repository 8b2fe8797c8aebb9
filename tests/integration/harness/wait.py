# SPDX-License-Identifier: LGPL-2.1-or-later
"""Waiting for a thing to be so, with a deadline: the only way a test lets time pass."""

import select
import time

INTERVAL_SEC = 0.005


def wait_for(what, timeout=10):
    """Calls `what` until it returns something true, and returns that; TimeoutError after so long.

    An AssertionError in `what` counts as "not yet", and is what the TimeoutError is raised from.
    """
    deadline = time.monotonic() + timeout
    while True:
        value, reason = None, None
        try:
            value = what()
        except AssertionError as error:
            reason = error
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"not so within {timeout} s; last: {value!r}") from reason
        select.select([], [], [], INTERVAL_SEC)
