# SPDX-License-Identifier: LGPL-2.1-or-later
"""The sandbox, really in force: the unit runs a probe in place of the daemon, which tries what a
daemon that was taken over would try. Each attempt is the name of an error, or "done"."""

import json
import os
import pathlib
import re
import shutil

import pytest

from machine import MEMBERS, STATE, UNIT, figure, run, show, systemctl

# Where ProtectHome= does not hide it.
PROBE = pathlib.Path("/usr/local/lib/convened-probe.py")
RESULT = STATE / "probe.json"

INSTEAD = f"""[Service]
Type=oneshot
Restart=no
ExecStart=
ExecStart=/usr/bin/python3 -I {PROBE} {RESULT}
"""


@pytest.fixture(name="attempts", scope="module")
def fixture_attempts(module_machine):
    """What the probe could do."""
    shutil.copy(pathlib.Path(__file__).parent / "probe.py", PROBE)
    module_machine.configure()
    module_machine.set_credentials()
    module_machine.add_drop_in(INSTEAD)
    pathlib.Path("/tmp/convened-canary").write_text("of everybody", encoding="utf-8")
    systemctl("start", UNIT)
    assert show("Result") == "success"
    return json.loads(RESULT.read_text(encoding="utf-8"))


@pytest.mark.covers("machine: confinement")
def test_what_it_needs(attempts):
    assert attempts["write its state"] == "done"
    assert attempts["read its credentials"] == "done"
    assert attempts["read its configuration"] == "done"
    assert attempts["open a TCP socket"] == "done"
    assert attempts["ask for routes"] == "done"


@pytest.mark.covers("machine: confinement")
@pytest.mark.parametrize("where", ["/", "/usr", "/etc", "/var", "/var/lib", "/boot", "/root",
                                   "/etc/convened", "/dev", "/run", "/proc/sys/kernel", "/sys"])
def test_writes_nowhere_else(attempts, where):
    assert attempts["write " + where] in ("EROFS", "EACCES", "EPERM", "ENOENT")


def test_write_credentials(attempts):
    assert attempts["change its credentials"] in ("EROFS", "EACCES", "EPERM")


@pytest.mark.parametrize("what", ["/home", "/root", "/run/user"])
def test_homes_are_hidden(attempts, what):
    assert attempts["list " + what] in ("EACCES", "nothing")
    assert all(name not in attempts["list " + what] for name in MEMBERS)


@pytest.mark.covers("machine: confinement")
@pytest.mark.parametrize("what", [
    "open a raw socket", "open a packet socket", "open a vsock", "make a user namespace",
    "make a mount namespace", "mount", "become root", "set the clock", "set the host name",
    "load a module", "reboot", "trace process 1", "open /dev/mem", "open /dev/kmsg",
    "map memory to write and execute", "make memory executable", "chroot", "real-time scheduling",
    "set-user-id file", "another personality", "raise a limit"])
def test_refused(attempts, what):
    assert attempts[what] in ("EPERM", "EACCES", "EAFNOSUPPORT", "ENOENT", "EROFS", "ENOSYS")


def test_sees_no_other_process(attempts):
    assert attempts["other users' processes"] == "nothing"


def test_tmp_is_its_own(attempts):
    assert attempts["read /tmp/convened-canary"] == "ENOENT"


@pytest.mark.covers("machine: confinement")
def test_process_status(machine):
    """The daemon itself, as the kernel sees it."""
    machine.start()
    pid = show("MainPID")
    lines = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[name], 16) == 0
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert "0" not in status["Uid"].split()
    limits = pathlib.Path(f"/proc/{pid}/limits").read_text(encoding="utf-8")
    assert next(line.split()[4:6] for line in limits.splitlines()
                if line.startswith("Max core file size")) == ["0", "0"]
    assert os.stat(f"/proc/{pid}/ns/net").st_ino == os.stat("/proc/1/ns/net").st_ino
    for namespace in ("mnt", "ipc", "user", "uts"):
        assert os.stat(f"/proc/{pid}/ns/{namespace}").st_ino != os.stat(
            f"/proc/1/ns/{namespace}").st_ino


def test_score():
    """T8: on the machine, with what is installed."""
    said = run("systemd-analyze", "security", "--threshold=11", UNIT, check=False)
    score, = re.findall(r"exposure level for \S+: ([0-9.]+)", said.stdout)
    figure(f"T8: systemd-analyze security of the system's unit: {score} (goal 1.1)")
    assert said.returncode == 0 and float(score) <= 1.1, score
