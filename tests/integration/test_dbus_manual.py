# SPDX-License-Identifier: LGPL-2.1-or-later
"""doc/org.convened1.5.scd and dbus/*.xml say the same, both ways; and the examples of it work."""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

from harness.programs import TREE
from harness.stage import Stage

sys.path.insert(0, os.path.join(TREE, "tests", "contract"))

import rows  # noqa: E402

PAGE = os.path.join(TREE, "doc", "org.convened1.5.scd")
INTERFACES = ("org.convened1.Manager", "org.convened1.Session", "org.convened1.Participant")
SIGNALLED = {None: "", "const": ", constant", "false": ", not signalled"}
TYPED_KEY = re.compile(r'"([A-Z]\w+)" (b|s|u|o|as|a\(oas\))(?=[\s:;,)]|$)')

# What the page names of others' interfaces, beside what the XML does.
OTHERS = {"InterfacesAdded", "InterfacesRemoved", "PropertiesChanged", "LogControl1", "NoReply",
          "ServiceUnknown", "WebRTC"}


def xml_path(interface):
    return os.path.join(TREE, "dbus", interface + ".xml")


def things(interface, tag):
    return ElementTree.parse(xml_path(interface)).getroot().find("interface").findall(tag)


def entries(section):
    """(head, text) of each entry of a section of the page."""
    found = [(head, text) for where, _, head, text in rows.entries(PAGE) if where == section]
    assert found, section
    return found


def arguments_of(method, direction):
    return [(one.get("type"), one.get("name")) for one in method.findall("arg")
            if one.get("direction") == direction]


@pytest.mark.parametrize("interface", INTERFACES)
def test_methods(interface):
    told = {}
    for head, _ in entries(f"METHODS OF {interface}"):
        name, sent, returned = re.fullmatch(r"\*(\w+)\*\((.*?)\)(?: -> (.+))?", head).groups()
        told[name] = [re.findall(r"_([a-z(){}]+)_ (\w+)", some or "") for some in (sent, returned)]
    assert told == {one.get("name"): [arguments_of(one, "in"), arguments_of(one, "out")]
                    for one in things(interface, "method")}


@pytest.mark.parametrize("interface", INTERFACES)
def test_keys(interface):
    text = rows.read(xml_path(interface))
    types = dict(TYPED_KEY.findall("".join(rows.read(xml_path(one)) for one in INTERFACES)))
    for head, said in entries(f"METHODS OF {interface}"):
        name = re.match(r"\*(\w+)\*", head)[1]
        keys = rows.keys_of(text, name)
        told = re.findall(r"_(\w+)_ ([a-z()]+)", said.partition("Keys: ")[2])
        assert sorted(told) == sorted((key, types[key]) for key in keys), name


def test_every_key_has_its_bounds():
    told = {name for head, _ in entries("KEYS AND BOUNDS")
            for name in re.findall(r"\*(\w+)\*", head)}
    keys = set()
    for interface in INTERFACES:
        text = rows.read(xml_path(interface))
        for method in things(interface, "method"):
            if not method.get("name").startswith("List"):
                keys |= set(rows.keys_of(text, method.get("name")))
    assert told == keys - {"Session"}


def properties_told(section):
    told = {}
    for head, _ in entries(section):
        found = re.findall(r"\*(\w+)\* ([a-z()]+)(, constant|, not signalled)?(?:, (?=\*)|$)", head)
        assert "".join("*%s* %s%s" % one for one in found) == head.replace(", *", "*"), head
        told.update({name: (kind, signalled) for name, kind, signalled in found})
    return told


@pytest.mark.parametrize("interface", INTERFACES)
def test_properties(interface):
    told = properties_told(f"PROPERTIES OF {interface}")
    if interface != INTERFACES[0]:
        told.update(properties_told("COMMON PROPERTIES"))
    expected = {}
    for one in things(interface, "property"):
        annotation = one.find("annotation")
        signalled = SIGNALLED[None if annotation is None else annotation.get("value")]
        expected[one.get("name")] = (one.get("type"), signalled)
    assert told == expected


def test_errors():
    told = [name for head, _ in entries("ERRORS") for name in re.findall(r"\*(\w+)\*", head)]
    with open(os.path.join(TREE, "src", "proto", "names.h"), encoding="utf-8") as header:
        assert sorted(told) == sorted(re.findall(r'ERROR_PREFIX\s+"(\w+)"', header.read()))
    page = rows.read(PAGE)
    for name in rows.errors_of(rows.read(xml_path(INTERFACES[0]))):
        assert name in told or f"_org.freedesktop.DBus.Error.{name}_" in page, name


def test_nothing_else_is_named():
    """Whatever looks like a name of ours is one."""
    words = re.compile(r"(?<![a-zA-Z])[A-Z][a-z]+(?:[A-Z][a-zA-Z]*\d*|\d+)")
    known = set(OTHERS)
    for path in [*map(xml_path, INTERFACES), os.path.join(TREE, "doc", "convened.conf.5.scd")]:
        known |= set(words.findall(rows.read(path)))
    # Names of keys and of errors may have one hump only; those are compared above.
    assert set(words.findall(rows.read(PAGE))) <= known


# --- the examples ---------------------------------------------------------------------------------


def examples():
    """(command, what it prints) of each example with a prompt, as a reader sees them."""
    text = rows.read(PAGE)
    text = text[text.index("# EXAMPLES"):].replace("\\\\\n", "\\\n")
    for block in re.findall(r"^```\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            lines = part.splitlines()
            end = next(n for n, line in enumerate(lines) if not line.endswith("\\")) + 1
            yield "\n".join(lines[:end]), "".join(line + "\n" for line in lines[end:])


def test_examples():
    with Stage() as stage:
        done = 0
        for command, expected in examples():
            result = subprocess.run(["bash", "-c", command], env=stage.bus.environment(),
                                    check=False, capture_output=True, text=True, timeout=60)
            assert (result.returncode, result.stderr) == (0, ""), command
            pattern = re.escape(expected).replace(r"\.\.\.", ".*")
            assert re.fullmatch(pattern, result.stdout), (command, result.stdout)
            done += 1
        assert done == 10
        assert list(stage.list("Participants")[0].values())[0]["Tag"] == "bob"
        assert not stage.simulator.state()["sessions"]
