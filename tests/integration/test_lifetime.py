# SPDX-License-Identifier: LGPL-2.1-or-later
"""Lifetime=client: an object goes when the bus client that made it leaves the bus."""

import contextlib
import os
import signal

import pytest

from jeepney import DBusAddress, new_method_call

from harness.bus import BusError, PrivateBus, call
from harness.daemon import MANAGER, NAME, PATH, SESSION, Daemon, variants
from harness.stage import P1, P2, S1, S2, Stage
from harness.users import ALICE, BOB, User, open_to_all
from harness.wait import wait_for

CLIENT = {"Lifetime": "client"}
CLIENTS_MAX, CLIENTS_PER_USER_MAX = 200, 50


@pytest.fixture(name="stage")
def fixture_stage():
    with Stage() as stage:
        yield stage


class Client:
    """A client of the bus, which stays until it leaves."""

    def __init__(self, stage):
        self.connection = stage.bus.connect()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.leave()

    @property
    def name(self):
        return self.connection.unique_name

    def create(self, what, **properties):
        return call(self.connection, NAME, PATH, MANAGER, "Create" + what, "a{sv}",
                    (variants({**CLIENT, **properties}),))[0]

    def leave(self):
        self.connection.close()


def posts(stage):
    return len(stage.simulator.requests(method="POST"))


def await_gone(stage, *paths):
    """Gone here, and at the API."""
    ids = {row["Id"] for path, row in everything(stage).items() if path in paths}
    wait_for(lambda: not set(paths) & everything(stage).keys())
    state = stage.simulator.state()
    assert not ids & (state["sessions"].keys() | state["participants"].keys())


def everything(stage):
    return {**stage.list("Sessions")[0], **stage.list("Participants")[0]}


@pytest.mark.covers("lifetime: client", "lifetime: others' participants in a session that goes",
                    "key: Manager.CreateSession Lifetime",
                    "key: Manager.CreateParticipant Lifetime", "property: Session.Lifetime",
                    "property: Participant.Lifetime")
def test_what_a_client_made_goes_with_it(stage):
    with Client(stage) as client:
        session = client.create("Session", Tag="call")
        client.create("Participant", Session=session, SubscriptionMode="session")
        other = stage.participant(Session=session, SubscriptionMode="session")
        assert (session, other) == (S1, P2)
        assert stage.get(S1)["Lifetime"] == stage.get(P1)["Lifetime"] == "client"
        assert stage.get(P2)["Lifetime"] == "persistent"
        ids = stage.get(S1)["Id"], stage.get(P1)["Id"]
        listener = stage.listener()
    with listener:
        listener.until(lambda event: event.brief == "-session/1")
    await_gone(stage, S1, P1)
    state = stage.simulator.state()
    assert not set(ids) & (state["sessions"].keys() | state["participants"].keys())
    # What somebody else had in the session stays, in none.
    assert (stage.get(P2)["State"], stage.get(P2)["Session"]) == ("active", "/")
    assert stage.truth(P2)["sessions"] == []
    assert f"The client {client.name} has left the bus" in stage.daemon.log


@pytest.mark.covers("lifetime: persistent")
def test_persistent_stays(stage):
    with Client(stage) as client:
        client.create("Session", Lifetime="persistent")
        client.create("Session")
    await_gone(stage, S2)
    assert stage.truth(S1)


def test_one_that_reconnects_is_another(stage):
    first = Client(stage)
    first.create("Session")
    with Client(stage) as second:
        second.create("Session")
        first.leave()
        await_gone(stage, S1)
        assert stage.get(S2)["State"] == "active" and stage.truth(S2)
        second.create("Participant", Session=S2)
    await_gone(stage, S2, P1)


@pytest.mark.covers("lifetime: over a restart")
@pytest.mark.parametrize("ends", ["stop", "kill"])
def test_left_while_the_daemon_was_down(stage, ends):
    with Client(stage) as staying:
        with Client(stage) as leaving:
            leaving.create("Session")
            leaving.create("Participant", Session=S1)
            staying.create("Session")
            getattr(stage.daemon, ends)()
        stage.daemon.start()
        await_gone(stage, S1, P1)
        assert stage.get(S2)["State"] == "active" and stage.truth(S2)
        stage.settled()
        assert stage.get(S2)["State"] == "active"
    # It is followed over the restart, too.
    await_gone(stage, S2)


@pytest.mark.covers("lifetime: another bus")
def test_another_bus_means_that_all_have_left(stage):
    with PrivateBus() as other:
        with Client(stage) as client:
            client.create("Session")
            stage.session()
            stage.daemon.stop()
            stage.daemon.bus = other
            # Whoever has the same name there is somebody else.
            names = [other.connect() for _ in range(20)]
            assert client.name in {connection.unique_name for connection in names}
            stage.daemon.start()
            await_gone(stage, S1)
            assert stage.truth(S2)
            for connection in names:
                connection.close()
        stage.daemon.stop()


@pytest.mark.covers("lifetime: a creator that is gone before the intent is durable")
def test_gone_before_it_was_heard(stage):
    """A creator that is gone before the intent is durable: nothing is created."""
    stage.daemon.process.send_signal(signal.SIGSTOP)
    address = DBusAddress(PATH, bus_name=NAME, interface=MANAGER)
    with Client(stage) as client:
        for lifetime in ("client", "persistent"):
            client.connection.send(new_method_call(address, "CreateSession", "a{sv}",
                                                   (variants({"Lifetime": lifetime}),)))
    wait_for(lambda: not stage.bus.has_owner(client.name))
    stage.daemon.process.send_signal(signal.SIGCONT)
    # The other one shows that both were read.
    wait_for(lambda: everything(stage))
    stage.settled()
    assert [row["Lifetime"] for row in everything(stage).values()] == ["persistent"]
    assert posts(stage) == 1 and len(stage.simulator.state()["sessions"]) == 1


@pytest.mark.covers("lifetime: while the API is away")
def test_while_the_api_is_away(stage):
    """Accepted and durable at once, driven when the API is back."""
    with Client(stage) as client:
        client.create("Session")
        stage.simulator.set_faults({"kind": "refuse"})
        stage.daemon.manager("Sync")
        stage.daemon.await_property(PATH, "ApiState", "offline")
        client.create("Participant", Session=S1, Wait=False)
    stage.daemon.await_property(S1, "State", "deleting")
    # Nothing of it was ever sent: it is forgotten at once.
    wait_for(lambda: P1 not in everything(stage))
    stage.daemon.kill()
    stage.daemon.start()
    assert stage.get(S1)["State"] == "deleting"
    stage.simulator.set_faults()
    await_gone(stage, S1)
    assert posts(stage) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_while_the_credentials_are_refused(stage, status):
    with Client(stage) as client:
        client.create("Session")
        stage.simulator.set_faults({"kind": "status", "status": status})
        stage.daemon.manager("Sync")
        stage.daemon.await_property(PATH, "ApiState", "unauthorized")
    stage.daemon.await_property(S1, "State", "deleting")
    stage.simulator.set_faults()
    await_gone(stage, S1)


def test_deleted_before_its_client_left(stage):
    with Client(stage) as client:
        client.create("Session")
        call(client.connection, NAME, S1, SESSION, "Delete", "a{sv}", ({},))
        client.create("Session")
    await_gone(stage, S2)
    assert len(stage.simulator.requests(method="DELETE")) == 2


@pytest.mark.covers("lifetime: so many clients", "error: LimitsExceeded")
def test_so_many_clients_and_no_more(stage):
    """Each costs the daemon a match rule; who leaves, or has nothing left, makes room."""
    clients, sessions = [], []
    try:
        for _ in range(CLIENTS_MAX):
            clients.append(Client(stage))
            sessions.append(clients[-1].create("Session"))
        for n, make_room in enumerate([clients[0].leave, lambda: stage.delete(sessions[1])]):
            clients.append(Client(stage))
            with pytest.raises(BusError) as refused:
                clients[-1].create("Session")
            assert refused.value.name == "org.freedesktop.DBus.Error.LimitsExceeded"
            assert "persistent" in refused.value.message
            clients[-1].create("Session", Lifetime="persistent")
            # One that is followed already may have as many as it likes.
            clients[2].create("Session")
            make_room()
            await_gone(stage, sessions[n])
            clients[-1].create("Session")
    finally:
        for client in clients:
            client.leave()


@pytest.mark.covers("lifetime: so many clients of a user", "error: LimitsExceeded")
@pytest.mark.skipif(os.getuid() != 0, reason="only root can be several users")
def test_so_many_clients_of_a_user(monkeypatch):
    """Others have their places, and root any."""
    open_to_all(monkeypatch)
    with Stage(kind="system") as stage, contextlib.ExitStack() as stack:
        def client(uid):
            return stack.enter_context(contextlib.closing(User(stage.bus, uid)))

        alices = [client(ALICE) for _ in range(CLIENTS_PER_USER_MAX + 1)]
        sessions = [alice.create("Session", **CLIENT) for alice in alices[:-1]]
        with pytest.raises(BusError, match="50 clients of this user") as refused:
            alices[-1].create("Session", **CLIENT)
        assert refused.value.name == "org.freedesktop.DBus.Error.LimitsExceeded"
        assert "persistent" in refused.value.message
        assert alices[0].create("Session", **CLIENT) and client(BOB).create("Session", **CLIENT)
        for _ in range(CLIENTS_PER_USER_MAX + 1):
            client(0).create("Session", **CLIENT)
        # What a restart finds is followed on, and counted.
        stage.daemon.restart()
        assert alices[-1].refused(PATH, MANAGER, "CreateSession", "a{sv}",
                                  (variants(CLIENT),)) == "LimitsExceeded"
        alices[1].close()
        await_gone(stage, sessions[1])
        alices[-1].create("Session", **CLIENT)


def test_on_the_system_bus(bus, simulator):
    with Daemon(bus, base_url=simulator.base_url, kind="system") as daemon:
        connection = bus.connect()
        call(connection, NAME, PATH, MANAGER, "CreateSession", "a{sv}", (variants(CLIENT),))
        assert len(simulator.state()["sessions"]) == 1
        connection.close()
        wait_for(lambda: not daemon.manager("ListSessions", "a{sv}tu", ({}, 0, 0))[0])
        assert not simulator.state()["sessions"]
