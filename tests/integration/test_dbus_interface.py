# SPDX-License-Identifier: LGPL-2.1-or-later
"""The interface XML under dbus/ and the running daemon say the same, both ways."""

import os
import xml.etree.ElementTree as ElementTree

import pytest

from harness.bus import BusError
from harness.daemon import MANAGER, PARTICIPANT, PATH, PROPERTIES, SESSION
from harness.programs import TREE
from harness.stage import Stage

INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"
OBJECTS = {MANAGER: PATH, SESSION: PATH + "/session/1", PARTICIPANT: PATH + "/participant/1"}


@pytest.fixture(name="daemon", scope="module")
def fixture_daemon():
    with Stage() as stage:
        stage.daemon.create_session()
        stage.daemon.create_participant()
        yield stage.daemon


def annotations(element):
    return {item.get("name"): item.get("value") for item in element.findall("annotation")}


def describe(interface):
    """An interface as plain data: what it has, and of each thing what a client may rely on."""
    things = {}
    for element in interface:
        if element.tag == "annotation":
            continue
        arguments = [(item.get("name"), item.get("type"), item.get("direction"))
                     for item in element.findall("arg")]
        things[element.tag, element.get("name")] = {
            "arguments": arguments, "type": element.get("type"), "access": element.get("access"),
            "annotations": annotations(element)}
    return things


def written(name):
    root = ElementTree.parse(os.path.join(TREE, "dbus", name + ".xml")).getroot()
    interface, = root.findall("interface")
    assert interface.get("name") == name
    return describe(interface)


def introspect(daemon, path):
    return ElementTree.fromstring(daemon.call(path, INTROSPECTABLE, "Introspect")[0])


def running(daemon, name):
    interface, = [item for item in introspect(daemon, OBJECTS[name]).findall("interface")
                  if item.get("name") == name]
    return describe(interface)


@pytest.mark.covers("name: introspection", "name: manager object", "name: session object",
                    "name: participant object")
@pytest.mark.parametrize("name", OBJECTS)
def test_xml_is_what_runs(daemon, name):
    there, here = running(daemon, name), written(name)
    assert there.keys() == here.keys()
    for key, thing in here.items():
        assert there[key] == thing, key


@pytest.mark.parametrize("name", OBJECTS)
def test_get_all_is_what_is_written(daemon, name):
    properties = daemon.call(OBJECTS[name], PROPERTIES, "GetAll", "s", (name,))[0]
    expected = {key[1]: thing["type"] for key, thing in written(name).items()
                if key[0] == "property"}
    assert {key: signature for key, (signature, _) in properties.items()} == expected


@pytest.mark.parametrize("name", OBJECTS)
def test_every_property_is_read_only(daemon, name):
    for key, thing in written(name).items():
        if key[0] == "property":
            value = daemon.call(OBJECTS[name], PROPERTIES, "Get", "ss", (name, key[1]))[0]
            assert value[0] == thing["type"]
            with pytest.raises(BusError) as caught:
                daemon.call(OBJECTS[name], PROPERTIES, "Set", "ssv", (name, key[1], value))
            assert caught.value.name == "org.freedesktop.DBus.Error.PropertyReadOnly"


def test_every_thing_is_explained():
    for name in OBJECTS:
        text = open(os.path.join(TREE, "dbus", name + ".xml"), encoding="utf-8").read()
        for (tag, thing), described in written(name).items():
            assert f"\n        {thing}:" in text, (tag, thing)
            if tag == "method":
                comment = text[text.index(f"\n        {thing}:"):]
                comment = comment[:comment.index("-->")]
                for argument, _, _ in described["arguments"]:
                    assert f"@{argument}:" in comment, (thing, argument)


@pytest.mark.covers("signal: constant properties", "signal: silent properties")
def test_what_the_contract_annotates():
    const = {"Number", "Owner", "Lifetime", "CreatedUSec", "Tag", "CallbackUrl",
             "PublishPermissions", "DeviceApiVersion", "Version", "AccountId", "BaseUrl"}
    silent = {"NextAttemptUSec", "SyncedUSec", "LastContactUSec"}
    for name in OBJECTS:
        for (tag, thing), described in written(name).items():
            if tag != "property":
                continue
            expected = "const" if thing in const else "false" if thing in silent else "true"
            key = "org.freedesktop.DBus.Property.EmitsChangedSignal"
            assert described["annotations"].get(key, "true") == expected, thing


@pytest.mark.covers("name: standard interfaces")
def test_standard_interfaces(daemon):
    standard = {"org.freedesktop.DBus." + name
                for name in ("Peer", "Introspectable", "Properties")}
    for name, path in OBJECTS.items():
        there = {item.get("name") for item in introspect(daemon, path).findall("interface")}
        more = {"org.freedesktop.DBus.ObjectManager"} if path == PATH else set()
        assert there == standard | more | {name}


@pytest.mark.covers("name: log control")
def test_log_control(daemon):
    """As org.freedesktop.LogControl1(5) has it."""
    path = "/org/freedesktop/LogControl1"
    interfaces = {item.get("name"): describe(item)
                  for item in introspect(daemon, path).findall("interface")}
    assert set(interfaces) == {"org.freedesktop.LogControl1", "org.freedesktop.DBus.Peer",
                               "org.freedesktop.DBus.Introspectable",
                               "org.freedesktop.DBus.Properties"}
    there = interfaces["org.freedesktop.LogControl1"]
    assert {key: (thing["type"], thing["access"]) for key, thing in there.items()} == {
        ("property", "LogLevel"): ("s", "readwrite"),
        ("property", "LogTarget"): ("s", "readwrite"),
        ("property", "SyslogIdentifier"): ("s", "read")}
    key = "org.freedesktop.DBus.Property.EmitsChangedSignal"
    assert {thing["annotations"].get(key) for thing in there.values()} == {"false"}


@pytest.mark.covers("name: introspection")
def test_tree(daemon):
    def children(path):
        return {item.get("name") for item in introspect(daemon, path).findall("node")}

    assert children(PATH) >= {"session", "participant"}
    assert children(PATH + "/session") == {"1"}
    assert children(PATH + "/participant") == {"1"}


@pytest.mark.covers("name: no such object", "error: UnknownObject")
@pytest.mark.parametrize("path", ["/session/2", "/session/01", "/session/0", "/session/1/x",
                                  "/session/-1", "/session/18446744073709551617",
                                  "/participant/9", "/session", "/other/1"])
def test_no_such_object(daemon, path):
    path = PATH + path.replace("-", "_")
    for interface in (SESSION, PARTICIPANT):
        with pytest.raises(BusError) as caught:
            daemon.call(path, interface, "Refresh")
        assert caught.value.name.startswith("org.freedesktop.DBus.Error.Unknown")
        with pytest.raises(BusError):
            daemon.call(path, PROPERTIES, "GetAll", "s", (interface,))


def test_an_object_has_its_own_interface_only(daemon):
    with pytest.raises(BusError) as caught:
        daemon.call(OBJECTS[SESSION], PARTICIPANT, "GetToken")
    assert caught.value.name in ("org.freedesktop.DBus.Error.UnknownInterface",
                                 "org.freedesktop.DBus.Error.UnknownMethod")
