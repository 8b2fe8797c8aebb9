# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pages of tables that name the contract's things, and what of them is not among our rows.

Whoever keeps the contract as pages of their own, with tables like those of doc/contract.md and
usage texts like those of --help, can have them compared: everything that is named there must be a
row here. """

import re

import rows


def tables(text):
    """(first cell of the head, cells of a row) for each row of each table."""
    head = None
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.sub(r"^\||\|$", "", line.strip()).split(" | ")]
        if not line.startswith("|"):
            head = None
        elif head is None:
            head = cells[0].strip()
        elif not re.fullmatch(r"[-:| ]+", line):
            yield head, cells


def words(text):
    """A name as it is compared: without marks and in lower case."""
    return re.sub(r"[^\w ]", "", text.replace("`", "")).lower().strip()


def said(text):
    """(group, name) of what a page says outside of tables and of texts like those of --help."""
    for codes in re.findall(r"(?s)Exit codes: (.*?)\.", text):
        yield from (("exit", code) for code in re.findall(r"\b(\d)\b", codes))
    yield from (("exit", code) for code in re.findall(r"exit\s+status (\d+)", text))
    yield from (("environment", name) for name in re.findall(r"\$([A-Z][A-Z_]+)", text))
    yield from (("daemon", name) for name in re.findall(r"`([A-Z]{5,})=1?`", text))
    for rule in re.findall(r"A RULE is `(.*?)`", text):
        yield from (("fault rule", key) for key in re.findall(r'"(\w+)":', rule) if key != "kind")


def named(text):
    """(group, name) of everything that a page names; of methods and properties without
    interface."""
    yield from said(text)
    for head, cells in tables(text):
        if head in ("method", "property"):
            yield from ((head, name) for name in re.findall(r"`(\w+)`", cells[0]))
        elif head == "case":
            yield from (("case", case) for case in cells[0].split("; "))
        elif head == "action":
            yield from (("right", words(part)) for part in re.split(r", (?:and )?| and ", cells[0]))
        elif head == "request":
            yield from (("test interface", re.sub(r"[?].*|/ID$", "", name))
                        for name in re.findall(r"`([A-Z]+ /_[^`]*)`", cells[0]))
    for section, block in re.findall(r"(?m)^    \[(\w+)\]\n((?:    \w+=.*\n)+)", text):
        yield from (("configuration", f"[{section}] {key}")
                    for key in re.findall(r"(?m)^    (\w+)=", block))
    for methods in re.findall(r"(?m)^Methods: (.*?\.)$", text, re.DOTALL):
        yield from (("method", name) for name in re.findall(r"`(\w+)\(", methods))
    for properties in re.findall(r"(?ms)^Properties: (.*?)\n\n", text):
        yield from (("property", name) for name in re.findall(r"`([A-Z]\w+)` \(?[a-z]", properties))
    for errors in re.findall(r"(?ms)^`org\.convened1\.Error\.` \+ (.*?)\n\n", text):
        yield from (("error", name) for name in re.findall(r"`([A-Z]\w+)`", re.sub(
            r"\([^)]*\)", "", errors)))
    yield from (("option", name) for name in re.findall(r"(?<![\w-])(--[a-z][-a-z0-9]+)", text))
    for kinds in re.findall(r"Kinds, with (.*)", text, re.DOTALL):
        yield from (("fault kind", kind) for kind in re.findall(r"`([a-z]+)` \(", kinds))
    for verbs in re.findall(r"(?ms)^    status .*?\n\n", text):
        yield from (("verb", verb) for verb in re.findall(
            r"(?m)(?:^| {2,})([a-z]+(?:-[a-z]+)*)(?= \[| [A-Z]|$| {2})", verbs))


def is_here(group, name, ours):
    """Whether one of our rows is that one, of whichever program; of cases one that begins so."""
    mine = [row.partition(": ")[2] for row in ours if row.startswith(group + ": ")]
    if group in ("method", "property"):
        return name in {row.partition(".")[2] for row in mine}
    if group in ("option", "exit", "environment"):
        return name in {row.partition(" ")[2] for row in mine}
    if group == "right":
        return any(name in words(row) for row in mine)
    if group == "case":
        return any(words(name).startswith(words(row)) for row in mine)
    return name in mine


def missing(path, ours):
    return [f"not in our contract: {group}: {name}"
            for group, name in dict.fromkeys(named(rows.read(path)))
            if not is_here(group, name, ours)]
