# SPDX-License-Identifier: LGPL-2.1-or-later
"""The rows of the contract, taken from the pages that make it: dbus/*.xml, doc/*.scd,
doc/contract.md.

A row has a name such as "method: Manager.Sync" or "exit: convened 78": its group, and within that
what its page calls it. No row is written down here.
"""

import os
import re
import xml.etree.ElementTree as ElementTree

KEY = re.compile(r'"([A-Z]\w+)" (?:b|s|u|o|as|a\(oas\))(?=[\s:;,)]|$)')
KEY_ELSEWHERE = re.compile(r'see the Manager: ("\w+"(?:, "\w+")*)')
KEYS_AS_OF = re.compile(r"@\w+: as for (\w+)\(\)")
ERRORS = re.compile(r"below org\.convened1\.Error: (.*?)\. "
                    r"Beside them there are the bus's own (.*?)\.", re.DOTALL)
LONG_OR_SHORT = re.compile(r"\*(-[-\w]+)=?\*")
ENVIRONMENT = re.compile(r"_\$?([A-Z][A-Z_]*[A-Z])_")


class PageError(Exception):
    """A page is not written as its reader expects."""


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def one_line(text):
    return " ".join(text.split())


# --- dbus/*.xml -----------------------------------------------------------------------------------


def comment_of(text, thing):
    """What the interface's page says about a method."""
    found = re.search(rf"<!--\s+{thing}:\n(.*?)-->", text, re.DOTALL)
    if not found:
        raise PageError(f"nothing is said about {thing}")
    return one_line(found[1])


def keys_of(text, method):
    """The keys of a method's dictionary, in the order in which the interface's page tells them."""
    comment = comment_of(text, method)
    elsewhere = [name for names in KEY_ELSEWHERE.findall(comment)
                 for name in re.findall(r"\w+", names)]
    alike = [name for other in KEYS_AS_OF.findall(comment) for name in keys_of(text, other)]
    return list(dict.fromkeys(KEY.findall(comment) + elsewhere + alike))


def errors_of(text):
    found = ERRORS.search(text)
    if not found:
        raise PageError("no list of errors")
    names = re.sub(r"\(.*?\)", "", one_line(found[1] + ", " + found[2]), flags=re.DOTALL)
    return re.findall(r"\b[A-Z]\w+", names)


def interface_rows(path):
    text = read(path)
    interface = ElementTree.fromstring(text).find("interface")
    short = interface.get("name").rpartition(".")[2]
    for thing in interface:
        name = f"{short}.{thing.get('name')}"
        if thing.tag == "annotation":
            continue
        yield thing.tag, name
        if thing.tag == "method":
            for key in keys_of(text, thing.get("name")):
                yield "key", f"{name} {key}"
    if short == "Manager":
        for error in errors_of(text):
            yield "error", error


# --- doc/*.scd ------------------------------------------------------------------------------------


def entries(path):
    """(section, paragraph, entry, text) of each entry of a manual page: a line that begins with
    what is marked, and the indented lines below it; `paragraph` is the last line of plain text
    before it."""
    section, paragraph, lines = "", "", read(path).splitlines() + [""]
    for number, line in enumerate(lines[:-1]):
        if line.startswith("# "):
            section, paragraph = line[2:], ""
        elif line[:1] in ("*", "_") and lines[number + 1].startswith("\t"):
            text = []
            for following in lines[number + 1:]:
                if following and not following.startswith("\t"):
                    break
                text.append(following)
            yield section, paragraph, line, one_line("\n".join(text))
        elif line and not line.startswith("\t"):
            paragraph = line


def command_rows(path, program):
    """What every program has: options, exit status, environment, signals; and convenectl its
    verbs."""
    for section, _, entry, _ in entries(path):
        if section == "OPTIONS":
            yield from (("option", f"{program} {name}") for name in LONG_OR_SHORT.findall(entry))
        elif section == "EXIT STATUS":
            yield from (("exit", f"{program} {code}") for code in re.findall(r"\*(\d+)\*", entry))
        elif section == "ENVIRONMENT":
            yield from (("environment", f"{program} {name}") for name in ENVIRONMENT.findall(entry))
        elif section == "SIGNALS":
            yield from (("unix signal", f"{program} {name}")
                        for name in re.findall(r"\*(SIG\w+)\*", entry))
        elif section.startswith("VERBS "):
            yield from (("verb", re.match(r"\*([a-z-]+)\*", part)[1]) for part in
                        re.split(r", (?=\*[a-z])", entry))


def configuration_rows(path):
    for section, _, entry, _ in entries(path):
        if section.startswith("["):
            yield from (("configuration", f"{section} {key}")
                        for key in re.findall(r"\*(\w+)=\*", entry))


def simulator_rows(path):
    yield from command_rows(path, "convened-simulator")
    for section, paragraph, entry, text in entries(path):
        if section == "TEST INTERFACE":
            request = re.search(r"[A-Z]+ /\\?\w+/\w+", entry.replace("\\", ""))
            yield "test interface", request[0]
            yield from (("test interface", f"{request[0]} {field}")
                        for field in re.findall(r"(?<!\w)_([a-z][a-z_]*)_(?!\w)", text))
        elif section == "FAULT RULES" and paragraph.startswith("Kinds "):
            yield from (("fault kind", kind) for kind in re.findall(r"_(\w+)_", entry))
            yield from (("fault rule", f"{kind} {key}") for kind in re.findall(r"_(\w+)_", entry)
                        for key in re.findall(r"(?<!\w)_(\w+)_", text))
        elif section == "FAULT RULES":
            yield from (("fault rule", key) for key in re.findall(r"_(\w+)_", entry))


# --- doc/contract.md ------------------------------------------------------------------------------


def table_rows(path):
    """The rows of all tables: the first cell of the head is the group, the first cell of a row its
    name."""
    group = None
    for line in read(path).splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if not line.startswith("|"):
            group = None
        elif group is None:
            group = cells[0]
        elif not re.fullmatch(r"[-:| ]+", line):
            yield group, cells[0].replace("`", "")


# --- all ------------------------------------------------------------------------------------------


def fault_rows(rows):
    """Every kind of fault on every operation, alone and with a restart of the daemon."""
    kinds = [name for group, name in rows if group == "fault kind"]
    operations = [name for group, name in rows if group == "operation"]
    for group in ("fault", "fault and restart"):
        yield from ((group, f"{kind} × {name}") for kind in kinds for name in operations)


def all_rows(tree):
    """The names of all rows, in order, none twice."""
    def page(*names):
        return os.path.join(tree, *names)

    rows = []
    for name in ("Manager", "Session", "Participant"):
        rows += interface_rows(page("dbus", f"org.convened1.{name}.xml"))
    rows += table_rows(page("doc", "contract.md"))
    rows += command_rows(page("doc", "convened.8.scd"), "convened")
    rows += configuration_rows(page("doc", "convened.conf.5.scd"))
    rows += command_rows(page("doc", "convenectl.1.scd"), "convenectl")
    rows += simulator_rows(page("doc", "convened-simulator.1.scd"))
    rows += list(fault_rows(rows))
    return list(dict.fromkeys(f"{group}: {name}" for group, name in rows))
