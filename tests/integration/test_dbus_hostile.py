# SPDX-License-Identifier: LGPL-2.1-or-later
"""What nobody sends who means well."""

import contextlib
import os
import time

import pytest
from jeepney import DBusAddress, HeaderFields, MessageType, new_method_call
from jeepney.io.blocking import open_dbus_connection

from harness import bus as private_bus
from harness import hostile
from harness.bus import BusError
from harness.daemon import MANAGER, NAME, PATH, PROPERTIES
from harness.programs import TREE
from harness.stage import S1, Stage
from harness.users import ALICE, BOB, User, open_to_all
from harness.wait import wait_for

OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"


@pytest.fixture(name="stage")
def fixture_stage():
    with Stage() as stage:
        yield stage


@pytest.mark.covers("name: no such object")
@pytest.mark.parametrize("n_bytes", [256, 4 << 20])
def test_long_names(stage, n_bytes):
    """What is not known is not repeated at length."""
    stage.session()
    long, value = "x" * n_bytes, ("s", "")
    for error, member, signature, body in (
            ("UnknownInterface", "Get", "ss", (long, "Tag")),
            ("UnknownInterface", "GetAll", "s", (long,)),
            ("UnknownInterface", "Set", "ssv", (long, "Tag", value)),
            ("UnknownProperty", "Get", "ss", (MANAGER, long)),
            ("UnknownProperty", "Set", "ssv", (MANAGER, long, value))):
        for path in (PATH, S1):
            with pytest.raises(BusError) as refused:
                stage.daemon.call(path, PROPERTIES, member, signature, body)
            assert refused.value.name == "org.freedesktop.DBus.Error." + error
            assert "255 bytes of ASCII" in refused.value.message and len(refused.value.message) < 80


@pytest.mark.covers("name: no such object")
def test_deep_paths(stage):
    """sd-bus would look for what there is at each of the paths above them, for half a second."""
    stage.session()
    before = stage.daemon.cpu_seconds()
    for path in ("/a" * 32000, PATH + "/a" * 32000, S1 + "/1" * 32000):
        for interface, member, signature, body in (
                (MANAGER, "GetSession", "s", ("x",)), (PROPERTIES, "GetAll", "s", (MANAGER,)),
                (OBJECT_MANAGER, "GetManagedObjects", None, ()),
                ("org.freedesktop.DBus.Introspectable", "Introspect", None, ())):
            with pytest.raises(BusError) as refused:
                stage.daemon.call(path, interface, member, signature, body)
            assert refused.value.name == "org.freedesktop.DBus.Error.UnknownObject"
            assert path[:64] in refused.value.message and len(refused.value.message) < 200
        assert stage.daemon.call(path, "org.freedesktop.DBus.Peer", "Ping") == ()
    assert stage.daemon.cpu_seconds() - before < 1


@pytest.mark.without_sanitizers  # they keep for a while what has been freed
def test_memory_is_given_back(stage):
    """Messages of 30 MB, one after the other."""
    stage.session()
    before = stage.daemon.resident_kb()
    for _ in range(4):
        with pytest.raises(BusError, match="InvalidArgs"):
            stage.daemon.manager("CreateSession", "a{sv}", ({"Tag": ("s", "x" * (30 << 20))},))
    wait_for(lambda: stage.daemon.resident_kb() - before < 16 << 10)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can look into the daemon")
def test_descriptors(stage):
    """None comes in, so that nobody can leave them with the daemon."""
    def descriptors():
        return len(os.listdir(f"/proc/{stage.daemon.process.pid}/fd"))

    stage.session()
    before = descriptors()
    connection = open_dbus_connection(bus=stage.bus.address, enable_fds=True)
    with contextlib.closing(connection), open("/dev/null", "rb") as file:
        message = new_method_call(DBusAddress(PATH, bus_name=NAME, interface=MANAGER),
                                  "CreateSession", "a{sv}", ({"Tag": ("h", file)},))
        reply = connection.send_and_get_reply(message, timeout=30)
        assert reply.header.message_type is MessageType.error
        error = reply.header.fields[HeaderFields.error_name]
        assert error == "org.freedesktop.DBus.Error.NotSupported"
        assert descriptors() == before


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be several users")
@pytest.mark.covers("argument: every wrong call", "right: refused")
def test_hostile_calls(monkeypatch):
    """Each gets the error that is right for it, and none has an effect; 100,000 of them are made in
    tests/system."""
    open_to_all(monkeypatch)
    with Stage(kind="system") as stage, contextlib.closing(User(stage.bus, ALICE)) as alice:
        session = alice.create("Session")
        participant = alice.create("Participant", Session=session)
        before = stage.get(session), stage.get(participant)
        with hostile.start(stage.bus.address, os.path.join(TREE, "dbus"), seed=1, calls=5120,
                           window=64, uid=BOB, gid=BOB, groups=[], bulk=True, large=2,
                           foreign={"Session": session, "Participant": participant}) as attack:
            found = hostile.finish(attack)
        assert found["wrong"] == [] and found["calls"] >= 5120
        assert set(found["outcomes"]) == {
            "30 MB", "just deleted", "many objects", "nothing wrong", "others' objects",
            "properties", "wrong argument", "wrong key", "wrong member", "wrong path",
            "wrong types", "wrong value"}
        for old, path in zip(before, (session, participant)):
            assert {name: value for name, value in stage.get(path).items()
                    if name != "SyncedUSec"} == {name: value for name, value in old.items()
                                                 if name != "SyncedUSec"}


# As the system's has it, and smaller: so much of one service it keeps for others.
KEEPS = ('<limit name="max_incoming_bytes">2000000</limit>'
         '<limit name="max_outgoing_bytes">2000000</limit>')


@pytest.mark.covers("daemon: bus that takes nothing")
def test_nobody_reads(monkeypatch):
    """The bus keeps what a client does not read, until it takes no more from us: that is noticed,
    and a new connection begins anew."""
    monkeypatch.setattr(private_bus, "CONFIG",
                        private_bus.CONFIG.replace("<policy", KEEPS + "<policy"))
    with Stage() as stage:
        for _ in range(100):
            stage.daemon.manager("CreateSession", "a{sv}", ({"Wait": ("b", False)},))
        stage.settled()
        deaf = [stage.bus.connect() for _ in range(2)]
        call = new_method_call(DBusAddress(PATH, bus_name=NAME, interface=OBJECT_MANAGER),
                               "GetManagedObjects")
        begin = time.monotonic()
        for _ in range(100):
            for connection in deaf:
                connection.send(call)
        stage.daemon.await_end(expect=1, timeout=60)
        assert time.monotonic() - begin >= 10
        assert "has taken nothing for ten seconds" in stage.daemon.log
        # They still read nothing, and others are served again.
        stage.daemon.start()
        assert wait_for(lambda: stage.get(S1)["State"] == "active")
        for connection in deaf:
            connection.close()
