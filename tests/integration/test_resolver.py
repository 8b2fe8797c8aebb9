# SPDX-License-Identifier: LGPL-2.1-or-later
"""Name servers that change while the daemon runs, in an /etc of its own."""

import os

import pytest

from harness.daemon import Daemon
from harness.network import NameServer, Network
from harness.programs import Folder, program
from harness.simulator import Simulator
from harness.tls import Certificate
from harness.wait import wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can have a network")

MANAGER_PATH = "/org/convened1"
HERE = "10.9.0.1"
NOBODY, SOMEBODY = "127.0.0.2", "127.0.0.3"
NOTED = "The machine has changed: its name servers"
CHANGED = "The network of the machine has changed (its name servers)"

# Where resolv.conf is a link, what it leads to is replaced.
LAYOUTS = {"file": "resolv.conf", "link": "dynamic/resolv.conf"}


class Etc:
    def __init__(self, layout):
        self.folder = Folder()
        self.file = LAYOUTS[layout]
        self.folder.write("nsswitch.conf", "hosts: dns\n", 0o644)
        self.folder.write("passwd", "root:x:0:0::/root:/bin/sh\n", 0o644)
        if layout == "link":
            os.symlink(self.file, self.folder.path("resolv.conf"))
        self.set_server(NOBODY)

    def set_server(self, address, replace=False):
        """Written in its place, or another file instead."""
        text = f"nameserver {address}\noptions timeout:1 attempts:1\n"
        self.folder.write(self.file + ".new" if replace else self.file, text, 0o644)
        if replace:
            os.rename(self.folder.path(self.file + ".new"), self.folder.path(self.file))


@pytest.fixture(name="etc", params=LAYOUTS)
def fixture_etc(request):
    etc = Etc(request.param)
    with etc.folder:
        yield etc


@pytest.fixture(name="server")
def fixture_server():
    with Network() as network:
        network.add(HERE)
        with NameServer(SOMEBODY, HERE) as server:
            yield server


@pytest.fixture(name="daemon")
def fixture_daemon(bus, server, etc):
    """Once it could not reach the API it is in no hurry to try again."""
    assert server
    certificate = Certificate("DNS:api.test,IP:127.0.0.1")
    with Simulator("--listen=0.0.0.0:0", "--tls-cert=" + certificate.certificate,
                   "--tls-key=" + certificate.key, certificate=certificate.certificate) as api:
        api.url = f"https://127.0.0.1:{api.port}"
        daemon = Daemon(bus, base_url=f"https://api.test:{api.port}/v1", config={
            "Api": {"CAFile": certificate.certificate},
            "Reconcile": {"RetryMinSec": 250, "RetryMaxSec": 300, "ResyncIntervalSec": 600}})
        daemon.program = daemon.folder.write("convened", "#!/bin/sh\n"
                                             f"exec unshare --mount sh -c 'mount --bind "
                                             f"{etc.folder.name} /etc && exec \"$0\" \"$@\"' "
                                             f"{program('convened')} \"$@\"\n", 0o700)
        with daemon:
            yield daemon


@pytest.mark.covers("world: name servers")
@pytest.mark.parametrize("replace", [False, True])
def test_another_name_server(daemon, etc, replace):
    """What waits follows at once, and not when the pause is over."""
    path = daemon.create_session(Tag="later", Wait=False)
    daemon.await_property(MANAGER_PATH, "ApiState", "offline")
    etc.set_server(SOMEBODY, replace)
    daemon.await_property(path, "InSync", True)
    assert daemon.log.count(CHANGED) == 1
    assert daemon.properties()["SuspectedOrphans"] == 0


@pytest.mark.covers("world: name servers")
def test_names_are_looked_up_anew(daemon, etc, server):
    """What libcurl remembers of a name was said by a server of before."""
    etc.set_server(SOMEBODY)
    wait_for(lambda: CHANGED in daemon.log)
    daemon.create_session(Tag="s")
    daemon.await_property(MANAGER_PATH, "ApiState", "online")
    n = len(server.names)
    assert set(server.names) == {"api.test"}
    # The same once more says nothing; what differs only in a remark does.
    etc.set_server(SOMEBODY, replace=True)
    etc.folder.write("hosts", "127.0.0.1 localhost\n")
    daemon.create_session(Tag="t")
    assert len(server.names) == n
    etc.set_server(SOMEBODY + "\n# another")
    wait_for(lambda: len(server.names) > n)
    assert daemon.log.count(CHANGED) == daemon.log.count(NOTED) == 2


@pytest.mark.covers("world: name servers")
@pytest.mark.parametrize("etc", ["link"], indirect=True)
def test_a_link_to_elsewhere(daemon, etc):
    """From then on it is that folder that counts."""
    etc.file = "elsewhere/resolv.conf"
    etc.set_server(NOBODY)
    os.symlink(etc.file, etc.folder.path("link"))
    os.rename(etc.folder.path("link"), etc.folder.path("resolv.conf"))
    etc.set_server(NOBODY + "\n# another", replace=True)
    path = daemon.create_session(Tag="later", Wait=False)
    daemon.await_property(MANAGER_PATH, "ApiState", "offline")
    etc.set_server(SOMEBODY, replace=True)
    daemon.await_property(path, "InSync", True)
