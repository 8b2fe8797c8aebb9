# SPDX-License-Identifier: LGPL-2.1-or-later
"""What must hold, whatever the daemon met."""

import collections
import contextlib
import json
import os
import sqlite3

from harness.bus import BusError
from harness.daemon import PATH
from harness.wait import wait_for

CREATE_REPEATS = 2

# What never changes of an object, once it has an id.
CONSTANT = ("Id", "Owner", "Lifetime", "CreatedUSec", "Tag", "CallbackUrl", "PublishPermissions",
            "DeviceApiVersion")


def rows_of(stage):
    return {**stage.list("Sessions")[0], **stage.list("Participants")[0]}


def is_in_sync(stage):
    return all(row["InSync"] or row["State"] == "failed" for row in rows_of(stage).values())


def await_sync(stage):
    wait_for(lambda: is_in_sync(stage), 20)


def constants_of(rows):
    return {path: {name: row[name] for name in CONSTANT if name in row}
            for path, row in rows.items()}


def violations(stage, accepted, before):
    """The promises that do not hold. `before`: the constants of what there was to begin with."""
    rows, truth = rows_of(stage), stage.simulator.state()
    n_suspected = stage.get(PATH)["SuspectedOrphans"]
    ids = [row["Id"] for row in rows.values() if row["Id"]]
    there = truth["sessions"].keys() | truth["participants"].keys()
    posts = collections.Counter(json.loads(item["body"]).get("tag")
                                for item in stage.simulator.requests(method="POST"))
    if len(set(ids)) != len(ids):
        yield "I4: an id stands in two rows"
    if not set(ids) <= there:
        yield "I5: a row whose counterpart is not there"
    if len(there - set(ids)) > n_suspected:
        yield f"I1: {len(there - set(ids))} unknown here, and {n_suspected} suspected"
    created = [row["Tag"] for row in rows.values() if row["Id"] and row["Tag"]]
    n_unanswered = sum(n for tag, n in posts.items() if tag) - len(created)
    if not n_unanswered <= n_suspected <= n_unanswered + len(stage.unsent):
        yield (f"I3: {n_suspected} suspected, {n_unanswered} without a usable answer, and "
               f"{len(stage.unsent)} about to be sent when it ended")
    for tag, n in posts.items():
        if tag and n > (1 if tag == "once" else 1 + CREATE_REPEATS):
            yield f"I3: {n} creations of {tag!r}"
    for path, row in rows.items():
        if "/participant/" in path and row["State"] == "active":
            yield from disagreements(stage, path, row, truth["participants"].get(row["Id"]))
    for path, row in constants_of(rows).items():
        if before.get(path, row) != row:
            yield f"I7: {path} was {before[path]}, and is {row}"
    failed = {row["Tag"] for row in rows.values() if row["State"] == "failed"}
    for step in accepted:
        if not step.holds(rows) and not failed:
            yield f"I2: {step.call[2]} was accepted, and is not so"


def disagreements(stage, path, row, there):
    if there is None:
        return
    if there["sessions"] != ([row["SessionId"]] if row["SessionId"] else []):
        yield f"I6: {path} is in {there['sessions']}, not in {row['SessionId']!r}"
    if bool(there["subscriptions"]) != (row["SubscriptionMode"] != "none"):
        yield f"I6: {path} hears {there['subscriptions']}, not {row['SubscriptionMode']}"
    try:
        token = stage.token(path)
    except BusError as error:
        token = error.name
    if token != there["token"]:
        yield f"I2: {path} has the token {token}"


def integrity(stage):
    path = os.path.join(stage.daemon.state_directory, "state.db")
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        said = database.execute("PRAGMA integrity_check").fetchone()[0]
    if said != "ok":
        yield f"I9: {said}"
