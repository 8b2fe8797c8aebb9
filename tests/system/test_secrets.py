# SPDX-License-Identifier: LGPL-2.1-or-later
"""T12: credentials and tokens are found nowhere but in their places."""

import base64
import os
import pathlib
import signal

from harness.daemon import MANAGER, PARTICIPANT, PATH
from harness.wait import wait_for
from machine import CREDENTIAL, STATE, UNIT, User, figure, run, show, systemctl

CANARY = "canary-7d41b0a9"

# What the kernel makes up, and what is the test's own.
NOT_FILES = ("/proc", "/sys", "/dev", "/root/tests")


def files_with(secrets, but):
    """Every readable file of the machine that holds one of them, apart from those."""
    found = []
    for folder, folders, files in os.walk("/"):
        if folder in NOT_FILES:
            folders.clear()
            continue
        for path in (os.path.join(folder, name) for name in files):
            if path in but or not os.path.isfile(path) or os.path.islink(path):
                continue
            content = pathlib.Path(path).read_bytes()
            found += [path for secret in secrets if secret in content]
    return found


def of_process(pid):
    """What others than root and itself can see of a process, and more."""
    return b"\0".join(pathlib.Path(f"/proc/{pid}/{name}").read_bytes()
                      for name in ("cmdline", "environ", "comm", "status"))


def test_canaries(machine):
    credentials = f"user:{CANARY}"
    machine.configure()
    machine.set_credentials(credentials + "\n")
    machine.add_drop_in("[Service]\nExecStart=\nExecStart=/usr/local/sbin/convened --system "
                        "--log-level=debug\n")
    systemctl("start", UNIT)
    alice, bob = machine.users("alice", "bob")
    create = (PATH, MANAGER, "CreateParticipant", "a{sv}", ({},))
    said = [str(error) for error in (alice.error(*create), alice.error(*create))]
    processes = [of_process(show("MainPID"))]
    os.kill(int(show("MainPID")), signal.SIGABRT)
    with User("root") as root:
        wait_for(lambda: show("NRestarts") == "1" and root.service_pid(), 20)
    systemctl("stop", UNIT)

    # with the right ones now, so that there is a token
    machine.set_credentials()
    systemctl("start", UNIT)
    path = alice.call(*create)[0]
    token = alice.call(path, PARTICIPANT, "GetToken")[0]
    said.append(str(bob.error(path, PARTICIPANT, "GetToken")))
    said += [str(user.get(thing)) for user in (alice, bob) for thing in (PATH, path)]
    said.append(str(alice.manager("ListParticipants", "a{sv}tu", ({}, 0, 0))))
    processes.append(of_process(show("MainPID")))
    os.kill(int(show("MainPID")), signal.SIGSEGV)
    wait_for(lambda: show("NRestarts") == "1" and show("ActiveState") == "active", 20)
    said.append(systemctl("status", UNIT, check=False).stdout)
    said.append(run("journalctl", "--sync").stdout)
    said.append(run("journalctl", "--all", "--output=export", "--quiet").stdout)

    secrets = [CANARY.encode(), token.encode(), base64.b64encode(credentials.encode())]
    machine.set_credentials(credentials)
    # the search finds what is to be found
    assert files_with(secrets[:1], ()) == [str(CREDENTIAL)]
    places = files_with(secrets[1:2], ())
    assert places and all(path.startswith(str(STATE)) for path in places)
    assert "Unauthorized" in said[0] and "convened.service" in said[-1]
    found = files_with(secrets, [str(CREDENTIAL), *map(str, STATE.iterdir())])
    found += [text for text in map(str.encode, said) for secret in secrets if secret in text]
    found += [text for text in processes for secret in secrets if secret in text]
    figure(f"T12: secrets found outside their place: {len(found)} (goal 0)")
    assert found == []
